"""Which columns a list file has, and what each is: shown to a person, who may name them otherwise."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any, get_args

from registry.domain.model import Struct
from registry.errors import InvalidInput
from registry.importers.reading import file_tables, headings
from registry.importers.reading.headings import HEADINGS, REQUIRED, Mapping
from registry.uploads.tables import Table, TableRow

#: Rows shown of a table without known headings, values shown of a column, tables that are told apart, longest cell.
FIRST, VALUES, MOST, LONGEST = 8, 3, 30, 300
USES: tuple[str, ...] = (*HEADINGS, "keep", "ignore")


class Layout(Struct, frozen=True):
    """Tables with the same headings. ``uses`` says what each column is taken for; ``known`` whether by itself.

    ``first`` are the table's first rows (number, cells), of which row ``head`` holds the headings; ``values`` the
    cells below them, column by column.
    """

    tables: list[str]
    titles: list[str]
    uses: list[str]
    known: bool
    head: int
    first: list[tuple[int, list[str]]]
    values: list[list[str]]


class FileLayouts(Struct, frozen=True):
    """A file at first sight: its rows, and its layouts in order."""

    rows: int
    layouts: list[Layout]


def read_layouts(path: Path, progress: file_tables.Progress | None = None) -> FileLayouts:
    """The layouts of a file; UnreadableFile when it is no list file."""
    found: list[Layout] = []
    rows = 0
    for table in file_tables.read_tables(path, progress):
        first = list(itertools.islice(table.rows, 30 + VALUES))
        rows += len(first) + sum(1 for _ in table.rows)
        if not first or table.is_hidden:
            continue
        one = _detect_layout(table, first)
        same = next((i for i, other in enumerate(found) if other.titles == one.titles), None)
        if same is not None:
            found[same] = _join_layouts(found[same], one)
        elif len(found) < MOST and not (not one.known and found and len(one.titles) == len(found[-1].titles)):
            found.append(one)  # one without headings and as wide as the one above runs on over a page
    return FileLayouts(rows=rows, layouts=found)


def _join_layouts(one: Layout, other: Layout) -> Layout:
    return Layout(**{**_list_fields(one), "tables": [*one.tables, *other.tables][:MOST]})


def _list_fields(one: Layout) -> dict[str, Any]:
    return {name: getattr(one, name) for name in Layout.__struct_fields__}


def _detect_layout(table: Table, first: list[TableRow]) -> Layout:
    columns, before = headings.find_columns(iter(first))
    shown = [(row.number, [cell[:LONGEST] for cell in row.cells]) for row in first[:FIRST]]
    if columns is not None:
        at = len(before)
    else:
        shortlist = first[:FIRST]
        widths = [0 if row.has_spanning_cell else sum(bool(cell.strip()) for cell in row.cells) for row in shortlist]
        at = widths.index(max(widths))
    return _make_layout(table.name, first, shown, at, columns is not None)


def _make_layout(name: str, rows: list[TableRow], shown: list[tuple[int, list[str]]], at: int, known: bool) -> Layout:
    titles, uses = headings.recognise_headings(rows[at])
    below = rows[at + 1 : at + 1 + VALUES]
    values = [[row.cells[i][:60] for row in below if i < len(row.cells) and row.cells[i]] for i in range(len(titles))]
    return Layout(
        tables=[name] if name else [],
        titles=[*titles],
        uses=[*uses],
        known=known,
        head=rows[at].number,
        first=shown,
        values=values,
    )


def choose_heading_row(layout: Layout, number: int) -> Layout:
    """The same table with another of its first rows as headings; InvalidInput when there is no such row."""
    rows = [TableRow(n, tuple(cells)) for n, cells in layout.first]
    at = next((i for i, row in enumerate(rows) if row.number == number), None)
    if at is None:
        raise InvalidInput("没有这一行，请重新选择表头所在的行。", "There is no such row; choose the headings again.")
    made = _make_layout("", rows, layout.first, at, layout.known)
    return Layout(**{**_list_fields(made), "tables": layout.tables})


def make_mapping(layouts: list[Layout]) -> Mapping:
    """What the importer needs of them."""
    return {tuple(one.titles): tuple(one.uses) for one in layouts}  # type: ignore[arg-type]  # ``name_columns`` checked them


def name_columns(layout: Layout, uses: list[str]) -> Layout:
    """The layout with its columns named by a person; InvalidInput for a word that is none, or a kind twice."""
    if len(uses) != len(layout.titles) or any(use not in USES for use in uses):
        raise InvalidInput("栏目的选择有误，请重新选择。", "A column was named wrongly; choose again.")
    kinds = [use for use in uses if use in get_args(headings.Kind)]
    for kind in kinds:
        if kinds.count(kind) > 1:
            word = HEADINGS[kind][0]  # type: ignore[index]
            raise InvalidInput(
                f"有两栏都选作“{word}”，只能有一栏。", f"Two columns are both “{word}”; only one can be.", kind=kind
            )
    return Layout(**{**_list_fields(layout), "uses": uses})


def list_missing_headings(layout: Layout) -> list[str]:
    """The kinds without which its rows are no institutions, by their usual heading; none for a table left out."""
    if not set(layout.uses) - {"keep", "ignore"}:
        return []
    bank = any(use == "name" and "精子库" in title for use, title in zip(layout.uses, layout.titles, strict=True))
    return [HEADINGS[kind][0] for kind in REQUIRED if kind not in layout.uses and not (kind == "techniques" and bank)]
