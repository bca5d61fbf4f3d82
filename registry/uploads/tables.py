"""The shapes every file is read into: tables of rows of text cells, merged cells distinct from blank ones."""

from collections.abc import Iterator
from typing import NamedTuple


class TableRow(NamedTuple):
    """One row with cells as printed. A cell merged with the one above repeats its text and is in ``merged_columns``.

    ``has_spanning_cell``: a cell spans several columns, as banners do; its text is in the first of them.
    """

    number: int
    cells: tuple[str, ...]
    merged_columns: frozenset[int] = frozenset()
    has_spanning_cell: bool = False


class Table(NamedTuple):
    """One table, to be read once. ``name`` is 表1 or the name of a sheet, empty when the file has only one table.

    ``has_cell_names``: its cells have names such as E37. ``is_hidden``: the sheet is hidden.
    """

    name: str
    name_en: str
    has_cell_names: bool
    rows: Iterator[TableRow]
    is_hidden: bool = False


class ClaimRecord(NamedTuple):
    """One record of a file of claims, or the error of one that cannot be read (in Chinese and in English)."""

    number: int
    cells: list[str]
    error: tuple[str, str] | None = None
