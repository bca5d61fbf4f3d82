"""Commands that check what others hold: check answers a file of claims, receipt checks a receipt offline."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import click
import msgspec

from registry import settings
from registry.cli import common, detect_language, main
from registry.errors import CannotAnswer, InvalidInput, UnreadableFile
from registry.log import signing_keys
from registry.log.remote_log import WebClient
from registry.measures.letters import letter_text
from registry.receipts import describe, jws, receipt_text
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


@main.command(
    help=common.write_help(
        Message("核验一份清单：csv、xlsx 或 ndjson，原行之后加上结论"),
        Message("不写 -o 则输出到标准输出（xlsx 输出为 csv）；有误的行不影响其他行"),
    )
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), help=write_bilingual("写到此文件"))
@click.option("--receipt", is_flag=True, help=write_bilingual("每行附回执，一次签名"))
def check(file: Path, out: Path | None, receipt: bool) -> None:
    """Answer a file of claims: the same rows with verdicts."""
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
            Message("无法读写文件：{strerror}（{filename}）", strerror=error.strerror, filename=error.filename)
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
            )
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
        target: AbstractContextManager[IO[bytes] | None] = nullcontext()  # a sheet is written by its writer
        if options.answers_format != "xlsx":
            target = click.open_file("-", "wb") if part is None else part.open("wb")
        with closing(writer), target as file:
            for piece in pieces:
                if file is not None:
                    file.write(piece)
                if writer.tally.rows % _PROGRESS_EVERY == 0:
                    report_progress("verify", writer.tally.rows)
            if file is not None:
                file.flush()
    return writer.tally, notes


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
    errors = f"{write_bilingual('有误')} {tally.errors:,}{cut}"
    click.echo(f"{tally.rows:,} {write_bilingual('行')}：{verdicts or '-'}；{errors}", err=out is None)


_KEY_SET = "/.well-known/jwks.json"
_MAX_FILE, _MAX_KEYS = 4 * receipt_text.LONGEST, 1024 * 1024
_TIMEOUT = 20.0


class _SavedAnswer(msgspec.Struct):
    receipt: str | None = None
    answers: list[Any] = []


@main.command(
    help=common.write_help(
        Message("离线核对一份回执或证明函：退出码 0 为真实，1 为不真实"),
        Message("FILE 为回执、附有回执的 JSON 答复、证明函的 PDF 或其 json；- 为标准输入"),
        Message("证明函：--keys 为网址时，还会询问所答今天是否仍然成立"),
    )
)
@click.argument("file", type=click.File("rb"))
@click.option(
    "--keys", metavar="FILE|URL", help=write_bilingual("公钥：jwks.json 文件，或名录网址；默认用本机的密钥文件")
)
@common.as_json
@click.pass_context
def receipt(context: click.Context, file: Any, keys: str | None, json_: bool) -> None:
    """Check whether a receipt is genuine, offline; exit 0 when it is, 1 when not."""
    raw = file.read(letter_text.LONGEST + 1)
    if letter_text.is_letter(raw):
        from registry.cli.letters import report_letter

        context.exit(report_letter(raw, load_keys(keys), keys, json_))
    reading = receipt_text.read_receipt(_extract_receipt(raw), load_keys(keys))
    if json_:
        common.print_json(
            {"genuine": reading.receipt is not None, "reason": reading.reason, "receipt": reading.receipt}
        )
    elif reading.receipt is not None:
        _print_receipt(reading.receipt)
    else:
        _print_refusal(reading)
    context.exit(0 if reading.receipt is not None else 1)


def _print_receipt(it: receipt_text.Receipt) -> None:
    common.print_both(Message("真实：由所给公钥的持有者签发，未被改动。今天是否仍然成立，请在线核对。"))
    for lang in ("zh-CN", "en"):
        click.echo()
        for label, words in describe.describe_receipt(it, lang):
            click.echo(Message("{label}：{words}", label=label, words=words).to_text(lang))


def _print_refusal(reading: receipt_text.ReceiptReading) -> None:
    common.print_both(Message("不真实，不能作为凭据：{reason}。", reason=describe.REASONS[reading.reason or "altered"]))
    if reading.claims_from:
        chinese, english = Message("自称签发者（未经证实）").get_both()
        click.echo(f"{chinese}/ {english}: {reading.claims_from}")


def _extract_receipt(raw: bytes) -> str:
    """Return the receipt in a file: its text alone, or the ``receipt`` of a JSON answer."""
    if len(raw) > _MAX_FILE:
        raise InvalidInput(Message("文件过大，不是回执。"))
    raw = raw.removeprefix(b"\xef\xbb\xbf").lstrip()
    if raw.startswith(b"{"):
        try:
            answer = msgspec.json.decode(raw, type=_SavedAnswer)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            answer = _SavedAnswer()
        if not answer.receipt and (answer.answers or b"\n{" in raw):
            raise InvalidInput(
                Message("这份文件有多个答复，各有自己的回执；请把其中一行的回执（receipt）存成文件再核对。")
            )
        if not answer.receipt:
            raise InvalidInput(Message('这份 JSON 中没有回执（receipt 为空）；提问时须带 "receipt": true。'))
        return answer.receipt
    return raw.decode("utf-8", errors="replace")


def load_keys(location: str | None) -> list[jws.PublicKey]:
    """Return the keys to check with; InvalidInput or CannotAnswer without any, which says nothing of the receipt."""
    if location is None:
        path = settings.load().get_key_file()
        if not path.exists():
            raise InvalidInput(
                Message(
                    "本机没有密钥文件 {path}；请用 --keys 指明名录网址或其 {key_set} 文件。",
                    path=path,
                    key_set=_KEY_SET,
                )
            )
        return [jws.to_public_key(key) for key in signing_keys.load_keys(path)]
    return jws.parse_key_set(_fetch_key_set(location) if "://" in location else _read_key_file(location))


def _read_key_file(file_name: str) -> bytes:
    try:
        with Path(file_name).open("rb") as file:
            return file.read(_MAX_KEYS)
    except OSError as error:
        raise InvalidInput(
            Message("无法读取 {file_name}：{strerror}。", file_name=file_name, strerror=error.strerror)
        ) from error


def _fetch_key_set(url: str) -> bytes:
    """Fetch a key set: at this address, or below it when the address has no path."""
    address = url.rstrip("/") + ("" if urlsplit(url).path.strip("/") else _KEY_SET)
    web = WebClient(_TIMEOUT)
    try:
        raw = web.fetch_file(address, _MAX_KEYS)
    finally:
        web.close()
    if raw is None:
        raise CannotAnswer(Message("{address} 处没有公钥。", address=address))
    return raw
