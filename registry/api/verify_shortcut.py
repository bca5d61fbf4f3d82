"""The shortest way of the busiest operation: a claim by POST is answered before the framework, as it would be there.

Only what nearly every program sends takes it: a small body of JSON, at the plain address. Admission, decoding, the
answer and its record are those of the ordinary way. Every refusal is the framework's: it gets the error to answer.
"""

from __future__ import annotations

import re
from typing import cast

from litestar import Litestar
from litestar.enums import ScopeType
from litestar.exceptions import InternalServerException
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from registry.api import verify
from registry.api.problems import read_header_language
from registry.web import body_limits, error_status, rate_limit

_PATH = "/api/v1/verify"
#: The key of a request's scope under which the framework finds the error to answer.
_REFUSAL = "registry.api.refusal"
#: What this host is called nearly always; the framework refuses some others.
_PLAIN_HOST = re.compile(rb"[A-Za-z0-9.-]+(?::[0-9]{1,5})?")


class VerifyShortcut:
    """Around the framework: answers plain claims itself, and passes everything else on."""

    def __init__(self, app: Litestar) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if not _is_plain_claim(scope):
            await self._app(scope, receive, send)
            return
        scope["litestar_app"] = self._app
        scope["route_handler"] = verify.verify_claim
        try:
            await rate_limit.admit_request(cast("HTTPScope", scope))
            body = await _read_body(receive)
            answer = await verify.answer_body(scope, body, read_header_language(scope))
        except Exception as error:
            scope[_REFUSAL] = error  # type: ignore[literal-required]
            await self._app(scope, receive, send)
            return
        await answer(scope, receive, send)


class RefusalMiddleware:
    """Around every handler: raises what the shortcut met, to be answered as if it had happened here."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if (error := cast("Exception | None", scope.get(_REFUSAL))) is not None:
            raise error
        await self.app(scope, receive, send)


def _is_plain_claim(scope: Scope) -> bool:
    if scope["type"] != ScopeType.HTTP or scope["path"] != _PATH or scope["method"] != "POST":
        return False
    if scope["query_string"] or scope.get("root_path"):
        return False
    headers = dict(scope["headers"])
    return (
        headers.get(b"content-type") == b"application/json"
        and (length := headers.get(b"content-length", b"")).isdigit()
        and 0 < int(length) <= body_limits.SMALL
        and _PLAIN_HOST.fullmatch(headers.get(b"host", b"")) is not None
    )


async def _read_body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise InternalServerException(error_status.DISCONNECT_DETAIL)
        body += message["body"]
        if not message.get("more_body"):
            return body
