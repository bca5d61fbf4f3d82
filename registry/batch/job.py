"""One file of claims from its first byte to its last answer, whatever its form."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import IO, Any, Literal, TypeVar

from registry.batch import xlsx_sheets
from registry.batch.answer_stream import AnswerStream, AnswerWriter
from registry.batch.claim_rows import AnswerLayout, ClaimTable
from registry.batch.csv_reader import CsvReader
from registry.batch.ndjson_reader import NdjsonReader
from registry.errors import InvalidInput
from registry.uploads.limits import SHELL, FileLimits

Given = Literal["csv", "xlsx", "ndjson"]
F = TypeVar("F", bound=AnswerWriter[Any])
_PIECE = 65_536


def detect_format(begin: bytes) -> Given:
    """What a file is by its first bytes: ndjson begins with {, xlsx is a zip; an old xls is told so when read."""
    if begin.startswith((xlsx_sheets.ZIP, xlsx_sheets.OLE)):
        return "xlsx"
    return "ndjson" if begin.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"{") else "csv"


def answer_file(
    source: IO[bytes],
    given: Given,
    form_of: Callable[[Callable[[], AnswerLayout]], F],
    most: int,
    limits: FileLimits = SHELL,
) -> tuple[F, Iterator[bytes]]:
    """The form of the answers, whose tally counts along, and the answers: a piece for each row.

    Nothing is read before the first piece is asked for. ``limits`` are of csv and xlsx, which a process
    of its own reads; ndjson is decoded line by line.
    """
    if given == "xlsx":
        table = ClaimTable()
        form = form_of(lambda: _get_layout(table))
        return form, _answer_sheet(source, table, form, most, limits)
    if given == "ndjson":
        form = form_of(_refuse_layout)
        return form, _feed_pieces(source, AnswerStream(NdjsonReader(), form, most))
    reader = CsvReader(limits=limits)
    form = form_of(reader.get_layout)
    return form, _answer_csv(source, reader, form, most)


def _feed_pieces(source: IO[bytes], answering: AnswerStream) -> Iterator[bytes]:
    while data := source.read(_PIECE):
        yield from answering.feed(data)
    yield from answering.feed_end()


def _answer_csv(source: IO[bytes], reader: CsvReader, form: AnswerWriter[Any], most: int) -> Iterator[bytes]:
    with closing(reader):
        yield from _feed_pieces(source, AnswerStream(reader, form, most))


def _answer_sheet(
    source: IO[bytes], table: ClaimTable, form: AnswerWriter[Any], most: int, limits: FileLimits
) -> Iterator[bytes]:
    answering = AnswerStream(NdjsonReader(), form, most)
    with closing(xlsx_sheets.read_claims(source, table, limits)) as rows:
        yield from answering.answer_rows(rows)
    if table.columns is None:
        raise InvalidInput(
            "表格是空的：第一行应为列名，例如 名称、地址、技术、日期。",
            "The sheet is empty: its first row holds the headings, such as name, address, techniques, on.",
        )
    yield from answering.finish_answers()


def _get_layout(table: ClaimTable) -> AnswerLayout:
    if table.columns is None:
        raise RuntimeError("the headings come first")
    return AnswerLayout(table.columns)


def _refuse_layout() -> AnswerLayout:
    raise RuntimeError("ndjson has no columns")
