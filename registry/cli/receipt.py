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

_KEY_SET = "/.well-known/jwks.json"
_MAX_FILE, _MAX_KEYS = 4 * receipt_text.LONGEST, 1024 * 1024
_TIMEOUT = 20.0


class _SavedAnswer(msgspec.Struct):
    receipt: str | None = None
    answers: list[Any] = []


@main.command()
@click.argument("file", type=click.File("rb"))
@click.option(
    "--keys",
    metavar="FILE|URL",
    help="公钥：jwks.json 文件，或名录网址；默认用本机的密钥文件 / "
    "the published keys: a jwks.json, or the register's address; the key file of this machine unless given",
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
    click.echo("真实：由所给公钥的持有者签发，未被改动。今天是否仍然成立，请在线核对。")
    click.echo("Genuine: signed by the holder of the keys given, and not altered. Whether it still holds, ask online.")
    for english in (False, True):
        click.echo()
        for label, words in describe.describe_receipt(it, english):
            click.echo(f"{label}: {words}" if english else f"{label}：{words}")


def _print_refusal(reading: receipt_text.ReceiptReading) -> None:
    zh, en = describe.REASONS[reading.reason or "altered"]
    click.echo(f"不真实，不能作为凭据：{zh}。")
    click.echo(f"Not genuine, proves nothing: {en}.")
    if reading.claims_from:
        click.echo(f"自称签发者（未经证实）/ says it is from (unproven): {reading.claims_from}")


def _extract_receipt(raw: bytes) -> str:
    """Return the receipt in a file: its text alone, or the ``receipt`` of a JSON answer."""
    if len(raw) > _MAX_FILE:
        raise InvalidInput("文件过大，不是回执。", "The file is too large for a receipt.")
    raw = raw.removeprefix(b"\xef\xbb\xbf").lstrip()
    if raw.startswith(b"{"):
        try:
            answer = msgspec.json.decode(raw, type=_SavedAnswer)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            answer = _SavedAnswer()
        if not answer.receipt and (answer.answers or b"\n{" in raw):
            raise InvalidInput(
                "这份文件有多个答复，各有自己的回执；请把其中一行的回执（receipt）存成文件再核对。",
                "This file holds many answers, each with its own receipt: save the receipt of one row, and check that.",
            )
        if not answer.receipt:
            raise InvalidInput(
                '这份 JSON 中没有回执（receipt 为空）；提问时须带 "receipt": true。',
                'There is no receipt in this JSON; ask with "receipt": true.',
            )
        return answer.receipt
    return raw.decode("utf-8", errors="replace")


def _load_keys(location: str | None) -> list[jwks.PublicKey]:
    """Return the keys to check with; InvalidInput or CannotAnswer without any, which says nothing of the receipt."""
    if location is None:
        path = settings.load().get_key_file()
        if not path.exists():
            raise InvalidInput(
                f"本机没有密钥文件 {path}；请用 --keys 指明名录网址或其 {_KEY_SET} 文件。",
                f"There is no key file {path} here; give the register's address, or its {_KEY_SET}, with --keys.",
            )
        return [jwks.to_public_key(key) for key in signing_keys.load_keys(path)]
    return jwks.parse_key_set(_fetch_key_set(location) if "://" in location else _read_key_file(location))


def _read_key_file(file_name: str) -> bytes:
    try:
        with Path(file_name).open("rb") as file:
            return file.read(_MAX_KEYS)
    except OSError as error:
        raise InvalidInput(
            f"无法读取 {file_name}：{error.strerror}。", f"{file_name} cannot be read: {error.strerror}."
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
        raise CannotAnswer(f"{address} 处没有公钥。", f"There are no keys at {address}.")
    return raw
