"""Text in addresses and forms is UTF-8: read as anything else, a name in GBK would be another name, and not found."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from registry.errors import InvalidInput
from registry.texts import Message


def require_utf8(encoded: bytes) -> None:
    """Raise InvalidInput unless text in percent-encoding is UTF-8.

    >>> require_utf8(b"q=%E9%9E%8D%E5%B1%B1")
    """
    if b"%" not in encoded and encoded.isascii():
        return
    try:
        unquote_to_bytes(encoded).decode()
    except UnicodeDecodeError as error:
        raise InvalidInput(
            Message("所提交的文字不是 UTF-8 编码（多半是 GBK），无法读取：请以 UTF-8 百分号编码，例如 %E8%AF%95。"),
        ) from error


class Utf8QueryMiddleware:
    """Around every handler: raises InvalidInput for a query string that is not UTF-8."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == ScopeType.HTTP:
            require_utf8(scope["query_string"])
        await self.app(scope, receive, send)
