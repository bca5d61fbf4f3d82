"""Claims in csv, read as a stream by a process of its own: see ``registry.uploads``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from registry.batch.claim_rows import AnswerLayout, ClaimRow, ClaimTable
from registry.errors import InvalidInput
from registry.uploads.file_reader import CsvStream
from registry.uploads.limits import BATCH, FileLimits
from registry.uploads.tables import ClaimRecord


class CsvReader:
    """Bytes of a csv file as rows. Blank lines are passed over; a row with broken quotes is a row with an error."""

    def __init__(self, charset: str | None = None, limits: FileLimits = BATCH) -> None:
        self.table = ClaimTable()
        self._stream = CsvStream(charset, limits)

    def feed(self, data: bytes) -> Iterator[ClaimRow]:
        """The rows that are whole with these bytes; InvalidInput when the headings name nobody."""
        return self._read_rows(self._stream.feed(data))

    async def feed_async(self, data: bytes) -> Iterator[ClaimRow]:
        """The same without holding up the event loop."""
        return self._read_rows(await self._stream.feed_async(data))

    def feed_end(self) -> Iterator[ClaimRow]:
        """The last rows; InvalidInput when there was not even a row of headings."""
        yield from self._read_rows(self._stream.feed(b"", last=True))
        self._check_headings()

    async def feed_end_async(self) -> Iterator[ClaimRow]:
        """The same without holding up the event loop."""
        rows = list(self._read_rows(await self._stream.feed_async(b"", last=True)))
        self._check_headings()
        return iter(rows)

    def close(self) -> None:
        """Let go of the process that reads."""
        self._stream.close()

    def get_layout(self) -> AnswerLayout:
        """How the answers are laid out: as the claims, with a byte order mark unless those are plain UTF-8."""
        if self.table.columns is None:
            raise RuntimeError("the headings come first")
        return AnswerLayout(self.table.columns, self._stream.delimiter, self._stream.marked)

    def _read_rows(self, records: Iterable[ClaimRecord]) -> Iterator[ClaimRow]:
        try:
            for number, cells, error in records:
                if error is not None:
                    yield self.table.refuse_row(number, cells, InvalidInput(*error))
                elif (row := self.table.read_row(number, cells)) is not None:
                    yield row
        except InvalidInput:  # of the headings: nothing more is read
            self.close()
            raise

    def _check_headings(self) -> None:
        if self.table.columns is None:
            raise InvalidInput(
                "文件是空的：第一行应为列名，例如 name,address,techniques,on。",
                "The file is empty: its first row holds the headings, such as name,address,techniques,on.",
            )
