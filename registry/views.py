"""The list of views that live in the register's database, and what is done to all of them."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from registry.domain.model import Entry
from registry.errors import InvalidInput, LogDamaged
from registry.log import follower, store
from registry.records import check as records_check
from registry.records.deadlines import DeadlinesView
from registry.records.view import RecordsView
from registry.search.embedded_engine import SearchView
from registry.storage.database import Database

VIEWS: tuple[follower.View, ...] = (RecordsView(), SearchView(), DeadlinesView())


def apply_entries(connection: sa.Connection, entries: list[Entry]) -> None:
    """Apply freshly appended entries to every view, inside the append transaction."""
    for view in VIEWS:
        follower.apply_entries(connection, view, entries)


def select_views(name: str | None) -> tuple[follower.View, ...]:
    """The view of that name, or all; InvalidInput naming those there are."""
    if name is None:
        return VIEWS
    found = tuple(view for view in VIEWS if view.name == name)
    if not found:
        names = ", ".join(view.name for view in VIEWS)
        raise InvalidInput(f"没有名为“{name}”的视图；有：{names}。", f"There is no view “{name}”; there are: {names}.")
    return found


def rebuild_views(
    database: Database, name: str | None = None, progress: Callable[[int], None] | None = None
) -> list[str]:
    """Empty and replay one view, or all in order; the names of those rebuilt. Readers see the old one until the end."""
    done = []
    for view in select_views(name):
        with database.writing() as connection:
            follower.rebuild_view(connection, view, progress)
        done.append(view.name)
    return done


def catch_up(database: Database, progress: Callable[[int], None] | None = None) -> None:
    """Let every view take in what it has not seen: after a change of the schema, one may begin anew."""
    for view in VIEWS:
        with database.reading() as connection:
            behind = store.read_head(connection).size - follower.read_position(connection, view)
        if behind:
            with database.writing() as connection:
                follower.catch_up(connection, view, progress)


def measure_lag(connection: sa.Connection) -> dict[str, int]:
    """How many entries each view has not taken in yet."""
    size = store.read_head(connection).size
    return {view.name: size - follower.read_position(connection, view) for view in VIEWS}


def check_views(database: Database) -> None:
    """LogDamaged unless the stored records are what folding the log again gives, and no view is behind."""
    with database.reading() as connection:
        records_check.check_records(connection)
        behind = {name: number for name, number in measure_lag(connection).items() if number}
    if behind:
        names = ", ".join(behind)
        raise LogDamaged(f"视图落后于日志：{names}。", f"Views are behind the log: {names}.")
