"""What a view is: a name, a position, apply, reset. Nothing else in the product holds facts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import sqlalchemy as sa

from registry.database import upsert
from registry.log import store
from registry.model import Entry
from registry.tables import positions


class View(Protocol):
    """Follows the log inside the same database."""

    name: str

    def apply(self, connection: sa.Connection, entries: list[Entry]) -> None:
        """Take in the next entries, in order."""

    def reset(self, connection: sa.Connection) -> None:
        """Forget everything, so that the log can be replayed."""


def position(connection: sa.Connection, view: View) -> int:
    """The number of the last entry the view has taken in."""
    return connection.execute(sa.select(positions.c.position).where(positions.c.view == view.name)).scalar() or 0


def take(connection: sa.Connection, view: View, entries: list[Entry]) -> None:
    """Apply entries and move the position, in the caller's transaction; a view that had fallen behind catches up."""
    if entries and position(connection, view) < entries[0].number - 1:
        catch_up(connection, view)
    elif entries:
        view.apply(connection, entries)
        _move(connection, view, entries[-1].number)


def catch_up(connection: sa.Connection, view: View, progress: Callable[[int], None] | None = None) -> int:
    """Apply every entry the view has not seen; how many those were."""
    start = done = position(connection, view)
    for chunk in store.read(connection, after=start):
        take(connection, view, chunk)
        done = chunk[-1].number
        if progress:
            progress(done)
    return done - start


def rebuild(connection: sa.Connection, view: View, progress: Callable[[int], None] | None = None) -> int:
    """Empty the view and replay the whole log into it, in the caller's transaction."""
    view.reset(connection)
    _move(connection, view, 0)
    return catch_up(connection, view, progress)


def _move(connection: sa.Connection, view: View, number: int) -> None:
    upsert(connection, positions, {"view": view.name, "position": number}, ["view"])
