"""Four eyes: propose, approve, reject. The only caller of the log's append.

A proposal is a list of drafts, kept with a hash of its content and the log size it was made against. Approval binds to
that hash, is refused to anyone who touched the proposal, and is refused when a subject of the proposal changed since.
Where an approved entry erases personal values, the copies in stored proposals go with them; the hash stays as the
record of what was seen.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from registry import accounts, drafts, redaction, territory, trail, views
from registry.database import Database
from registry.errors import Conflict, FourEyes, InvalidInput, NotFound
from registry.log import store
from registry.log.decided import ContentHash
from registry.log.publish import PublishedLog
from registry.model import Draft, Entry, Struct
from registry.tables import entries, proposal_items, proposals, touches

State = Literal["pending", "approved", "rejected"]
CHUNK = 2000


class Proposal(Struct, frozen=True):
    """A change, or a whole import, and where it stands. ``report`` is what a person decides on (audit, difference)."""

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


def propose(  # noqa: PLR0913 - each is a part of what is proposed
    database: Database,
    proposed: Iterable[Draft],
    *,
    by: str,
    title: str,
    kind: str = "edit",
    report: Any = None,
    base_size: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Validate and keep a proposal whole, or nothing of it; its id. InvalidInput names the first draft that is wrong,
    NotAllowed one outside the account's region. A draft about a day before the latest one already stated of its subject
    needs a reason, unless ``kind`` is "import".
    ``base_size`` is the log size the drafts were worked out against (now by default).
    """
    with database.reading() as connection:
        territory.require_role(connection, by, kind)
    content = drafts.Content(proposed, progress)  # before the lock: nobody waits for a long list to be checked
    with database.writing() as connection:
        territory.require_role(connection, by, kind)
        content.check(connection, kind, title, report)
        territory.require(connection, by, map(drafts.decode, content.bodies))
        size = store.head(connection).size
        identifier = _insert_proposal(
            connection, by, title, kind, report, content, size if base_size is None else base_size
        )
        for start in range(0, len(content.bodies), CHUNK):
            rows = [
                {"proposal": identifier, "position": n + 1, "body": content.bodies[n], "personal": content.personal[n]}
                for n in range(start, min(start + CHUNK, len(content.bodies)))
            ]
            connection.execute(sa.insert(proposal_items), rows)
        return identifier


def _insert_proposal(  # noqa: PLR0913 - each is a part of what is proposed
    connection: sa.Connection, by: str, title: str, kind: str, report: Any, content: drafts.Content, base_size: int
) -> int:
    now = _now()
    identifier = connection.execute(
        sa.insert(proposals)
        .values(
            state="pending",
            kind=kind,
            title=title,
            base_size=base_size,
            items=len(content.bodies),
            content_hash=content.hash,
            report=drafts.encode(report),
            created_at=now,
        )
        .returning(proposals.c.id)
    ).scalar_one()
    _touch(connection, identifier, by, "propose", now)
    return int(identifier)


def approve(
    database: Database,
    identifier: int,
    *,
    by: str,
    seen: str,
    log: PublishedLog | None = None,
    progress: Callable[[int], None] | None = None,
) -> tuple[int, int]:
    """Append the proposal to the log in one transaction; (first, last) entry number.

    Refuses: FourEyes to whoever touched it; Conflict when it is decided, when ``seen`` is not the hash of its content
    as stored, or when the register changed under it; NotAllowed without the role approver. Erased values are gone from
    the register when this returns, and their bytes from its files unless somebody was still reading: then
    ``redaction.settle`` goes on.

    With ``log``, LogDamaged where the database is not the log that was published, and after the commit a checkpoint is
    signed; when that fails the approval stands, the server's log says why, and the next look at the log tries again.
    """
    with database.writing() as connection:
        if log is not None:
            log.require_extended(connection)
        accounts.require(connection, by, "approver")
        proposal = _pending(connection, identifier)
        if by in proposal.touched_by:
            raise FourEyes(
                f"{by} 参与过提案 {identifier}，须由另一人审批。",
                f"{by} touched proposal {identifier}; another person must decide.",
            )
        if seen != proposal.content_hash:
            raise Conflict(
                f"提案 {identifier} 的内容与所看到的不一致，请重新查看后再审批。",
                f"Proposal {identifier} is not what was seen; look at it again before approving.",
            )
        _refuse_stale(connection, proposal)
        first, last = _append(connection, proposal, by, progress)
        owed = redaction.owed(connection)
        _decide(connection, identifier, "approved", by, first_entry=first, last_entry=last)
    if log is not None:
        log.try_publish(database)
    if owed:
        redaction.settle(database)
    return first, last


def _append(
    connection: sa.Connection, proposal: Proposal, by: str, progress: Callable[[int], None] | None
) -> tuple[int, int]:
    """The stored drafts into the log and its views; (first, last) entry number. Conflict when they were altered."""
    appender = store.Appender(connection, proposal.proposer, by, proposal.id)
    first = appender.size + 1
    content = ContentHash()
    erasing: list[Entry] = []
    for bodies in _bodies(connection, proposal.id):
        content.add(*bodies)
        appended = appender.append(map(drafts.decode, bodies))
        views.take(connection, appended)
        erasing += [entry for entry in appended if entry.change.erases]
        if progress:
            progress(appender.size - first + 1)
    if content.hex != proposal.content_hash:  # only now that all were read; nothing of it is committed
        raise Conflict(
            f"提案 {proposal.id} 所存内容与提出时的不符，被改动过；请退回，重新提出。",
            f"What is stored of proposal {proposal.id} is not what was proposed: it was altered. Reject it and "
            "propose anew.",
        )
    redaction.scrub(connection, erasing, proposal=proposal.id, first=first)
    return first, appender.size


def reject(database: Database, identifier: int, *, by: str, reason: str) -> None:
    """Turn a pending proposal down, with a reason that its proposer will read. Personal values in it are erased."""
    if not reason.strip():
        raise InvalidInput("请说明退回的理由。", "Please give a reason for the rejection.")
    with database.writing() as connection:
        accounts.require(connection, by, "approver")
        _pending(connection, identifier)
        drafts.refuse_names_of(connection, drafts_of(connection, identifier), reason)
        scrubbed = redaction.scrub_rejected(connection, identifier)
        _decide(connection, identifier, "rejected", by, reason=reason)
    if scrubbed:
        redaction.settle(database)


def get(connection: sa.Connection, identifier: int) -> Proposal:
    """One proposal; NotFound."""
    row = connection.execute(sa.select(proposals).where(proposals.c.id == identifier)).first()
    if row is None:
        raise NotFound(f"没有编号为 {identifier} 的提案。", f"There is no proposal {identifier}.")
    return _proposal(connection, row)


def listed(connection: sa.Connection, state: State | None = "pending") -> list[Proposal]:
    """Proposals of a state (all with None), newest first."""
    query = sa.select(proposals).order_by(proposals.c.id.desc())
    if state is not None:
        query = query.where(proposals.c.state == state)
    return [_proposal(connection, row) for row in connection.execute(query).all()]


def drafts_of(connection: sa.Connection, identifier: int) -> Iterator[Draft]:
    """What a proposal would append, in order."""
    for bodies in _bodies(connection, identifier):
        yield from map(drafts.decode, bodies)


def _bodies(connection: sa.Connection, identifier: int) -> Iterator[list[bytes]]:
    """The stored drafts of a proposal in order, in chunks."""
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


def _pending(connection: sa.Connection, identifier: int) -> Proposal:
    proposal = get(connection, identifier)
    if proposal.state != "pending":
        done = {"approved": ("已批准", "approved"), "rejected": ("已退回", "rejected")}[proposal.state]
        raise Conflict(f"提案 {identifier} {done[0]}，不能再次处理。", f"Proposal {identifier} is already {done[1]}.")
    return proposal


def _refuse_stale(connection: sa.Connection, proposal: Proposal) -> None:
    """A subject that got an entry after the proposal was worked out may make it wrong: someone must look again."""
    changed = set(
        connection.execute(
            sa.select(entries.c.subject).where(entries.c.number > proposal.base_size).distinct()
        ).scalars()
    )
    if not changed:
        return
    for draft in drafts_of(connection, proposal.id):
        if draft.subject in changed:
            raise Conflict(
                f"提案 {proposal.id} 提出之后，{draft.subject} 已有新记录，请重新提出。",
                f"{draft.subject} changed after proposal {proposal.id} was made; please propose it anew.",
                subject=draft.subject,
            )


def _proposal(connection: sa.Connection, row: Any) -> Proposal:
    who = (
        connection.execute(sa.select(touches.c.account).where(touches.c.proposal == row.id).order_by(touches.c.id))
        .scalars()
        .all()
    )
    return Proposal(
        id=row.id,
        state=row.state,
        kind=row.kind,
        title=row.title,
        items=row.items,
        content_hash=row.content_hash,
        base_size=row.base_size,
        created_at=row.created_at,
        proposer=who[0],
        touched_by=list(dict.fromkeys(who)),
        report=msgspec.json.decode(row.report),
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        reason=row.reason,
        first_entry=row.first_entry,
        last_entry=row.last_entry,
    )


def _decide(connection: sa.Connection, identifier: int, state: State, by: str, **values: Any) -> None:
    now = _now()
    connection.execute(
        sa.update(proposals)
        .where(proposals.c.id == identifier)
        .values(state=state, decided_at=now, decided_by=by, **values)
    )
    _touch(connection, identifier, by, state, now)


def _touch(connection: sa.Connection, identifier: int, by: str, action: str, at: int) -> None:
    connection.execute(sa.insert(touches).values(proposal=identifier, account=by, action=action, at=at))
    trail.record(connection, by, action, f"proposal:{identifier}")


def _now() -> int:
    return int(time.time() * 1000)
