"""Institutions before and after some drafts, on the days that show what these change."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from registry.domain.model import Date, Draft, Institution, Struct
from registry.records import asof, lookup
from registry.records.asof import AsOf


class BeforeAfter(Struct, frozen=True):
    """One institution on the day ``on``, before and after; None where the register has no such institution then."""

    on: Date
    before: Institution | None
    after: Institution | None


class SubjectPreview(Struct, frozen=True):
    """One institution before and after, on the day ``on``: the day the change is true from or today, whichever is
    later; where nothing differs then, because something else is stated of later days, an earlier day it is true from.

    ``earlier``: days it is true from on which something else differs. ``stated``: the drafts about the institution
    itself, each with its day and reason. ``others``: what is stated about its people, certificates or sanctions, or
    about a source (``before`` and ``after`` None), as the drafts say it.
    """

    subject: str
    on: Date
    before: Institution | None
    after: Institution | None
    earlier: list[BeforeAfter]
    stated: list[Draft]
    others: list[Draft]


def preview_subjects(connection: sa.Connection, drafts: list[Draft], before: int, after: int) -> list[SubjectPreview]:
    """What each subject of some drafts was at the log size ``before``, and is at ``after``, in their order."""
    by_subject: dict[str, list[Draft]] = {}
    for draft in drafts:
        by_subject.setdefault(_get_main_subject(draft), []).append(draft)
    today = asof.find_today(connection)
    sides = _read_sides(
        connection, {subject: _list_days(some, today) for subject, some in by_subject.items()}, (before, after)
    )
    return [_make_preview(subject, some, sides.get(subject, [])) for subject, some in by_subject.items()]


def _get_main_subject(draft: Draft) -> str:
    """The institution a draft is about, if it says one; else its own subject."""
    return str(draft.change.set.get("institution") or draft.subject)


def _list_days(drafts: list[Draft], today: Date) -> list[Date]:
    """The days drafts are true from, and ``today`` where all of these are over."""
    days = {draft.valid_from for draft in drafts}
    return sorted(days | {max([today, *days])})


def _read_sides(
    connection: sa.Connection, days: dict[str, list[Date]], sizes: tuple[int, int]
) -> dict[str, list[BeforeAfter]]:
    """Each institution on its days, at both sizes; the database is asked for each day, not for each institution."""
    by_day: dict[Date, list[str]] = {}
    for subject, several in days.items():
        for day in several if subject.startswith("institution:") else ():
            by_day.setdefault(day, []).append(subject)
    found: dict[str, list[BeforeAfter]] = {}
    for day in sorted(by_day):
        old, new = (
            _index_by_subject(lookup.read_institutions(connection, by_day[day], AsOf(valid_on=day, size=size)))
            for size in sizes
        )
        for subject in by_day[day]:
            found.setdefault(subject, []).append(BeforeAfter(on=day, before=old.get(subject), after=new.get(subject)))
    return found


def _index_by_subject(found: list[Institution]) -> dict[str, Institution]:
    return {lookup.to_subject(one.code.replace("-", "")): one for one in found}


def _make_preview(subject: str, drafts: list[Draft], sides: list[BeforeAfter]) -> SubjectPreview:
    """``sides``: by day, the last of them the one that matters most."""
    itself = [draft for draft in drafts if draft.subject == subject and draft.change.kind == "institution"]
    told = [(side, _compare_sides(side)) for side in sides]
    nothing = BeforeAfter(on=max(draft.valid_from for draft in drafts), before=None, after=None)
    main, said = next((pair for pair in reversed(told) if pair[1]), told[-1] if told else (nothing, {}))
    return SubjectPreview(
        subject=subject,
        on=main.on,
        before=main.before,
        after=main.after,
        earlier=[side for side, other in told if side is not main and not other.items() <= said.items()],
        stated=itself,
        others=[draft for draft in drafts if draft not in itself],
    )


#: Of a record, what says which entry and list it rests on, and what follows from its names before.
_BESIDE = frozenset({"entry", "log_size", "source", "former_names", "approvals"})


def _compare_sides(side: BeforeAfter) -> dict[str, tuple[bytes | None, bytes | None]]:
    """What differs, by field and technique."""
    before, after = _encode_fields(side.before), _encode_fields(side.after)
    pairs = {field: (before.get(field), after.get(field)) for field in before.keys() | after.keys()}
    return {field: pair for field, pair in pairs.items() if pair[0] != pair[1]}


def _encode_fields(one: Institution | None) -> dict[str, bytes]:
    if one is None:
        return {}
    fields = {name: value for name, value in msgspec.structs.asdict(one).items() if name not in _BESIDE}
    fields |= {f"approvals.{approval.technique}": approval for approval in one.approvals}
    return {name: msgspec.json.encode(value) for name, value in fields.items()}
