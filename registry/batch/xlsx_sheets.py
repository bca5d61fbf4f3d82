"""Claims in xlsx, read by a process of its own, and answers in xlsx, written by XlsxWriter a row at a time."""

import io
from collections.abc import Callable, Generator
from pathlib import Path
from typing import IO

import msgspec

from registry.batch.answer_stream import AnswerWriter
from registry.batch.batch import Batch
from registry.batch.claim_rows import AnswerLayout, ClaimRow, ClaimTable
from registry.batch.columns import NAMES, RECEIPT, format_answer_cells, format_error_cells
from registry.domain.answers import Answer
from registry.errors import InvalidInput, RegistryError
from registry.storage.uploads.file_reader import read_tables
from registry.storage.uploads.limits import FileLimits
from registry.texts import Message

#: Characters of a cell by the file format; longer texts are cut.
_CELL_LENGTH = 32_767
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[str])


def read_claims(source: IO[bytes], table: ClaimTable, limits: FileLimits) -> Generator[ClaimRow, None, None]:
    """Yield the rows of every sheet that can be read with the first; UnreadableFile or TooLarge, with what to do."""
    for sheet in read_tables(source, limits, "xlsx"):
        yield from table.read_table(sheet)


class XlsxAnswerWriter(AnswerWriter[list[str]]):
    """Writes rows into a workbook as text, so that no cell is a formula; ``close`` completes the file.

    ``out`` is a path, or bytes in memory. With a path, one row is held at a time, in a temporary folder.
    """

    def __init__(
        self, batch: Batch, layout: Callable[[], AnswerLayout], out: Path | io.BytesIO, receipts: bool = False
    ) -> None:
        super().__init__(batch, receipts)
        import xlsxwriter  # when a workbook is made: most processes never make one

        self._layout = layout
        options = {"constant_memory": isinstance(out, Path), "in_memory": not isinstance(out, Path)}
        self._book = xlsxwriter.Workbook(str(out) if isinstance(out, Path) else out, options)
        self._sheet = self._book.add_worksheet()
        self._row = 0

    def format_header(self) -> bytes:
        """The headings."""
        self._columns = self._layout().columns
        self._sheet.freeze_panes(1, 0)
        names = (*NAMES, RECEIPT) if self.receipts else NAMES
        return _encoder.encode([*self._columns.headings, *names])

    def format_answer(self, answer: Answer) -> list[str]:
        """The cells of the answer."""
        return format_answer_cells(answer)

    def format_row(self, row: ClaimRow, answer: list[str]) -> bytes:
        """The row's cells and those of its answer."""
        return _encoder.encode([*self._columns.select_own_cells(row.cells), *answer])

    def format_refusal(self, row: ClaimRow, error: RegistryError) -> bytes:
        """The row's cells with the error in its columns."""
        cells = format_error_cells(error, self.batch.lang, self.batch.at.size)
        return _encoder.encode([*self._columns.select_own_cells(row.cells), *cells])

    def write_line(self, line: bytes, receipt: str | None) -> bytes:
        """Write the cells into the sheet; return no bytes. InvalidInput for a receipt that no cell can hold."""
        cells: list[str] = _decoder.decode(line)
        if receipt is not None:
            if len(receipt) > _CELL_LENGTH:  # cut, it would prove nothing
                message = Message(
                    "第{row}行的回执超过一格所能容纳的{cell_length:,}个字符；请输出为 csv。",
                    row=self._row + 1,
                    cell_length=_CELL_LENGTH,
                )
                raise InvalidInput(message)
            cells.append(receipt)
        for column, text in enumerate(cells):
            if text:
                self._sheet.write_string(self._row, column, text[:_CELL_LENGTH])
        self._row += 1
        return b""

    def close(self) -> None:
        """Complete the file."""
        super().close()
        self._book.close()
