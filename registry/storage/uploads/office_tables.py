"""The tables of xlsx files by python-calamine, a sheet as a grid, and of docx files by lxml, row by row.

``packages`` has checked the files before.
"""

import datetime as dt
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from lxml import etree
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError, SheetVisibleEnum

from registry.storage.uploads.limits import FileLimits
from registry.storage.uploads.packages import DOCUMENT
from registry.storage.uploads.refusals import make_damaged_file_error, make_password_error, make_too_large_error
from registry.storage.uploads.sheet_marks import read_sheet_marks
from registry.storage.uploads.tables import Mark, Table, TableRow, extend_marks
from registry.storage.uploads.word_looks import NOTHING, Looks, WordStyles, find_value, get_local_name, is_on
from registry.texts import Message


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


def read_xlsx_tables(source: IO[bytes], limits: FileLimits, *, has_marks: bool = False) -> Iterator[Table]:
    """Yield every sheet with rows as a table; read its rows before the next table. ``has_marks``: see ``Mark``."""
    with _open_workbook(source) as workbook:
        visible = {sheet.name for sheet in workbook.sheets_metadata if sheet.visible == SheetVisibleEnum.Visible}
        sheets = [workbook.get_sheet_by_name(name) for name in workbook.sheet_names]
        filled = [sheet for sheet in sheets if sheet.height]
        for sheet in filled:
            name, name_en = (
                ("", "") if len(filled) == 1 else Message("工作表“{sheet_name}”", sheet_name=sheet.name).get_both()
            )
            rows = _read_rows(sheet, limits)
            if has_marks:
                marks = read_sheet_marks(source, sheet.name)
                rows = extend_marks(row._replace(marks=marks.get(row.number, ())) for row in rows)
            yield Table(name, name_en, True, rows, is_hidden=sheet.name not in visible)


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


_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_STRICT = "{http://purl.oclc.org/ooxml/wordprocessingml/main}"
_TABLE, _ROW, _CELL, _PARAGRAPH = "tbl", "tr", "tc", "p"
_WRAPPERS = frozenset({"sdt", "sdtContent", "customXml", "smartTag", "ins", "moveTo"})
#: What a revision does to the text in it.
_REVISED = {"del": "deleted", "moveFrom": "deleted", "ins": "inserted", "moveTo": "inserted"}
_MOVED = frozenset({"moveFrom", "moveTo"})
_COPY = "Fallback"  # of a text box, for old programs
_NOTES = frozenset({"footnoteReference", "endnoteReference"})
_DOUBTFUL = ("struck", "hidden_text", "footnote")
_BREAKS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}


def read_docx_rows(source: IO[bytes], limits: FileLimits, *, has_marks: bool = False) -> Iterator[tuple[int, TableRow]]:
    """Yield (number of the table, row) for every outermost table, counted from 1; UnreadableFile when damaged.

    ``packages`` has checked the file before. ``has_marks``: see ``Mark``; rows deleted under revision are among them.
    """
    try:
        with zipfile.ZipFile(source) as archive, archive.open(DOCUMENT) as file:
            yield from _parse_rows(file, limits, has_marks, WordStyles(archive))
    except (etree.XMLSyntaxError, zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
        raise make_damaged_file_error(error) from error


def _parse_rows(
    file: IO[bytes], limits: FileLimits, has_marks: bool, styles: WordStyles
) -> Iterator[tuple[int, TableRow]]:
    table = number = depth = 0
    above: dict[int, str] = {}
    events = etree.iterparse(
        file,
        events=("start", "end"),
        tag=[space + name for space in (_W, _STRICT) for name in (_TABLE, _ROW, _PARAGRAPH)],
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
    )
    for event, element in events:
        name = get_local_name(element)
        if name == _TABLE:
            if event == "start" and depth == 0:
                table, number, above = table + 1, 0, {}
            depth += 1 if event == "start" else -1
        elif event == "end" and name == _ROW and depth == 1:
            number += 1
            kinds = _list_row_marks(element)
            is_gone = not {"deleted", "moved"}.isdisjoint(kinds)
            if has_marks or not is_gone:
                row = _read_row(element, number, above, _CellReader(styles, is_gone), limits.columns)
                yield table, row._replace(marks=(*map(Mark, kinds), *row.marks) if has_marks else ())
        if event == "end" and (depth == 0 or (depth == 1 and name == _ROW)):
            _free_element(element)


def _free_element(element: Any) -> None:
    """Free an element that was read, and those before it, so that memory does not grow with the file."""
    element.clear()
    while element.getprevious() is not None:
        del element.getparent()[0]


def _list_row_marks(row: Any) -> list[str]:
    """``deleted``, ``moved`` away or ``inserted`` under revision, ``hidden``: by the properties of a row, or of all of
    its text."""
    properties = [mark for child in row if get_local_name(child) == "trPr" for mark in child if is_on(mark)]
    kinds = {"del": "deleted", "ins": "inserted", "hidden": "hidden"}
    found = [kinds[name] for name in map(get_local_name, properties) if name in kinds]
    if next(row.iter(*("{*}" + name for name in _REVISED)), None) is None:  # of most rows
        return list(dict.fromkeys(found))
    pieces: list[_Piece] = []
    _collect_text(row, pieces, NOTHING, None)
    looks = [own for text, own in pieces if text.strip()]
    for kind in ("deleted", "inserted"):
        if looks and kind not in found and all(kind in own for own in looks):
            found.append(kind)
    if looks and all("moved" in own for own in looks):  # where it stands now it is no new row
        found = ["moved" if kind == "deleted" else kind for kind in found if kind != "inserted"]
    if "deleted" in found:
        found = [kind for kind in found if kind != "inserted"]
    return list(dict.fromkeys(found))


def _read_row(row: Any, number: int, above: dict[int, str], reader: "_CellReader", limit: int) -> TableRow:
    cells: list[str] = [""] * _count_skipped_columns(row)
    merged: set[int] = set()
    marks: list[Mark] = []
    has_spanning_cell = False
    for cell in _list_cells(row):
        span, merge = _read_cell_merge(cell)
        column = len(cells)
        if merge == "continue":
            text = above.get(column, "")
            merged.update(range(column, column + span))
        else:
            text, found = reader.read_text(cell)
            marks += [mark._replace(column=column) for mark in found]
        above[column] = text
        has_spanning_cell = has_spanning_cell or span > 1
        cells += [text] + [""] * (span - 1)
        if len(cells) > limit:
            raise make_too_large_error(Message("一行超过{limit:,}列", limit=limit), limit)
    return TableRow(number, tuple(cells), frozenset(merged), has_spanning_cell, tuple(marks))


def _count_skipped_columns(row: Any) -> int:
    """The number of columns a row leaves out at its start (w:gridBefore)."""
    for properties in row:
        if get_local_name(properties) == "trPr":
            return sum(_read_number(child) for child in properties if get_local_name(child) == "gridBefore")
    return 0


def _list_cells(element: Any) -> Iterator[Any]:
    """The cells of a row, not those of tables inside them."""
    for child in element:
        if get_local_name(child) == _CELL:
            yield child
        elif get_local_name(child) in _WRAPPERS:
            yield from _list_cells(child)


def _read_cell_merge(cell: Any) -> tuple[int, str | None]:
    """(columns spanned, ``restart`` or ``continue`` for a cell merged with those below or above)."""
    span, merge = 1, None
    for properties in cell:
        if get_local_name(properties) == "tcPr":
            for child in properties:
                if get_local_name(child) == "gridSpan":
                    span = max(1, _read_number(child))
                elif get_local_name(child) == "vMerge":
                    merge = find_value(child) or "continue"
    return span, merge


def _read_number(element: Any) -> int:
    value = find_value(element) or ""
    return min(int(value), 1000) if value.isascii() and value.isdigit() else 0


#: A piece of text with the looks of its run.
_Piece = tuple[str, Looks]


class _CellReader:
    """Reads cells of a row with the styles of its document; ``is_gone``: all of the row is deleted or moved away."""

    def __init__(self, styles: WordStyles, is_gone: bool) -> None:
        self.styles, self.is_gone = styles, is_gone

    def read_text(self, cell: Any) -> tuple[str, list[Mark]]:
        """The text of a cell, a line for each paragraph, without deleted text unless the row is; its marks."""
        pieces: list[_Piece] = []
        _collect_text(cell, pieces, NOTHING, self.styles)
        text = _join_pieces(pieces, () if self.is_gone else ("deleted",))
        visible = _join_pieces(pieces, ("deleted", *_DOUBTFUL))
        looks = {look for piece, all_looks in pieces for look in all_looks if piece.strip() or look == "footnote"}
        marks = [Mark(kind, None, visible) for kind in _DOUBTFUL if kind in looks]
        revised = {get_local_name(mark) for properties in cell for mark in properties}
        marks += [Mark("cell_deleted")] if "cellDel" in revised else []
        marks += [Mark("cell_inserted", None, text)] if "cellIns" in revised and text.strip() else []
        if "deleted" in looks and not self.is_gone:
            marks.append(Mark("revised", None, _join_pieces(pieces, ("inserted",))))
        return text, marks


def _join_pieces(pieces: list[_Piece], without: tuple[str, ...]) -> str:
    return "".join(text for text, looks in pieces if looks.isdisjoint(without)).strip("\n")


def _collect_text(
    element: Any, pieces: list[_Piece], looks: Looks, styles: WordStyles | None, paragraph: Looks = NOTHING
) -> None:
    """Collect the text below an element with its looks: those of revisions, and with ``styles`` of runs."""
    for child in element:
        name = get_local_name(child)
        if name in ("t", "delText"):
            pieces.append((child.text or "", looks))
        elif name in _BREAKS:
            pieces.append((_BREAKS[name], looks))
        elif name in _NOTES:
            pieces.append(("", looks | {"footnote"}))
        elif name == _COPY or name.endswith("Pr"):
            continue
        else:
            own = looks | {_REVISED[name]} if name in _REVISED else looks
            own = own | {"moved"} if name in _MOVED else own
            inside = paragraph
            if styles is not None and name == _PARAGRAPH:
                inside = styles.list_paragraph_looks(child)
            elif styles is not None and name == "r":
                own |= styles.list_run_looks(child, paragraph)
            _collect_text(child, pieces, own, styles, inside)
            if name == _PARAGRAPH:
                pieces.append(("\n", looks))
