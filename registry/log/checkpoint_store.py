"""Signed checkpoints in the database, where a register's other machines and its backups find the last one."""

import sqlalchemy as sa

from registry.errors import InvalidInput, LogDamaged
from registry.log import clock, note
from registry.log.note import SignedCheckpoint, parse_signed_checkpoint
from registry.storage.tables import checkpoints
from registry.texts import Message


def find_last(connection: sa.Connection) -> SignedCheckpoint | None:
    """The largest checkpoint the database holds, in its newest signature; None before the first."""
    query = sa.select(checkpoints.c.note).order_by(checkpoints.c.size.desc(), checkpoints.c.id.desc()).limit(1)
    raw = connection.execute(query).scalar()
    return parse_signed_checkpoint(bytes(raw)) if raw is not None else None


def read_signing_time(connection: sa.Connection) -> int:
    """The clock at the signing of the last checkpoint (milliseconds since 1970); 0 before the first."""
    query = sa.select(checkpoints.c.signed_at).order_by(checkpoints.c.id.desc()).limit(1)
    return connection.execute(query).scalar() or 0


def list_checkpoints(connection: sa.Connection) -> list[SignedCheckpoint]:
    """Every checkpoint ever signed, in the order of signing; LogDamaged names the first that was altered.

    Whether the keys in its rows are this register's is for the caller to check.
    """
    signed_checkpoints: list[SignedCheckpoint] = []
    for expected, row in enumerate(connection.execute(sa.select(checkpoints).order_by(checkpoints.c.id)), start=1):
        if row.id != expected:
            raise _make_checkpoint_error(expected, Message("缺少这一个"))
        try:
            signed = parse_signed_checkpoint(bytes(row.note))
            keys = [note.parse_verifier(line) for line in row.vkeys.split()]
        except (InvalidInput, TypeError) as error:
            raise _make_checkpoint_error(expected, Message("无法解读")) from error
        if row.size != signed.checkpoint.size:
            raise _make_checkpoint_error(expected, Message("所记条数与签名文本不符"))
        _require_signature(expected, signed, keys)
        signed_checkpoints.append(signed)
    return signed_checkpoints


def _require_signature(number: int, signed: SignedCheckpoint, keys: list[note.Verifier]) -> None:
    try:
        note.verify_note(signed.note, keys)
    except InvalidInput as error:
        raise _make_checkpoint_error(number, Message("不是所记密钥所签")) from error


def _make_checkpoint_error(number: int, message: Message) -> LogDamaged:
    return LogDamaged(
        Message("数据库中第{number}个检查点有误：{message}。", number=number, message=message), checkpoint=number
    )


def has_checkpoint(connection: sa.Connection, signed: SignedCheckpoint) -> bool:
    """Whether the database has this checkpoint, byte for byte."""
    query = sa.select(checkpoints.c.id).where(checkpoints.c.note == signed.note)
    return connection.execute(query).first() is not None


def read_vkeys(connection: sa.Connection) -> str:
    """The verifier keys of the last checkpoint, one a line."""
    query = sa.select(checkpoints.c.vkeys).order_by(checkpoints.c.id.desc()).limit(1)
    return connection.execute(query).scalar() or ""


def list_vkeys(connection: sa.Connection) -> list[str]:
    """Every verifier key that ever signed, in the order of first use."""
    query = sa.select(checkpoints.c.vkeys).order_by(checkpoints.c.id)
    return list(dict.fromkeys(key for keys in connection.execute(query).scalars() for key in keys.split()))


def save_checkpoint(connection: sa.Connection, signed: SignedCheckpoint, keys: str) -> None:
    """Save a checkpoint and its verifier keys, numbered without gaps by the one writer."""
    last = connection.execute(sa.select(sa.func.max(checkpoints.c.id))).scalar() or 0
    row = {
        "id": last + 1,
        "size": signed.checkpoint.size,
        "signed_at": clock.to_milliseconds(clock.read_clock()),  # what the clock was: see log.clock_check
        "note": signed.note,
        "vkeys": keys,
    }
    connection.execute(sa.insert(checkpoints).values(row))
