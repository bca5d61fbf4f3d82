"""The kind of a list file by its content, whatever its name; a refusal with what to do for any other file.

Old Office files, and new ones with a password, are compound files (MS-CFB), of which nothing but the directory is read.
A number in one is only a place to look at: where it leads out of the file, or in a circle, the file is damaged.
"""

import io
import struct
from typing import IO, Literal

from registry.errors import UnreadableFile
from registry.storage.uploads import packages, signatures
from registry.storage.uploads.limits import FileLimits
from registry.storage.uploads.refusals import (
    make_damaged_file_error,
    make_not_office_error,
    make_password_error,
    make_too_large_error,
)
from registry.texts import Message

FileKind = Literal["docx", "xlsx", "text"]


def detect_kind(source: IO[bytes], limits: FileLimits) -> FileKind:
    """Return the kind of a readable list file and leave the source at its start.

    UnreadableFile, with what to do, for any other file; TooLarge beyond the limits.
    """
    source.seek(0)
    head = source.read(4096)
    if not head.strip(b" \t\r\n\xef\xbb\xbf") and len(head) < 4096:
        raise UnreadableFile(Message("文件是空的。"))
    if head.startswith(signatures.ZIP):
        return _detect_zip_kind(source, limits)
    if head.startswith(signatures.OLE):
        raise _make_ole_error(source)
    if head.startswith(signatures.EMPTY_ZIP):
        raise UnreadableFile(Message("这是空的压缩包，不是名单。"))
    if head.lstrip().startswith(b"%PDF"):
        raise UnreadableFile(Message("这是 PDF 文件，不能读取表格，请取得原来的 docx、xlsx 或 csv 文件。"))
    if head.startswith(signatures.IMAGES):
        raise UnreadableFile(Message("这是图片，不能读取表格，请取得原来的 docx、xlsx 或 csv 文件。"))
    if head.lstrip().lower().startswith(signatures.MARKUP):
        raise UnreadableFile(Message("这是网页或 RTF 文件，请用 Word 或 Excel 打开后另存为 docx 或 xlsx。"))
    if source.seek(0, io.SEEK_END) > limits.packed:
        size = f"{limits.packed // 1024**2} MB"
        raise make_too_large_error(Message("超过{size}", size=size), limits.packed)
    source.seek(0)
    return "text"


def _detect_zip_kind(source: IO[bytes], limits: FileLimits) -> FileKind:
    names = packages.scan_package(source, limits).names
    if packages.DOCUMENT in names:
        return "docx"
    if packages.WORKBOOK in names:
        return "xlsx"
    raise make_not_office_error()


def find_old_kind(source: IO[bytes]) -> Literal["doc", "xls"] | None:
    """The kind of an old Office file that a program may convert; None for any other, one with a password included."""
    source.seek(0)
    if not source.read(len(signatures.OLE)).startswith(signatures.OLE):
        return None
    try:
        streams = list_streams(source)
    except ValueError:
        return None
    if streams & {"EncryptedPackage", "EncryptionInfo"}:
        return None
    return "doc" if "WordDocument" in streams else "xls" if streams & {"Workbook", "Book"} else None


def _make_ole_error(source: IO[bytes]) -> UnreadableFile:
    try:
        streams = list_streams(source)
    except ValueError as error:
        return make_damaged_file_error(error)
    if streams & {"EncryptedPackage", "EncryptionInfo"}:
        return make_password_error()
    for found, old, new in (("WordDocument", "doc", "docx"), ("Workbook", "xls", "xlsx"), ("Book", "xls", "xlsx")):
        if found in streams:
            return UnreadableFile(Message("这是旧的 {old} 格式，请另存为 {new} 再导入。", old=old, new=new))
    return UnreadableFile(Message("这种旧的 Office 格式不能读取，请另存为 docx 或 xlsx。"))


#: From the header: byte order, binary logarithm of a sector's size, first sector of the directory, first of those that
#: name more sectors of the allocation table, and the first 109 sectors of that table.
_HEADER = struct.Struct("<28xHH16xI16xI4x436s")
#: From an entry of the directory: name, its length, kind, and the entries left, right and below.
_ENTRY = struct.Struct("<64sHBxIII48x")
_STREAM = 2
#: Sector numbers from here on are no sectors but the end of a chain, or free; and so with entries.
_NONE = 0xFFFFFFFA
#: Office writes a few dozen entries; a file with many objects in it, some thousands.
_MOST_ENTRIES = 16_384


class _Sectors:
    """A file by its sectors, and which one follows which; ValueError for one that is not in it."""

    def __init__(self, source: IO[bytes], size: int, table: list[int], more: int) -> None:
        self._source, self._size, self._table = source, size, table
        self._count = source.seek(0, io.SEEK_END) // size
        while more < _NONE and len(table) * size // 4 < self._count:
            *some, more = self._read_numbers(more)
            table += some

    def read(self, sector: int) -> bytes:
        """The bytes of a sector; those at the end of the file may be fewer."""
        if sector >= self._count:
            raise ValueError("a sector outside the file")
        self._source.seek((sector + 1) * self._size)
        return self._source.read(self._size)

    def find_next(self, sector: int) -> int:
        """The sector after this one, by the allocation table."""
        index, place = divmod(sector, self._size // 4)
        if index >= len(self._table):
            raise ValueError("a sector outside the table")
        return self._read_numbers(self._table[index])[place]

    def _read_numbers(self, sector: int) -> tuple[int, ...]:
        raw = self.read(sector)
        if len(raw) < self._size:
            raise ValueError("half a sector")
        return struct.unpack(f"<{self._size // 4}I", raw)


def list_streams(source: IO[bytes]) -> set[str]:
    """The names of the streams that lie in no folder of the file; ValueError for a damaged one."""
    source.seek(0)
    head = source.read(_HEADER.size)
    if len(head) < _HEADER.size or not head.startswith(signatures.OLE):
        raise ValueError("no whole header")
    order, shift, first, more, table = _HEADER.unpack(head)
    if order != 0xFFFE or shift not in (9, 12):
        raise ValueError("no such header")
    directory = _read_directory(_Sectors(source, 1 << shift, list(struct.unpack("<109I", table)), more), first)
    _, _, _, _, _, top = _ENTRY.unpack_from(directory)
    names, waiting, seen = set(), [top], set()
    while waiting:
        at = waiting.pop()
        if at >= _NONE or at in seen:
            continue
        seen.add(at)
        if (at + 1) * _ENTRY.size > len(directory):
            raise ValueError("an entry outside the directory")
        name, length, kind, left, right, _ = _ENTRY.unpack_from(directory, at * _ENTRY.size)
        if kind == _STREAM:
            names.add(name[: max(0, min(length, 64) - 2)].decode("utf-16-le", "replace"))
        waiting += (left, right)
    return names


def _read_directory(sectors: _Sectors, sector: int) -> bytes:
    directory = bytearray()
    while sector < _NONE:
        directory += sectors.read(sector)
        if len(directory) > _MOST_ENTRIES * _ENTRY.size:
            raise ValueError("a directory without end")
        sector = sectors.find_next(sector)
    if len(directory) < _ENTRY.size:
        raise ValueError("no directory")
    return bytes(directory)
