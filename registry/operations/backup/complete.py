"""Entries that were published after a backup was made, taken in during a restore with all that followed from them."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import sqlalchemy as sa

from registry.domain.model import Entry
from registry.log import checkpoint_store, clock, replication, store
from registry.operations.backup.compare import RestorePlan
from registry.operations.backup.file import Progress
from registry.proposals import redaction
from registry.storage.database import continue_numbering
from registry.storage.tables import entries, proposals, touches


class _ProposalReference(msgspec.Struct):
    """The proposal an entry says it comes from."""

    proposal: int


class _Decision(msgspec.Struct):
    """What the entries of one proposal say about its approval."""

    first: int
    last: int
    by: str
    at: int


_told = msgspec.json.Decoder(_ProposalReference)


def insert_missing_entries(connection: sa.Connection, plan: RestorePlan, after: int, progress: Progress) -> list[int]:
    """Take in what the plan's source published above entry ``after``; the proposals that were closed as decided there.

    What those entries erase is erased from values and proposals. Whatever is proposed next gets a number that no entry
    has. The caller has compared the entries with a signed checkpoint, and compares again before it commits.
    """
    decisions: dict[int, _Decision] = {}
    if plan.source is not None:
        for bodies in plan.source.read_bodies(after):
            taken = replication.insert_entries(connection, bodies)
            _note_decisions(decisions, taken)
            _erase_copies(connection, decisions, taken)
            progress("补齐 / completing", taken[-1].number)
        checkpoint_store.save_checkpoint(connection, plan.source.signed, plan.vkeys)
    continue_numbering(connection, proposals, _find_highest_proposal(connection))
    return [number for number, decision in decisions.items() if _close_proposal(connection, number, decision)]


def _note_decisions(decisions: dict[int, _Decision], taken: Iterable[Entry]) -> None:
    for entry in taken:
        at = clock.to_milliseconds(entry.recorded_at)
        known = decisions.setdefault(entry.proposal, _Decision(entry.number, entry.number, entry.approver, at))
        known.last = entry.number


def _erase_copies(connection: sa.Connection, decisions: dict[int, _Decision], taken: Iterable[Entry]) -> None:
    for entry in taken:
        if entry.change.erases:
            redaction.erase_stored_copies(
                connection, [entry], proposal=entry.proposal, first=decisions[entry.proposal].first
            )


def _close_proposal(connection: sa.Connection, number: int, decision: _Decision) -> bool:
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


def _find_highest_proposal(connection: sa.Connection) -> int:
    """The highest proposal number that any entry names: not every proposal that was approved need be here."""
    query = sa.select(entries.c.body).execution_options(yield_per=store.CHUNK)
    with connection.execute(query) as bodies:
        return max((_told.decode(body).proposal for body in bodies.scalars()), default=0)
