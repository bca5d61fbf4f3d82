"""The shapes every file is read into: tables of rows of text cells, merged cells distinct from blank ones."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Mark(NamedTuple):
    """What a file says of a row, or of a cell, beside its text: it is hidden, struck through, deleted under revision.

    ``kind`` is ``hidden``, ``filtered``, ``deleted``, ``moved`` or ``inserted`` of a whole row (``column`` None);
    ``struck``, ``hidden_text``, ``footnote``, ``cell_deleted``, ``cell_inserted`` or ``revised`` of a cell;
    ``hidden_column`` stands in the first rows only. ``text``: the cell without what is marked; of one revised, before
    that.
    """

    kind: str
    column: int | None = None
    text: str = ""


class TableRow(NamedTuple):
    """One row with cells as printed. A cell merged with the one above repeats its text and is in ``merged_columns``.

    ``has_spanning_cell``: a cell spans several columns, as banners do; its text is in the first of them.
    """

    number: int
    cells: tuple[str, ...]
    merged_columns: frozenset[int] = frozenset()
    has_spanning_cell: bool = False
    marks: tuple[Mark, ...] = ()


def extend_marks(rows: Iterable[TableRow]) -> Iterator[TableRow]:
    """Yield rows in which a cell that is merged with the one above has the marks of that one."""
    above: tuple[Mark, ...] = ()
    for row in rows:
        own = [mark for mark in row.marks if mark.column not in row.merged_columns]
        above = (*own, *(mark for mark in above if mark.column in row.merged_columns))
        yield row._replace(marks=above) if above else row


class Table(NamedTuple):
    """One table, to be read once. ``name`` is 表1 or the name of a sheet, empty when the file has only one table.

    ``has_cell_names``: its cells have names such as E37. ``is_hidden``: the sheet is hidden. ``number``: its place in
    the file, from 1.
    """

    name: str
    name_en: str
    has_cell_names: bool
    rows: Iterator[TableRow]
    is_hidden: bool = False
    number: int = 1


class ClaimRecord(NamedTuple):
    """One record of a file of claims, or the error of one that cannot be read (in Chinese and in English)."""

    number: int
    cells: list[str]
    error: tuple[str, str] | None = None
