"""The names in a compound file (MS-CFB), which is what old Office files are and new ones with a password are put into.

Nothing but its directory is read. A number of the file is only a place to look at: where it leads out of the file, or
round in a circle, the file is damaged.
"""

from __future__ import annotations

import io
import struct
from typing import IO

from registry.uploads import signatures

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
