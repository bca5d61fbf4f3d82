"""Text files: bytes as text and text as lines, piece by piece; csv as tables, or as records that come as a stream."""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from typing import IO, Generic, TypeVar

from registry.domain.normalise import fold_heading
from registry.errors import InvalidInput, UnreadableFile
from registry.storage.uploads.limits import MAX_BLANK_LINES, MAX_LINE_LENGTH, FileLimits
from registry.storage.uploads.refusals import make_row_too_long_error, make_too_many_blank_lines_error
from registry.storage.uploads.table_head import WITHIN
from registry.storage.uploads.tables import ClaimRecord, Table, TableRow
from registry.texts import Message, write_bilingual

S = TypeVar("S", str, bytes)
#: Characters kept of a line that is too long, to recognise it by.
_BEGINNING = 200
#: What stands in a text for bytes of an unknown encoding.
SURROGATE = re.compile("[\udc80-\udcff]")
_UTF8 = "utf-8"
#: Names of the Chinese encodings: GB18030 holds the others.
_CHARSETS = {
    "utf-8": _UTF8,
    "utf8": _UTF8,
    "us-ascii": _UTF8,
    "ascii": _UTF8,
    "utf-16": "utf-16",
    **dict.fromkeys(("gb18030", "gbk", "gb2312", "cp936", "936"), "gb18030"),
}


class LineSplitter(Generic[S]):
    """Text or bytes cut at line breaks; of a line that is too long only the beginning is given."""

    def __init__(self, newline: S) -> None:
        self._newline: S = newline
        self._remainder: S = newline[:0]
        self._is_too_long = False

    def feed(self, data: S) -> Iterator[tuple[S, bool]]:
        """Yield (line, whether it was too long) for every line that ends in ``data``."""
        lines = (self._remainder + data).split(self._newline)
        rest = lines.pop()
        for line in lines:
            is_too_long = self._is_too_long or len(line) > MAX_LINE_LENGTH
            self._is_too_long = False
            yield (line[:_BEGINNING] if is_too_long else line), is_too_long
        if len(rest) > MAX_LINE_LENGTH:
            self._is_too_long, rest = True, rest[:_BEGINNING]
        self._remainder = rest

    def feed_end(self) -> Iterator[tuple[S, bool]]:
        """Yield the last line, when no line break ends it."""
        if self._remainder:
            yield self._remainder, self._is_too_long
        self._remainder = self._newline[:0]


class TextDecoder:
    """Decodes bytes by the charset given, by a byte order mark, or as UTF-8 or GB18030 (Excel in China).

    The first bytes beyond ASCII tell the last two apart. Bytes that are neither become surrogates, so that the row that
    has them can be refused. ``marked``: a spreadsheet made the file, by a byte order mark or GB18030.
    """

    def __init__(self, charset: str | None = None) -> None:
        if charset is not None and charset.lower() not in _CHARSETS:
            raise InvalidInput(Message("不支持字符集 {charset}；请用 UTF-8 或 GB18030（GBK）。", charset=charset[:40]))
        self.encoding = _CHARSETS[charset.lower()] if charset else None
        self.marked = False
        self._started = False
        self._buffer = b""
        self._decoder = self._make_decoder(self.encoding) if self.encoding else None

    def _make_decoder(self, encoding: str) -> codecs.IncrementalDecoder:
        self.encoding = encoding
        self.marked = self.marked or encoding != _UTF8
        return codecs.getincrementaldecoder(encoding)("replace" if encoding == "utf-16" else "surrogateescape")

    def feed(self, data: bytes, last: bool = False) -> str:
        """The text these bytes complete."""
        if not self._started:
            self._buffer += data
            if len(self._buffer) < 4 and not last:
                return ""
            data, self._buffer, self._started = self._buffer, b"", True
            data = self._read_byte_order_mark(data)
        if self._decoder is None:
            if data.isascii():
                return data.decode("ascii")
            self._decoder = self._make_decoder(
                _UTF8 if _can_decode(_UTF8, data) or not _can_decode("gb18030", data) else "gb18030"
            )
        return self._decoder.decode(data, last)

    def _read_byte_order_mark(self, data: bytes) -> bytes:
        if data.startswith(codecs.BOM_UTF8):
            self.marked, self._decoder = True, self._make_decoder(_UTF8)
            return data.removeprefix(codecs.BOM_UTF8)
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            self._decoder = self._make_decoder("utf-16")
        return data


def _can_decode(encoding: str, data: bytes) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(data)
    except UnicodeDecodeError:
        return False
    return True


#: Lines and characters after which a quote that is still open counts as never closed.
_OPEN_LINES, _OPEN_TEXT = 200, 65_536
_DELIMITERS = (",", "\t", ";")
_ENCODINGS = ("utf-8-sig", "gb18030")  # Excel in China saves csv as GBK
#: Characters at the start of a file by which its delimiter is detected.
_SAMPLE = 131_072
#: The first line by which Excel is told what parts the cells. It is no row.
_SEPARATOR_LINE = re.compile(r'"?sep=(?P<separator>[,;\t|])"?\r?', re.IGNORECASE)
#: Signs in headings that do not count.
HEADING_MARKS = "_-"


# --- tables ----------------------------------------------------------------------------------------------------------


def read_tables(source: IO[bytes], limits: FileLimits) -> Iterator[Table]:
    """Yield the one table of a file; UnreadableFile, with what to do, when it is no text or its quotes are broken."""
    text = _decode_text(source.read())
    separator = _SEPARATOR_LINE.fullmatch(text.partition("\n")[0])
    delimiter = separator["separator"] if separator else _detect_file_delimiter(text)
    rows = _read_rows(text, delimiter, limits)
    yield Table("", "", True, (row for row in rows if not (separator and row.number == 1)))


def _read_rows(text: str, delimiter: str, limits: FileLimits) -> Iterator[TableRow]:
    number = 0
    csv.field_size_limit(limits.cell_length)  # of this process, which reads this file only
    try:
        # strict: a quotation mark without its end would make one cell of all the rows below it
        for number, cells in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), 1):
            yield TableRow(number, tuple(cells))
    except csv.Error as error:
        raise UnreadableFile(
            Message("第{number}行读不下去，多半是引号不成对，或一格太长；请改正后再上传。", number=number + 1),
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
    raise UnreadableFile(Message("这不是 docx、xlsx 或文本 csv 文件，请另存为其中一种（csv 请用 UTF-8 或 GBK 编码）。"))


def _detect_file_delimiter(text: str) -> str:
    """The delimiter that occurs most in the first lines; a comma when none does."""
    first = "\n".join(text[:_SAMPLE].splitlines()[:20])
    return max(_DELIMITERS, key=first.count)


# --- records ---------------------------------------------------------------------------------------------------------


class CsvRecordReader:
    """Reads the records of a csv file from its bytes. Blank lines are skipped; broken quotes give an error record.

    ``headings`` are the folded words that headings may be. The delimiter of the first record with one of them is that
    of all records from there on, unless a first line ``sep=`` states it.
    """

    def __init__(self, charset: str | None = None, headings: frozenset[str] = frozenset()) -> None:
        self.delimiter = ""
        self._headings = headings
        self._titles = 0
        self._text = TextDecoder(charset)
        self._lines = LineSplitter("\n")
        self._open: list[str] = []
        self._number = self._blank = 0

    @property
    def is_from_spreadsheet(self) -> bool:
        """Whether a spreadsheet made the file, as far as read: it has a byte order mark, or is GB18030."""
        return self._text.marked

    def feed(self, data: bytes) -> Iterator[ClaimRecord]:
        """Yield the records that these bytes complete."""
        for line, is_too_long in self._lines.feed(self._text.feed(data)):
            yield from self._read_line(line, is_too_long)

    def feed_end(self) -> Iterator[ClaimRecord]:
        """Yield the last records."""
        for line, is_too_long in [*self._lines.feed(self._text.feed(b"", last=True)), *self._lines.feed_end()]:
            yield from self._read_line(line, is_too_long)
        while self._open:
            yield from self._refuse_open_record()

    def _read_line(self, line: str, is_too_long: bool = False) -> Iterator[ClaimRecord]:
        if self._open:
            self._open.append(line)
            if len(self._open) > _OPEN_LINES or sum(map(len, self._open)) > _OPEN_TEXT:
                yield from self._refuse_open_record()
            elif '"' in line:
                yield from self._read_open_record("\n".join(self._open))
            return
        raw, line = line, line.removesuffix("\r")
        if not self._number and (separator := _SEPARATOR_LINE.fullmatch(line)):
            self._number, self.delimiter = 1, separator["separator"]
        elif not line:
            self._number += 1
            self._blank += 1
            if self._blank > MAX_BLANK_LINES:
                raise make_too_many_blank_lines_error()
        elif is_too_long:
            yield self._refuse_line(line, make_row_too_long_error().message)
        elif '"' in line:
            self._open = [raw]
            yield from self._read_open_record(raw)
        elif "\r" in line:
            message = Message(
                "这一行中有单独的回车符（\\r），未核验；各行请以换行（LF 或 CRLF）结束，另存为“CSV UTF-8”即可。"
            )
            yield self._refuse_line(line, message)
        else:
            # quicker than csv.reader, and the same without quotes
            yield self._make_record(line.split(self._detect_delimiter(line)), 1)

    def _read_open_record(self, text: str) -> Iterator[ClaimRecord]:
        """Yield a record with quotes; nothing while one of them is open."""
        delimiter = self._detect_delimiter(text)
        try:
            cells = next(csv.reader([text.removesuffix("\r")], delimiter=delimiter, strict=True))
        except csv.Error as error:
            if "unexpected end" not in str(error):
                yield from self._refuse_open_record(str(error))
            return
        lines, self._open = len(self._open), []
        yield self._make_record(cells, lines)

    def _refuse_open_record(self, reason: str = write_bilingual("未闭合")) -> Iterator[ClaimRecord]:
        """Yield the first open line as a record with an error, and read the lines after it anew."""
        first, *others = self._open
        self._open = []
        message = Message("这一行的引号有误（{reason}），未核验；内容里的双引号须写成两个。", reason=reason)
        yield self._refuse_line(first, message)
        for line in others:
            yield from self._read_line(line)

    def _make_record(self, cells: list[str], lines: int) -> ClaimRecord:
        self._number += lines
        if self._text.encoding is not None and SURROGATE.search("".join(cells)):
            message = Message("这一行含有无法识别的字符编码，未核验；请把文件存为 UTF-8。")
            return ClaimRecord(self._number, [_replace_surrogates(cell) for cell in cells], message.get_both())
        return ClaimRecord(self._number, cells)

    def _refuse_line(self, line: str, message: Message) -> ClaimRecord:
        self._number += 1
        return ClaimRecord(self._number, _replace_surrogates(line).split(self.delimiter or ","), message.get_both())

    def _detect_delimiter(self, line: str) -> str:
        """The delimiter of a record. It is settled by headings, or at the latest where there can be none any more."""
        if self.delimiter:
            return self.delimiter
        self._titles += 1
        for delimiter in _DELIMITERS:
            if any(fold_heading(cell.strip('"'), HEADING_MARKS) in self._headings for cell in line.split(delimiter)):
                self.delimiter = delimiter
                return delimiter
        best = max(_DELIMITERS, key=line.count)
        if not self._headings or self._titles >= WITHIN:
            self.delimiter = best
        return best


def _replace_surrogates(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
