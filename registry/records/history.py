"""The history of one subject, entry by entry, and the changes each entry made."""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from registry.domain.model import Date, Entry, Source, SourceRef, Struct
from registry.log import store
from registry.records import timeline
from registry.records.asof import AsOf
from registry.records.lookup import make_source_ref, read_sources
from registry.records.selection import match_known
from registry.records.site import derive_status
from registry.records.view import decode_state
from registry.storage.tables import versions


class FieldChange(Struct, frozen=True):
    """One field before and after; nested paths such as ``approvals.IVF``."""

    field: str
    from_: Any = msgspec.field(name="from", default=None)
    to: Any = None


class Version(Struct, frozen=True):
    """One entry about a subject as its history shows it; no ``changes`` means the source confirmed what was known.

    ``corrects``: it changes what had been stated of that very day, or goes back before the latest day already stated.
    """

    entry: int
    recorded_at: dt.datetime
    valid_from: Date
    changes: list[FieldChange]
    source: SourceRef | None
    reason: str | None = None
    corrects: bool = False


def list_versions(
    connection: sa.Connection, subject: str, asof: AsOf, upto: Date | None = None, *, with_refused: bool = True
) -> list[Version]:
    """Every entry about ``subject`` known at the log size, in order; with ``upto``, those about days up to that one;
    without ``with_refused`` neither an emergency that was taken back nor that it was.

    ``changes`` compares the values on the day ``valid_from`` before and after the entry; none means the source
    confirmed what was known. An entry without changes corrects nothing.
    """
    spans: list[timeline.Span] = []
    sources = read_sources(connection, asof)
    entries = store.read_subject_entries(connection, subject, asof.size)
    refused = set() if with_refused else find_refused(entries)
    history = []
    for index, entry in enumerate(entries):
        before = get_values_on(spans, entry.valid_from.isoformat())
        spans, _ = timeline.apply_entry(spans, entry)
        after = get_values_on(spans, entry.valid_from.isoformat())
        # Judged among all statements, also later ones: what an entry is does not depend on the day asked about.
        if entry.number not in refused and (upto is None or entry.valid_from <= upto):
            history.append(_make_version(entry, before, after, sources, is_correction(entries[:index], entry)))
    return history


def find_refused(entries: Sequence[Entry]) -> set[int]:
    """Find the entries of emergencies that were taken back, and those that took them back."""
    refused: set[int] = set()
    last: list[Entry] = []
    for entry in entries:
        if entry.is_emergency:
            last = [*(other for other in last if other.proposal == entry.proposal), entry]
        elif entry.is_restoration:
            refused |= {entry.number, *(other.number for other in last)}
    return refused


def is_correction(earlier_entries: Sequence[Entry], entry: Entry) -> bool:
    """Whether an entry contradicts earlier ones about its subject: it is about a day before the latest stated one, or
    states something else of a day already stated.

    A list published months after its day is late and corrects nothing: no entry was about that day or a later one.
    """
    if any(entry.valid_from < earlier.valid_from for earlier in earlier_entries):
        return True
    same_day = [earlier.change.set for earlier in earlier_entries if earlier.valid_from == entry.valid_from]
    stated_values = {path: value for values in same_day for path, value in values.items()}
    return any(path in stated_values and stated_values[path] != value for path, value in entry.change.set.items())


def read_first_days(connection: sa.Connection, subject: str, asof: AsOf) -> dict[str, Date]:
    """By path, the first day of the unbroken time up to the day asked about in which its value held (of an approval:
    its stage). A value that never changed has no such day: it may have held long before the register began.
    """
    query = (
        sa.select(versions.c.valid_from, versions.c.state)
        .where(versions.c.subject == subject, match_known(asof), versions.c.valid_from <= asof.valid_on.isoformat())
        .order_by(versions.c.valid_from)
    )
    return _find_first_days((day, decode_state(state)) for day, state in connection.execute(query))


def _find_first_days(spans: Iterable[tuple[str, timeline.State]]) -> dict[str, Date]:
    previous: dict[str, Any] = {}
    first: dict[str, Date] = {}
    for day, state in spans:
        values = _reduce_to_stages(timeline.collect_values(state))
        for path in previous.keys() | values.keys():
            if previous.get(path) != values.get(path):
                first.pop(path, None)
                if path in previous and path in values:
                    first[path] = Date.fromisoformat(day)
        previous = values
    return first


def _reduce_to_stages(values: dict[str, Any]) -> dict[str, Any]:
    """Reduce each approval to its stage, and add the status that follows from them."""
    status = {"status": derive_status(values)} if "status" in values else {}
    return {path: v["stage"] if path.startswith("approvals.") else v for path, v in values.items()} | status


def get_values_on(spans: list[timeline.Span], day: str) -> dict[str, Any]:
    """The values that hold on a day; nothing before the first span."""
    for span in spans:
        if span.valid_from <= day < span.valid_to:
            return timeline.collect_values(span.state)
    return {}


def _get_public_reason(entry: Entry) -> str | None:
    """Return the reason of an entry; of an emergency only that it was one: what is said against somebody is shown once
    a second person has confirmed it, who says it again."""
    reason = entry.change.reason
    return reason.partition("：")[0] if reason and entry.is_emergency else reason


def _make_version(
    entry: Entry, before: dict[str, Any], after: dict[str, Any], sources: dict[str, Source], goes_back: bool
) -> Version:
    changes = [
        FieldChange(field=path, from_=before.get(path), to=after.get(path))
        for path in sorted({**before, **after})
        if before.get(path) != after.get(path)
    ]
    return Version(
        entry=entry.number,
        recorded_at=entry.recorded_at,
        valid_from=entry.valid_from,
        changes=changes,
        source=make_source_ref(sources.get(entry.source or "")),
        reason=_get_public_reason(entry),
        corrects=goes_back and bool(changes),
    )
