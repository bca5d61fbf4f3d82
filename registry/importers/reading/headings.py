"""The headings of a list in Chinese or English, the columns they name, and their uses, which a person may change."""

import itertools
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from registry.domain.fields import FIELDS, LISTED
from registry.domain.model import Struct
from registry.domain.normalise import fold_heading
from registry.errors import InvalidInput
from registry.importers.reading import file_tables
from registry.importers.reading.audit import format_column_letters
from registry.importers.reading.cells import tidy_cell
from registry.storage.uploads.table_head import HeadingSearch
from registry.storage.uploads.tables import Table, TableRow
from registry.texts import Message

#: What a column is: ``province``, ``province_count``, ``no``, ``techniques``, ``stages``, or the name of a field.
Kind = str

#: Headings as printed; messages use the first of each.
HEADINGS: dict[Kind, tuple[str, ...]] = {
    "province": ("省份", "省", "省市", "省(区、市)", "省(自治区、直辖市)", "省、自治区、直辖市", "地区", "province"),
    "province_count": ("本省机构数", "机构数", "家数", "province_count"),
    "no": ("序号", "编号", "no", "no."),
    **{field.name: field.headings for field in FIELDS if field.headings and field.required},
    "techniques": (
        "批准开展的技术",
        "批准开展技术",
        "批准技术",
        "批准项目",
        "批准开展的项目",
        "批准开展的辅助生殖技术",
        "批准开展的人类辅助生殖技术",
        "开展技术",
        "技术项目",
        "技术",
        "techniques",
        "technique",
    ),
    "stages": ("运行情况", "运行状态", "运行阶段", "阶段", "状态", "stages", "stage", "status"),
    **{field.name: field.headings for field in LISTED},
    "document_no": ("批准文号", "批准文件文号", "批文号", "批复文号", "批准文件", "document_no"),
    "authority": ("批准机关", "审批机关", "批准部门", "审批部门", "authority"),
    "valid_from": ("批准日期", "批准时间", "批准日", "有效期起", "valid_from"),
    "verification_due": ("校验有效期至", "校验期至", "校验到期日", "下次校验日期", "有效期至", "verification_due"),
    "code": ("名录编码",),
}
#: What a list may print of an approval besides its stage.
DETAILS: tuple[Kind, ...] = ("document_no", "authority", "valid_from", "verification_due")
REQUIRED: tuple[Kind, ...] = ("name", "address", "techniques", "stages")
#: Kinds that other tables have, too: they do not make a table a list.
_AMONG_OTHERS = frozenset({*DETAILS, "code", "uscc", "practice_licence_no"})
#: Headings by which a table is an edition of a register like this one.
_OF_EDITIONS = frozenset({"编码", "行政区划代码", "运行情况说明"})
#: Columns of such an edition that are left out: codes of another register, or known already.
_LEFT_OUT = frozenset({"编码", "行政区划代码"})
#: Signs in headings that do not count.
_MARKS = "_:"
_KINDS: dict[str, Kind] = {fold_heading(word, _MARKS): kind for kind, words in HEADINGS.items() for word in words}


class Columns(NamedTuple):
    """The columns of a table: the number of its row of headings, positions by kind, headings as printed."""

    row: int
    positions: dict[Kind, int]
    titles: tuple[str, ...]
    repeated_titles: tuple[str, ...]
    ignored_positions: frozenset[int] = frozenset()  # columns that a person left out
    hidden_positions: frozenset[int] = frozenset()

    @property
    def missing_titles(self) -> list[str]:
        """See ``list_missing_titles``."""
        return list_missing_titles({kind: self.titles[position] for kind, position in self.positions.items()})

    @property
    def other_columns(self) -> list[tuple[int, str]]:
        """Positions and titles of columns of no known kind."""
        known = {*self.positions.values(), *self.ignored_positions}
        if set(self.titles) >= _OF_EDITIONS:
            known |= {i for i, title in enumerate(self.titles) if title in _LEFT_OUT}
        return [(i, title or f"列{format_column_letters(i)}") for i, title in enumerate(self.titles) if i not in known]

    def get_title(self, kind: Kind) -> str:
        """The heading of a kind as printed, or its usual wording."""
        return self.titles[self.positions[kind]] if kind in self.positions else HEADINGS[kind][0]

    def get_text(self, row: TableRow, kind: Kind) -> str:
        """The cell of a kind in a row, as printed; empty when there is none."""
        position = self.positions.get(kind)
        return row.cells[position] if position is not None and position < len(row.cells) else ""

    def is_repeated_in(self, row: TableRow) -> bool:
        """Whether a row repeats the headings, as the top of a page may."""
        if tuple(tidy_cell(text) for text in row.cells) == self.titles:
            return True
        if _find_kind(self.get_text(row, "name")) != "name":
            return False
        return sum(_find_kind(self.get_text(row, kind)) == kind for kind in self.positions) >= 2


#: What a column is used for: its kind, or kept under its heading (``keep``), or left out (``ignore``).
Use = str
#: The uses of columns by the headings as printed, for tables whose columns a person named.
Mapping = dict[tuple[str, ...], tuple[Use, ...]]
_BY_NAME: dict[str, Kind] = {kind: kind for kind in HEADINGS}


def list_missing_titles(printed: dict[Kind, str]) -> list[str]:
    """The usual wordings of required headings that are missing; ``printed`` are those a table has.

    A table whose names are sperm banks by their heading needs none of the techniques.
    """
    is_sperm_bank_table = "精子库" in printed.get("name", "")
    missing = [kind for kind in REQUIRED if kind not in printed]
    return [HEADINGS[kind][0] for kind in missing if not (kind == "techniques" and is_sperm_bank_table)]


def find_columns(rows: Iterator[TableRow], mapping: Mapping | None = None) -> tuple[Columns | None, list[TableRow]]:
    """The columns of a table, None when its first rows have no headings; and the rows read before the headings.

    ``mapping`` tells the uses of columns by their headings.
    """

    def recognise(row: TableRow) -> Columns | None:
        columns = _read_columns(row)
        if mapping and (uses := mapping.get(columns.titles)) is not None:
            return _apply_mapping(columns, uses)
        known = columns.positions.keys() - _AMONG_OTHERS
        return columns if len(known) >= 3 or (len(known) == 2 and "name" in known) else None

    search = HeadingSearch(recognise)
    while not search.is_over and (row := next(rows, None)) is not None:
        search.search_row(row)
    return search.found, search.before


@lru_cache(maxsize=4096)
def _find_kind(text: str) -> Kind | None:
    key = fold_heading(text, _MARKS)
    return _KINDS.get(key) or _KINDS.get(re.sub(r"\(.*\)$", "", key))


def _read_columns(row: TableRow) -> Columns:
    titles = tuple(tidy_cell(text) for text in row.cells)
    is_edition = set(titles) >= _OF_EDITIONS
    kinds = ("code" if is_edition and title == "编码" else _find_kind(title) for title in titles)
    hidden = frozenset(mark.column for mark in row.marks if mark.kind == "hidden_column" and mark.column is not None)
    return _make_columns(row.number, titles, kinds)._replace(hidden_positions=hidden)


def _apply_mapping(columns: Columns, uses: tuple[Use, ...]) -> Columns:
    """The columns as a person named them."""
    ignored = frozenset(i for i, use in enumerate(uses) if use == "ignore")
    named = _make_columns(columns.row, columns.titles, map(_BY_NAME.get, uses))
    return named._replace(ignored_positions=ignored, hidden_positions=columns.hidden_positions)


def _make_columns(row: int, titles: tuple[str, ...], kinds: Iterable[Kind | None]) -> Columns:
    positions: dict[Kind, int] = {}
    repeated: list[str] = []
    for i, kind in enumerate(kinds):
        if kind is not None and positions.setdefault(kind, i) != i:
            repeated.append(titles[i])
    return Columns(row, positions, titles, tuple(repeated))


def recognise_headings(row: TableRow) -> tuple[tuple[str, ...], tuple[Use, ...]]:
    """The cells of a row as headings, and the use of each column: ``keep`` for an unknown heading."""
    columns = _read_columns(row)
    uses: list[Use] = ["keep"] * len(columns.titles)
    for kind, position in columns.positions.items():
        uses[position] = kind
    return columns.titles, tuple(uses)


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
    columns, before = find_columns(iter(first))
    shown = [(row.number, [cell[:CELL_LENGTH] for cell in row.cells]) for row in first[:FIRST]]
    if columns is not None:
        return _make_layout(table.name, first, shown, len(before), True)
    counts = [0 if row.has_spanning_cell else sum(map(bool, map(str.strip, row.cells))) for row in first[:FIRST]]
    return _make_layout(table.name, first, shown, counts.index(max(counts)), False)  # the fullest row


def _make_layout(name: str, rows: list[TableRow], shown: list[tuple[int, list[str]]], head: int, known: bool) -> Layout:
    titles, uses = recognise_headings(rows[head])
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
    return list_missing_titles(dict(zip(layout.uses, layout.titles, strict=True)))
