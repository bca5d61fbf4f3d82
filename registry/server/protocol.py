"""HTTP/1 over one connection by uvicorn, with limits on what a client sends and how slowly.

uvicorn has no settings for these. ``check_deadlines`` runs twice a second, instead of a timer for each request.
"""

from __future__ import annotations

import asyncio
from enum import Enum

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from registry.server import responses
from registry.server.responses import BodyExchange, Http10Sender, Http11Sender, RefusalResponse, ResponseTransport
from registry.storage.request_counts import to_network
from registry.web.connections import CONNECTIONS, MAX_REFUSED, StopMode

#: Bytes of a request's line and headers, bytes of its address, and number of its headers.
MAX_HEAD, MAX_ADDRESS, MAX_HEADERS = 32 * 1024, 24 * 1024, 100
#: Seconds until the first byte of a connection, for a whole head from its first byte, and between two requests.
FIRST_BYTE, WHOLE_HEAD, BETWEEN = 10.0, 10.0, 15.0
#: Seconds that an idle connection stays open when the server ends: a request may be on its way.
LAST_CHANCE = 0.5
#: A body: bytes a second on average once so many seconds are over, and seconds for the whole.
BODY_RATE, BODY_GRACE, WHOLE_BODY = 1024, 10.0, 900.0
#: An answer: bytes a second that the client takes on average once so many seconds are over.
ANSWER_RATE, ANSWER_GRACE = 1024, 15.0
#: Bytes of a body that are still received after its answer, so that the connection can be used again.
MAX_DRAINED = 64 * 1024
#: Seconds and bytes that a client may go on sending after it was refused.
LINGER, MAX_LINGER = 2.0, 4 * 1024 * 1024
#: Requests that may wait behind the one being answered.
MAX_WAITING = 32


class ReadState(Enum):
    """What the client's next bytes are expected to be."""

    BETWEEN = 1
    HEAD = 2
    BODY = 3
    OVER = 4


#: Global names are faster than members of an enumeration, and these are compared for every piece of data.
_BETWEEN, _HEAD, _BODY, _OVER = ReadState
#: Headers that decide how a request is read.
_FRAMING_HEADERS = frozenset((b"content-length", b"expect", b"host", b"transfer-encoding"))


class _StopParsing(Exception):
    """Stops the parser; the answer is in ``HttpConnection.refusal``."""


class HttpConnection(HttpToolsProtocol):
    """One connection. A refusal is an answer and a close, never a traceback, and is counted."""

    reading = _BETWEEN
    #: The answer to give once the requests before it are answered.
    refusal: RefusalResponse | None = None
    _answering: RequestResponseCycle | None = None
    _counted = False
    _lingering = 0
    #: Whether the rest of a body is being received although its request was answered.
    _draining = False

    # --- the connection ----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count the connection, or refuse it."""
        super().connection_made(transport)
        self._outlet = ResponseTransport(transport, self._close_gently)
        self._begun = self._since = self.loop.time()
        self._deadline = self.loop.time() + FIRST_BYTE
        self._head_bytes = self._body_bytes = self._lingered = 0
        self._hosts = self._codings = self._announced = 0
        self._unsent: tuple[float, int] | None = None
        host = self.client[0] if self.client else "-"
        self.address = to_network(host)
        reason = CONNECTIONS.admit(self.address, host, transport.get_extra_info("socket").fileno())
        self._counted = reason is None
        if reason is None:
            return
        self.reading = _OVER
        if len(self.connections) > CONNECTIONS.open + MAX_REFUSED:
            transport.abort()
        elif reason == "descriptors":
            transport.write(responses.ALL_FULL.encode(self.server_state.default_headers))
            transport.close()
        else:
            self._send_refusal(responses.REFUSED[reason])

    def connection_lost(self, exc: Exception | None) -> None:
        """Take the connection from the count. A client that left in the middle is counted, not logged."""
        if self._counted:
            self._counted = False
            CONNECTIONS.release(self.address)
        if self.reading is not _OVER and self._is_busy:
            CONNECTIONS.departures += 1
        self.pipeline.clear()
        super().connection_lost(exc)
        if self._answering is not None and not self._answering.response_complete:  # uvicorn notifies the last one only
            self._answering.disconnected = True
            self._answering.message_event.set()

    def shutdown(self) -> None:
        """Close after the current answer, because the worker stops.

        An idle connection of a worker that is replaced stays open as long as ever, so that no request meets a
        connection that is just closing.
        """
        if self._is_busy:
            if not self.cycle.response_started:
                self.cycle.keep_alive = False
        elif CONNECTIONS.stopping is StopMode.END and self.reading is _BETWEEN:
            self._deadline = min(self._deadline, self.loop.time() + LAST_CHANCE)

    @property
    def _is_busy(self) -> bool:
        return bool(self.pipeline) or (self.cycle is not None and not self.cycle.response_complete)

    # --- bytes -------------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Parse what came; refuse what is no request."""
        reading = self.reading
        if reading is _OVER:
            self._lingered += len(data)
            if self._lingered > MAX_LINGER:
                self.transport.abort()
            return
        if reading is _BODY:
            self._body_bytes += len(data)
        else:
            if reading is _BETWEEN:
                self._start_head()
            self._head_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._reread_without_upgrade(data[upgrade.args[0] :])
            return
        except httptools.HttpParserError as error:
            self._refuse_request(self.refusal or responses.choose_refusal(error, data))
            return
        if self._draining and self._body_bytes > MAX_DRAINED + MAX_HEAD:  # small chunks are mostly framing
            self._linger()
        elif self.reading is _HEAD and self._head_bytes > MAX_HEAD:
            self._refuse_request(responses.LARGE_HEAD if self.headers else responses.LONG_ADDRESS)

    def _reread_without_upgrade(self, rest: bytes) -> None:
        """Read the head again without its upgrade, which is never granted, then what came behind it.

        The parser takes a body behind such a head for another protocol. Java's client asks to upgrade at first.
        """
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's own
        lines = [b"%s %s HTTP/%s" % (self.method, self.url, self.version)]
        lines += [name + b": " + value for name, value in self.headers if name not in (b"upgrade", b"connection")]
        self.reading = _BETWEEN
        self.data_received(b"\r\n".join([*lines, b"connection: close", b"", rest]))

    def _start_head(self) -> None:
        self.reading = _HEAD
        self._head_bytes = 0
        self._deadline = self.loop.time() + WHOLE_HEAD

    def on_message_begin(self) -> None:
        """Begin a request, perhaps behind others in the same bytes."""
        if len(self.pipeline) >= MAX_WAITING:
            self.cycle.keep_alive = False  # the last that is answered; clients ask the rest again
            raise self._make_stop_error(responses.SILENCE)
        if self.reading is not _HEAD:
            self._start_head()
        self._hosts = self._codings = self._announced = 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header. One that comes after a body (a trailer) is ignored."""
        if self.reading is _BODY:
            self._head_bytes += len(name) + len(value)
            if self._head_bytes > MAX_HEAD:
                raise self._make_stop_error(responses.LARGE_HEAD)
            return
        name = name.lower()
        if name in _FRAMING_HEADERS:
            self._check_header(name, value)
        self.headers.append((name, value))

    def _check_header(self, name: bytes, value: bytes) -> None:
        if name == b"host":
            self._hosts += 1
        elif name == b"content-length":
            self._announced = int(value)
        elif name == b"transfer-encoding":
            self._codings += 1
            if value.lower() != b"chunked":
                raise self._make_stop_error(responses.BAD_CODING)
        elif value.lower() == b"100-continue":
            self.expect_100_continue = True

    def on_headers_complete(self) -> None:
        """Refuse what is too large or ambiguous, otherwise start the answer."""
        self._check_head()
        if self.parser.should_upgrade():
            self.method, self.version = self.parser.get_method(), self.parser.get_http_version().encode()
            return  # see _reread_without_upgrade
        super().on_headers_complete()
        self.reading = _BODY
        self._begun = self._since = self.loop.time()
        self._head_bytes = self._body_bytes = 0
        cycle = self.cycle
        if not self.pipeline:
            self._answering = cycle
        cycle.transport = self._outlet  # type: ignore[assignment]
        if CONNECTIONS.stopping or CONNECTIONS.crowded:
            cycle.keep_alive = False
        if cycle.scope["http_version"] == "1.0":
            cycle.send = Http10Sender(cycle)  # type: ignore[method-assign]
        elif self._announced or self._codings:
            BodyExchange(cycle, self._can_drain)
        else:
            cycle.send = Http11Sender(cycle)  # type: ignore[method-assign]

    def _check_head(self) -> None:
        url, headers = self.url, self.headers
        if len(url) > MAX_ADDRESS:
            raise self._make_stop_error(responses.LONG_ADDRESS)
        # _head_bytes may count what came behind the head, and is nearly always below the limit.
        if len(headers) > MAX_HEADERS or (self._head_bytes > MAX_HEAD and _count_head_bytes(headers) > MAX_HEAD):
            raise self._make_stop_error(responses.LARGE_HEAD)
        version = self.parser.get_http_version()
        if version != "1.1":
            if version != "1.0":
                raise self._make_stop_error(responses.BAD_VERSION)
            if self._codings:  # a proxy of that version would see another end of the body
                raise self._make_stop_error(responses.NOT_HTTP)
        if self._hosts != 1 and (self._hosts or version == "1.1"):
            raise self._make_stop_error(responses.BAD_HOST)
        if not url.startswith(b"/"):
            self.url = url = self._parse_path(url)
        if b"%00" in url and b"%00" in url.partition(b"?")[0]:
            raise self._make_stop_error(responses.BAD_ADDRESS)

    def _parse_path(self, url: bytes) -> bytes:
        """Return path and query of a whole address, as clients send it to proxies."""
        if not url.lower().startswith((b"http://", b"https://")):
            raise self._make_stop_error(responses.BAD_ADDRESS)
        parts = httptools.parse_url(url)
        return (parts.path or b"/") + (b"?" + parts.query if parts.query else b"")

    def _make_stop_error(self, refusal: RefusalResponse) -> _StopParsing:
        self.refusal = refusal
        return _StopParsing()

    def on_message_complete(self) -> None:
        """End the request."""
        if self.parser.should_upgrade():
            return
        self.reading = _BETWEEN
        if self._draining:
            self._draining = False
            self._deadline = self.loop.time() + (LAST_CHANCE if CONNECTIONS.stopping is StopMode.END else BETWEEN)
        super().on_message_complete()

    # --- answers -----------------------------------------------------------------------------------------------------

    def on_response_complete(self) -> None:
        """Start the next request, if one waits; otherwise send the pending refusal, or wait for a request."""
        self.server_state.total_requests += 1
        if self.transport.is_closing() or self._lingering:
            return
        if self.pipeline:
            self.flow.resume_reading()
            cycle, app = self.pipeline.pop()
            self._answering = cycle
            self._start_asgi_task(cycle, app)
        elif self.reading is _BODY:
            self._drain_body()
        elif self.reading is _OVER:
            self._send_refusal(self.refusal or responses.SILENCE)
        elif CONNECTIONS.stopping is StopMode.END and self.reading is _BETWEEN:
            self.transport.close()
        else:
            self.flow.resume_reading()
            if self.reading is _BETWEEN:
                self._deadline = self.loop.time() + BETWEEN

    def _can_drain(self) -> bool:
        """Return whether the rest of the body is small, as far as one can know."""
        return (self._body_bytes if self._codings else self._announced) <= MAX_DRAINED

    def _drain_body(self) -> None:
        """Receive the small rest of a body whose request was answered, so that the next one can be read; else close."""
        if not self._can_drain():
            self._linger()
            return
        self._draining = True
        self._body_bytes = 0
        self._since = self.loop.time()
        self.flow.resume_reading()

    def _close_gently(self) -> None:
        """Close after an answer; linger while the client is still sending, or it would never see the answer."""
        if self.reading in (_BODY, _OVER):
            self._linger()
        else:
            self.transport.close()

    def _refuse_request(self, refusal: RefusalResponse) -> None:
        """Read no more; send the refusal once what came before is answered."""
        is_unfinished = self.reading is _BODY
        self.reading = _OVER
        self.refusal = refusal
        if is_unfinished and self.pipeline:
            self.pipeline.popleft()  # the one whose body never came whole; it was not begun
        elif is_unfinished:
            cycle = self.cycle
            cycle.disconnected = True
            cycle.message_event.set()
            if cycle.response_started and not cycle.response_complete:
                self.transport.abort()
            elif not cycle.response_complete:
                self._send_refusal(refusal)
            else:  # it has its answer: another one would be taken for that of the next request
                self._linger()
        elif not self._is_busy:
            self._send_refusal(refusal)

    def _send_refusal(self, refusal: RefusalResponse) -> None:
        if refusal.status:
            if self._counted:
                CONNECTIONS.malformed[str(refusal.status)] += 1
            self.transport.write(refusal.encode(self.server_state.default_headers))
        self._linger()

    def _linger(self) -> None:
        """Send the end and wait for the client's: closing at once could take the answer from it."""
        self.reading = _OVER
        self._lingering = 1
        self._deadline = self.loop.time() + LINGER
        self.flow.resume_reading()
        if self.transport.can_write_eof() and not self.transport.is_closing():
            self.transport.write_eof()

    # --- time --------------------------------------------------------------------------------------------------------

    def check_deadlines(self, now: float) -> None:
        """Cut a connection that takes too long. ``now``: seconds of the loop's clock."""
        if self._is_client_too_slow(now):
            CONNECTIONS.cut["answer"] += 1
            self.transport.abort()
        elif self.reading is _OVER:
            if self._lingering and now > self._deadline and not self.transport.get_write_buffer_size():
                self.transport.abort()
        elif self.transport.is_closing() or self.flow.read_paused:
            self._deadline = now + WHOLE_HEAD  # this side does not read
            self._since, self._body_bytes = now, 0
        elif self.reading is _HEAD:
            if now > self._deadline:
                CONNECTIONS.cut["head"] += 1
                self._refuse_request(responses.SLOW)
        elif self.reading is _BODY:
            self._check_body_rate(now)
        elif not self._is_busy and now > self._deadline:
            self.transport.close()

    def _check_body_rate(self, now: float) -> None:
        if self.cycle.waiting_for_100_continue:
            self._since = now
        seconds = now - self._since
        if now - self._begun > WHOLE_BODY or self._body_bytes < (seconds - BODY_GRACE) * BODY_RATE:
            CONNECTIONS.cut["body"] += 1
            self._refuse_request(responses.SLOW)

    def _is_client_too_slow(self, now: float) -> bool:
        """Return whether the client receives its answer too slowly, or not at all."""
        size = self.transport.get_write_buffer_size()
        if not size or (self._unsent is not None and size > self._unsent[1]):
            self._unsent = None  # all was sent, or more was written since
        if not size:
            return False
        if self._unsent is None:
            self._unsent = (now, size)
        since, size_then = self._unsent
        seconds = now - since
        return seconds > ANSWER_GRACE and size_then - size < (seconds - ANSWER_GRACE) * ANSWER_RATE


def _count_head_bytes(headers: list[tuple[bytes, bytes]]) -> int:
    return sum(len(name) + len(value) + 4 for name, value in headers)
