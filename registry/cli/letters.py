"""The command that gives evidence letters, and the checking of one."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import msgspec

from registry import accounts, settings
from registry.cli import common, main
from registry.errors import CannotAnswer, InvalidInput, NotAllowed
from registry.log.remote_log import WebClient
from registry.measures.letters import letter_text, letter_words
from registry.measures.letters.service import ROLES, LetterRequest
from registry.receipts import describe
from registry.receipts.jws import PublicKey
from registry.records import asof
from registry.register import Register, open_register
from registry.storage import rights
from registry.texts import Message, write_bilingual

_TIMEOUT = 20.0
_CHECK = "/api/v1/receipts/check"


@main.command(
    "letter",
    help=common.write_help(
        Message("出具证明函：某机构、某名称或某人员在某日的名录记载，供公安、法院、检察院使用"),
        Message("写出 NUMBER.pdf 与 NUMBER.json；用 registry receipt 离线核对"),
    ),
)
@click.argument("about", metavar="CODE|NAME")
@click.option("--on", type=common.DayParam(), required=True, help=write_bilingual("所问日期"))
@click.option(
    "--known-at",
    type=common.InstantParam(asof.get_day_end, "2025-07-01"),
    help=write_bilingual("只按截至此时所知；另附按现在所知的答复"),
)
@click.option("--person", metavar="NAME", help=write_bilingual("在该机构执业的人员"))
@click.option("--for", "authority", default="", metavar="TEXT", help=write_bilingual("致送的机关"))
@click.option("--case", "reference", default="", metavar="TEXT", help=write_bilingual("该机关的案号，不写案情"))
@click.option("--lang", type=click.Choice(["zh-CN", "en"]), default="zh-CN", show_default=True)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=".",
    show_default=True,
    help=write_bilingual("文件夹"),
)
@common.by_user
@common.as_json
def give_letter(  # noqa: PLR0913 - one parameter per option
    about: str,
    on: dt.date,
    known_at: dt.datetime | None,
    person: str | None,
    authority: str,
    reference: str,
    lang: str,
    out: Path,
    by: str | None,
    json_: bool,
) -> None:
    """Give an evidence letter."""
    request = LetterRequest(
        about=about, on=on, known_at=known_at, person=person, authority=authority, reference=reference, lang=lang
    )
    register = open_register(settings.load())
    try:
        register.follow_log()
        if by is not None:
            _require_giver(register, by)
        given = register.letters.give_letter(request, by or accounts.SHELL)
    finally:
        register.close()
    with rights.use_callers_umask():  # it is made to be handed on
        out.mkdir(parents=True, exist_ok=True)
        paths = [out / f"{given.letter.number}{suffix}" for suffix in (".pdf", ".json")]
        for path, content in zip(paths, (given.pdf, given.file), strict=True):
            path.write_bytes(content)
    verdicts = [answer.verdict for answer in given.answers]
    result = {"number": given.letter.number, "verdicts": verdicts, "files": [str(path) for path in paths]}
    words = "、".join(describe.describe_verdict(verdict, "zh-CN") for verdict in verdicts)
    lines = [f"{write_bilingual('证明函')} {given.letter.number}: {words}", *(str(path) for path in paths)]
    common.print_result(result, lines, json_)


def _require_giver(register: Register, by: str) -> None:
    """Raise NotAllowed unless the account is there, in use, and of a role that may give letters."""
    with register.database.reading() as connection:
        account = accounts.get_account(connection, by)
    if account.disabled or not account.roles & set(ROLES):
        raise NotAllowed(Message("账号“{by}”不能出具证明函：已停用，或没有所需的角色。", by=by))


def report_letter(raw: bytes, keys: list[PublicKey], location: str | None, json_: bool) -> int:
    """Print whether a letter is genuine and what it says; with the register's address also what still holds. The exit
    status.
    """
    reading = letter_text.read_letter(raw, keys)
    if reading.letter is None:
        if json_:
            common.print_json({"genuine": False, "reason": reading.reason})
        else:
            reason = describe.REASONS[reading.reason or "altered"]
            common.print_both(Message("不真实，不能作为凭据：{reason}。", reason=reason))
        return 1
    now = _ask_register(location, reading.letter.receipts[-1]) if location and "://" in location else None
    if json_:
        status = letter_words.encode_status(reading.letter)
        common.print_json(
            {"genuine": True, "reason": None, "pdf": reading.pdf, "letter": status, "receipts": reading.receipts}
            | ({} if now is None else {"still_true": now.get("still_true"), "answer_now": now.get("answer_now")})
        )
        return 0
    _print_letter(reading)
    if now is not None:
        _print_present(now)
    return 0


def _print_letter(reading: letter_text.LetterReading) -> None:
    assert reading.letter is not None  # noqa: S101 - a genuine one
    if reading.pdf:
        common.print_both(Message("真实：PDF 全文与所附回执均由所给公钥的持有者签发，未被改动；所附记录都在日志中。"))
    else:
        common.print_both(Message("真实：回执由所给公钥的持有者签发，未被改动；所附记录都在日志中。未核对 PDF 页面。"))
    for lang in ("zh-CN", "en"):
        click.echo()
        lines = list(letter_words.describe_status(reading.letter, lang))
        for receipt in reading.receipts:
            lines += describe.describe_receipt(receipt, lang)
        for label, words in lines:
            click.echo(Message("{label}：{words}", label=label, words=words).to_text(lang))


def _print_present(now: dict[str, Any]) -> None:
    click.echo()
    if now.get("still_true") is None:
        common.print_both(Message("今天是否仍然成立：名录没有回答。"))
    elif now["still_true"]:
        common.print_both(Message("今天仍然成立：对同一日期，名录现在的答复相同。"))
    else:
        verdict = (now.get("answer_now") or {}).get("verdict", "")
        words = describe.VERDICTS.get(verdict, Message("无法回答"))
        common.print_both(Message("已不成立：对同一日期，名录现在的答复是“{words}”。函本身仍然真实。", words=words))


def _ask_register(location: str, receipt: str) -> dict[str, Any]:
    """Ask the register at an address whether an answer still holds; nothing known where it does not answer."""
    parts = urlsplit(location)
    web = WebClient(_TIMEOUT)
    try:
        answer = web.fetch_answer(f"{parts.scheme}://{parts.netloc}{_CHECK}", {"receipt": receipt})
        return dict(msgspec.json.decode(answer))
    except (CannotAnswer, InvalidInput, msgspec.DecodeError, ValueError):
        return {}
    finally:
        web.close()
