"""So many at once, so many waiting for them in order, and a clear refusal for all others."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from concurrent.futures import Future

from registry.errors import Busy

#: Seconds that one waits.
PATIENCE = 20.0


class Gate:
    """Lets ``most`` in at a time and ``waiting`` wait; may be used from any thread and event loop."""

    def __init__(self, most: int, waiting: int, patience: float = PATIENCE) -> None:
        self._most, self._waiting, self._patience = most, waiting, patience
        self._lock = threading.Lock()
        self._inside = 0
        self._queue: deque[Future[None]] = deque()

    def enter(self) -> None:
        """Go in, once there is room; Busy when too many wait, or it takes too long. ``leave`` afterwards."""
        place = self._take_place()
        try:
            place.result(self._patience)
        except TimeoutError:
            if place.cancel():
                raise make_busy_error() from None
        except BaseException:
            self._give_up_place(place)
            raise

    async def enter_async(self) -> None:
        """The same without holding up the event loop."""
        place = self._take_place()
        try:
            async with asyncio.timeout(self._patience):
                await asyncio.wrap_future(place)
        except TimeoutError:
            self._give_up_place(place)
            raise make_busy_error() from None
        except BaseException:
            self._give_up_place(place)
            raise

    def leave(self) -> None:
        """Let the next one in."""
        with self._lock:
            while self._queue:
                place = self._queue.popleft()
                if place.set_running_or_notify_cancel():
                    place.set_result(None)
                    return
            self._inside -= 1

    def _take_place(self) -> Future[None]:
        place: Future[None] = Future()
        with self._lock:
            while self._queue and self._queue[0].cancelled():
                self._queue.popleft()
            if self._inside < self._most:
                self._inside += 1
                place.set_result(None)
            elif sum(not one.cancelled() for one in self._queue) >= self._waiting:
                raise make_busy_error()
            else:
                self._queue.append(place)
        return place

    def _give_up_place(self, place: Future[None]) -> None:
        """Whoever waited goes away; where it was let in meanwhile, the next one is."""
        if not place.cancel() and not place.cancelled():
            self.leave()


def make_busy_error() -> Busy:
    """The refusal where too many files are being read."""
    return Busy(
        "正在处理的文件过多，这个文件没有处理，请稍等几秒再上传。",
        "Too many files are being read at the moment, and this one was not. Please send it again in a few seconds.",
        retry_after=5,
    )
