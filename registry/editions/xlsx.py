"""An edition as a workbook: a sheet of centres and a sheet of sperm banks in the attachment's columns."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import xlsxwriter

from registry.editions import csvs, printed
from registry.editions.content import Content
from registry.editions.edition import Edition

_WIDTHS = (12, 7, 38, 46, 30, 14, 10, 10, 12, 14, 24)
#: Of sperm banks: what stands under the headings of the attachment's second table.
_BANK_CELLS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
_LONGEST = 32_767  # characters of a cell in the file format


def write(path: Path, edition: Edition, content: Content, progress: Callable[[int], None] | None = None) -> None:
    """The workbook, a row in memory at a time. Cells are text: none is a formula, a number or a link."""
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(str(path), {**options, "strings_to_numbers": False})
    made = edition.published.astimezone(dt.UTC).replace(tzinfo=None, microsecond=0)
    book.set_properties({"title": edition.title, "subject": printed.about(edition), "created": made})
    text = book.add_format({"text_wrap": True, "valign": "top"})
    bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
    try:
        if content.totals.centres or not content.totals.banks:
            sheet = _Sheet(book, "机构名单", csvs.HEADINGS, (text, bold))
            sheet.begin(edition.title, printed.banner(edition, content.totals.centres), printed.about(edition))
            number = 0
            for one in content.listed():
                number += bool(one.centre)
                for line in one.centre:
                    sheet.add(csvs.cells(number, one, line))
                if progress and number % 1000 == 0:
                    progress(number)
        if content.totals.banks:
            headings = (*printed.BANKS, *csvs.HEADINGS[len(printed.CENTRES) :])
            sheet = _Sheet(book, "人类精子库", headings, (text, bold))
            sheet.begin(printed.BANKS_TITLE, printed.banner(edition, content.totals.banks), printed.about(edition))
            number = 0
            for one in content.listed():
                number += bool(one.bank)
                for line in one.bank:
                    cells = csvs.cells(number, one, line)
                    sheet.add([cells[i] for i in _BANK_CELLS])
    finally:
        book.close()


class _Sheet:
    """One sheet, filled from the top."""

    def __init__(self, book: Any, name: str, headings: tuple[str, ...], formats: tuple[Any, Any]) -> None:
        self._sheet = book.add_worksheet(name)
        self._headings, (self._text, self._bold) = headings, formats
        self._row = 0

    def begin(self, title: str, banner: str, about: str) -> None:
        """Title, banner and headings; printed on paper, the headings stand on every page."""
        widths = _WIDTHS[len(_WIDTHS) - len(self._headings) :]
        for column, width in enumerate(widths):
            self._sheet.set_column(column, column, width)
        last = len(self._headings) - 1
        for text in (title, banner, about):
            self._sheet.merge_range(self._row, 0, self._row, last, printed.plain(text), self._bold)
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

    def add(self, cells: list[str]) -> None:
        """One row."""
        for column, cell in enumerate(cells):
            if cell:
                self._sheet.write_string(self._row, column, printed.plain(cell)[:_LONGEST], self._text)
        self._row += 1
