"""What a process that reads a file can be asked to do. Nothing here knows the register; text goes out, nothing else."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Callable, Iterable, Iterator
from typing import IO, NamedTuple, TypeVar

import msgspec

from registry.errors import RegistryError
from registry.uploads import csvs, docx, kinds, packages, xlsx
from registry.uploads.limits import Limits
from registry.uploads.messages import (
    LENGTH,
    Answer,
    Done,
    More,
    Package,
    Piece,
    Records,
    Refusal,
    Rows,
    TableBegins,
    frame,
)
from registry.uploads.records import CsvRecords
from registry.uploads.refusals import damaged, out_of_memory, too_large
from registry.uploads.tables import Record, Row, Table

#: Rows, and characters of them, in one message.
_ROWS, _CHARACTERS = 500, 65_536
T = TypeVar("T")
_piece = msgspec.msgpack.Decoder(Piece)


class Job(NamedTuple):
    """What a task is given: the file (absent where it comes piece by piece), its limits, options, and the way out."""

    source: IO[bytes] | None
    limits: Limits
    options: dict[str, str]
    channel: socket.socket

    def send(self, message: Answer) -> None:
        """Say something; waits while nobody listens."""
        self.channel.sendall(frame(message))

    @property
    def file(self) -> IO[bytes]:
        """The file; ValueError where none was given."""
        if self.source is None:
            raise ValueError("the task needs a file")
        return self.source

    def pieces(self) -> Iterator[Piece]:
        """The file piece by piece; each but the last is answered with More before the next."""
        while True:
            (length,) = LENGTH.unpack(_exactly(self.channel, LENGTH.size))
            piece = _piece.decode(_exactly(self.channel, length))
            yield piece
            if piece.last:
                return
            self.send(More())


def _exactly(channel: socket.socket, size: int) -> bytes:
    held = bytearray()
    while len(held) < size:
        data = channel.recv(size - len(held))
        if not data:
            raise BrokenPipeError  # whoever asked went away
        held += data
    return bytes(held)


def run(job: Job, task: str) -> None:
    """Do one task to its end; what cannot be read is said as a Refusal."""
    try:
        TASKS[task](job)
    except RegistryError as error:
        _refuse(job, error)
    except (MemoryError, RecursionError):
        _refuse(job, out_of_memory())
    except BrokenPipeError:
        raise  # whoever asked went away
    except Exception as error:  # whatever a crafted file provokes in a library
        _refuse(job, damaged(type(error).__name__))
    else:
        job.send(Done())


def _refuse(job: Job, error: RegistryError) -> None:
    job.send(Refusal(error.code, error.zh, error.en, str(error.details.get("reason", ""))[:200]))


# --- tasks -----------------------------------------------------------------------------------------------------------


def read_tables(job: Job) -> None:
    """Every table of a docx, xlsx or csv file, with its rows."""
    source, limits = job.file, job.limits
    kind = kinds.kind_of(source, limits)
    read = {"docx": _docx, "xlsx": xlsx.tables, "text": csvs.tables}[kind]
    guard = _Guard(limits)
    for table in read(source, limits):
        job.send(TableBegins(table.name, table.name_en, table.lettered, table.hidden))
        for rows in _batched(guard.rows(table.rows), lambda row: row.cells):
            job.send(Rows(rows))


def _docx(source: IO[bytes], limits: Limits) -> Iterator[Table]:
    for number, numbered in itertools.groupby(docx.rows(source, limits), key=lambda pair: pair[0]):
        yield Table(f"表{number}", f"table {number}", False, (row for _, row in numbered))


def read_claims_sheet(job: Job) -> None:
    """The rows of the first sheet of an xlsx file that has any, as records."""
    source, guard = job.file, _Guard(job.limits)
    if kinds.kind_of(source, job.limits) != "xlsx":
        raise kinds.not_office()
    records = (Record(number, cells) for number, cells in xlsx.first_rows(source))
    for some in _batched(guard.records(records), lambda record: record.cells):
        job.send(Records(some, ",", True))


def read_claims_csv(job: Job) -> None:
    """The records of a csv file that comes piece by piece; each piece is answered with those it completes."""
    reader, guard = CsvRecords(job.options.get("charset")), _Guard(job.limits)
    for piece in job.pieces():
        records: Iterable[Record] = reader.feed(piece.data)
        if piece.last:
            records = itertools.chain(records, reader.end())
        each = (_one_bad(record, job.limits) for record in records)
        for some in _batched(guard.records(each), lambda record: record.cells):
            job.send(Records(some, reader.delimiter, reader.marked))


def _one_bad(record: Record, limits: Limits) -> Record:
    """The record, or why it is none: in a stream one that is too long stops no other."""
    long = max(map(len, record.cells), default=0) > limits.cell_length
    if not long and len(record.cells) <= limits.columns:
        return record
    most = f"{limits.cell_length:,}" if long else f"{limits.columns:,}"
    zh = f"这一行有一格超过{most}个字符，未核验。" if long else f"这一行超过{most}列，未核验。"
    en = f"A value of this row is longer than {most} characters" if long else f"This row has more than {most} columns"
    return Record(record.number, [cell[:200] for cell in record.cells[:200]], (zh, f"{en}; it was not checked."))


def look_through(job: Job) -> None:
    """Which of some parts a package has, and whether it holds macros."""
    found = packages.look_through(job.file, job.limits, readable=False)
    job.send(Package([name for name in job.options["parts"].split("\n") if name in found.names], found.macros))


#: Every task by its name.
TASKS: dict[str, Callable[[Job], None]] = {
    "tables": read_tables,
    "claims-sheet": read_claims_sheet,
    "claims-csv": read_claims_csv,
    "package": look_through,
}


# --- limits while reading --------------------------------------------------------------------------------------------


class _Guard:
    """Counts rows and cells as they are read: what a file does not say of itself beforehand."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._cells = 0

    def rows(self, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            self._count(row.number, row.cells)
            yield row

    def records(self, records: Iterable[Record]) -> Iterator[Record]:
        for record in records:
            self._count(record.number, record.cells)
            yield record

    def _count(self, number: int, cells: tuple[str, ...] | list[str]) -> None:
        limits = self._limits
        self._cells += len(cells)
        if number > limits.rows:
            raise too_large(f"超过{limits.rows:,}行", f"it has more than {limits.rows:,} rows", limits.rows)
        if len(cells) > limits.columns:
            raise too_large(f"超过{limits.columns:,}列", f"it has more than {limits.columns:,} columns", limits.columns)
        if self._cells > limits.cells:
            raise too_large(f"超过{limits.cells:,}格", f"it has more than {limits.cells:,} cells", limits.cells)
        if sum(map(len, cells)) > limits.row_length:
            most = limits.row_length
            raise too_large(f"有一行超过{most:,}个字符", f"one of its rows is longer than {most:,} characters", most)
        if cells and max(map(len, cells)) > limits.cell_length:
            most = limits.cell_length
            raise too_large(
                f"有一格的内容超过{most:,}个字符", f"one of its cells is longer than {most:,} characters", most
            )


def _batched(rows: Iterable[T], cells_of: Callable[[T], Iterable[str]]) -> Iterator[list[T]]:
    held: list[T] = []
    size = 0
    for row in rows:
        held.append(row)
        size += sum(map(len, cells_of(row)))
        if len(held) >= _ROWS or size >= _CHARACTERS:
            yield held
            held, size = [], 0
    if held:
        yield held
