"""The rows of a file of claims, each with its claim or the error why it is none, below the headings of its tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from registry.batch.claim_columns import ClaimColumns, make_no_columns_error, recognise_columns
from registry.batch.column_notes import ColumnNotes
from registry.batch.result_columns import make_unreadable_error
from registry.domain.model import Claim
from registry.errors import InvalidInput
from registry.texts import Message
from registry.uploads.table_head import HeadingSearch
from registry.uploads.tables import Table


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
