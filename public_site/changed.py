"""What changed, in words: from one entry of a history to the next, and between what was believed and what is known."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from markupsafe import Markup

from public_site.contexts import Times
from public_site.said import value_of
from public_site.standing import in_force
from public_site.voice import SHANGHAI, Voice
from registry.model import Date, Institution, Struct
from registry.records.history import FieldChange, Version
from registry.techniques import TECHNIQUES

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


class Said(Struct, frozen=True, kw_only=True):
    """One value before and after, ready to show; ``before`` or ``after`` None when nothing was, or is, stated."""

    label: Markup
    before: Markup | None
    after: Markup | None
    differs: bool = True


def kind_of(version: Version) -> Literal["plain", "correction", "addition"]:
    """What an entry is to a reader: an addition states a day of which the register had held nothing."""
    if not version.corrects:
        return "plain"
    first = any(change.field == "name" and change.from_ is None for change in version.changes)
    return "addition" if first else "correction"


def changes(voice: Voice, version: Version) -> list[Said]:
    """The changes of a version, in the order a person reads a record: name, listing, place, techniques, the rest."""
    return [change(voice, one) for one in sorted(version.changes, key=lambda one: _position(one.field))]


def _position(field: str) -> tuple[int, str]:
    return _POSITIONS.get(field, len(_ORDER)), field


def change(voice: Voice, made: FieldChange) -> Said:
    """A change in words: the field's name, and its values as a page shows them."""
    head, _, rest = made.field.partition(".")
    if head == "approvals":
        label = voice.technique(rest)
    elif made.field in _LABELS:
        label = voice.t(_LABELS[made.field])
    else:
        label = voice.t("history.other", field=voice.data(rest or made.field))
    return Said(
        label=label,
        before=_value(voice, made.field, made.from_, made.to),
        after=_value(voice, made.field, made.to, made.from_),
        differs=made.from_ != made.to,
    )


def _value(voice: Voice, field: str, value: Any, other: Any) -> Markup | None:
    said = value_of(voice, field, value)
    if said is None or not isinstance(value, dict) or not isinstance(other, dict):
        return said
    details = [
        _detail(voice, name, stated)
        for name in ("valid_from", "verification_due", "document_no", "authority", "note")
        if (stated := value.get(name)) is not None and stated != other.get(name)
    ]
    return voice.t("site.stage_in_brackets", technique=said, stage=voice.listing(details)) if details else said


def _detail(voice: Voice, name: str, stated: str) -> Markup:
    """What else an approval states, said where nothing but it differs."""
    if name == "note":
        return Markup(voice.remark(stated).rstrip("。."))  # noqa: S704  safe before, and still
    value = voice.day(Date.fromisoformat(stated)) if name in ("valid_from", "verification_due") else voice.data(stated)
    label = "institution.col_since" if name == "valid_from" else f"history.{name}"
    return voice.t("site.colon", label=voice.t(label)) + value


# --- two sides of one day --------------------------------------------------------------------------------------------


def stated_of(institution: Institution | None) -> dict[str, Any]:
    """What is recorded of an institution, by the paths of its history; approvals as they count."""
    if institution is None:
        return {}
    plain = {field: getattr(institution, field) for field in _LABELS if field != "region"}
    approvals = {f"approvals.{a.technique}": msgspec.to_builtins(a) for a in in_force(institution)}
    stated = {**plain, "region": institution.region.code, **approvals}
    return {path: value for path, value in stated.items() if value not in (None, [])}


def sides(voice: Voice, believed: Institution | None, known: Institution | None) -> list[Said]:
    """The two records line by line, ``before`` as believed and ``after`` as known: first what differs, then, of what
    they agree on, who is meant and what may be done there."""
    before, after = stated_of(believed), stated_of(known)
    paths = [path for path in before.keys() | after.keys() if path in _ALWAYS or before.get(path) != after.get(path)]
    made = [FieldChange(field=path, from_=before.get(path), to=after.get(path)) for path in paths]
    return sorted((change(voice, one) for one in sorted(made, key=lambda one: _position(one.field))), key=_same)


def _same(said: Said) -> bool:
    return not said.differs


def known_when(voice: Voice, times: Times) -> Markup:
    """The time of knowing in words: a day where a day was given, else the instant."""
    if times.known_day is not None or times.known_at is None:
        return voice.day(times.known_day or times.on)
    return voice.moment(times.known_at)


def learnt(voice: Voice, version: Version) -> Markup:
    """When an entry was recorded and why: 2026年3月2日记入，理由：……"""
    at = voice.day(version.recorded_at.astimezone(SHANGHAI).date())
    if version.reason is None:
        return voice.t("history.learnt_unexplained", at=at)
    return voice.t("history.learnt", at=at, reason=voice.data(version.reason.rstrip("。.")))
