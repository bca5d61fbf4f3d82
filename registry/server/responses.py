"""Responses of a connection: how the application's are framed and end, and those given as bytes instead of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import lru_cache
from http import HTTPStatus
from typing import NamedTuple

import httptools
from uvicorn._types import ASGIReceiveEvent, ASGISendEvent, HTTPResponseStartEvent
from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    HEADER_VALUE_RE,
    STATUS_LINE,
    RequestResponseCycle,
)

from registry.texts import FixedText, Message
from registry.web.error_status import encode_problem
from registry.web.request_ids import HEADER as REQUEST_ID


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


#: Headers by which uvicorn decides how an answer is framed, and one whose values are secret.
_FRAMING, _SECRET = frozenset((b"connection", b"transfer-encoding")), b"set-cookie"


@lru_cache(maxsize=1024)
def _encode_header(name: bytes, value: bytes) -> bytes | None:
    """Encode a header as uvicorn would; None for what it has to look at, or to refuse."""
    lower = name.lower()
    if lower in _FRAMING or lower == _SECRET or HEADER_RE.search(name) or HEADER_VALUE_RE.search(value):
        return None
    return lower + b": " + value + b"\r\n"


def _write_head(cycle: RequestResponseCycle, message: HTTPResponseStartEvent) -> bool:
    """Write the head of an answer of known length on a connection that stays open: nearly all are such.

    uvicorn looks at each of some fifteen headers anew, though nearly every answer has the same. False, with nothing
    written, where an answer is another.
    """
    if cycle.response_started or not cycle.keep_alive or cycle.disconnected or cycle.flow.write_paused:
        return False
    length, lines = None, [STATUS_LINE[message["status"]]]
    for headers in (cycle.default_headers, message.get("headers", ())):
        for name, value in headers:
            if name == b"content-length":
                length = int(value)
                lines.append(b"content-length: %d\r\n" % length)
                continue
            if name == REQUEST_ID:  # another one each time
                lines.append(b"x-request-id: %b\r\n" % value)
                continue
            if (line := _encode_header(name, value)) is None:
                return False
            lines.append(line)
    if length is None or cycle.access_log:
        return False
    cycle.response_started, cycle.waiting_for_100_continue = True, False
    cycle.chunked_encoding, cycle.expected_content_length = False, length
    lines.append(b"\r\n")
    cycle.transport.write(b"".join(lines))
    return True


class Http11Sender:
    """``send`` for a client of HTTP/1.1."""

    __slots__ = ("_cycle",)

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = cycle

    async def __call__(self, message: ASGISendEvent) -> None:
        """Send the next part of the answer."""
        if message["type"] != "http.response.start" or not _write_head(self._cycle, message):
            await RequestResponseCycle.send(self._cycle, message)


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
        if message["type"] == "http.response.start":
            if self._cycle.more_body and not self._may_keep_alive(message["status"]):
                self._cycle.keep_alive = False
            if _write_head(self._cycle, message):
                return
        await RequestResponseCycle.send(self._cycle, message)

    def _may_keep_alive(self, status: int) -> bool:
        if self._cycle.waiting_for_100_continue:  # nobody knows whether a body will come
            return False
        return self._can_drain() if status >= 400 or not self._has_read else True


class RefusalResponse(NamedTuple):
    """An answer after which the connection is closed. ``retry_after``: seconds; 0: no such header."""

    status: int
    code: str
    message: Message
    retry_after: int = 0

    def encode(self, common: list[tuple[bytes, bytes]]) -> bytes:
        """Encode the whole response; ``common``: headers of every response."""
        body = encode_problem(self.status, self.code, self.message)
        headers = [
            *common,
            (b"content-type", b"application/problem+json"),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
            (b"connection", b"close"),
        ]
        if self.retry_after:
            headers.append((b"retry-after", b"%d" % self.retry_after))
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}".encode()]
        lines += [name + b": " + value for name, value in headers]
        return b"\r\n".join(lines) + b"\r\n\r\n" + body


NOT_HTTP = RefusalResponse(400, "invalid_input", Message("这不是完整、无歧义的HTTP请求。"))
NOT_ASCII = RefusalResponse(
    400, "invalid_input", Message("请求的地址有误：其中的汉字等非ASCII字符须以UTF-8百分号编码（如%E8%AF%95）。")
)
BAD_ADDRESS = RefusalResponse(400, "invalid_input", Message("请求的地址有误。"))
BAD_HOST = RefusalResponse(400, "invalid_input", Message("请求须有且只有一个Host。"))
BAD_VERSION = RefusalResponse(505, "invalid_input", Message("只接受HTTP/1.1和HTTP/1.0。"))
BAD_CODING = RefusalResponse(501, "invalid_input", Message("请求体只接受chunked传输编码。"))
LONG_ADDRESS = RefusalResponse(414, "too_large", Message("请求的地址太长。"))
LARGE_HEAD = RefusalResponse(431, "too_large", Message("请求头太大或太多。"))
SLOW = RefusalResponse(408, "too_slow", Message("请求发送得太慢，已停止接收。"))
ADDRESS_FULL = RefusalResponse(
    429, "too_many_connections", Message("此地址同时打开的连接太多，请关闭一些再试。"), retry_after=5
)
ALL_FULL = RefusalResponse(
    503, "busy", Message("同时打开的连接太多，请稍后再试。这不代表任何机构未获批准。"), retry_after=5
)

#: No answer: the connection just ends.
SILENCE = RefusalResponse(0, "", FixedText(""))
#: The answers to connections that are refused, by reason.
REFUSED = {"address": ADDRESS_FULL, "all": ALL_FULL}


def choose_refusal(error: httptools.HttpParserError, data: bytes) -> RefusalResponse:
    """Choose the answer to bytes that the parser could not read, with a hint where a person may need one."""
    if isinstance(error, httptools.HttpParserInvalidURLError) and not data.partition(b"\r\n")[0].isascii():
        return NOT_ASCII
    return NOT_HTTP
