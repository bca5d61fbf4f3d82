"""Spans of institutions, people and certificates: what the verification view reads from stored records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from registry.domain.identifiers import compact_domain, compact_licence, compact_uscc
from registry.domain.normalise import fold_text
from registry.records import timeline
from registry.records.site import Site, make_site
from registry.records.view import decode_state
from registry.storage.tables import entries, versions
from registry.verification import names
from registry.verification.people_index import RecordSpan, make_record_span
from registry.verification.sanction_index import SanctionSpan, make_sanction_span

_CHUNK = 2000
_T = TypeVar("_T")
_VERSIONS = sa.select(
    versions.c.subject,
    versions.c.valid_from,
    versions.c.valid_to,
    versions.c.known_from,
    versions.c.known_to,
    versions.c.state,
)


class SpanName(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One name of one span of an institution: its kind, and the rule by which its key is reached."""

    key: str
    on: str  # "name" or "alias"
    rule: names.Rule
    printed: str


class Span(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One span of days of one institution."""

    valid_from: str
    valid_to: str
    known_from: int
    known_to: int
    site: Site
    names: tuple[SpanName, ...]
    identifiers: tuple[tuple[str, str], ...]  # (kind, folded value)
    known_as: tuple[str, ...] = ()  # folded names that people use: of candidates, never of a match
    english: str = ""  # its own name in English, or a translation: the same


def read_recording_times(connection: sa.Connection, after: int, upto: int) -> list[tuple[int, int]]:
    """Read (last number, time) of each recording after a size: an import has one time for all its entries."""
    query = (
        sa.select(sa.func.max(entries.c.number), entries.c.recorded_at)
        .where(entries.c.number > after, entries.c.number <= upto)
        .group_by(entries.c.recorded_at)
        .order_by(entries.c.recorded_at)
    )
    return [(number, moment) for number, moment in connection.execute(query)]


def list_changed_subjects(connection: sa.Connection, after: int, upto: int, *kinds: str) -> list[str]:
    """List the subjects of some kinds that entries after a size are about."""
    query = (
        sa.select(entries.c.subject)
        .where(entries.c.number > after, entries.c.number <= upto, entries.c.kind.in_(kinds))
        .distinct()
    )
    return list(connection.execute(query).scalars())


def load_spans(connection: sa.Connection, subjects: list[str], size: int) -> dict[str, tuple[Span, ...]]:
    """Load every span of these institutions known at a log size, by code."""
    spans: dict[str, list[Span]] = {}
    for start in range(0, len(subjects), _CHUNK):
        query = _VERSIONS.where(versions.c.subject.in_(subjects[start : start + _CHUNK]), versions.c.known_from <= size)
        for code, span in _read_spans(connection, query):
            spans.setdefault(code, []).append(span)
    return {code: tuple(of_code) for code, of_code in spans.items()}


def load_all_spans(connection: sa.Connection, size: int) -> Iterator[tuple[str, Span]]:
    """Stream every span of every institution known at a log size, with its code, in no order."""
    return _read_spans(connection, _VERSIONS.where(versions.c.kind == "institution", versions.c.known_from <= size))


def _read_spans(connection: sa.Connection, query: sa.Select[Any]) -> Iterator[tuple[str, Span]]:
    with connection.execute(query.execution_options(yield_per=_CHUNK)) as rows:
        for subject, begins, ends, first, last, state in rows:
            code = subject.removeprefix("institution:")
            span = make_span(code, (begins, ends, first, last), decode_state(state))
            if span is not None:
                yield code, span


def load_record_spans(connection: sa.Connection, subjects: list[str], size: int) -> dict[str, tuple[RecordSpan, ...]]:
    """Load every span of these people and certificates known at a log size, by subject, in order of days."""
    return _load_rows(connection, subjects, size, make_record_span)


def load_sanction_spans(
    connection: sa.Connection, subjects: list[str], size: int
) -> dict[str, tuple[SanctionSpan, ...]]:
    """Load every span of these sanctions known at a log size, by subject, in order of days."""
    return _load_rows(connection, subjects, size, make_sanction_span)


def _load_rows(
    connection: sa.Connection, subjects: list[str], size: int, make: Callable[[Any, timeline.State], _T]
) -> dict[str, tuple[_T, ...]]:
    spans: dict[str, list[_T]] = {subject: [] for subject in subjects}
    for start in range(0, len(subjects), _CHUNK):
        query = (
            sa.select(versions)
            .where(versions.c.subject.in_(subjects[start : start + _CHUNK]), versions.c.known_from <= size)
            .order_by(versions.c.subject, versions.c.valid_from)
        )
        for row in connection.execute(query):
            spans[row.subject].append(make(row, decode_state(row.state)))
    return {subject: tuple(of_subject) for subject, of_subject in spans.items()}


def make_span(code: str, when: tuple[str, str, int, int], state: timeline.State) -> Span | None:
    """Make the span of an institution's record: (valid_from, valid_to, known_from, known_to) and its state; None where
    it has not enough to be shown."""
    site = make_site(code, state)
    if site is None:
        return None
    value = timeline.collect_values(state)
    names_of, numbers = tuple(_list_names(value)), tuple(_list_identifiers(value))
    return Span(*when, site, names_of, numbers, _fold_common_names(value), value.get("name_en") or "")


def _list_names(value: dict[str, Any]) -> Iterable[SpanName]:
    seen: set[str] = set()
    for on, name, campus in [
        ("name", value["name"], value.get("campus")),
        *(("alias", alias, None) for alias in value.get("aliases") or ()),
    ]:
        for key, rule in names.make_official_keys(name, campus):
            if key not in seen:
                seen.add(key)
                yield SpanName(key, on, rule, name)


def _fold_common_names(value: dict[str, Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(fold_text(name) for name in value.get("known_as") or ()))


def _list_identifiers(value: dict[str, Any]) -> Iterable[tuple[str, str]]:
    """List numbers and domains in the form in which claims are looked up, however the record writes them."""
    if value.get("uscc"):
        yield "uscc", compact_uscc(value["uscc"])
    if value.get("practice_licence_no"):
        yield "practice_licence_no", compact_licence(value["practice_licence_no"])
    for domain_text in value.get("domains") or []:
        if domain := compact_domain(domain_text):
            yield "domain", domain
