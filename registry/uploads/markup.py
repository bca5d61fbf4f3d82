"""XML of strangers, looked through before anything builds on it: no DTD, and within the limits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from xml.parsers import expat  # only ever fed without a DTD, which ends it at once

from registry.uploads.limits import Limits
from registry.uploads.refusals import damaged, has_dtd, too_large

_REFERENCE = re.compile(r"([A-Za-z]*)([0-9]*)")
_FAR = ("表格的范围过大，或很远处的单元格里有内容", "its grid is too large, or there is something in a far-off cell")


class Scan:
    """What was seen of the XML of one package: cells of all grids so far, and what parts say of one another."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.cells = 0
        #: Content types by part name and by ending; relationships as (source part's folder, id, target); sheets' ids.
        self.types: dict[str, str] = {}
        self.defaults: dict[str, str] = {}
        self.relationships: list[tuple[str, str]] = []
        self.sheets: list[str] = []

    def part(self, pieces: Iterable[bytes], *, must_be_xml: bool = True) -> None:
        """Look through one part; UnreadableFile for a DTD or what is no XML, TooLarge beyond the limits."""
        _Part(self).read(pieces, must_be_xml)

    def add_grid(self, rows: int, columns: int) -> None:
        """Count the grid that a sheet spans: readers make room for all of it, however few cells are filled."""
        self.cells += rows * columns
        if self.cells > self.limits.cells:
            raise too_large(*_FAR, self.limits.cells)


class _Part:
    """One run over one part."""

    def __init__(self, scan: Scan) -> None:
        self._scan = scan
        self._limits = scan.limits
        self._depth = self._text = 0
        self._row = self._column = self._highest = self._widest = 0
        self._grid = False
        self._names: dict[str, str] = {}
        self._elements: dict[str, Callable[[list[str]], None]] = {
            "row": self._in_row,
            "c": self._in_cell,
            "sheetData": self._in_grid,
            "Override": self._in_override,
            "Default": self._in_default,
            "Relationship": self._in_relationship,
            "sheet": self._in_sheet,
        }

    def read(self, pieces: Iterable[bytes], must_be_xml: bool) -> None:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.ordered_attributes = True
        parser.StartDoctypeDeclHandler = _refuse_dtd
        parser.EntityDeclHandler = _refuse_dtd
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._data
        try:
            for piece in pieces:
                parser.Parse(piece, False)
            parser.Parse(b"", True)
        except expat.ExpatError as error:
            if must_be_xml:
                raise damaged(error) from error
        except (ValueError, UnicodeError) as error:  # an encoding that Python knows and expat cannot use
            raise damaged(error) from error
        self._scan.add_grid(self._highest, self._widest)

    def _start(self, name: str, attributes: list[str]) -> None:
        self._depth += 1
        self._text = 0
        if self._depth > self._limits.depth:
            raise too_large("其中的内容层层嵌套", "there are too many levels in it", self._limits.depth)
        if attributes and sum(map(len, attributes)) > self._limits.cell_length:
            raise self._long()
        local = self._names.get(name)
        if local is None:
            local = name.rpartition(":")[2]
            if len(self._names) < 1000:
                self._names[name] = local
        meet = self._elements.get(local)
        if meet is not None:
            meet(attributes)

    def _end(self, _name: str) -> None:
        self._depth -= 1
        self._text = 0

    def _data(self, text: str) -> None:
        self._text += len(text)
        if self._text > self._limits.cell_length:
            raise self._long()

    def _long(self) -> Exception:
        most = self._limits.cell_length
        return too_large(
            f"有一格的内容超过{most:,}个字符", f"one of its cells is longer than {most:,} characters", most
        )

    # --- sheets ------------------------------------------------------------------------------------------------------

    def _in_grid(self, _attributes: list[str]) -> None:
        self._grid = True

    def _in_row(self, attributes: list[str]) -> None:
        if self._grid:
            number = _value(attributes, "r")
            self._row = int(number[:12]) if number.isascii() and number.isdigit() else self._row + 1
            self._column = 0

    def _in_cell(self, attributes: list[str]) -> None:
        """Where a cell is: where it says, or right of the one before it."""
        if not self._grid:
            return
        column, row = corner(_value(attributes, "r"))
        self._column = column or self._column + 1
        self._row = row or self._row or 1
        if self._column > self._widest or self._row > self._highest:
            self._widest, self._highest = max(self._widest, self._column), max(self._highest, self._row)
            limits = self._limits
            too_far = self._highest > limits.rows or self._widest > limits.columns
            if too_far or self._highest * self._widest > limits.cells:
                raise too_large(*_FAR, limits.cells)

    # --- what parts say of one another -------------------------------------------------------------------------------

    def _in_override(self, attributes: list[str]) -> None:
        given = _values(attributes)
        self._scan.types[normal_name(given.get("PartName", ""))] = given.get("ContentType", "").lower()

    def _in_default(self, attributes: list[str]) -> None:
        given = _values(attributes)
        self._scan.defaults[given.get("Extension", "").lower()] = given.get("ContentType", "").lower()

    def _in_relationship(self, attributes: list[str]) -> None:
        given = _values(attributes)
        if given.get("TargetMode", "").lower() != "external":
            self._scan.relationships.append((given.get("Id", ""), given.get("Target", "")))

    def _in_sheet(self, attributes: list[str]) -> None:
        given = _values(attributes)
        self._scan.sheets.append(next((value for name, value in given.items() if name.rpartition(":")[2] == "id"), ""))
        if len(self._scan.sheets) > self._limits.sheets:
            most = self._limits.sheets
            raise too_large(f"工作表超过{most:,}张", f"it has more than {most:,} sheets", most)


def _refuse_dtd(*_: object) -> None:
    raise has_dtd()


def normal_name(name: str) -> str:
    """The name of a part as readers compare it: without case, kind of slash, and the first slash."""
    return name.replace("\\", "/").lstrip("/").lower()


def _values(attributes: list[str]) -> dict[str, str]:
    return dict(zip(attributes[::2], attributes[1::2], strict=True))


def _value(attributes: list[str], name: str) -> str:
    for at in range(0, len(attributes), 2):
        if attributes[at] == name:
            return attributes[at + 1]
    return ""


def corner(reference: str) -> tuple[int, int]:
    """(column, row) of a reference such as C12, counted from 1; 0 where it names none."""
    found = _REFERENCE.fullmatch(reference)
    if found is None:
        return 0, 0
    column = 0
    for letter in found[1].upper()[:8]:
        column = column * 26 + ord(letter) - 64
    return column, int(found[2][:12] or 0)


def begins_as_markup(piece: bytes) -> bool:
    """Whether bytes begin like XML, in any encoding that XML comes in."""
    bare = piece.removeprefix(b"\xef\xbb\xbf").removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff")
    return bare.lstrip(b" \t\r\n\x00").startswith(b"<")


def chained(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    """A first piece that was looked at already, and the others."""
    yield first
    yield from rest
