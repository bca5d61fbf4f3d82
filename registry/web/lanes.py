"""The threads of a server, by kind of work: who waits for a lock or a password's hash takes no thread from readers.

Every handler runs in one lane: the one its ``opt`` names (``lane``, or ``posts`` for POST requests), otherwise `reads`.
A request that finds its lane full is refused at once, with when to retry.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any, Literal, NamedTuple, ParamSpec, TypeVar

from litestar.concurrency import sync_to_thread
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from registry.errors import Busy
from registry.storage.locks import AT_ONCE, LockWait, lock_wait
from registry.texts import Message

_P = ParamSpec("_P")
_T = TypeVar("_T")
LaneName = Literal["reads", "slow", "health", "writes", "sign-ins"]


class LaneSize(NamedTuple):
    """Threads of a lane, requests that may wait for one, and how long its requests wait for the lock of all writers."""

    threads: int
    queue_limit: int
    lock: LockWait


#: ``slow``: files that are made on request, lists that are answered whole. ``health``: whether this process can answer,
#: which must not wait behind other requests. Sign-ins wait in their threads for the one that hashes
#: (``accounts.passwords``), and never take a place in the line of writers from the staff.
LANES: dict[LaneName, LaneSize] = {
    "reads": LaneSize(threads=8, queue_limit=256, lock=AT_ONCE),
    "slow": LaneSize(threads=4, queue_limit=32, lock=AT_ONCE),
    "health": LaneSize(threads=2, queue_limit=16, lock=AT_ONCE),
    "writes": LaneSize(threads=16, queue_limit=16, lock=LockWait(seconds=10.0, queue_limit=7)),
    "sign-ins": LaneSize(threads=64, queue_limit=8, lock=LockWait(seconds=3.0, queue_limit=3)),
}
#: Seconds after which to retry when a lane is full.
_RETRY_AFTER = 5
_lane: ContextVar[LaneName] = ContextVar("lane", default="reads")


class _Lane(ThreadPoolExecutor):
    """The threads of one lane, and how many requests may wait for them."""

    def __init__(self, name: LaneName, size: LaneSize) -> None:
        super().__init__(size.threads, thread_name_prefix=name)
        self._places = threading.Semaphore(size.threads + size.queue_limit)

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """Run a function in the lane; Busy when it is full."""
        if not self._places.acquire(blocking=False):
            raise Busy(
                Message(
                    "此刻请求太多，您的请求没有执行，没有任何改动或丢失，也不代表任何机构未获批准；"
                    "请{retry_after}秒后再试。",
                    retry_after=_RETRY_AFTER,
                ),
                retry_after=_RETRY_AFTER,
            )
        try:
            future = super().submit(fn, *args, **kwargs)
        except BaseException:
            self._places.release()
            raise
        future.add_done_callback(lambda _: self._places.release())
        return future


class Lanes(ThreadPoolExecutor):
    """The executor of a server's event loop: a function runs in the lane of whoever submits it."""

    def __init__(self) -> None:
        super().__init__(1)  # no thread of its own ever starts
        self._lanes = {name: _Lane(name, size) for name, size in LANES.items()}

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """Run a function in the current lane; Busy when it is full."""
        return self._lanes[_lane.get()].submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Admit no more, and with ``wait`` wait until everything is done."""
        for lane in self._lanes.values():
            lane.shutdown(wait=False, cancel_futures=cancel_futures)
        for lane in self._lanes.values():
            lane.shutdown(wait=wait)


async def run_in_lane(name: LaneName, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Run ``work`` in a lane and return its result; Busy when the lane is full."""
    with _LaneUse(name):
        return await sync_to_thread(work, *args, **kwargs)


class _LaneUse:
    """The time during which a lane is used; a class, since every request has one and a generator takes longer."""

    __slots__ = ("_lane", "_lock", "_name")

    def __init__(self, name: LaneName) -> None:
        self._name = name

    def __enter__(self) -> None:
        self._lane = _lane.set(self._name)
        self._lock = lock_wait.set(LANES[self._name].lock)

    def __exit__(self, *_error: object) -> None:
        lock_wait.reset(self._lock)
        _lane.reset(self._lane)


class LaneMiddleware:
    """Around every handler: sets its lane, and how long it waits for the lock of all writers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        with _LaneUse(choose_lane(scope["route_handler"].opt, scope["method"])):
            await self.app(scope, receive, send)


def choose_lane(opt: dict[str, Any], method: str) -> LaneName:
    """Return the lane of a handler with this ``opt`` for a request of this method."""
    name: LaneName = opt.get("lane") or (opt.get("posts", "reads") if method == "POST" else "reads")
    return name
