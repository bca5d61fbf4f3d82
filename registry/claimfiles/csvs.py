"""Claims in csv, read as a stream by a process of its own: see ``registry.uploads``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from registry.claimfiles.rows import Layout, Row, TableRows
from registry.errors import InvalidInput
from registry.uploads.limits import BATCH, Limits
from registry.uploads.reading import CsvStream
from registry.uploads.tables import Record


class CsvReader:
    """Bytes of a csv file as rows. Blank lines are passed over; a row with broken quotes is a row with an error."""

    def __init__(self, charset: str | None = None, limits: Limits = BATCH) -> None:
        self.table = TableRows()
        self._stream = CsvStream(charset, limits)

    def feed(self, data: bytes) -> Iterator[Row]:
        """The rows that are whole with these bytes; InvalidInput when the headings name nobody."""
        return self._rows(self._stream.feed(data))

    async def feed_async(self, data: bytes) -> Iterator[Row]:
        """The same without holding up the event loop."""
        return self._rows(await self._stream.feed_async(data))

    def end(self) -> Iterator[Row]:
        """The last rows; InvalidInput when there was not even a row of headings."""
        yield from self._rows(self._stream.feed(b"", last=True))
        self._require_headings()

    async def end_async(self) -> Iterator[Row]:
        """The same without holding up the event loop."""
        rows = list(self._rows(await self._stream.feed_async(b"", last=True)))
        self._require_headings()
        return iter(rows)

    def close(self) -> None:
        """Let go of the process that reads."""
        self._stream.close()

    def layout(self) -> Layout:
        """How the answers are laid out: as the claims, with a byte order mark unless those are plain UTF-8."""
        if self.table.columns is None:
            raise RuntimeError("the headings come first")
        return Layout(self.table.columns, self._stream.delimiter, self._stream.marked)

    def _rows(self, records: Iterable[Record]) -> Iterator[Row]:
        try:
            for number, cells, error in records:
                if error is not None:
                    yield self.table.broken(number, cells, InvalidInput(*error))
                elif (row := self.table.of(number, cells)) is not None:
                    yield row
        except InvalidInput:  # of the headings: nothing more is read
            self.close()
            raise

    def _require_headings(self) -> None:
        if self.table.columns is None:
            raise InvalidInput(
                "文件是空的：第一行应为列名，例如 name,address,techniques,on。",
                "The file is empty: its first row holds the headings, such as name,address,techniques,on.",
            )
