"""Records of csv, read as a stream: commas, semicolons or tabs, quoted cells with line breaks, any line ends."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from registry.errors import InvalidInput
from registry.uploads.lines import MOST_BLANK, Lines, Text, damaged, is_damaged, too_long, too_many_blank
from registry.uploads.tables import Record

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


class CsvRecords:
    """Bytes of a csv file as records. So many blank lines are passed over; broken quotes are a record that says so.

    ``delimiter``: what parts the cells, which the first record tells; ``marked``: whether a spreadsheet made the file.
    """

    def __init__(self, charset: str | None = None) -> None:
        self.delimiter = ""
        self._text = Text(charset)
        self._lines = Lines("\n")
        self._open: list[str] = []
        self._number = self._blank = 0

    @property
    def marked(self) -> bool:
        """Whether the bytes so far are a spreadsheet's: marked by a byte order mark, or GB18030."""
        return self._text.marked

    def feed(self, data: bytes) -> Iterator[Record]:
        """The records that are whole with these bytes."""
        for line, long in self._lines.feed(self._text.feed(data)):
            yield from self._line(line, long)

    def end(self) -> Iterator[Record]:
        """The last records."""
        for line, long in [*self._lines.feed(self._text.feed(b"", last=True)), *self._lines.end()]:
            yield from self._line(line, long)
        while self._open:
            yield from self._unclosed()

    def _line(self, line: str, long: bool = False) -> Iterator[Record]:
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
            self._blank += 1
            if self._blank > MOST_BLANK:
                raise too_many_blank()
        elif long:
            yield self._broken(line, too_long())
        elif '"' in line:
            self._open = [raw]
            yield from self._quoted(raw)
        elif "\r" in line:
            yield self._broken(line, _carriage_return())
        else:
            delimiter = self._parted_by(line)
            yield self._record(line.split(delimiter), delimiter, 1)  # without quotes there is nothing more to it

    def _quoted(self, text: str) -> Iterator[Record]:
        """A record with quotes; nothing yet while one of them is open."""
        delimiter = self._parted_by(text)
        try:
            cells = next(csv.reader([text.removesuffix("\r")], delimiter=delimiter, strict=True))
        except csv.Error as error:
            if "unexpected end" not in str(error):
                yield from self._unclosed(str(error))
            return
        lines, self._open = len(self._open), []
        yield self._record(cells, delimiter, lines)

    def _unclosed(self, reason: str = "未闭合 / never closed") -> Iterator[Record]:
        """The first line of what is open is a bad record; those after it are read anew."""
        first, *others = self._open
        self._open = []
        yield self._broken(first, _unquoted(reason))
        for line in others:
            yield from self._line(line)

    def _record(self, cells: list[str], delimiter: str, lines: int) -> Record:
        self._number += lines
        self.delimiter = delimiter
        if self._text.encoding is not None and is_damaged("".join(cells)):
            return _bad(self._number, [_printable(cell) for cell in cells], damaged())
        return Record(self._number, cells)

    def _broken(self, line: str, error: InvalidInput) -> Record:
        self._number += 1
        return _bad(self._number, _printable(line).split(self.delimiter or ","), error)

    def _parted_by(self, line: str) -> str:
        """What parts the cells: of all records what parts those of the first."""
        return self.delimiter or max(_DELIMITERS, key=line.count)


def _bad(number: int, cells: list[str], error: InvalidInput) -> Record:
    return Record(number, cells, (error.zh, error.en))


def _printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
