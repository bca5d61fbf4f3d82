"""Submitting a proposal to a second person, amending it while it waits, and withdrawing it."""

from collections.abc import Callable, Iterable
from typing import Any

import sqlalchemy as sa

from registry.accounts import region_scope
from registry.domain.model import Draft
from registry.errors import Conflict, NotAllowed
from registry.log import store
from registry.log.clock import get_now_ms
from registry.log.publish import PublishedLog
from registry.proposals import changeset, proposal_store, redaction
from registry.storage.database import Database
from registry.storage.tables import proposal_items, proposals
from registry.texts import Message


def propose(  # noqa: PLR0913 - each is a part of what is proposed
    database: Database,
    drafts: Iterable[Draft],
    *,
    by: str,
    title: str,
    kind: str = "edit",
    report: Any = None,
    base_size: int | None = None,
    progress: Callable[[int], None] | None = None,
    log: PublishedLog | None = None,
    in_transaction: Callable[[sa.Connection, int], None] | None = None,
) -> int:
    """Validate and store a proposal whole, or nothing of it; return its id. InvalidInput names the first wrong draft,
    NotAllowed one outside the account's region. A draft about a day before the latest one already stated of its subject
    needs a reason, unless ``kind`` is "import".

    ``base_size`` is the log size the drafts were worked out against (now by default). With ``log``, LogRolledBack for a
    database that holds less than was published there; so for every other function that changes a proposal.
    ``in_transaction`` gets the id within the transaction that keeps the proposal: what it raises undoes all of it.
    """
    with database.reading() as connection:
        region_scope.require_proposer_role(connection, by, kind)
    content = changeset.Changeset(drafts, progress)  # before the lock: nobody waits for a long list to be checked
    with proposal_store.open_transaction(database, log) as connection:
        region_scope.require_proposer_role(connection, by, kind)
        content.check_against_register(connection, kind, title, report)
        region_scope.require_may_propose(connection, by, map(changeset.decode_draft, content.bodies))
        base_size = store.read_head(connection).size if base_size is None else base_size
        identifier = insert_proposal(
            connection, content, by=by, title=title, kind=kind, report=report, base_size=base_size
        )
        if in_transaction is not None:
            in_transaction(connection, identifier)
        return identifier


def insert_proposal(  # noqa: PLR0913 - each is a part of what is proposed
    connection: sa.Connection,
    content: changeset.Changeset,
    *,
    by: str,
    title: str,
    kind: str,
    report: Any,
    base_size: int,
    confirm_by: int | None = None,
) -> int:
    """Store a checked proposal; return its id."""
    at = get_now_ms()
    row = {"state": "pending", "kind": kind, "title": title, "base_size": base_size, "created_at": at}
    row |= {**_make_content_columns(connection, content, report), "confirm_by": confirm_by}
    identifier = int(connection.execute(sa.insert(proposals).values(row).returning(proposals.c.id)).scalar_one())
    proposal_store.record_touch(connection, identifier, by, "propose", at)
    _insert_items(connection, identifier, content)
    return identifier


def amend(  # noqa: PLR0913 - each is a part of what is proposed
    database: Database,
    identifier: int,
    drafts: Iterable[Draft],
    *,
    by: str,
    seen: str,
    title: str | None = None,
    kind: str | None = None,
    report: Any = None,
    base_size: int | None = None,
    log: PublishedLog | None = None,
) -> str:
    """Replace the drafts of an open proposal; return the new content hash.

    Whoever amends takes part in it. Conflict if it is decided, if its content is no longer the one ``seen``, or if it
    confirms what is in force; NotAllowed for one that concerns another region; else as ``propose``. An approval of the
    former content is refused from now on.
    """
    content = changeset.Changeset(drafts)
    with proposal_store.open_transaction(database, log) as connection:
        before = proposal_store.get_for_account(connection, identifier, by)
        region_scope.require_proposer_role(connection, by, before.kind)
        proposal_store.require_state(before, *proposal_store.OPEN)
        _refuse_in_force(before)
        if seen != before.content_hash:
            message = Message(
                "提案 {identifier} 在您修改期间已被他人修改，请先查看现在的内容。您填写的内容没有丢失。",
                identifier=identifier,
            )
            raise Conflict(message)
        kind, title = kind or before.kind, title or before.title
        content.check_against_register(connection, kind, title, report)
        region_scope.require_may_propose(connection, by, map(changeset.decode_draft, content.bodies))
        base_size = store.read_head(connection).size if base_size is None else base_size
        # Its personal values are in no log: nobody could erase them later.
        has_pending_erasure = redaction.erase_personal_values(connection, identifier)
        connection.execute(sa.delete(proposal_items).where(proposal_items.c.proposal == identifier))
        columns = {"state": "pending", "kind": kind, "title": title, "base_size": base_size}
        columns |= _make_content_columns(connection, content, report)
        connection.execute(sa.update(proposals).where(proposals.c.id == identifier).values(columns))
        _insert_items(connection, identifier, content)
        proposal_store.record_touch(connection, identifier, by, "amended", get_now_ms())
    if has_pending_erasure:
        redaction.purge_erased_bytes(database)
    return content.hash


def withdraw(database: Database, identifier: int, *, by: str, log: PublishedLog | None = None) -> None:
    """Withdraw one's own open proposal; NotAllowed for anybody else's. Personal values in it are erased."""
    with proposal_store.open_transaction(database, log) as connection:
        before = proposal_store.get_proposal(connection, identifier)
        if before.proposer != by:
            raise NotAllowed(Message("只能撤回自己提出的提案。"))
        proposal_store.require_state(before, *proposal_store.OPEN)
        _refuse_in_force(before)
        has_pending_erasure = redaction.erase_personal_values(connection, identifier)
        proposal_store.close_proposal(connection, identifier, "withdrawn", by)
    if has_pending_erasure:
        redaction.purge_erased_bytes(database)


def _refuse_in_force(proposal: proposal_store.Proposal) -> None:
    """Conflict if one person put this in force already: only another may end that."""
    if proposal.confirm_by is not None:
        message = Message(
            "提案 {proposal} 所述的紧急暂停已经生效，须由另一人确认或否决，不能修改或撤回。", proposal=proposal.id
        )
        raise Conflict(message)


def _make_content_columns(connection: sa.Connection, content: changeset.Changeset, report: Any) -> dict[str, Any]:
    region = region_scope.find_common_region(connection, [changeset.decode_draft(body) for body in content.bodies])
    return {
        "region": region,
        "items": len(content.bodies),
        "content_hash": content.hash,
        "report": changeset.encode_value(report),
    }


def _insert_items(connection: sa.Connection, identifier: int, content: changeset.Changeset) -> None:
    for start in range(0, len(content.bodies), proposal_store.CHUNK):
        rows = [
            {
                "proposal": identifier,
                "position": index + 1,
                "body": content.bodies[index],
                "subject": content.subjects[index],
                "personal": content.personal[index],
            }
            for index in range(start, min(start + proposal_store.CHUNK, len(content.bodies)))
        ]
        connection.execute(sa.insert(proposal_items), rows)
