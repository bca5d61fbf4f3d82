"""Append the drafts of a proposal to the log, in the transaction that decides it."""

from collections.abc import Callable

import sqlalchemy as sa

from registry import views
from registry.domain.model import Entry
from registry.errors import Conflict
from registry.log import store
from registry.log.four_eyes import ContentHash
from registry.log.publish import PublishedLog
from registry.proposals import changeset, proposal_store, redaction
from registry.proposals.proposal_store import Proposal
from registry.storage.tables import entries, proposal_items
from registry.texts import Message


def append_proposal(
    connection: sa.Connection,
    proposal: Proposal,
    by: str,
    log: PublishedLog | None,
    progress: Callable[[int], None] | None = None,
) -> tuple[int, int]:
    """Append the stored drafts to the log and its views; return (first, last) entry number. Conflict if they were
    altered.

    With ``log``, nothing is appended that could not be signed and published: see ``require_appendable``.
    """
    if log is not None:
        log.require_appendable(connection, _count_bytes(connection, proposal.id))
    appender = store.Appender(connection, proposal.proposer, by, proposal.id)
    first = appender.size + 1
    content = ContentHash()
    erasing: list[Entry] = []
    for bodies in proposal_store.read_bodies(connection, proposal.id):
        content.add(*bodies)
        appended = appender.append(map(changeset.decode_draft, bodies))
        views.apply_entries(connection, appended)
        erasing += [entry for entry in appended if entry.change.erases]
        if progress:
            progress(appender.size - first + 1)
    if content.hex != proposal.content_hash:  # known only after reading all; nothing is committed yet
        raise Conflict(
            Message("提案 {proposal} 所存内容与提出时的不符，被改动过；请否决，重新提出。", proposal=proposal.id)
        )
    redaction.erase_stored_copies(connection, erasing, proposal=proposal.id, first=first)
    return first, appender.size


def _count_bytes(connection: sa.Connection, proposal: int) -> int:
    """Return the total size of a proposal's drafts in bytes."""
    query = sa.select(sa.func.sum(sa.func.length(proposal_items.c.body))).where(proposal_items.c.proposal == proposal)
    return int(connection.execute(query).scalar() or 0)


def find_changed_subject(connection: sa.Connection, proposal: Proposal) -> str | None:
    """Return the first subject of a proposal that got an entry after the proposal was worked out, if any."""
    if store.read_head(connection).size == proposal.base_size:
        return None
    items = proposal_items.c
    later = sa.exists().where(entries.c.subject == items.subject, entries.c.number > proposal.base_size)
    query = sa.select(items.subject).where(items.proposal == proposal.id, later).order_by(items.position).limit(1)
    return connection.execute(query).scalar()


def refuse_stale_proposal(connection: sa.Connection, proposal: Proposal) -> None:
    """Conflict, naming the subject, if one changed since the proposal was made."""
    subject = find_changed_subject(connection, proposal)
    if subject is not None:
        message = Message(
            "提案 {proposal} 提出之后，{subject} 已有新记录，请重新提出。", proposal=proposal.id, subject=subject
        )
        raise Conflict(message, subject=subject)
