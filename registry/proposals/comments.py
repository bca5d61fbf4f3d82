"""Comments of staff on a proposal. Commenting does not count as taking part: whoever comments may still approve it."""

from __future__ import annotations

from typing import Literal

import sqlalchemy as sa

from registry import accounts
from registry.accounts import audit_log
from registry.domain.model import Struct
from registry.errors import InvalidInput, NotAllowed
from registry.log.clock import get_now_ms
from registry.log.publish import PublishedLog
from registry.proposals import changeset, proposal_store
from registry.proposals.proposal_store import Proposal
from registry.storage.database import Database
from registry.storage.tables import comments
from registry.texts import Message

#: Characters of a comment.
LONGEST = 2_000
Action = Literal["commented", "returned"]


class Comment(Struct, frozen=True):
    """One comment; ``content_hash`` is that of the proposal when it was made, ``at`` in milliseconds since 1970."""

    account: str
    at: int
    action: Action
    content_hash: str
    text: str


def add_comment(database: Database, identifier: int, *, by: str, text: str, log: PublishedLog | None = None) -> None:
    """Comment on an open proposal. InvalidInput if empty, too long, or naming a person the proposal is about: a
    comment is stored for good."""
    with proposal_store.open_transaction(database, log) as connection:
        account = accounts.find_account(connection, by)
        if account is None or account.disabled:
            raise NotAllowed(Message("没有可用的账号“{by}”。", by=by))
        proposal = proposal_store.get_for_account(connection, identifier, by)
        proposal_store.require_state(proposal, *proposal_store.OPEN)
        insert_comment(connection, proposal, by, text)


def insert_comment(
    connection: sa.Connection, proposal: Proposal, by: str, text: str, action: Action = "commented"
) -> None:
    """Store a comment, in the transaction of the action it belongs to."""
    text = text.strip()
    if not text:
        raise InvalidInput(Message("请写明意见。"), field="text")
    if len(text) > LONGEST:
        raise InvalidInput(Message("意见最多{longest}字。", longest=LONGEST), field="text")
    changeset.refuse_personal_data(connection, proposal_store.read_drafts(connection, proposal.id), text)
    row = {"proposal": proposal.id, "account": by, "at": get_now_ms(), "action": action, "text": text}
    connection.execute(sa.insert(comments).values(**row, content_hash=proposal.content_hash))
    audit_log.record_event(connection, by, action, f"proposal:{proposal.id}")


def list_comments(connection: sa.Connection, identifier: int) -> list[Comment]:
    """Return all comments on a proposal, in order."""
    c = comments.c
    query = sa.select(c.account, c.at, c.action, c.content_hash, c.text).where(c.proposal == identifier)
    return [Comment(**row._mapping) for row in connection.execute(query.order_by(c.id))]
