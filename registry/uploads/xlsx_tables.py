"""The sheets of an xlsx file by python-calamine, which reads a sheet into a grid up to its farthest cell.

``packages`` has checked the file before.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError, SheetVisibleEnum

from registry.texts import Message
from registry.uploads.limits import FileLimits
from registry.uploads.refusals import make_damaged_file_error, make_password_error, make_too_large_error
from registry.uploads.tables import Table, TableRow


def format_cell(value: object) -> str:
    """A cell's value as a person reads it: whole numbers without .0, dates as YYYY-MM-DD."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(sep=" ")
    return str(value)


@contextmanager
def _open_workbook(source: IO[bytes]) -> Iterator[CalamineWorkbook]:
    try:
        with CalamineWorkbook.from_filelike(source) as workbook:
            yield workbook
    except PasswordError as error:
        raise make_password_error() from error
    except (CalamineError, OSError, ValueError) as error:
        raise make_damaged_file_error(error) from error


def read_tables(source: IO[bytes], limits: FileLimits) -> Iterator[Table]:
    """Yield every sheet with rows as a table; read its rows before the next table."""
    with _open_workbook(source) as workbook:
        visible = {sheet.name for sheet in workbook.sheets_metadata if sheet.visible == SheetVisibleEnum.Visible}
        sheets = [workbook.get_sheet_by_name(name) for name in workbook.sheet_names]
        filled = [sheet for sheet in sheets if sheet.height]
        for sheet in filled:
            name, name_en = (
                ("", "") if len(filled) == 1 else Message("工作表“{sheet_name}”", sheet_name=sheet.name).get_both()
            )
            yield Table(name, name_en, True, _read_rows(sheet, limits), is_hidden=sheet.name not in visible)


def _read_rows(sheet: CalamineSheet, limits: FileLimits) -> Iterator[TableRow]:
    """Yield rows with columns as the program shows them; calamine omits those left of the first value."""
    _, left = sheet.start or (0, 0)
    anchors, spans = _list_merges(sheet, limits)
    above: dict[tuple[int, int], str] = {}
    for index, values in enumerate(sheet.iter_rows()):
        cells = [""] * left + [format_cell(value) for value in values]
        merged: set[int] = set()
        for column in range(len(cells)):
            anchor = anchors.get((index, column))
            if anchor is None:
                continue
            if anchor == (index, column):
                above[anchor] = cells[column]
            elif anchor[1] == column:
                cells[column] = above.get(anchor, "")
                merged.add(column)
        yield TableRow(index + 1, tuple(cells), frozenset(merged), index in spans)


def _list_merges(sheet: CalamineSheet, limits: FileLimits) -> tuple[dict[tuple[int, int], tuple[int, int]], set[int]]:
    """(the cell with the text of each merged cell, the rows in which a merge spans several columns)."""
    anchors: dict[tuple[int, int], tuple[int, int]] = {}
    spans: set[int] = set()
    _, rightmost = sheet.end or (0, 0)
    area = 0
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or []:
        last, farthest = min(bottom, sheet.total_height), min(right, rightmost)
        area += max(0, last - top + 1) * max(1, farthest - left + 1)
        if area > limits.cells:
            raise make_too_large_error(Message("合并的单元格过多"), limits.cells)
        for row in range(top, last + 1):
            for column in range(left, farthest + 1):
                anchors[row, column] = (top, left)
        if right > left:
            spans.update(range(top, last + 1))
    return anchors, spans
