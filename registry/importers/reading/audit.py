"""The findings about one file, collected to its end so that a person can mend all of them at once."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from registry.domain.model import ListChange
from registry.importers.reading.list_file import AuditLine, FileAnswer, FileQuestion, Level
from registry.storage.uploads.tables import Table
from registry.texts import FixedText, Message

#: Findings of one level that are listed; nobody mends more than that by hand.
MAX_FINDINGS = 200
#: What keys begin with that are about an institution outside the region of an account, not about a place in the file.
OUTSIDE = "outside."
_LEVELS: dict[Level, Message] = {
    "error": Message("错误", context="level"),
    "warning": Message("警告", context="level"),
    "info": Message("提示", context="level"),
}


class RowPlace(NamedTuple):
    """A row of a table."""

    table: Table
    row: int

    @property
    def key(self) -> str:
        """The place as questions name it."""
        return f"{self.table.number}.{self.row}"

    def format_label(self) -> Message:
        """表1第37行 / table 1, row 37; without the table when the file has only one."""
        if not self.table.name_en:
            return Message("第{row}行", row=self.row)
        return Message("{table}第{row}行", table=FixedText(self.table.name, self.table.name_en), row=self.row)

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


def make_line(
    level: Level, row: int | None, message: Message, cell: str | None = None, question: FileQuestion | None = None
) -> AuditLine:
    """A finding as reports keep it, in Chinese and in English."""
    chinese, english = message.get_both()
    return AuditLine(level=level, row=row, cell=cell, message=chinese, message_en=english, question=question)


class Audit:
    """Collects findings. ``limit`` of each level are listed, and a last line with the number of the others.

    ``answers`` are a person's, by the keys of questions; ``changes`` is what they change of the list.
    """

    def __init__(self, limit: int = MAX_FINDINGS, answers: Mapping[str, FileAnswer] | None = None) -> None:
        self._limit = limit
        self.answers: Mapping[str, FileAnswer] = answers or {}
        self.changes: list[ListChange] = []
        self._answered: set[str] = set()
        self._lines: list[AuditLine] = []
        self._counts = Counter[Level]()

    def add_finding(
        self,
        level: Level,
        place: RowPlace | None,
        cell: str | None,
        message: Message,
        question: FileQuestion | None = None,
    ) -> None:
        """Add one finding; its message begins with its place when the table has a name.

        An error that its question lets a person accept is a warning once it was accepted.
        """
        answer = self.find_answer(question.key) if question is not None and "accept" in question.choices else None
        if place is not None and answer is not None and answer.choice == "accept":
            self.add_change(place, "accepted", before=message, reason=answer.reason)
            level = "warning"
            message = Message("{message}（已接受，理由：{reason}）", message=message, reason=answer.reason)
        if place is not None and place.table.name:
            message = Message("{label}：{message}", label=place.format_label(), message=message)
        self.add_line(make_line(level, place.row if place is not None else None, message, cell, question))

    def find_answer(self, key: str) -> FileAnswer | None:
        """A person's answer about a place, and note that the place is there."""
        self._answered.add(key)
        return self.answers.get(key)

    def add_vain_answers(self) -> None:
        """Add a warning for each answer about a place that the file does not have, or that was not read."""
        for key in sorted(self.answers.keys() - self._answered):
            if not key.startswith(OUTSIDE):
                message = Message("对 {key} 的答复没有用上：文件中没有这一处，或所在的行没有导入", key=key)
                self.add_finding("warning", None, None, message)

    def add_change(
        self,
        place: RowPlace,
        what: Literal["corrected", "left_out", "taken", "accepted"],
        *,
        before: object = None,
        after: str | None = None,
        reason: str = "",
    ) -> None:
        """Note what is imported otherwise than the file has it."""
        self.changes.append(
            ListChange(
                place=str(place.format_label()),
                what=what,
                before=None if before is None else str(before),
                after=after,
                reason=reason or None,
            )
        )

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
            make_line(
                level, None, Message("还有 {more} 条{level}没有列出", more=count - self._limit, level=_LEVELS[level])
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
