"""Stored proposals: reading them, who touched them, comments on them, and their drafts appended to the log."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from registry import accounts
from registry.accounts import Account, audit_log, region_scope
from registry.domain import regions
from registry.domain.model import Draft, Entry, Struct
from registry.errors import Conflict, InvalidInput, NotAllowed, NotFound
from registry.log import store
from registry.log.clock import get_now_ms
from registry.log.four_eyes import ContentHash
from registry.log.publish import PublishedLog
from registry.proposals import changeset, redaction, views
from registry.records.subject_names import describe_subject
from registry.storage.database import Database
from registry.storage.tables import comments, entries, proposal_items, proposals, touches
from registry.texts import Message

#: ``returned``: an approver asks for changes, and editors may amend it; ``withdrawn`` by whoever proposed it.
State = Literal["pending", "returned", "approved", "rejected", "withdrawn"]
#: The states in which something is still to be done.
OPEN: tuple[State, ...] = ("pending", "returned")
CHUNK = 2000
#: Every column but the report, which may be megabytes.
LISTED = tuple(column for column in proposals.c if column.name != "report")
_STATE_WORDS = {
    "approved": Message("已批准"),
    "rejected": Message("已否决"),
    "withdrawn": Message("已撤回"),
    "returned": Message("已退回修改"),
    "pending": Message("正等待审批"),
}


@contextmanager
def open_transaction(database: Database, log: PublishedLog | None) -> Iterator[sa.Connection]:
    """Open the transaction that changes a proposal. LogRolledBack if the database holds less than ``log`` published."""
    with database.writing() as connection:
        if log is not None:
            log.refuse_rollback(connection)
        yield connection


class Proposal(Struct, frozen=True):
    """A change, or a whole import, and its state. ``report`` is what a person decides on (audit, difference).

    ``confirm_by`` (milliseconds since 1970): what it states is in force already, and is undone unless approved by then.
    ``region`` contains everything it is about; empty: only the whole country does.
    """

    id: int
    state: State
    kind: str
    title: str
    items: int
    content_hash: str
    base_size: int
    created_at: int
    proposer: str
    touched_by: list[str]
    report: Any
    decided_by: str | None = None
    decided_at: int | None = None
    reason: str | None = None
    first_entry: int | None = None
    last_entry: int | None = None
    confirm_by: int | None = None
    region: str = ""


class Touch(Struct, frozen=True):
    """One action on a proposal: who did what, and when (milliseconds since 1970)."""

    account: str
    action: str
    at: int


def get_proposal(connection: sa.Connection, identifier: int) -> Proposal:
    """Return one proposal; NotFound."""
    row = connection.execute(sa.select(proposals).where(proposals.c.id == identifier)).first()
    if row is None:
        raise NotFound(Message("没有编号为 {identifier} 的提案。", identifier=identifier))
    return make_proposals(connection, [row])[0]


def list_proposals(
    connection: sa.Connection,
    state: State | Sequence[State] | None = "pending",
    *,
    before: int | None = None,
    limit: int | None = None,
    with_report: bool = True,
    seen_by: Account | None = None,
) -> list[Proposal]:
    """Return proposals of a state or several (all with None), newest first, with an id below ``before``.

    The report of an import may be megabytes: without ``with_report`` it is None. ``seen_by``: those that concern an
    account.
    """
    report = proposals.c.report if with_report else sa.literal(b"null").label("report")
    query = sa.select(*LISTED, report).order_by(proposals.c.id.desc()).limit(limit)
    if state is not None:
        query = query.where(proposals.c.state.in_([state] if isinstance(state, str) else state))
    if before is not None:
        query = query.where(proposals.c.id < before)
    if seen_by is not None and seen_by.region:
        query = query.where(match_region(seen_by.region) | match_account(seen_by.name))
    return make_proposals(connection, connection.execute(query).all())


def match_region(region: str) -> sa.ColumnElement[bool]:
    """Match proposals about a region."""
    return proposals.c.region.startswith(regions.get_prefix(region))


def match_account(account: str) -> sa.ColumnElement[bool]:
    """Match proposals in which an account took part."""
    return sa.exists().where(touches.c.proposal == proposals.c.id, touches.c.account == account)


def list_touches(connection: sa.Connection, identifier: int) -> list[Touch]:
    """Return who changed or decided a proposal, in order."""
    query = sa.select(touches.c.account, touches.c.action, touches.c.at).where(touches.c.proposal == identifier)
    return [Touch(**row._mapping) for row in connection.execute(query.order_by(touches.c.id))]


def read_drafts(connection: sa.Connection, identifier: int) -> Iterator[Draft]:
    """Yield the drafts of a proposal in order."""
    for bodies in read_bodies(connection, identifier):
        yield from map(changeset.decode_draft, bodies)


def read_drafts_at(connection: sa.Connection, identifier: int, places: Sequence[int]) -> list[Draft]:
    """Return the drafts at some places (the first is 1), in their order."""
    items = proposal_items.c
    query = sa.select(items.body).where(items.proposal == identifier, items.position.in_(places))
    return [changeset.decode_draft(body) for body in connection.execute(query.order_by(items.position)).scalars()]


def read_source_drafts(connection: sa.Connection, identifier: int) -> list[Draft]:
    """Return the drafts of a proposal about documents, on which its others rest."""
    items = proposal_items.c
    query = sa.select(items.body).where(items.proposal == identifier, items.subject.startswith("source:"))
    return [changeset.decode_draft(body) for body in connection.execute(query.order_by(items.position)).scalars()]


def list_subjects(connection: sa.Connection, identifier: int) -> list[str]:
    """Return the subjects of a proposal."""
    items = proposal_items.c
    return list(connection.execute(sa.select(items.subject).where(items.proposal == identifier).distinct()).scalars())


def list_places(connection: sa.Connection, identifier: int, subjects: Sequence[str]) -> list[int]:
    """Return where the drafts about some subjects stand in a proposal, in order."""
    items = proposal_items.c
    query = sa.select(items.position).where(items.proposal == identifier, items.subject.in_(subjects))
    return list(connection.execute(query.order_by(items.position)).scalars())


def read_bodies(connection: sa.Connection, identifier: int) -> Iterator[list[bytes]]:
    """Yield the stored drafts of a proposal in order, in chunks."""
    after = 0
    while True:
        rows = connection.execute(
            sa.select(proposal_items.c.position, proposal_items.c.body)
            .where(proposal_items.c.proposal == identifier, proposal_items.c.position > after)
            .order_by(proposal_items.c.position)
            .limit(CHUNK)
        ).all()
        if not rows:
            return
        yield [body for _, body in rows]
        after = rows[-1][0]


def require_state(proposal: Proposal, *states: State) -> None:
    """Conflict if the proposal is in none of the states."""
    if proposal.state not in states:
        word = _STATE_WORDS[proposal.state]
        raise Conflict(Message("提案 {proposal} {word}，不能再作此处理。", proposal=proposal.id, word=word))


def get_for_account(connection: sa.Connection, identifier: int, name: str) -> Proposal:
    """Return one proposal for somebody to look at or decide; NotFound, NotAllowed if it is about more than their
    region."""
    proposal = get_proposal(connection, identifier)
    region_scope.require_can_see(connection, name, proposal.region, proposal.touched_by)
    return proposal


def record_touch(connection: sa.Connection, identifier: int, by: str, action: str, at: int) -> None:
    """Record that somebody took part in a proposal: they may then not approve it, unless this is the approval."""
    connection.execute(sa.insert(touches).values(proposal=identifier, account=by, action=action, at=at))
    audit_log.record_event(connection, by, action, f"proposal:{identifier}")


def close_proposal(connection: sa.Connection, identifier: int, state: State, by: str, **values: Any) -> None:
    """Set the final state of a proposal, and columns in ``values``."""
    at = get_now_ms()
    closed = sa.update(proposals).where(proposals.c.id == identifier)
    connection.execute(closed.values(state=state, decided_at=at, decided_by=by, **values))
    record_touch(connection, identifier, by, state, at)


def make_proposals(connection: sa.Connection, rows: Sequence[Any]) -> list[Proposal]:
    """Make proposals of rows, with who touched them."""
    ids = [row.id for row in rows]
    accounts: dict[int, list[str]] = {}
    for start in range(0, len(ids), CHUNK):
        query = sa.select(touches.c.proposal, touches.c.account).order_by(touches.c.id)
        for proposal, account in connection.execute(query.where(touches.c.proposal.in_(ids[start : start + CHUNK]))):
            accounts.setdefault(proposal, []).append(account)
    return [_to_proposal(row, accounts[row.id]) for row in rows]


def _to_proposal(row: Any, accounts: list[str]) -> Proposal:
    fields = dict(row._mapping)
    report = msgspec.json.decode(fields.pop("report"))
    return Proposal(**fields, report=report, proposer=accounts[0], touched_by=list(dict.fromkeys(accounts)))


# --- comments ---

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
    with open_transaction(database, log) as connection:
        account = accounts.find_account(connection, by)
        if account is None or account.disabled:
            raise NotAllowed(Message("没有可用的账号“{by}”。", by=by))
        proposal = get_for_account(connection, identifier, by)
        require_state(proposal, *OPEN)
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
    changeset.refuse_personal_data(connection, read_drafts(connection, proposal.id), text)
    row = {"proposal": proposal.id, "account": by, "at": get_now_ms(), "action": action, "text": text}
    connection.execute(sa.insert(comments).values(**row, content_hash=proposal.content_hash))
    audit_log.record_event(connection, by, action, f"proposal:{proposal.id}")


def list_comments(connection: sa.Connection, identifier: int) -> list[Comment]:
    """Return all comments on a proposal, in order."""
    c = comments.c
    query = sa.select(c.account, c.at, c.action, c.content_hash, c.text).where(c.proposal == identifier)
    return [Comment(**row._mapping) for row in connection.execute(query.order_by(c.id))]


# --- appending ---


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
    for bodies in read_bodies(connection, proposal.id):
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
            "提案 {proposal} 提出之后，{subject} 已有新记录，请重新提出。",
            proposal=proposal.id,
            subject=describe_subject(connection, subject),
        )
        raise Conflict(message, subject=subject)
