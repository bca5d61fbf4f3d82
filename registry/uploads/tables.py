"""The shape every list file is read into: tables of rows of text cells, with merged cells told from blank ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class TableRow(NamedTuple):
    """One row. ``cells`` are as printed; a cell merged with the one above repeats its text and is in ``merged_columns``.

    ``has_spanning_cell``: one cell spans several columns, as banners do; its text stands in the first of them.
    """

    number: int
    cells: tuple[str, ...]
    merged_columns: frozenset[int] = frozenset()
    has_spanning_cell: bool = False


class Table(NamedTuple):
    """One table, to be read once and in order. ``name`` is 表1 or a sheet's name, empty when the file has one table.

    ``has_cell_names``: its cells have names such as E37. ``is_hidden``: nobody who opens the file sees it.
    """

    name: str
    name_en: str
    has_cell_names: bool
    rows: Iterator[TableRow]
    is_hidden: bool = False


class ClaimRecord(NamedTuple):
    """One record of a file of claims, or why its cells cannot be told apart (a sentence in Chinese and in English)."""

    number: int
    cells: list[str]
    error: tuple[str, str] | None = None
