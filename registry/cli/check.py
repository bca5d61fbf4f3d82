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

if TYPE_CHECKING:  # what reads and writes files takes a while to import
    from registry.batch.answer_stream import AnswerWriter, Tally
    from registry.batch.batch import Batch
    from registry.batch.claim_rows import AnswerLayout
    from registry.batch.job import ClaimsFormat

_FORMS = ("csv", "xlsx", "ndjson")
#: The command has no limit of rows but the one of a sheet.
_MOST = 1_048_575
_EVERY = 100  # rows between two reports of progress


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="写到此文件 / write here (.csv, .xlsx, .ndjson)",
)
@click.option("--receipt", is_flag=True, help="每行附回执，一次签名 / a receipt for each row under one signature")
def check(file: Path, out: Path | None, receipt: bool) -> None:
    """核验一份清单：csv、xlsx 或 ndjson，原行之后加上结论 / a file of claims -> the same rows with verdicts.

    不写 -o 则输出到标准输出（xlsx 输出为 csv）；有误的行不影响其他行 / without -o on standard output (xlsx as csv);
    a bad row does not stop the others.
    """
    given, wanted = _choose_formats(file, out)
    register = open_register(settings.load())
    try:
        register.follow_log()
        with file.open("rb") as source, common.show_progress() as told:
            batch = register.make_batch(detect_language())
            if receipt:
                batch.require_receipts()
            tally = _answer_file(source, _CheckOptions(given, wanted, receipt), out, batch, told)
    except OSError as error:
        raise UnreadableFile(
            f"无法读写文件：{error.strerror}（{error.filename}）",
            f"Cannot read or write: {error.strerror} ({error.filename})",
        ) from error
    finally:
        register.close()
    _print_tally(tally, out)


def _choose_formats(file: Path, out: Path | None) -> tuple[ClaimsFormat, str]:
    """(form of the file, form of the answers); InvalidInput where OUT cannot be written from this file."""
    from registry.batch.job import detect_format

    try:
        with file.open("rb") as opened_file:
            given = detect_format(opened_file.read(64))
    except OSError as error:
        raise UnreadableFile(f"无法读取 {file}：{error.strerror}", f"Cannot read {file}: {error.strerror}") from error
    if out is None:
        return given, "ndjson" if given == "ndjson" else "csv"
    wanted = out.suffix.lower().removeprefix(".")
    if wanted not in _FORMS or (wanted == "ndjson") != (given == "ndjson"):
        able = ".ndjson" if given == "ndjson" else ".csv / .xlsx"
        raise InvalidInput(
            f"{file.name} 的结果只能写成 {able}，而不是 {out.name}。",
            f"The answers to {file.name} are written as {able}, not as {out.name}.",
        )
    if out.exists() and out.samefile(file):
        raise InvalidInput("结果不能写回原文件，请换一个名称。", "Write the answers to another file than the claims.")
    return given, wanted


class _CheckOptions(NamedTuple):
    """The form of the claims, that of the answers, and whether these have receipts."""

    claims_format: ClaimsFormat
    answers_format: str
    receipts: bool


def _answer_file(
    source: IO[bytes], wanted: _CheckOptions, out: Path | None, batch: Batch, told: Callable[[str, int], None]
) -> Tally:
    from registry.batch.answer_stream import CsvAnswerWriter, JsonAnswerWriter
    from registry.batch.job import answer_file
    from registry.batch.xlsx_sheets import XlsxAnswerWriter

    def make_form(layout: Callable[[], AnswerLayout]) -> AnswerWriter[Any]:
        if wanted.answers_format == "xlsx" and part is not None:
            return XlsxAnswerWriter(batch, layout, part, wanted.receipts)
        if wanted.answers_format == "ndjson":
            return JsonAnswerWriter(batch, receipts=wanted.receipts)
        return CsvAnswerWriter(batch, layout, wanted.receipts)

    with _hold_part_file(out) as part:
        form, pieces = answer_file(source, wanted.claims_format, make_form, _MOST)
        with closing(form):
            if wanted.answers_format == "xlsx":
                _write_pieces(pieces, form, None, told)
            elif part is None:
                with click.open_file("-", "wb") as standard:
                    _write_pieces(pieces, form, standard, told)
            else:
                with part.open("wb") as target:
                    _write_pieces(pieces, form, target, told)
    return form.tally


def _write_pieces(
    pieces: Iterator[bytes], form: AnswerWriter[Any], target: IO[bytes] | None, told: Callable[[str, int], None]
) -> None:
    for piece in pieces:
        if target is not None:
            target.write(piece)
        if form.tally.rows % _EVERY == 0:
            told("verify", form.tally.rows)
    if target is not None:
        target.flush()


@contextmanager
def _hold_part_file(out: Path | None) -> Iterator[Path | None]:
    """A file beside OUT that takes its name once it is complete; None without OUT."""
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
    """The last line: how many rows, of which verdicts, how many with errors."""
    counted = "、".join(f"{word} {number:,}" for word, number in tally.verdicts.most_common())
    cut = f"；超过 {_MOST:,} 行，其余未核验 / rows beyond the limit were not checked" if tally.cut else ""
    told = f"{tally.rows:,} 行 / rows：{counted or '-'}；有误 / with errors {tally.errors:,}{cut}"
    click.echo(told, err=out is None)
