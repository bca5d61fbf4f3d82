"""A list file read into audited institutions: one row per technique, per sperm bank, or per institution.

Strict on purpose: every column is used or kept under its heading, no unknown word gets a default, and all findings are
collected so that a person can mend them at once. The caller refuses a list whose audit has errors.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from registry.domain import fields, regions
from registry.domain.identifiers import compact_uscc, parse_code, parse_uscc
from registry.domain.normalise import compact_text
from registry.domain.techniques import BANK
from registry.errors import InvalidInput
from registry.importers.reading import file_tables, headings
from registry.importers.reading.audit import MAX_FINDINGS, Audit, RowPlace
from registry.importers.reading.cells import parse_province, parse_sum_row, parse_total
from registry.importers.reading.headings import HEADINGS, REQUIRED, Columns
from registry.importers.reading.list_file import FileAnswer, FileQuestion, Level, ListedInstitution, ListFile
from registry.importers.reading.name_parts import split_name
from registry.importers.reading.row_groups import RowGroup, RowGrouper, find_home_province, make_question
from registry.importers.reading.row_review import RowReview
from registry.storage.uploads.tables import Table, TableRow
from registry.texts import Message

_USCC = re.compile("[0-9A-Z]{18}")


def read_list(
    path: Path,
    *,
    progress: file_tables.Progress | None = None,
    mapping: headings.Mapping | None = None,
    limit: int = MAX_FINDINGS,
    answers: Mapping[str, FileAnswer] | None = None,
) -> ListFile:
    """Read a docx, xlsx or csv list; UnreadableFile when it has no tables, everything else goes to the audit.

    ``progress`` gets the number of rows about every thousand. ``mapping``: columns as a person named them. ``limit``:
    findings of each level that are listed. ``answers``: a person's, by the keys of the questions of the audit.
    """
    return _ListReader(mapping, limit, answers).read_file(path, progress)


class _ListReader:
    """Reads the tables of one file."""

    def __init__(self, mapping: headings.Mapping | None, limit: int, answers: Mapping[str, FileAnswer] | None) -> None:
        self.mapping = mapping
        self.audit = Audit(limit, answers)
        self.review = RowReview(self.audit)
        self.grouper = RowGrouper(self.audit)
        self.institutions: dict[tuple[str, str], tuple[ListedInstitution, RowPlace]] = {}
        self.totals: list[tuple[int, RowPlace, Columns]] = []  # printed number, its place, the columns of its table
        self.counts = Counter[tuple[str, ...]]()  # institutions by headings: a list may run over many tables
        self.headless: list[tuple[Table, list[TableRow]]] = []
        self.columns: Columns | None = None
        self.unstated = 0  # institutions with a stage left blank

    def read_file(self, path: Path, progress: file_tables.Progress | None) -> ListFile:
        for table in file_tables.read_tables(path, progress, has_marks=True):
            self._read_table(table)
        self._add_institutions(self.grouper.close_group())
        self._check_headings()
        self._check_counts()
        if self.unstated:
            n = self.unstated
            message = Message("共 {n} 家机构有未写明的运行情况，按“运行（试运行或正式运行）”登记", n=n)
            self.audit.add_finding("warning", None, None, message)
        self.audit.add_vain_answers()
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        institutions = tuple(listed for listed, _ in self.institutions.values())
        return ListFile(
            rows=self.grouper.rows,
            institutions=institutions,
            audit=self.audit.list_lines(),
            sha256=digest,
            changes=tuple(self.audit.changes),
        )

    # --- tables ------------------------------------------------------------------------------------------------------

    def _read_table(self, table: Table) -> None:
        columns, before = headings.find_columns(table.rows, self.mapping)
        if table.is_hidden and columns is None:
            row = before[0].number if before else 1
            self.audit.add_finding(
                "warning", RowPlace(table, row), None, Message("隐藏的工作表，没有读取；其中没有名单")
            )
            return
        if table.is_hidden and columns is not None and not self.review.review_sheet(table, columns.row):
            return
        if columns is not None and self.mapping and not columns.positions:
            place = RowPlace(table, columns.row)
            self.audit.add_finding("info", place, None, Message("这张表按您的选择没有读取"))
            return
        if columns is None:
            if self.columns is None or any(len(row.cells) != len(self.columns.titles) for row in before):
                self.headless.append((table, before))
                return
            columns = self.columns  # the table continues the list above
            self._read_rows(table, columns, before)
        elif self.columns is None or table.has_cell_names or columns.titles != self.columns.titles:
            columns = self.review.review_columns(table, columns)
            self._add_institutions(self.grouper.start_list())
            self.columns = None
            if not self._check_columns(table, columns, before):
                return
        self.columns = columns
        self._read_rows(table, columns, table.rows)

    def _check_columns(self, table: Table, columns: Columns, before: list[TableRow]) -> bool:
        """Read the lines above the headings; return whether every required heading is there, and none twice."""
        for row in before:
            self._read_banner(table, row, columns)
        missing = columns.missing_titles
        if missing == [HEADINGS["techniques"][0]] and any("精子库" in "".join(row.cells) for row in before):
            missing = []
        place = RowPlace(table, columns.row)
        present = "、".join(filter(None, columns.titles))
        for title in missing:
            self.audit.add_finding(
                "error", place, title, Message("缺少表头“{title}”，现有表头：{present}", title=title, present=present)
            )
        for title in columns.repeated_titles:
            self.audit.add_finding("error", place, title, Message("表头“{title}”与另一列含义相同", title=title))
        return not missing and not columns.repeated_titles

    def _read_rows(self, table: Table, columns: Columns, rows: Iterable[TableRow]) -> None:
        for row in rows:
            if columns.is_repeated_in(row) or self._read_sum(table, columns, row):
                continue
            if not _is_banner(row):
                reviewed, is_left_out = self.review.review_row(table, columns, row)
                self._add_institutions(self.grouper.add_row(table, columns, reviewed, is_left_out=is_left_out))
                continue
            self._read_banner(table, row, columns)
            if not row.has_spanning_cell:
                text = "".join(row.cells).strip()
                self.audit.add_finding(
                    "info",
                    RowPlace(table, row.number),
                    None,
                    Message("这一行只有一格文字，按说明跳过：{text}", text=text),
                )

    def _read_sum(self, table: Table, columns: Columns, row: TableRow) -> bool:
        """Read a row that adds up those above it (合计); return whether it is one."""
        found = parse_sum_row(row.cells)
        if found is None or row.merged_columns:
            return False
        if found.number is not None and found.is_of_province:
            self.grouper.add_province_count(table, columns, row, found.number)
        elif found.number is not None:
            self.totals.append((found.number, RowPlace(table, row.number), columns))
        message = Message("这一行是合计，只用来核对：{text}", text=" ".join(filter(None, map(str.strip, row.cells))))
        self.audit.add_finding("info", RowPlace(table, row.number), None, message)
        return True

    def _read_banner(self, table: Table, row: TableRow, columns: Columns) -> None:
        text = "".join(row.cells)
        total = parse_total(text)
        if total is not None and regions.find_province_code(parse_province(text)[0]) is None:
            self.totals.append((total, RowPlace(table, row.number), columns))

    # --- institutions ------------------------------------------------------------------------------------------------

    def _add_institutions(self, drafts: Iterable[RowGroup]) -> None:
        for draft in drafts:
            self.counts[draft.columns.titles] += 1
            listed = self._make_institution(draft)
            key = (compact_text(listed.name), compact_text(listed.address))
            before = self.institutions.setdefault(key, (listed, draft.place))
            if before[0] is not listed:
                self.institutions[key] = self._merge_repetition(before, listed, draft)

    def _merge_repetition(
        self, before: tuple[ListedInstitution, RowPlace], listed: ListedInstitution, draft: RowGroup
    ) -> tuple[ListedInstitution, RowPlace]:
        """The same name at the same address again: a centre that also has a sperm bank, or an error."""
        first, place = before
        both = (*first.approvals, *listed.approvals)
        banks = [each for each in (first, listed) if [a.technique for a in each.approvals] == [BANK]]
        is_separate = place.table is not draft.place.table and len({a.technique for a in both}) == len(both)
        message = place.format_label()
        if is_separate and len(banks) == 1:
            self._add_finding(
                draft,
                "name",
                Message("与{message}是同一机构，合并登记：{listed_name}", message=message, listed_name=listed.name),
            )
            province, region = first.province or listed.province, first.region or listed.region
            return msgspec.structs.replace(first, approvals=both, province=province, region=region), place
        self._add_finding(
            draft,
            "name",
            Message("与{message}的名称和地址都相同：{listed_name}", message=message, listed_name=listed.name),
            "error",
        )
        return before

    def _make_institution(self, draft: RowGroup) -> ListedInstitution:
        name = split_name(draft.name)
        if name.unclassified is not None:
            message = Message(
                "名称括号内“{unclassified}”不能归类，只作为名称的一部分：{draft_name}",
                unclassified=name.unclassified,
                draft_name=draft.name,
            )
            self._add_finding(draft, "name", message)
        if draft.has_unstated_stage:
            self.unstated += 1
            self._add_finding(draft, "stages", Message("运行情况未写明：{draft_name}", draft_name=draft.name))
        for kind, text in draft.fields.items():
            if (check := fields.BY_NAME[kind].check) and (wrong := check(text)):
                self._add_finding(draft, kind, wrong, "error")
            if kind == "uscc":
                self._check_uscc(draft, text)
        return ListedInstitution(
            row=draft.place.row,
            name=draft.name,
            address=draft.address,
            province=draft.province,
            approvals=tuple(draft.approvals.values()),
            aliases=name.aliases,
            ownership_form=name.ownership_form,
            campus=name.campus,
            region=self._find_region(draft),
            code=self._read_code(draft),
            extra=draft.extra,
            **{name: fields.parse_cell(fields.BY_NAME[name], text) for name, text in draft.fields.items()},
        )

    def _check_uscc(self, draft: RowGroup, text: str) -> None:
        """An error for a code of another length or alphabet, a warning for a check character that does not fit."""
        if not _USCC.fullmatch(compact_uscc(text)):
            self._add_finding(
                draft, "uscc", Message("统一社会信用代码应为18位数字和大写字母：{text}", text=text[:40]), "error"
            )
            return
        try:
            parse_uscc(text)
        except InvalidInput:
            message = Message("统一社会信用代码的校验码不符，请核对：{text}", text=text[:40])
            self._add_finding(draft, "uscc", message, "warning")

    def _read_code(self, draft: RowGroup) -> str | None:
        text = draft.texts.get("code", "")
        try:
            return parse_code(text) if text else None
        except InvalidInput:
            self._add_finding(draft, "code", Message("“{text}”不是名录编码，没有用来对照", text=text[:40]), "warning")
            return None

    def _find_region(self, draft: RowGroup) -> str | None:
        found = regions.resolve_address(draft.address, find_home_province(draft.province))
        if found.disagrees:
            self._add_finding(
                draft,
                "address",
                Message("地址不在所列省份“{province}”：{address}", province=draft.province, address=draft.address),
                "warning",
            )
        region = regions.find_region(found.code) if found.code else None
        if region is None or found.code is None:
            message = Message("地址看不出行政区划：{address}", address=draft.address)
            self._add_finding(draft, "address", message, "warning")
            return None
        if region.district is None and regions.list_children(found.code):
            known = region.city or region.province
            self._add_finding(
                draft, "address", Message("地址只能确定到“{known}”：{address}", known=known, address=draft.address)
            )
        return found.code

    def _add_finding(self, draft: RowGroup, kind: headings.Kind, message: Message, level: Level = "info") -> None:
        cell = draft.place.format_cell(draft.columns.get_title(kind), draft.columns.positions.get(kind))
        question = None if level == "info" else make_question(draft.place, draft.columns, kind, draft.texts)
        self.audit.add_finding(level, draft.place, cell, message, question)

    # --- the whole file ----------------------------------------------------------------------------------------------

    def _check_headings(self) -> None:
        """Add an error when no table has headings or no row follows them, and a warning for other tables without."""
        if self.columns is None and not self.audit.error_count:
            expected = "、".join(HEADINGS[kind][0] for kind in REQUIRED)
            first = self.headless[0][1][0].cells if self.headless and self.headless[0][1] else ()
            row = "、".join(filter(None, (cell.strip() for cell in first)))[:100]
            self.audit.add_finding(
                "error", None, None, Message("找不到表头（{expected}），第一行是：{row}", expected=expected, row=row)
            )
            return
        for table, rows in self.headless:
            place = RowPlace(table, rows[0].number if rows else 1)
            self.audit.add_finding("warning", place, None, Message("这张表没有名单的表头，没有读取"))
        if self.grouper.rows == 0 and not self.audit.error_count:
            self.audit.add_finding("error", None, None, Message("表头下面没有任何一行"))

    def _check_counts(self) -> None:
        for province in self.grouper.provinces.values():
            for printed, place in province.printed_counts.items():
                if printed != province.institution_count:
                    message = Message(
                        "{province_name}印有 {printed} 家，实际读到 {institution_count} 家",
                        province_name=province.name,
                        printed=printed,
                        institution_count=province.institution_count,
                    )
                    self._add_count_error(place, HEADINGS["province"][0], message)
        for printed, place, columns in self.totals:
            found = self.counts[columns.titles]
            if printed not in (found, self.counts.total()):
                message = Message("写明共 {printed} 家，实际读到 {found} 家", printed=printed, found=found)
                self._add_count_error(place, None, message)

    def _add_count_error(self, place: RowPlace, cell: str | None, message: Message) -> None:
        """A printed number may be wrong, which a person accepts with a reason; more likely rows are missing."""
        question = FileQuestion(key=f"{place.key}.count", kind="count", choices=("accept",))
        self.audit.add_finding("error", place, cell, message, question)


def _is_banner(row: TableRow) -> bool:
    """Whether a row is one text across the table, or alone in its first column (a note, a date), and no number."""
    filled = [i for i, cell in enumerate(row.cells) if cell.strip()]
    if len(filled) != 1 or row.merged_columns:
        return False
    return row.has_spanning_cell or (filled == [0] and not row.cells[0].strip().isdigit())
