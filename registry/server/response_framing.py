"""What stands between an application and uvicorn's connection: how answers end, and how they are framed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from uvicorn._types import ASGIReceiveEvent, ASGISendEvent
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle


class ResponseTransport:
    """The transport as answers see it: ``close`` lets the client finish sending what it is sending, and what is
    written to a client that has gone is dropped. (uvloop raises for it until the loss was noticed.)"""

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
    """``send`` of an answer to a client of HTTP/1.0, which knows no chunks: without a length it ends with the
    connection."""

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
    """``receive`` and ``send`` of a request with a body. An answer that comes before the body is whole says that the
    connection is closed, unless the rest is drained: a client would send its next request there, and lose it.

    An answer that is streamed while the body is read, as that of a list, is none of these.
    """

    __slots__ = ("_cycle", "_is_drained", "_taken")

    def __init__(self, cycle: RequestResponseCycle, is_drained: Callable[[], bool]) -> None:
        self._cycle = cycle
        self._is_drained = is_drained
        self._taken = False
        cycle.receive = self.receive  # type: ignore[method-assign]
        cycle.send = self.send  # type: ignore[method-assign]

    async def receive(self) -> ASGIReceiveEvent:
        """The next part of the body."""
        self._taken = True
        return await RequestResponseCycle.receive(self._cycle)

    async def send(self, message: ASGISendEvent) -> None:
        """The next part of the answer."""
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
        return self._is_drained() if status >= 400 or not self._taken else True
