"""The messages between a process that has a file read and the one that reads it: frames of msgpack."""

import struct
from typing import Any

import msgspec

from registry.errors import InvalidInput, RegistryError, TooLarge, UnreadableFile
from registry.storage.uploads.limits import FileLimits
from registry.storage.uploads.tables import ClaimRecord, TableRow
from registry.texts import FixedText

#: A frame is its length and so many bytes, at most LONGEST: a row has up to a million characters of four bytes.
LENGTH = struct.Struct("<I")
LONGEST = 8 * 1024 * 1024


class TaskOrder(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Start a process for one task; its file descriptors come with the order."""

    job: int
    task: str
    limits: FileLimits
    options: dict[str, str]


class KillOrder(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """End the process of a job, if it still runs."""

    job: int


class FilePiece(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Bytes of a file that comes piece by piece; ``last`` at its end."""

    data: bytes
    last: bool = False


class TableStart(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """A table whose rows follow."""

    name: str
    name_en: str
    lettered: bool
    hidden: bool


class RowBatch(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Rows of the last table started."""

    rows: list[TableRow]


class RecordBatch(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Records of a file of claims, with the delimiter and the mark of a spreadsheet as far as known."""

    records: list[ClaimRecord]
    delimiter: str
    marked: bool


class PackageParts(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """The requested parts that a package has, and whether it holds macros."""

    parts: list[str]
    macros: bool


class PictureBody(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """A picture drawn anew."""

    body: bytes
    width: int
    height: int


class PieceDone(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """All messages about the last piece were sent; the next may come."""


class TaskDone(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """All messages were sent."""


class FileRefusal(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """The file cannot be read, with the sentences why; ``reason`` is the parser's, for the log."""

    code: str
    zh: str
    en: str
    reason: str = ""

    def to_error(self) -> RegistryError:
        """The refusal as an error to raise."""
        return _KINDS.get(self.code, UnreadableFile)(FixedText(self.zh, self.en))


_KINDS: dict[str, type[RegistryError]] = {kind.code: kind for kind in (InvalidInput, TooLarge, UnreadableFile)}
Answer = TableStart | RowBatch | RecordBatch | PackageParts | PictureBody | PieceDone | TaskDone | FileRefusal
_encode = msgspec.msgpack.Encoder().encode


def encode_frame(message: Any) -> bytes:
    """A message as a frame to send."""
    body = _encode(message)
    return LENGTH.pack(len(body)) + body
