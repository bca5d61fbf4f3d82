"""Entries that were published after a backup was made, taken in during a restore with all that followed from them."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import sqlalchemy as sa

from registry import redaction
from registry.backup.compare import Plan
from registry.backup.file import Progress
from registry.database import number_after
from registry.log import codec, copy, shared, store
from registry.model import Entry
from registry.tables import entries, proposals, touches


class _Told(msgspec.Struct):
    """The proposal an entry says it comes from."""

    proposal: int


class _Decision(msgspec.Struct):
    """What the entries of one proposal say about its approval."""

    first: int
    last: int
    by: str
    at: int


_told = msgspec.json.Decoder(_Told)


def take(connection: sa.Connection, plan: Plan, after: int, progress: Progress) -> list[int]:
    """Take in what the plan's source published above entry ``after``; the proposals that were closed as decided there.

    What those entries erase is erased from values and proposals. Whatever is proposed next gets a number that no entry
    has. The caller has compared the entries with a signed checkpoint, and compares again before it commits.
    """
    decisions: dict[int, _Decision] = {}
    if plan.source is not None:
        for bodies in plan.source.bodies(after):
            taken = copy.take_in(connection, bodies)
            _note(decisions, taken)
            _scrub(connection, decisions, taken)
            progress("补齐 / completing", taken[-1].number)
        shared.put(connection, plan.source.signed, plan.vkeys)
    number_after(connection, proposals, _highest(connection))
    return [number for number, decision in decisions.items() if _close(connection, number, decision)]


def _note(decisions: dict[int, _Decision], taken: Iterable[Entry]) -> None:
    for entry in taken:
        at = codec.milliseconds(entry.recorded_at)
        known = decisions.setdefault(entry.proposal, _Decision(entry.number, entry.number, entry.approver, at))
        known.last = entry.number


def _scrub(connection: sa.Connection, decisions: dict[int, _Decision], taken: Iterable[Entry]) -> None:
    for entry in taken:
        if entry.change.erases:
            redaction.scrub(connection, [entry], proposal=entry.proposal, first=decisions[entry.proposal].first)


def _close(connection: sa.Connection, number: int, decision: _Decision) -> bool:
    """A proposal that waited when the backup was made and was approved since must not be approved a second time."""
    closed = connection.execute(
        sa.update(proposals)
        .where(proposals.c.id == number, proposals.c.state == "pending")
        .values(
            state="approved",
            decided_at=decision.at,
            decided_by=decision.by,
            first_entry=decision.first,
            last_entry=decision.last,
        )
    )
    if closed.rowcount:
        row = {"proposal": number, "account": decision.by, "action": "approved", "at": decision.at}
        connection.execute(sa.insert(touches).values(row))
    return bool(closed.rowcount)


def _highest(connection: sa.Connection) -> int:
    """The highest proposal number that any entry names: not every proposal that was approved need be here."""
    query = sa.select(entries.c.body).execution_options(yield_per=store.CHUNK)
    with connection.execute(query) as bodies:
        return max((_told.decode(body).proposal for body in bodies.scalars()), default=0)
