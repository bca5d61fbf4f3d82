"""What of a file of claims is read and what is not, named for people and for programs."""

from __future__ import annotations

from urllib.parse import quote

from registry.batch.columns import ClaimColumns
from registry.storage.uploads.tables import Table
from registry.texts import FixedText, Listing, Message

#: Columns that are named; of the others only their number is said.
_NAMED = 50
#: Characters of a heading that are repeated.
_LENGTH = 60
UNDERSTOOD, IGNORED, SKIPPED = "X-Columns-Understood", "X-Columns-Ignored", "X-Rows-Skipped"


class ColumnNotes:
    """The columns that are understood (heading, field) and ignored (heading, heading that it resembles).

    ``skipped_rows`` stand above the headings; ``unread_tables`` are named with the reason.
    """

    def __init__(self) -> None:
        self.understood: list[tuple[str, str]] = []
        self.ignored: list[tuple[str, str | None]] = []
        self.skipped_rows = 0
        self.unread_tables: list[Message] = []

    def add_columns(self, columns: ClaimColumns) -> None:
        """Add the columns of the first table."""
        self.understood, self.ignored = columns.list_understood(), columns.list_ignored()

    def add_unread_table(self, table: Table, reason: Message) -> None:
        """Add a table that is not read."""
        name = FixedText(table.name, table.name_en)
        self.unread_tables.append(Message("{name}（{reason}）", name=name, reason=reason))

    def list_messages(self) -> list[Message]:
        """The sentences for people; none for a file without columns."""
        messages: list[Message] = []
        if self.understood:
            columns = [f"{heading[:_LENGTH]} = {field}" for heading, field in self.understood]
            messages.append(Message("已读的列：{columns}。", columns=Listing(columns)))
        if self.ignored:
            ignored = [_describe_ignored(heading, near) for heading, near in self.ignored[:_NAMED]]
            messages.append(Message("未用的列：{columns}。", columns=Listing(ignored)))
        if len(self.ignored) > _NAMED:
            messages.append(Message("另有{count}列未用。", count=len(self.ignored) - _NAMED))
        if self.skipped_rows:
            messages.append(Message("列名之上的{count}行未核验。", count=self.skipped_rows))
        if self.unread_tables:
            messages.append(Message("未读：{tables}。", tables=Listing(self.unread_tables)))
        return messages

    def make_headers(self) -> dict[str, str]:
        """The same for programs: headings in percent-encoded UTF-8, as a header holds ASCII only."""
        headers: dict[str, str] = {}
        if self.understood:
            headers[UNDERSTOOD] = ", ".join(f"{field}={_encode(heading)}" for heading, field in self.understood)
        if self.ignored:
            ignored = self.ignored[:_NAMED]
            more = [f"+{len(self.ignored) - _NAMED}"] if len(self.ignored) > _NAMED else []
            named = (_encode(heading) + (f";near={_encode(near)}" if near else "") for heading, near in ignored)
            headers[IGNORED] = ", ".join([*named, *more])
        if self.skipped_rows:
            headers[SKIPPED] = str(self.skipped_rows)
        return headers


def _describe_ignored(heading: str, near: str | None) -> Message:
    if near is None:
        return FixedText(heading[:_LENGTH])
    return Message("{heading}（是否应为“{near}”？）", heading=heading[:_LENGTH], near=near)


def _encode(heading: str) -> str:
    return quote(heading[:_LENGTH], safe="", errors="replace")
