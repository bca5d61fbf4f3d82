"""Checks that a second person approved the proposal of every entry, and that no decision was altered.

Every entry that no checkpoint covers yet needs its proposal. A signed one may have lost it (a mirror holds none, a
completed restore not all), but the proposals that are here must agree with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import sqlalchemy as sa

from registry.domain.model import Kind
from registry.domain.schema import PERSONAL
from registry.errors import LogDamaged
from registry.log import store
from registry.storage.tables import entries, proposal_items, proposals, touches
from registry.texts import Message


class _EntryOrigin(msgspec.Struct):
    """The proposal an entry names, and who proposed and approved it."""

    proposal: int
    proposer: str
    approver: str


class _StoredDraft(msgspec.Struct):
    """The part of a stored draft that shows whether its personal values were erased."""

    change: _Change


class _Change(msgspec.Struct):
    kind: Kind
    set: dict[str, Any]


_origin_decoder = msgspec.json.Decoder(_EntryOrigin)
_draft_decoder = msgspec.json.Decoder(_StoredDraft)


class ContentHash:
    """The hash that an approval binds to: over the stored drafts of one proposal, in order."""

    def __init__(self, bodies: Iterable[bytes] = ()) -> None:
        self._digest = hashlib.sha256()
        for body in bodies:
            self.add(body)

    def add(self, *bodies: bytes) -> None:
        """Add the next drafts."""
        for body in bodies:
            # SQLite takes text anywhere: then it is not what was proposed, whatever it says.
            raw = body if isinstance(body, bytes) else repr(body).encode()
            self._digest.update(hashlib.sha256(raw).digest())

    @property
    def hex(self) -> str:
        """The hash of the drafts added so far."""
        return self._digest.hexdigest()


def check_entries(connection: sa.Connection, after: int, *, whole: bool = False) -> None:
    """Raise LogDamaged naming the first entry numbered above ``after`` that no approved proposal accounts for.

    With ``whole`` also the first one at or below it whose proposal is here and contradicts it.
    """
    query = (
        sa.select(entries.c.number, entries.c.body)
        .where(entries.c.number > (0 if whole else after))
        .order_by(entries.c.number)
        .execution_options(yield_per=store.CHUNK)
    )
    decisions: dict[int, sa.Row[Any] | None] = {}
    with connection.execute(query) as rows:
        for number, body in rows:
            origin = _decode_origin(body)
            if origin is not None and origin.proposal not in decisions:
                decisions[origin.proposal] = _find_decision(connection, origin.proposal)
            decision = decisions[origin.proposal] if origin else None
            if origin is not None and decision is None and number <= after:
                continue
            if origin is None or decision is None or not _is_accounted_for(decision, origin, number):
                raise _make_unapproved_error(number, signed=number <= after)


def check_proposals(connection: sa.Connection) -> None:
    """Raise LogDamaged naming the first stored proposal that disagrees with its entries, decision or drafts."""
    for proposal in connection.execute(sa.select(proposals).order_by(proposals.c.id)).all():
        if proposal.state == "approved":
            _check_range(connection, proposal)
        _check_touches(connection, proposal)
        _check_content(connection, proposal)


def _is_accounted_for(decision: sa.Row[Any], origin: _EntryOrigin, number: int) -> bool:
    return (
        decision.state == "approved"
        and decision.decided_by == origin.approver
        and origin.proposer != origin.approver
        and decision.first_entry <= number <= decision.last_entry
    )


def _check_range(connection: sa.Connection, proposal: sa.Row[Any]) -> None:
    """Require that the entries a proposal names are there and name it."""
    query = sa.select(entries.c.body).where(entries.c.number.in_([proposal.first_entry, proposal.last_entry]))
    origins = [_decode_origin(body) for body in connection.execute(query).scalars()]
    if not origins or any(origin is None or origin.proposal != proposal.id for origin in origins):
        raise _make_proposal_error(proposal.id, Message("所记的日志条目不是它的"))
    proposers = {origin.proposer for origin in origins if origin is not None}
    if proposers != {account for account, _ in _list_touches(connection, proposal.id)[:1]}:
        raise _make_proposal_error(proposal.id, Message("提出人与日志不符"))


def _check_touches(connection: sa.Connection, proposal: sa.Row[Any]) -> None:
    """Require a complete record of who proposed and who decided."""
    touches = _list_touches(connection, proposal.id)
    decided = proposal.state in ("pending", "returned") or (proposal.decided_by, proposal.state) in touches
    if not touches or touches[0][1] != "propose" or not decided:
        raise _make_proposal_error(proposal.id, Message("经手记录不全或被改动"))


def _check_content(connection: sa.Connection, proposal: sa.Row[Any]) -> None:
    """Require the stored drafts that were approved, unless personal values were erased from them."""
    if ContentHash(_read_bodies(connection, proposal.id)).hex == proposal.content_hash:
        return
    if any(_is_emptied(body) for body in _read_bodies(connection, proposal.id)):
        return
    raise _make_proposal_error(proposal.id, Message("所存内容与提出时的不符"))


def _read_bodies(connection: sa.Connection, proposal: int) -> Iterator[bytes]:
    query = sa.select(proposal_items.c.body).where(proposal_items.c.proposal == proposal)
    query = query.order_by(proposal_items.c.position).execution_options(yield_per=store.CHUNK)
    with connection.execute(query) as rows:
        yield from rows.scalars()


def _is_emptied(body: bytes) -> bool:
    try:
        change = _draft_decoder.decode(body).change
    except msgspec.MsgspecError:
        return False
    return any(change.set.get(path, "") is None for path in PERSONAL.get(change.kind, frozenset()))


def _list_touches(connection: sa.Connection, proposal: int) -> list[tuple[str, str]]:
    """(account, action) of everybody who touched a proposal, in order."""
    query = sa.select(touches.c.account, touches.c.action).where(touches.c.proposal == proposal).order_by(touches.c.id)
    return [(account, action) for account, action in connection.execute(query)]


def _decode_origin(body: bytes) -> _EntryOrigin | None:
    try:
        return _origin_decoder.decode(body)
    except msgspec.DecodeError:
        return None


def _find_decision(connection: sa.Connection, proposal: int) -> sa.Row[Any] | None:
    query: sa.Select[Any] = sa.select(
        proposals.c.state, proposals.c.decided_by, proposals.c.first_entry, proposals.c.last_entry
    )
    return connection.execute(query.where(proposals.c.id == proposal)).first()


def _make_unapproved_error(number: int, *, signed: bool) -> LogDamaged:
    if signed:
        return LogDamaged(
            Message("日志第{number}条所述的提案与库中所存不一致：提案被改动过。", number=number), entry=number
        )
    return LogDamaged(Message("日志第{number}条没有经两人审批的提案，系擅自写入。", number=number), entry=number)


def _make_proposal_error(proposal: int, message: Message) -> LogDamaged:
    return LogDamaged(Message("提案{proposal}有误：{message}。", proposal=proposal, message=message), proposal=proposal)
