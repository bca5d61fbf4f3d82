"""Files of people or advertising certificates read into rows; personal data that the register does not take is refused.

Findings name table, row and column, and never repeat the content of a cell: not everybody who reads them may see it.
"""

import datetime as dt
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from registry.domain.identifiers import compute_certificate_expiry, format_certificate, parse_certificate
from registry.domain.model import Struct
from registry.domain.techniques import TechniqueCode, find_printed_technique
from registry.errors import InvalidInput
from registry.importers.people import columns, supervision_rows
from registry.importers.people.columns import COLUMNS, EXAMPLE, HEADINGS, TECHNIQUE_COLUMNS, Column, PeopleKind
from registry.importers.reading import file_tables
from registry.importers.reading.audit import Audit, RowPlace
from registry.importers.reading.cells import tidy_cell
from registry.storage.uploads.tables import Table, TableRow
from registry.texts import Listing, Message

_NAME = re.compile(r"[^\W\d_]+(?:[·•. ][^\W\d_]+)*")
_WITHIN = 10  # rows in which headings are looked for


class PersonRow(Struct, frozen=True):
    """One row: what names its institution, and what it states; a certificate's number is masked."""

    row: int
    table: str
    code: str
    uscc: str
    institution: str
    address: str
    stated: dict[str, Any]


class PeopleFile(Struct, frozen=True):
    """The rows of a whole file, examples left out, and its findings."""

    rows: list[PersonRow]
    audit: Audit


def read_people_file(
    path: Path, kind: PeopleKind, progress: file_tables.Progress | None = None, limit: int = 10_000
) -> PeopleFile:
    """Read a file of one kind; UnreadableFile when it has no tables, everything else goes to the audit.

    ``limit``: findings of each level that are listed.
    """
    reader = _PeopleReader(kind, limit)
    for n, table in enumerate(file_tables.read_tables(path, progress), start=1):
        chinese, english = Message("表{number}", number=n).get_both()
        named = table._replace(name=chinese, name_en=english) if table.name else table
        reader.read_table(named)  # a sheet may be called by somebody's name
    if not reader.has_headings:
        expected = "、".join(HEADINGS[column][0] for column in ("institution", *_list_required_columns(kind)))
        message = Message("找不到表头（{expected}），请用模板", expected=expected)
        reader.audit.add_finding("error", None, None, message)
    elif not reader.rows and not reader.audit.error_count:
        reader.audit.add_finding("error", None, None, Message("表头下面没有可导入的行"))
    return PeopleFile(rows=reader.rows, audit=reader.audit)


def _list_required_columns(kind: PeopleKind) -> tuple[Column, ...]:
    return _REQUIRED[kind]


_REQUIRED: dict[PeopleKind, tuple[Column, ...]] = {
    "practitioners": ("name", "role"),
    "ad_certificates": ("number",),
    "supervision": ("supervision_kind", "held_on", "result"),
    "sanctions": ("sanction_kind", "authority", "document_no", "decided_on"),
}


class _PeopleReader:
    """Reads the tables of one file."""

    def __init__(self, kind: PeopleKind, limit: int) -> None:
        self.kind, self.audit = kind, Audit(limit)
        self.rows: list[PersonRow] = []
        self.has_headings = False
        self._allowed = {*COLUMNS[kind], *(("techniques",) if kind == "practitioners" else ())}

    def read_table(self, table: Table) -> None:
        """Read one table. One without headings, or hidden, is only searched for personal data."""
        if table.is_hidden:
            message = Message("有隐藏的工作表，没有读取；要导入请先取消隐藏")
            self.audit.add_finding("warning", None, None, message)
        columns_at: dict[int, Column] | None = None
        for n, row in enumerate(table.rows):
            if columns_at is None and n < _WITHIN and not table.is_hidden:
                columns_at = self._read_headings(table, row)
                if columns_at is not None:
                    self.has_headings = True
                    continue
            place = RowPlace(table, row.number)
            is_clean = self._check_personal_data(place, row, columns_at or {})
            if columns_at is not None and is_clean:
                self._read_row(place, row, columns_at)

    def _read_headings(self, table: Table, row: TableRow) -> dict[int, Column] | None:
        """The columns of a row of headings; None for any other row."""
        known = {
            i: column for i, cell in enumerate(row.cells) if (column := columns.find_column(cell)) in self._allowed
        }
        if len(known) < 3 and not ({"institution", "code"} & set(known.values()) and len(known) > 1):
            return None
        place = RowPlace(table, row.number)
        for i, cell in enumerate(row.cells):
            name = place.format_cell("", i).strip()
            if columns.BIRTH.search(cell):
                self.audit.add_finding("error", place, name, Message("不收出生日期，请删去这一栏"))
            elif cell.strip() and i not in known:
                self.audit.add_finding("error", place, name, Message("不认识的栏目，请用模板的栏目"))
        present = [column for column in known.values() if column is not None]
        for column in present:
            if present.count(column) > 1:
                self.audit.add_finding("error", place, HEADINGS[column][0], Message("这一栏出现两次"))
        for column in _list_required_columns(self.kind):
            if column not in present:
                self.audit.add_finding("error", place, HEADINGS[column][0], Message("缺少这一栏"))
        return {i: column for i, column in known.items() if column is not None}

    def _check_personal_data(self, place: RowPlace, row: TableRow, columns_at: dict[int, Column]) -> bool:
        """Whether the row is free of personal data that the register does not take."""
        is_clean = True
        for i, cell in enumerate(row.cells):
            found = columns.find_personal_data(cell, columns_at.get(i)) if cell.strip() else None
            if found is not None:
                title = HEADINGS[columns_at[i]][0] if i in columns_at else ""
                where = place.format_cell(title, i).strip()
                self.audit.add_finding(
                    "error", place, where, Message("这一格像是{what}，请删去；名录不收", what=columns.WORDS[found])
                )
                is_clean = False
        return is_clean

    def _read_row(self, place: RowPlace, row: TableRow, columns_at: dict[int, Column]) -> None:
        cells = {column: tidy_cell(row.cells[i]) for i, column in columns_at.items() if i < len(row.cells)}
        if not any(cells.values()):
            return
        if any(EXAMPLE in text for text in cells.values()):
            self.audit.add_finding("info", place, None, Message("示例行，已跳过"))
            return
        row_cells = RowCells(self.audit, place, cells, {column: i for i, column in columns_at.items()})
        before = self.audit.error_count
        values = _READERS[self.kind](row_cells)
        is_named = cells.get("code") or cells.get("uscc") or cells.get("institution")
        if not is_named and self.kind != "sanctions":  # which may be of somebody who is in no list
            row_cells.add_finding("institution", Message("没有写明机构（编码、信用代码或名称）"))
        if self.audit.error_count == before:
            institution = {column: cells.get(column, "") for column in ("code", "uscc", "institution", "address")}
            if self.kind == "sanctions":  # of somebody else it is what is stated
                institution["uscc"] = ""
            self.rows.append(PersonRow(row=place.row, table=place.table.name, stated=values, **institution))


class RowCells:
    """The cells of one row by column; what is wrong with one goes to the audit."""

    def __init__(self, audit: Audit, place: RowPlace, cells: dict[Column, str], positions: dict[Column, int]) -> None:
        self._audit, self._place, self._cells, self._positions = audit, place, cells, positions

    def get_text(self, column: Column) -> str:
        """Return the text of a cell."""
        return self._cells.get(column, "")

    def add_finding(self, column: Column, message: Message, level: Any = "error") -> None:
        """Note what is wrong with a cell."""
        self._audit.add_finding(
            level, self._place, self._place.format_cell(HEADINGS[column][0], self._positions.get(column)), message
        )

    def read_day(self, column: Column) -> dt.date | None:
        """Read a day; what is none goes to the audit."""
        if not self.get_text(column):
            return None
        try:
            return columns.parse_day(self.get_text(column))
        except InvalidInput as error:
            self.add_finding(column, error.message)
            return None

    def read_choice(self, column: Column, words: tuple[str, ...]) -> str | None:
        """Read one of some words; any other goes to the audit."""
        text = self.get_text(column)
        if text and text not in words:
            self.add_finding(column, Message("应为：{words}", words=Listing(words)))
        return text or None

    def read_period(self) -> dict[str, Any]:
        """Read the first and the last day."""
        start, end = self.read_day("valid_from"), self.read_day("valid_to")
        if start and end and end < start:
            self.add_finding("valid_to", Message("截止日早于起始日"))
        days = {"valid_from": start, "valid_to": end}
        return {name: day.isoformat() for name, day in days.items() if day is not None}


def _read_person(cells: RowCells) -> dict[str, Any]:
    name = cells.get_text("name")
    if not (2 <= len(name) <= 40 and _NAME.fullmatch(name)):
        cells.add_finding("name", Message("姓名须为2至40个字，不含数字和符号"))
    role = cells.read_choice("role", columns.ROLES)
    if role is None:
        cells.add_finding("role", Message("没有职务"))
    values: dict[str, Any] = {"name": name, "role": role}
    techniques = _read_techniques(cells)
    if techniques:
        values["techniques"] = techniques
    else:
        cells.add_finding("techniques", Message("没有任何技术"))
    kind = cells.read_choice("certificate_kind", columns.CERTIFICATE_KINDS)
    if kind is not None:
        values["certificate_kind"] = kind
    if number := cells.get_text("certificate"):
        plain = re.sub(r"[\s\-]+", "", number)
        if not 6 <= len(plain) <= 30 or not re.fullmatch(r"[\w*（）()〔〕\[\]号第字]+", plain):
            cells.add_finding("certificate", Message("证书编号有误，请核对"))
        values["certificate_masked"] = columns.mask_certificate(number)
    return {**values, **cells.read_period()}


def _read_techniques(cells: RowCells) -> list[TechniqueCode]:
    found: set[str] = set()
    for column in TECHNIQUE_COLUMNS:
        text = cells.get_text(column)
        if text in columns.YES:
            found.add(column)
        elif text not in ("", "否", "0", "no"):
            cells.add_finding(column, Message("应为“是”或空白"))
    for piece in filter(None, re.split(r"[、，,;；/\s]+", cells.get_text("techniques"))):
        code = find_printed_technique(piece) or (piece if piece in TECHNIQUE_COLUMNS else None)
        if code is None:
            cells.add_finding("techniques", Message("不能识别的技术"))
        else:
            found.add(code)
    return [column for column in TECHNIQUE_COLUMNS if column in found]


def _read_ad_certificate(cells: RowCells) -> dict[str, Any]:
    try:
        number = parse_certificate(cells.get_text("number"))
    except InvalidInput:
        cells.add_finding("number", Message("不是医疗广告审查证明文号，应如 (辽)医广[2023]第07-15-001号"))
        return {}
    values = cells.read_period()
    start = values.setdefault("valid_from", number.approval_day.isoformat())
    if start != number.approval_day.isoformat():
        cells.add_finding("valid_from", Message("与文号中的批准日不同，请核对"), "warning")
    last = compute_certificate_expiry(dt.date.fromisoformat(start)).isoformat()
    if values.setdefault("valid_to", last) > last:
        cells.add_finding("valid_to", Message("有效期超过一年，请核对"), "warning")
    return {"number": format_certificate(number), **values}


_READERS: dict[PeopleKind, Callable[[RowCells], dict[str, Any]]] = {
    "practitioners": _read_person,
    "ad_certificates": _read_ad_certificate,
    "supervision": supervision_rows.read_supervision,
    "sanctions": supervision_rows.read_sanction,
}
