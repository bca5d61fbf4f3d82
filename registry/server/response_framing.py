"""Between an application and uvicorn's connection: how answers are framed, and how they end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from uvicorn._types import ASGIReceiveEvent, ASGISendEvent
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle


class ResponseTransport:
    """The transport of answers: ``close`` lets the client finish sending, and what is written to one that has gone is
    dropped. (uvloop raises for it until it has noticed the loss.)"""

    __slots__ = ("_write", "close", "is_closing")

    def __init__(self, transport: asyncio.Transport, close: Callable[[], None]) -> None:
        self._write = transport.write
        self.is_closing = transport.is_closing
        self.close = close

    def write(self, data: bytes) -> None:
        """Send bytes, or drop them."""
        try:
            self._write(data)
        except RuntimeError:
            if not self.is_closing():
                raise


class Http10Sender:
    """``send`` for a client of HTTP/1.0, which knows no chunks: an answer without a length ends with the connection."""

    __slots__ = ("_cycle", "_without_length")

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = cycle
        self._without_length = False

    async def __call__(self, message: ASGISendEvent) -> None:
        """Send the next part of the answer."""
        cycle = self._cycle
        if message["type"] == "http.response.start":
            if not any(name.lower() == b"content-length" for name, _ in message.get("headers", ())):
                self._without_length, cycle.chunked_encoding = True, False
        elif self._without_length and message["type"] == "http.response.body":
            cycle.expected_content_length = len(message.get("body", b""))
        await RequestResponseCycle.send(cycle, message)


class BodyExchange:
    """``receive`` and ``send`` of a request with a body.

    An answer that comes before the body is whole closes the connection, unless the rest is drained: otherwise a client
    would send its next request there, and lose it. An answer that is streamed while the body is read is exempt.
    """

    __slots__ = ("_can_drain", "_cycle", "_has_read")

    def __init__(self, cycle: RequestResponseCycle, can_drain: Callable[[], bool]) -> None:
        self._cycle = cycle
        self._can_drain = can_drain
        self._has_read = False
        cycle.receive = self.receive  # type: ignore[method-assign]
        cycle.send = self.send  # type: ignore[method-assign]

    async def receive(self) -> ASGIReceiveEvent:
        """Receive the next part of the body."""
        self._has_read = True
        return await RequestResponseCycle.receive(self._cycle)

    async def send(self, message: ASGISendEvent) -> None:
        """Send the next part of the answer."""
        if (
            message["type"] == "http.response.start"
            and self._cycle.more_body
            and not self._may_keep_alive(message["status"])
        ):
            self._cycle.keep_alive = False
        await RequestResponseCycle.send(self._cycle, message)

    def _may_keep_alive(self, status: int) -> bool:
        if self._cycle.waiting_for_100_continue:  # nobody knows whether a body will come
            return False
        return self._can_drain() if status >= 400 or not self._has_read else True
