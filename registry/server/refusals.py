"""Answers given as bytes, before or instead of the application: too large, too slow, no HTTP at all."""

from __future__ import annotations

from http import HTTPStatus
from typing import NamedTuple

import httptools

from registry.texts import FixedText, Message
from registry.web.error_status import encode_problem


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
