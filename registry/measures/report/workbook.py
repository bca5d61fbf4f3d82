"""The report as a workbook: the task list's own table, every figure in a row of its own, and the entries of each."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import xlsxwriter

from registry.editions.labels import remove_unprintable
from registry.measures.report import sentences
from registry.measures.report.report import Report
from registry.records.subject_names import describe_region
from registry.texts import Message

_ENTRIES = Message("记录")
_FIGURES = Message("数据")
_TABLE = Message("任务清单")
_ENTRY_HEADINGS = (
    *(Message("数据编号"), Message("数据"), Message("日期"), Message("至")),
    *(Message("地区"), Message("名称"), Message("数目"), Message("填报人"), Message("页面")),
)
_CELL_LIMIT = 32_767  # characters of a cell in the file format


def write_workbook(path: Path, report: Report, lang: str) -> None:
    """Write the workbook. A figure nobody knows is an empty cell; numbers are numbers, all else is text."""
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(str(path), options)
    created = report.at.astimezone(dt.UTC).replace(tzinfo=None, microsecond=0)
    book.set_properties({"title": sentences.TITLE.to_text(lang), "created": created})
    text = book.add_format({"text_wrap": True, "valign": "top", "border": 1})
    bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "border": 1})
    number = book.add_format({"valign": "top", "border": 1, "num_format": "#,##0.##"})
    writer = _ReportSheets(report, lang, (text, bold, number))
    writer.write_table(book.add_worksheet(_TABLE.to_text(lang)))
    writer.write_figures(book.add_worksheet(_FIGURES.to_text(lang)))
    writer.write_entries(book.add_worksheet(_ENTRIES.to_text(lang)))
    book.close()


class _ReportSheets:
    """The sheets of one workbook."""

    def __init__(self, report: Report, lang: str, formats: tuple[Any, Any, Any]) -> None:
        self._report, self._lang = report, lang
        self._text, self._bold, self._number = formats

    def _translate(self, *messages: Message) -> list[str]:
        return [one.to_text(self._lang) for one in messages]

    def _write_head(self, sheet: Any, headings: list[str], widths: tuple[int, ...]) -> int:
        for column, width in enumerate(widths):
            sheet.set_column(column, column, width)
        last = len(headings) - 1
        head = (sentences.TITLE.to_text(self._lang), sentences.describe_report(self._report, self._lang))
        for row, line in enumerate((*head, sentences.BLANKS.to_text(self._lang))):
            sheet.merge_range(row, 0, row, last, line, self._bold)
        for column, heading in enumerate(headings):
            sheet.write_string(3, column, heading, self._bold)
        sheet.repeat_rows(3)
        sheet.freeze_panes(4, 0)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        return 4

    def _write_row(self, sheet: Any, row: int, cells: list[Any]) -> None:
        for column, cell in enumerate(cells):
            if cell is None or cell == "":
                sheet.write_blank(row, column, None, self._text)
            elif isinstance(cell, str):
                sheet.write_string(row, column, remove_unprintable(cell)[:_CELL_LIMIT], self._text)
            else:
                sheet.write_number(row, column, cell, self._number)

    def write_table(self, sheet: Any) -> None:
        """Write department, measures, deadline and figures, as the task list has them."""
        row = self._write_head(sheet, self._translate(*sentences.HEADINGS), (18, 46, 12, 56))
        for one in self._report.departments:
            lines = sentences.list_measure_lines(one, self._lang) or [("", "")]
            figures = "\n".join(sentences.format_figure(*figure, self._lang) for figure in one.figures)
            name = one.department.get_name(self._lang)
            for offset, (measure, deadline) in enumerate(lines):
                self._write_row(sheet, row + offset, ["", measure, deadline, ""])
                sheet.set_row(row + offset, max(18, 16 * (len(one.figures) / len(lines) + 0.5)))
            for column, content in ((0, name), (3, figures)):
                if len(lines) > 1:
                    sheet.merge_range(row, column, row + len(lines) - 1, column, content, self._text)
                else:
                    sheet.write_string(row, column, content, self._text)
            row += len(lines)

    def write_figures(self, sheet: Any) -> None:
        """Write one row for each figure, its value as a number."""
        row = self._write_head(sheet, self._translate(*sentences.FIGURE_HEADINGS), (18, 6, 32, 14, 8, 12, 8, 40))
        for one in self._report.departments:
            for figure, count in one.figures:
                label, unit, source = self._translate(figure.label, figure.unit, sentences.describe_source(figure))
                note = count.note.to_text(self._lang) if count.note else ""
                value = None if count.value is None else float(count.value)
                name = one.department.get_name(self._lang)
                cells = [name, figure.number, label, value, unit, source, len(count.entries), note]
                self._write_row(sheet, row, cells)
                row += 1

    def write_entries(self, sheet: Any) -> None:
        """Write the entries that each figure rests on."""
        row = self._write_head(sheet, self._translate(*_ENTRY_HEADINGS), (24, 28, 12, 12, 24, 40, 12, 14, 30))
        for one in self._report.departments:
            for figure, count in one.figures:
                for entry in count.entries:
                    place = describe_region(entry.region).to_text(self._lang) if entry.region else ""
                    amount = None if entry.amount is None else float(entry.amount)
                    until = entry.until.isoformat() if entry.until else ""
                    label = figure.label.to_text(self._lang)
                    cells = [figure.code, label, entry.day.isoformat(), until, place, entry.label, amount]
                    self._write_row(sheet, row, [*cells, entry.account, entry.path])
                    row += 1
