"""What was stated about one subject, entry by entry, and what each statement changed."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from registry.log import store
from registry.model import Entry, FieldChange, Source, Version
from registry.records import timeline
from registry.records.asof import AsOf
from registry.records.read import source_ref, sources


def versions_of(connection: sa.Connection, subject: str, asof: AsOf) -> list[Version]:
    """Every entry about ``subject`` known at the log size, in the order recorded.

    ``changes`` compares the day ``valid_from`` as believed just before the entry with what it says; empty means the
    source confirmed what was known.
    """
    spans: list[timeline.Span] = []
    origin = sources(connection, asof)
    found = []
    for entry in store.of_subject(connection, subject, asof.size):
        before = believed(spans, entry.valid_from.isoformat())
        spans, _ = timeline.apply(spans, entry)
        found.append(_version(entry, before, believed(spans, entry.valid_from.isoformat()), origin))
    return found


def believed(spans: list[timeline.Span], day: str) -> dict[str, Any]:
    """The values that hold on a day; nothing before the first span."""
    for span in spans:
        if span.valid_from <= day < span.valid_to:
            return {path: fact.value for path, fact in timeline.facts(span.state).items()}
    return {}


def _version(entry: Entry, before: dict[str, Any], after: dict[str, Any], origin: dict[str, Source]) -> Version:
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
        source=source_ref(origin.get(entry.source or "")),
        reason=entry.change.reason,
    )
