"""What every response has, whichever door it comes from; and the requests that no door gets to see."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import cast

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from registry.errors import InvalidInput, WrongHost
from registry.settings import Settings
from registry.web import cross_origin
from registry.web.hosts import HostList, encode_problem

Headers = list[tuple[bytes, bytes]]
#: The features of browsers that a page could ask for; the camera is for reading a QR code from a page of this register.
_FEATURES = (
    "camera=(self)",
    "accelerometer=()",
    "autoplay=()",
    "browsing-topics=()",
    "display-capture=()",
    "encrypted-media=()",
    "fullscreen=(self)",
    "geolocation=()",
    "gyroscope=()",
    "magnetometer=()",
    "microphone=()",
    "midi=()",
    "payment=()",
    "usb=()",
)
_ALWAYS: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    (
        b"content-security-policy",
        b"default-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; object-src 'none'; "
        b"form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", ", ".join(_FEATURES).encode()),
]
#: A year, after which a browser that came by meanwhile knows it anew.
_HTTPS_ONLY = (b"strict-transport-security", b"max-age=31536000")
#: Pages of other sites may show what is public; nothing of the workspace, not even as a picture.
_OWN_PAGES = (b"cross-origin-resource-policy", b"same-origin")
_ANY_PAGE = (b"cross-origin-resource-policy", b"cross-origin")


RawHeaders = Iterable[tuple[bytes, bytes]]
#: Where a request's scope holds headers of its own for the response.
MORE = "registry.web.headers"


class OutermostMiddleware:
    """Around every door: the headers on every response, also on a 404; HEAD wherever GET is answered; only requests
    for a host of this register; questions of browsers on behalf of other sites.

    ``headers`` gives more headers, for a request that is being answered.
    """

    def __init__(self, app: ASGIApp, settings: Settings, headers: Callable[[Scope], RawHeaders] = lambda _: []) -> None:
        self.app = app
        self._headers = headers
        self._hosts = HostList(settings)
        secure = [_HTTPS_ONLY] if settings.public_url.startswith("https://") else []
        self._public = [*_ALWAYS, *secure, _ANY_PAGE]
        self._shared = [*self._public, *cross_origin.SHARED]
        self._private = [*_ALWAYS, *secure, _OWN_PAGES]
        self._names = frozenset(name for name, _ in [*self._shared, *secure])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request. The server itself leaves the body out of an answer to HEAD."""
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        if scope["method"] == "HEAD":
            scope = cast("HTTPScope", {**scope, "method": "GET"})
        added, path = self._select_headers(scope["path"]), scope["path"]
        given = dict(scope["headers"])
        try:
            for host in [value for name, value in scope["headers"] if name == b"host"] or [b""]:
                self._hosts.check_host(path, host.decode("latin-1"))
        except (WrongHost, InvalidInput) as error:
            status = 421 if isinstance(error, WrongHost) else 400
            headers = [(b"content-type", b"application/problem+json"), (b"cache-control", b"no-store")]
            await _send_response(send, status, [*headers, *self._private], encode_problem(error, status))
            return
        if cross_origin.is_preflight(scope["method"], given) and cross_origin.is_shared(path):
            await _send_response(send, 204, [*self._public, *cross_origin.PREFLIGHT], b"")
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own, more = message["headers"], cast("RawHeaders", scope.get(MORE, []))
                more = [*more, *self._headers(scope)]
                stated = [name for name, _ in own]
                if self._names.isdisjoint(stated):  # nearly always
                    message["headers"] = [*own, *added, *more]
                else:
                    message["headers"] = [*own, *(pair for pair in added if pair[0] not in stated), *more]
            await send(message)

        await self.app(scope, receive, send_with_headers)

    def _select_headers(self, path: str) -> Headers:
        """The headers of what is at a path."""
        if path.startswith("/staff"):
            return self._private
        return self._shared if cross_origin.is_shared(path) else self._public


async def _send_response(send: Send, status: int, headers: Headers, body: bytes) -> None:
    """An answer that no door gives; with its length, which the server leaves to the application."""
    length = [(b"content-length", str(len(body)).encode())] if status != 204 else []
    start = {"type": "http.response.start", "status": status, "headers": [*headers, *length]}
    await send(cast("Message", start))
    await send({"type": "http.response.body", "body": body, "more_body": False})
