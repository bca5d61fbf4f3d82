"""The sentences a page says of an institution: its standing, and what a record is made of, value by value."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from registry.domain import regions
from registry.domain.model import Date, Institution, SourceRef
from registry.domain.techniques import LAWFUL_STAGES, STAGES
from registry.web.i18n import Language
from registry.web.standing import Grant, Standing


def describe_standing(language: Language, standing: Standing, then: bool = False) -> list[Markup]:
    """The standing in plain words: one sentence for each group of techniques, what may be done first.

    ``then``: of another day than today, so that no sentence says "now".
    """
    words = "then" if then else "verdict"
    if standing.state == "delisted":
        stopped = [
            _describe_since(
                language, f"{words}.{grant.stage}", grant.since, techniques=language.format_techniques(grant.techniques)
            )
            for grant in standing.grants
        ]
        return [_describe_since(language, f"{words}.delisted", standing.since), *stopped]
    if not standing.grants:
        return [
            language.translate(f"{words}.suspended.all" if standing.state == "suspended" else f"{words}.no_approval")
        ]
    if len(standing.grants) == 1 and standing.state == "preparing":
        return [language.translate(f"{words}.preparing.sentence")]
    return [_describe_grant(language, words, grant, first=index == 0) for index, grant in enumerate(standing.grants)]


def _describe_grant(language: Language, words: str, grant: Grant, *, first: bool) -> Markup:
    techniques = language.format_techniques(grant.techniques)
    if grant.stage in LAWFUL_STAGES:
        key = "sentence" if first else "also"
        return language.translate(
            f"{words}.licensed.{key}", techniques=techniques, stage=language.translate(f"stage.{grant.stage}")
        )
    if grant.stage == "preparing":
        return language.translate(f"{words}.preparing.also", techniques=techniques)
    return _describe_since(language, f"{words}.{grant.stage}", grant.since, techniques=techniques)


def _describe_since(language: Language, key: str, since: Date | None, **values: object) -> Markup:
    if since is None:
        return language.translate(f"{key}.undated", **values)
    return language.translate(f"{key}.sentence", since=language.format_day(since), **values)


def format_institution_region(language: Language, institution: Institution) -> Markup:
    """Province, city and district of an institution."""
    region = institution.region
    return language.format_region(region.province, region.city, region.district)


def format_scope(language: Language, code: str) -> Markup:
    """The region of a code by its names; the code itself when there is none."""
    found = regions.find_region(code)
    return (
        language.format_region(found.province, found.city, found.district) if found else language.format_monospace(code)
    )


def format_rest_of_address(language: Language, institution: Institution) -> Markup:
    """The address after the place that is shown before it, so that nobody reads 鞍山市铁西区 twice."""
    rest, region = institution.address, institution.region
    for level in (region.province, region.city, region.district):
        rest = rest.removeprefix(level or "")
    return language.mark_chinese(rest)


def format_value(language: Language, field: str, value: Any) -> Markup | None:
    """A value of a record as a page shows it; None when nothing is stated. ``field`` is its path."""
    if value in (None, "", [], {}):
        return None
    if field.startswith("approvals."):
        return get_stage_label(language, str(value.get("stage") if isinstance(value, dict) else value))
    if field == "status" and value in {"listed", "suspended", "delisted"}:
        return language.translate(f"history.{value}")
    if field == "ownership":
        return get_ownership_label(language, str(value))
    if field == "region":
        place = regions.find_region(str(value))
        return (
            language.mark_chinese(str(value))
            if place is None
            else language.format_region(place.province, place.city, place.district)
        )
    return (
        language.format_list(language.mark_chinese(one) for one in value)
        if isinstance(value, list)
        else language.mark_chinese(str(value))
    )


def format_source(language: Language, source: SourceRef) -> Markup:
    """A source with the day it speaks for."""
    return format_source_title(language, source.title, source.as_of)


def format_source_title(language: Language, title: str, as_of: Date) -> Markup:
    """A source's title with its day, which is not said twice where the title says it."""
    day = language.format_day(as_of)
    if day.striptags() in title:
        return language.mark_chinese(title)
    return language.translate("institution.source_of", title=language.mark_chinese(title), day=day)


def get_ownership_label(language: Language, ownership: str) -> Markup:
    """公立 or 民营; a source's own word when it is another one."""
    return (
        language.translate(f"institution.{ownership}")
        if ownership in {"public", "private"}
        else language.mark_chinese(ownership)
    )


def get_stage_label(language: Language, stage: str) -> Markup:
    """The short word of a stage, as a tag shows it."""
    if stage not in STAGES:
        return language.mark_chinese(stage)
    return language.translate("stage.operating_short" if stage == "operating" else f"stage.{stage}")
