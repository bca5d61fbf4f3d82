"""What the public page would say once a proposal is approved: tried in a transaction that is never committed."""

from __future__ import annotations

from collections.abc import Sequence

from registry import proposals, views
from registry.log import store
from registry.proposals.before_after import SubjectPreview, preview_subjects
from registry.storage.database import Database

_TRIER = "system.preview"


class _RollBack(Exception):
    """Takes back what was tried."""


def preview_proposal(database: Database, number: int, places: Sequence[int]) -> list[SubjectPreview]:
    """What those drafts of an open proposal that stand at some places (the first is 1) do to their subjects, in order.

    Holds the lock of all writers for as long as they take to append, and leaves nothing behind.
    """
    found: list[SubjectPreview] = []
    try:
        with database.writing() as connection:
            proposal = proposals.get_proposal(connection, number)
            chosen = proposals.read_drafts_at(connection, number, places)
            size = store.read_head(connection).size
            appender = store.Appender(connection, _TRIER, _TRIER, proposal.id)
            views.apply_entries(connection, appender.append(iter(chosen)))
            found += preview_subjects(connection, chosen, size, appender.size)
            raise _RollBack
    except _RollBack:
        return found
