"""Claims in csv, read as a stream by a process of its own: see ``registry.uploads``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from registry.batch.claim_columns import FOLDED_HEADINGS
from registry.batch.claim_rows import AnswerLayout, ClaimRow, ClaimTable
from registry.errors import InvalidInput
from registry.texts import FixedText
from registry.uploads.file_reader import CsvStream
from registry.uploads.limits import BATCH, FileLimits
from registry.uploads.tables import ClaimRecord


class CsvReader:
    """Reads the rows of a csv file. Blank lines are skipped; a row with broken quotes is a row with an error."""

    def __init__(self, charset: str | None = None, limits: FileLimits = BATCH) -> None:
        self.table = ClaimTable()
        self._stream = CsvStream(charset, limits, FOLDED_HEADINGS)

    def feed(self, data: bytes) -> Iterator[ClaimRow]:
        """The rows that these bytes complete; InvalidInput when the headings name nobody."""
        return self._read_rows(self._stream.feed(data))

    async def feed_async(self, data: bytes) -> Iterator[ClaimRow]:
        """As ``feed``, without blocking the event loop."""
        return self._read_rows(await self._stream.feed_async(data))

    def feed_end(self) -> Iterator[ClaimRow]:
        """Yield the last rows; InvalidInput when there was not even a row of headings."""
        yield from self._read_rows(self._stream.feed(b"", last=True))
        self.table.require_headings()

    async def feed_end_async(self) -> Iterator[ClaimRow]:
        """As ``feed_end``, without blocking the event loop."""
        rows = list(self._read_rows(await self._stream.feed_async(b"", last=True)))
        self.table.require_headings()
        return iter(rows)

    def close(self) -> None:
        """End the process that reads."""
        self._stream.close()

    def get_layout(self) -> AnswerLayout:
        """The layout of the answers: that of the claims, with a byte order mark unless those are plain UTF-8."""
        return self.table.get_layout(self._stream.delimiter, self._stream.marked)

    def _read_rows(self, records: Iterable[ClaimRecord]) -> Iterator[ClaimRow]:
        try:
            for number, cells, error in records:
                if error is not None:
                    yield self.table.refuse_row(number, cells, InvalidInput(FixedText(*error)))
                elif (row := self.table.read_row(number, cells)) is not None:
                    yield row
                elif self.table.is_hopeless:
                    self.table.require_headings()
        except InvalidInput:  # about the headings: nothing more is read
            self.close()
            raise
