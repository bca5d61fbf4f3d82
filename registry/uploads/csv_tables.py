"""A csv file as one table, read whole: in the usual encodings and with the usual separators, strict about quotes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import IO

from registry.errors import UnreadableFile
from registry.uploads.limits import FileLimits
from registry.uploads.tables import Table, TableRow

_ENCODINGS = ("utf-8-sig", "gb18030")  # Excel in China saves csv as GBK
_FIRST = 131_072


def read_tables(source: IO[bytes], limits: FileLimits) -> Iterator[Table]:
    """The table of the file; UnreadableFile saying what to do when it is no text, or its quotes are broken."""
    text = _decode_text(source.read())
    yield Table("", "", True, _read_rows(text, _detect_delimiter(text), limits))


def _read_rows(text: str, delimiter: str, limits: FileLimits) -> Iterator[TableRow]:
    number = 0
    csv.field_size_limit(limits.cell_length)  # of this process, which reads this file only
    try:
        # strict: a quotation mark without its end would make one cell of all the rows below it
        for number, cells in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), 1):
            yield TableRow(number, tuple(cells))
    except csv.Error as error:
        raise UnreadableFile(
            f"第{number + 1}行读不下去，多半是引号不成对，或一格太长；请改正后再上传。",
            f"Row {number + 1} cannot be read, most likely for a quotation mark without its pair, or too long a cell; "
            "please mend it.",
            reason=str(error),
        ) from error


def _decode_text(raw: bytes) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings: tuple[str, ...] = ("utf-16",)
    elif b"\x00" in raw:
        encodings = ()
    else:
        encodings = _ENCODINGS
    for encoding in encodings:
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UnreadableFile(
        "这不是 docx、xlsx 或文本 csv 文件，请另存为其中一种（csv 请用 UTF-8 或 GBK 编码）。",
        "This is no docx, xlsx or text csv file; please save it as one of them (csv in UTF-8 or GBK).",
    )


def _detect_delimiter(text: str) -> str:
    """The separator that occurs most in the first lines; a comma when none does."""
    first = "\n".join(text[:_FIRST].splitlines()[:20])
    return max((",", "\t", ";"), key=first.count)
