"""Commands that ask: search, verify."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TextIO

import click

from registry import settings
from registry.cli import common, detect_language, main, search_explanation
from registry.domain.model import LONGEST_TEXT, Answer, Claim, Person, Provider
from registry.domain.techniques import BY_CODE
from registry.errors import InvalidInput
from registry.records.asof import SHANGHAI
from registry.register import InstitutionHit, SearchRequest, open_register

on_day = click.option("--on", type=common.DayParam(), help="哪一天的情况，默认今天 / which day (today)")
known_at = click.option(
    "--known-at",
    type=common.KnownAtParam(),
    help="只按名录当时所知，默认现在；只写日期即到当天（北京时间）结束 / "
    "as known then (now); a day alone: its end in Shanghai",
)


@main.command()
@click.argument("query")
@click.option("--limit", default=10, show_default=True, type=click.IntRange(1, 500), help="最多几条 / at most")
@on_day
@known_at
@click.option("--explain", is_flag=True, help="怎样理解、各以何分入选 / how it was understood, and what each hit cost")
@common.as_json
def search(
    query: str, limit: int, on: dt.date | None, known_at: dt.datetime | None, explain: bool, json_: bool
) -> None:
    """公众查询所见 / what the public search shows."""
    register = open_register(settings.load())
    found = register.search_institutions(SearchRequest(q=query), register.make_as_of(on, known_at), limit=limit)
    told = register.explain_search(query) if explain else None
    register.close()
    if json_:
        common.print_json(found if told is None else {"result": found, "explained": told})
        return
    if told is not None:
        for line in search_explanation.describe_search(told, limit):
            click.echo(line)
        click.echo()
    if found.warning is not None:
        click.echo(f"任何机构都不得提供：{'、'.join(found.warning.words)}。请向 12345 举报。")
        click.echo("No institution may offer this; please report offers to 12345.")
        return
    more = "以上 / or more" if found.at_least else "家 / institutions"
    click.echo(f"共 {found.total} {more}{_describe_times(on, known_at)}")
    if found.similar:
        click.echo("没有完全相符的；以下各家只是名称相近 / no such name; these only have names like it")
    for item in found.items:
        _print_institution(item)


def _print_institution(item: InstitutionHit) -> None:
    one = item.institution
    offered = "、".join(BY_CODE[a.technique].plain_zh for a in one.approvals)
    standing = "" if one.status == "listed" else f"  [{one.status}]"
    lacks = "".join(f"  未获批 / not approved: {BY_CODE[code].plain_zh}" for code in item.lacks)
    click.echo(
        f"{one.code}  {one.name}{standing}\n           {one.address}\n           {offered}  ({item.match}){lacks}"
    )
    for person in item.practitioners:
        click.echo(f"           {person.name}  {person.role or ''}")


@main.command()
@click.argument("name")
@click.option(
    "--technique", "techniques", multiple=True, help="技术代码或俗称，可重复 / code or everyday word, repeatable"
)
@on_day
@known_at
@click.option("--address", help="所称地址 / the address claimed")
@click.option("--practitioner", help="所称医务人员的姓名 / name of the person said to treat")
@click.option("--ad-certificate", help="医疗广告审查证明文号 / number of the advertising certificate")
@click.option(
    "--text",
    type=click.File("r", encoding="utf-8"),
    help="广告内容的文件，- 为标准输入 / file with the advertisement's wording, - for standard input",
)
@common.as_json
def verify(  # noqa: PLR0913 - one parameter per option
    name: str,
    techniques: tuple[str, ...],
    on: dt.date | None,
    known_at: dt.datetime | None,
    address: str | None,
    practitioner: str | None,
    ad_certificate: str | None,
    text: TextIO | None,
    json_: bool,
) -> None:
    """核验一条：该机构当日是否获准 / one verdict: was it licensed for this, there, on that day?"""
    register = open_register(settings.load())
    register.follow_log()
    claim = Claim(
        provider=Provider(name=name, address=address),
        techniques=list(techniques),
        on=on,
        known_at=known_at,
        practitioner=Person(name=practitioner) if practitioner is not None else None,
        ad_certificate=ad_certificate,
        text=_read_ad_text(text) if text is not None else None,
    )
    found = register.answer_claim(claim, detect_language())
    register.close()
    if json_:
        common.print_json(found)
        return
    click.echo(f"{found.verdict}: {found.explanation}{_describe_times(on, known_at)}")
    if found.match:
        click.echo(f"  {found.match.code}  {found.match.name}  {found.match.address}")
    for candidate in found.candidates:
        click.echo(f"  ? {candidate.code}  {candidate.name}  {candidate.address}")
    for line in _describe_further_answers(found):
        click.echo(f"  {line}")
    click.echo(f"  日志 / log {found.log.size}  {found.log.root[:16]}")


def _read_ad_text(file: TextIO) -> str:
    """An advertisement's wording from a file, within the limit of a claim."""
    try:
        text = file.read(LONGEST_TEXT + 1)
    except UnicodeDecodeError as error:
        raise InvalidInput("文本不是 UTF-8 编码。", "The text is not UTF-8.") from error
    if len(text) > LONGEST_TEXT:
        raise InvalidInput(
            f"文本太长，最多{LONGEST_TEXT}个字符，请分段核验。",
            f"The text is too long, at most {LONGEST_TEXT} characters; check it in parts.",
        )
    return text


def _describe_further_answers(found: Answer) -> Iterator[str]:
    """The answers beside the licence, a line each: of the person, the certificate, the wording."""
    if found.practitioner:
        yield f"人员 / person {found.practitioner.verdict}: {found.practitioner.explanation}"
    if found.ad_certificate:
        yield f"广告审查证明 / certificate {found.ad_certificate.verdict}: {found.ad_certificate.explanation}"
    for flag in found.content_flags:
        code = f" ({flag.technique})" if flag.technique else ""
        yield f"内容 / wording {flag.kind}{code}: {flag.text}  [{flag.start}:{flag.end}]"


def _describe_times(on: dt.date | None, known_at: dt.datetime | None) -> str:
    """Says in words what was asked of another time than now: an old answer must not read as today's."""
    said = [f"{on} 的情况 / on that day"] if on else []
    if known_at:
        shown = known_at.astimezone(SHANGHAI).isoformat(sep=" ", timespec="seconds")
        said.append(f"只按截至 {shown} 所知 / as known by then")
    return f"  [{'；'.join(said)}]" if said else ""
