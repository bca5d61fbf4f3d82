"""The deadlines view: what falls due, by day: verifications (校验) of approvals, authorisations, ad certificates."""

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Any, Literal, get_args

import sqlalchemy as sa

from registry.domain import regions
from registry.domain.model import Date, Entry, Struct
from registry.domain.techniques import LAWFUL_STAGES
from registry.records import timeline
from registry.records.asof import AsOf
from registry.records.selection import match_known
from registry.records.view import decode_state
from registry.storage.tables import STILL_KNOWN, deadlines, versions

Kind = Literal["verification", "authorisation", "certificate"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_ENDING: dict[str, Kind] = {"practitioner": "authorisation", "ad_certificate": "certificate"}
_CHUNK = 500


class Deadline(Struct, frozen=True):
    """Something that holds up to and with ``day`` unless it is renewed; ``about`` is the institution's subject.

    ``path`` is ``approvals.<technique>`` for a verification, else the field ``valid_to``.
    """

    subject: str
    about: str
    kind: Kind
    path: str
    day: Date
    name: str


class DeadlineFilter(Struct, frozen=True):
    """Deadlines of a kind, with ``since`` <= last day <= ``until``, about institutions of a region.

    ``technique``: verifications of this one alone.
    """

    kind: Kind | None = None
    technique: str = ""
    since: Date | None = None
    until: Date | None = None
    region: str = ""


class DeadlinesView:
    """The view of deadlines (see ``views.View``). Applied after the records, which it reads."""

    name = "deadlines"

    def apply(self, connection: sa.Connection, entries: list[Entry]) -> None:
        """Bring the deadlines of every subject in ``entries`` up to date."""
        touched = {entry.subject for entry in entries}
        stored = set(_select_in_chunks(connection, sa.select(deadlines.c.subject), deadlines.c.subject, touched))
        subjects = {entry.subject for entry in entries if _has_deadline(entry)} | {subject for (subject,) in stored}
        for start in range(0, len(subjects), _CHUNK):
            _refresh_subjects(connection, sorted(subjects)[start : start + _CHUNK])

    def reset(self, connection: sa.Connection) -> None:
        """Delete all deadlines."""
        connection.execute(sa.delete(deadlines))


def _has_deadline(entry: Entry) -> bool:
    if entry.change.kind in _ENDING:
        return True
    return any(isinstance(value, dict) and value.get("verification_due") for value in entry.change.set.values())


def _refresh_subjects(connection: sa.Connection, subjects: list[str]) -> None:
    connection.execute(sa.delete(deadlines).where(deadlines.c.subject.in_(subjects)))
    v = versions.c
    query = sa.select(v.subject, v.kind, v.valid_from, v.valid_to, v.state).where(
        v.subject.in_(subjects), v.known_to == STILL_KNOWN
    )
    rows = [row for span in connection.execute(query).all() for row in _list_span_deadlines(span)]
    if rows:
        connection.execute(sa.insert(deadlines), rows)


def _list_span_deadlines(span: Any) -> Iterator[dict[str, Any]]:
    """List the deadlines that one span of a record states, as rows: last days of certificates, verifications."""
    values = timeline.collect_values(decode_state(span.state))
    last_days: list[tuple[str, str | None]] = []
    if span.kind in _ENDING:
        last_days = [("valid_to", values.get("valid_to"))]
    elif span.kind == "institution":
        last_days = [
            (path, value.get("verification_due"))
            for path, value in values.items()
            if path.startswith("approvals.") and value["stage"] in LAWFUL_STAGES
        ]
    span_fields = {"subject": span.subject, "valid_from": span.valid_from, "valid_to": span.valid_to}
    about = span.subject if span.kind == "institution" else str(values.get("institution") or "")
    for path, day in last_days:
        if day:
            yield {**span_fields, "path": path, "day": day, "kind": _ENDING.get(span.kind, KINDS[0]), "about": about}


def _select_in_chunks(
    connection: sa.Connection, query: sa.Select[Any], column: sa.ColumnElement[str], values: Iterable[str]
) -> Iterator[Any]:
    items = sorted(values)
    for start in range(0, len(items), _CHUNK):
        yield from connection.execute(query.where(column.in_(items[start : start + _CHUNK]))).all()


def list_deadlines(  # noqa: PLR0913 - which of the list
    connection: sa.Connection,
    asof: AsOf,
    wanted: DeadlineFilter,
    *,
    sort: str = "day",
    descending: bool = False,
    offset: int = 0,
    limit: int = 50,
) -> list[Deadline]:
    """The deadlines of a filter, the earliest day first; or by another column: ``kind`` or ``about``.

    A past day counts only while the span that states it is still the record; one to come, only if that span holds by
    then. What belongs to an institution that is delisted, or will be by then, falls due no more.
    """
    table = deadlines.c
    columns = (table.subject, table.about, table.kind, table.path, table.day)
    query = _add_conditions(sa.select(*columns, versions.c.state), asof, wanted)
    order: Any = {"kind": table.kind, "about": table.about}.get(sort, table.day)
    query = query.order_by(order.desc() if descending else order, table.day, table.subject, table.path)
    rows = connection.execute(query.offset(offset).limit(limit)).all()
    return [
        Deadline(
            subject=row.subject,
            about=row.about,
            kind=row.kind,
            path=row.path,
            day=dt.date.fromisoformat(row.day),
            name=timeline.collect_facts(decode_state(row.state))["name"].value,
        )
        for row in rows
    ]


def count_deadlines(connection: sa.Connection, asof: AsOf, wanted: DeadlineFilter) -> dict[Kind, int]:
    """Count the deadlines of a filter by kind."""
    query = _add_conditions(sa.select(deadlines.c.kind, sa.func.count()), asof, wanted).group_by(deadlines.c.kind)
    counts = {row[0]: row[1] for row in connection.execute(query)}
    return {kind: counts.get(kind, 0) for kind in KINDS}


def count_spans(connection: sa.Connection, asof: AsOf, days: tuple[int, ...], region: str) -> list[dict[Kind, int]]:
    """Count by kind what falls due within each of some numbers of days (0: what is overdue), at one look."""
    today = asof.valid_on
    last = (today + dt.timedelta(days=max(days))).isoformat()
    table, now = deadlines.c, today.isoformat()
    conditions = [
        table.day < now if number == 0 else table.day.between(now, (today + dt.timedelta(days=number)).isoformat())
        for number in days
    ]
    columns = [sa.func.sum(sa.case((condition, 1), else_=0)) for condition in conditions]
    wanted = DeadlineFilter(region=region)
    query = _add_conditions(sa.select(table.kind, *columns), asof, wanted).where(table.day <= last)
    found = {row[0]: row[1:] for row in connection.execute(query.group_by(table.kind))}
    return [{kind: int(found[kind][place]) if kind in found else 0 for kind in KINDS} for place in range(len(days))]


def _add_conditions(query: sa.Select[Any], asof: AsOf, wanted: DeadlineFilter) -> sa.Select[Any]:
    table = deadlines.c
    query = query.select_from(deadlines.join(versions, versions.c.subject == table.about))
    today = asof.valid_on.isoformat()
    decisive = sa.case((table.day < today, today), else_=table.day)
    query = query.where(match_known(asof), versions.c.status != "delisted")
    query = query.where(versions.c.valid_from <= decisive, versions.c.valid_to > decisive)
    query = query.where(table.valid_from <= decisive, table.valid_to > decisive)
    if wanted.kind:
        query = query.where(table.kind == wanted.kind)
    if wanted.technique:
        query = query.where(table.path == f"approvals.{wanted.technique}")
    if wanted.since:
        query = query.where(table.day >= wanted.since.isoformat())
    if wanted.until:
        query = query.where(table.day <= wanted.until.isoformat())
    if wanted.region:
        # Looked up first, so that nothing elsewhere is joined with its record.
        prefix = regions.get_prefix(wanted.region)
        inside = versions.alias("inside")
        place = inside.c.region.between(prefix.ljust(6, "0"), prefix.ljust(6, "9"))
        query = query.where(table.about.in_(sa.select(inside.c.subject).where(inside.c.kind == "institution", place)))
        query = query.where(versions.c.region.startswith(prefix))
    return query
