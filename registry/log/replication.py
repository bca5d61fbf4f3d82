"""Copies of a log: the mark of a database that only mirrors another register, and entries inserted byte for byte.

The mark is a row in the table of the views' positions, so that it is copied into backups with the database. Inserting
is not appending: nothing is decided, numbered or timed; the caller has compared the bytes with a signed checkpoint.
"""

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from registry.domain.model import Entry
from registry.errors import Conflict, LogDamaged
from registry.log import clock, codec, store
from registry.storage.database import upsert_row
from registry.storage.tables import entries, positions
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


def insert_entries(connection: sa.Connection, bodies: Sequence[bytes]) -> list[Entry]:
    """Insert the canonical bytes of the entries that follow the last one; return the entries, for the views.

    What they erase is erased here too. LogDamaged when a number does not follow or the bytes are not canonical. Sealed
    values are not part of the bytes: they stay withheld.
    """
    last = store.read_head(connection)
    inserted: list[Entry] = []
    rows = []
    latest = last.recorded_at
    for number, body in enumerate(bodies, start=last.size + 1):
        entry = codec.decode_entry(body)
        recorded_at = clock.to_milliseconds(entry.recorded_at)
        if entry.number != number or recorded_at < latest or codec.encode_canonical(msgspec.json.decode(body)) != body:
            raise LogDamaged(Message("第{number}条不是接续日志的规范记录。", number=number), entry=number)
        latest = recorded_at
        inserted.append(entry)
        rows.append(store.make_row(number, recorded_at, entry.subject, entry.change.kind, body))
    if rows:
        connection.execute(sa.insert(entries), rows)
    for entry in inserted:
        if entry.change.erases:
            store.erase_values(connection, entry.subject, entry.change.erases, before=entry.number)
    return inserted
