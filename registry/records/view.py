"""The records view: every span of days of every subject, also those no longer believed.

Applied inside the append transaction, so it is never behind. An entry that erases personal values has every span of its
subject written anew, so that they disappear from what was known on any day.
"""

from collections.abc import Callable
from typing import Any

import msgspec
import sqlalchemy as sa

from registry.domain.model import Entry
from registry.errors import LogDamaged
from registry.log import store
from registry.records import timeline
from registry.storage.tables import STILL_KNOWN, versions
from registry.texts import Message

_json = msgspec.json.Encoder()
_from_json = msgspec.json.Decoder()


class RecordsView:
    """The view of records (see ``views.View``)."""

    name = "records"

    def apply(self, connection: sa.Connection, entries: list[Entry]) -> None:
        """Bring the spans of every subject in ``entries`` up to date."""
        erased = {entry.subject for entry in entries if entry.change.erases}
        for subject in sorted(erased):
            _rewrite_subject(connection, subject, entries[-1].number)
        self._extend_spans(connection, [entry for entry in entries if entry.subject not in erased])

    def _extend_spans(self, connection: sa.Connection, entries: list[Entry]) -> None:
        spans_by_subject = _load_spans(connection, {entry.subject for entry in entries})
        loaded = [(subject, span) for subject, spans in spans_by_subject.items() for span in spans]
        opened: list[tuple[Entry, timeline.Span]] = []
        for entry in entries:
            spans_by_subject[entry.subject], new_spans = timeline.apply_entry(
                spans_by_subject.get(entry.subject, []), entry
            )
            opened += [(entry, span) for span in new_spans]
        closed = [
            {"s": subject, "v": span.valid_from, "k": span.known_from, "to": span.known_to}
            for subject, span in loaded
            if span.known_to != STILL_KNOWN
        ]
        write_spans(connection, versions, closed, [make_version_row(entry, span) for entry, span in opened])

    def reset(self, connection: sa.Connection) -> None:
        """Delete all records."""
        connection.execute(sa.delete(versions))


def _rewrite_subject(connection: sa.Connection, subject: str, upto: int) -> None:
    """Fold a subject's entries again as they are now in the log, so that no span keeps an erased value."""
    spans: list[timeline.Span] = []
    opened: list[tuple[Entry, timeline.Span]] = []
    for entry in store.read_subject_entries(connection, subject, upto):
        spans, new_spans = timeline.apply_entry(spans, entry)
        opened += [(entry, span) for span in new_spans]
    connection.execute(sa.delete(versions).where(versions.c.subject == subject))
    if opened:
        connection.execute(sa.insert(versions), [make_version_row(entry, span) for entry, span in opened])


def _load_spans(connection: sa.Connection, subjects: set[str]) -> dict[str, list[timeline.Span]]:
    """The spans now believed of each subject, in order of days."""
    query = (
        sa.select(versions)
        .where(versions.c.subject.in_(sorted(subjects)), versions.c.known_to == STILL_KNOWN)
        .order_by(versions.c.subject, versions.c.valid_from)
    )
    spans: dict[str, list[timeline.Span]] = {}
    for row in connection.execute(query):
        spans.setdefault(row.subject, []).append(decode_span(row))
    return spans


def decode_span(row: Any) -> timeline.Span:
    """The span a row of ``versions`` holds."""
    return timeline.Span(row.valid_from, row.valid_to, row.known_from, decode_state(row.state), row.known_to)


def decode_state(blob: bytes) -> timeline.State:
    """The state as stored in ``versions.state``."""
    state: timeline.State = _from_json.decode(blob)
    return state


def make_version_row(entry: Entry, span: timeline.Span) -> dict[str, Any]:
    """The row of ``versions`` that holds a span."""
    values = timeline.collect_values(span.state)
    return {
        "subject": entry.subject,
        "valid_from": span.valid_from,
        "valid_to": span.valid_to,
        "known_from": span.known_from,
        "known_to": span.known_to,
        "kind": entry.change.kind,
        "parent": values.get("institution") or "",
        "status": values.get("status") or "",
        "region": values.get("region") or "",
        "state": _json.encode(span.state),
    }


def check_records(connection: sa.Connection, progress: Callable[[int], None] | None = None) -> int:
    """Fold the log again, in memory, and compare; return the number of spans. LogDamaged names the first entry whose
    record is missing, extra or different.
    """
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
    differences: list[tuple[int, str]] = []  # (the entry from which on, the subject)
    with connection.execute(sa.select(versions).execution_options(yield_per=store.CHUNK)) as rows:
        for row in rows.mappings():
            expected = derived.pop((row["subject"], row["valid_from"], row["known_from"]), None)
            if expected is None or expected() != dict(row):
                differences.append((row["known_from"], row["subject"]))
    differences += [(known_from, subject) for subject, _, known_from in derived]
    if differences:
        raise _make_difference_error(*min(differences))
    return stored


def _make_difference_error(number: int, subject: str) -> LogDamaged:
    message = Message(
        "{subject} 自日志第{number}条起的现行记录与日志不符，请运行：registry rebuild records",
        subject=subject,
        number=number,
    )
    return LogDamaged(message, entry=number, subject=subject)


def write_spans(
    connection: sa.Connection, table: sa.Table, closed: list[dict[str, Any]], opened: list[dict[str, Any]]
) -> None:
    """Write what changed of a table of spans in two times.

    ``closed``: keys of rows that are known only up to an entry now, ``{s: subject, v: valid_from, k: known_from, to:
    known_to}``; ``opened``: new rows.
    """
    if closed:
        connection.execute(
            sa.update(table)
            .where(
                table.c.subject == sa.bindparam("s"),
                table.c.valid_from == sa.bindparam("v"),
                table.c.known_from == sa.bindparam("k"),
            )
            .values(known_to=sa.bindparam("to")),
            closed,
        )
    if opened:
        connection.execute(sa.insert(table), opened)
