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

from registry.texts import Message
from registry.uploads.limits import FileLimits
from registry.uploads.packages import DOCUMENT
from registry.uploads.refusals import make_damaged_file_error, make_password_error, make_too_large_error
from registry.uploads.sheet_marks import read_sheet_marks
from registry.uploads.tables import Mark, Table, TableRow, extend_marks


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
            if has_marks and sheet.name in visible:
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
_DELETED, _INSERTED = frozenset({"del", "moveFrom"}), frozenset({"ins", "moveTo"})
_COPY = "Fallback"  # of a text box, for old programs
#: The look of a run by its properties, and whether text so marked may not belong to a name.
_LOOKS = {"vanish": "hidden_text", "webHidden": "hidden_text", "strike": "struck", "dstrike": "struck"}
_NOTES = frozenset({"footnoteReference", "endnoteReference"})
_DOUBTFUL = ("struck", "hidden_text", "footnote")
_BREAKS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}


def read_docx_rows(source: IO[bytes], limits: FileLimits, *, has_marks: bool = False) -> Iterator[tuple[int, TableRow]]:
    """Yield (number of the table, row) for every outermost table, counted from 1; UnreadableFile when damaged.

    ``packages`` has checked the file before. ``has_marks``: see ``Mark``; rows deleted under revision are among them.
    """
    try:
        with zipfile.ZipFile(source) as archive, archive.open(DOCUMENT) as file:
            yield from _parse_rows(file, limits, has_marks)
    except (etree.XMLSyntaxError, zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
        raise make_damaged_file_error(error) from error


def _parse_rows(file: IO[bytes], limits: FileLimits, has_marks: bool) -> Iterator[tuple[int, TableRow]]:
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
        name = _get_local_name(element)
        if name == _TABLE:
            if event == "start" and depth == 0:
                table, number, above = table + 1, 0, {}
            depth += 1 if event == "start" else -1
        elif event == "end" and name == _ROW and depth == 1:
            number += 1
            marks = [Mark(kind) for kind in _list_row_marks(element)]
            if has_marks or Mark("deleted") not in marks:
                row = _read_row(element, number, above, limits.columns, Mark("deleted") in marks)
                yield table, row._replace(marks=(*marks, *row.marks) if has_marks else ())
        if event == "end" and (depth == 0 or (depth == 1 and name == _ROW)):
            _free_element(element)


def _get_local_name(element: Any) -> str:
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _free_element(element: Any) -> None:
    """Free an element that was read, and those before it, so that memory does not grow with the file."""
    element.clear()
    while element.getprevious() is not None:
        del element.getparent()[0]


def _list_row_marks(row: Any) -> list[str]:
    """``deleted`` under revision, ``hidden``: what the properties of a row say."""
    properties = [mark for child in row if _get_local_name(child) == "trPr" for mark in child if _is_on(mark)]
    kinds = {"del": "deleted", "hidden": "hidden"}
    return list(dict.fromkeys(kinds[name] for name in map(_get_local_name, properties) if name in kinds))


def _is_on(element: Any) -> bool:
    return _find_value(element) not in ("0", "false", "off", "none")


def _read_row(row: Any, number: int, above: dict[int, str], limit: int, is_deleted: bool) -> TableRow:
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
            text, found = _read_text(cell, is_deleted)
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
        if _get_local_name(properties) == "trPr":
            return sum(_read_number(child) for child in properties if _get_local_name(child) == "gridBefore")
    return 0


def _list_cells(element: Any) -> Iterator[Any]:
    """The cells of a row, not those of tables inside them."""
    for child in element:
        if _get_local_name(child) == _CELL:
            yield child
        elif _get_local_name(child) in _WRAPPERS:
            yield from _list_cells(child)


def _read_cell_merge(cell: Any) -> tuple[int, str | None]:
    """(columns spanned, ``restart`` or ``continue`` for a cell merged with those below or above)."""
    span, merge = 1, None
    for properties in cell:
        if _get_local_name(properties) == "tcPr":
            for child in properties:
                if _get_local_name(child) == "gridSpan":
                    span = max(1, _read_number(child))
                elif _get_local_name(child) == "vMerge":
                    merge = _find_value(child) or "continue"
    return span, merge


def _find_value(element: Any) -> str | None:
    return next((str(value) for key, value in element.attrib.items() if key.endswith("}val")), None)


def _read_number(element: Any) -> int:
    value = _find_value(element) or ""
    return min(int(value), 1000) if value.isascii() and value.isdigit() else 0


#: A piece of text with the looks of its run.
_Piece = tuple[str, frozenset[str]]


def _read_text(cell: Any, is_deleted: bool) -> tuple[str, list[Mark]]:
    """The text of a cell, a line for each paragraph, deleted text left out unless all of the row is; and its marks."""
    pieces: list[_Piece] = []
    _collect_text(cell, pieces, frozenset())
    text = _join_pieces(pieces, () if is_deleted else ("deleted",))
    visible = _join_pieces(pieces, ("deleted", *_DOUBTFUL))
    looks = {look for piece, all_looks in pieces for look in all_looks if piece.strip() or look == "footnote"}
    marks = [Mark(kind, None, visible) for kind in _DOUBTFUL if kind in looks]
    if any(_get_local_name(mark) == "cellDel" for properties in cell for mark in properties):
        marks.append(Mark("cell_deleted"))
    if "deleted" in looks and not is_deleted:
        marks.append(Mark("revised", None, _join_pieces(pieces, ("inserted",))))
    return text, marks


def _join_pieces(pieces: list[_Piece], without: tuple[str, ...]) -> str:
    return "".join(text for text, looks in pieces if looks.isdisjoint(without)).strip("\n")


def _collect_text(element: Any, pieces: list[_Piece], looks: frozenset[str]) -> None:
    for child in element:
        name = _get_local_name(child)
        if name in ("t", "delText"):
            pieces.append((child.text or "", looks))
        elif name in _BREAKS:
            pieces.append((_BREAKS[name], looks))
        elif name in _NOTES:
            pieces.append(("", looks | {"footnote"}))
        elif name == _COPY or name.endswith("Pr"):
            continue
        else:
            revised = {"deleted"} if name in _DELETED else {"inserted"} if name in _INSERTED else set()
            _collect_text(child, pieces, looks | revised | (_list_looks(child) if name == "r" else set()))
            if name == _PARAGRAPH:
                pieces.append(("\n", looks))


def _list_looks(run: Any) -> set[str]:
    """How a run looks: struck through, hidden, raised as the sign of a footnote is."""
    looks: set[str] = set()
    for mark in (mark for child in run if _get_local_name(child) == "rPr" for mark in child):
        name = _get_local_name(mark)
        if name in _LOOKS and _is_on(mark):
            looks.add(_LOOKS[name])
        elif name == "vertAlign" and _find_value(mark) == "superscript":
            looks.add("footnote")
    return looks
