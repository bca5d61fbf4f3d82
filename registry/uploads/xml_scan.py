"""The check of XML before anything parses it into a tree: no DTD, and within the limits."""

import re
from collections.abc import Callable, Iterable, Iterator
from xml.parsers import expat  # only ever fed without a DTD, which ends it at once

from registry.texts import Message
from registry.uploads.limits import FileLimits
from registry.uploads.refusals import (
    make_cell_too_long_error,
    make_damaged_file_error,
    make_dtd_error,
    make_too_large_error,
)

_REFERENCE = re.compile(r"([A-Za-z]*)([0-9]*)")
_FAR = Message("表格的范围过大，或很远处的单元格里有内容")


class XmlScan:
    """The XML of one package as far as scanned: cells of all grids, and what parts state about one another."""

    def __init__(self, limits: FileLimits) -> None:
        self.limits = limits
        self.cells = 0
        #: Content types by part name and by ending; relationships as (id, target); ids of sheets.
        self.types: dict[str, str] = {}
        self.defaults: dict[str, str] = {}
        self.relationships: list[tuple[str, str]] = []
        self.sheets: list[str] = []

    def scan_part(self, pieces: Iterable[bytes], *, must_be_xml: bool = True) -> None:
        """Scan one part; UnreadableFile for a DTD or what is no XML, TooLarge beyond the limits."""
        _XmlPartScan(self).scan_pieces(pieces, must_be_xml)

    def add_grid(self, rows: int, columns: int) -> None:
        """Count the grid that a sheet spans: readers allocate all of it, however few cells are filled."""
        self.cells += rows * columns
        if self.cells > self.limits.cells:
            raise make_too_large_error(_FAR, self.limits.cells)


class _XmlPartScan:
    """The scan of one part."""

    def __init__(self, scan: XmlScan) -> None:
        self._scan = scan
        self._limits = scan.limits
        self._depth = self._text = 0
        self._row = self._column = self._bottom = self._right = 0
        self._grid = False
        self._names: dict[str, str] = {}
        self._elements: dict[str, Callable[[list[str]], None]] = {
            "row": self._enter_row,
            "c": self._enter_cell,
            "sheetData": self._enter_grid,
            "Override": self._add_override,
            "Default": self._add_default,
            "Relationship": self._add_relationship,
            "sheet": self._add_sheet,
        }

    def scan_pieces(self, pieces: Iterable[bytes], must_be_xml: bool) -> None:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.ordered_attributes = True
        parser.StartDoctypeDeclHandler = _refuse_dtd
        parser.EntityDeclHandler = _refuse_dtd
        parser.StartElementHandler = self._start_element
        parser.EndElementHandler = self._end_element
        parser.CharacterDataHandler = self._add_text
        try:
            for piece in pieces:
                parser.Parse(piece, False)
            parser.Parse(b"", True)
        except expat.ExpatError as error:
            if must_be_xml:
                raise make_damaged_file_error(error) from error
        except (ValueError, UnicodeError) as error:  # an encoding that Python knows and expat cannot use
            raise make_damaged_file_error(error) from error
        self._scan.add_grid(self._bottom, self._right)

    def _start_element(self, name: str, attributes: list[str]) -> None:
        self._depth += 1
        self._text = 0
        if self._depth > self._limits.depth:
            raise make_too_large_error(Message("其中的内容层层嵌套"), self._limits.depth)
        if attributes and sum(map(len, attributes)) > self._limits.cell_length:
            raise make_cell_too_long_error(self._limits.cell_length)
        local = self._names.get(name)
        if local is None:
            local = name.rpartition(":")[2]
            if len(self._names) < 1000:
                self._names[name] = local
        handle = self._elements.get(local)
        if handle is not None:
            handle(attributes)

    def _end_element(self, _name: str) -> None:
        self._depth -= 1
        self._text = 0

    def _add_text(self, text: str) -> None:
        self._text += len(text)
        if self._text > self._limits.cell_length:
            raise make_cell_too_long_error(self._limits.cell_length)

    # --- sheets ------------------------------------------------------------------------------------------------------

    def _enter_grid(self, _attributes: list[str]) -> None:
        self._grid = True

    def _enter_row(self, attributes: list[str]) -> None:
        if self._grid:
            number = _read_attribute(attributes, "r")
            self._row = int(number[:12]) if number.isascii() and number.isdigit() else self._row + 1
            self._column = 0

    def _enter_cell(self, attributes: list[str]) -> None:
        """Move to a cell: to its reference, or to the right of the one before it."""
        if not self._grid:
            return
        column, row = parse_cell_reference(_read_attribute(attributes, "r"))
        self._column = column or self._column + 1
        self._row = row or self._row or 1
        if self._column > self._right or self._row > self._bottom:
            self._right, self._bottom = max(self._right, self._column), max(self._bottom, self._row)
            limits = self._limits
            too_far = self._bottom > limits.rows or self._right > limits.columns
            if too_far or self._bottom * self._right > limits.cells:
                raise make_too_large_error(_FAR, limits.cells)

    # --- what parts state about one another --------------------------------------------------------------------------

    def _add_override(self, attributes: list[str]) -> None:
        values = _read_attributes(attributes)
        self._scan.types[normalise_part_name(values.get("PartName", ""))] = values.get("ContentType", "").lower()

    def _add_default(self, attributes: list[str]) -> None:
        values = _read_attributes(attributes)
        self._scan.defaults[values.get("Extension", "").lower()] = values.get("ContentType", "").lower()

    def _add_relationship(self, attributes: list[str]) -> None:
        values = _read_attributes(attributes)
        if values.get("TargetMode", "").lower() != "external":
            self._scan.relationships.append((values.get("Id", ""), values.get("Target", "")))

    def _add_sheet(self, attributes: list[str]) -> None:
        values = _read_attributes(attributes)
        self._scan.sheets.append(next((value for name, value in values.items() if name.rpartition(":")[2] == "id"), ""))
        if len(self._scan.sheets) > self._limits.sheets:
            limit = self._limits.sheets
            raise make_too_large_error(Message("工作表超过{limit:,}张", limit=limit), limit)


def _refuse_dtd(*_: object) -> None:
    raise make_dtd_error()


def normalise_part_name(name: str) -> str:
    """The name of a part as readers compare it: lower case, forward slashes, none at the start."""
    return name.replace("\\", "/").lstrip("/").lower()


def _read_attributes(attributes: list[str]) -> dict[str, str]:
    return dict(zip(attributes[::2], attributes[1::2], strict=True))


def _read_attribute(attributes: list[str], name: str) -> str:
    for at in range(0, len(attributes), 2):
        if attributes[at] == name:
            return attributes[at + 1]
    return ""


def parse_cell_reference(reference: str) -> tuple[int, int]:
    """(column, row) of a reference such as C12, counted from 1; 0 where it names none."""
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        return 0, 0
    column = 0
    for letter in match[1].upper()[:8]:
        column = column * 26 + ord(letter) - 64
    return column, int(match[2][:12] or 0)


def is_xml_start(piece: bytes) -> bool:
    """Whether bytes begin like XML, in any of its encodings."""
    bare = piece.removeprefix(b"\xef\xbb\xbf").removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff")
    return bare.lstrip(b" \t\r\n\x00").startswith(b"<")


def prepend_piece(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    """Yield a first piece that was read ahead, and the others."""
    yield first
    yield from rest
