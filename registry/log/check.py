"""Re-derive the log from its bytes and compare: names the first entry that is not what it must be."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import sqlalchemy as sa

from registry.errors import LogDamaged
from registry.log import codec, merkle, store
from registry.model import Struct
from registry.tables import entries, erasable


class Checked(Struct, frozen=True):
    """A log that held: its size and root hash (hex)."""

    size: int
    root: str


def check(connection: sa.Connection, progress: Callable[[int], None] | None = None) -> Checked:
    """Number, time, columns, bytes and leaf hash of every entry in order; LogDamaged names the first that differs."""
    frontier = merkle.Frontier()
    last_time = 0
    query = sa.select(entries).order_by(entries.c.number).execution_options(yield_per=store.CHUNK)
    with connection.execute(query) as rows:  # closes the stream when an entry is refused
        for expected, row in enumerate(rows, start=1):
            if row.number != expected:
                raise _damaged(expected, "缺少这一条", "it is missing")
            _check_row(row)
            if row.recorded_at < last_time:
                raise _damaged(expected, "记录时间早于上一条", "its time is before the entry before it")
            last_time = row.recorded_at
            frontier.append(row.leaf)
            if progress and expected % store.CHUNK == 0:
                progress(expected)
    _check_sealed(connection)
    return Checked(size=frontier.size, root=frontier.root().hex())


def _check_sealed(connection: sa.Connection) -> None:
    """Every personal value that was not erased is the one its entry was sealed over."""
    query = sa.select(erasable, entries.c.body).outerjoin(entries, entries.c.number == erasable.c.number)
    query = query.order_by(erasable.c.number).execution_options(yield_per=store.CHUNK)
    with connection.execute(query) as rows:
        for row in rows:
            if row.body is None or not codec.opens(row.body, row.path, row.salt, row.value):
                raise _damaged(row.number, f"{row.path} 与封存的哈希不符", f"its {row.path} is not what was sealed")


def _check_row(row: sa.Row[tuple[int, int, str, str, bytes, bytes]]) -> None:
    try:
        entry = codec.decode(bytes(row.body))
    except (LogDamaged, TypeError) as error:
        raise _damaged(row.number, "正文无法解读", "its bytes cannot be read") from error
    told = (entry.number, entry.recorded_at, entry.subject, entry.change.kind)
    if told != (row.number, codec.instant(codec.timestamp(row.recorded_at)), row.subject, row.kind):
        raise _damaged(row.number, "各列与正文不符", "its columns differ from its bytes")
    if codec.canonical(msgspec.json.decode(row.body)) != row.body:
        raise _damaged(row.number, "正文不是规范形式", "its bytes are not canonical")
    if merkle.leaf_hash(row.body) != row.leaf:
        raise _damaged(row.number, "正文与叶哈希不符", "its bytes do not give its leaf hash")


def _damaged(number: int, zh: str, en: str) -> LogDamaged:
    return LogDamaged(f"日志第{number}条有误：{zh}。", f"Log entry {number} is wrong: {en}.", entry=number)
