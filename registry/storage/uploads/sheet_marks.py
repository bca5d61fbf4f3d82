"""What a sheet of an xlsx file says beside the text of its cells: rows hidden or filtered out, text struck or raised.

python-calamine reads values only. ``packages`` has checked the file before.
"""

import posixpath
import zipfile
from collections.abc import Iterator
from typing import IO, Any

from lxml import etree

from registry.storage.uploads.packages import parse_cell_reference
from registry.storage.uploads.table_head import WITHIN
from registry.storage.uploads.tables import Mark

#: A text without what is struck through or raised in it, and the kinds of these marks.
_Look = tuple[str, frozenset[str]]
_LOOKS = (b"strike", b"vertAlign")
_PIECE, _LONGEST_WORD = 1 << 20, 16
_STYLES, _STRINGS = "/styles", "/sharedStrings"


def read_sheet_marks(source: IO[bytes], name: str) -> dict[int, tuple[Mark, ...]]:
    """The marks of a sheet by the numbers of its rows; none of one that cannot be found."""
    with zipfile.ZipFile(source) as archive:
        parts, sheet = _find_parts(archive, name)
        if sheet not in archive.namelist():
            return {}
        struck = _read_struck_styles(archive, parts.get(_STYLES, ""))
        texts = _read_marked_texts(archive, parts.get(_STRINGS, ""))
        if not struck and not texts and not _contains_any(archive, sheet, (b"hidden", b' ht="0', *_LOOKS)):
            return {}
        return _read_marks(archive, sheet, struck, texts)


def _find_parts(archive: zipfile.ZipFile, name: str) -> tuple[dict[str, str], str]:
    """(parts of the workbook by the ends of their types, part of the sheet; empty when there is none)."""
    by_id: dict[str, str] = {}
    by_type: dict[str, str] = {}
    for link in _parse_elements(archive, "xl/_rels/workbook.xml.rels", "Relationship"):
        target = link.get("Target") or ""
        part = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")
        by_id[link.get("Id") or ""] = part
        by_type["/" + (link.get("Type") or "").rpartition("/")[2]] = part
    for sheet in _parse_elements(archive, "xl/workbook.xml", "sheet"):
        if sheet.get("name") == name:
            key = next((str(v) for k, v in sheet.attrib.items() if str(k).endswith("}id")), "")
            return by_type, by_id.get(key, "")
    return by_type, ""


def _parse_elements(archive: zipfile.ZipFile, part: str, *names: str) -> Iterator[Any]:
    """Yield the elements of a part by their local names as they end; none of a part that is not there."""
    if part not in archive.namelist():
        return
    with archive.open(part) as file:
        events = etree.iterparse(
            file, tag=["{*}" + name for name in names], resolve_entities=False, no_network=True, load_dtd=False
        )
        for _, element in events:
            yield element


def _contains_any(archive: zipfile.ZipFile, part: str, words: tuple[bytes, ...]) -> bool:
    """Whether one of some words may stand in a part: most have none, and searching is quicker than parsing."""
    if part not in archive.namelist():
        return False
    before = b""
    with archive.open(part) as file:
        while piece := file.read(_PIECE):
            if b"\x00" in piece or any(word in before + piece for word in words):  # zeros: not UTF-8
                return True
            before = piece[-_LONGEST_WORD:]
    return False


def _is_on(element: Any) -> bool:
    return element is not None and element.get("val") not in ("0", "false")


def _read_struck_styles(archive: zipfile.ZipFile, part: str) -> frozenset[int]:
    """The numbers of the cell styles whose font is struck through."""
    fonts: list[bool] = []
    struck: set[int] = set()
    for group in _parse_elements(archive, part, "fonts", "cellXfs"):
        if etree.QName(group).localname == "fonts":
            fonts = [_is_on(font.find("{*}strike")) for font in group.iterchildren("{*}font")]
        else:
            for number, style in enumerate(group.iterchildren("{*}xf")):
                font = style.get("fontId") or "0"
                if font.isdigit() and int(font) < len(fonts) and fonts[int(font)]:
                    struck.add(number)
    return frozenset(struck)


def _read_marked_texts(archive: zipfile.ZipFile, part: str) -> dict[int, _Look]:
    """Those of the shared texts of which a part is struck through or raised."""
    found: dict[int, _Look] = {}
    if not _contains_any(archive, part, _LOOKS):
        return found
    for number, text in enumerate(_parse_elements(archive, part, "si")):
        if (look := _read_look(text)) is not None:
            found[number] = look
        _clear_element(text)
    return found


def _read_look(text: Any) -> _Look | None:
    """The text without what is struck through or raised in it; None where nothing is."""
    visible, kinds = "", set[str]()
    for run in text.iterchildren("{*}r"):
        properties = run.find("{*}rPr")
        own = set[str]()
        if properties is not None:
            raised = properties.find("{*}vertAlign")
            own |= {"struck"} if _is_on(properties.find("{*}strike")) else set()
            own |= {"footnote"} if raised is not None and raised.get("val") == "superscript" else set()
        words = "".join(piece.text or "" for piece in run.iterchildren("{*}t"))
        visible += "" if own else words
        kinds |= own if words.strip() else set()
    return (visible, frozenset(kinds)) if kinds else None


def _read_marks(
    archive: zipfile.ZipFile, part: str, struck: frozenset[int], texts: dict[int, _Look]
) -> dict[int, tuple[Mark, ...]]:
    found: dict[int, tuple[Mark, ...]] = {}
    filtered, number, spans = False, 0, list[range]()
    for element in _parse_elements(archive, part, "row", "autoFilter", "sheetPr", "tablePart", "col"):
        name = etree.QName(element).localname
        if name == "col":
            first, last = element.get("min") or "", element.get("max") or ""
            if element.get("hidden") in ("1", "true") and first.isdigit() and last.isdigit():
                spans.append(range(int(first) - 1, int(last)))
            continue
        if name != "row":
            filtered = filtered or name in ("autoFilter", "tablePart") or element.get("filterMode") in ("1", "true")
            continue
        number = int(element.get("r") or number + 1)
        marks = [Mark("hidden")] if _is_hidden(element) else []
        column = -1
        for cell in element.iterchildren("{*}c"):
            column = parse_cell_reference(cell.get("r") or "")[0] - 1 if cell.get("r") else column + 1
            marks += [Mark(kind, column, text) for kind, text in _list_cell_looks(cell, struck, texts)]
            if number <= WITHIN and any(column in span for span in spans):
                marks.append(Mark("hidden_column", column))
        if marks:
            found[number] = tuple(marks)
        _clear_element(element)
    if not filtered:
        return found
    return {
        row: tuple(Mark("filtered") if mark.kind == "hidden" else mark for mark in marks)
        for row, marks in found.items()
    }


def _is_hidden(row: Any) -> bool:
    return row.get("hidden") in ("1", "true") or (row.get("ht") or "1").strip("0.") == ""


def _list_cell_looks(cell: Any, struck: frozenset[int], texts: dict[int, _Look]) -> Iterator[tuple[str, str]]:
    """Yield (kind, text without it) for what a cell is marked by; nothing of a blank one."""
    value, inline = cell.find("{*}v"), cell.find("{*}is")
    if value is None and inline is None:
        return
    style = cell.get("s") or "0"
    if style.isdigit() and int(style) in struck:
        yield "struck", ""
        return
    look = _read_look(inline) if inline is not None else None
    if cell.get("t") == "s" and value is not None and (value.text or "").strip().isdigit():
        look = texts.get(int(value.text))
    if look is not None:
        for kind in sorted(look[1]):
            yield kind, look[0]


def _clear_element(element: Any) -> None:
    element.clear()
    while element.getprevious() is not None:
        del element.getparent()[0]
