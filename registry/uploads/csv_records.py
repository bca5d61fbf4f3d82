"""Records of csv, read as a stream: commas, semicolons or tabs, quoted cells with line breaks, any line ends."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from registry.errors import InvalidInput
from registry.uploads.tables import ClaimRecord
from registry.uploads.text_lines import (
    MOST_BLANK,
    LineSplitter,
    TextDecoder,
    has_undecodable_bytes,
    make_encoding_error,
    make_row_too_long_error,
    make_too_many_blanks_error,
)

#: A quoted cell may hold line breaks; one that is still open after so many lines, or so much text, was never closed.
_OPEN_LINES, _OPEN_TEXT = 200, 65_536
_DELIMITERS = (",", "\t", ";")


def _make_quote_error(reason: str) -> InvalidInput:
    return InvalidInput(
        f"这一行的引号有误（{reason}），未核验；内容里的双引号须写成两个。",
        f"The quotes of this row are wrong ({reason}), and it was not checked; a quote inside a value is doubled.",
    )


def _make_carriage_return_error() -> InvalidInput:
    return InvalidInput(
        "这一行中有单独的回车符（\\r），未核验；各行请以换行（LF 或 CRLF）结束，另存为“CSV UTF-8”即可。",
        "This row holds a lone carriage return (\\r) and was not checked; lines end with LF or CRLF. Saving it as "
        "“CSV UTF-8” mends that.",
    )


class CsvRecordReader:
    """Bytes of a csv file as records. So many blank lines are passed over; broken quotes are a record that says so.

    ``delimiter``: what parts the cells, which the first record tells; ``is_from_spreadsheet``: whether a spreadsheet made the file.
    """

    def __init__(self, charset: str | None = None) -> None:
        self.delimiter = ""
        self._text = TextDecoder(charset)
        self._lines = LineSplitter("\n")
        self._open: list[str] = []
        self._number = self._blank = 0

    @property
    def is_from_spreadsheet(self) -> bool:
        """Whether the bytes so far are a spreadsheet's: marked by a byte order mark, or GB18030."""
        return self._text.marked

    def feed(self, data: bytes) -> Iterator[ClaimRecord]:
        """The records that are whole with these bytes."""
        for line, long in self._lines.feed(self._text.feed(data)):
            yield from self._read_line(line, long)

    def feed_end(self) -> Iterator[ClaimRecord]:
        """The last records."""
        for line, long in [*self._lines.feed(self._text.feed(b"", last=True)), *self._lines.feed_end()]:
            yield from self._read_line(line, long)
        while self._open:
            yield from self._refuse_open_record()

    def _read_line(self, line: str, long: bool = False) -> Iterator[ClaimRecord]:
        if self._open:
            self._open.append(line)
            if len(self._open) > _OPEN_LINES or sum(map(len, self._open)) > _OPEN_TEXT:
                yield from self._refuse_open_record()
            elif '"' in line:
                yield from self._read_open_record("\n".join(self._open))
            return
        raw, line = line, line.removesuffix("\r")
        if not line:
            self._number += 1
            self._blank += 1
            if self._blank > MOST_BLANK:
                raise make_too_many_blanks_error()
        elif long:
            yield self._refuse_line(line, make_row_too_long_error())
        elif '"' in line:
            self._open = [raw]
            yield from self._read_open_record(raw)
        elif "\r" in line:
            yield self._refuse_line(line, _make_carriage_return_error())
        else:
            delimiter = self._detect_delimiter(line)
            yield self._make_record(line.split(delimiter), delimiter, 1)  # without quotes there is nothing more to it

    def _read_open_record(self, text: str) -> Iterator[ClaimRecord]:
        """A record with quotes; nothing yet while one of them is open."""
        delimiter = self._detect_delimiter(text)
        try:
            cells = next(csv.reader([text.removesuffix("\r")], delimiter=delimiter, strict=True))
        except csv.Error as error:
            if "unexpected end" not in str(error):
                yield from self._refuse_open_record(str(error))
            return
        lines, self._open = len(self._open), []
        yield self._make_record(cells, delimiter, lines)

    def _refuse_open_record(self, reason: str = "未闭合 / never closed") -> Iterator[ClaimRecord]:
        """The first line of what is open is a bad record; those after it are read anew."""
        first, *others = self._open
        self._open = []
        yield self._refuse_line(first, _make_quote_error(reason))
        for line in others:
            yield from self._read_line(line)

    def _make_record(self, cells: list[str], delimiter: str, lines: int) -> ClaimRecord:
        self._number += lines
        self.delimiter = delimiter
        if self._text.encoding is not None and has_undecodable_bytes("".join(cells)):
            return _make_error_record(
                self._number, [_replace_surrogates(cell) for cell in cells], make_encoding_error()
            )
        return ClaimRecord(self._number, cells)

    def _refuse_line(self, line: str, error: InvalidInput) -> ClaimRecord:
        self._number += 1
        return _make_error_record(self._number, _replace_surrogates(line).split(self.delimiter or ","), error)

    def _detect_delimiter(self, line: str) -> str:
        """What parts the cells: of all records what parts those of the first."""
        return self.delimiter or max(_DELIMITERS, key=line.count)


def _make_error_record(number: int, cells: list[str], error: InvalidInput) -> ClaimRecord:
    return ClaimRecord(number, cells, (error.zh, error.en))


def _replace_surrogates(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
