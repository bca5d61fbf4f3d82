"""A file of claims answered from its first byte to the last, whatever its format."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import IO, Any, Literal, TypeVar

from registry.batch import xlsx_sheets
from registry.batch.answer_stream import AnswerStream, AnswerWriter
from registry.batch.claim_rows import AnswerLayout, ClaimTable, CsvReader, NdjsonReader
from registry.batch.column_notes import ColumnNotes
from registry.storage.uploads import signatures
from registry.storage.uploads.limits import SHELL, FileLimits

ClaimsFormat = Literal["csv", "xlsx", "ndjson"]
F = TypeVar("F", bound=AnswerWriter[Any])
_PIECE = 65_536


def detect_format(begin: bytes) -> ClaimsFormat:
    """The format by the first bytes: ndjson begins with {, xlsx is a zip; an old xls is refused when it is read."""
    if begin.startswith((signatures.ZIP, signatures.OLE)):
        return "xlsx"
    return "ndjson" if begin.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"{") else "csv"


def answer_file(
    source: IO[bytes],
    claims_format: ClaimsFormat,
    make_writer: Callable[[Callable[[], AnswerLayout]], F],
    limit: int,
    limits: FileLimits = SHELL,
) -> tuple[F, Iterator[bytes], ColumnNotes]:
    """Return the writer of the answers, whose tally counts along, and the answers: a piece for each of ``limit`` rows;
    and what of the file is read and what is not, complete after the last piece.

    Nothing is read before the first piece is requested. ``limits`` are those of csv and xlsx, which a process
    of its own reads; ndjson is decoded line by line.
    """
    if claims_format == "xlsx":
        table = ClaimTable()
        writer = make_writer(table.get_layout)
        return writer, _answer_sheet(source, table, writer, limit, limits), table.notes
    if claims_format == "ndjson":
        table = ClaimTable()  # there are no columns, and no such writer asks for them
        writer = make_writer(table.get_layout)
        return writer, _feed_pieces(source, AnswerStream(NdjsonReader(), writer, limit)), table.notes
    reader = CsvReader(limits=limits)
    writer = make_writer(reader.get_layout)
    return writer, _answer_csv(source, reader, writer, limit), reader.table.notes


def _feed_pieces(source: IO[bytes], answering: AnswerStream) -> Iterator[bytes]:
    while data := source.read(_PIECE):
        yield from answering.feed(data)
    yield from answering.feed_end()


def _answer_csv(source: IO[bytes], reader: CsvReader, writer: AnswerWriter[Any], limit: int) -> Iterator[bytes]:
    with closing(reader):
        yield from _feed_pieces(source, AnswerStream(reader, writer, limit))


def _answer_sheet(
    source: IO[bytes], table: ClaimTable, writer: AnswerWriter[Any], limit: int, limits: FileLimits
) -> Iterator[bytes]:
    answering = AnswerStream(NdjsonReader(), writer, limit)  # the rows come from the sheet
    with closing(xlsx_sheets.read_claims(source, table, limits)) as rows:
        yield from answering.answer_rows(rows)
    table.require_headings(is_sheet=True)
    yield from answering.finish_answers()
