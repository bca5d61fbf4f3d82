"""A raw HTTP client that keeps some connections busy for some seconds.

Run as a process; prints how many answers came in how many seconds, and how many were not 200.
"""

from __future__ import annotations

import asyncio
import sys
import time
from itertools import cycle
from pathlib import Path
from typing import cast

import httptools
import uvloop

CONNECTIONS = 16


class BusyConnection(asyncio.Protocol):
    """One connection: the next request as soon as an answer is whole."""

    def __init__(self, requests: cycle[bytes], until: float) -> None:
        self.requests = requests
        self.until = until
        self.done = 0
        self.failed = 0
        self.closed = asyncio.get_running_loop().create_future()
        self.parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's own is one in all but its base class
        self.transport.write(next(self.requests))

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        self.done += 1
        self.failed += self.parser.get_status_code() != 200
        if time.monotonic() < self.until:
            self.transport.write(next(self.requests))
        else:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio gives it
        if not self.closed.done():
            self.closed.set_result(None)


async def load_server(port: int, requests: list[bytes], seconds: float) -> tuple[int, float, int]:
    """(answers, seconds they took, answers that were not 200)."""
    loop = asyncio.get_running_loop()
    endless = cycle(requests)
    begun = time.monotonic()
    made = [
        (await loop.create_connection(lambda: BusyConnection(endless, begun + seconds), "127.0.0.1", port))[1]
        for _ in range(CONNECTIONS)
    ]
    await asyncio.gather(*(busy.closed for busy in made))
    return sum(busy.done for busy in made), time.monotonic() - begun, sum(busy.failed for busy in made)


if __name__ == "__main__":
    wanted = Path(sys.argv[2]).read_bytes().split(b"\0")
    print(*uvloop.run(load_server(int(sys.argv[1]), wanted, float(sys.argv[3]))))
