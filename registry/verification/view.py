"""The in-memory view that answers claims: follows the log, touches no database on the hot path.

It holds every span of every institution, also superseded ones, so that a claim may name any day and any time of
knowing. A change reaches it within the follower's interval; each answer says the log size it rests on. When the
register cannot be read for too long, it refuses to answer rather than answer from the past.
"""

from __future__ import annotations

import bisect
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import sqlalchemy as sa

from registry.database import Database
from registry.errors import CannotAnswer, LogDamaged
from registry.log import store
from registry.log.merkle import Frontier
from registry.model import Date, LogState, Source
from registry.records import timeline
from registry.records.asof import AsOf
from registry.records.read import source_of, status_of
from registry.records.view import decode_state
from registry.tables import entries, versions
from registry.techniques import TECHNIQUES
from registry.verification import names
from registry.verification.verdict import KnownApproval, Site

#: Seconds without a successful look at the log after which the view no longer answers.
STALE_AFTER = 30.0
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


class VerificationView:
    """Institutions by name and number, in memory. ``lock`` guards every read that needs one consistent log size."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.size = 0
        self.sources: dict[str, tuple[tuple[int, Source], ...]] = {}
        self.spans: dict[str, tuple[Span, ...]] = {}
        self.by_key: dict[str, set[str]] = {}
        self.by_identifier: dict[tuple[str, str], set[str]] = {}
        self.times: list[tuple[int, int]] = []
        self._frontier = Frontier()
        self._root = self._frontier.root().hex()
        self._last = b""
        self._seen = 0.0
        self._error: Exception | None = None

    def follow(self, database: Database) -> int:
        """Take in what the log has gained; how many entries. On failure the error is kept and raised."""
        try:
            with database.reading() as connection:
                size = store.head(connection).size
                self._refuse_another_log(connection, size)
                if size == self.size:
                    self._seen = time.monotonic()
                    return 0
                gained = size - self.size
                leaves = list(store.leaves(connection, self.size, size))
                times = _times(connection, self.size, size)
                subjects = _changed(connection, self.size, size)
                spans = _load(connection, subjects, size)
                sources = _sources(connection, size)
        except Exception as error:
            self._error = error
            raise
        with self.lock:
            self._frontier.extend(leaves)
            self._last = leaves[-1]
            self._root = self._frontier.root().hex()
            self.times += times
            self.sources = sources
            for code, fresh in spans.items():
                self._replace(code, fresh)
            self.size = size
            self._seen = time.monotonic()
            self._error = None
        return gained

    def _refuse_another_log(self, connection: sa.Connection, size: int) -> None:
        """A database restored from before, or another one, under a running process: stop answering, do not mix two."""
        if self.size == 0:
            return
        held = connection.execute(sa.select(entries.c.leaf).where(entries.c.number == self.size)).scalar()
        if size < self.size or held != self._last:
            raise LogDamaged(
                "日志与本进程此前所读的不一致，已停止答复；请检查数据库后重新启动。",
                "The log is not the one this process has read so far; it stopped answering. Check, then restart.",
            )

    def _replace(self, code: str, fresh: tuple[Span, ...]) -> None:
        for span in self.spans.get(code, ()):
            for key, _ in span.names:
                self.by_key.get(key, set()).discard(code)
            for identifier in span.identifiers:
                self.by_identifier.get(identifier, set()).discard(code)
        self.spans[code] = fresh
        for span in fresh:
            for key, _ in span.names:
                self.by_key.setdefault(key, set()).add(code)
            for identifier in span.identifiers:
                self.by_identifier.setdefault(identifier, set()).add(code)

    def state(self) -> LogState:
        """Size and root of the log the view answers from."""
        return LogState(size=self.size, root=self._root)

    def age(self) -> float:
        """Seconds since the log was last read successfully; infinite before the first time."""
        return time.monotonic() - self._seen if self._seen else float("inf")

    def require_fresh(self) -> None:
        """CannotAnswer when the log has not been readable for STALE_AFTER seconds, or never was."""
        if self.age() > STALE_AFTER:
            raise CannotAnswer(
                "系统暂时无法核验，这不代表该机构未获批准，请稍后再试。",
                "The register cannot be asked at the moment. This does not mean an institution is not approved; "
                "please try again later.",
                cause=type(self._error).__name__ if self._error else "starting",
            )

    def span(self, code: str, asof: AsOf) -> Span | None:
        """The span of an institution that holds on a day; None when nothing is known of it then."""
        day = asof.valid_on.isoformat()
        for span in self.spans.get(code, ()):
            if span.valid_from <= day < span.valid_to and span.known_from <= asof.size < span.known_to:
                return span
        return None

    def site(self, code: str, asof: AsOf) -> Site | None:
        """What is known of an institution on a day; None when nothing is."""
        span = self.span(code, asof)
        return span.site if span else None

    def since(self, code: str, asof: AsOf, holds: Callable[[Site], bool]) -> Date | None:
        """The first day of the unbroken time up to the asked day in which something held, as known then."""
        day = asof.valid_on.isoformat()
        first: str | None = None
        for span in self.spans.get(code, ()):  # in order of days
            if span.known_from <= asof.size < span.known_to and span.valid_from <= day:
                first = (first or span.valid_from) if holds(span.site) else None
        return Date.fromisoformat(first) if first else None

    def named(self, code: str, key: str, size: int) -> list[Named]:
        """The names by which ``key`` reaches an institution, in spans known at a log size."""
        return [
            named
            for span in self.spans.get(code, ())
            if span.known_from <= size < span.known_to
            for known, named in span.names
            if known == key
        ]

    def sources_at(self, size: int) -> dict[str, Source]:
        """Sources known at a log size."""
        return {
            name: stated[-1][1]
            for name, history in self.sources.items()
            if (stated := [item for item in history if item[0] <= size])
        }

    def size_at(self, milliseconds: int) -> int:
        """Entries recorded by an instant, as far as the view has followed."""
        position = bisect.bisect_right(self.times, milliseconds, key=lambda item: item[1])
        return self.times[position - 1][0] if position else 0


def _times(connection: sa.Connection, after: int, upto: int) -> list[tuple[int, int]]:
    """(last number, time) of each recording after a size: an import has one time for all its entries."""
    query = (
        sa.select(sa.func.max(entries.c.number), entries.c.recorded_at)
        .where(entries.c.number > after, entries.c.number <= upto)
        .group_by(entries.c.recorded_at)
        .order_by(entries.c.recorded_at)
    )
    return [(number, moment) for number, moment in connection.execute(query)]


def _changed(connection: sa.Connection, after: int, upto: int) -> list[str]:
    query = (
        sa.select(entries.c.subject)
        .where(entries.c.number > after, entries.c.number <= upto, entries.c.kind == "institution")
        .distinct()
    )
    return list(connection.execute(query).scalars())


def _load(connection: sa.Connection, subjects: list[str], size: int) -> dict[str, tuple[Span, ...]]:
    found: dict[str, list[Span]] = {}
    for start in range(0, len(subjects), CHUNK):
        query = (
            sa.select(versions)
            .where(versions.c.subject.in_(subjects[start : start + CHUNK]), versions.c.known_from <= size)
            .order_by(versions.c.subject, versions.c.valid_from)
        )
        for row in connection.execute(query):
            span = _span(row)
            if span is not None:
                found.setdefault(span.site.code, []).append(span)
    return {code: tuple(spans) for code, spans in found.items()}


def _span(row: Any) -> Span | None:
    state = decode_state(row.state)
    facts = timeline.facts(state)
    value = {path: fact.value for path, fact in facts.items()}
    if not {"name", "address", "status"} <= value.keys():
        return None
    code = row.subject.removeprefix("institution:")
    number, _, source, _ = timeline.latest(state)
    approvals = {
        t.code: KnownApproval(stage=fact.value["stage"], entry=fact.entry, source=fact.source)
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
    for kind in ("uscc", "practice_licence_no"):
        if value.get(kind):
            yield kind, value[kind]
    for domain in value.get("domains") or []:
        yield "domain", domain.lower()


def _sources(connection: sa.Connection, size: int) -> dict[str, tuple[tuple[int, Source], ...]]:
    query = (
        sa.select(versions.c.subject, versions.c.known_from, versions.c.state)
        .where(versions.c.kind == "source", versions.c.known_from <= size)
        .order_by(versions.c.known_from)
    )
    found: dict[str, list[tuple[int, Source]]] = {}
    for subject, known_from, state in connection.execute(query):
        source = source_of(subject, decode_state(state))
        if source is not None:
            found.setdefault(source.id, []).append((known_from, source))
    return {name: tuple(history) for name, history in found.items()}
