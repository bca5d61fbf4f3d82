"""An answer that is bytes already: what the busiest operation sends, without a response object in between."""

from __future__ import annotations

import msgspec
from litestar.openapi import ResponseSpec
from litestar.types import Receive, Scope, Send

_encoder = msgspec.json.Encoder()


class JsonAnswer:
    """Sends one value as JSON with status 200. An application of its own, so that litestar passes it on as it is."""

    __slots__ = ("body",)

    def __init__(self, value: msgspec.Struct) -> None:
        self.body = _encoder.encode(value)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI gives them
        """Answer one request."""
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(self.body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


def describe_responses(value: type[msgspec.Struct]) -> dict[int, ResponseSpec]:
    """What the OpenAPI document says of an operation that answers ``JsonAnswer``."""
    return {
        200: ResponseSpec(
            data_container=value, description="Request fulfilled, document follows", generate_examples=False
        )
    }
