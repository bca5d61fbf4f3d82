"""The columns of a list file and their uses, shown to a person who may change them."""

from __future__ import annotations

import itertools
from pathlib import Path

from msgspec.structs import replace

from registry.domain.model import Struct
from registry.errors import InvalidInput
from registry.importers.reading import file_tables, headings
from registry.importers.reading.headings import HEADINGS, REQUIRED, Mapping
from registry.texts import Message
from registry.uploads.tables import Table, TableRow

#: What is shown: rows of a table, values of a column, layouts and table names, characters of a cell.
FIRST, VALUES, MAX_LAYOUTS, CELL_LENGTH = 8, 3, 30, 300
#: The uses of a column in the order in which they are offered.
USES: tuple[str, ...] = (*REQUIRED, *(kind for kind in HEADINGS if kind not in REQUIRED), "keep", "ignore")


class Layout(Struct, frozen=True):
    """Tables with the same headings; ``uses`` are those of the columns, ``known`` whether the headings were recognised.

    ``first`` are the first rows of the table (number, cells), of which row ``head`` holds the headings; ``values`` are
    the cells below them, column by column.
    """

    tables: list[str]
    titles: list[str]
    uses: list[str]
    known: bool
    head: int
    first: list[tuple[int, list[str]]]
    values: list[list[str]]


class FileLayouts(Struct, frozen=True):
    """The number of rows of a file, and its layouts in order."""

    rows: int
    layouts: list[Layout]


def read_layouts(path: Path, progress: file_tables.Progress | None = None) -> FileLayouts:
    """Read the layouts of a file; UnreadableFile when it has no tables."""
    found: list[Layout] = []
    rows = 0
    for table in file_tables.read_tables(path, progress):
        first = list(itertools.islice(table.rows, 30 + VALUES))
        rows += len(first) + sum(1 for _ in table.rows)
        if not first or table.is_hidden:
            continue
        layout = _detect_layout(table, first)
        same = next((i for i, earlier in enumerate(found) if earlier.titles == layout.titles), None)
        # A table without headings and as wide as the one above continues it on the next page.
        is_continuation = not layout.known and found and len(layout.titles) == len(found[-1].titles)
        if same is not None:
            found[same] = replace(found[same], tables=[*found[same].tables, *layout.tables][:MAX_LAYOUTS])
        elif len(found) < MAX_LAYOUTS and not is_continuation:
            found.append(layout)
    return FileLayouts(rows=rows, layouts=found)


def _detect_layout(table: Table, first: list[TableRow]) -> Layout:
    columns, before = headings.find_columns(iter(first))
    shown = [(row.number, [cell[:CELL_LENGTH] for cell in row.cells]) for row in first[:FIRST]]
    if columns is not None:
        return _make_layout(table.name, first, shown, len(before), True)
    counts = [0 if row.has_spanning_cell else sum(map(bool, map(str.strip, row.cells))) for row in first[:FIRST]]
    return _make_layout(table.name, first, shown, counts.index(max(counts)), False)  # the fullest row


def _make_layout(name: str, rows: list[TableRow], shown: list[tuple[int, list[str]]], head: int, known: bool) -> Layout:
    titles, uses = headings.recognise_headings(rows[head])
    below = rows[head + 1 : head + 1 + VALUES]
    values = [[row.cells[i][:60] for row in below if i < len(row.cells) and row.cells[i]] for i in range(len(titles))]
    return Layout(
        tables=[name] if name else [],
        titles=[*titles],
        uses=[*uses],
        known=known,
        head=rows[head].number,
        first=shown,
        values=values,
    )


def choose_heading_row(layout: Layout, number: int) -> Layout:
    """The layout with another of its first rows as headings; InvalidInput when there is no such row."""
    rows = [TableRow(n, tuple(cells)) for n, cells in layout.first]
    head = next((i for i, row in enumerate(rows) if row.number == number), None)
    if head is None:
        raise InvalidInput(Message("没有这一行，请重新选择表头所在的行。"))
    return replace(_make_layout("", rows, layout.first, head, layout.known), tables=layout.tables)


def make_mapping(layouts: list[Layout]) -> Mapping:
    """The uses of columns by headings, as the importer takes them."""
    return {tuple(each.titles): tuple(each.uses) for each in layouts}


def name_columns(layout: Layout, uses: list[str]) -> Layout:
    """The layout with the uses a person chose; InvalidInput for an unknown use, or a kind twice."""
    if len(uses) != len(layout.titles) or any(use not in USES for use in uses):
        raise InvalidInput(Message("栏目的选择有误，请重新选择。"))
    kinds = [use for use in uses if use in HEADINGS]
    for kind in kinds:
        if kinds.count(kind) > 1:
            word = HEADINGS[kind][0]
            raise InvalidInput(Message("有两栏都选作“{word}”，只能有一栏。", word=word), kind=kind)
    return replace(layout, uses=uses)


def list_missing_headings(layout: Layout) -> list[str]:
    """The usual wordings of required headings that are missing; none for a table that is left out."""
    if not set(layout.uses) - {"keep", "ignore"}:
        return []
    return headings.list_missing_titles(dict(zip(layout.uses, layout.titles, strict=True)))
