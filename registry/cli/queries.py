"""Commands that query the register: search, verify."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TextIO

import click
import msgspec

from registry import settings
from registry.cli import common, detect_language, main
from registry.domain import regions
from registry.domain.answers import LONGEST_TEXT, Answer, Claim, Person, Provider, SanctionFinding, read_provider
from registry.domain.techniques import BY_CODE
from registry.errors import InvalidInput
from registry.institutions.findings import describe_finding
from registry.institutions.result import InstitutionHit, SearchExplanation, SearchRequest
from registry.records.asof import SHANGHAI, get_day_end
from registry.register import open_register
from registry.search.readings import QueryReading, Understood
from registry.texts import Listing, Message, PageText, write_bilingual

on_day = click.option("--on", type=common.DayParam(), help=write_bilingual("哪一天的情况，默认今天"))
known_at = click.option(
    "--known-at",
    type=common.InstantParam(get_day_end, "2025-07-01"),
    help=write_bilingual("只按名录当时所知，默认现在；只写日期即到当天（北京时间）结束"),
)


@main.command(help=write_bilingual("公众查询所见"))
@click.argument("query")
@click.option("--limit", default=10, show_default=True, type=click.IntRange(1, 500), help=write_bilingual("最多几条"))
@on_day
@known_at
@click.option("--explain", is_flag=True, help=write_bilingual("怎样理解、各以何分入选"))
@common.as_json
def search(
    query: str, limit: int, on: dt.date | None, known_at: dt.datetime | None, explain: bool, json_: bool
) -> None:
    """Show what the public search shows."""
    register = open_register(settings.load())
    result = register.search_institutions(SearchRequest(q=query), register.make_as_of(on, known_at), limit=limit)
    explanation = register.explain_search(query) if explain else None
    sanctions = register.find_written_sanctions(query, register.make_as_of(on, known_at), detect_language())
    register.close()
    if json_:
        shown = msgspec.to_builtins(result) | {"similar": result.similar, "sanctions": sanctions}
        common.print_json(shown if explanation is None else {"result": shown, "explained": explanation})
        return
    if explanation is not None:
        for line in _describe_search(explanation, limit):
            click.echo(line)
        click.echo()
    if result.warning is not None:
        common.print_both(
            Message("任何机构都不得提供：{words}。请向 12345 举报。", words=Listing(result.warning.words))
        )
        return
    finding = describe_finding(result, query)
    times = _describe_times(on, known_at)
    for headline in finding.headline.get_both() if finding.kind != "listing" else ():
        click.echo(headline + times)
    for note in (*finding.notes, *filter(None, (finding.items_note,))):
        click.echo(note.to_bilingual())
    if result.did_you_mean is not None:
        click.echo(f"{PageText('search.did_you_mean').to_bilingual()}: {result.did_you_mean}")
    count, many = result.total, result.at_least
    total = write_bilingual("共 {count} 以上", count=count) if many else write_bilingual("共 {count} 家", count=count)
    click.echo(total + times)
    for item in result.items:
        _print_institution(item)
    for line in _describe_sanctions(sanctions):
        click.echo(line)


def _print_institution(item: InstitutionHit) -> None:
    it = item.institution
    offered = "、".join(
        BY_CODE[one.technique].plain_zh
        + ("" if one.standing == "in_force" else f" [{PageText(f'stage.{one.standing}').to_bilingual()}]")
        for one in it.approvals
    )
    word = "partly_licensed" if it.standing == "partly_approved" else it.standing
    status = "" if word == "approved" else f"  [{PageText(f'verdict.{word}.word').to_bilingual()}]"
    lacks = "".join(f"  {write_bilingual('未获批')}: {BY_CODE[code].plain_zh}" for code in item.lacks)
    click.echo(f"{it.code}  {it.name}{status}\n           {it.address}\n           {offered}  ({item.match}){lacks}")
    for person in item.practitioners:
        click.echo(f"           {person.name}  {person.role or ''}")


@main.command(help=write_bilingual("核验一条：该机构当日是否获准"))
@click.argument("name", required=False)
@click.option("--technique", "techniques", multiple=True, help=write_bilingual("技术代码或俗称，可重复"))
@on_day
@known_at
@click.option("--address", help=write_bilingual("所称地址"))
@click.option("--practitioner", help=write_bilingual("所称医务人员的姓名"))
@click.option("--ad-certificate", help=write_bilingual("医疗广告审查证明文号"))
@click.option(
    "--text",
    type=click.File("r", encoding="utf-8"),
    help=write_bilingual("广告内容的文件，- 为标准输入；不写名称时就其中写有的机构作答"),
)
@common.as_json
def verify(  # noqa: PLR0913 - one parameter per option
    name: str | None,
    techniques: tuple[str, ...],
    on: dt.date | None,
    known_at: dt.datetime | None,
    address: str | None,
    practitioner: str | None,
    ad_certificate: str | None,
    text: TextIO | None,
    json_: bool,
) -> None:
    """Print one verdict: was it licensed for this, there, on that day?"""
    if name is None and text is None:
        raise click.UsageError(write_bilingual("请写机构名称，或用 --text 给出广告内容"))
    register = open_register(settings.load())
    register.follow_log()
    claim = Claim(
        provider=Provider(address=address) if name is None else read_provider(name, address),
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
    further = (*_describe_further_answers(answer), *_describe_sanctions(answer.sanctions), *_describe_mentions(answer))
    for line in further:
        click.echo(f"  {line}")
    click.echo(f"  {write_bilingual('日志')} {answer.log.size}  {answer.log.root[:16]}")


def _read_ad_text(file: TextIO) -> str:
    """Read an advertisement's wording; InvalidInput where it is not UTF-8 or longer than a claim may be."""
    try:
        text = file.read(LONGEST_TEXT + 1)
    except UnicodeDecodeError as error:
        raise InvalidInput(Message("文本不是 UTF-8 编码。")) from error
    if len(text) > LONGEST_TEXT:
        raise InvalidInput(Message("文本太长，最多{longest_text}个字符，请分段核验。", longest_text=LONGEST_TEXT))
    return text


def _describe_further_answers(answer: Answer) -> Iterator[str]:
    """Describe, a line each, what is answered of the person, the certificate and the wording."""
    if answer.practitioner:
        yield f"{write_bilingual('人员')} {answer.practitioner.verdict}: {answer.practitioner.explanation}"
    if answer.ad_certificate:
        yield f"{write_bilingual('广告审查证明')} {answer.ad_certificate.verdict}: {answer.ad_certificate.explanation}"
    for flag in answer.content_flags:
        code = f" ({flag.technique})" if flag.technique else ""
        yield f"{write_bilingual('内容')} {flag.kind}{code}: {flag.text}  [{flag.start}:{flag.end}]"


def _describe_sanctions(found: list[SanctionFinding]) -> Iterator[str]:
    """Describe, a line each, what is public of penalties and the blacklist."""
    for one in found:
        yield f"{write_bilingual('处罚或黑名单')} sanctioned: {one.explanation}"


def _describe_mentions(answer: Answer) -> Iterator[str]:
    """Describe, a line each, the institutions that the text names."""
    for mention in answer.mentions:
        code = f"  {mention.code}" if mention.code else ""
        yield write_bilingual("文中机构") + f" {mention.verdict}: {mention.text}{code}  [{mention.start}:{mention.end}]"


def _describe_times(on: dt.date | None, known_at: dt.datetime | None) -> str:
    """Describe the times that were asked for other than now: an old answer must not read as today's."""
    parts = [f"{on} {write_bilingual('的情况')}"] if on else []
    if known_at:
        shown = known_at.astimezone(SHANGHAI).isoformat(sep=" ", timespec="seconds")
        parts.append(write_bilingual("只按截至 {shown} 所知", shown=shown))
    return f"  [{'；'.join(parts)}]" if parts else ""


# --- how a question was understood ------------------------------------------------------------------------------------


def _describe_search(explanation: SearchExplanation, limit: int) -> Iterator[str]:
    """Describe the readings of a question, what each stage fetched, and at most ``limit`` hits with their costs."""
    query = explanation.query
    if query.is_meaningless:
        yield write_bilingual("没有可查的字")
        return
    yield f"{write_bilingual('理解')} ({write_bilingual('加分越少越好')}):"
    if query.listing is not None:
        first = write_bilingual("，先于名称") if query.listing_first else ""
        yield f"  {_describe_reading(query.listing)}{first}"
    for reading in query.readings:
        yield f"  {_describe_reading(reading)}  +{reading.cost:.2f}"
    yield f"{write_bilingual('引擎')}: {explanation.engine or '-'}"
    for number, stage in enumerate(explanation.stages, 1):
        yield (
            f"  {write_bilingual('第{number}步', number=number)}: {stage.expressions} {write_bilingual('个条件')}, "
            f"{stage.documents} {write_bilingual('份新文档')}, {stage.fitted} {write_bilingual('相符')}"
        )
    yield f"{write_bilingual('得分')}:"
    for hit in explanation.hits[:limit]:
        code = hit.subject.partition(":")[2]
        yield f"  {hit.cost:5.2f}  {hit.match:<12} {hit.fitted or '-'}  ({code})"
    if not explanation.hits:
        yield "  -"
    elif len(explanation.hits) > limit:
        yield f"  {write_bilingual('… {count} 更多', count=len(explanation.hits) - limit)}"


def _describe_reading(reading: QueryReading) -> str:
    parts = []
    if reading.ways:
        sounds = " | ".join("'".join(piece.value.partition(".")[0] for piece in way) for way in reading.ways)
        parts.append(f"{write_bilingual('读音')}: {sounds}")
    if reading.letters:
        parts.append(f"{write_bilingual('首字母')}: {reading.letters}")
    if reading.text:
        parts.append(f"{write_bilingual('名称或地址')}: {' + '.join(reading.parts) or reading.text}")
    parts += [_describe_meaning(word) for word in reading.understood]
    return "；".join(parts) or "-"


def _describe_meaning(word: Understood) -> str:
    if word.kind == "region":
        place = regions.find_region(word.value)
        names = (place.province, place.city, place.district) if place else ()
        return f"{write_bilingual('地区')}: {word.text} = {''.join(name or '' for name in names)} {word.value}"
    if word.kind == "technique":
        return f"{write_bilingual('技术')}: {word.text} = {BY_CODE[word.value].official_zh}"
    kind = write_bilingual("运行情况") if word.kind == "stage" else write_bilingual("类别")
    return f"{kind}: {word.text} = {word.value}"
