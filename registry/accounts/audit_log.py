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
    """Which events: of an account, of an action, within ``since`` <= at < ``until`` (instants in UTC), with a text in
    what they are about. Empty: all."""

    account: str = ""
    action: str = ""
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    text: str = ""


def record_event(
    connection: sa.Connection, account: str, action: str, about: str = "", address: str | None = None
) -> None:
    """Add an event in the transaction of the action itself, so that neither is there without the other.

    ``about`` holds numbers and codes, never a text somebody wrote: the audit log cannot be erased.
    """
    address = _address.get() if address is None else address
    row = {"account": account[:60], "action": action, "about": about[:120], "address": address[:60]}
    connection.execute(sa.insert(trail).values(at=get_now_ms(), **row))


def count_events(connection: sa.Connection, wanted: AuditFilter) -> int:
    """Count the events of a filter."""
    query = sa.select(sa.func.count()).select_from(trail).where(*_list_conditions(wanted))
    return int(connection.execute(query).scalar_one())


def list_events(
    connection: sa.Connection, wanted: AuditFilter, *, descending: bool = True, offset: int = 0, limit: int = 100
) -> list[AuditEvent]:
    """Some events of a filter, the newest first unless ``descending`` is false."""
    query = sa.select(trail).where(*_list_conditions(wanted))
    query = query.order_by(trail.c.id.desc() if descending else trail.c.id).offset(offset).limit(limit)
    return [_read_event(row) for row in connection.execute(query)]


def list_actions(connection: sa.Connection) -> list[str]:
    """Every action that occurs in the audit log."""
    return sorted(connection.execute(sa.select(trail.c.action).distinct()).scalars())


def _list_conditions(wanted: AuditFilter) -> list[sa.ColumnElement[bool]]:
    pairs = ((trail.c.account, wanted.account), (trail.c.action, wanted.action))
    conditions: list[sa.ColumnElement[bool]] = [column == value for column, value in pairs if value]
    if wanted.since:
        conditions.append(trail.c.at >= to_milliseconds(wanted.since))
    if wanted.until:
        conditions.append(trail.c.at < to_milliseconds(wanted.until))
    if wanted.text:
        conditions.append(trail.c.about.contains(wanted.text, autoescape=True))
    return conditions


def _read_event(row: sa.Row[tuple[object, ...]]) -> AuditEvent:
    fields = dict(row._mapping)
    return AuditEvent(**{**fields, "at": from_milliseconds(fields["at"])})
