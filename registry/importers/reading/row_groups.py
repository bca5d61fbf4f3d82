"""Rows of one or more tables grouped into institutions: one row per technique, or one row per institution.

The row itself tells which: a name cell that is blank, merged with or equal to the one above continues an institution,
unless the row names several techniques, as only a row per institution does.
"""

import dataclasses
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from registry.domain import regions
from registry.domain.fields import LISTED
from registry.domain.model import Date
from registry.domain.schema import EARLIEST, LATEST
from registry.domain.techniques import BANK, BY_CODE, TechniqueCode
from registry.importers.people.columns import WORDS, find_personal_data
from registry.importers.reading import suggestions
from registry.importers.reading.audit import Audit, RowPlace
from registry.importers.reading.cells import (
    UNSTATED,
    parse_day,
    parse_province,
    parse_stages,
    parse_techniques,
    tidy_cell,
)
from registry.importers.reading.headings import DETAILS, Columns, Kind
from registry.importers.reading.list_file import FileQuestion, Level, ListedApproval
from registry.importers.reading.row_review import make_cell_question
from registry.storage.uploads.tables import Table, TableRow
from registry.texts import Message

#: Characters of an identity number.
_IDENTITY_LENGTH = 18
#: Printed among the provinces though no division of GB/T 2260, with the region it lies in.
_LIKE_PROVINCES = {"新疆生产建设兵团": "650000", "兵团": "650000"}


@dataclasses.dataclass(slots=True)
class RowGroup:
    """One institution while its rows are read."""

    place: RowPlace
    columns: Columns
    name: str
    address: str
    number: str
    province: str | None
    has_several_techniques: bool
    approvals: dict[TechniqueCode, ListedApproval] = dataclasses.field(default_factory=dict)
    fields: dict[str, str] = dataclasses.field(default_factory=dict)  # cells of fields by name
    extra: dict[str, str] = dataclasses.field(default_factory=dict)
    has_unstated_stage: bool = False
    texts: dict[Kind, str] = dataclasses.field(default_factory=dict)  # cells of its first row by kind
    technique_places: dict[TechniqueCode, RowPlace] = dataclasses.field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """Whether it has the name and address of an institution."""
        return bool(self.name and self.address)


@dataclasses.dataclass(slots=True)
class ProvinceTally:
    """A province of a list: its name, the places of the counts printed with it, the number of institutions read."""

    name: str
    printed_counts: dict[int, RowPlace] = dataclasses.field(default_factory=dict)
    institution_count: int = 0


class RowGrouper:
    """Groups rows in order and yields institutions as they end; what is wrong with a row goes to the audit."""

    def __init__(self, audit: Audit) -> None:
        self.audit = audit
        self.provinces: dict[str, ProvinceTally] = {}
        self.rows = 0
        self._place: RowPlace  # of the row being added
        self._columns: Columns  # of its table
        self._values: dict[Kind, str]  # of its cells
        self._draft: RowGroup | None = None
        self._province: ProvinceTally | None = None
        self._has_province_each = False  # the province is printed for every institution
        self._number: int | None = None
        self._may_restart = False  # numbers may begin again with a province
        self._placeless: Table | None = None

    def start_list(self) -> Iterator[RowGroup]:
        """Begin a separate list, into which nothing above continues; yield the institution still open."""
        yield from self.close_group()
        self._province, self._number, self._has_province_each = None, None, False

    def close_group(self) -> Iterator[RowGroup]:
        """Yield the institution still open, if it is complete."""
        if self._draft is not None:
            draft, self._draft = self._draft, None
            if draft.is_complete:
                yield draft

    def add_province_count(self, table: Table, columns: Columns, row: TableRow, number: int) -> None:
        """Add the number of institutions that a row prints of the province above it."""
        if self._province is not None:
            self._province.printed_counts.setdefault(number, RowPlace(table, row.number))
        else:
            place = RowPlace(table, row.number)
            self.audit.add_finding(
                "info", place, columns.get_title("province"), Message("小计行之上没有省份，没有核对")
            )

    def add_row(
        self, table: Table, columns: Columns, row: TableRow, *, is_left_out: bool = False
    ) -> Iterator[RowGroup]:
        """Add a data row; yield the institution that ends with it, if any.

        Of a row that is left out only the province and the number count: nothing below it continues another one.
        """
        self.rows += 1
        self._place, self._columns = RowPlace(table, row.number), columns
        self._check_identity_numbers(row)
        values = {kind: tidy_cell(columns.get_text(row, kind)) for kind in columns.positions}
        self._values = values
        techniques = parse_techniques(columns.get_text(row, "techniques"))
        if "techniques" not in columns.positions:
            techniques = [(BY_CODE[BANK].official_zh, BANK)]
        draft = self._draft
        is_continuation = draft is not None and self._is_continuation(draft, row, values, len(techniques))
        if is_left_out:
            if not is_continuation:
                yield from self.close_group()
                self._read_province(row, values)
                self._check_number(values.get("no", ""))
            return
        if draft is None or not is_continuation:
            yield from self.close_group()
            draft = self._draft = self._open_group(row, values, len(techniques) > 1)
        self._add_approvals(draft, values, techniques)

    def _check_identity_numbers(self, row: TableRow) -> None:
        """Refuse identity numbers: columns of no known kind are kept for ever and are public."""
        for i, cell in enumerate(row.cells):
            found = find_personal_data(cell, None) if len(cell) >= _IDENTITY_LENGTH else None
            if found == "qualification" or (found == "identity" and find_personal_data(cell, "uscc")):
                title = self._columns.titles[i] if i < len(self._columns.titles) else ""
                message = Message("这一格像是{what}，请删去；名录不收", what=WORDS[found])
                self.audit.add_finding("error", self._place, self._place.format_cell(title, i), message)

    def _is_continuation(self, draft: RowGroup, row: TableRow, values: dict[Kind, str], techniques: int) -> bool:
        name, address, number = values["name"], values["address"], values.get("no", "")
        same_place = not address or self._columns.positions["address"] in row.merged_columns or address == draft.address
        if self._columns.positions["name"] in row.merged_columns:
            return same_place
        if draft.has_several_techniques or techniques > 1:
            return False
        if not name:
            return not address and not number and techniques == 1
        return name == draft.name and same_place and number in ("", draft.number)

    # --- a new institution -------------------------------------------------------------------------------------------

    def _open_group(self, row: TableRow, values: dict[Kind, str], several: bool) -> RowGroup:
        province = self._read_province(row, values)
        draft = RowGroup(
            place=self._place,
            columns=self._columns,
            name=values["name"],
            address=values["address"],
            number=values.get("no", ""),
            province=province.name if province else None,
            has_several_techniques=several,
            texts=values,
            fields={field.name: text for field in LISTED if (text := values.get(field.name))},
            extra={
                title: text
                for i, title in self._columns.other_columns
                if i < len(row.cells) and (text := tidy_cell(row.cells[i]))
            },
        )
        if not draft.name:
            self._add_finding("name", Message("没有机构名称：{address}", address=draft.address))
        if not draft.address:
            self._add_finding("address", Message("没有地址：{draft_name}", draft_name=draft.name))
        self._check_number(draft.number)
        if province is not None:
            province.institution_count += 1
        return draft

    def _read_province(self, row: TableRow, values: dict[Kind, str]) -> ProvinceTally | None:
        if "province" not in self._columns.positions:
            return None
        printed = values["province"]
        if not printed and self._has_province_each:
            self._add_finding("province", Message("没有省份"))
            return None
        if printed:
            name, count = parse_province(printed)
            name = self._normalise_province(name)
            known = self.provinces.setdefault(name, ProvinceTally(name))
            is_printed_here = self._columns.positions["province"] not in row.merged_columns
            self._has_province_each = self._has_province_each or (is_printed_here and known is self._province)
            if known is not self._province:
                self._may_restart = True
            if count is not None and is_printed_here:
                known.printed_counts.setdefault(count, self._place)
            self._province = known
        if self._province is None:
            self._add_finding("province", Message("没有省份"))
        elif text := values.get("province_count", ""):
            self._read_province_count(text, self._province)
        return self._province

    def _normalise_province(self, name: str) -> str:
        if name in _LIKE_PROVINCES:
            return name
        code = regions.find_province_code(name)
        region = regions.find_region(code) if code else None
        if region is None or region.province is None:
            if name not in self.provinces:
                message = Message("“{name}”不是 GB/T 2260 中的省级行政区划", name=name)
                near = suggestions.suggest_province(name)
                self._add_finding("province", message, suggestion=near, is_acceptable=True)
            return name
        return region.province

    def _read_province_count(self, text: str, province: ProvinceTally) -> None:
        digits = text.removesuffix("家")
        if digits.isascii() and digits.isdigit():
            province.printed_counts.setdefault(int(digits), self._place)
        else:
            self._add_finding("province_count", Message("“{text}”不是数目", text=text))

    def _check_number(self, text: str) -> None:
        """Warn unless numbers continue, or begin again at 1 with a province: a row may be lost or repeated."""
        if "no" not in self._columns.positions:
            return
        digits = text.removesuffix(".")
        previous, may_restart = self._number, self._may_restart
        self._number, self._may_restart = None, False
        if not (digits.isascii() and digits.isdigit()):
            if text:
                self._add_finding("no", Message("序号“{text}”不是数字", text=text), "warning")
            return
        number = self._number = int(digits)
        if previous is not None and number != previous + 1 and not (may_restart and number == 1):
            self._add_finding(
                "no",
                Message("序号不连续：上一家是 {previous}，这里是 {number}", previous=previous, number=number),
                "warning",
            )

    # --- its approvals -----------------------------------------------------------------------------------------------

    def _add_approvals(
        self, draft: RowGroup, values: dict[Kind, str], techniques: list[tuple[str, TechniqueCode | None]]
    ) -> None:
        if not techniques:
            self._add_finding("techniques", Message("没有批准开展的技术：{draft_name}", draft_name=draft.name))
            return
        for printed, code in techniques:
            if code is None:
                message = Message("不能识别的技术“{printed}”：{draft_name}", printed=printed, draft_name=draft.name)
                near = suggestions.suggest_technique(values["techniques"], printed)
                self._add_finding("techniques", message, suggestion=near)
        text, count = values["stages"], len(techniques)
        stages = parse_stages(text, count)
        if stages is None:
            message = Message(
                "不能识别的运行情况“{text}”（{count} 项技术）：{draft_name}",
                text=text,
                count=count,
                draft_name=draft.name,
            )
            self._add_finding("stages", message, suggestion=suggestions.suggest_stage(text))
            return
        details = self._read_details(values, count)
        for (printed, code), (stage, note), own in zip(techniques, stages, details, strict=True):
            if code is not None:
                draft.has_unstated_stage = draft.has_unstated_stage or note == UNSTATED
                self._add_approval(draft, ListedApproval(technique=code, stage=stage, note=note, **own), printed)
                self._check_province_column(code)

    def _read_details(self, values: dict[Kind, str], count: int) -> list[dict[str, Any]]:
        """What the row prints of each of its approvals: one for all, or as many as there are techniques."""
        details: list[dict[str, Any]] = [{} for _ in range(count)]
        for kind in DETAILS:
            text = values.get(kind, "")
            parts = [part for part in re.split(r"[、;；]", text) if part.strip()]
            for own, part in zip(details, parts if len(parts) == count else [text] * count, strict=True):
                if kind in ("valid_from", "verification_due"):
                    own[kind] = self._read_day(kind, part)
                else:
                    own[kind] = part.strip() or None
        for own in details[:1]:
            if own["valid_from"] and own["verification_due"] and own["verification_due"] < own["valid_from"]:
                self._add_finding("verification_due", Message("校验有效期早于批准日期"))
        return details

    def _read_day(self, kind: Kind, text: str) -> Date | None:
        """The day of a cell; an error where it states none that can be read, or one that cannot be."""
        try:
            day = parse_day(text)
        except ValueError:
            day = Date.max
        if day is None or EARLIEST <= day <= LATEST:
            return day
        self._add_finding(kind, Message("“{text}”不是可以读取的日期，应如 2025-06-30", text=text[:40]))
        return None

    def _check_province_column(self, code: TechniqueCode) -> None:
        """Warn of a table without provinces, other than that of sperm banks: its counts cannot be checked."""
        if "province" not in self._columns.positions and code != BANK and self._placeless is not self._place.table:
            self._placeless = self._place.table
            self._add_finding("province", Message("没有“省份”一列：省份只按地址判断，机构数无从核对"), "warning")

    def _add_approval(self, draft: RowGroup, approval: ListedApproval, printed: str) -> None:
        before = draft.approvals.setdefault(approval.technique, approval)
        first = draft.technique_places.setdefault(approval.technique, self._place)
        if before is approval:
            return
        message = Message("技术“{printed}”在同一机构出现两次：{draft_name}", printed=printed, draft_name=draft.name)
        if before.stage != approval.stage:
            self._add_finding("techniques", Message("{message}，且运行情况不同", message=message))
        elif first != self._place:
            # One of two equal rows was meant to be another.
            message = Message("{message}，与第{row}行重复", message=message, row=first.row)
            self._add_finding("techniques", message, is_acceptable=True)
        else:
            self._add_finding("techniques", message, "warning")

    def _add_finding(
        self,
        kind: Kind,
        message: Message,
        level: Level = "error",
        *,
        suggestion: str | None = None,
        is_acceptable: bool = False,
    ) -> None:
        cell = self._place.format_cell(self._columns.get_title(kind), self._columns.positions.get(kind))
        question = make_question(self._place, self._columns, kind, self._values, suggestion, is_acceptable)
        self.audit.add_finding(level, self._place, cell, message, question)


def make_question(
    place: RowPlace,
    columns: Columns,
    kind: Kind,
    values: dict[Kind, str],
    suggestion: str | None = None,
    is_acceptable: bool = False,
) -> FileQuestion | None:
    """What a person may answer about a cell that cannot be read; None where the table has no such column."""
    column = columns.positions.get(kind)
    if column is None:
        return None
    question = make_cell_question(place, column, f"wrong_{kind}", values.get(kind, ""), suggestion)
    return msgspec.structs.replace(question, choices=(*question.choices, "accept")) if is_acceptable else question


def find_home_province(province: str | None) -> str | None:
    """The province of GB/T 2260 that a list's province lies in; itself for all but 新疆生产建设兵团."""
    region = regions.find_region(_LIKE_PROVINCES.get(province or "", ""))
    return region.province if region else province
