"""The sentences a page says of an institution: its standing, and what a record is made of, value by value."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from public_site.contexts import Grant, Standing
from public_site.voice import Voice
from registry import regions
from registry.model import Date, Institution, SourceRef
from registry.techniques import LAWFUL_STAGES, STAGES


def sentences(voice: Voice, standing: Standing, then: bool = False) -> list[Markup]:
    """The standing in plain words: one sentence for each group of techniques, what may be done first.

    ``then``: of another day than today, so that no sentence says "now".
    """
    words = "then" if then else "verdict"
    if standing.state == "delisted":
        stopped = [
            _dated(voice, f"{words}.{grant.stage}", grant.since, techniques=voice.some(grant.techniques))
            for grant in standing.grants
        ]
        return [_dated(voice, f"{words}.delisted", standing.since), *stopped]
    if not standing.grants:
        return [voice.t(f"{words}.suspended.all" if standing.state == "suspended" else f"{words}.no_approval")]
    if len(standing.grants) == 1 and standing.state == "preparing":
        return [voice.t(f"{words}.preparing.sentence")]
    return [_grant(voice, words, grant, first=index == 0) for index, grant in enumerate(standing.grants)]


def _grant(voice: Voice, words: str, grant: Grant, *, first: bool) -> Markup:
    techniques = voice.some(grant.techniques)
    if grant.stage in LAWFUL_STAGES:
        key = "sentence" if first else "also"
        return voice.t(f"{words}.licensed.{key}", techniques=techniques, stage=voice.t(f"stage.{grant.stage}"))
    if grant.stage == "preparing":
        return voice.t(f"{words}.preparing.also", techniques=techniques)
    return _dated(voice, f"{words}.{grant.stage}", grant.since, techniques=techniques)


def _dated(voice: Voice, key: str, since: Date | None, **values: object) -> Markup:
    if since is None:
        return voice.t(f"{key}.undated", **values)
    return voice.t(f"{key}.sentence", since=voice.day(since), **values)


def region_of(voice: Voice, institution: Institution) -> Markup:
    """Province, city and district of an institution."""
    region = institution.region
    return voice.place(region.province, region.city, region.district)


def scope_name(voice: Voice, code: str) -> Markup:
    """The region of a code by its names; the code itself when there is none."""
    found = regions.get(code)
    return voice.place(found.province, found.city, found.district) if found else voice.code_text(code)


def rest_of_address(voice: Voice, institution: Institution) -> Markup:
    """The address after the place that is shown before it, so that nobody reads 鞍山市铁西区 twice."""
    rest, region = institution.address, institution.region
    for level in (region.province, region.city, region.district):
        rest = rest.removeprefix(level or "")
    return voice.data(rest)


def value_of(voice: Voice, field: str, value: Any) -> Markup | None:
    """A value of a record as a page shows it; None when nothing is stated. ``field`` is its path."""
    if value in (None, "", [], {}):
        return None
    if field.startswith("approvals."):
        return stage_word(voice, str(value.get("stage") if isinstance(value, dict) else value))
    if field == "status" and value in {"listed", "suspended", "delisted"}:
        return voice.t(f"history.{value}")
    if field == "ownership":
        return ownership_word(voice, str(value))
    if field == "region":
        place = regions.get(str(value))
        return voice.data(str(value)) if place is None else voice.place(place.province, place.city, place.district)
    return voice.listing(voice.data(one) for one in value) if isinstance(value, list) else voice.data(str(value))


def source_of(voice: Voice, source: SourceRef) -> Markup:
    """A source with the day it speaks for."""
    return titled(voice, source.title, source.as_of)


def titled(voice: Voice, title: str, as_of: Date) -> Markup:
    """A source's title with its day, which is not said twice where the title says it."""
    day = voice.day(as_of)
    if day.striptags() in title:
        return voice.data(title)
    return voice.t("institution.source_of", title=voice.data(title), day=day)


def ownership_word(voice: Voice, ownership: str) -> Markup:
    """公立 or 民营; a source's own word when it is another one."""
    return voice.t(f"institution.{ownership}") if ownership in {"public", "private"} else voice.data(ownership)


def stage_word(voice: Voice, stage: str) -> Markup:
    """The short word of a stage, as a tag shows it."""
    if stage not in STAGES:
        return voice.data(stage)
    return voice.t("stage.operating_short" if stage == "operating" else f"stage.{stage}")
