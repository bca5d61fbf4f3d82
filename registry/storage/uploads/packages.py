"""Office packages (docx, xlsx) and other zip files, checked whole before anything reads them.

Content types, relationships and the first bytes of a part tell what a reader may open, never the ending of a name.
Every part is unpacked here once, so that none is larger than the archive says.
"""

import io
import itertools
import posixpath
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import IO, NamedTuple
from xml.parsers import expat  # only ever fed without a DTD, which ends it at once

from registry.errors import UnreadableFile
from registry.storage.uploads import signatures
from registry.storage.uploads.limits import FileLimits
from registry.storage.uploads.refusals import (
    make_cell_too_long_error,
    make_damaged_file_error,
    make_password_error,
    make_too_large_error,
)
from registry.texts import Message

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
        """UnreadableFile for a DTD or what is no XML, TooLarge beyond the limits."""
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
    raise UnreadableFile(
        Message("文件里有 DTD（实体声明），不予读取；请用 Word、表格软件打开后另存为 docx、xlsx 或 csv。")
    )


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


# --- the archive ------------------------------------------------------------------------------------------------------

#: Parts that the readers open by these very names.
DOCUMENT, WORKBOOK = "word/document.xml", "xl/workbook.xml"
_TYPES, _SHEETS = "[content_types].xml", "xl/_rels/workbook.xml.rels"
_BY_NAME = frozenset({_TYPES, _SHEETS, DOCUMENT, WORKBOOK, "xl/sharedstrings.xml", "xl/styles.xml"})
#: Content types of parts that may look like XML; no reader of this package opens them.
_NO_XML = frozenset({"text/html", "message/rfc822", "application/xhtml+xml"})
_LOCAL = struct.Struct("<4s5HIIIHH")  # the header before the bytes of a part
_PIECE = 65_536
_IN_MEMORY = 64 * 1024 * 1024
_UNZIPPING = (zipfile.BadZipFile, NotImplementedError, OSError, ValueError, EOFError, struct.error, zlib.error)
_ABSURD = Message("解压后异常巨大")


class PackageContents(NamedTuple):
    """The names of the parts of a package, and whether one of them holds macros."""

    names: frozenset[str]
    has_macros: bool


def scan_package(source: IO[bytes], limits: FileLimits, *, readable: bool = True) -> PackageContents:
    """Check a zip file and return its contents; TooLarge, or UnreadableFile with what to do, when it is refused.

    ``readable``: XML must be well formed; a file that nobody is going to read only has to be within the limits.
    """
    size = source.seek(0, io.SEEK_END)
    if size > limits.packed:
        raise make_too_large_error(_ABSURD, limits.packed)
    contents = _PackageScan(source, _RemainingLimits(limits), readable, level=1).scan_archive()
    source.seek(0)
    return contents


class _RemainingLimits:
    """What remains of the limits for a package and those inside it."""

    def __init__(self, limits: FileLimits) -> None:
        self.limits = limits
        self._parts, self._bytes = limits.parts, limits.unpacked

    def take_parts(self, parts: list[zipfile.ZipInfo]) -> None:
        """Count parts by what the archive says of them; TooLarge beyond the limits."""
        limits = self.limits
        self._parts -= len(parts)
        self._bytes -= sum(part.file_size for part in parts)
        if self._parts < 0:
            raise make_too_large_error(Message("由超过{parts:,}个部分组成", parts=limits.parts), limits.parts)
        packed_too_well = any(
            part.file_size > limits.ratio_from and part.file_size > limits.ratio * max(part.compress_size, 1)
            for part in parts
        )
        if self._bytes < 0 or packed_too_well:
            raise make_too_large_error(_ABSURD, limits.unpacked)


class _PackageScan:
    """The check of one archive; ``level`` counts archives inside one another."""

    def __init__(self, source: IO[bytes], remaining: _RemainingLimits, readable: bool, level: int) -> None:
        self._source, self._remaining, self._readable, self._level = source, remaining, readable, level
        self._scan = XmlScan(remaining.limits)
        self._sheets: set[str] | None = None

    def scan_archive(self) -> PackageContents:
        limits = self._remaining.limits
        if self._level > limits.packages:
            raise make_too_large_error(Message("压缩包层层嵌套"), limits.packages)
        try:
            with zipfile.ZipFile(self._source) as archive:
                parts = archive.infolist()
            self._remaining.take_parts(parts)
            if any(part.flag_bits & 1 for part in parts):
                raise make_password_error()
            _check_parts(parts)
            for part in sorted(parts, key=self._rank_part):
                if not part.is_dir():
                    self._scan_part(part)
        except _UNZIPPING as error:
            raise make_damaged_file_error(error) from error
        return PackageContents(frozenset(part.filename for part in parts), self._has_macros(parts))

    def _has_macros(self, parts: list[zipfile.ZipInfo]) -> bool:
        """Whether content types, or the usual name of a part, tell of macros."""
        kinds = (*self._scan.types.values(), *self._scan.defaults.values())
        has_usual_name = any(part.filename.lower().endswith("vbaproject.bin") for part in parts)
        return has_usual_name or any("vbaproject" in kind or "macroenabled" in kind for kind in kinds)

    def _rank_part(self, part: zipfile.ZipInfo) -> int:
        """The order of parts: those that describe the others first."""
        name = normalise_part_name(part.filename)
        return 0 if name == _TYPES else 1 if name.endswith(".rels") else 2 if name in _BY_NAME else 3

    def _scan_part(self, part: zipfile.ZipInfo) -> None:
        pieces = _read_part(self._source, part)
        first = next(pieces, b"")
        if self._is_xml(normalise_part_name(part.filename), first):
            _XmlPartScan(self._scan).scan_pieces(itertools.chain([first], pieces), must_be_xml=self._readable)
        elif first.startswith(signatures.ZIP):
            self._scan_inner_archive(itertools.chain([first], pieces))
        for _ in pieces:  # to its end: parts that are not looked at must not be larger than stated either
            pass

    def _is_xml(self, name: str, first: bytes) -> bool:
        if name in _BY_NAME:
            return True
        if self._sheets is None:
            self._sheets = self._list_sheet_parts()
        if name in self._sheets:
            return True
        kind = self._scan.types.get(name) or self._scan.defaults.get(name.rpartition(".")[2], "")
        return kind not in _NO_XML and (kind.endswith("xml") or is_xml_start(first))

    def _list_sheet_parts(self) -> set[str]:
        """The parts of the sheets of a workbook; known once the parts that are opened by name were scanned."""
        sheets = set(self._scan.sheets)
        targets = [target for identifier, target in self._scan.relationships if identifier in sheets]
        return {
            normalise_part_name(posixpath.normpath(place))
            for target in map(normalise_part_name, targets)
            for place in (target, f"xl/{target}")
        }

    def _scan_inner_archive(self, pieces: Iterator[bytes]) -> None:
        inner = io.BytesIO()
        for piece in pieces:
            if inner.tell() > _IN_MEMORY:
                raise make_too_large_error(_ABSURD, _IN_MEMORY)
            inner.write(piece)
        inner.seek(0)
        _PackageScan(inner, self._remaining, readable=False, level=self._level + 1).scan_archive()


def _check_parts(parts: list[zipfile.ZipInfo]) -> None:
    """Raise UnreadableFile for parts that no office program writes, or that readers understand differently."""
    if any(part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for part in parts):
        raise make_damaged_file_error("compression")
    if len({normalise_part_name(part.filename) for part in parts}) < len(parts):
        raise make_damaged_file_error("duplicate parts")
    end = 0
    for part in sorted(parts, key=lambda each: each.header_offset):
        if part.header_offset < end:
            raise make_damaged_file_error("overlapping parts")
        end = part.header_offset + _LOCAL.size + part.compress_size


def _read_part(source: IO[bytes], part: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield the bytes of a part; UnreadableFile unless size and checksum are those the archive states.

    Some readers believe the archive and some the packed bytes; so both have to agree.
    """
    size = crc = 0
    packed = _read_stored_bytes(source, part)
    for piece in packed if part.compress_type == zipfile.ZIP_STORED else _inflate_pieces(packed):
        size, crc = size + len(piece), zlib.crc32(piece, crc)
        if size > part.file_size:
            raise make_damaged_file_error("part size")
        yield piece
    if size != part.file_size or crc != part.CRC:
        raise make_damaged_file_error("part size")


def _read_stored_bytes(source: IO[bytes], part: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield the bytes of a part as stored."""
    source.seek(part.header_offset)
    header = _LOCAL.unpack(source.read(_LOCAL.size))
    if header[0] != signatures.ZIP or header[3] != part.compress_type:
        raise make_damaged_file_error("part header")
    position, remaining = part.header_offset + _LOCAL.size + header[9] + header[10], part.compress_size
    while remaining:
        source.seek(position)
        piece = source.read(min(_PIECE, remaining))
        if not piece:
            raise make_damaged_file_error("cut short")
        position, remaining = position + len(piece), remaining - len(piece)
        yield piece


def _inflate_pieces(deflated: Iterator[bytes]) -> Iterator[bytes]:
    """Yield inflated bytes, a limited number at a time; UnreadableFile unless they end where they should."""
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    for piece in deflated:
        if unpacker.eof:
            raise make_damaged_file_error("part size")
        waiting = piece
        while waiting:
            if inflated := unpacker.decompress(waiting, _PIECE):
                yield inflated
            waiting = unpacker.unconsumed_tail
        if unpacker.unused_data:
            raise make_damaged_file_error("part size")
    while inflated := unpacker.decompress(b"", _PIECE):
        yield inflated
    if not unpacker.eof:
        raise make_damaged_file_error("part size")
