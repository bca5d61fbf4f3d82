"""Every entry came from a proposal that a second person approved: asked of entries no checkpoint vouches for yet."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from registry.errors import LogDamaged
from registry.log import store
from registry.tables import entries, proposals


class _Told(msgspec.Struct):
    """Where an entry says it comes from."""

    proposal: int
    proposer: str
    approver: str


_told = msgspec.json.Decoder(_Told)


def check(connection: sa.Connection, after: int) -> None:
    """LogDamaged naming the first entry numbered above ``after`` that no approved proposal accounts for."""
    query = (
        sa.select(entries.c.number, entries.c.body)
        .where(entries.c.number > after)
        .order_by(entries.c.number)
        .execution_options(yield_per=store.CHUNK)
    )
    known: dict[int, sa.Row[Any] | None] = {}
    with connection.execute(query) as rows:
        for number, body in rows:
            told = _decoded(body)
            if told is not None and told.proposal not in known:
                known[told.proposal] = _decision(connection, told.proposal)
            decision = known[told.proposal] if told else None
            if (
                told is None
                or decision is None
                or decision.state != "approved"
                or decision.decided_by != told.approver
                or told.proposer == told.approver
                or not decision.first_entry <= number <= decision.last_entry
            ):
                raise LogDamaged(
                    f"日志第{number}条没有经两人审批的提案，系擅自写入。",
                    f"Log entry {number} comes from no proposal that a second person approved: it was inserted.",
                    entry=number,
                )


def _decoded(body: bytes) -> _Told | None:
    try:
        return _told.decode(body)
    except msgspec.DecodeError:
        return None


def _decision(connection: sa.Connection, proposal: int) -> sa.Row[Any] | None:
    query: sa.Select[Any] = sa.select(
        proposals.c.state, proposals.c.decided_by, proposals.c.first_entry, proposals.c.last_entry
    )
    return connection.execute(query.where(proposals.c.id == proposal)).first()
