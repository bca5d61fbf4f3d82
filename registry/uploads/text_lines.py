"""Bytes as text and text as lines, piece by piece, with no more than one line in memory."""

import codecs
import re
from collections.abc import Iterator
from typing import Generic, TypeVar

from registry.errors import InvalidInput
from registry.texts import Message
from registry.uploads.limits import MAX_LINE_LENGTH

S = TypeVar("S", str, bytes)
#: Characters kept of a line that is too long, to recognise it by.
_BEGINNING = 200
#: What stands in a text for bytes of an unknown encoding.
SURROGATE = re.compile("[\udc80-\udcff]")
_UTF8 = "utf-8"
#: Names of the Chinese encodings: GB18030 holds the others.
_CHARSETS = {
    "utf-8": _UTF8,
    "utf8": _UTF8,
    "us-ascii": _UTF8,
    "ascii": _UTF8,
    "utf-16": "utf-16",
    **dict.fromkeys(("gb18030", "gbk", "gb2312", "cp936", "936"), "gb18030"),
}


class LineSplitter(Generic[S]):
    """Text or bytes cut at line breaks; of a line that is too long only the beginning is given."""

    def __init__(self, newline: S) -> None:
        self._newline: S = newline
        self._remainder: S = newline[:0]
        self._is_too_long = False

    def feed(self, data: S) -> Iterator[tuple[S, bool]]:
        """Yield (line, whether it was too long) for every line that ends in ``data``."""
        lines = (self._remainder + data).split(self._newline)
        rest = lines.pop()
        for line in lines:
            is_too_long = self._is_too_long or len(line) > MAX_LINE_LENGTH
            self._is_too_long = False
            yield (line[:_BEGINNING] if is_too_long else line), is_too_long
        if len(rest) > MAX_LINE_LENGTH:
            self._is_too_long, rest = True, rest[:_BEGINNING]
        self._remainder = rest

    def feed_end(self) -> Iterator[tuple[S, bool]]:
        """Yield the last line, when no line break ends it."""
        if self._remainder:
            yield self._remainder, self._is_too_long
        self._remainder = self._newline[:0]


class TextDecoder:
    """Decodes bytes by the charset given, by a byte order mark, or as UTF-8 or GB18030 (Excel in China).

    The first bytes beyond ASCII tell the last two apart. Bytes that are neither become surrogates, so that the row that
    has them can be refused. ``marked``: a spreadsheet made the file, by a byte order mark or GB18030.
    """

    def __init__(self, charset: str | None = None) -> None:
        if charset is not None and charset.lower() not in _CHARSETS:
            raise InvalidInput(Message("不支持字符集 {charset}；请用 UTF-8 或 GB18030（GBK）。", charset=charset[:40]))
        self.encoding = _CHARSETS[charset.lower()] if charset else None
        self.marked = False
        self._started = False
        self._buffer = b""
        self._decoder = self._make_decoder(self.encoding) if self.encoding else None

    def _make_decoder(self, encoding: str) -> codecs.IncrementalDecoder:
        self.encoding = encoding
        self.marked = self.marked or encoding != _UTF8
        return codecs.getincrementaldecoder(encoding)("replace" if encoding == "utf-16" else "surrogateescape")

    def feed(self, data: bytes, last: bool = False) -> str:
        """The text these bytes complete."""
        if not self._started:
            self._buffer += data
            if len(self._buffer) < 4 and not last:
                return ""
            data, self._buffer, self._started = self._buffer, b"", True
            data = self._read_byte_order_mark(data)
        if self._decoder is None:
            if data.isascii():
                return data.decode("ascii")
            self._decoder = self._make_decoder(
                _UTF8 if _can_decode(_UTF8, data) or not _can_decode("gb18030", data) else "gb18030"
            )
        return self._decoder.decode(data, last)

    def _read_byte_order_mark(self, data: bytes) -> bytes:
        if data.startswith(codecs.BOM_UTF8):
            self.marked, self._decoder = True, self._make_decoder(_UTF8)
            return data.removeprefix(codecs.BOM_UTF8)
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            self._decoder = self._make_decoder("utf-16")
        return data


def _can_decode(encoding: str, data: bytes) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(data)
    except UnicodeDecodeError:
        return False
    return True
