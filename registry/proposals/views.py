"""The views that live in the register's database: each follows the log, and nothing else in the product holds facts."""

from collections.abc import Callable
from typing import Protocol

import sqlalchemy as sa

from registry.domain.model import Entry
from registry.errors import InvalidInput, LogDamaged
from registry.log import store
from registry.records.deadlines import DeadlinesView
from registry.records.standing_view import StandingView, check_standings
from registry.records.view import RecordsView, check_records
from registry.search.embedded_engine import SearchView
from registry.storage.database import Database, upsert_row
from registry.storage.tables import positions
from registry.texts import Message

Progress = Callable[[int], None]


class View(Protocol):
    """A derived table that follows the log inside the same database; its position is the last entry it has applied."""

    name: str

    def apply(self, connection: sa.Connection, entries: list[Entry]) -> None:
        """Apply the next entries, in order."""

    def reset(self, connection: sa.Connection) -> None:
        """Empty the view, so that the log can be replayed into it."""


VIEWS: tuple[View, ...] = (RecordsView(), StandingView(), SearchView(), DeadlinesView())


def apply_entries(connection: sa.Connection, entries: list[Entry]) -> None:
    """Apply freshly appended entries to every view, inside the append transaction; a view that is behind catches up."""
    for view in VIEWS:
        if entries and _read_position(connection, view) < entries[0].number - 1:
            _catch_up_view(connection, view)
        elif entries:
            _apply_to_view(connection, view, entries)


def select_views(name: str | None) -> tuple[View, ...]:
    """The view of that name, or all of them without a name; InvalidInput listing the names there are."""
    if name is None:
        return VIEWS
    views = tuple(view for view in VIEWS if view.name == name)
    if not views:
        names = ", ".join(view.name for view in VIEWS)
        raise InvalidInput(Message("没有名为“{name}”的视图；有：{names}。", name=name, names=names))
    return views


def rebuild_views(database: Database, name: str | None = None, progress: Progress | None = None) -> list[str]:
    """Empty and replay one view, or all in order; return their names. Readers see the old one until the end."""
    views = select_views(name)
    for view in views:
        with database.writing() as connection:
            rebuild_view(connection, view, progress)
    return [view.name for view in views]


def rebuild_view(connection: sa.Connection, view: View, progress: Progress | None = None) -> None:
    """Empty a view and replay the whole log into it, in the caller's transaction."""
    view.reset(connection)
    _save_position(connection, view, 0)
    _catch_up_view(connection, view, progress)


def catch_up(database: Database, progress: Progress | None = None) -> None:
    """Bring every view up to the end of the log: a migration may have emptied one."""
    for view in VIEWS:
        with database.reading() as connection:
            lag = store.read_head(connection).size - _read_position(connection, view)
        if lag:
            with database.writing() as connection:
                _catch_up_view(connection, view, progress)


def measure_lag(connection: sa.Connection) -> dict[str, int]:
    """Count, by view, the entries that it has not applied yet."""
    size = store.read_head(connection).size
    return {view.name: size - _read_position(connection, view) for view in VIEWS}


def check_views(database: Database) -> None:
    """Raise LogDamaged unless the stored records are those of the log folded anew, and no view is behind."""
    with database.reading() as connection:
        check_records(connection)
        check_standings(connection)
        late = [name for name, lag in measure_lag(connection).items() if lag]
    if late:
        names = ", ".join(late)
        raise LogDamaged(Message("视图落后于日志：{names}。", names=names))


def _catch_up_view(connection: sa.Connection, view: View, progress: Progress | None = None) -> None:
    for chunk in store.read_entries(connection, after=_read_position(connection, view)):
        _apply_to_view(connection, view, chunk)
        if progress:
            progress(chunk[-1].number)


def _apply_to_view(connection: sa.Connection, view: View, entries: list[Entry]) -> None:
    view.apply(connection, entries)
    _save_position(connection, view, entries[-1].number)


def _read_position(connection: sa.Connection, view: View) -> int:
    return connection.execute(sa.select(positions.c.position).where(positions.c.view == view.name)).scalar() or 0


def _save_position(connection: sa.Connection, view: View, number: int) -> None:
    upsert_row(connection, positions, {"view": view.name, "position": number}, ["view"])
