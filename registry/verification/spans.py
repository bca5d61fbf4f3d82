"""What the verification view keeps of each institution, and how it is read from the stored records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import sqlalchemy as sa

from registry.identifiers import compact_domain, compact_licence, compact_uscc
from registry.model import Date, Source
from registry.records import timeline
from registry.records.read import source_of, status_of
from registry.records.view import decode_state
from registry.tables import entries, versions
from registry.techniques import TECHNIQUES
from registry.verification import names
from registry.verification.stated import Stated, stated
from registry.verification.verdict import KnownApproval, Site

CHUNK = 2000


class Named(msgspec.Struct, frozen=True):
    """One name of one span of an institution: which kind of name, by which rule it is reached."""

    code: str
    on: str  # "name" or "alias"
    rule: names.Rule
    printed: str
    valid_from: str


class Span(msgspec.Struct, frozen=True):
    """One span of days of one institution as the view keeps it."""

    valid_from: str
    valid_to: str
    known_from: int
    known_to: int
    site: Site
    names: tuple[tuple[str, Named], ...]
    identifiers: tuple[tuple[str, str], ...]  # (kind, folded value)


def times(connection: sa.Connection, after: int, upto: int) -> list[tuple[int, int]]:
    """(last number, time) of each recording after a size: an import has one time for all its entries."""
    query = (
        sa.select(sa.func.max(entries.c.number), entries.c.recorded_at)
        .where(entries.c.number > after, entries.c.number <= upto)
        .group_by(entries.c.recorded_at)
        .order_by(entries.c.recorded_at)
    )
    return [(number, moment) for number, moment in connection.execute(query)]


def changed(connection: sa.Connection, after: int, upto: int, *kinds: str) -> list[str]:
    """The subjects of some kinds that entries after a size are about."""
    query = (
        sa.select(entries.c.subject)
        .where(entries.c.number > after, entries.c.number <= upto, entries.c.kind.in_(kinds))
        .distinct()
    )
    return list(connection.execute(query).scalars())


def load(connection: sa.Connection, subjects: list[str], size: int) -> dict[str, tuple[Span, ...]]:
    """Every span of these institutions known at a log size, by code, in order of days."""
    found: dict[str, list[Span]] = {}
    for row in _rows(connection, subjects, size):
        span = _span(row)
        if span is not None:
            found.setdefault(span.site.code, []).append(span)
    return {code: tuple(spans) for code, spans in found.items()}


def load_beside(connection: sa.Connection, subjects: list[str], size: int) -> dict[str, tuple[Stated, ...]]:
    """Every span of these people and certificates known at a log size, by subject, in order of days."""
    found: dict[str, list[Stated]] = {subject: [] for subject in subjects}
    for row in _rows(connection, subjects, size):
        found[row.subject].append(stated(row, decode_state(row.state)))
    return {subject: tuple(spans) for subject, spans in found.items()}


def _rows(connection: sa.Connection, subjects: list[str], size: int) -> Iterator[Any]:
    for start in range(0, len(subjects), CHUNK):
        query = (
            sa.select(versions)
            .where(versions.c.subject.in_(subjects[start : start + CHUNK]), versions.c.known_from <= size)
            .order_by(versions.c.subject, versions.c.valid_from)
        )
        yield from connection.execute(query)


def _span(row: Any) -> Span | None:
    state = decode_state(row.state)
    facts = timeline.facts(state)
    value = {path: fact.value for path, fact in facts.items()}
    if not {"name", "address", "status"} <= value.keys():
        return None
    code = row.subject.removeprefix("institution:")
    number, _, source, _ = timeline.latest(state)
    approvals = {
        t.code: KnownApproval(
            stage=fact.value["stage"],
            entry=fact.entry,
            source=fact.source,
            valid_from=_day(fact.value.get("valid_from")),
            verification_due=_day(fact.value.get("verification_due")),
        )
        for t in TECHNIQUES
        if (fact := facts.get(f"approvals.{t.code}"))
    }
    site = Site(
        code=code,
        name=value["name"],
        address=value["address"],
        region=value.get("region"),
        status=status_of(value),
        approvals=approvals,
        entry=number,
        source=source,
    )
    return Span(
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        known_from=row.known_from,
        known_to=row.known_to,
        site=site,
        names=tuple(_names(code, value, row.valid_from)),
        identifiers=tuple(_identifiers(value)),
    )


def _day(stated: str | None) -> Date | None:
    return Date.fromisoformat(stated) if stated else None


def _names(code: str, value: dict[str, Any], day: str) -> Iterable[tuple[str, Named]]:
    seen: set[str] = set()
    campus = value.get("campus")
    for key, rule in names.keys(value["name"], campus):
        if key not in seen:
            seen.add(key)
            yield key, Named(code, "name", rule, value["name"], day)
    for alias in value.get("aliases") or []:
        for key, rule in names.keys(alias, None):
            if key not in seen:
                seen.add(key)
                yield key, Named(code, "alias", rule, alias, day)


def _identifiers(value: dict[str, Any]) -> Iterable[tuple[str, str]]:
    """Numbers and domains in the form in which claims are looked up, however the record writes them."""
    if value.get("uscc"):
        yield "uscc", compact_uscc(value["uscc"])
    if value.get("practice_licence_no"):
        yield "practice_licence_no", compact_licence(value["practice_licence_no"])
    for written in value.get("domains") or []:
        if domain := compact_domain(written):
            yield "domain", domain


def sources(connection: sa.Connection, size: int) -> dict[str, tuple[tuple[int, Source], ...]]:
    """What was stated of every source up to a log size: (entry it was known from, source), oldest first."""
    query = (
        sa.select(versions.c.subject, versions.c.known_from, versions.c.state)
        .where(versions.c.kind == "source", versions.c.known_from <= size)
        .order_by(versions.c.known_from, versions.c.valid_from)
    )
    found: dict[str, list[tuple[int, Source]]] = {}
    for subject, known_from, state in connection.execute(query):
        source = source_of(subject, decode_state(state))
        if source is not None:
            found.setdefault(source.id, []).append((known_from, source))
    return {name: tuple(history) for name, history in found.items()}
