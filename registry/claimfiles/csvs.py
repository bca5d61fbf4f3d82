"""Claims in csv, read as a stream: commas, semicolons or tabs, quoted cells with line breaks, any line ends."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from registry.claimfiles.lines import Lines, Text, damaged, is_damaged, too_long
from registry.claimfiles.rows import Layout, Row, TableRows
from registry.errors import InvalidInput

#: A quoted cell may hold line breaks; one that is still open after so many lines, or so much text, was never closed.
_OPEN_LINES, _OPEN_TEXT = 200, 65_536
_DELIMITERS = (",", "\t", ";")


def _unquoted(reason: str) -> InvalidInput:
    return InvalidInput(
        f"这一行的引号有误（{reason}），未核验；内容里的双引号须写成两个。",
        f"The quotes of this row are wrong ({reason}), and it was not checked; a quote inside a value is doubled.",
    )


def _carriage_return() -> InvalidInput:
    return InvalidInput(
        "这一行中有单独的回车符（\\r），未核验；各行请以换行（LF 或 CRLF）结束，另存为“CSV UTF-8”即可。",
        "This row holds a lone carriage return (\\r) and was not checked; lines end with LF or CRLF. Saving it as "
        "“CSV UTF-8” mends that.",
    )


class CsvReader:
    """Bytes of a csv file as rows. Blank lines are passed over; a row with broken quotes is a row with an error."""

    def __init__(self, charset: str | None = None) -> None:
        self.text = Text(charset)
        self.table = TableRows()
        self.delimiter = ","
        self._lines = Lines("\n")
        self._open: list[str] = []
        self._number = 0

    def feed(self, data: bytes) -> Iterator[Row]:
        """The rows that are whole with these bytes; InvalidInput when the headings name nobody."""
        for line, long in self._lines.feed(self.text.feed(data)):
            yield from self._line(line, long)

    def end(self) -> Iterator[Row]:
        """The last rows; InvalidInput when there was not even a row of headings."""
        for line, long in [*self._lines.feed(self.text.feed(b"", last=True)), *self._lines.end()]:
            yield from self._line(line, long)
        while self._open:
            yield from self._unclosed()
        if self.table.columns is None:
            raise InvalidInput(
                "文件是空的：第一行应为列名，例如 name,address,techniques,on。",
                "The file is empty: its first row holds the headings, such as name,address,techniques,on.",
            )

    def layout(self) -> Layout:
        """How the answers are laid out: as the claims, with a byte order mark unless those are plain UTF-8."""
        if self.table.columns is None:
            raise RuntimeError("the headings come first")
        return Layout(self.table.columns, self.delimiter, self.text.marked)

    def _line(self, line: str, long: bool = False) -> Iterator[Row]:
        if self._open:
            self._open.append(line)
            if len(self._open) > _OPEN_LINES or sum(map(len, self._open)) > _OPEN_TEXT:
                yield from self._unclosed()
            elif '"' in line:
                yield from self._quoted("\n".join(self._open))
            return
        raw, line = line, line.removesuffix("\r")
        if not line:
            self._number += 1
        elif long:
            yield self._broken(line, too_long())
        elif '"' in line:
            self._open = [raw]
            yield from self._quoted(raw)
        else:
            yield from self._record(line)

    def _quoted(self, text: str) -> Iterator[Row]:
        """A record with quotes; nothing yet while one of them is open."""
        try:
            cells = next(csv.reader([text.removesuffix("\r")], delimiter=self._delimiter(text), strict=True))
        except csv.Error as error:
            if "unexpected end" not in str(error):
                yield from self._unclosed(str(error))
            return
        lines, self._open = len(self._open), []
        yield from self._row(cells, lines)

    def _unclosed(self, reason: str = "未闭合 / never closed") -> Iterator[Row]:
        """The first line of what is open is a bad row; those after it are read anew."""
        first, *others = self._open
        self._open = []
        yield self._broken(first, _unquoted(reason))
        for line in others:
            yield from self._line(line)

    def _record(self, line: str) -> Iterator[Row]:
        if "\r" in line:
            yield self._broken(line, _carriage_return())
            return
        yield from self._row(line.split(self._delimiter(line)), 1)  # without quotes there is nothing more to it

    def _row(self, cells: list[str], lines: int) -> Iterator[Row]:
        self._number += lines
        if self.text.encoding is not None and is_damaged("".join(cells)):
            safe = [cell.encode("utf-8", "replace").decode() for cell in cells]
            yield self.table.broken(self._number, safe, damaged())
            return
        row = self.table.of(self._number, cells)
        if row is not None:
            yield row

    def _broken(self, line: str, error: InvalidInput) -> Row:
        self._number += 1
        return self.table.broken(self._number, line.encode("utf-8", "replace").decode().split(self.delimiter), error)

    def _delimiter(self, line: str) -> str:
        """What parts the cells: told by the headings."""
        if self.table.columns is None:
            self.delimiter = max(_DELIMITERS, key=line.count)
        return self.delimiter
