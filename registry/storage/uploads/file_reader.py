"""Files of strangers as rows of text, read by a process of their own: the entrance for the rest of the register.

Everything here raises UnreadableFile or TooLarge, with what to do, when the file cannot be read or ends its process;
Busy when too many files are being read.
"""

from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import IO, TYPE_CHECKING

from registry.storage.uploads.limits import BATCH, FileLimits
from registry.storage.uploads.messages import Answer, FilePiece, PackageParts, RecordBatch, RowBatch, TableStart
from registry.storage.uploads.sandbox import SandboxChannel, sandbox
from registry.storage.uploads.tables import ClaimRecord, Table, TableRow
from registry.storage.uploads.text_files import TextDecoder

if TYPE_CHECKING:
    from registry.storage.uploads.file_kind import FileKind

_PIECE = 65_536


def read_tables(
    source: IO[bytes], limits: FileLimits, kind: "FileKind | None" = None, *, has_marks: bool = False
) -> Iterator[Table]:
    """Yield the tables of a docx, xlsx or csv file in order; read the rows of a table before the next one.

    UnreadableFile for a file of another kind than ``kind``, if one is given. ``has_marks``: rows come with their marks.
    """
    options = ({"kind": kind} if kind else {}) | ({"marks": "yes"} if has_marks else {})
    with (
        sandbox.open_channel("tables", limits, source, **options) as channel,
        closing(channel.receive_messages()) as messages,
    ):
        number = 0
        upcoming: list[Answer | None] = [next(messages, None)]
        while isinstance(start := upcoming[0], TableStart):
            rows = _read_rows(messages, upcoming)
            number += 1
            yield Table(start.name, start.name_en, start.lettered, rows, start.hidden, number)
            for _ in rows:  # those that nobody read
                pass


def _read_rows(messages: Iterator[Answer], upcoming: list[Answer | None]) -> Iterator[TableRow]:
    """Yield the rows up to the next table or the end; what follows is put into ``upcoming``."""
    for message in messages:
        if not isinstance(message, RowBatch):
            upcoming[0] = message
            return
        yield from message.rows
    upcoming[0] = None


def inspect_package(source: IO[bytes], limits: FileLimits, parts: tuple[str, ...]) -> PackageParts:
    """Return which of some parts a zip file has, and whether it holds macros."""
    with sandbox.open_channel("package", limits, source, parts="\n".join(parts)) as channel:
        for message in channel.receive_messages():
            if isinstance(message, PackageParts):
                return message
    return PackageParts([], False)


def find_old_kind(source: IO[bytes], limits: FileLimits) -> str | None:
    """The kind of an old Office file (doc, xls) that a program may convert; None for any other file."""
    with sandbox.open_channel("old-office", limits, source) as channel:
        for message in channel.receive_messages():
            if isinstance(message, PackageParts):
                return next(iter(message.parts), None)
    return None


class CsvStream:
    """Reads records of a csv file that comes piece by piece; close it. Its process starts with the first piece.

    ``delimiter`` and ``marked`` (a spreadsheet made the file) are known with the first record.
    """

    def __init__(self, charset: str | None = None, limits: FileLimits = BATCH, headings: Iterable[str] = ()) -> None:
        """InvalidInput for an unknown charset. ``headings``: see ``CsvRecordReader``."""
        TextDecoder(charset)
        self.delimiter, self.marked = ",", False
        self._options = {"headings": "\n".join(headings), **({"charset": charset} if charset else {})}
        self._limits = limits
        self._channel: SandboxChannel | None = None

    def feed(self, data: bytes, last: bool = False) -> Iterator[ClaimRecord]:
        """Yield the records that these bytes complete; with ``last``, all that remain."""
        if self._channel is None:
            self._channel = sandbox.open_channel("claims-csv", self._limits, None, **self._options)
        for piece in _split_pieces(data, last):
            yield from self._read_records(self._channel.exchange_piece(piece))

    async def feed_async(self, data: bytes, last: bool = False) -> list[ClaimRecord]:
        """As ``feed`` for at most 64 KiB, without blocking the event loop."""
        if self._channel is None:
            self._channel = await sandbox.open_stream("claims-csv", self._limits, **self._options)
        answers = [await self._channel.exchange_piece_async(piece) for piece in _split_pieces(data, last)]
        return [record for messages in answers for record in self._read_records(messages)]

    def _read_records(self, messages: list[Answer]) -> Iterator[ClaimRecord]:
        for message in messages:
            if isinstance(message, RecordBatch):
                self.delimiter, self.marked = message.delimiter or ",", message.marked
                yield from message.records

    def close(self) -> None:
        """End its process."""
        if self._channel is not None:
            self._channel.close()


def _split_pieces(data: bytes, last: bool) -> Iterator[FilePiece]:
    for start in range(0, len(data) or 1, _PIECE):
        yield FilePiece(data[start : start + _PIECE], last and start + _PIECE >= len(data))
