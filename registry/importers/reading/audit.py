"""The findings about one file, collected to its end so that a person can mend all of them at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from registry.importers.reading.list_file import AuditLine, Level
from registry.uploads.tables import Table

#: Findings of one level that are listed; nobody mends more than that by hand.
MAX_FINDINGS = 200
_LEVEL_ZH = {"error": "错误", "warning": "警告", "info": "提示"}


class RowPlace(NamedTuple):
    """A row of a table."""

    table: Table
    row: int

    def format_label(self) -> tuple[str, str]:
        """(表1第37行, table 1, row 37), without the table when the file has only one."""
        zh, en = self.table.name, self.table.name_en
        return f"{zh}第{self.row}行", f"{en}, row {self.row}" if en else f"row {self.row}"

    def format_cell(self, title: str, column: int | None) -> str:
        """A heading, with the name of the cell where cells have names: 运行情况 G37."""
        return (
            f"{title} {format_column_letters(column)}{self.row}"
            if self.table.has_cell_names and column is not None
            else title
        )


def format_column_letters(column: int) -> str:
    """The name of a column counted from 0: 0 -> A, 26 -> AA."""
    name, rest = "", column + 1
    while rest:
        rest, digit = divmod(rest - 1, 26)
        name = chr(ord("A") + digit) + name
    return name


class Audit:
    """Collects findings. ``limit`` of each level are listed, and a last line with the number of the others."""

    def __init__(self, limit: int = MAX_FINDINGS) -> None:
        self._limit = limit
        self._lines: list[AuditLine] = []
        self._counts = Counter[Level]()

    def add_finding(self, level: Level, place: RowPlace | None, cell: str | None, zh: str, en: str) -> None:
        """Add one finding; its message begins with its place when the table has a name."""
        if place is not None and place.table.name:
            label_zh, label_en = place.format_label()
            zh, en = f"{label_zh}：{zh}", f"{label_en}: {en}"
        row = place.row if place is not None else None
        self.add_line(AuditLine(level=level, row=row, cell=cell, message=zh, message_en=en))

    def add_line(self, line: AuditLine) -> None:
        """Add a finding as it is."""
        self._counts[line.level] += 1
        if self._counts[line.level] <= self._limit:
            self._lines.append(line)

    @property
    def error_count(self) -> int:
        """The number of errors, listed or not."""
        return self._counts["error"]

    def list_lines(self) -> tuple[AuditLine, ...]:
        """The listed findings in their order, then for each level the number of those that are not."""
        omitted = [
            AuditLine(
                level=level,
                row=None,
                cell=None,
                message=f"还有 {count - self._limit} 条{_LEVEL_ZH[level]}没有列出",
                message_en=f"{count - self._limit} more lines of level {level} are not listed",
            )
            for level, count in self._counts.items()
            if count > self._limit
        ]
        return (*self._lines, *omitted)


def shorten_audit(lines: Iterable[AuditLine], limit: int = MAX_FINDINGS) -> list[AuditLine]:
    """The first findings of each level, and a last line with the number of the others."""
    audit = Audit(limit)
    for line in lines:
        audit.add_line(line)
    return list(audit.list_lines())
