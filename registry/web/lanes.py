"""Threads of a server by what is done in them: whoever waits for a lock or a password's hash takes none from readers.

Every handler runs in one lane. Its ``opt`` may name it (``lane``, or ``posts`` for what is posted); otherwise it reads.
A lane has an end: what finds no place is refused at once, with when to come again.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal, NamedTuple, ParamSpec, TypeVar

from litestar.concurrency import sync_to_thread
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from registry.errors import Busy
from registry.storage.locks import AT_ONCE, LockWait, lock_wait

_P = ParamSpec("_P")
_T = TypeVar("_T")
Name = Literal["reads", "slow", "health", "writes", "sign-ins"]


class LaneSize(NamedTuple):
    """Threads of a lane, requests that may wait for one, and how long its requests wait for the lock of all writers."""

    threads: int
    queue_limit: int
    lock: LockWait


#: ``slow``: files that are made first, lists that are answered whole. ``health``: whether this process can answer; of
#: that nobody learns too late because others ask much. Those who sign in wait in their threads for one that hashes
#: (``accounts.hashing``), and never keep the staff from the line of writers.
LANES: dict[Name, LaneSize] = {
    "reads": LaneSize(threads=8, queue_limit=256, lock=AT_ONCE),
    "slow": LaneSize(threads=4, queue_limit=32, lock=AT_ONCE),
    "health": LaneSize(threads=2, queue_limit=16, lock=AT_ONCE),
    "writes": LaneSize(threads=16, queue_limit=16, lock=LockWait(seconds=10.0, queue_limit=7)),
    "sign-ins": LaneSize(threads=64, queue_limit=8, lock=LockWait(seconds=3.0, queue_limit=3)),
}
#: Seconds after which somebody who found no place may come again.
_AGAIN = 5
_lane: ContextVar[Name] = ContextVar("lane", default="reads")


class _Lane(ThreadPoolExecutor):
    """The threads of one lane, and its end."""

    def __init__(self, name: Name, size: LaneSize) -> None:
        super().__init__(size.threads, thread_name_prefix=name)
        self._room = threading.Semaphore(size.threads + size.queue_limit)

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """Have it done; Busy when the lane is full."""
        if not self._room.acquire(blocking=False):
            raise Busy(
                f"此刻请求太多，您的请求没有执行，没有任何改动或丢失，也不代表任何机构未获批准；请{_AGAIN}秒后再试。",
                "There are too many requests at this moment. Yours was not done, nothing was changed or lost, and this "
                f"says nothing about any institution. Try again in {_AGAIN} seconds.",
                retry_after=_AGAIN,
            )
        try:
            future = super().submit(fn, *args, **kwargs)
        except BaseException:
            self._room.release()
            raise
        future.add_done_callback(lambda _: self._room.release())
        return future


class Lanes(ThreadPoolExecutor):
    """The executor of a server's event loop: what it is given is done in the lane of whoever gives it."""

    def __init__(self) -> None:
        super().__init__(1)  # no thread of its own ever starts
        self._lanes = {name: _Lane(name, size) for name, size in LANES.items()}

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """Have it done in the lane that is chosen here and now; Busy when that is full."""
        return self._lanes[_lane.get()].submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let no more in, and with ``wait`` see everything done."""
        for lane in self._lanes.values():
            lane.shutdown(wait=False, cancel_futures=cancel_futures)
        for lane in self._lanes.values():
            lane.shutdown(wait=wait)


def install_lanes() -> None:
    """Give the running event loop its lanes; it ends them when it is closed."""
    asyncio.get_running_loop().set_default_executor(Lanes())


async def run_in_lane(name: Name, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """What ``work`` returns, done in a lane; Busy when it is full."""
    with _use_lane(name):
        return await sync_to_thread(work, *args, **kwargs)


@contextmanager
def _use_lane(name: Name) -> Iterator[None]:
    lane, lock = _lane.set(name), lock_wait.set(LANES[name].lock)
    try:
        yield
    finally:
        lock_wait.reset(lock)
        _lane.reset(lane)


class LaneMiddleware:
    """Around every handler: its lane, and its patience with the lock of all writers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        with _use_lane(choose_lane(scope["route_handler"].opt, scope["method"])):
            await self.app(scope, receive, send)


def choose_lane(opt: dict[str, Any], method: str) -> Name:
    """The lane of a handler with this ``opt`` for a request of this method."""
    name: Name = opt.get("lane") or (opt.get("posts", "reads") if method == "POST" else "reads")
    return name
