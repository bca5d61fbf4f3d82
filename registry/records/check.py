"""Fold the log again, in memory, and compare with the stored records: names the first entry whose record differs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from registry.errors import LogDamaged
from registry.log import store
from registry.records import timeline
from registry.records.view import make_version_row
from registry.storage.tables import versions


def check_records(connection: sa.Connection, progress: Callable[[int], None] | None = None) -> int:
    """How many spans the records hold; LogDamaged when one is missing, extra or different."""
    derived: dict[tuple[str, str, int], Callable[[], dict[str, Any]]] = {}
    believed: dict[str, list[timeline.Span]] = {}
    for chunk in store.read_entries(connection):
        for entry in chunk:
            believed[entry.subject], opened = timeline.apply_entry(believed.get(entry.subject, []), entry)
            for span in opened:
                key = (entry.subject, span.valid_from, span.known_from)
                derived[key] = lambda entry=entry, span=span: make_version_row(entry, span)  # type: ignore[misc]
        if progress:
            progress(chunk[-1].number)
    stored = len(derived)
    wrong: list[tuple[int, str]] = []  # (the entry from which on, the subject)
    with connection.execute(sa.select(versions).execution_options(yield_per=store.CHUNK)) as rows:
        for row in rows.mappings():
            expected = derived.pop((row["subject"], row["valid_from"], row["known_from"]), None)
            if expected is None or expected() != dict(row):
                wrong.append((row["known_from"], row["subject"]))
    wrong += [(known_from, subject) for subject, _, known_from in derived]
    if wrong:
        raise _make_difference_error(*min(wrong))
    return stored


def _make_difference_error(number: int, subject: str) -> LogDamaged:
    return LogDamaged(
        f"{subject} 自日志第{number}条起的现行记录与日志不符，请运行：registry rebuild records",
        f"The record of {subject} from log entry {number} on is not what the log says; run: registry rebuild records",
        entry=number,
        subject=subject,
    )
