"""Sentences and labels of a page about an institution: its standing, and the values of its record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from markupsafe import Markup

from registry import texts
from registry.domain import regions
from registry.domain.answers import Basis
from registry.domain.comparison import Compared
from registry.domain.fields import PUBLIC, Field
from registry.domain.model import Date, Institution, SourceRef
from registry.domain.techniques import LAWFUL_STAGES, STAGES
from registry.verification.explain import OLD_BASIS, count_months
from registry.web.i18n import Language
from registry.web.standing import Grant, Standing

#: What the shipped English names say of themselves: the one sentence in records that is ours.
_BY_RULE = "history.by_rule"


def describe_standing(language: Language, standing: Standing, then: bool = False) -> list[Markup]:
    """Describe the standing in plain words: a sentence for each group of techniques, what may be done first.

    ``then``: the standing is of another day than today, and no sentence contains "now".
    """
    prefix = "then" if then else "verdict"
    if standing.state == "delisted":
        stopped = [
            _describe_since(
                language,
                f"{prefix}.{grant.stage}",
                grant.since,
                techniques=language.format_techniques(grant.techniques),
            )
            for grant in standing.grants
        ]
        return [_describe_since(language, f"{prefix}.delisted", standing.since), *stopped]
    if not standing.grants:
        return [
            language.translate(f"{prefix}.suspended.all" if standing.state == "suspended" else f"{prefix}.no_approval")
        ]
    if len(standing.grants) == 1 and standing.state == "preparing":
        return [language.translate(f"{prefix}.preparing.sentence")]
    return [_describe_grant(language, prefix, grant, first=index == 0) for index, grant in enumerate(standing.grants)]


def _describe_grant(language: Language, prefix: str, grant: Grant, *, first: bool) -> Markup:
    techniques = language.format_techniques(grant.techniques)
    if grant.stage in LAWFUL_STAGES:
        key = "sentence" if first else "also"
        return language.translate(
            f"{prefix}.licensed.{key}", techniques=techniques, stage=language.translate(f"stage.{grant.stage}")
        )
    if grant.stage in ("preparing", "not_yet", "unknown"):
        return language.translate(f"{prefix}.{grant.stage}.also", techniques=techniques)
    return _describe_since(language, f"{prefix}.{grant.stage}", grant.since, techniques=techniques)


def _describe_since(language: Language, key: str, since: Date | None, **values: object) -> Markup:
    if since is None:
        return language.translate(f"{key}.undated", **values)
    return language.translate(f"{key}.sentence", since=language.format_day(since), **values)


def format_scope(language: Language, code: str) -> Markup:
    """Format the region of a code by its names; the code itself when there is none."""
    region = regions.find_region(code)
    return language.format_region(region) if region else language.format_monospace(code)


def format_rest_of_address(language: Language, institution: Institution) -> Markup:
    """Format the address without the region that stands before it on the page."""
    rest, region = institution.address, institution.region
    for level in (region.province, region.city, region.district):
        rest = rest.removeprefix(level or "")
    return language.mark_chinese(rest)


def format_value(language: Language, field: str, value: Any) -> Markup | None:
    """Format the value of a record at the path ``field``; None when nothing is recorded."""
    if value in (None, "", [], {}):
        return None
    if field.startswith("approvals."):
        return get_stage_label(language, str(value.get("stage") if isinstance(value, dict) else value))
    if field == "status" and value in {"listed", "suspended", "delisted"}:
        return language.translate(f"history.{value}")
    if field == "region" and (region := regions.find_region(str(value))):
        return language.format_region(region)
    if field == "ownership":
        return get_ownership_label(language, str(value))
    return language.format_list(
        _format_text(language, str(one)) for one in (value if isinstance(value, list) else [value])
    )


def _format_text(language: Language, text: str) -> Markup:
    is_ours = text == texts.find_text(_BY_RULE, texts.SOURCE)
    return language.translate(_BY_RULE) if is_ours else language.mark_chinese(text)


def list_details(
    language: Language,
    institution: Institution,
    page: Literal["page", "record"],
    others: Sequence[tuple[int, Markup, Markup | str | None]] = (),
) -> list[tuple[Markup, Markup | str | None]]:
    """List the fields that a page shows as (label, value), in its order; ``others`` are (place, label, value)."""
    separator = " " if page == "page" else "、"
    lines = [
        (place, language.translate(field.label_key), _format_field(language, institution, field, separator))
        for field in PUBLIC
        if (place := getattr(field, page)) is not None
    ]
    return [line[1:] for line in sorted([*lines, *others], key=lambda line: line[0])]


def _format_field(language: Language, institution: Institution, field: Field, separator: str) -> Markup | str | None:
    """Format a field of an institution; of several numbers with ``separator`` between them."""
    if field.kind == "region":
        return language.format_region(institution.region)
    value = getattr(institution, field.name)
    if field.kind in ("number", "numbers"):
        return (separator.join(value) or None) if field.has_several else value
    return format_value(language, field.name, value)


def format_source(language: Language, source: SourceRef) -> Markup:
    """Format a source with the day it is of."""
    return format_source_title(language, source.title, source.as_of)


def format_source_title(language: Language, title: str, as_of: Date) -> Markup:
    """Format a source's title with its day, unless the title contains the day."""
    day = language.format_day(as_of)
    if day.striptags() in title:
        return language.mark_chinese(title)
    return language.translate("institution.source_of", title=language.mark_chinese(title), day=day)


def describe_compared(language: Language, compared: Compared | None) -> Markup | None:
    """Say of each thing that a question gave how it fits the institution that answers; None where nothing was given."""
    if compared is None:
        return None
    found = [(name, getattr(compared, name)) for name in Compared.__struct_fields__]
    parts = [
        language.translate("site.colon", label=language.translate(f"matched.{name}"))
        + language.translate(f"compared.{word}")
        for name, word in found
        if word is not None
    ]
    return language.translate("compared.separator").join(parts) if parts else None


def describe_basis(language: Language, basis: Basis | None) -> Markup | None:
    """Say what an answer rests on: the source, its day, the document and authority of an approval, a transcription."""
    if basis is None:
        return None
    parts = [format_source_title(language, basis.source, basis.as_of)]
    parts += [language.mark_chinese(text) for text in (basis.document_no, basis.authority) if text]
    if basis.secondary:
        parts.append(language.translate("institution.secondary"))
    return language.translate("compared.separator").join(parts)


def describe_list_age(language: Language, as_of: Date, today: Date | None, on: Date | None = None) -> Markup:
    """Say of which day a list is and how old that is: today, or on another day that was asked about.

    Without ``today`` the register could not be read, and nothing is said of the age.
    """
    day = language.format_day(as_of)
    until = on or today
    months = count_months(as_of, until) if until else -1
    if months < 0:
        return language.translate("institution.as_of", day=day)
    if not months:
        return language.translate("age.fresh", day=day)
    return language.translate("age.today" if on in (None, today) else "age.asked", day=day, count=months)


def is_old_list(as_of: Date, today: Date | None, on: Date | None = None) -> bool:
    """Whether a list is so old that whoever rests on it must be told what to do."""
    until = on or today
    return until is not None and (until - as_of).days > OLD_BASIS


def get_ownership_label(language: Language, ownership: str) -> Markup:
    """Return the word for an ownership, 公立 or 民营; a source's own word where it is another one."""
    is_known = ownership in {"public", "private"}
    return language.translate(f"institution.{ownership}") if is_known else language.mark_chinese(ownership)


def get_stage_label(language: Language, stage: str) -> Markup:
    """Return the short word of a stage, for a tag."""
    if stage not in STAGES and stage not in ("not_yet", "unknown"):
        return language.mark_chinese(stage)
    return language.translate("stage.operating_short" if stage == "operating" else f"stage.{stage}")
