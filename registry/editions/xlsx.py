"""An edition as a workbook: a sheet of centres and a sheet of sperm banks in the attachment's columns."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import xlsxwriter

from registry.editions import labels, text_formats
from registry.editions.content import ApprovalLine, EditionInstitution, ListContent, Progress
from registry.editions.edition import Edition

#: Of the attachment's columns; of one for a field that is printed besides; of the last three.
_WIDTHS, _FIELD_WIDTH, _LAST_WIDTHS = (12, 7, 38, 46, 30, 14), 10, (12, 14, 24)
_CELL_LIMIT = 32_767  # characters of a cell in the file format


def write(path: Path, edition: Edition, content: ListContent, progress: Progress | None = None) -> None:
    """Write the workbook, a row in memory at a time. Cells are text: none is a formula, a number or a link."""
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(str(path), {**options, "strings_to_numbers": False})
    created = edition.published.astimezone(dt.UTC).replace(tzinfo=None, microsecond=0)
    book.set_properties({"title": edition.title, "subject": labels.describe_publication(edition), "created": created})
    workbook = _Workbook(book, edition, content, progress)
    try:
        workbook.write_sheets()
    finally:
        book.close()


class _Workbook:
    """The sheets of one workbook."""

    def __init__(self, book: Any, edition: Edition, content: ListContent, progress: Progress | None) -> None:
        self._book, self._edition, self._content, self._progress = book, edition, content, progress
        text = book.add_format({"text_wrap": True, "valign": "top"})
        bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
        self._formats = (text, bold)

    def write_sheets(self) -> None:
        """Write the centres of the provinces, those of none, and the sperm banks; where there is nothing, the first."""
        content, totals = self._content, self._content.totals
        centres = text_formats.list_headings(content)
        further = centres[len(labels.CENTRES) :]
        if totals.centres or not totals.banks + totals.placeless:
            sheet = self._add_sheet("机构名单", centres, self._edition.title, totals.centres)
            self._write_rows(sheet, content.read_centres())
        if totals.placeless:
            headings = (*labels.PLACELESS, *further)
            sheet = self._add_sheet("未注明行政区划", headings, labels.PLACELESS_TITLE, totals.placeless)
            self._write_rows(sheet, content.read_centres(placeless=True), 1)
        if totals.banks:
            sheet = self._add_sheet("人类精子库", (*labels.BANKS, *further), labels.BANKS_TITLE, totals.banks)
            self._write_rows(sheet, content.read_banks(), 1)

    def _add_sheet(self, name: str, headings: tuple[str, ...], title: str, count: int) -> _Sheet:
        fields = (_FIELD_WIDTH,) * len(self._content.fields)
        widths = (*_WIDTHS, *fields, *_LAST_WIDTHS)[-len(headings) :]
        sheet = _Sheet(self._book, name, dict(zip(headings, widths, strict=True)), self._formats)
        sheet.write_head(title, labels.format_banner(self._edition, count), labels.describe_publication(self._edition))
        return sheet

    def _write_rows(
        self, sheet: _Sheet, rows: Iterable[tuple[EditionInstitution, tuple[ApprovalLine, ...]]], skipped: int = 0
    ) -> None:
        """Number and write the rows without the first ``skipped`` columns of the csv, which the sheet does not have."""
        for number, (institution, lines) in enumerate(rows, start=1):
            for line in lines:
                sheet.add_row(text_formats.make_cells(self._content, number, institution, line)[skipped:])
            if self._progress and number % 1000 == 0:
                self._progress(number)


class _Sheet:
    """One sheet, filled from the top; ``headings`` with the widths of their columns."""

    def __init__(self, book: Any, name: str, headings: dict[str, int], formats: tuple[Any, Any]) -> None:
        self._sheet = book.add_worksheet(name)
        self._headings, (self._text, self._bold) = headings, formats
        self._row = 0

    def write_head(self, title: str, banner: str, publication: str) -> None:
        """Write title, banner and headings; printed on paper, the headings stand on every page."""
        for column, width in enumerate(self._headings.values()):
            self._sheet.set_column(column, column, width)
        last = len(self._headings) - 1
        for text in (title, banner, publication):
            self._sheet.merge_range(self._row, 0, self._row, last, labels.remove_unprintable(text), self._bold)
            self._row += 1
        for column, heading in enumerate(self._headings):
            self._sheet.write_string(self._row, column, heading, self._bold)
        self._sheet.repeat_rows(self._row)
        self._sheet.freeze_panes(self._row + 1, 0)
        self._sheet.set_landscape()
        self._sheet.set_paper(9)
        self._sheet.fit_to_pages(1, 0)
        self._sheet.set_footer("&C&P / &N")
        self._row += 1

    def add_row(self, cells: list[str]) -> None:
        """Write one row."""
        for column, cell in enumerate(cells):
            if cell:
                self._sheet.write_string(self._row, column, labels.remove_unprintable(cell)[:_CELL_LIMIT], self._text)
        self._row += 1
