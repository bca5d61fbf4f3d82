"""The findings about one list file, collected to the end so that a person can mend all of them at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from registry.importers.reading.list_file import AuditLine, Level
from registry.uploads.tables import Table

MOST = 200  # lines of one level; nobody mends more than that by hand
_LEVEL_ZH = {"error": "错误", "warning": "警告", "info": "提示"}


class RowPlace(NamedTuple):
    """Where in a file something stands; ``table`` gives its name to the message."""

    table: Table
    row: int

    def format_label(self) -> tuple[str, str]:
        """(表1第37行, table 1, row 37), or without the table when the file has just one."""
        zh, en = self.table.name, self.table.name_en
        return f"{zh}第{self.row}行", f"{en}, row {self.row}" if en else f"row {self.row}"

    def format_cell(self, title: str, column: int | None) -> str:
        """A heading, with the cell's name where cells have names: 运行情况 G37."""
        return (
            f"{title} {format_column_letters(column)}{self.row}"
            if self.table.has_cell_names and column is not None
            else title
        )


def format_column_letters(column: int) -> str:
    """The name of a column counted from 0: 0 -> A, 26 -> AA."""
    name, left = "", column + 1
    while left:
        left, digit = divmod(left - 1, 26)
        name = chr(ord("A") + digit) + name
    return name


class Audit:
    """Collects findings; ``most`` of each level are kept, and a last line says how many more there are."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._lines: list[AuditLine] = []
        self._counts = Counter[Level]()

    def add_finding(self, level: Level, place: RowPlace | None, cell: str | None, zh: str, en: str) -> None:
        """Keep one finding, with its place before the words when it is in a table with a name."""
        self._counts[level] += 1
        if self._counts[level] > self._most:
            return
        if place is not None and place.table.name:
            label_zh, label_en = place.format_label()
            zh, en = f"{label_zh}：{zh}", f"{label_en}: {en}"
        row = place.row if place is not None else None
        self._lines.append(AuditLine(level=level, row=row, cell=cell, message=zh, message_en=en))

    def add_line(self, line: AuditLine) -> None:
        """Keep a finding as it is, while there is room."""
        self._counts[line.level] += 1
        if self._counts[line.level] <= self._most:
            self._lines.append(line)

    @property
    def error_count(self) -> int:
        """How many errors there are, listed or not."""
        return self._counts["error"]

    def list_lines(self) -> tuple[AuditLine, ...]:
        """All findings kept, in the order found, then what was cut off."""
        cut = [
            AuditLine(
                level=level,
                row=None,
                cell=None,
                message=f"还有 {count - self._most} 条{_LEVEL_ZH[level]}没有列出",
                message_en=f"{count - self._most} more lines of level {level} are not listed",
            )
            for level, count in self._counts.items()
            if count > self._most
        ]
        return (*self._lines, *cut)


def shorten_audit(lines: Iterable[AuditLine], most: int = MOST) -> list[AuditLine]:
    """The first lines of each level, and a last one that says how many more there are."""
    short = Audit(most)
    for line in lines:
        short.add_line(line)
    return list(short.list_lines())
