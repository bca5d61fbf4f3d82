"""The rows of a file of claims in csv, ndjson or a sheet, each with its claim or the error why it is none."""

import codecs
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from registry.batch.column_notes import ColumnNotes
from registry.batch.columns import (
    FOLDED_HEADINGS,
    ClaimColumns,
    make_no_columns_error,
    make_unreadable_error,
    recognise_columns,
)
from registry.domain.answers import Claim
from registry.errors import InvalidInput
from registry.storage.uploads.file_reader import CsvStream
from registry.storage.uploads.limits import BATCH, MAX_BLANK_LINES, FileLimits
from registry.storage.uploads.refusals import make_row_too_long_error, make_too_many_blank_lines_error
from registry.storage.uploads.table_head import HeadingSearch
from registry.storage.uploads.tables import ClaimRecord, Table
from registry.storage.uploads.text_files import LineSplitter
from registry.texts import FixedText, Message


class ClaimRow(NamedTuple):
    """A row of a file: its number as a spreadsheet counts, its id, and its claim or the error."""

    number: int
    id: Any
    claim: Claim | None
    error: InvalidInput | None = None
    cells: Sequence[str] = ()


class AnswerLayout(NamedTuple):
    """The layout of a table of answers: columns, delimiter, and whether it begins with a byte order mark."""

    columns: ClaimColumns
    delimiter: str = ","
    has_bom: bool = True


class ClaimReader(Protocol):
    """Reads the rows of one file, in order, from bytes that come piece by piece."""

    def feed(self, data: bytes) -> Iterator[ClaimRow]:
        """Yield the rows that these bytes complete; InvalidInput when the whole file cannot be read."""

    def feed_end(self) -> Iterator[ClaimRow]:
        """Yield the last rows, once there are no more bytes."""

    def close(self) -> None:
        """Release whatever reads; no more rows come."""


class ClaimTable:
    """Turns rows of cells into rows of claims, below a row of headings in one of the first rows.

    A further table is read on where its headings are those of the first; ``notes`` name the others.
    """

    def __init__(self) -> None:
        self.columns: ClaimColumns | None = None
        self.notes = ColumnNotes()
        self._search = self._first_search = HeadingSearch(recognise_columns)

    def read_table(self, table: Table) -> Iterator[ClaimRow]:
        """Yield the rows of a further table; none where it cannot be read with the first."""
        if table.is_hidden:
            self.notes.add_unread_table(table, Message("已隐藏"))
            return
        self._search = HeadingSearch(recognise_columns if self.columns is None else _recognise_further_columns)
        for number, cells, *_ in table.rows:
            if not any(cells):
                continue
            if (row := self.read_row(number, cells)) is not None:
                yield row
            found = self._search.found
            if found is not None and self.columns is not None and not found.is_like(self.columns):
                self.notes.add_unread_table(table, Message("列名与前面的不同"))
                return
            if found is None and self._search.is_over:
                break
        if self._search.found is None:
            self.notes.add_unread_table(table, Message("没有可用的列名"))
        if self.columns is None:
            self._first_search = self._search

    def read_row(self, number: int, cells: Sequence[str]) -> ClaimRow | None:
        """The row with its claim; None for the headings and for what stands above them.

        InvalidInput where headings can come no more.
        """
        columns = self._search.found
        if columns is None:
            self._search.search_row(cells)
            self._note_headings()
            return None
        if len(cells) != columns.width:
            error = InvalidInput(
                Message(
                    "第{number}行有{count}列，而列名有{width}列；含逗号的内容须加双引号。",
                    number=number,
                    count=len(cells),
                    width=columns.width,
                ),
            )
            return self._make_bad_row(number, cells, error)
        try:
            claim = columns.make_claim(cells)
        except msgspec.ValidationError as invalid:
            return self._make_bad_row(number, cells, make_unreadable_error(invalid))
        except InvalidInput as invalid:
            return self._make_bad_row(number, cells, invalid)
        return ClaimRow(number, claim.id, claim, None, cells)

    def _note_headings(self) -> None:
        found = self._search.found
        if found is not None and self.columns is None:
            self.columns = found
            self.notes.add_columns(found)
        if found is not None:
            self.notes.skipped_rows += len(self._search.before)

    def refuse_row(self, number: int, cells: Sequence[str], error: InvalidInput) -> ClaimRow:
        """A row whose cells cannot be read; InvalidInput at once when the headings have not come yet."""
        if self.columns is None:
            raise error
        return self._make_bad_row(number, cells, error)

    def require_headings(self, *, is_sheet: bool = False) -> None:
        """Raise InvalidInput when no row held the headings."""
        if self.columns is not None:
            return
        if self._first_search.before:
            raise make_no_columns_error(self._first_search.before)
        if is_sheet:
            raise InvalidInput(
                Message("表格是空的：第一行应为列名，例如 名称、地址、技术、日期。"),
            )
        raise InvalidInput(
            Message("文件是空的：第一行应为列名，例如 name,address,techniques,on。"),
        )

    @property
    def is_hopeless(self) -> bool:
        """Whether the first rows are over and none of them held headings."""
        return self._search.is_over and self._search.found is None

    def get_layout(self, delimiter: str = ",", has_bom: bool = True) -> AnswerLayout:
        """The layout of answers with the columns of the claims; RuntimeError before the headings were read."""
        if self.columns is None:
            raise RuntimeError("the headings come first")
        return AnswerLayout(self.columns, delimiter, has_bom)

    def _make_bad_row(self, number: int, cells: Sequence[str], error: InvalidInput) -> ClaimRow:
        identifier = self.columns.find_id(cells) if self.columns else None
        return ClaimRow(number, identifier, None, error, cells)


def _recognise_further_columns(cells: Sequence[str]) -> ClaimColumns | None:
    """The columns of a further table, of which no error stops the answers to the first."""
    try:
        return recognise_columns(cells)
    except InvalidInput:
        return None


class CsvReader:
    """Reads the rows of a csv file. Blank lines are skipped; a row with broken quotes is a row with an error."""

    def __init__(self, charset: str | None = None, limits: FileLimits = BATCH) -> None:
        self.table = ClaimTable()
        self._stream = CsvStream(charset, limits, FOLDED_HEADINGS)

    def feed(self, data: bytes) -> Iterator[ClaimRow]:
        """The rows that these bytes complete; InvalidInput when the headings name nobody."""
        return self._read_rows(self._stream.feed(data))

    async def feed_async(self, data: bytes) -> Iterator[ClaimRow]:
        """As ``feed``, without blocking the event loop."""
        return self._read_rows(await self._stream.feed_async(data))

    def feed_end(self) -> Iterator[ClaimRow]:
        """Yield the last rows; InvalidInput when there was not even a row of headings."""
        yield from self._read_rows(self._stream.feed(b"", last=True))
        self.table.require_headings()

    async def feed_end_async(self) -> Iterator[ClaimRow]:
        """As ``feed_end``, without blocking the event loop."""
        rows = list(self._read_rows(await self._stream.feed_async(b"", last=True)))
        self.table.require_headings()
        return iter(rows)

    def close(self) -> None:
        """End the process that reads."""
        self._stream.close()

    def get_layout(self) -> AnswerLayout:
        """The layout of the answers: that of the claims, with a byte order mark unless those are plain UTF-8."""
        return self.table.get_layout(self._stream.delimiter, self._stream.marked)

    def _read_rows(self, records: Iterable[ClaimRecord]) -> Iterator[ClaimRow]:
        try:
            for number, cells, error in records:
                if error is not None:
                    yield self.table.refuse_row(number, cells, InvalidInput(FixedText(*error)))
                elif (row := self.table.read_row(number, cells)) is not None:
                    yield row
                elif self.table.is_hopeless:
                    self.table.require_headings()
        except InvalidInput:  # about the headings: nothing more is read
            self.close()
            raise


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
