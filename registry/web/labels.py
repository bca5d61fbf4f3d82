"""The sentences a page says of an institution: its standing, and what a record is made of, value by value."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from public_site.contexts import Grant, Standing
from registry.domain import regions
from registry.domain.model import Date, Institution, SourceRef
from registry.domain.techniques import LAWFUL_STAGES, STAGES
from registry.web.i18n import Language


def describe_standing(voice: Language, standing: Standing, then: bool = False) -> list[Markup]:
    """The standing in plain words: one sentence for each group of techniques, what may be done first.

    ``then``: of another day than today, so that no sentence says "now".
    """
    words = "then" if then else "verdict"
    if standing.state == "delisted":
        stopped = [
            _describe_since(
                voice, f"{words}.{grant.stage}", grant.since, techniques=voice.format_techniques(grant.techniques)
            )
            for grant in standing.grants
        ]
        return [_describe_since(voice, f"{words}.delisted", standing.since), *stopped]
    if not standing.grants:
        return [voice.translate(f"{words}.suspended.all" if standing.state == "suspended" else f"{words}.no_approval")]
    if len(standing.grants) == 1 and standing.state == "preparing":
        return [voice.translate(f"{words}.preparing.sentence")]
    return [_describe_grant(voice, words, grant, first=index == 0) for index, grant in enumerate(standing.grants)]


def _describe_grant(voice: Language, words: str, grant: Grant, *, first: bool) -> Markup:
    techniques = voice.format_techniques(grant.techniques)
    if grant.stage in LAWFUL_STAGES:
        key = "sentence" if first else "also"
        return voice.translate(
            f"{words}.licensed.{key}", techniques=techniques, stage=voice.translate(f"stage.{grant.stage}")
        )
    if grant.stage == "preparing":
        return voice.translate(f"{words}.preparing.also", techniques=techniques)
    return _describe_since(voice, f"{words}.{grant.stage}", grant.since, techniques=techniques)


def _describe_since(voice: Language, key: str, since: Date | None, **values: object) -> Markup:
    if since is None:
        return voice.translate(f"{key}.undated", **values)
    return voice.translate(f"{key}.sentence", since=voice.format_day(since), **values)


def format_institution_region(voice: Language, institution: Institution) -> Markup:
    """Province, city and district of an institution."""
    region = institution.region
    return voice.format_region(region.province, region.city, region.district)


def format_scope(voice: Language, code: str) -> Markup:
    """The region of a code by its names; the code itself when there is none."""
    found = regions.find_region(code)
    return voice.format_region(found.province, found.city, found.district) if found else voice.format_monospace(code)


def format_rest_of_address(voice: Language, institution: Institution) -> Markup:
    """The address after the place that is shown before it, so that nobody reads 鞍山市铁西区 twice."""
    rest, region = institution.address, institution.region
    for level in (region.province, region.city, region.district):
        rest = rest.removeprefix(level or "")
    return voice.mark_chinese(rest)


def format_value(voice: Language, field: str, value: Any) -> Markup | None:
    """A value of a record as a page shows it; None when nothing is stated. ``field`` is its path."""
    if value in (None, "", [], {}):
        return None
    if field.startswith("approvals."):
        return get_stage_label(voice, str(value.get("stage") if isinstance(value, dict) else value))
    if field == "status" and value in {"listed", "suspended", "delisted"}:
        return voice.translate(f"history.{value}")
    if field == "ownership":
        return get_ownership_label(voice, str(value))
    if field == "region":
        place = regions.find_region(str(value))
        return (
            voice.mark_chinese(str(value))
            if place is None
            else voice.format_region(place.province, place.city, place.district)
        )
    return (
        voice.format_list(voice.mark_chinese(one) for one in value)
        if isinstance(value, list)
        else voice.mark_chinese(str(value))
    )


def format_source(voice: Language, source: SourceRef) -> Markup:
    """A source with the day it speaks for."""
    return format_source_title(voice, source.title, source.as_of)


def format_source_title(voice: Language, title: str, as_of: Date) -> Markup:
    """A source's title with its day, which is not said twice where the title says it."""
    day = voice.format_day(as_of)
    if day.striptags() in title:
        return voice.mark_chinese(title)
    return voice.translate("institution.source_of", title=voice.mark_chinese(title), day=day)


def get_ownership_label(voice: Language, ownership: str) -> Markup:
    """公立 or 民营; a source's own word when it is another one."""
    return (
        voice.translate(f"institution.{ownership}")
        if ownership in {"public", "private"}
        else voice.mark_chinese(ownership)
    )


def get_stage_label(voice: Language, stage: str) -> Markup:
    """The short word of a stage, as a tag shows it."""
    if stage not in STAGES:
        return voice.mark_chinese(stage)
    return voice.translate("stage.operating_short" if stage == "operating" else f"stage.{stage}")
