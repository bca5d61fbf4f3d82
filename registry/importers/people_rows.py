"""A file of people or advertising certificates as rows: strict, and without what is not taken in about anybody.

Findings name file, row and cell, and never repeat what a cell holds: whoever reads them may not be meant to.
"""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

from registry.errors import InvalidInput
from registry.identifiers import certificate_expiry, format_certificate, read_certificate
from registry.importers import people_columns as columns
from registry.importers import reading
from registry.importers.audit import Audit, Place
from registry.importers.cells import tidy
from registry.importers.people_columns import COLUMNS, EXAMPLE, HEADINGS, TECHNIQUE_COLUMNS, Column, PeopleKind
from registry.model import Struct
from registry.techniques import TechniqueCode, from_printed
from registry.uploads.tables import Row, Table

_NAME = re.compile(r"[^\W\d_]+(?:[·•. ][^\W\d_]+)*")
_WITHIN = 10  # rows in which headings are looked for


class PersonRow(Struct, frozen=True):
    """One row: which institution it says it is about, and what it states; the certificate's number is masked."""

    row: int
    table: str
    code: str
    uscc: str
    institution: str
    address: str
    stated: dict[str, Any]


class PeopleFile(Struct, frozen=True):
    """A whole file; ``rows`` counts those below headings, examples left out."""

    rows: list[PersonRow]
    audit: Audit


def parse(path: Path, kind: PeopleKind, progress: reading.Progress | None = None, most: int = 10_000) -> PeopleFile:
    """Read a file of one kind; UnreadableFile for what is no table file, everything else goes to the audit."""
    reader = _Reader(kind, most)
    for n, table in enumerate(reading.read(path, progress), start=1):
        named = table._replace(name=f"表{n}", name_en=f"table {n}") if table.name else table
        reader.table(named)  # a sheet may be called by somebody's name
    if not reader.headed:
        wanted = "、".join(HEADINGS[column][0] for column in ("institution", *_required(kind)))
        zh, en = f"找不到表头（{wanted}），请用模板", f"no headings ({wanted}); please use the template"
        reader.audit.add("error", None, None, zh, en)
    elif not reader.rows and not reader.audit.errors:
        reader.audit.add("error", None, None, "表头下面没有可导入的行", "there is no row to import below the headings")
    return PeopleFile(rows=reader.rows, audit=reader.audit)


def _required(kind: PeopleKind) -> tuple[Column, ...]:
    return ("name", "role") if kind == "practitioners" else ("number",)


class _Reader:
    """One run over one file."""

    def __init__(self, kind: PeopleKind, most: int) -> None:
        self.kind, self.audit = kind, Audit(most)
        self.rows: list[PersonRow] = []
        self.headed = False
        self._allowed = {*COLUMNS[kind], *(("techniques",) if kind == "practitioners" else ())}

    def table(self, table: Table) -> None:
        """Read one table; without headings or hidden it is left out, though nothing personal may stand in it either."""
        if table.hidden:
            zh, en = "有隐藏的工作表，没有读取；要导入请先取消隐藏", "a hidden sheet was not read: unhide it for that"
            self.audit.add("warning", None, None, zh, en)
        at: dict[int, Column] | None = None
        for n, row in enumerate(table.rows):
            found = self._headings(table, row) if at is None and n < _WITHIN and not table.hidden else None
            if found is not None:
                at, self.headed = found, True
                continue
            place = Place(table, row.number)
            clean = self._refuse_personal(place, row, at or {})
            if at is not None and clean:
                self._row(place, row, at)

    def _headings(self, table: Table, row: Row) -> dict[int, Column] | None:
        """The columns of a row of headings; None for any other row."""
        known = {i: column for i, cell in enumerate(row.cells) if (column := columns.column_of(cell)) in self._allowed}
        if len(known) < 3 and not ({"institution", "code"} & set(known.values()) and len(known) > 1):
            return None
        place = Place(table, row.number)
        for i, cell in enumerate(row.cells):
            name = place.cell("", i).strip()
            if columns.is_birth(cell):
                self.audit.add(
                    "error", place, name, "不收出生日期，请删去这一栏", "birth dates are not taken in: remove this"
                )
            elif cell.strip() and i not in known:
                self.audit.add(
                    "error", place, name, "不认识的栏目，请用模板的栏目", "an unknown column; use the template's"
                )
        columns_there = [column for column in known.values() if column is not None]
        for column in columns_there:
            if columns_there.count(column) > 1:
                self.audit.add("error", place, HEADINGS[column][0], "这一栏出现两次", "this column is there twice")
        for column in _required(self.kind):
            if column not in columns_there:
                self.audit.add("error", place, HEADINGS[column][0], "缺少这一栏", "this column is missing")
        return {i: column for i, column in known.items() if column is not None}

    def _refuse_personal(self, place: Place, row: Row, at: dict[int, Column]) -> bool:
        """Whether nothing stands in the row that is not taken in about anybody."""
        clean = True
        for i, cell in enumerate(row.cells):
            found = columns.personal_in(cell, at.get(i)) if cell.strip() else None
            if found is not None:
                zh, en = columns.WORDS[found]
                title = HEADINGS[at[i]][0] if i in at else ""
                where = place.cell(title, i).strip()
                self.audit.add(
                    "error", place, where, f"这一格像是{zh}，请删去；名录不收", f"this looks like {en}: remove it"
                )
                clean = False
        return clean

    def _row(self, place: Place, row: Row, at: dict[int, Column]) -> None:
        cells = {column: tidy(row.cells[i]) for i, column in at.items() if i < len(row.cells)}
        if not any(cells.values()):
            return
        if any(EXAMPLE in text for text in cells.values()):
            self.audit.add("info", place, None, "示例行，已跳过", "an example, skipped")
            return
        read = _Cells(self.audit, place, cells, {column: i for i, column in at.items()})
        before = self.audit.errors
        stated = _person(read) if self.kind == "practitioners" else _certificate(read)
        if not (cells.get("code") or cells.get("uscc") or cells.get("institution")):
            read.wrong(
                "institution", "没有写明机构（编码、信用代码或名称）", "no institution: a code or a name is needed"
            )
        if self.audit.errors == before:
            who = {column: cells.get(column, "") for column in ("code", "uscc", "institution", "address")}
            self.rows.append(PersonRow(row=place.row, table=place.table.name, stated=stated, **who))


class _Cells:
    """The cells of one row, read with findings."""

    def __init__(self, audit: Audit, place: Place, cells: dict[Column, str], at: dict[Column, int]) -> None:
        self._audit, self._place, self._cells, self._at = audit, place, cells, at

    def text(self, column: Column) -> str:
        return self._cells.get(column, "")

    def wrong(self, column: Column, zh: str, en: str, level: Any = "error") -> None:
        self._audit.add(level, self._place, self._place.cell(HEADINGS[column][0], self._at.get(column)), zh, en)

    def day(self, column: Column) -> dt.date | None:
        if not self.text(column):
            return None
        try:
            return columns.day_of(self.text(column))
        except InvalidInput as error:
            self.wrong(column, error.zh, error.en)
            return None

    def one_of(self, column: Column, words: tuple[str, ...]) -> str | None:
        text = self.text(column)
        if text and text not in words:
            self.wrong(column, f"应为：{'、'.join(words)}", f"has to be one of {', '.join(words)}")
        return text or None

    def period(self) -> dict[str, Any]:
        start, to = self.day("valid_from"), self.day("valid_to")
        if start and to and to < start:
            self.wrong("valid_to", "截止日早于起始日", "it ends before it begins")
        days = {"valid_from": start, "valid_to": to}
        return {name: day.isoformat() for name, day in days.items() if day is not None}


def _person(read: _Cells) -> dict[str, Any]:
    name = read.text("name")
    if not (2 <= len(name) <= 40 and _NAME.fullmatch(name)):
        read.wrong("name", "姓名须为2至40个字，不含数字和符号", "a name has 2 to 40 letters, no figures or signs")
    role = read.one_of("role", columns.ROLES)
    if role is None:
        read.wrong("role", "没有职务", "no role")
    stated: dict[str, Any] = {"name": name, "role": role}
    techniques = _techniques(read)
    if techniques:
        stated["techniques"] = techniques
    else:
        read.wrong("techniques", "没有任何技术", "no technique")
    kind = read.one_of("certificate_kind", columns.CERTIFICATE_KINDS)
    if kind is not None:
        stated["certificate_kind"] = kind
    if number := read.text("certificate"):
        plain = re.sub(r"[\s\-]+", "", number)
        if not 6 <= len(plain) <= 30 or not re.fullmatch(r"[\w*（）()〔〕\[\]号第字]+", plain):
            read.wrong("certificate", "证书编号有误，请核对", "this is no certificate's number; please check")
        stated["certificate_masked"] = columns.masked(number)
    return {**stated, **read.period()}


def _techniques(read: _Cells) -> list[TechniqueCode]:
    found: set[str] = set()
    for column in TECHNIQUE_COLUMNS:
        text = read.text(column)
        if text in columns.YES:
            found.add(column)
        elif text not in ("", "否", "0", "no"):
            read.wrong(column, "应为“是”或空白", "has to be 是 or empty")
    for piece in filter(None, re.split(r"[、，,;；/\s]+", read.text("techniques"))):
        code = from_printed(piece) or (piece if piece in TECHNIQUE_COLUMNS else None)
        if code is None:
            read.wrong("techniques", "不能识别的技术", "an unknown technique")
        else:
            found.add(code)
    return [column for column in TECHNIQUE_COLUMNS if column in found]  # type: ignore[misc]  # codes, in their order


def _certificate(read: _Cells) -> dict[str, Any]:
    try:
        number = read_certificate(read.text("number"))
    except InvalidInput:
        read.wrong(
            "number", "不是医疗广告审查证明文号，应如 (辽)医广[2023]第07-15-001号", "not the number of a certificate"
        )
        return {}
    stated = read.period()
    start = stated.setdefault("valid_from", number.approved.isoformat())
    if start != number.approved.isoformat():
        read.wrong("valid_from", "与文号中的批准日不同，请核对", "not the day of approval in the number", "warning")
    last = certificate_expiry(dt.date.fromisoformat(start)).isoformat()
    if stated.setdefault("valid_to", last) > last:
        read.wrong("valid_to", "有效期超过一年，请核对", "valid for more than a year; please check", "warning")
    return {"number": format_certificate(number), **stated}
