"""The one thread of a process in which passwords are hashed, and the line of those who wait for it.

A hash takes a tenth of a second and 64 MiB on purpose, and anybody may ask for one by trying to sign in. So there is
one at a time, in a thread that the machine prefers every reader to, and an end to the line.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TookLong
from typing import Any, NamedTuple, TypeVar

from registry.errors import Busy

_T = TypeVar("_T")
#: Who may wait at once, and seconds after which somebody who waits is told to come again.
WAITING, PATIENCE = 64, 4.5
#: Seconds for which a try under a name counts against the next one, unless the password was right; tries counted.
REMEMBERED, _MOST = 60.0, 10_000
#: How much less than a reader the thread may claim of a busy core: see setpriority(2).
_NICE = 2


class _QueuedTask(NamedTuple):
    name: str | None
    task: Callable[[], Any]
    future: Future[Any]


class HashingQueue:
    """Hashes one by one; may be asked from any thread.

    Whoever is known already, or has a shell, comes first (``name`` None). Of those who try to sign in, the name with
    the fewest tries lately, but for right ones; among equals the newest, since who waits longest has most likely gone
    away. So a flood of wrong passwords stands in its own way, and not in that of another name. Where the line is too
    long whoever would come last is sent away.
    """

    def __init__(self, waiting: int = WAITING, patience: float = PATIENCE) -> None:
        self._most, self._patience = waiting, patience
        self._changed = threading.Condition()
        self._waiting: list[_QueuedTask] = []
        self._tried: deque[tuple[float, str]] = deque(maxlen=_MOST)
        self._thread: threading.Thread | None = None

    def run_task(self, name: str | None, task: Callable[[], _T]) -> _T:
        """What ``task`` returns or raises, done in the thread; Busy when too many wait, or it is not one's turn in
        time. ``name``: as typed by somebody who wants to sign in; then True means a right password."""
        future: Future[_T] = Future()
        mine = _QueuedTask(name, task, future)
        with self._changed:
            if name is not None:
                self._tried.append((time.monotonic(), name))
            self._waiting.append(mine)
            if name is not None and len(self._waiting) > self._most:
                self._take_at(-1).future.set_exception(_make_busy_error())
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run_tasks, name="hashing", daemon=True)
                self._thread.start()
            self._changed.notify()
        try:
            return future.result(timeout=self._patience if name is not None else None)
        except TookLong as error:
            with self._changed:
                begun = mine not in self._waiting
                if not begun:
                    self._waiting.remove(mine)
            if begun:
                return future.result()
            raise _make_busy_error() from error

    def _run_tasks(self) -> None:
        if sys.platform == "linux":  # which counts by thread
            me = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, me, min(19, os.getpriority(os.PRIO_PROCESS, me) + _NICE))
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                chosen = self._take_next()
            try:
                found = chosen.task()
            except BaseException as error:
                chosen.future.set_exception(error)
                continue
            if found is True and chosen.name is not None:
                self._forget_tries(chosen.name)
            chosen.future.set_result(found)

    def _take_next(self) -> _QueuedTask:
        """Take whoever comes first out of the line."""
        while self._tried and self._tried[0][0] < time.monotonic() - REMEMBERED:
            self._tried.popleft()
        return self._take_at(0)

    def _take_at(self, position: int) -> _QueuedTask:
        """Take one out of the line, by the order in which they would have their turn (0: the first, -1: the last)."""
        tried = Counter(name for _, name in self._tried)
        rank = [(-1, 0) if one.name is None else (tried[one.name], -place) for place, one in enumerate(self._waiting)]
        return self._waiting.pop(rank.index(sorted(rank)[position]))

    def _forget_tries(self, name: str) -> None:
        with self._changed:
            self._tried = deque((one for one in self._tried if one[1] != name), maxlen=_MOST)


def _make_busy_error() -> Busy:
    return Busy(
        "此刻登录的人太多，没有核对密码，也不计为失败；请10秒后再试。",
        "Too many are signing in at this moment. Your password was not looked at and nothing counts as a failure; try "
        "again in 10 seconds.",
        retry_after=10,
    )
