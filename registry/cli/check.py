"""The command that answers a file of claims from the local register."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import click

from registry import settings
from registry.cli import common, detect_language, main
from registry.errors import InvalidInput, UnreadableFile
from registry.register import open_register
from registry.texts import Message, write_bilingual

if TYPE_CHECKING:  # these take a while to import
    from registry.batch.answer_stream import AnswerWriter, Tally
    from registry.batch.batch import Batch
    from registry.batch.claim_rows import AnswerLayout
    from registry.batch.column_notes import ColumnNotes
    from registry.batch.job import ClaimsFormat

_FORMATS = ("csv", "xlsx", "ndjson")
#: The command limits rows only as a sheet does.
_MAX_ROWS = 1_048_575
_PROGRESS_EVERY = 100  # rows


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help=write_bilingual("写到此文件"),
)
@click.option("--receipt", is_flag=True, help=write_bilingual("每行附回执，一次签名"))
def check(file: Path, out: Path | None, receipt: bool) -> None:
    """核验一份清单：csv、xlsx 或 ndjson，原行之后加上结论 / a file of claims -> the same rows with verdicts.

    不写 -o 则输出到标准输出（xlsx 输出为 csv）；有误的行不影响其他行 / without -o on standard output (xlsx as csv);
    a bad row does not stop the others.
    """
    claims_format, answers_format = _choose_formats(file, out)
    register = open_register(settings.load())
    try:
        register.follow_log()
        with file.open("rb") as source, common.show_progress() as report_progress:
            batch = register.make_batch(detect_language())
            if receipt:
                batch.require_receipts()
            options = _CheckOptions(claims_format, answers_format, receipt)
            tally, notes = _answer_file(source, options, out, batch, report_progress)
    except OSError as error:
        raise UnreadableFile(
            Message("无法读写文件：{strerror}（{filename}）", strerror=error.strerror, filename=error.filename),
        ) from error
    finally:
        register.close()
    for message in notes.list_messages():
        common.print_both(message, err=out is None)
    _print_tally(tally, out)


def _choose_formats(file: Path, out: Path | None) -> tuple[ClaimsFormat, str]:
    """Return the formats of the file and of the answers; InvalidInput where OUT cannot be written from this file."""
    from registry.batch.job import detect_format

    try:
        with file.open("rb") as opened_file:
            claims_format = detect_format(opened_file.read(64))
    except OSError as error:
        raise UnreadableFile(Message("无法读取 {file}：{strerror}", file=file, strerror=error.strerror)) from error
    if out is None:
        return claims_format, "ndjson" if claims_format == "ndjson" else "csv"
    answers_format = out.suffix.lower().removeprefix(".")
    if answers_format not in _FORMATS or (answers_format == "ndjson") != (claims_format == "ndjson"):
        possible = ".ndjson" if claims_format == "ndjson" else ".csv / .xlsx"
        raise InvalidInput(
            Message(
                "{file_name} 的结果只能写成 {possible}，而不是 {out_name}。",
                file_name=file.name,
                possible=possible,
                out_name=out.name,
            ),
        )
    if out.exists() and out.samefile(file):
        raise InvalidInput(Message("结果不能写回原文件，请换一个名称。"))
    return claims_format, answers_format


class _CheckOptions(NamedTuple):
    """The formats of claims and answers, and whether these have receipts."""

    claims_format: ClaimsFormat
    answers_format: str
    receipts: bool


def _answer_file(
    source: IO[bytes],
    options: _CheckOptions,
    out: Path | None,
    batch: Batch,
    report_progress: Callable[[str, int], None],
) -> tuple[Tally, ColumnNotes]:
    from registry.batch.answer_stream import CsvAnswerWriter, JsonAnswerWriter
    from registry.batch.job import answer_file
    from registry.batch.xlsx_sheets import XlsxAnswerWriter

    def make_writer(layout: Callable[[], AnswerLayout]) -> AnswerWriter[Any]:
        if options.answers_format == "xlsx" and part is not None:
            return XlsxAnswerWriter(batch, layout, part, options.receipts)
        if options.answers_format == "ndjson":
            return JsonAnswerWriter(batch, receipts=options.receipts)
        return CsvAnswerWriter(batch, layout, options.receipts)

    with _hold_part_file(out) as part:
        writer, pieces, notes = answer_file(source, options.claims_format, make_writer, _MAX_ROWS)
        with closing(writer):
            if options.answers_format == "xlsx":
                _write_pieces(pieces, writer, None, report_progress)
            elif part is None:
                with click.open_file("-", "wb") as standard:
                    _write_pieces(pieces, writer, standard, report_progress)
            else:
                with part.open("wb") as target:
                    _write_pieces(pieces, writer, target, report_progress)
    return writer.tally, notes


def _write_pieces(
    pieces: Iterator[bytes],
    writer: AnswerWriter[Any],
    target: IO[bytes] | None,
    report_progress: Callable[[str, int], None],
) -> None:
    for piece in pieces:
        if target is not None:
            target.write(piece)
        if writer.tally.rows % _PROGRESS_EVERY == 0:
            report_progress("verify", writer.tally.rows)
    if target is not None:
        target.flush()


@contextmanager
def _hold_part_file(out: Path | None) -> Iterator[Path | None]:
    """Yield a file next to OUT that takes its name once it is complete; None without OUT."""
    if out is None:
        yield None
        return
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)


def _print_tally(tally: Tally, out: Path | None) -> None:
    """Print how many rows there were, with which verdicts, and how many with errors."""
    verdicts = "、".join(f"{word} {number:,}" for word, number in tally.verdicts.most_common())
    cut = write_bilingual("；超过 {max_rows:,} 行，其余未核验", max_rows=_MAX_ROWS) if tally.cut else ""
    click.echo(
        f"{tally.rows:,} "
        + write_bilingual("行")
        + f"：{verdicts or '-'}；"
        + write_bilingual("有误")
        + f" {tally.errors:,}{cut}",
        err=out is None,
    )
