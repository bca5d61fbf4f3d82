"""One file of claims from its first byte to its last answer, whatever its form."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import IO, Any, Literal, TypeVar

from registry.claimfiles import sheets
from registry.claimfiles.answering import Answering, Form
from registry.claimfiles.csvs import CsvReader
from registry.claimfiles.ndjson import NdjsonReader
from registry.claimfiles.rows import Layout, TableRows
from registry.errors import InvalidInput
from registry.uploads.limits import SHELL, Limits

Given = Literal["csv", "xlsx", "ndjson"]
F = TypeVar("F", bound=Form[Any])
_PIECE = 65_536


def kind_of(begin: bytes) -> Given:
    """What a file is by its first bytes: ndjson begins with {, xlsx is a zip; an old xls is told so when read."""
    if begin.startswith((sheets.ZIP, sheets.OLE)):
        return "xlsx"
    return "ndjson" if begin.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"{") else "csv"


def work(
    source: IO[bytes], given: Given, form_of: Callable[[Callable[[], Layout]], F], most: int, limits: Limits = SHELL
) -> tuple[F, Iterator[bytes]]:
    """The form of the answers, whose tally counts along, and the answers: a piece for each row.

    Nothing is read before the first piece is asked for. ``limits`` are of csv and xlsx, which a process
    of its own reads; ndjson is decoded line by line.
    """
    if given == "xlsx":
        table = TableRows()
        form = form_of(lambda: _layout(table))
        return form, _sheet(source, table, form, most, limits)
    if given == "ndjson":
        form = form_of(_none)
        return form, _pieces(source, Answering(NdjsonReader(), form, most))
    reader = CsvReader(limits=limits)
    form = form_of(reader.layout)
    return form, _csv(source, reader, form, most)


def _pieces(source: IO[bytes], answering: Answering) -> Iterator[bytes]:
    while data := source.read(_PIECE):
        yield from answering.feed(data)
    yield from answering.end()


def _csv(source: IO[bytes], reader: CsvReader, form: Form[Any], most: int) -> Iterator[bytes]:
    with closing(reader):
        yield from _pieces(source, Answering(reader, form, most))


def _sheet(source: IO[bytes], table: TableRows, form: Form[Any], most: int, limits: Limits) -> Iterator[bytes]:
    answering = Answering(NdjsonReader(), form, most)
    with closing(sheets.claims(source, table, limits)) as rows:
        yield from answering.answered(rows)
    if table.columns is None:
        raise InvalidInput(
            "表格是空的：第一行应为列名，例如 名称、地址、技术、日期。",
            "The sheet is empty: its first row holds the headings, such as name, address, techniques, on.",
        )
    yield from answering.finish()


def _layout(table: TableRows) -> Layout:
    if table.columns is None:
        raise RuntimeError("the headings come first")
    return Layout(table.columns)


def _none() -> Layout:
    raise RuntimeError("ndjson has no columns")
