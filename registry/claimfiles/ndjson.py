"""Claims in ndjson, one JSON object a line, read as a stream."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import Any

import msgspec

from registry.claimfiles.rows import Row, require_provider
from registry.claimfiles.told import unreadable
from registry.errors import InvalidInput
from registry.model import Claim
from registry.uploads.lines import MOST_BLANK, Lines, too_long, too_many_blank


class _Identified(msgspec.Struct):
    id: Any = None


_claim = msgspec.json.Decoder(Claim)
_identified = msgspec.json.Decoder(_Identified)
#: What decoding raises of bytes that are no such object; the last of brackets without end.
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def json_row(number: int, line: bytes | msgspec.Raw) -> Row:
    """The row of one JSON object, with its claim or why it is none."""
    try:
        claim = _claim.decode(line)
        require_provider(claim.provider)
    except _UNREADABLE as error:
        return Row(number, _identifier(line), None, unreadable(error))
    except InvalidInput as error:
        return Row(number, _identifier(line), None, error)
    return Row(number, claim.id, claim)


def _identifier(line: bytes | msgspec.Raw) -> Any:
    """The id as it was sent, of whatever type, so that the sender knows the row again; None when it has none."""
    try:
        found = _identified.decode(line).id
    except _UNREADABLE:
        return None
    return found if isinstance(found, str | int | float) else None


class NdjsonReader:
    """Bytes of an ndjson file as rows. Blank lines are passed over; TooLarge when there is no end of them."""

    def __init__(self, charset: str | None = None) -> None:
        if charset is not None and charset.lower() not in ("utf-8", "utf8", "us-ascii"):
            raise InvalidInput(f"ndjson 须为 UTF-8，而非 {charset[:40]}。", f"ndjson is UTF-8, not {charset[:40]}.")
        self._lines = Lines(b"\n")
        self._number = self._blank = 0

    def feed(self, data: bytes) -> Iterator[Row]:
        """The rows that are whole with these bytes."""
        return self._rows(self._lines.feed(data))

    def end(self) -> Iterator[Row]:
        """The last row, when no line break ends it."""
        return self._rows(self._lines.end())

    def close(self) -> None:
        """Nothing: lines are decoded here."""

    def _rows(self, lines: Iterator[tuple[bytes, bool]]) -> Iterator[Row]:
        for line, long in lines:
            self._number += 1
            if self._number == 1:
                line = line.removeprefix(codecs.BOM_UTF8)  # noqa: PLW2901 - without what is no part of it
            if long:
                yield Row(self._number, None, None, too_long())
            elif line and not line.isspace():
                yield json_row(self._number, line)
            else:
                self._blank += 1
                if self._blank > MOST_BLANK:
                    raise too_many_blank()
