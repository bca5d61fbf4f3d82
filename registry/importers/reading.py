"""A list file as tables of text: docx, xlsx or csv, told apart by content. What the words mean is lists.py's matter."""

from __future__ import annotations

import csv
import io
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError, SheetVisibleEnum

from registry.claimfiles.sheets import as_text, refuse_huge
from registry.errors import TooLarge
from registry.importers import docx
from registry.importers.kinds import damaged, kind_of, protected, unreadable
from registry.importers.tables import Row, Table

Progress = Callable[[int], None]
_EVERY = 1000  # rows between two reports of progress
_ENCODINGS = ("utf-8-sig", "gb18030")  # Excel in China saves csv as GBK
_LONGEST_CELL = 131_072


def read(path: Path, progress: Progress | None = None) -> Iterator[Table]:
    """Yield the tables of a file in order; raise UnreadableFile, saying what to do, when there is nothing to read.

    A table's rows are a stream: read them before asking for the next table. ``progress`` hears the rows done so far.
    """
    reader = {"docx": _docx, "xlsx": _xlsx, "text": _csv}[kind_of(path)]
    seen = Counter[str]()
    for table in reader(path):
        yield table._replace(rows=_counted(table.rows, seen, progress))
    if progress is not None:
        progress(seen["rows"])
    if not seen["filled"]:
        raise unreadable("文件里没有任何表格行", "The file has no rows in any table", path)


def _counted(rows: Iterable[Row], seen: Counter[str], progress: Progress | None) -> Iterator[Row]:
    for row in rows:
        seen["rows"] += 1
        if progress is not None and seen["rows"] % _EVERY == 0:
            progress(seen["rows"])
        if any(cell.strip() for cell in row.cells):
            seen["filled"] += 1
            yield row


def _docx(path: Path) -> Iterator[Table]:
    for number, numbered in itertools.groupby(docx.rows(path), key=lambda pair: pair[0]):
        yield Table(f"表{number}", f"table {number}", False, (row for _, row in numbered))


# --- xlsx ------------------------------------------------------------------------------------------------------------


def _xlsx(path: Path) -> Iterator[Table]:
    _refuse_far_cells(path)
    try:
        with CalamineWorkbook.from_path(path) as workbook:
            seen = {one.name for one in workbook.sheets_metadata if one.visible == SheetVisibleEnum.Visible}
            sheets = [workbook.get_sheet_by_name(name) for name in workbook.sheet_names]
            filled = [sheet for sheet in sheets if sheet.height]
            for sheet in filled:
                alone = len(filled) == 1
                name, name_en = ("", "") if alone else (f"工作表“{sheet.name}”", f"sheet “{sheet.name}”")
                yield Table(name, name_en, True, _sheet_rows(sheet), hidden=sheet.name not in seen)
    except PasswordError as error:
        raise protected(path) from error
    except (CalamineError, OSError, ValueError) as error:
        raise damaged(path, error) from error


def _refuse_far_cells(path: Path) -> None:
    """One cell in the last row and column is a grid that no memory holds, and ends the process that reads it."""
    try:
        with path.open("rb") as file:
            refuse_huge(file)
    except TooLarge as error:
        raise unreadable(error.zh.rstrip("。"), error.en.rstrip("."), path) from error


def _sheet_rows(sheet: CalamineSheet) -> Iterator[Row]:
    """Rows and columns as the program shows them; calamine leaves out the columns left of the first value."""
    _, left = sheet.start or (0, 0)
    anchors, spans = _merges(sheet)
    above: dict[tuple[int, int], str] = {}
    for index, values in enumerate(sheet.iter_rows()):
        cells = [""] * left + [as_text(value) for value in values]
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
        yield Row(index + 1, tuple(cells), frozenset(merged), index in spans)


def _merges(sheet: CalamineSheet) -> tuple[dict[tuple[int, int], tuple[int, int]], set[int]]:
    """Which cell holds the text of each merged cell, and the rows in which a merge spans several columns."""
    anchors: dict[tuple[int, int], tuple[int, int]] = {}
    spans: set[int] = set()
    _, rightmost = sheet.end or (0, 0)
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or []:
        last = min(bottom, sheet.total_height)
        for row in range(top, last + 1):
            for column in range(left, min(right, rightmost) + 1):
                anchors[row, column] = (top, left)
        if right > left:
            spans.update(range(top, last + 1))
    return anchors, spans


# --- csv -------------------------------------------------------------------------------------------------------------


def _csv(path: Path) -> Iterator[Table]:
    text = _decoded(path)
    yield Table("", "", True, _csv_rows(path, text, _delimiter(text)))


def _csv_rows(path: Path, text: str, delimiter: str) -> Iterator[Row]:
    number = 0
    try:
        # strict: a quotation mark without its end would make one cell of all the rows below it
        for number, cells in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), 1):
            yield Row(number, tuple(cells))
    except csv.Error as error:
        raise unreadable(
            f"第{number + 1}行读不下去，多半是引号不成对，或一格太长；请改正后再导入（{error}）",
            f"Row {number + 1} cannot be read, most likely for a quotation mark without its pair, or too long a cell; "
            f"please mend it ({error})",
            path,
        ) from error


def _decoded(path: Path) -> str:
    raw = path.read_bytes()
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings: tuple[str, ...] = ("utf-16",)
    elif b"\x00" in raw:
        encodings = ()
    else:
        encodings = _ENCODINGS
    for encoding in encodings:
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise unreadable(
        "这不是 docx、xlsx 或文本 csv 文件，请另存为其中一种（csv 请用 UTF-8 或 GBK 编码）",
        "This is no docx, xlsx or text csv file; please save it as one of them (csv in UTF-8 or GBK)",
        path,
    )


def _delimiter(text: str) -> str:
    """The separator that occurs most in the first lines; a comma when none does."""
    first = "\n".join(text[:_LONGEST_CELL].splitlines()[:20])
    return max((",", "\t", ";"), key=first.count)
