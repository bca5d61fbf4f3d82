"""What every response has, whichever door it comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import cast

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    (
        b"content-security-policy",
        b"default-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; object-src 'none'; "
        b"form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
)
_NAMES = frozenset(name for name, _ in _HEADERS)


RawHeaders = Iterable[tuple[bytes, bytes]]
#: Where a request's scope holds headers of its own for the response.
MORE = "registry.headers"


class Outermost:
    """Around every door: the headers on every response, also on a 404; HEAD wherever GET is answered.

    ``headers`` gives more of them, for a request that is being answered.
    """

    def __init__(self, app: ASGIApp, headers: Callable[[Scope], RawHeaders] = lambda _: []) -> None:
        self.app = app
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request. The server itself leaves the body out of an answer to HEAD."""
        if scope["type"] == ScopeType.HTTP and scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own, more = message["headers"], cast("RawHeaders", scope.get(MORE, []))
                more = [*more, *self._headers(scope)]
                stated = [name for name, _ in own]
                if _NAMES.isdisjoint(stated):  # nearly always
                    message["headers"] = [*own, *_HEADERS, *more]
                else:
                    message["headers"] = [*own, *(pair for pair in _HEADERS if pair[0] not in stated), *more]
            await send(message)

        await self.app(scope, receive, with_headers)
