"""What changed, in words: from one entry of a history to the next, and between what was believed and what is known."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

import msgspec
from markupsafe import Markup

from registry.domain.model import Date, Institution, Struct
from registry.domain.techniques import TECHNIQUES
from registry.records.history import FieldChange, Version
from registry.web.i18n import SHANGHAI, Language
from registry.web.labels import format_value
from registry.web.standing import list_effective_approvals

#: Fields of a record that the institution page has a word for.
_LABELS = {
    "name": "history.name",
    "status": "history.status",
    "aliases": "institution.aliases",
    "known_as": "institution.known_as",
    "campus": "institution.campus",
    "address": "institution.address",
    "region": "institution.region",
    "ownership": "institution.ownership",
    "level": "institution.level",
    "uscc": "institution.uscc",
    "practice_licence_no": "institution.licence",
    "domains": "institution.domains",
}
_APPROVALS = [f"approvals.{technique.code}" for technique in TECHNIQUES]
_ORDER = ["name", "status", "address", "region", *_APPROVALS, *_LABELS]
_POSITIONS = {field: position for position, field in reversed(list(enumerate(_ORDER)))}
#: Shown of both sides also where they agree: who is meant, and what may be done there.
_ALWAYS = {"name", "status", "address", *_APPROVALS}


class PageTimes(Struct, frozen=True, kw_only=True):
    """The two times a page was asked for. ``known_at`` is null for everything known now; ``known_day`` is the day whose
    end it is, when a day was given. ``to_come``: the day asked about has not come yet."""

    on: Date
    known_at: dt.datetime | None = None
    known_day: Date | None = None
    to_come: bool = False


class ChangeLine(Struct, frozen=True, kw_only=True):
    """One value before and after, ready to show; ``before`` or ``after`` None when nothing was, or is, stated."""

    label: Markup
    before: Markup | None
    after: Markup | None
    differs: bool = True


def classify_version(version: Version) -> Literal["plain", "correction", "addition"]:
    """What an entry is to a reader: an addition states a day of which the register had held nothing."""
    if not version.corrects:
        return "plain"
    first = any(change.field == "name" and change.from_ is None for change in version.changes)
    return "addition" if first else "correction"


def describe_changes(language: Language, version: Version) -> list[ChangeLine]:
    """The changes of a version, in the order a person reads a record: name, listing, place, techniques, the rest."""
    return [describe_change(language, one) for one in sorted(version.changes, key=lambda one: _rank_field(one.field))]


def _rank_field(field: str) -> tuple[int, str]:
    return _POSITIONS.get(field, len(_ORDER)), field


def describe_change(language: Language, made: FieldChange) -> ChangeLine:
    """A change in words: the field's name, and its values as a page shows them."""
    head, _, rest = made.field.partition(".")
    if head == "approvals":
        label = language.format_technique(rest)
    elif made.field in _LABELS:
        label = language.translate(_LABELS[made.field])
    else:
        label = language.translate("history.other", field=language.mark_chinese(rest or made.field))
    return ChangeLine(
        label=label,
        before=_format_value(language, made.field, made.from_, made.to),
        after=_format_value(language, made.field, made.to, made.from_),
        differs=made.from_ != made.to,
    )


def _format_value(language: Language, field: str, value: Any, other: Any) -> Markup | None:
    said = format_value(language, field, value)
    if said is None or not isinstance(value, dict) or not isinstance(other, dict):
        return said
    details = [
        _format_detail(language, name, stated)
        for name in ("valid_from", "verification_due", "document_no", "authority", "note")
        if (stated := value.get(name)) is not None and stated != other.get(name)
    ]
    return (
        language.translate("site.stage_in_brackets", technique=said, stage=language.format_list(details))
        if details
        else said
    )


def _format_detail(language: Language, name: str, stated: str) -> Markup:
    """What else an approval states, said where nothing but it differs."""
    if name == "note":
        return Markup(language.format_remark(stated).rstrip("。."))  # noqa: S704  safe before, and still
    value = (
        language.format_day(Date.fromisoformat(stated))
        if name in ("valid_from", "verification_due")
        else language.mark_chinese(stated)
    )
    label = "institution.col_since" if name == "valid_from" else f"history.{name}"
    return language.translate("site.colon", label=language.translate(label)) + value


# --- two sides of one day --------------------------------------------------------------------------------------------


def collect_recorded_values(institution: Institution | None) -> dict[str, Any]:
    """What is recorded of an institution, by the paths of its history; approvals as they count."""
    if institution is None:
        return {}
    plain = {field: getattr(institution, field) for field in _LABELS if field != "region"}
    approvals = {f"approvals.{a.technique}": msgspec.to_builtins(a) for a in list_effective_approvals(institution)}
    stated = {**plain, "region": institution.region.code, **approvals}
    return {path: value for path, value in stated.items() if value not in (None, [])}


def compare_records(language: Language, believed: Institution | None, known: Institution | None) -> list[ChangeLine]:
    """The two records line by line, ``before`` as believed and ``after`` as known: first what differs, then, of what
    they agree on, who is meant and what may be done there."""
    before, after = collect_recorded_values(believed), collect_recorded_values(known)
    paths = [path for path in before.keys() | after.keys() if path in _ALWAYS or before.get(path) != after.get(path)]
    made = [FieldChange(field=path, from_=before.get(path), to=after.get(path)) for path in paths]
    return sorted(
        (describe_change(language, one) for one in sorted(made, key=lambda one: _rank_field(one.field))), key=_is_same
    )


def _is_same(said: ChangeLine) -> bool:
    return not said.differs


def format_known_time(language: Language, times: PageTimes) -> Markup:
    """The time of knowing in words: a day where a day was given, else the instant."""
    if times.known_day is not None or times.known_at is None:
        return language.format_day(times.known_day or times.on)
    return language.format_instant(times.known_at)


def describe_recording(language: Language, version: Version) -> Markup:
    """When an entry was recorded and why: 2026年3月2日记入，理由：……"""
    at = language.format_day(version.recorded_at.astimezone(SHANGHAI).date())
    if version.reason is None:
        return language.translate("history.learnt_unexplained", at=at)
    return language.translate("history.learnt", at=at, reason=language.mark_chinese(version.reason.rstrip("。.")))
