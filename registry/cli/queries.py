"""Commands that query the register: search, verify."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TextIO

import click

from registry import settings
from registry.cli import common, detect_language, main
from registry.domain import regions
from registry.domain.model import LONGEST_TEXT, Answer, Claim, Person, Provider
from registry.domain.techniques import BY_CODE
from registry.errors import InvalidInput
from registry.institutions.search import SearchExplanation
from registry.records.asof import SHANGHAI, get_day_end
from registry.register import InstitutionHit, SearchRequest, open_register
from registry.search.readings import Hit, QueryReading, Understood

on_day = click.option("--on", type=common.DayParam(), help="哪一天的情况，默认今天 / which day (today)")
known_at = click.option(
    "--known-at",
    type=common.InstantParam(get_day_end, "2025-07-01"),
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
    result = register.search_institutions(SearchRequest(q=query), register.make_as_of(on, known_at), limit=limit)
    explanation = register.explain_search(query) if explain else None
    register.close()
    if json_:
        common.print_json(result if explanation is None else {"result": result, "explained": explanation})
        return
    if explanation is not None:
        for line in _describe_search(explanation, limit):
            click.echo(line)
        click.echo()
    if result.warning is not None:
        click.echo(f"任何机构都不得提供：{'、'.join(result.warning.words)}。请向 12345 举报。")
        click.echo("No institution may offer this; please report offers to 12345.")
        return
    unit = "以上 / or more" if result.at_least else "家 / institutions"
    click.echo(f"共 {result.total} {unit}{_describe_times(on, known_at)}")
    if result.similar:
        click.echo("没有完全相符的；以下各家只是名称相近 / no such name; these only have names like it")
    for item in result.items:
        _print_institution(item)


def _print_institution(item: InstitutionHit) -> None:
    it = item.institution
    offered = "、".join(BY_CODE[approval.technique].plain_zh for approval in it.approvals)
    status = "" if it.status == "listed" else f"  [{it.status}]"
    lacks = "".join(f"  未获批 / not approved: {BY_CODE[code].plain_zh}" for code in item.lacks)
    click.echo(f"{it.code}  {it.name}{status}\n           {it.address}\n           {offered}  ({item.match}){lacks}")
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
    answer = register.answer_claim(claim, detect_language())
    register.close()
    if json_:
        common.print_json(answer)
        return
    click.echo(f"{answer.verdict}: {answer.explanation}{_describe_times(on, known_at)}")
    if answer.match:
        click.echo(f"  {answer.match.code}  {answer.match.name}  {answer.match.address}")
    for candidate in answer.candidates:
        click.echo(f"  ? {candidate.code}  {candidate.name}  {candidate.address}")
    for line in _describe_further_answers(answer):
        click.echo(f"  {line}")
    click.echo(f"  日志 / log {answer.log.size}  {answer.log.root[:16]}")


def _read_ad_text(file: TextIO) -> str:
    """Read an advertisement's wording; InvalidInput where it is not UTF-8 or longer than a claim may be."""
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


def _describe_further_answers(answer: Answer) -> Iterator[str]:
    """Describe, a line each, what is answered of the person, the certificate and the wording."""
    if answer.practitioner:
        yield f"人员 / person {answer.practitioner.verdict}: {answer.practitioner.explanation}"
    if answer.ad_certificate:
        yield f"广告审查证明 / certificate {answer.ad_certificate.verdict}: {answer.ad_certificate.explanation}"
    for flag in answer.content_flags:
        code = f" ({flag.technique})" if flag.technique else ""
        yield f"内容 / wording {flag.kind}{code}: {flag.text}  [{flag.start}:{flag.end}]"


def _describe_times(on: dt.date | None, known_at: dt.datetime | None) -> str:
    """Describe the times that were asked for other than now: an old answer must not read as today's."""
    parts = [f"{on} 的情况 / on that day"] if on else []
    if known_at:
        shown = known_at.astimezone(SHANGHAI).isoformat(sep=" ", timespec="seconds")
        parts.append(f"只按截至 {shown} 所知 / as known by then")
    return f"  [{'；'.join(parts)}]" if parts else ""


# --- how a question was understood ------------------------------------------------------------------------------------


def _describe_search(explanation: SearchExplanation, limit: int) -> Iterator[str]:
    """Describe the readings of a question, what each stage fetched, and at most ``limit`` hits with their costs."""
    query = explanation.query
    if query.is_meaningless:
        yield "没有可查的字 / nothing in it to look for"
        return
    yield "理解 / readings (加分越少越好 / less is better):"
    if query.listing is not None:
        first = "，先于名称 / before any name" if query.listing_first else ""
        yield f"  {_describe_reading(query.listing)}{first}"
    for reading in query.readings:
        yield f"  {_describe_reading(reading)}  +{reading.cost:.2f}"
    yield f"引擎 / engine: {explanation.engine or '-'}"
    for number, stage in enumerate(explanation.stages, 1):
        yield (
            f"  第{number}步 / stage {number}: {stage.expressions} 个条件 / expressions, "
            f"{stage.documents} 份新文档 / new documents, {stage.fitted} 相符 / fit"
        )
    yield "得分 / hits:"
    for hit in explanation.hits[:limit]:
        yield f"  {_format_hit(hit)}"
    if not explanation.hits:
        yield "  -"
    elif len(explanation.hits) > limit:
        yield f"  … {len(explanation.hits) - limit} 更多 / more"


def _describe_reading(reading: QueryReading) -> str:
    parts = []
    if reading.ways:
        sounds = " | ".join("'".join(piece.value.partition(".")[0] for piece in way) for way in reading.ways)
        parts.append(f"读音 / heard: {sounds}")
    if reading.letters:
        parts.append(f"首字母 / initials: {reading.letters}")
    if reading.text:
        parts.append(f"名称或地址 / name or address: {' + '.join(reading.parts) or reading.text}")
    parts += [_describe_meaning(word) for word in reading.understood]
    return "；".join(parts) or "-"


def _describe_meaning(word: Understood) -> str:
    if word.kind == "region":
        place = regions.find_region(word.value)
        names = (place.province, place.city, place.district) if place else ()
        return f"地区 / place: {word.text} = {''.join(name or '' for name in names)} {word.value}"
    if word.kind == "technique":
        return f"技术 / technique: {word.text} = {BY_CODE[word.value].official_zh}"
    return f"{'运行情况 / stage' if word.kind == 'stage' else '类别 / kind'}: {word.text} = {word.value}"


def _format_hit(hit: Hit) -> str:
    return f"{hit.cost:5.2f}  {hit.match:<12} {hit.fitted or '-'}  ({hit.subject.partition(':')[2]})"
