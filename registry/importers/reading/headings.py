"""Which column of a table is which: headings in Chinese or English, wherever in the table they stand."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal, NamedTuple

from registry.importers.reading.audit import format_column_letters
from registry.importers.reading.cells import tidy_cell
from registry.uploads.tables import TableRow

Kind = Literal["province", "province_count", "no", "name", "address", "techniques", "stages", "ownership", "level"]

#: Headings as printed; the first of each is how messages call it.
HEADINGS: dict[Kind, tuple[str, ...]] = {
    "province": ("省份", "省", "省市", "省(区、市)", "省(自治区、直辖市)", "省、自治区、直辖市", "地区", "province"),
    "province_count": ("本省机构数", "机构数", "家数", "province_count"),
    "no": ("序号", "编号", "no", "no."),
    "name": (
        "医疗机构名称",
        "机构名称",
        "名称",
        "医疗机构",
        "单位名称",
        "医院名称",
        "人类精子库名称",
        "精子库名称",
        "设置人类精子库的医疗机构",
        "设置人类精子库医疗机构名称",
        "人类精子库",
        "name",
        "institution",
    ),
    "address": ("地址", "机构地址", "医疗机构地址", "执业地址", "详细地址", "address"),
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
    "ownership": ("所有制", "所有制形式", "经济类型", "ownership"),
    "level": ("等级", "级别", "医院等级", "医院级别", "机构等级", "level", "grade"),
}
REQUIRED: tuple[Kind, ...] = ("name", "address", "techniques", "stages")
#: By these a table is an edition that was published from here; its codes are another register's, or known already.
_OURS = frozenset({"编码", "行政区划代码", "运行情况说明"})
_NOT_KEPT = frozenset({"编码", "行政区划代码"})
_WITHIN = 30  # rows in which headings are looked for
_NOISE = re.compile(r"[\s_:：]+")


def _normalise_heading(text: str) -> str:
    return _NOISE.sub("", unicodedata.normalize("NFKC", text)).casefold()


_KINDS: dict[str, Kind] = {_normalise_heading(word): kind for kind, words in HEADINGS.items() for word in words}


class Columns(NamedTuple):
    """The columns of one table: its headings' row, where each kind stands, headings as printed, and any twice."""

    row: int
    positions: dict[Kind, int]
    titles: tuple[str, ...]
    repeated_titles: tuple[str, ...]
    ignored_positions: frozenset[int] = frozenset()  # columns that a person left out

    @property
    def missing_titles(self) -> list[str]:
        """Required headings the table does not have, by their first wording; none for the technique of sperm banks."""
        absent = [kind for kind in REQUIRED if kind not in self.positions]
        return [HEADINGS[k][0] for k in absent if not (k == "techniques" and self.is_sperm_bank_table)]

    @property
    def is_sperm_bank_table(self) -> bool:
        """Whether the names are sperm banks by their heading."""
        return "name" in self.positions and "精子库" in self.titles[self.positions["name"]]

    @property
    def other_columns(self) -> list[tuple[int, str]]:
        """Columns of no known kind, with a title for each; of our own editions without what follows from the rest."""
        known = {*self.positions.values(), *self.ignored_positions}
        if set(self.titles) >= _OURS:
            known |= {i for i, title in enumerate(self.titles) if title in _NOT_KEPT}
        return [(i, title or f"列{format_column_letters(i)}") for i, title in enumerate(self.titles) if i not in known]

    def get_title(self, kind: Kind) -> str:
        """The heading of a kind as printed here, or its usual wording."""
        return self.titles[self.positions[kind]] if kind in self.positions else HEADINGS[kind][0]

    def get_text(self, row: TableRow, kind: Kind) -> str:
        """What a row has under a kind, as printed; empty when it has no such cell."""
        i = self.positions.get(kind)
        return row.cells[i] if i is not None and i < len(row.cells) else ""

    def is_repeated_in(self, row: TableRow) -> bool:
        """Whether a row prints the headings again, as the top of each page may."""
        if tuple(tidy_cell(text) for text in row.cells) == self.titles:
            return True
        if _find_kind(self.get_text(row, "name")) != "name":
            return False
        return sum(_find_kind(self.get_text(row, kind)) == kind for kind in self.positions) >= 2


#: What a person says of a column: its kind, or that it is kept under its heading, or left out.
Use = Kind | Literal["keep", "ignore"]
#: Headings as printed -> what each column is, for tables whose columns a person named.
Mapping = dict[tuple[str, ...], tuple[Use, ...]]
_BY_NAME: dict[str, Kind] = {kind: kind for kind in HEADINGS}


def find_columns(rows: Iterator[TableRow], mapping: Mapping | None = None) -> tuple[Columns | None, list[TableRow]]:
    """The columns of a table, and the rows read before its headings; None when the first rows have no headings.

    Headings that ``mapping`` names are read as it says.
    """
    before: list[TableRow] = []
    for row in itertools.islice(rows, _WITHIN):
        columns = _read_columns(row)
        if mapping and (uses := mapping.get(columns.titles)) is not None:
            return _apply_mapping(columns, uses), before
        if len(columns.positions) >= 3 or (len(columns.positions) == 2 and "name" in columns.positions):
            return columns, before
        before.append(row)
    return None, before


@lru_cache(maxsize=4096)
def _find_kind(text: str) -> Kind | None:
    key = _normalise_heading(text)
    return _KINDS.get(key) or _KINDS.get(re.sub(r"\(.*\)$", "", key))


def _read_columns(row: TableRow) -> Columns:
    at: dict[Kind, int] = {}
    twice: list[str] = []
    for i, text in enumerate(row.cells):
        kind = _find_kind(text)
        if kind is not None and kind in at:
            twice.append(tidy_cell(text))
        elif kind is not None:
            at[kind] = i
    return Columns(row.number, at, tuple(tidy_cell(text) for text in row.cells), tuple(twice))


def _apply_mapping(columns: Columns, uses: tuple[Use, ...]) -> Columns:
    """The columns as a person named them."""
    at: dict[Kind, int] = {}
    twice: list[str] = []
    for i, use in enumerate(uses):
        kind = _BY_NAME.get(use)
        if kind is not None and kind in at:
            twice.append(columns.titles[i])
        elif kind is not None:
            at[kind] = i
    ignored = frozenset(i for i, use in enumerate(uses) if use == "ignore")
    return columns._replace(positions=at, repeated_titles=tuple(twice), ignored_positions=ignored)


def recognise_headings(row: TableRow) -> tuple[tuple[str, ...], tuple[Use, ...]]:
    """The cells of a row as headings, and what each column would be taken for: ``keep`` where nobody knows the word."""
    columns = _read_columns(row)
    uses: list[Use] = ["keep"] * len(columns.titles)
    for kind, i in columns.positions.items():
        uses[i] = kind
    return columns.titles, tuple(uses)
