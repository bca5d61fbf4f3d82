"""Claims in ndjson, one JSON object a line, read as a stream."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import Any

import msgspec

from registry.batch.claim_rows import ClaimRow
from registry.batch.result_columns import make_unreadable_error
from registry.domain.model import Claim
from registry.errors import InvalidInput
from registry.texts import Message
from registry.uploads.limits import MAX_BLANK_LINES
from registry.uploads.refusals import make_row_too_long_error, make_too_many_blank_lines_error
from registry.uploads.text_lines import LineSplitter


class _RowId(msgspec.Struct):
    id: Any = None


_claim = msgspec.json.Decoder(Claim)
_identified = msgspec.json.Decoder(_RowId)
#: Raised for bytes that are no such object, the last for endless brackets.
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def read_json_row(number: int, line: bytes | msgspec.Raw) -> ClaimRow:
    """The row of one JSON object, with its claim or the error."""
    try:
        claim = _claim.decode(line)
    except _UNREADABLE as error:
        return ClaimRow(number, _find_id(line), None, make_unreadable_error(error))
    return ClaimRow(number, claim.id, claim)


def _find_id(line: bytes | msgspec.Raw) -> Any:
    """The id as sent, text or number, so that the sender recognises the row; None when there is none."""
    try:
        identifier = _identified.decode(line).id
    except _UNREADABLE:
        return None
    return identifier if isinstance(identifier, str | int | float) else None


class NdjsonReader:
    """Reads the rows of an ndjson file. Blank lines are skipped; TooLarge when there are too many."""

    def __init__(self, charset: str | None = None) -> None:
        if charset is not None and charset.lower() not in ("utf-8", "utf8", "us-ascii"):
            raise InvalidInput(Message("ndjson 须为 UTF-8，而非 {charset}。", charset=charset[:40]))
        self._lines = LineSplitter(b"\n")
        self._number = self._blank = 0

    def feed(self, data: bytes) -> Iterator[ClaimRow]:
        """The rows that these bytes complete."""
        return self._read_rows(self._lines.feed(data))

    def feed_end(self) -> Iterator[ClaimRow]:
        """The last row, when no line break ends it."""
        return self._read_rows(self._lines.feed_end())

    def close(self) -> None:
        """Nothing: lines are decoded here."""

    def _read_rows(self, lines: Iterator[tuple[bytes, bool]]) -> Iterator[ClaimRow]:
        for line, is_too_long in lines:
            self._number += 1
            if self._number == 1:
                line = line.removeprefix(codecs.BOM_UTF8)  # noqa: PLW2901 - the mark is no part of it
            if is_too_long:
                yield ClaimRow(self._number, None, None, make_row_too_long_error())
            elif line and not line.isspace():
                yield read_json_row(self._number, line)
            else:
                self._blank += 1
                if self._blank > MAX_BLANK_LINES:
                    raise make_too_many_blank_lines_error()
