"""The sentences a page says of an institution: its standing, and what changed in its history."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from public_site.contexts import Grant, Standing
from public_site.voice import Voice
from registry import regions
from registry.model import Date, FieldChange, Institution, SourceRef, Struct, Version
from registry.techniques import LAWFUL_STAGES, STAGES, TECHNIQUES


def sentences(voice: Voice, standing: Standing) -> list[Markup]:
    """The standing in plain words: one sentence for each group of techniques, what may be done first."""
    if standing.state == "delisted":
        stopped = [
            _dated(voice, grant.stage, grant.since, techniques=voice.some(grant.techniques))
            for grant in standing.grants
        ]
        return [_dated(voice, "delisted", standing.since), *stopped]
    if not standing.grants:
        return [voice.t("verdict.suspended.all" if standing.state == "suspended" else "verdict.no_approval")]
    if len(standing.grants) == 1 and standing.state == "preparing":
        return [voice.t("verdict.preparing.sentence")]
    return [_grant(voice, grant, first=index == 0) for index, grant in enumerate(standing.grants)]


def _grant(voice: Voice, grant: Grant, *, first: bool) -> Markup:
    techniques = voice.some(grant.techniques)
    if grant.stage in LAWFUL_STAGES:
        key = "sentence" if first else "also"
        return voice.t(f"verdict.licensed.{key}", techniques=techniques, stage=voice.t(f"stage.{grant.stage}"))
    if grant.stage == "preparing":
        return voice.t("verdict.preparing.also", techniques=techniques)
    return _dated(voice, grant.stage, grant.since, techniques=techniques)


def _dated(voice: Voice, state: str, since: Date | None, **values: object) -> Markup:
    if since is None:
        return voice.t(f"verdict.{state}.undated", **values)
    return voice.t(f"verdict.{state}.sentence", since=voice.day(since), **values)


def region_of(voice: Voice, institution: Institution) -> Markup:
    """Province, city and district of an institution."""
    region = institution.region
    return voice.place(region.province, region.city, region.district)


def rest_of_address(voice: Voice, institution: Institution) -> Markup:
    """The address after the place that is shown before it, so that nobody reads 鞍山市铁西区 twice."""
    rest, region = institution.address, institution.region
    for level in (region.province, region.city, region.district):
        rest = rest.removeprefix(level or "")
    return voice.data(rest)


def source_of(voice: Voice, source: SourceRef) -> Markup:
    """A source with the day it speaks for."""
    return titled(voice, source.title, source.as_of)


def titled(voice: Voice, title: str, as_of: Date) -> Markup:
    """A source's title with its day, which is not said twice where the title says it."""
    day = voice.day(as_of)
    if day.striptags() in title:
        return voice.data(title)
    return voice.t("institution.source_of", title=voice.data(title), day=day)


class Said(Struct, frozen=True, kw_only=True):
    """One change, ready to show; ``before`` or ``after`` None when nothing was, or is, stated."""

    label: Markup
    before: Markup | None
    after: Markup | None


#: Fields of a record that the institution page has a word for.
_LABELS = {
    "name": "history.name",
    "status": "history.status",
    "aliases": "institution.aliases",
    "campus": "institution.campus",
    "address": "institution.address",
    "region": "institution.region",
    "ownership": "institution.ownership",
    "level": "institution.level",
    "uscc": "institution.uscc",
    "practice_licence_no": "institution.licence",
    "domains": "institution.domains",
}


def changes(voice: Voice, version: Version) -> list[Said]:
    """The changes of a version, in the order a person reads a record: name, listing, place, techniques, the rest."""
    techniques = [f"approvals.{technique.code}" for technique in TECHNIQUES]
    order = ["name", "status", "address", "region", *techniques, *_LABELS]
    known = {field: position for position, field in reversed(list(enumerate(order)))}
    made = sorted(version.changes, key=lambda one: (known.get(one.field, len(order)), one.field))
    return [change(voice, one) for one in made]


def change(voice: Voice, made: FieldChange) -> Said:
    """A change in words: the field's name, and its values as a page shows them."""
    head, _, rest = made.field.partition(".")
    if head == "approvals":
        label = voice.technique(rest)
    elif made.field in _LABELS:
        label = voice.t(_LABELS[made.field])
    else:
        label = voice.t("history.other", field=voice.data(rest or made.field))
    return Said(label=label, before=_value(voice, head, made.from_), after=_value(voice, head, made.to))


def _value(voice: Voice, field: str, value: Any) -> Markup | None:
    if value in (None, "", [], {}):
        return None
    if field == "approvals":
        stage = value.get("stage") if isinstance(value, dict) else value
        return stage_word(voice, str(stage))
    if field == "status" and value in {"listed", "suspended", "delisted"}:
        return voice.t(f"history.{value}")
    if field == "ownership":
        return ownership_word(voice, str(value))
    if field == "region":
        place = regions.get(str(value))
        return voice.data(str(value)) if place is None else voice.place(place.province, place.city, place.district)
    return voice.listing(voice.data(one) for one in value) if isinstance(value, list) else voice.data(str(value))


def ownership_word(voice: Voice, ownership: str) -> Markup:
    """公立 or 民营; a source's own word when it is another one."""
    return voice.t(f"institution.{ownership}") if ownership in {"public", "private"} else voice.data(ownership)


def stage_word(voice: Voice, stage: str) -> Markup:
    """The short word of a stage, as a tag shows it."""
    if stage not in STAGES:
        return voice.data(stage)
    return voice.t("stage.operating_short" if stage == "operating" else f"stage.{stage}")
