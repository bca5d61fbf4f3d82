"""Redaction: what erasing personal values takes besides the entry that orders it, and how it is proposed.

Appending the entry erases the values beside the log and in the records. Here: the copies in stored proposals, in the
same transaction; and afterwards the bytes that deleted rows leave in the database's own files. Until those are gone, a
row of ``positions`` records that purging is pending, and every later approval and every start of a server tries again.
"""

import logging
from collections.abc import Iterable
from typing import Any

import msgspec
import sqlalchemy as sa

from registry.domain import schema
from registry.domain.model import Change, Date, Draft, Entry, Struct
from registry.errors import CannotAnswer, InvalidInput
from registry.log import erasure, store
from registry.proposals import changeset
from registry.storage.database import Database, upsert_row
from registry.storage.tables import accounts, erasable, positions, proposal_items, staff_drafts, versions
from registry.texts import Message

#: Tables whose rows may have held the erased values; of accounts, secrets that were not sealed yet.
TABLES = (erasable.name, versions.name, proposal_items.name, staff_drafts.name, accounts.name)
#: The row of ``positions`` while bytes are still to be purged.
PENDING = "erased"
_log = logging.getLogger("registry")


class RedactionPlan(Struct, frozen=True):
    """A redaction before it is proposed: the draft, and in how many entries each path would be erased."""

    draft: Draft
    erases: dict[str, int]


def plan_redaction(connection: sa.Connection, name: str, reason: str, on: Date) -> RedactionPlan:
    """Draft the erasure of every personal value of a practitioner or sanction; InvalidInput if none is left.

    ``name``: see ``changeset.resolve_subject``.
    """
    subject = changeset.resolve_subject(connection, name, schema.PERSONAL)
    counts = erasure.count_erasable_values(connection, subject)
    if not counts:
        raise InvalidInput(Message("{subject} 没有可删除的个人信息。", subject=subject))
    kind = next(kind for kind in schema.PERSONAL if subject.startswith(f"{kind}:"))
    change = Change(kind=kind, set={}, reason=reason, erases=sorted(counts))
    return RedactionPlan(draft=Draft(subject=subject, change=change, valid_from=on), erases=counts)


def erase_stored_copies(
    connection: sa.Connection, erasing: Iterable[Entry], *, proposal: int = 0, first: int = 0
) -> None:
    """Erase in every stored proposal what the entries ``erasing`` erase; part of the transaction that wrote them.

    Of the ``proposal`` being approved, whose first entry is ``first``, only in the drafts before the erasing one.
    """
    for entry in erasing:
        items = proposal_items
        earlier = (items.c.proposal != proposal) | (items.c.position < entry.number - first + 1)
        query = sa.select(items.c.proposal, items.c.position, items.c.body)
        for row in connection.execute(query.where(items.c.personal == entry.subject, earlier)).all():
            _erase_item(connection, row, entry.change.erases)
        # Half-filled forms about the person are deleted whole: they hold what was typed and what was recorded.
        # So are those that amend a proposal of the person, which name no subject while there is no record yet.
        proposing = sa.select(items.c.proposal).where(items.c.subject == entry.subject)
        about = (staff_drafts.c.subject == entry.subject) | staff_drafts.c.amends.in_(proposing)
        connection.execute(sa.delete(staff_drafts).where(about))
        upsert_row(connection, positions, {"view": PENDING, "position": entry.number}, ["view"])


def erase_personal_values(connection: sa.Connection, proposal: int) -> bool:
    """Erase the personal values of a proposal that is turned down; return whether it held any.

    They will never be in the log, so nobody could erase them later: the log does not even know whom they are about.
    """
    items = proposal_items
    query = sa.select(items.c.proposal, items.c.position, items.c.body)
    rows = connection.execute(query.where(items.c.proposal == proposal, items.c.personal.is_not(None))).all()
    for row in rows:
        _erase_item(connection, row, sorted(schema.PERSONAL[changeset.decode_draft(row.body).change.kind]))
    if rows:
        upsert_row(
            connection, positions, {"view": PENDING, "position": max(1, store.read_head(connection).size)}, ["view"]
        )
    return bool(rows)


def _erase_item(connection: sa.Connection, row: Any, paths: list[str]) -> None:
    cleared = _clear_values(changeset.decode_draft(row.body), paths)
    personal = cleared.subject if changeset.list_personal_values(cleared) else None
    connection.execute(
        sa.update(proposal_items)
        .where(proposal_items.c.proposal == row.proposal, proposal_items.c.position == row.position)
        .values(body=changeset.encode_value(cleared), personal=personal)
    )


def _clear_values(draft: Draft, paths: list[str]) -> Draft:
    values = {path: None if path in paths else value for path, value in draft.change.set.items()}
    return msgspec.structs.replace(draft, change=msgspec.structs.replace(draft.change, set=values))


def read_pending_erasure(connection: sa.Connection) -> int:
    """Return the log's size when values were erased whose bytes may still lie in the database's files; 0 if none."""
    return connection.execute(sa.select(positions.c.position).where(positions.c.view == PENDING)).scalar() or 0


def mark_erasure_pending(connection: sa.Connection) -> None:
    """Have the bytes of rows of TABLES deleted in this transaction removed from the database's files by
    ``purge_erased_bytes``."""
    upsert_row(connection, positions, {"view": PENDING, "position": max(read_pending_erasure(connection), 1)}, ["view"])


def purge_erased_bytes(database: Database) -> bool:
    """Remove the bytes of erased values from the database's files if that is pending; False if it has to be tried
    again. Never raises: what was decided stands."""
    try:
        with database.reading() as connection:
            number = read_pending_erasure(connection)
        if not number:
            return True
        if database.purge_deleted_rows(TABLES):
            with database.writing() as connection:
                done = (positions.c.view == PENDING) & (positions.c.position == number)
                connection.execute(sa.delete(positions).where(done))
            return True
        cause = "somebody reads an older state, or there is no room"
    except CannotAnswer as error:
        cause = str(error.details.get("cause"))
    _log.warning("erased bytes are still in the database's files (%s); the next approval or start tries again", cause)
    return False
