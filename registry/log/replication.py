"""Inserting entries of another copy of this log, byte for byte: for a restore or a mirror.

Not an append: nothing is decided, numbered or timed here. The caller has compared the bytes with a signed checkpoint.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from registry.domain.model import Entry
from registry.errors import LogDamaged
from registry.log import clock, codec, store
from registry.storage.tables import entries
from registry.texts import Message


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
