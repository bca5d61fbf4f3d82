"""Text of more than 1 kB is sent as gzip to clients that take it: reads only, and nothing of the workspace.

What is posted is answered as it is (a batch is large and in haste), and pages of the staff hold secrets beside what
somebody typed, which compression could give away.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any, cast

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send
from litestar.types import Message as AsgiMessage

#: Bytes of a text that is not worth it.
SMALL = 1024
#: Quick, and within a few percent of the best for lists and pages.
_LEVEL = 4
_TEXT = (
    *(b"text/", b"application/json", b"application/problem+json", b"application/x-ndjson", b"image/svg+xml"),
    *(b"application/xml", b"application/atom+xml", b"application/manifest+json"),
)
_VARY = b"Accept-Encoding"


class CompressionMiddleware:
    """Around the application: compresses the answers to GET and HEAD."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != ScopeType.HTTP or scope["method"] not in ("GET", "HEAD") or _is_excluded(scope["path"]):
            await self.app(scope, receive, send)
            return
        accepted = b",".join(value for name, value in scope["headers"] if name == b"accept-encoding")
        await self.app(scope, receive, _Compressor(send, has_gzip(accepted)).send_message)


def _is_excluded(path: str) -> bool:
    """The workspace, and what is compressed or signed byte for byte already."""
    return path.startswith(("/staff", "/log/tile/"))


def has_gzip(header: bytes) -> bool:
    """Whether a client takes gzip, by the value of Accept-Encoding.

    >>> has_gzip(b"br, gzip;q=0.5"), has_gzip(b"gzip;q=0, *"), has_gzip(b"*"), has_gzip(b"identity")
    (True, False, True, False)
    """
    weights: dict[str, bool] = {}
    for part in header.decode("latin-1").lower().split(","):
        name, _, weight = part.replace(" ", "").partition(";q=")
        weights[name] = weight.strip("0.") != "" if weight else True
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", False)))


class _Compressor:
    """The ``send`` of one request; the head of the answer waits until it is known how large the body is."""

    def __init__(self, send: Send, accepted: bool) -> None:
        self._send = send
        self._accepted = accepted
        self._start: Any = None
        self._stream: Any = None

    async def send_message(self, message: AsgiMessage) -> None:
        """Send the next part of the answer."""
        if message["type"] == "http.response.start":
            if _is_text(message["headers"]):
                message["headers"] = _add_vary([*message["headers"]])
                if self._accepted and message["status"] == 200:
                    self._start = message
                    return
            await self._send(message)
            return
        if message["type"] == "http.response.body":
            await self._send_body(message)
            return
        await self._send(message)

    async def _send_body(self, message: Any) -> None:
        body, more = message.get("body", b""), message.get("more_body", False)
        if self._start is not None:
            start, self._start = self._start, None
            if more or len(body) > SMALL:
                self._stream = zlib.compressobj(_LEVEL, wbits=31)
            if self._stream is not None and not more:
                packed = self._stream.compress(body) + self._stream.flush()
                start["headers"] = _mark_compressed(start["headers"], len(packed))
                self._stream = None
                await self._send(start)
                await self._send(cast("AsgiMessage", {**message, "body": packed}))
                return
            if self._stream is not None:
                start["headers"] = _mark_compressed(start["headers"], None)
            await self._send(start)
        if self._stream is None:
            await self._send(message)
            return
        # What is streamed is sent when it is made, and not when there is enough of it.
        packed = self._stream.compress(body) + self._stream.flush(zlib.Z_SYNC_FLUSH if more else zlib.Z_FINISH)
        if body or not more:
            await self._send(cast("AsgiMessage", {**message, "body": packed}))


def _is_text(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    names = dict(headers)
    return names.get(b"content-type", b"").lower().startswith(_TEXT) and b"content-encoding" not in names


def _add_vary(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    vary = [value for name, value in headers if name == b"vary"]
    return [*(pair for pair in headers if pair[0] != b"vary"), (b"vary", b", ".join([*vary, _VARY]))]


def _mark_compressed(headers: list[tuple[bytes, bytes]], length: int | None) -> list[tuple[bytes, bytes]]:
    """The headers of the compressed answer: its bytes are others, so that its ETag can only be a weak one."""
    marked = [(name, value) for name, value in headers if name not in (b"content-length", b"etag")]
    tags = [value for name, value in headers if name == b"etag"]
    marked += [(b"etag", tag if tag.startswith(b"W/") else b"W/" + tag) for tag in tags]
    marked.append((b"content-encoding", b"gzip"))
    return marked if length is None else [*marked, (b"content-length", b"%d" % length)]
