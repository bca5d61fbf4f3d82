"""The tasks of a process that reads a file. Nothing here knows the register; only text is sent out."""

import itertools
import socket
from collections.abc import Callable, Iterable, Iterator
from typing import IO, NamedTuple, TypeVar

import msgspec

from registry.errors import RegistryError
from registry.storage.uploads import file_kind, office_tables, packages, picture_files, text_files
from registry.storage.uploads.limits import FileLimits
from registry.storage.uploads.messages import (
    LENGTH,
    Answer,
    FilePiece,
    FileRefusal,
    PackageParts,
    PictureBody,
    PieceDone,
    RecordBatch,
    RowBatch,
    TableStart,
    TaskDone,
    encode_frame,
)
from registry.storage.uploads.refusals import (
    make_cell_too_long_error,
    make_damaged_file_error,
    make_not_office_error,
    make_out_of_memory_error,
    make_too_large_error,
)
from registry.storage.uploads.tables import ClaimRecord, Table, TableRow, extend_marks
from registry.texts import Message

#: Rows, and characters of them, in one message.
_ROWS, _CHARACTERS = 500, 65_536
R = TypeVar("R", TableRow, ClaimRecord)
_piece = msgspec.msgpack.Decoder(FilePiece)


class Job(NamedTuple):
    """A file to read (None where it comes piece by piece), its limits, options, and the channel to send to."""

    source: IO[bytes] | None
    limits: FileLimits
    options: dict[str, str]
    channel: socket.socket

    def send_message(self, message: Answer) -> None:
        """Send a message; blocks while nobody receives."""
        self.channel.sendall(encode_frame(message))

    @property
    def file(self) -> IO[bytes]:
        """The file; ValueError where there is none."""
        if self.source is None:
            raise ValueError("the task needs a file")
        return self.source

    def receive_pieces(self) -> Iterator[FilePiece]:
        """Yield the pieces of a file; each but the last is answered with PieceDone before the next."""
        while True:
            (length,) = LENGTH.unpack(_receive_exactly(self.channel, LENGTH.size))
            piece = _piece.decode(_receive_exactly(self.channel, length))
            yield piece
            if piece.last:
                return
            self.send_message(PieceDone())


def _receive_exactly(channel: socket.socket, size: int) -> bytes:
    received = bytearray()
    while len(received) < size:
        data = channel.recv(size - len(received))
        if not data:
            raise BrokenPipeError  # whoever asked went away
        received += data
    return bytes(received)


def run_task(job: Job, task: str) -> None:
    """Do a task; send a FileRefusal for a file that cannot be read."""
    try:
        TASKS[task](job)
    except RegistryError as error:
        _send_refusal(job, error)
    except (MemoryError, RecursionError):
        _send_refusal(job, make_out_of_memory_error())
    except BrokenPipeError:
        raise  # whoever asked went away
    except Exception as error:  # whatever a crafted file provokes in a library
        _send_refusal(job, make_damaged_file_error(type(error).__name__))
    else:
        job.send_message(TaskDone())


def _send_refusal(job: Job, error: RegistryError) -> None:
    job.send_message(FileRefusal(error.code, error.zh, error.en, str(error.details.get("reason", ""))[:200]))


# --- tasks -----------------------------------------------------------------------------------------------------------


def send_tables(job: Job) -> None:
    """Send every table of a docx, xlsx or csv file, with its rows; only of the kind that the option ``kind`` names.

    With the option ``marks``, rows come with their marks.
    """
    source, limits = job.file, job.limits
    kind = file_kind.detect_kind(source, limits)
    if kind != job.options.get("kind", kind):
        raise make_not_office_error()
    has_marks, guard = "marks" in job.options, _SizeGuard(limits)
    tables = (
        text_files.read_tables(source, limits)
        if kind == "text"
        else office_tables.read_xlsx_tables(source, limits, has_marks=has_marks)
        if kind == "xlsx"
        else _read_docx_tables(source, limits, has_marks)
    )
    for table in tables:
        job.send_message(TableStart(table.name, table.name_en, table.has_cell_names, table.is_hidden))
        for rows in _batch_rows(guard.check_rows(table.rows)):
            job.send_message(RowBatch(rows))


def _read_docx_tables(source: IO[bytes], limits: FileLimits, has_marks: bool) -> Iterator[Table]:
    rows = office_tables.read_docx_rows(source, limits, has_marks=has_marks)
    for number, numbered in itertools.groupby(rows, key=lambda pair: pair[0]):
        yield Table(*Message("表{number}", number=number).get_both(), False, extend_marks(row for _, row in numbered))


def send_csv_records(job: Job) -> None:
    """Send the records of a csv file that comes piece by piece, after each piece those that it completes."""
    headings = frozenset(job.options.get("headings", "").split("\n")) - {""}
    reader, guard = text_files.CsvRecordReader(job.options.get("charset"), headings), _SizeGuard(job.limits)
    for piece in job.receive_pieces():
        records: Iterable[ClaimRecord] = reader.feed(piece.data)
        if piece.last:
            records = itertools.chain(records, reader.feed_end())
        limited = (_limit_record(record, job.limits) for record in records)
        for batch in _batch_rows(guard.check_rows(limited)):
            job.send_message(RecordBatch(batch, reader.delimiter, reader.is_from_spreadsheet))


def _limit_record(record: ClaimRecord, limits: FileLimits) -> ClaimRecord:
    """The record, or one with an error when it is too long: in a stream it must not stop the others."""
    is_long = max(map(len, record.cells), default=0) > limits.cell_length
    if not is_long and len(record.cells) <= limits.columns:
        return record
    limit = f"{limits.cell_length if is_long else limits.columns:,}"
    message = (
        Message("这一行有一格超过{limit}个字符，未核验。", limit=limit)
        if is_long
        else Message("这一行超过{limit}列，未核验。", limit=limit)
    )
    return ClaimRecord(record.number, [cell[:200] for cell in record.cells[:200]], message.get_both())


def send_package_parts(job: Job) -> None:
    """Send which of some parts a package has, and whether it holds macros."""
    contents = packages.scan_package(job.file, job.limits, readable=False)
    present = [name for name in job.options["parts"].split("\n") if name in contents.names]
    job.send_message(PackageParts(present, contents.has_macros))


def send_old_kind(job: Job) -> None:
    """Send the kind of an old Office file, as a part; none of any other file."""
    kind = file_kind.find_old_kind(job.file)
    job.send_message(PackageParts([kind] if kind else [], False))


def send_picture(job: Job) -> None:
    """Send a picture drawn anew."""
    job.send_message(PictureBody(*picture_files.draw_picture(job.file, job.limits)))


#: Every task by its name.
TASKS: dict[str, Callable[[Job], None]] = {
    "tables": send_tables,
    "claims-csv": send_csv_records,
    "package": send_package_parts,
    "old-office": send_old_kind,
    "picture": send_picture,
}


# --- limits while reading --------------------------------------------------------------------------------------------


class _SizeGuard:
    """Counts rows and cells as they are read, since a file does not state their number."""

    def __init__(self, limits: FileLimits) -> None:
        self._limits = limits
        self._cells = 0

    def check_rows(self, rows: Iterable[R]) -> Iterator[R]:
        for row in rows:
            self._check_row_size(row.number, row.cells)
            yield row

    def _check_row_size(self, number: int, cells: tuple[str, ...] | list[str]) -> None:
        limits = self._limits
        self._cells += len(cells)
        if number > limits.rows:
            raise make_too_large_error(Message("超过{rows:,}行", rows=limits.rows), limits.rows)
        if len(cells) > limits.columns:
            raise make_too_large_error(Message("超过{columns:,}列", columns=limits.columns), limits.columns)
        if self._cells > limits.cells:
            raise make_too_large_error(Message("超过{cells:,}格", cells=limits.cells), limits.cells)
        if sum(map(len, cells)) > limits.row_length:
            limit = limits.row_length
            raise make_too_large_error(Message("有一行超过{limit:,}个字符", limit=limit), limit)
        if cells and max(map(len, cells)) > limits.cell_length:
            raise make_cell_too_long_error(limits.cell_length)


def _batch_rows(rows: Iterable[R]) -> Iterator[list[R]]:
    batch: list[R] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += sum(map(len, row.cells))
        if len(batch) >= _ROWS or size >= _CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
