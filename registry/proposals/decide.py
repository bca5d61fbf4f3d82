"""Decisions of the second person: approve, reject, ask for changes."""

from collections.abc import Callable

import sqlalchemy as sa

from registry import accounts
from registry.errors import Conflict, FourEyesViolation, InvalidInput
from registry.log.publish import PublishedLog
from registry.proposals import changeset, emergency, proposal_store, redaction
from registry.proposals.proposal_store import Proposal
from registry.storage.database import Database
from registry.storage.tables import proposals
from registry.texts import Message


def approve(
    database: Database,
    identifier: int,
    *,
    by: str,
    seen: str,
    log: PublishedLog | None = None,
    progress: Callable[[int], None] | None = None,
) -> tuple[int, int]:
    """Append the proposal to the log in one transaction; return (first, last) entry number.

    FourEyesViolation for whoever took part in the proposal; Conflict if it is decided, if ``seen`` is not the hash of
    its content as stored, or if the register changed since it was made; NotAllowed without the role approver. Erased
    values are gone from the register when this returns, and their bytes from its files unless somebody was still
    reading: then ``redaction.purge_erased_bytes`` is tried again later.

    With ``log``, nothing is appended that could not be signed and published (``proposal_store.append_proposal``), and a
    checkpoint is signed after the commit; if that fails all the same, the approval stands, the server's log says why,
    and the next look at the log tries again.
    """
    with proposal_store.open_transaction(database, log) as connection:
        proposal = _get_for_decision(connection, identifier, by)
        if seen != proposal.content_hash:
            raise Conflict(
                Message("提案 {identifier} 的内容与所看到的不一致，请重新查看后再审批。", identifier=identifier)
            )
        if proposal.confirm_by is None:
            proposal_store.refuse_stale_proposal(connection, proposal)
        else:
            emergency.require_in_force(connection, proposal)
        first, last = proposal_store.append_proposal(connection, proposal, by, log, progress)
        has_pending_erasure = redaction.read_pending_erasure(connection)
        proposal_store.close_proposal(connection, identifier, "approved", by, first_entry=first, last_entry=last)
    if log is not None:
        log.try_publish(database)
    if has_pending_erasure:
        redaction.purge_erased_bytes(database)
    return first, last


def _get_for_decision(connection: sa.Connection, identifier: int, by: str) -> Proposal:
    """Return a pending proposal for an approver who took no part in it."""
    accounts.require_role(connection, by, "approver")
    proposal = proposal_store.get_for_account(connection, identifier, by)
    proposal_store.require_state(proposal, "pending")
    if by in proposal.touched_by:
        raise FourEyesViolation(Message("{by} 参与过提案 {identifier}，须由另一人审批。", by=by, identifier=identifier))
    return proposal


def reject(database: Database, identifier: int, *, by: str, reason: str, log: PublishedLog | None = None) -> None:
    """Reject an open proposal, with a reason for its proposer to read. Personal values in it are erased.

    If what it states is in force already (an emergency suspension), that ends with it, and FourEyesViolation refuses
    whoever put it in force.
    """
    if not reason.strip():
        raise InvalidInput(Message("请说明否决的理由。"))
    if len(reason) > proposal_store.LONGEST:
        raise InvalidInput(Message("理由最多{longest}字。", longest=proposal_store.LONGEST), field="reason")
    with proposal_store.open_transaction(database, log) as connection:
        accounts.require_role(connection, by, "approver")
        proposal = proposal_store.get_for_account(connection, identifier, by)
        proposal_store.require_state(proposal, *proposal_store.OPEN)
        changeset.refuse_personal_data(connection, proposal_store.read_drafts(connection, identifier), reason)
        if proposal.confirm_by is not None:
            if log is not None:
                log.require_extension(connection)
            _get_for_decision(connection, identifier, by)
            emergency.restore_approvals(connection, proposal, by, emergency.REJECTED, log)
        has_pending_erasure = redaction.erase_personal_values(connection, identifier)
        proposal_store.close_proposal(connection, identifier, "rejected", by, reason=reason)
    if log is not None and proposal.confirm_by is not None:
        log.try_publish(database)
    if has_pending_erasure:
        redaction.purge_erased_bytes(database)


def send_back(database: Database, identifier: int, *, by: str, text: str, log: PublishedLog | None = None) -> None:
    """Ask for changes, in words: editors may then amend the proposal, and whoever asked may still approve it."""
    with proposal_store.open_transaction(database, log) as connection:
        proposal = _get_for_decision(connection, identifier, by)
        if proposal.confirm_by is not None:
            raise Conflict(Message("提案 {identifier} 所述的紧急暂停已经生效，请确认或否决。", identifier=identifier))
        proposal_store.insert_comment(connection, proposal, by, text, action="returned")
        connection.execute(sa.update(proposals).where(proposals.c.id == identifier).values(state="returned"))
