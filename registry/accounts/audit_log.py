"""The audit log: what each member of staff did and when. Rows are only added; the database refuses anything else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import sqlalchemy as sa

from registry.accounts import get_now_ms
from registry.domain.model import Struct
from registry.log.clock import from_milliseconds, to_milliseconds
from registry.storage.tables import trail

#: Where somebody acts in a shell of the server, there is no address.
SHELL = "shell"
_address: ContextVar[str] = ContextVar("address", default=SHELL)


@contextmanager
def act_from_address(address: str) -> Iterator[None]:
    """Record ``address`` for the events inside the block that name no address of their own."""
    before = _address.set(address)
    try:
        yield
    finally:
        _address.reset(before)


class AuditEvent(Struct, frozen=True):
    """One action of an account: ``action`` is a word for programs (signed_in, propose, ...), ``about`` its object."""

    id: int
    at: dt.datetime
    account: str
    action: str
    about: str
    address: str


class AuditFilter(Struct, frozen=True):
    """Which events: of an account, of an action, within ``since`` <= at < ``until`` (instants in UTC). Empty: all."""

    account: str = ""
    action: str = ""
    since: dt.datetime | None = None
    until: dt.datetime | None = None


def record_event(
    connection: sa.Connection, account: str, action: str, about: str = "", address: str | None = None
) -> None:
    """Add an event in the transaction of the action itself, so that neither is there without the other.

    ``about`` holds numbers and codes, never a text somebody wrote: the audit log cannot be erased.
    """
    address = _address.get() if address is None else address
    row = {"account": account[:60], "action": action, "about": about[:120], "address": address[:60]}
    connection.execute(sa.insert(trail).values(at=get_now_ms(), **row))


def list_events(
    connection: sa.Connection, wanted: AuditFilter, *, before: int | None = None, limit: int = 100
) -> list[AuditEvent]:
    """The newest ``limit`` events, newest first; with ``before`` those with a smaller id."""
    query = _select_events(wanted).order_by(trail.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(trail.c.id < before)
    return [_read_event(row) for row in connection.execute(query)]


def iterate_events(connection: sa.Connection, wanted: AuditFilter) -> Iterator[AuditEvent]:
    """Stream all events, oldest first."""
    query = _select_events(wanted).order_by(trail.c.id).execution_options(yield_per=2_000)
    yield from map(_read_event, connection.execute(query))


def list_actions(connection: sa.Connection) -> list[str]:
    """Every action that occurs in the audit log."""
    return sorted(connection.execute(sa.select(trail.c.action).distinct()).scalars())


def _select_events(wanted: AuditFilter) -> sa.Select[tuple[object, ...]]:
    query = sa.select(trail)
    if wanted.account:
        query = query.where(trail.c.account == wanted.account)
    if wanted.action:
        query = query.where(trail.c.action == wanted.action)
    if wanted.since:
        query = query.where(trail.c.at >= to_milliseconds(wanted.since))
    if wanted.until:
        query = query.where(trail.c.at < to_milliseconds(wanted.until))
    return query


def _read_event(row: sa.Row[tuple[object, ...]]) -> AuditEvent:
    fields = dict(row._mapping)
    return AuditEvent(**{**fields, "at": from_milliseconds(fields["at"])})
