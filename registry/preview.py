"""What the public page would say once a proposal is approved: tried in a transaction that is never committed."""

from __future__ import annotations

from collections.abc import Sequence

from registry import proposals, views
from registry.database import Database
from registry.log import store
from registry.proposals.sides import Foreseen, foreseen

_TRIER = "system.preview"


class _NeverMind(Exception):
    """Takes back what was tried."""


def preview(database: Database, number: int, places: Sequence[int]) -> list[Foreseen]:
    """What those drafts of an open proposal that stand at some places (the first is 1) do to their subjects, in order.

    Holds the lock of all writers for as long as they take to append, and leaves nothing behind.
    """
    found: list[Foreseen] = []
    try:
        with database.writing() as connection:
            proposal = proposals.get(connection, number)
            chosen = proposals.drafts_at(connection, number, places)
            size = store.head(connection).size
            appender = store.Appender(connection, _TRIER, _TRIER, proposal.id)
            views.take(connection, appender.append(iter(chosen)))
            found += foreseen(connection, chosen, size, appender.size)
            raise _NeverMind
    except _NeverMind:
        return found
