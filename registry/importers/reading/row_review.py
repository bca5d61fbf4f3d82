"""Rows before they are read: what the file says of them beside their text, and what a person answered about it.

A row that is hidden, filtered out, struck through or deleted under revision is neither imported nor dropped without
somebody's word, and what does not belong to a cell (hidden words, the mark of a footnote) is not part of a name: each
is an error of the audit with a question, until it is answered.
"""

import re
import unicodedata

from registry.importers.people.columns import find_personal_data
from registry.importers.reading.audit import Audit, RowPlace
from registry.importers.reading.cells import tidy_cell
from registry.importers.reading.headings import Columns, Kind
from registry.importers.reading.list_file import FileQuestion
from registry.storage.uploads.tables import Table, TableRow
from registry.texts import Message

_STARS = "*＊※†‡★☆△▲◆◇"
#: The mark of a footnote at either end of a cell; numbers in brackets and circles only where they can be nothing else.
_MARK_BEFORE = re.compile(rf"^[{_STARS}]+\s*")
_MARK_AFTER = re.compile(rf"\s*(?:[{_STARS}]+|[¹²³⁰⁴-⁹]+)$")
_NUMBER_AFTER = re.compile(r"\s*(?:[①-⑳]+|[\[［〔【(（]\s*(?:注\s*\d*|\d{1,2})\s*[\]］〕】)）])$")
_MARKED: tuple[Kind, ...] = ("name", "address", "techniques", "stages", "province")
_NUMBERED: tuple[Kind, ...] = ("name", "techniques", "stages")
#: The cells of which one struck through makes a row doubtful as a whole.
_TELLING: tuple[Kind, ...] = ("name", "address", "techniques")
_NO_CHARACTER = "\ufffd"
#: In place of a cell with a telephone number and the like, since changes are published.
_NOT_PUBLIC = "（略）"

_LEFT_OUT = Message("按答复没有导入：{text}")
_OF_ROWS = {
    "hidden": Message("这一行被隐藏，是否导入须由您决定"),
    "filtered": Message("这一行被筛选隐藏，是否导入须由您决定"),
    "deleted": Message("这一行在修订中已删去，是否导入须由您决定"),
    "moved": Message("这一行在修订中已移到别处，是否在此处也导入须由您决定"),
    "inserted": Message("这一行是修订中新增的，是否导入须由您决定"),
    "struck": Message("这一行有删除线，是否导入须由您决定"),
}
_OF_CELLS = {
    "struck": Message("“{text}”有删除线，请确定用哪些文字"),
    "hidden_text": Message("“{text}”中有隐藏文字，请确定用哪些文字"),
    "footnote": Message("“{text}”带有注释标记，请确定用哪些文字"),
    "cell_deleted": Message("“{text}”所在单元格在修订中已删去，请确定用哪些文字"),
    "cell_inserted": Message("“{text}”所在单元格是修订中新增的，请确定用哪些文字"),
    "private_use": Message("“{text}”中有通行字符集以外的字（自造字），请改成通行的字，没有的写作〓"),
}


class RowReview:
    """Reviews the rows of a file in order, with the answers that the audit holds."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit
        self._above: dict[int, str] = {}  # texts put into cells of the row above, by column

    def review_sheet(self, table: Table, row: int) -> bool:
        """Whether a hidden sheet is read: a question, until a person answered it."""
        place, key = RowPlace(table, row), f"{table.number}.sheet"
        question = FileQuestion(key=key, kind="hidden_sheet", choices=("take", "leave"))
        message = Message("隐藏的工作表中有名单，是否读取须由您决定")
        answer = self._audit.find_answer(key)
        self._audit.add_finding("info" if answer else "error", place, None, message, question)
        is_read = answer is not None and answer.choice == "take"
        if answer is not None:
            self._audit.add_change(place, "taken" if is_read else "left_out", before=message, reason=answer.reason)
        return is_read

    def review_columns(self, table: Table, columns: Columns) -> Columns:
        """The columns without those hidden in the file that a person left out; a question for each other of these."""
        for position in sorted(columns.hidden_positions - columns.ignored_positions):
            place, key = RowPlace(table, columns.row), f"{table.number}.column{position}"
            title = columns.titles[position]
            message = Message("“{title}”一列被隐藏，是否导入须由您决定", title=title)
            answer = self._audit.find_answer(key)
            if answer is not None and answer.choice == "leave":
                self._audit.add_change(place, "left_out", before=title, reason=answer.reason)
                question = FileQuestion(key=key, kind="hidden_column", choices=("leave",))
                self._audit.add_finding("info", place, title, _LEFT_OUT.fill_in(text=title), question)
                positions = {kind: at for kind, at in columns.positions.items() if at != position}
                ignored = columns.ignored_positions | {position}
                columns = columns._replace(positions=positions, ignored_positions=ignored)
                continue
            question = FileQuestion(key=key, kind="hidden_column", choices=("take", "leave"))
            if answer is not None:
                self._audit.add_change(place, "taken", before=message, reason=answer.reason)
            self._audit.add_finding("info" if answer else "error", place, title, message, question)
        return columns

    def review_row(self, table: Table, columns: Columns, row: TableRow) -> tuple[TableRow, bool]:
        """(the row as it is to be read, whether it is left out)."""
        place, name = RowPlace(table, row.number), columns.get_text(row, "name").strip()
        kind = _find_row_kind(columns, row)
        answer = self._audit.find_answer(place.key)
        if answer is not None and answer.choice == "leave":
            described = _describe_row(columns, row)
            self._audit.add_change(place, "left_out", before=described, reason=answer.reason)
            question = FileQuestion(key=place.key, kind="row_left", choices=("leave",))
            self._audit.add_finding("info", place, None, _LEFT_OUT.fill_in(text=described), question)
            return row, True
        if kind is not None:
            message = _OF_ROWS[kind]
            if name:
                message = Message("{label}：{message}", label=tidy_cell(name), message=message)
            question = FileQuestion(key=place.key, kind=f"row_{kind}", choices=("take", "leave"))
            if answer is None:
                self._audit.add_finding("error", place, None, message, question)
                if kind == "moved":  # it stands elsewhere, too
                    return row, True
            else:
                self._audit.add_change(place, "taken", before=_OF_ROWS[kind], reason=answer.reason)
                self._audit.add_finding("info", place, None, message, question)
        cells = list(row.cells)
        texts = {i: text for i, text in self._above.items() if i in row.merged_columns}
        for i in range(len(cells)):
            if i not in columns.ignored_positions and i not in row.merged_columns:
                text = self._review_cell(place, columns, row, i, is_row_marked=kind in ("struck", "deleted", "moved"))
                if text != row.cells[i]:
                    texts[i] = text
        self._above = texts
        for i, text in texts.items():
            if i < len(cells):
                cells[i] = text
        return row._replace(cells=tuple(cells)), False

    def _review_cell(
        self, place: RowPlace, columns: Columns, row: TableRow, column: int, *, is_row_marked: bool
    ) -> str:
        """The text of a cell as a person corrected it; with an open question, as it is proposed."""
        printed, key = row.cells[column], f"{place.key}.{column}"
        answer = self._audit.find_answer(key)
        title = columns.titles[column] if column < len(columns.titles) else ""
        cell = place.format_cell(title, column)
        if answer is not None and answer.choice == "text":
            question = make_cell_question(place, column, "corrected", printed)
            message = Message("按答复读作“{text}”", text=answer.text)
            self._audit.add_finding("info", place, cell, message, question)
            if answer.text != printed:
                before = _NOT_PUBLIC if find_personal_data(printed, None) else tidy_cell(printed)
                self._audit.add_change(
                    place,
                    "corrected",
                    before=f"{title} {before}".strip(),
                    after=answer.text,
                    reason=answer.reason,
                )
            found = [("private_use", answer.text)] if has_private_use(answer.text) else []
            printed = answer.text
        else:
            found = list(_find_doubts(columns, row, column))
            if is_row_marked:
                found = [(kind, text) for kind, text in found if kind != "struck"]
        for mark in row.marks:
            if (mark.kind, mark.column) == ("revised", column) and answer is None:
                question = make_cell_question(place, column, "revised", printed)
                message = Message("有修订痕迹，按修订后的文字读取；修订前为“{text}”", text=tidy_cell(mark.text))
                self._audit.add_finding("warning", place, cell, message, question)
        if not found:
            return printed
        kind, text = found[0][0], found[-1][1]
        question = make_cell_question(place, column, kind, printed, tidy_cell(text))
        self._audit.add_finding("error", place, cell, _OF_CELLS[kind].fill_in(text=tidy_cell(printed)), question)
        return text or printed


def make_cell_question(
    place: RowPlace, column: int, kind: str, text: str, suggestion: str | None = None
) -> FileQuestion:
    """What may be answered about a cell: another text, or to leave its row out."""
    return FileQuestion(
        key=f"{place.key}.{column}", kind=kind, choices=("text", "leave"), text=tidy_cell(text), suggestion=suggestion
    )


def has_private_use(text: str) -> bool:
    """Whether a text has characters that mean something on one computer only, or none at all."""
    return _NO_CHARACTER in text or (
        not text.isprintable() and any(unicodedata.category(character) == "Co" for character in text)
    )


def _find_row_kind(columns: Columns, row: TableRow) -> str | None:
    """Why a whole row is doubtful; None where it is not."""
    for mark in row.marks:
        if mark.column is None:
            return mark.kind
    struck = {mark.column for mark in row.marks if mark.kind == "struck" and not mark.text.strip()}
    telling = {columns.positions[kind] for kind in _TELLING if kind in columns.positions}
    return "struck" if struck & telling else None


def _find_doubts(columns: Columns, row: TableRow, column: int) -> list[tuple[str, str]]:
    """(kind, text proposed instead) for what of a cell may not belong to it."""
    text, kinds = row.cells[column], {kind for kind, i in columns.positions.items() if i == column}
    found = [(mark.kind, mark.text) for mark in row.marks if mark.column == column and mark.kind in _OF_CELLS]
    shown = found[-1][1] if found else text
    if kinds & set(_MARKED):
        plain = _MARK_BEFORE.sub("", _MARK_AFTER.sub("", shown.strip()))
        if kinds & set(_NUMBERED):
            plain = _NUMBER_AFTER.sub("", plain)
        if plain != shown.strip() and plain:
            found.append(("footnote", plain))
    if has_private_use(text):
        found.append(("private_use", shown))
    return found


def _describe_row(columns: Columns, row: TableRow) -> str:
    """Name and address of a row: other cells may hold what is not for the public."""
    return " ".join(filter(None, (tidy_cell(columns.get_text(row, kind)) for kind in ("name", "address"))))[:300]
