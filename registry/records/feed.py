"""The change feed: every entry in order, as its canonical bytes, from any position on. Nothing in it ever expires.

Only the public part of an entry is in it: the bytes hold personal values as salted hashes (see ``log.codec``).
"""

import sqlalchemy as sa

from registry.domain.model import Struct
from registry.errors import Conflict, LogDamaged
from registry.storage.tables import entries
from registry.texts import Message

MOST, USUAL = 5000, 1000
#: A page ends early at this many bytes, so that entries of any length need little memory here and at the follower.
PAGE_BYTES = 8 * 1024 * 1024
_FETCH = 250


class FeedPage(Struct, frozen=True):
    """Consecutive entries and their RFC 6962 leaf hashes (hex); ``next`` is the position after them."""

    entries: list[bytes]
    leaves: list[str]
    next: int
    log_size: int


def read_page(connection: sa.Connection, since: int, limit: int, size: int) -> FeedPage:
    """Read entries after number ``since`` of the first ``size``, at most ``limit`` or PAGE_BYTES, at least one if there
    is.

    Conflict when ``since`` is beyond ``size``; LogDamaged rather than a page with a gap.
    """
    if since > size:
        message = Message(
            "since={since} 超出日志的长度（{size} 条）：您的位置比本名录更靠前，本名录可能是从较早的备份恢复的。"
            "请先核对双方的检查点，再从 /api/v1/snapshot 重新开始。",
            since=since,
            size=size,
        )
        raise Conflict(message, since=since, log_size=size)
    bodies: list[bytes] = []
    leaves: list[str] = []
    total = 0
    query = (
        sa.select(entries.c.number, entries.c.body, entries.c.leaf)
        .where(entries.c.number > since, entries.c.number <= size)
        .order_by(entries.c.number)
        .limit(limit)
        .execution_options(yield_per=_FETCH)
    )
    with connection.execute(query) as rows:  # closes the stream when the page is full before its last row
        for expected, (number, body, leaf) in enumerate(rows, start=since + 1):
            if number != expected:
                break
            bodies.append(bytes(body))
            leaves.append(leaf.hex())
            total += len(body)
            if total >= PAGE_BYTES:
                break
    last = since + len(bodies)
    if last < size and len(bodies) < limit and total < PAGE_BYTES:
        message = Message("日志缺少第{number}条，变更流到此为止；请运行：registry log check", number=last + 1)
        raise LogDamaged(message, entry=last + 1)
    return FeedPage(entries=bodies, leaves=leaves, next=last, log_size=size)
