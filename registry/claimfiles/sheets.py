"""Claims in xlsx: read by python-calamine, written by XlsxWriter a row at a time."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import msgspec
from python_calamine import CalamineError, CalamineWorkbook, PasswordError

from registry.claimfiles.answering import Form
from registry.claimfiles.rows import Layout, Row, TableRows
from registry.claimfiles.told import NAMES, RECEIPT, answer_cells, error_cells
from registry.errors import InvalidInput, RegistryError, TooLarge, UnreadableFile
from registry.model import Answer
from registry.verification.batch import Batch

ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
#: A cell's limit in the file format; what is longer is cut there.
_LONGEST = 32_767
_REFERENCE = re.compile(rb"""\sr\s*=\s*["']([A-Za-z]{0,3})(\d{1,7})["']""")
#: Of the grid that a sheet spans.
MOST_CELLS = 20_000_000
_OVERLAP = 32  # a reference is no longer than this
_cells = msgspec.msgpack.Encoder()
_from_cells = msgspec.msgpack.Decoder(list[str])


def as_text(value: object) -> str:
    """A cell's value as a person reads it: whole numbers without .0, dates as YYYY-MM-DD."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(sep=" ")
    return str(value)


def claims(source: IO[bytes], table: TableRows, cells: int = MOST_CELLS, unpacked: int = 1 << 30) -> Iterator[Row]:
    """The rows of the first sheet that has any; UnreadableFile saying what to do, TooLarge beyond the two limits.

    The limits are of the grid the sheet spans, and of the bytes it unpacks to: a few bytes can claim a whole grid.
    """
    refuse_huge(source, cells, unpacked)
    try:
        with CalamineWorkbook.from_filelike(source) as workbook:
            for name in workbook.sheet_names:
                sheet = workbook.get_sheet_by_name(name)
                if not sheet.height:
                    continue
                _top, left = sheet.start or (0, 0)
                for number, values in enumerate(sheet.iter_rows(), start=1):
                    found = [""] * left + [as_text(value) for value in values]
                    if any(found) and (row := table.of(number, found)) is not None:
                        yield row
                return
    except PasswordError as error:
        raise UnreadableFile(
            "文件有密码保护，请另存为没有密码的 xlsx。", "The file has a password; save it as xlsx without one."
        ) from error
    except (CalamineError, OSError) as error:
        raise _damaged() from error


def refuse_huge(source: IO[bytes], cells: int = MOST_CELLS, unpacked: int = 1 << 30) -> None:
    """A sheet is read into a grid as wide and high as its farthest cell: look for that one first. UnreadableFile saying
    what to do, TooLarge beyond the two limits; leaves the source at its start."""
    if source.read(4) == OLE:
        raise UnreadableFile(
            "这是旧格式 xls 或有密码保护的文件，请另存为没有密码的 xlsx 或 csv。",
            "This is an old xls file or one with a password; save it as xlsx or csv without a password.",
        )
    source.seek(0)
    try:
        with zipfile.ZipFile(source) as packed:
            if sum(part.file_size for part in packed.infolist()) > unpacked:
                raise _too_large()
            for part in packed.infolist():
                if part.filename.lower().endswith(".xml"):
                    with packed.open(part) as opened:
                        _refuse_grid(opened.read, cells, unpacked)
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        raise _damaged() from error
    source.seek(0)


def _refuse_grid(read: Callable[[int], bytes], cells: int, unpacked: int) -> None:
    widest = highest = 1
    held, done = b"", 0
    while piece := read(1 << 20):
        done += len(piece)
        held = held[-_OVERLAP:] + piece
        for letters, row in _REFERENCE.findall(held):
            highest = max(highest, int(row))
            widest = max(widest, _column(letters))
        if widest * highest > cells or done > unpacked:
            raise _too_large()


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def _damaged() -> UnreadableFile:
    return UnreadableFile(
        "这不是能读取的 xlsx 文件；请用表格软件打开后另存为 xlsx 或 csv。",
        "This is no xlsx file that can be read; open it in a spreadsheet program and save it as xlsx or csv.",
    )


def _too_large() -> TooLarge:
    return TooLarge(
        "表格过大，或很远处的单元格里有内容；请删去多余的行列后另存，或分成几份。",
        "The sheet is too large, or has something in a far-off cell; delete what is not needed, or split it.",
    )


class XlsxForm(Form[list[str]]):
    """Rows written into a workbook as text, so that no cell is a formula; ``close`` completes the file.

    ``out`` is a path, or bytes in memory. One row is held at a time; a path needs a temporary folder meanwhile.
    """

    def __init__(
        self, batch: Batch, layout: Callable[[], Layout], out: Path | io.BytesIO, receipts: bool = False
    ) -> None:
        super().__init__(batch, receipts)
        import xlsxwriter  # when a workbook is made: most processes never make one

        self._layout = layout
        options = {"constant_memory": isinstance(out, Path), "in_memory": not isinstance(out, Path)}
        self._book = xlsxwriter.Workbook(str(out) if isinstance(out, Path) else out, options)
        self._sheet = self._book.add_worksheet()
        self._line = 0

    def begin(self) -> bytes:
        """The headings."""
        self._columns = self._layout().columns
        self._sheet.freeze_panes(1, 0)
        names = (*NAMES, RECEIPT) if self.receipts else NAMES
        return _cells.encode([*self._columns.headings, *names])

    def make(self, answer: Answer) -> list[str]:
        """The cells of the answer."""
        return answer_cells(answer)

    def put(self, row: Row, made: list[str]) -> bytes:
        """The row's cells and those of its answer."""
        return _cells.encode([*self._columns.shown(row.cells), *made])

    def refuse(self, row: Row, error: RegistryError) -> bytes:
        """The row's cells with the error in its columns."""
        return _cells.encode(
            [*self._columns.shown(row.cells), *error_cells(error, self.batch.lang, self.batch.at.size)]
        )

    def out(self, line: bytes, receipt: str | None) -> bytes:
        """Cells into the sheet; nothing is left to send. InvalidInput for a receipt that no cell can hold."""
        cells: list[str] = _from_cells.decode(line)
        if receipt is not None:
            if len(receipt) > _LONGEST:  # cut, it would prove nothing
                raise InvalidInput(
                    f"第{self._line + 1}行的回执超过一格所能容纳的{_LONGEST:,}个字符；请输出为 csv。",
                    f"The receipt of row {self._line + 1} is longer than the {_LONGEST:,} characters of a cell; "
                    "write csv.",
                )
            cells.append(receipt)
        for at, text in enumerate(cells):
            if text:
                self._sheet.write_string(self._line, at, text[:_LONGEST])
        self._line += 1
        return b""

    def close(self) -> None:
        """Complete the file."""
        super().close()
        self._book.close()
