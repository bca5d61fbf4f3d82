"""Proposals as they are kept: reading them, and the marks that everybody leaves who changes or decides one."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from registry.accounts import Account, audit_log, region_scope
from registry.domain import regions
from registry.domain.model import Draft, Struct
from registry.errors import Conflict, NotFound
from registry.proposals import changeset
from registry.storage.tables import proposal_items, proposals, touches

#: ``returned``: somebody asks for changes, and its editors may amend it; ``withdrawn`` by whoever proposed it.
State = Literal["pending", "returned", "approved", "rejected", "withdrawn"]
#: Those on which something is still to be done.
OPEN: tuple[State, ...] = ("pending", "returned")
CHUNK = 2000
_DONE = {
    "approved": ("已批准", "approved"),
    "rejected": ("已否决", "rejected"),
    "withdrawn": ("已撤回", "withdrawn"),
    "returned": ("已退回修改", "returned for changes"),
    "pending": ("正等待审批", "waiting for a decision"),
}


class Proposal(Struct, frozen=True):
    """A change, or a whole import, and where it stands. ``report`` is what a person decides on (audit, difference).

    ``confirm_by`` (milliseconds): what it says is in force already, and falls back unless it is approved by then.
    ``region`` holds all that it is about; empty: only the whole country does.
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
    """One mark on a proposal: who did what to it, and when (milliseconds)."""

    account: str
    action: str
    at: int


def get_proposal(connection: sa.Connection, identifier: int) -> Proposal:
    """One proposal; NotFound."""
    row = connection.execute(sa.select(proposals).where(proposals.c.id == identifier)).first()
    if row is None:
        raise NotFound(f"没有编号为 {identifier} 的提案。", f"There is no proposal {identifier}.")
    return _to_proposals(connection, [row])[0]


def list_proposals(
    connection: sa.Connection,
    state: State | Sequence[State] | None = "pending",
    *,
    before: int | None = None,
    limit: int | None = None,
    with_report: bool = True,
    seen_by: Account | None = None,
) -> list[Proposal]:
    """Proposals of a state or several (all with None), newest first; those with an id below ``before``.

    The report of an import may be megabytes: without it, it reads None. ``seen_by``: those that concern an account.
    """
    report = proposals.c.report if with_report else sa.literal(b"null").label("report")
    query = (
        sa.select(*(column for column in proposals.c if column.name != "report"), report)
        .order_by(proposals.c.id.desc())
        .limit(limit)
    )
    if state is not None:
        query = query.where(proposals.c.state.in_([state] if isinstance(state, str) else state))
    if before is not None:
        query = query.where(proposals.c.id < before)
    if seen_by is not None and seen_by.region:
        inside = proposals.c.region.startswith(regions.get_prefix(seen_by.region))
        mine = sa.exists().where(touches.c.proposal == proposals.c.id, touches.c.account == seen_by.name)
        query = query.where(inside | mine)
    return _to_proposals(connection, connection.execute(query).all())


def list_touches(connection: sa.Connection, identifier: int) -> list[Touch]:
    """Who changed or decided a proposal, in order."""
    query = sa.select(touches.c.account, touches.c.action, touches.c.at).where(touches.c.proposal == identifier)
    return [Touch(**row._mapping) for row in connection.execute(query.order_by(touches.c.id))]


def read_drafts(connection: sa.Connection, identifier: int) -> Iterator[Draft]:
    """What a proposal would append, in order."""
    for bodies in read_bodies(connection, identifier):
        yield from map(changeset.decode_draft, bodies)


def read_drafts_at(connection: sa.Connection, identifier: int, places: Sequence[int]) -> list[Draft]:
    """Those at some places (the first is 1), in their order."""
    items = proposal_items.c
    query = sa.select(items.body).where(items.proposal == identifier, items.position.in_(places))
    return [changeset.decode_draft(body) for body in connection.execute(query.order_by(items.position)).scalars()]


def list_places(connection: sa.Connection, identifier: int, subjects: Sequence[str]) -> list[int]:
    """Where the drafts about some subjects stand in a proposal, in order."""
    items = proposal_items.c
    query = sa.select(items.position).where(items.proposal == identifier, items.subject.in_(subjects))
    return list(connection.execute(query.order_by(items.position)).scalars())


def read_bodies(connection: sa.Connection, identifier: int) -> Iterator[list[bytes]]:
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


def require_state(proposal: Proposal, *states: State) -> None:
    """Conflict when nothing of that sort can be done with it any more."""
    if proposal.state not in states:
        done = _DONE[proposal.state]
        raise Conflict(
            f"提案 {proposal.id} {done[0]}，不能再作此处理。", f"Proposal {proposal.id} is already {done[1]}."
        )


def get_for_account(connection: sa.Connection, identifier: int, name: str) -> Proposal:
    """One proposal for somebody to look at or decide; NotFound, NotAllowed where it is about more than their region."""
    proposal = get_proposal(connection, identifier)
    region_scope.require_can_see(connection, name, proposal.region, proposal.touched_by)
    return proposal


def record_touch(connection: sa.Connection, identifier: int, by: str, action: str, at: int) -> None:
    """Whoever did this has a hand in the proposal, and may not approve it unless this is the approval."""
    connection.execute(sa.insert(touches).values(proposal=identifier, account=by, action=action, at=at))
    audit_log.record_event(connection, by, action, f"proposal:{identifier}")


def close_proposal(connection: sa.Connection, identifier: int, state: State, by: str, **values: Any) -> None:
    """Close a proposal."""
    at = get_now_ms()
    closed = sa.update(proposals).where(proposals.c.id == identifier)
    connection.execute(closed.values(state=state, decided_at=at, decided_by=by, **values))
    record_touch(connection, identifier, by, state, at)


def get_now_ms() -> int:
    """Milliseconds since 1970."""
    return int(time.time() * 1000)


def _to_proposals(connection: sa.Connection, rows: Sequence[Any]) -> list[Proposal]:
    wanted = [row.id for row in rows]
    who: dict[int, list[str]] = {}
    for start in range(0, len(wanted), CHUNK):
        query = sa.select(touches.c.proposal, touches.c.account).order_by(touches.c.id)
        for proposal, account in connection.execute(query.where(touches.c.proposal.in_(wanted[start : start + CHUNK]))):
            who.setdefault(proposal, []).append(account)
    return [_to_proposal(row, who[row.id]) for row in rows]


def _to_proposal(row: Any, who: list[str]) -> Proposal:
    fields = dict(row._mapping)
    report = msgspec.json.decode(fields.pop("report"))
    return Proposal(**fields, report=report, proposer=who[0], touched_by=list(dict.fromkeys(who)))
