"""Changes in words: from one entry of a history to the next, and between what was known then and what is known now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
from markupsafe import Markup

from registry.domain.fields import FIELDS, NO_BASIS, PUBLIC, get_value
from registry.domain.model import Approval, Date, Institution, Struct
from registry.domain.techniques import TECHNIQUES
from registry.records.history import FieldChange, Version
from registry.web.i18n import SHANGHAI, Language
from registry.web.labels import format_value
from registry.web.standing import list_own_approvals

#: Fields of a record that pages have a word for, and of each the path of what its value rests on.
_LABELS = {field.name: field.label_key for field in FIELDS}
_SOURCES = {field.sources: field.label_key for field in FIELDS if field.sources}
_APPROVALS = [f"approvals.{technique.code}" for technique in TECHNIQUES]
_ORDER = ["name", "status", "address", "region", *_APPROVALS, *_LABELS]
_POSITIONS = {field: position for position, field in reversed(list(enumerate(_ORDER)))}
#: Shown also where both sides agree: which institution it is, and what may be done there.
_ALWAYS = {"name", "status", "address", *_APPROVALS}


class PageTimes(Struct, frozen=True, kw_only=True):
    """The two times a page is of. ``known_at`` is null for everything known now; ``known_day`` is the day whose end it
    is, when a day was given. ``to_come``: the day ``on`` is in the future."""

    on: Date
    known_at: dt.datetime | None = None
    known_day: Date | None = None
    to_come: bool = False


class ChangeLine(Struct, frozen=True, kw_only=True):
    """One value before and after, ready to show; None where nothing was, or is, recorded."""

    label: Markup
    before: Markup | None
    after: Markup | None
    differs: bool = True


def classify_version(version: Version) -> Literal["plain", "correction", "addition"]:
    """Classify an entry for readers: an addition is about a day of which the register had nothing."""
    if not version.corrects:
        return "plain"
    is_first = any(change.field == "name" and change.from_ is None for change in version.changes)
    return "addition" if is_first else "correction"


def choose_recent(versions: Sequence[Version], most: int) -> list[Version]:
    """Choose the first versions that say something of the licence; of a record without any, those that there are."""
    telling = [one for one in versions if not one.changes or any(c.field not in NO_BASIS for c in one.changes)]
    return list(telling or versions)[:most]


def describe_changes(language: Language, version: Version) -> list[ChangeLine]:
    """Describe the changes of a version in the order of a record: name, listing, place, techniques, the rest."""
    return [describe_change(language, change) for change in sorted(version.changes, key=_rank_field)]


def _rank_field(change: FieldChange) -> tuple[int, str]:
    return _POSITIONS.get(change.field, len(_ORDER)), change.field


def describe_change(language: Language, change: FieldChange, *, full: bool = False) -> ChangeLine:
    """Describe a change: the name of the field, and its values as a page shows them; with ``full`` of an approval also
    the details that stay as they are."""
    head, _, rest = change.field.partition(".")
    if head == "approvals":
        label = language.format_technique(rest)
    elif change.field in _LABELS:
        label = language.translate(_LABELS[change.field])
    elif change.field in _SOURCES:
        label = language.translate("history.basis_of", field=language.translate(_SOURCES[change.field]))
    else:
        label = language.translate("history.other", field=language.mark_chinese(rest or change.field))
    return ChangeLine(
        label=label,
        before=_format_value(language, change.field, change.from_, None if full else change.to),
        after=_format_value(language, change.field, change.to, None if full else change.from_),
        differs=change.from_ != change.to,
    )


def _format_value(language: Language, field: str, value: Any, counterpart: Any) -> Markup | None:
    """Format one side of a change; of an approval, also the details in which it differs from the other side, if any."""
    text = format_value(language, field, value)
    if text is None or not isinstance(value, dict):
        return text
    counterpart = counterpart or {}
    details = [
        _format_detail(language, name, detail)
        for name in ("valid_from", "verification_due", "document_no", "authority", "note")
        if (detail := value.get(name)) is not None and detail != counterpart.get(name)
    ]
    if not details:
        return text
    return language.translate("site.stage_in_brackets", technique=text, stage=language.format_list(details))


def _format_detail(language: Language, name: str, text: str) -> Markup:
    if name == "note":
        return Markup(language.format_remark(text).rstrip("。."))  # noqa: S704  safe before, and still
    is_day = name in ("valid_from", "verification_due")
    value = language.format_day(Date.fromisoformat(text)) if is_day else language.mark_chinese(text)
    label = "institution.col_since" if name == "valid_from" else f"history.{name}"
    return language.translate("site.colon", label=language.translate(label)) + value


# --- two sides of one day --------------------------------------------------------------------------------------------


def collect_recorded_values(institution: Institution | None) -> dict[str, Any]:
    """Return the recorded values of an institution, by the paths of its history; approvals as they count."""
    if institution is None:
        return {}
    fields = {field.name: get_value(institution, field) for field in PUBLIC}
    approvals = {f"approvals.{a.technique}": _collect_approval(a) for a in list_own_approvals(institution)}
    return {path: value for path, value in {**fields, **approvals}.items() if value not in (None, [])}


def _collect_approval(approval: Approval) -> dict[str, Any]:
    """Return an approval at the stage it has come to, without since when: that hangs on other days than its own."""
    stage = approval.stage if approval.standing == "in_force" else approval.standing
    return {**msgspec.to_builtins(msgspec.structs.replace(approval, since=None)), "stage": stage}


def compare_records(language: Language, believed: Institution | None, known: Institution | None) -> list[ChangeLine]:
    """Compare two records of a day line by line, ``before`` as believed then and ``after`` as known now.

    What differs comes first; then, of what agrees, which institution it is and what may be done there.
    """
    before, after = collect_recorded_values(believed), collect_recorded_values(known)
    paths = [path for path in before.keys() | after.keys() if path in _ALWAYS or before.get(path) != after.get(path)]
    changes = [FieldChange(field=path, from_=before.get(path), to=after.get(path)) for path in paths]
    lines = [describe_change(language, change) for change in sorted(changes, key=_rank_field)]
    return sorted(lines, key=lambda line: not line.differs)


def format_known_time(language: Language, times: PageTimes) -> Markup:
    """Format the time of knowledge: a day where a day was given, otherwise the instant."""
    if times.known_day is not None or times.known_at is None:
        return language.format_day(times.known_day or times.on)
    return language.format_instant(times.known_at)


def describe_recording(language: Language, version: Version) -> Markup:
    """Describe when an entry was recorded and why: 2026年3月2日记入，理由：……"""
    at = language.format_day(version.recorded_at.astimezone(SHANGHAI).date())
    if version.reason is None:
        return language.translate("history.learnt_unexplained", at=at)
    return language.translate("history.learnt", at=at, reason=language.mark_chinese(version.reason.rstrip("。.")))


def describe_list_change(language: Language, change: Mapping[str, Any]) -> Markup:
    """Describe what was imported otherwise than a list as received has it."""
    before, after, reason = (language.mark_chinese(change.get(name) or "") for name in ("before", "after", "reason"))
    blank = language.translate("list_change.blank")
    place = language.mark_chinese(change["place"])
    what = language.translate(
        f"list_change.{change['what']}", place=place, before=before or blank, after=after or blank
    )
    return what + language.translate("list_change.reason", reason=reason) if reason else what
