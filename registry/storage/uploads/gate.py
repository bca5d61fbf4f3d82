"""A gate that limits how many are at work, with a limited queue and a refusal for all others."""

import asyncio
import threading
from collections import deque
from concurrent.futures import Future

from registry.storage.uploads.refusals import make_busy_error

#: Seconds to wait at most.
PATIENCE = 20.0


class Gate:
    """Lets ``limit`` in at a time and ``waiting`` wait in order; usable from any thread and event loop."""

    def __init__(self, limit: int, waiting: int, patience: float = PATIENCE) -> None:
        self._limit, self._waiting, self._patience = limit, waiting, patience
        self._lock = threading.Lock()
        self._inside = 0
        self._queue: deque[Future[None]] = deque()

    def enter(self) -> None:
        """Enter once there is room; Busy when too many wait, or it takes too long. Call ``leave`` afterwards."""
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
        """As ``enter``, without blocking the event loop."""
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
            if self._inside < self._limit:
                self._inside += 1
                place.set_result(None)
            elif sum(not place.cancelled() for place in self._queue) >= self._waiting:
                raise make_busy_error()
            else:
                self._queue.append(place)
        return place

    def _give_up_place(self, place: Future[None]) -> None:
        """Leave the queue; a place that was granted meanwhile goes to the next one."""
        if not place.cancel() and not place.cancelled():
            self.leave()
