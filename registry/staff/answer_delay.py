"""Delayed answers: nothing is held meanwhile but the answer itself, no thread, connection or lock."""

from __future__ import annotations

from typing import Any

import anyio
from litestar import Request
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

#: The key of a request's scope for the seconds its answer waits.
DELAY = "registry.staff.delay"
#: Answers of one process that wait at a time; further ones are given at once: failures stay counted.
LIMIT = 1_000


def delay_answer(request: Request[Any, Any, Any], delay: float) -> None:
    """Delay the answer to a request by so many seconds."""
    request.scope[DELAY] = delay  # type: ignore[literal-required]


class DelayMiddleware:
    """Wraps the handlers whose answers may be delayed. Hanging up gains nothing: the failure is counted already."""

    _waiting = 0

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return

        async def send_late(message: Message) -> None:
            delay = scope.get(DELAY, 0.0) if message["type"] == "http.response.start" else 0.0
            if delay and DelayMiddleware._waiting < LIMIT:
                DelayMiddleware._waiting += 1
                try:
                    await anyio.sleep(float(str(delay)))
                finally:
                    DelayMiddleware._waiting -= 1
            await send(message)

        await self.app(scope, receive, send_late)
