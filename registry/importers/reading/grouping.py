"""Rows of one or more tables gathered into institutions: one row per technique, or one row per institution.

Which of the two a row is, is read off the row itself: a name cell that is merged with, blank below, or repeats the one
above continues an institution, unless the row names several techniques, as only a row of its own does.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from registry.domain import regions
from registry.domain.techniques import TechniqueCode
from registry.importers.people.columns import WORDS, find_personal_data
from registry.importers.reading.audit import Audit, RowPlace
from registry.importers.reading.cells import (
    UNSTATED,
    parse_province,
    parse_stages,
    parse_techniques,
    tidy_cell,
)
from registry.importers.reading.headings import Columns, Kind
from registry.importers.reading.list_file import ListedApproval
from registry.uploads.tables import Table, TableRow

#: Characters of an identity number.
_IDENTITY = 18
#: Listed beside the provinces though no division of GB/T 2260; it lies in the region given.
_LIKE_PROVINCES = {"新疆生产建设兵团": "650000", "兵团": "650000"}


@dataclasses.dataclass(slots=True)
class RowGroup:
    """One institution while its rows are read. ``complete``: it has the name and address to be kept."""

    place: RowPlace
    columns: Columns
    name: str
    address: str
    number: str
    province: str | None
    has_several_techniques: bool
    approvals: dict[TechniqueCode, ListedApproval] = dataclasses.field(default_factory=dict)
    ownership: str | None = None
    level: str | None = None
    extra: dict[str, str] = dataclasses.field(default_factory=dict)
    has_unstated_stage: bool = False
    technique_places: dict[TechniqueCode, RowPlace] = dataclasses.field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether the row stated what makes an institution."""
        return bool(self.name and self.address)


@dataclasses.dataclass(slots=True)
class ProvinceTally:
    """One province of a list: its printed name, the counts printed beside it and where, the institutions found."""

    name: str
    printed_counts: dict[int, RowPlace] = dataclasses.field(default_factory=dict)
    institution_count: int = 0


class RowGrouper:
    """Reads rows in order and gives out institutions; what is wrong with a row goes to the audit."""

    def __init__(self, audit: Audit) -> None:
        self.audit = audit
        self.provinces: dict[str, ProvinceTally] = {}
        self.rows = 0
        self._draft: RowGroup | None = None
        self._province: ProvinceTally | None = None
        self._says_each = False  # the province is printed for every institution
        self._number: int | None = None
        self._may_restart = False  # numbers may begin again with a province
        self._placeless: Table | None = None

    def start_list(self) -> Iterator[RowGroup]:
        """Begin a list of its own: nothing above continues into it. Gives out the institution still open."""
        yield from self.close_group()
        self._province, self._number, self._says_each = None, None, False

    def close_group(self) -> Iterator[RowGroup]:
        """The institution still open, if any."""
        if self._draft is not None:
            draft, self._draft = self._draft, None
            if draft.complete:
                yield draft

    def add_row(self, table: Table, columns: Columns, row: TableRow) -> Iterator[RowGroup]:
        """Take one data row; give out the institution it closes, if any."""
        self.rows += 1
        place = RowPlace(table, row.number)
        self._check_identity_numbers(place, columns, row)
        values = {kind: tidy_cell(columns.get_text(row, kind)) for kind in columns.positions}
        techniques = parse_techniques(columns.get_text(row, "techniques"))
        if "techniques" not in columns.positions:
            techniques = [("人类精子库", "SPERM_BANK")]
        draft = self._draft
        if draft is None or not self._is_continuation(draft, row, columns, values, len(techniques)):
            yield from self.close_group()
            draft = self._draft = self._open_group(place, columns, row, values, len(techniques) > 1)
        self._add_approvals(draft, place, columns, values, techniques)

    def _check_identity_numbers(self, place: RowPlace, columns: Columns, row: TableRow) -> None:
        """Whatever column a list has besides is kept for good and public: nobody's identity number may be in it."""
        for i, cell in enumerate(row.cells):
            found = find_personal_data(cell, None) if len(cell) >= _IDENTITY else None
            if found == "qualification" or (found == "identity" and find_personal_data(cell, "uscc")):
                zh, en = WORDS[found]
                title = columns.titles[i] if i < len(columns.titles) else ""
                zh, en = f"这一格像是{zh}，请删去；名录不收", f"this looks like {en}: remove it"
                self.audit.add_finding("error", place, place.format_cell(title, i), zh, en)

    def _is_continuation(
        self, draft: RowGroup, row: TableRow, columns: Columns, values: dict[Kind, str], techniques: int
    ) -> bool:
        name, address, number = values["name"], values["address"], values.get("no", "")
        same_place = not address or columns.positions["address"] in row.merged_columns or address == draft.address
        if columns.positions["name"] in row.merged_columns:
            return same_place
        if draft.has_several_techniques or techniques > 1:
            return False
        if not name:
            return not address and not number and techniques == 1
        return name == draft.name and same_place and number in ("", draft.number)

    # --- a new institution -------------------------------------------------------------------------------------------

    def _open_group(
        self, place: RowPlace, columns: Columns, row: TableRow, values: dict[Kind, str], several: bool
    ) -> RowGroup:
        province = self._read_province(place, columns, row, values)
        draft = RowGroup(
            place=place,
            columns=columns,
            name=values["name"],
            address=values["address"],
            number=values.get("no", ""),
            province=province.name if province else None,
            has_several_techniques=several,
            ownership=values.get("ownership") or None,
            level=values.get("level") or None,
            extra={
                title: text
                for i, title in columns.other_columns
                if i < len(row.cells) and (text := tidy_cell(row.cells[i]))
            },
        )
        if not draft.name:
            self._add_error(place, columns, "name", f"没有机构名称：{draft.address}", f"no name: {draft.address}")
        if not draft.address:
            self._add_error(place, columns, "address", f"没有地址：{draft.name}", f"no address: {draft.name}")
        self._check_number(place, columns, draft.number)
        if province is not None:
            province.institution_count += 1
        return draft

    def _read_province(
        self, place: RowPlace, columns: Columns, row: TableRow, values: dict[Kind, str]
    ) -> ProvinceTally | None:
        if "province" not in columns.positions:
            return None
        printed = values["province"]
        blank = not printed
        if blank and self._says_each:
            self._add_error(place, columns, "province", "没有省份", "no province")
            return None
        if not blank:
            name, count = parse_province(printed)
            name = self._normalise_province(place, columns, name)
            known = self.provinces.setdefault(name, ProvinceTally(name))
            fresh = columns.positions["province"] not in row.merged_columns
            self._says_each = self._says_each or (fresh and known is self._province)
            if known is not self._province:
                self._may_restart = True
            if count is not None and fresh:
                known.printed_counts.setdefault(count, place)
            self._province = known
        if self._province is None:
            self._add_error(place, columns, "province", "没有省份", "no province")
        elif text := values.get("province_count", ""):
            self._read_province_count(place, columns, text, self._province)
        return self._province

    def _normalise_province(self, place: RowPlace, columns: Columns, name: str) -> str:
        if name in _LIKE_PROVINCES:
            return name
        code = regions.find_province_code(name)
        region = regions.find_region(code) if code else None
        if region is None or region.province is None:
            if name not in self.provinces:
                zh = f"“{name}”不是 GB/T 2260 中的省级行政区划"
                self._add_error(place, columns, "province", zh, f"“{name}” is no province of GB/T 2260")
            return name
        return region.province

    def _read_province_count(self, place: RowPlace, columns: Columns, text: str, province: ProvinceTally) -> None:
        digits = text.removesuffix("家")
        if digits.isascii() and digits.isdigit():
            province.printed_counts.setdefault(int(digits), place)
        else:
            self._add_error(place, columns, "province_count", f"“{text}”不是数目", f"“{text}” is no count")

    def _check_number(self, place: RowPlace, columns: Columns, text: str) -> None:
        """Numbers run on, or begin again at 1 with a province; anything else may be a lost or doubled row."""
        if "no" not in columns.positions:
            return
        digits = text.removesuffix(".")
        before, restart = self._number, self._may_restart
        self._number, self._may_restart = None, False
        if not (digits.isascii() and digits.isdigit()):
            if text:
                self._add_warning(place, columns, "no", f"序号“{text}”不是数字", f"the number “{text}” is no number")
            return
        number = self._number = int(digits)
        if before is not None and number != before + 1 and not (restart and number == 1):
            zh = f"序号不连续：上一家是 {before}，这里是 {number}"
            self._add_warning(place, columns, "no", zh, f"the numbers do not run on: {number} after {before}")

    # --- its approvals -----------------------------------------------------------------------------------------------

    def _add_approvals(
        self,
        draft: RowGroup,
        place: RowPlace,
        columns: Columns,
        values: dict[Kind, str],
        techniques: list[tuple[str, TechniqueCode | None]],
    ) -> None:
        if not techniques:
            self._add_error(
                place, columns, "techniques", f"没有批准开展的技术：{draft.name}", f"no technique: {draft.name}"
            )
            return
        for printed, code in techniques:
            if code is None:
                zh = f"不能识别的技术“{printed}”：{draft.name}"
                self._add_error(place, columns, "techniques", zh, f"unknown technique “{printed}”: {draft.name}")
        text, count = values["stages"], len(techniques)
        stages = parse_stages(text, count)
        if stages is None:
            zh = f"不能识别的运行情况“{text}”（{count} 项技术）：{draft.name}"
            en = f"unknown stage “{text}” for {count} techniques: {draft.name}"
            self._add_error(place, columns, "stages", zh, en)
            return
        for (printed, code), (stage, note) in zip(techniques, stages, strict=True):
            if code is not None:
                draft.has_unstated_stage = draft.has_unstated_stage or note == UNSTATED
                self._add_approval(draft, place, ListedApproval(technique=code, stage=stage, note=note), printed)
                self._check_province_column(place, columns, code)

    def _check_province_column(self, place: RowPlace, columns: Columns, code: TechniqueCode) -> None:
        """Only the sperm banks' table is printed without a province; any other has lost its checksum."""
        if "province" not in columns.positions and code != "SPERM_BANK" and self._placeless is not place.table:
            self._placeless = place.table
            zh = "没有“省份”一列：省份只按地址判断，机构数无从核对"
            self._add_warning(place, columns, "province", zh, "no column of provinces: no counts to check by")

    def _add_approval(self, draft: RowGroup, place: RowPlace, approval: ListedApproval, printed: str) -> None:
        before = draft.approvals.setdefault(approval.technique, approval)
        first = draft.technique_places.setdefault(approval.technique, place)
        if before is approval:
            return
        zh, en = f"技术“{printed}”在同一机构出现两次：{draft.name}", f"technique “{printed}” twice for one institution"
        if before.stage != approval.stage:
            self._add_error(place, draft.columns, "techniques", f"{zh}，且运行情况不同", f"{en}, at different stages")
        elif first != place:
            # A row printed twice was meant to say something else, even when both say the same.
            zh, en = f"{zh}，与第{first.row}行重复", f"{en}, a repetition of row {first.row}"
            self._add_error(place, draft.columns, "techniques", zh, en)
        else:
            self._add_warning(place, draft.columns, "techniques", zh, en)

    def _add_error(self, place: RowPlace, columns: Columns, kind: Kind, zh: str, en: str) -> None:
        self.audit.add_finding(
            "error", place, place.format_cell(columns.get_title(kind), columns.positions.get(kind)), zh, en
        )

    def _add_warning(self, place: RowPlace, columns: Columns, kind: Kind, zh: str, en: str) -> None:
        self.audit.add_finding(
            "warning", place, place.format_cell(columns.get_title(kind), columns.positions.get(kind)), zh, en
        )


def find_home_province(province: str | None) -> str | None:
    """The province of GB/T 2260 that a list's province lies in; itself for all but 新疆生产建设兵团."""
    region = regions.find_region(_LIKE_PROVINCES.get(province or "", ""))
    return region.province if region else province
