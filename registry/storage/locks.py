"""Waiting for the one lock of all writers: how long, behind how many, and the refusals when it takes too long.

Used by ``database``, which takes the lock; a door sets the patience of a request in ``lock_wait``.
"""

import math
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

import sqlalchemy as sa

from registry.errors import Busy
from registry.texts import Message

#: "ARTR": the advisory lock every writer of a PostgreSQL register takes first.
WRITERS_LOCK = 0x41525452


class LockWait(NamedTuple):
    """How long to wait for the lock of all writers, in seconds, and behind how many others of this process."""

    seconds: float
    queue_limit: int


#: The wait of a command, a job or a thread; doors set a shorter one around each request.
PATIENT = LockWait(seconds=120.0, queue_limit=64)
#: Takes the lock only when it is free now: for what may be left out, or done later.
AT_ONCE = LockWait(seconds=0.0, queue_limit=0)
lock_wait: ContextVar[LockWait] = ContextVar("lock_wait", default=PATIENT)


class WriterQueue:
    """The writers of this process, one at a time, in the order they came."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._writers: deque[object] = deque()  # the first one writes

    @contextmanager
    def wait_for_turn(self, wait: LockWait) -> Iterator[float]:
        """Wait for one's turn and give the seconds left of ``wait``; Busy when it does not come in time."""
        until, me = time.monotonic() + wait.seconds, object()
        with self._changed:
            if len(self._writers) > wait.queue_limit:
                raise make_write_busy_error()
            self._writers.append(me)
            if not self._changed.wait_for(lambda: self._writers[0] is me, wait.seconds):
                self._writers.remove(me)
                raise make_write_busy_error()
        try:
            yield max(0.0, until - time.monotonic())
        finally:
            with self._changed:
                self._writers.remove(me)
                self._changed.notify_all()


def make_write_busy_error() -> Busy:
    """The refusal for a writer whose turn does not come."""
    message = Message(
        "名录正在写入（例如一份长名单正在入库），等候写入的人已满，或已等得太久。您提交的内容没有执行，"
        "名录没有任何改动或丢失；查询不受影响。请10秒后再提交一次。"
    )
    return Busy(message, retry_after=10)


def to_milliseconds(seconds: float) -> int:
    """Whole milliseconds, the unit of a database's timeouts."""
    return int(seconds * 1000)


def lock_postgresql(connection: sa.Connection, wait: float) -> None:
    """Take the lock of all writers until the end of the transaction; Busy when that takes over ``wait`` seconds."""
    if wait <= 0:
        if not connection.execute(sa.text("SELECT pg_try_advisory_xact_lock(:n)"), {"n": WRITERS_LOCK}).scalar():
            raise make_write_busy_error()
        return
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {max(1, to_milliseconds(wait))}")
    try:
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:n)"), {"n": WRITERS_LOCK})
    except sa.exc.OperationalError as error:
        if _is_lock_timeout(error):
            raise make_write_busy_error() from error
        raise
    connection.exec_driver_sql("SET LOCAL lock_timeout TO DEFAULT")


def try_lock_postgresql(connection: sa.Connection, key: dict[str, int], wait: float) -> bool:
    """Take a lock of the session; False when it does not come within ``wait`` seconds."""
    if wait <= 0:
        return bool(connection.execute(sa.text("SELECT pg_try_advisory_lock(:n, :m)"), key).scalar())
    if wait != math.inf:
        connection.exec_driver_sql(f"SET lock_timeout = {max(1, to_milliseconds(wait))}")
    try:
        connection.execute(sa.text("SELECT pg_advisory_lock(:n, :m)"), key)
    except sa.exc.OperationalError as error:
        if not _is_lock_timeout(error):
            raise
        connection.rollback()
        return False
    connection.exec_driver_sql("SET lock_timeout TO DEFAULT")
    return True


def _is_lock_timeout(error: sa.exc.OperationalError) -> bool:
    return getattr(error.orig, "sqlstate", None) == "55P03"  # lock_not_available
