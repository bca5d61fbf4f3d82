"""What passes between a process that asks for a file to be read and the one that reads it: frames of msgpack."""

from __future__ import annotations

import struct
from typing import Any

import msgspec

from registry.errors import InvalidInput, RegistryError, TooLarge, UnreadableFile
from registry.uploads.limits import FileLimits
from registry.uploads.tables import ClaimRecord, TableRow

#: A frame is its length and so many bytes; none is longer: a row is at most a million characters, of four bytes.
LENGTH = struct.Struct("<I")
LONGEST = 8 * 1024 * 1024


class TaskOrder(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Start a process that does one task; three file descriptors come with it."""

    job: int
    task: str
    limits: FileLimits
    options: dict[str, str]


class KillOrder(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """End the process of a job, if it is still there."""

    job: int


class FilePiece(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Bytes of a file that comes piece by piece; ``last`` with the end of it."""

    data: bytes
    last: bool = False


class TableStart(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """A table whose rows follow."""

    name: str
    name_en: str
    lettered: bool
    hidden: bool


class RowBatch(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Rows of the table that began last."""

    rows: list[TableRow]


class RecordBatch(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Records of a file of claims, and how they are written as far as it is known."""

    records: list[ClaimRecord]
    delimiter: str
    marked: bool


class PackageParts(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Those of the parts that were asked for which a package has, and whether it holds macros."""

    parts: list[str]
    macros: bool


class PieceDone(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Everything of the last piece was said; the next may come."""


class TaskDone(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Everything was said."""


class FileRefusal(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """The file cannot be read, and why; ``reason`` is what a parser said, which helps nobody but us."""

    code: str
    zh: str
    en: str
    reason: str = ""

    def to_error(self) -> RegistryError:
        """The refusal as it is raised."""
        return _KINDS.get(self.code, UnreadableFile)(self.zh, self.en)


_KINDS: dict[str, type[RegistryError]] = {one.code: one for one in (InvalidInput, TooLarge, UnreadableFile)}
Answer = TableStart | RowBatch | RecordBatch | PackageParts | PieceDone | TaskDone | FileRefusal
_encode = msgspec.msgpack.Encoder().encode


def encode_frame(message: Any) -> bytes:
    """A message as it is sent."""
    body = _encode(message)
    return LENGTH.pack(len(body)) + body
