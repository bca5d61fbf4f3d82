"""The mark of a database that is a mirror: it only follows another register's log, and nobody may append to it.

The mark is a row in the table of the views' positions, so that it is copied into backups with the database.
"""

from __future__ import annotations

import sqlalchemy as sa

from registry.errors import Conflict
from registry.log import store
from registry.storage.database import upsert_row
from registry.storage.tables import positions
from registry.texts import Message

_NAME = "mirror"


def mark_mirror(connection: sa.Connection) -> None:
    """Mark this database as a mirror that holds its present entries."""
    upsert_row(connection, positions, {"view": _NAME, "position": store.read_head(connection).size}, ["view"])


def is_mirror(connection: sa.Connection) -> bool:
    """Whether this database is a mirror."""
    return connection.execute(sa.select(positions.c.view).where(positions.c.view == _NAME)).first() is not None


def refuse_mirror(connection: sa.Connection) -> None:
    """Raise Conflict in a mirror: an entry appended there would be a fork of the log that it mirrors."""
    if is_mirror(connection):
        raise Conflict(Message("这是镜像，只跟随另一名录的日志，不能写入；请在原名录提案和审批。"))
