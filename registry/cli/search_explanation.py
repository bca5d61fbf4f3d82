"""How a question was understood, in lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from registry.domain import regions
from registry.domain.techniques import BY_CODE
from registry.institutions.search import SearchExplanation
from registry.search.readings import Hit, QueryReading, Understood


def describe_search(told: SearchExplanation, limit: int) -> Iterator[str]:
    """The readings of a question, what was fetched stage by stage, and at most ``limit`` hits with their costs."""
    query = told.query
    if query.is_meaningless:
        yield "没有可查的字 / nothing in it to look for"
        return
    yield "理解 / readings (加分越少越好 / less is better):"
    if query.listing is not None:
        first = "，先于名称 / before any name" if query.listing_first else ""
        yield f"  {_describe_reading(query.listing)}{first}"
    for reading in query.readings:
        yield f"  {_describe_reading(reading)}  +{reading.cost:.2f}"
    yield f"引擎 / engine: {told.engine or '-'}"
    for number, stage in enumerate(told.stages, 1):
        yield (
            f"  第{number}步 / stage {number}: {stage.expressions} 个条件 / expressions, "
            f"{stage.documents} 份新文档 / new documents, {stage.fitted} 相符 / fit"
        )
    yield "得分 / hits:"
    for hit in told.hits[:limit]:
        yield f"  {_format_hit(hit)}"
    if not told.hits:
        yield "  -"
    elif len(told.hits) > limit:
        yield f"  … {len(told.hits) - limit} 更多 / more"


def _describe_reading(reading: QueryReading) -> str:
    parts = []
    if reading.ways:
        heard = " | ".join("'".join(piece.value.partition(".")[0] for piece in way) for way in reading.ways)
        parts.append(f"读音 / heard: {heard}")
    if reading.letters:
        parts.append(f"首字母 / initials: {reading.letters}")
    if reading.text:
        parts.append(f"名称或地址 / name or address: {' + '.join(reading.parts) or reading.text}")
    parts += [_describe_meaning(one) for one in reading.understood]
    return "；".join(parts) or "-"


def _describe_meaning(one: Understood) -> str:
    if one.kind == "region":
        place = regions.find_region(one.value)
        names = (place.province, place.city, place.district) if place else ()
        return f"地区 / place: {one.text} = {''.join(name or '' for name in names)} {one.value}"
    if one.kind == "technique":
        return f"技术 / technique: {one.text} = {BY_CODE[one.value].official_zh}"
    return f"{'运行情况 / stage' if one.kind == 'stage' else '类别 / kind'}: {one.text} = {one.value}"


def _format_hit(hit: Hit) -> str:
    return f"{hit.cost:5.2f}  {hit.match:<12} {hit.fitted or '-'}  ({hit.subject.partition(':')[2]})"
