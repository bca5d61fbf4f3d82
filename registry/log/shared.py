"""Signed checkpoints in the database: where the other machines of a register, and its backups, find the last one."""

from __future__ import annotations

import time

import sqlalchemy as sa

from registry.log import checkpoint, note
from registry.log.checkpoint import Checkpoint
from registry.model import Struct
from registry.tables import checkpoints


class Signed(Struct, frozen=True):
    """A checkpoint and the signed note that says it, byte for byte."""

    checkpoint: Checkpoint
    note: bytes


def read(raw: bytes) -> Signed:
    """The checkpoint of a signed note; InvalidInput when it is none. Says nothing about its signatures."""
    return Signed(checkpoint=checkpoint.parse(note.parse(raw).text), note=raw)


def last(connection: sa.Connection) -> Signed | None:
    """The largest checkpoint the database holds, as it was signed last; None before the first."""
    query = sa.select(checkpoints.c.note).order_by(checkpoints.c.size.desc(), checkpoints.c.id.desc()).limit(1)
    raw = connection.execute(query).scalar()
    return read(bytes(raw)) if raw is not None else None


def every(connection: sa.Connection) -> list[Signed]:
    """Every checkpoint that was ever signed, in the order signed."""
    query = sa.select(checkpoints.c.note).order_by(checkpoints.c.id)
    return [read(bytes(raw)) for raw in connection.execute(query).scalars()]


def vkeys(connection: sa.Connection) -> str:
    """The verifier keys of the last checkpoint, one a line."""
    query = sa.select(checkpoints.c.vkeys).order_by(checkpoints.c.id.desc()).limit(1)
    return connection.execute(query).scalar() or ""


def every_vkey(connection: sa.Connection) -> list[str]:
    """Every verifier key that ever signed, in the order they came."""
    query = sa.select(checkpoints.c.vkeys).order_by(checkpoints.c.id)
    return list(dict.fromkeys(key for keys in connection.execute(query).scalars() for key in keys.split()))


def put(connection: sa.Connection, signed: Signed, keys: str) -> None:
    """Keep a checkpoint and the verifier keys that go with it."""
    row = {"size": signed.checkpoint.size, "signed_at": int(time.time() * 1000), "note": signed.note, "vkeys": keys}
    connection.execute(sa.insert(checkpoints).values(row))
