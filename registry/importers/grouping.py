"""Rows of one or more tables gathered into institutions: one row per technique, or one row per institution.

Which of the two a row is, is read off the row itself: a name cell that is merged with, blank below, or repeats the one
above continues an institution, unless the row names several techniques, as only a row of its own does.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from registry import regions
from registry.importers.audit import Audit, Place
from registry.importers.cells import UNSTATED, read_province, read_stages, read_techniques, tidy
from registry.importers.headings import Columns, Kind
from registry.importers.people_columns import WORDS, personal_in
from registry.importers.rows import ListedApproval
from registry.techniques import TechniqueCode
from registry.uploads.tables import Row, Table

#: Characters of an identity number.
_IDENTITY = 18
#: Listed beside the provinces though no division of GB/T 2260; it lies in the region given.
_LIKE_PROVINCES = {"新疆生产建设兵团": "650000", "兵团": "650000"}


@dataclasses.dataclass(slots=True)
class Draft:
    """One institution while its rows are read. ``complete``: it has the name and address to be kept."""

    place: Place
    columns: Columns
    name: str
    address: str
    number: str
    province: str | None
    several: bool
    approvals: dict[TechniqueCode, ListedApproval] = dataclasses.field(default_factory=dict)
    ownership: str | None = None
    level: str | None = None
    extra: dict[str, str] = dataclasses.field(default_factory=dict)
    unstated: bool = False
    stated_at: dict[TechniqueCode, Place] = dataclasses.field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether the row stated what makes an institution."""
        return bool(self.name and self.address)


@dataclasses.dataclass(slots=True)
class Province:
    """One province of a list: its printed name, the counts printed beside it and where, the institutions found."""

    name: str
    printed: dict[int, Place] = dataclasses.field(default_factory=dict)
    found: int = 0


class Grouper:
    """Reads rows in order and gives out institutions; what is wrong with a row goes to the audit."""

    def __init__(self, audit: Audit) -> None:
        self.audit = audit
        self.provinces: dict[str, Province] = {}
        self.rows = 0
        self._draft: Draft | None = None
        self._province: Province | None = None
        self._says_each = False  # the province is printed for every institution
        self._number: int | None = None
        self._may_restart = False  # numbers may begin again with a province
        self._placeless: Table | None = None

    def start(self) -> Iterator[Draft]:
        """Begin a list of its own: nothing above continues into it. Gives out the institution still open."""
        yield from self.flush()
        self._province, self._number, self._says_each = None, None, False

    def flush(self) -> Iterator[Draft]:
        """The institution still open, if any."""
        if self._draft is not None:
            draft, self._draft = self._draft, None
            if draft.complete:
                yield draft

    def row(self, table: Table, columns: Columns, row: Row) -> Iterator[Draft]:
        """Take one data row; give out the institution it closes, if any."""
        self.rows += 1
        place = Place(table, row.number)
        self._refuse_identity(place, columns, row)
        values = {kind: tidy(columns.text(row, kind)) for kind in columns.at}
        techniques = read_techniques(columns.text(row, "techniques"))
        if "techniques" not in columns.at:
            techniques = [("人类精子库", "SPERM_BANK")]
        draft = self._draft
        if draft is None or not self._continues(draft, row, columns, values, len(techniques)):
            yield from self.flush()
            draft = self._draft = self._open(place, columns, row, values, len(techniques) > 1)
        self._approve(draft, place, columns, values, techniques)

    def _refuse_identity(self, place: Place, columns: Columns, row: Row) -> None:
        """Whatever column a list has besides is kept for good and public: nobody's identity number may be in it."""
        for i, cell in enumerate(row.cells):
            found = personal_in(cell, None) if len(cell) >= _IDENTITY else None
            if found == "qualification" or (found == "identity" and personal_in(cell, "uscc")):
                zh, en = WORDS[found]
                title = columns.titles[i] if i < len(columns.titles) else ""
                zh, en = f"这一格像是{zh}，请删去；名录不收", f"this looks like {en}: remove it"
                self.audit.add("error", place, place.cell(title, i), zh, en)

    def _continues(self, draft: Draft, row: Row, columns: Columns, values: dict[Kind, str], techniques: int) -> bool:
        name, address, number = values["name"], values["address"], values.get("no", "")
        same_place = not address or columns.at["address"] in row.merged or address == draft.address
        if columns.at["name"] in row.merged:
            return same_place
        if draft.several or techniques > 1:
            return False
        if not name:
            return not address and not number and techniques == 1
        return name == draft.name and same_place and number in ("", draft.number)

    # --- a new institution -------------------------------------------------------------------------------------------

    def _open(self, place: Place, columns: Columns, row: Row, values: dict[Kind, str], several: bool) -> Draft:
        province = self._read_province(place, columns, row, values)
        draft = Draft(
            place=place,
            columns=columns,
            name=values["name"],
            address=values["address"],
            number=values.get("no", ""),
            province=province.name if province else None,
            several=several,
            ownership=values.get("ownership") or None,
            level=values.get("level") or None,
            extra={title: text for i, title in columns.others if i < len(row.cells) and (text := tidy(row.cells[i]))},
        )
        if not draft.name:
            self._error(place, columns, "name", f"没有机构名称：{draft.address}", f"no name: {draft.address}")
        if not draft.address:
            self._error(place, columns, "address", f"没有地址：{draft.name}", f"no address: {draft.name}")
        self._check_number(place, columns, draft.number)
        if province is not None:
            province.found += 1
        return draft

    def _read_province(self, place: Place, columns: Columns, row: Row, values: dict[Kind, str]) -> Province | None:
        if "province" not in columns.at:
            return None
        printed = values["province"]
        blank = not printed
        if blank and self._says_each:
            self._error(place, columns, "province", "没有省份", "no province")
            return None
        if not blank:
            name, count = read_province(printed)
            name = self._official(place, columns, name)
            known = self.provinces.setdefault(name, Province(name))
            fresh = columns.at["province"] not in row.merged
            self._says_each = self._says_each or (fresh and known is self._province)
            if known is not self._province:
                self._may_restart = True
            if count is not None and fresh:
                known.printed.setdefault(count, place)
            self._province = known
        if self._province is None:
            self._error(place, columns, "province", "没有省份", "no province")
        elif text := values.get("province_count", ""):
            self._read_count(place, columns, text, self._province)
        return self._province

    def _official(self, place: Place, columns: Columns, name: str) -> str:
        if name in _LIKE_PROVINCES:
            return name
        code = regions.province_code(name)
        region = regions.get(code) if code else None
        if region is None or region.province is None:
            if name not in self.provinces:
                zh = f"“{name}”不是 GB/T 2260 中的省级行政区划"
                self._error(place, columns, "province", zh, f"“{name}” is no province of GB/T 2260")
            return name
        return region.province

    def _read_count(self, place: Place, columns: Columns, text: str, province: Province) -> None:
        digits = text.removesuffix("家")
        if digits.isascii() and digits.isdigit():
            province.printed.setdefault(int(digits), place)
        else:
            self._error(place, columns, "province_count", f"“{text}”不是数目", f"“{text}” is no count")

    def _check_number(self, place: Place, columns: Columns, text: str) -> None:
        """Numbers run on, or begin again at 1 with a province; anything else may be a lost or doubled row."""
        if "no" not in columns.at:
            return
        digits = text.removesuffix(".")
        before, restart = self._number, self._may_restart
        self._number, self._may_restart = None, False
        if not (digits.isascii() and digits.isdigit()):
            if text:
                self._warn(place, columns, "no", f"序号“{text}”不是数字", f"the number “{text}” is no number")
            return
        number = self._number = int(digits)
        if before is not None and number != before + 1 and not (restart and number == 1):
            zh = f"序号不连续：上一家是 {before}，这里是 {number}"
            self._warn(place, columns, "no", zh, f"the numbers do not run on: {number} after {before}")

    # --- its approvals -----------------------------------------------------------------------------------------------

    def _approve(
        self,
        draft: Draft,
        place: Place,
        columns: Columns,
        values: dict[Kind, str],
        techniques: list[tuple[str, TechniqueCode | None]],
    ) -> None:
        if not techniques:
            self._error(
                place, columns, "techniques", f"没有批准开展的技术：{draft.name}", f"no technique: {draft.name}"
            )
            return
        for printed, code in techniques:
            if code is None:
                zh = f"不能识别的技术“{printed}”：{draft.name}"
                self._error(place, columns, "techniques", zh, f"unknown technique “{printed}”: {draft.name}")
        text, count = values["stages"], len(techniques)
        stages = read_stages(text, count)
        if stages is None:
            zh = f"不能识别的运行情况“{text}”（{count} 项技术）：{draft.name}"
            en = f"unknown stage “{text}” for {count} techniques: {draft.name}"
            self._error(place, columns, "stages", zh, en)
            return
        for (printed, code), (stage, note) in zip(techniques, stages, strict=True):
            if code is not None:
                draft.unstated = draft.unstated or note == UNSTATED
                self._add(draft, place, ListedApproval(technique=code, stage=stage, note=note), printed)
                self._check_placeless(place, columns, code)

    def _check_placeless(self, place: Place, columns: Columns, code: TechniqueCode) -> None:
        """Only the sperm banks' table is printed without a province; any other has lost its checksum."""
        if "province" not in columns.at and code != "SPERM_BANK" and self._placeless is not place.table:
            self._placeless = place.table
            zh = "没有“省份”一列：省份只按地址判断，机构数无从核对"
            self._warn(place, columns, "province", zh, "no column of provinces: no counts to check by")

    def _add(self, draft: Draft, place: Place, approval: ListedApproval, printed: str) -> None:
        before = draft.approvals.setdefault(approval.technique, approval)
        first = draft.stated_at.setdefault(approval.technique, place)
        if before is approval:
            return
        zh, en = f"技术“{printed}”在同一机构出现两次：{draft.name}", f"technique “{printed}” twice for one institution"
        if before.stage != approval.stage:
            self._error(place, draft.columns, "techniques", f"{zh}，且运行情况不同", f"{en}, at different stages")
        elif first != place:
            # A row printed twice was meant to say something else, even when both say the same.
            zh, en = f"{zh}，与第{first.row}行重复", f"{en}, a repetition of row {first.row}"
            self._error(place, draft.columns, "techniques", zh, en)
        else:
            self._warn(place, draft.columns, "techniques", zh, en)

    def _error(self, place: Place, columns: Columns, kind: Kind, zh: str, en: str) -> None:
        self.audit.add("error", place, place.cell(columns.title(kind), columns.at.get(kind)), zh, en)

    def _warn(self, place: Place, columns: Columns, kind: Kind, zh: str, en: str) -> None:
        self.audit.add("warning", place, place.cell(columns.title(kind), columns.at.get(kind)), zh, en)


def home_of(province: str | None) -> str | None:
    """The province of GB/T 2260 that a list's province lies in; itself for all but 新疆生产建设兵团."""
    region = regions.get(_LIKE_PROVINCES.get(province or "", ""))
    return region.province if region else province
