"""What a view is: a name, a position, apply, reset. Nothing else in the product holds facts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import sqlalchemy as sa

from registry.domain.model import Entry
from registry.log import store
from registry.storage.database import upsert_row
from registry.storage.tables import positions


class View(Protocol):
    """Follows the log inside the same database."""

    name: str

    def apply(self, connection: sa.Connection, entries: list[Entry]) -> None:
        """Take in the next entries, in order."""

    def reset(self, connection: sa.Connection) -> None:
        """Forget everything, so that the log can be replayed."""


def read_position(connection: sa.Connection, view: View) -> int:
    """The number of the last entry the view has taken in."""
    return connection.execute(sa.select(positions.c.position).where(positions.c.view == view.name)).scalar() or 0


def apply_entries(connection: sa.Connection, view: View, entries: list[Entry]) -> None:
    """Apply entries and move the position, in the caller's transaction; a view that had fallen behind catches up."""
    if entries and read_position(connection, view) < entries[0].number - 1:
        catch_up(connection, view)
    elif entries:
        view.apply(connection, entries)
        _save_position(connection, view, entries[-1].number)


def catch_up(connection: sa.Connection, view: View, progress: Callable[[int], None] | None = None) -> int:
    """Apply every entry the view has not seen; how many those were."""
    start = done = read_position(connection, view)
    for chunk in store.read_entries(connection, after=start):
        apply_entries(connection, view, chunk)
        done = chunk[-1].number
        if progress:
            progress(done)
    return done - start


def rebuild_view(connection: sa.Connection, view: View, progress: Callable[[int], None] | None = None) -> int:
    """Empty the view and replay the whole log into it, in the caller's transaction."""
    view.reset(connection)
    _save_position(connection, view, 0)
    return catch_up(connection, view, progress)


def _save_position(connection: sa.Connection, view: View, number: int) -> None:
    upsert_row(connection, positions, {"view": view.name, "position": number}, ["view"])
