"""The command that checks a receipt without asking the register."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import msgspec

from registry import settings
from registry.cli import common, main
from registry.errors import CannotAnswer, InvalidInput
from registry.log import signing_keys
from registry.log.web_client import WebClient
from registry.receipts import describe, jwks, receipt_text
from registry.texts import Message, write_bilingual

_KEY_SET = "/.well-known/jwks.json"
_MAX_FILE, _MAX_KEYS = 4 * receipt_text.LONGEST, 1024 * 1024
_TIMEOUT = 20.0


class _SavedAnswer(msgspec.Struct):
    receipt: str | None = None
    answers: list[Any] = []


@main.command()
@click.argument("file", type=click.File("rb"))
@click.option(
    "--keys", metavar="FILE|URL", help=write_bilingual("公钥：jwks.json 文件，或名录网址；默认用本机的密钥文件")
)
@common.as_json
@click.pass_context
def receipt(context: click.Context, file: Any, keys: str | None, json_: bool) -> None:
    """离线核对一份回执：退出码 0 为真实，1 为不真实 / is a receipt genuine? Offline; exits 0 when it is, 1 when not.

    FILE holds the receipt, or the JSON answer it came in; - reads standard input.
    """
    reading = receipt_text.read_receipt(_extract_receipt(file.read(_MAX_FILE + 1)), _load_keys(keys))
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
    for line in Message("真实：由所给公钥的持有者签发，未被改动。今天是否仍然成立，请在线核对。").get_both():
        click.echo(line)
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


def _load_keys(location: str | None) -> list[jwks.PublicKey]:
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
        return [jwks.to_public_key(key) for key in signing_keys.load_keys(path)]
    return jwks.parse_key_set(_fetch_key_set(location) if "://" in location else _read_key_file(location))


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
