"""Bytes as text and text as lines, piece by piece, with no more than one line in memory."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import Generic, TypeVar

from registry.errors import InvalidInput, TooLarge

S = TypeVar("S", str, bytes)
#: No row of claims is longer; of a longer one only the beginning is kept, to say which it was.
LONGEST = 262_144
#: Blank lines of a file of claims. They are passed over, which costs time all the same.
MOST_BLANK = 100_000
_BEGINNING = 200
_SURROGATE = re.compile("[\udc80-\udcff]")
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


def make_row_too_long_error() -> InvalidInput:
    """The refusal of a row beyond ``LONGEST``."""
    return InvalidInput(
        f"这一行超过{LONGEST:,}个字符，未核验；请检查是否漏了换行或引号。",
        f"This row is longer than {LONGEST:,} characters and was not checked; is a line break or a quote missing?",
    )


def make_too_many_blanks_error() -> TooLarge:
    """The refusal of a file beyond ``MOST_BLANK``."""
    return TooLarge(
        f"文件里的空行超过{MOST_BLANK:,}个，此后各行未核验；请删去空行再提交。",
        f"There are more than {MOST_BLANK:,} blank lines, and nothing after them was checked; delete the blank lines.",
        limit=MOST_BLANK,
    )


class LineSplitter(Generic[S]):
    """Text or bytes cut at line breaks; a line beyond LONGEST comes as its beginning only, marked."""

    def __init__(self, newline: S) -> None:
        self._newline: S = newline
        self._rest: S = newline[:0]
        self._long = False

    def feed(self, data: S) -> Iterator[tuple[S, bool]]:
        """(line, whether it was too long) for every line that ends in ``data``."""
        lines = (self._rest + data).split(self._newline)
        rest = lines.pop()
        for line in lines:
            long = self._long or len(line) > LONGEST
            self._long = False
            yield (line[:_BEGINNING] if long else line), long
        if len(rest) > LONGEST:
            self._long, rest = True, rest[:_BEGINNING]
        self._rest = rest

    def feed_end(self) -> Iterator[tuple[S, bool]]:
        """The last line, when nothing ends it."""
        if self._rest:
            yield self._rest, self._long
        self._rest = self._newline[:0]


class TextDecoder:
    """Bytes as text: the charset that is stated, a byte order mark's, UTF-8, or else GB18030 (Excel in China).

    Which of the last two it is, the first bytes beyond ASCII tell. Bytes that are neither become surrogates, for the
    row that has them to be refused.
    """

    def __init__(self, charset: str | None = None) -> None:
        if charset is not None and charset.lower() not in _CHARSETS:
            raise InvalidInput(
                f"不支持字符集 {charset[:40]}；请用 UTF-8 或 GB18030（GBK）。",
                f"Charset {charset[:40]} is not supported; use UTF-8 or GB18030 (GBK).",
            )
        self.encoding = _CHARSETS[charset.lower()] if charset else None
        self.marked = False  # a byte order mark, or GB18030: a spreadsheet made it and will open the answers
        self._started = False
        self._held = b""
        self._decoder = self._make_decoder(self.encoding) if self.encoding else None

    def _make_decoder(self, encoding: str) -> codecs.IncrementalDecoder:
        self.encoding = encoding
        self.marked = self.marked or encoding != _UTF8
        return codecs.getincrementaldecoder(encoding)("replace" if encoding == "utf-16" else "surrogateescape")

    def feed(self, data: bytes, last: bool = False) -> str:
        """The text these bytes complete."""
        if not self._started:
            self._held += data
            if len(self._held) < 4 and not last:
                return ""
            data, self._held, self._started = self._held, b"", True
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


def has_undecodable_bytes(text: str) -> bool:
    """Whether bytes of the text were of no encoding this register reads."""
    return _SURROGATE.search(text) is not None


def make_encoding_error() -> InvalidInput:
    """The refusal of a row with such bytes."""
    return InvalidInput(
        "这一行含有无法识别的字符编码，未核验；请把文件存为 UTF-8。",
        "This row has bytes that are neither UTF-8 nor GB18030 and was not checked; save the file as UTF-8.",
    )
