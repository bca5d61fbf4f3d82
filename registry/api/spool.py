"""A request's body that is received while its answer is sent, by clients that read only after they have sent all."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from types import TracebackType
from typing import Any

from litestar import Request
from litestar.response.streaming import ASGIStreamingResponse
from litestar.types import Receive, Send

from registry.web.error_status import is_client_disconnect

#: Bytes kept in memory before the rest goes to a temporary file, and bytes read of it at once.
_IN_MEMORY, _PIECE = 1 << 20, 1 << 16


class ClientGone(Exception):
    """The client went away before it had sent everything; there is nobody to answer."""


class Spool:
    """Takes a body in as fast as it comes and gives it out as fast as it is wanted; never more than 1 MiB in memory.

    Most clients read nothing before they have sent everything. If we waited for them to read while they wait for us to
    receive, neither would end; and answers kept in memory would have no limit. So what was not read yet waits in a
    temporary file without a name, which is gone with the request.
    """

    def __init__(self, request: Request[Any, Any, Any]) -> None:
        self._request = request
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed by __aexit__
        self._read = self._written = 0
        self._grown = asyncio.Event()
        self._task = asyncio.create_task(self._receive_body())

    async def __aenter__(self) -> Spool:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._task.cancel()
        self._file.close()

    async def _receive_body(self) -> None:
        try:
            async for data in self._request.stream():
                self._file.seek(self._written)
                self._file.write(data)
                self._written += len(data)
                self._grown.set()
        finally:
            self._grown.set()

    async def wait_for_end(self) -> None:
        """Wait for the end of the body; what went wrong on the way is raised."""
        await asyncio.shield(self._task)

    async def read_received(self) -> AsyncIterator[bytes]:
        """Yield what has been received, piece by piece, for a first look. Between two pieces others are served."""
        position = 0
        while position < self._written:
            self._file.seek(position)
            data = self._file.read(_PIECE)
            position += len(data)
            yield data
            await asyncio.sleep(0)

    async def read_pieces(self) -> AsyncIterator[bytes]:
        """Yield the body from its beginning; what went wrong on the way is raised after what came before.

        Between two pieces others are served: a piece may hold nothing that is answered.
        """
        while True:
            while self._read < self._written:
                self._file.seek(self._read)
                data = self._file.read(_PIECE)
                self._read += len(data)
                yield data
                await asyncio.sleep(0)
            if self._task.done():
                try:
                    self._task.result()
                except Exception as error:
                    if is_client_disconnect(error):
                        raise ClientGone from error
                    raise
                return
            self._grown.clear()
            await self._grown.wait()


class AnswersResponse(ASGIStreamingResponse):
    """A streamed response that leaves the request's body to whoever reads it."""

    async def send_body(self, send: Send, receive: Receive) -> None:
        """Send the pieces. (The usual one listens for the client's going, and loses what the client still sends.)"""
        del receive
        with suppress(ClientGone):
            await self._stream(send)
