"""Rows of claims in, answers out: in the same order, errors in the place of answers, up to a limit of rows."""

import csv
import struct
import tempfile
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
from msgspec.structs import replace

from registry.batch.batch import Batch, ClaimCache
from registry.batch.claim_rows import AnswerLayout, ClaimReader, ClaimRow
from registry.batch.columns import NAMES, RECEIPT, RowProblem, format_answer_cells, format_error_cells, make_row_problem
from registry.domain.answers import Answer, Claim, VerdictWord
from registry.domain.normalise import escape_cells
from registry.errors import CannotSign, InvalidInput, PeopleLimit, RegistryError, TooLarge
from registry.receipts.batch_proofs import BatchRows, Statement, make_statement
from registry.texts import Message

#: Rows of one request, streamed.
MOST_ROWS = 100_000
#: Bytes of waiting lines in memory; the rest goes to a temporary file.
_IN_MEMORY = 1 << 20
_LENGTHS = struct.Struct("<II")
_json = msgspec.json.Encoder()
M = TypeVar("M")


class RowRefusal(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in the place of an answer: which row, and why it was not answered. It says nothing about anybody."""

    id: str | int | float | None
    row: int
    error: RowProblem


class Tally:
    """Counts rows, verdicts and errors; ``cut``: the limit ended the answers."""

    def __init__(self) -> None:
        self.rows = 0
        self.errors = 0
        self.verdicts: Counter[VerdictWord] = Counter()
        self.cut = False


class PendingAnswers:
    """Lines that wait for the last row: no receipt of a batch can be made before all of its rows are known.

    They are in a file without a name, gone when closed, each with the row that its receipt proves. In memory are only
    the hashes of the rows, some megabytes for a hundred thousand.
    """

    def __init__(self) -> None:
        self._rows = BatchRows()
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed by ``close``

    def add_line(self, line: bytes) -> None:
        """Add a line that gets no receipt."""
        self._write_line(line, b"")

    def add_answer(self, line: bytes, statement: Statement, identifier: str | None) -> None:
        """Add the line of an answered row."""
        self._write_line(line, self._rows.add(statement, identifier))

    def _write_line(self, line: bytes, row: bytes) -> None:
        self._file.write(_LENGTHS.pack(len(line), len(row)) + line + row)

    def sign_lines(self, batch: Batch) -> Iterator[tuple[bytes, str | None]]:
        """Yield every line in order with its receipt, under one signature; CannotSign before the first."""
        signature = batch.sign_rows(self._rows) if self._rows else None
        self._file.seek(0)
        index = 0
        while lengths := self._file.read(_LENGTHS.size):
            line, row = (self._file.read(length) for length in _LENGTHS.unpack(lengths))
            if row and signature:
                yield line, signature.make_receipt(index, row)
                index += 1
            else:
                yield line, None

    def close(self) -> None:
        """Delete the file."""
        self._file.close()


class _ReusableAnswer(NamedTuple, Generic[M]):
    """The parts of an answer, for every row that asks the same."""

    verdict: VerdictWord
    code: str | None  # of the institution that was meant
    body: M
    statement: Statement | None


class AnswerWriter(ABC, Generic[M]):
    """Writes answers in one format: ``format_row`` and ``format_refusal`` make lines, ``write_line`` the bytes to send.

    With ``receipts`` all lines wait for the last row and come from ``write_pending``, each with its receipt. Close the
    writer at the end, and also when it is given up.
    """

    def __init__(self, batch: Batch, receipts: bool = False) -> None:
        self.batch = batch
        self.tally = Tally()
        self.receipts = receipts
        self._waiting = PendingAnswers() if receipts else None
        self._answers: ClaimCache[_ReusableAnswer[M]] = ClaimCache(batch, self._prepare_answer)

    def _prepare_answer(self, claim: Claim, answer: Answer) -> _ReusableAnswer[M]:
        code = answer.match.code if answer.match else None
        statement = make_statement(claim, answer) if self.receipts else None
        return _ReusableAnswer(answer.verdict, code, self.format_answer(answer), statement)

    def format_header(self) -> bytes:
        """The line before the first row."""
        return b""

    @abstractmethod
    def format_answer(self, answer: Answer) -> M:
        """An answer without its id, to be combined with every row that asks the same."""

    @abstractmethod
    def format_row(self, row: ClaimRow, answer: M) -> bytes:
        """The line of a row with its answer."""

    @abstractmethod
    def format_refusal(self, row: ClaimRow, error: RegistryError) -> bytes:
        """The line of a row with the reason why there is no answer."""

    def write_line(self, line: bytes, receipt: str | None) -> bytes:
        """The bytes of a line, with its receipt where it has one."""
        if receipt is not None:
            raise TypeError(f"{type(self).__name__} has no place for receipts")
        return line

    def answer_row(self, row: ClaimRow) -> bytes:
        """The bytes of a row with its answer or error; none where it has to wait."""
        self.tally.rows += 1
        if row.claim is None:
            return self._refuse_row(row, row.error or InvalidInput(Message("这一行没有内容。")))
        try:
            if row.claim.receipt and self._waiting is None:
                return self._answer_with_own_receipt(row, row.claim)
            verdict, code, body, statement = self._answers.get_result(row.claim)
        except (InvalidInput, CannotSign, PeopleLimit) as error:
            return self._refuse_row(row, error)
        self.tally.verdicts[verdict] += 1
        self.batch.note_answer(row.claim, verdict, code)
        if self._waiting is None or statement is None:
            return self.write_line(self.format_row(row, body), None)
        self._waiting.add_answer(self.format_row(row, body), statement, row.claim.id)
        return b""

    def _answer_with_own_receipt(self, row: ClaimRow, claim: Claim) -> bytes:
        """The bytes of a row whose claim asks for a receipt by itself."""
        answer = self.batch.answer_with_receipt(claim)
        self.tally.verdicts[answer.verdict] += 1
        self.batch.note_answer(claim, answer.verdict, answer.match.code if answer.match else None)
        body = self.format_answer(replace(answer, id=None, receipt=None))
        return self.write_line(self.format_row(row, body), answer.receipt)

    def _refuse_row(self, row: ClaimRow, error: RegistryError) -> bytes:
        self.tally.errors += 1
        return self.write_refusal(row, error)

    def write_refusal(self, row: ClaimRow, error: RegistryError) -> bytes:
        """The bytes of a row with the reason why there is no answer; the tally does not count it."""
        return self.write_or_hold(self.format_refusal(row, error))

    def write_or_hold(self, line: bytes) -> bytes:
        """The bytes of a line without a receipt, unless they have to wait."""
        if self._waiting is None:
            return self.write_line(line, None)
        self._waiting.add_line(line)
        return b""

    def write_pending(self) -> Iterator[bytes]:
        """Yield the lines that had to wait, once there are no more rows; CannotSign before the first."""
        if self._waiting is not None:
            for line, receipt in self._waiting.sign_lines(self.batch):
                yield self.write_line(line, receipt)

    def close(self) -> None:
        """Drop the lines that wait."""
        if self._waiting is not None:
            self._waiting.close()


class JsonAnswerWriter(AnswerWriter[bytes]):
    """Writes one JSON object a row: the answer as POST /verify gives it, or id, row and error."""

    def __init__(self, batch: Batch, end: bytes = b"\n", receipts: bool = False) -> None:
        super().__init__(batch, receipts)
        self._end = end
        self._tail_length = len(b"null}" + end)

    def format_answer(self, answer: Answer) -> bytes:
        """The object after its id, which is its first field; its receipt is the last."""
        return _json.encode(answer).removeprefix(b'{"id":null') + self._end

    def format_row(self, row: ClaimRow, answer: bytes) -> bytes:
        """The object with the row's id."""
        return b'{"id":' + (b"null" if row.id is None else _json.encode(row.id)) + answer

    def format_refusal(self, row: ClaimRow, error: RegistryError) -> bytes:
        """The error object in the row's place."""
        refusal = RowRefusal(id=row.id, row=row.number, error=make_row_problem(error, self.batch.lang))
        return _json.encode(refusal) + self._end

    def write_line(self, line: bytes, receipt: str | None) -> bytes:
        """The object with its receipt, whose characters need no escape."""
        return line if receipt is None else b'%b"%b"}%b' % (line[: -self._tail_length], receipt.encode(), self._end)


class _EchoFile:
    """The file of a csv writer whose ``writerow`` returns the text written."""

    def write(self, text: str) -> str:
        return text


class CsvAnswerWriter(AnswerWriter[str]):
    """Writes the row's own cells, then those of its answer, in lines ended by CRLF; no cell is a formula."""

    def __init__(self, batch: Batch, layout: Callable[[], AnswerLayout], receipts: bool = False) -> None:
        super().__init__(batch, receipts)
        self._receipt_cells = [""] if receipts else []  # filled in by ``write_line``
        self._layout = layout  # known once the headings were read

    def format_header(self) -> bytes:
        """The headings, behind a byte order mark when the answers are for a spreadsheet."""
        self._columns, self._delimiter, has_bom = self._layout()
        self._write = csv.writer(_EchoFile(), delimiter=self._delimiter).writerow
        names = (*NAMES, RECEIPT) if self.receipts else NAMES
        return self._format_cells([*self._columns.headings, *names]).encode("utf-8-sig" if has_bom else "utf-8")

    def _format_cells(self, cells: list[str]) -> str:
        return str(self._write(escape_cells(cells)))

    def format_answer(self, answer: Answer) -> str:
        """The cells of the answer as they end a line."""
        return self._format_cells([*format_answer_cells(answer), *self._receipt_cells])

    def format_row(self, row: ClaimRow, answer: str) -> bytes:
        """The row's cells before those of its answer."""
        own = self._columns.select_own_cells(row.cells)
        return f"{self._format_cells(own)[:-2]}{self._delimiter}{answer}".encode() if own else answer.encode()

    def format_refusal(self, row: ClaimRow, error: RegistryError) -> bytes:
        """The row's cells with the error in its columns."""
        cells = format_error_cells(error, self.batch.lang, self.batch.at.size)
        return self._format_cells([*self._columns.select_own_cells(row.cells), *cells, *self._receipt_cells]).encode()

    def write_line(self, line: bytes, receipt: str | None) -> bytes:
        """The line with its receipt, whose characters need no quotes, in the last column."""
        return line if receipt is None else b"%b%b\r\n" % (line[:-2], receipt.encode())


class AnswerStream:
    """Answers the rows of a reader in the form of a writer, at most ``limit`` of them."""

    def __init__(self, reader: ClaimReader, form: AnswerWriter[Any], limit: int = MOST_ROWS) -> None:
        self.reader = reader
        self.form = form
        self._limit = limit
        self._has_started = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the answers that these bytes complete; at the limit a last row with the error, and nothing after it."""
        if not self.form.tally.cut:
            yield from self.answer_rows(self.reader.feed(data))

    def feed_end(self) -> Iterator[bytes]:
        """Yield the last answers, once there are no more bytes."""
        if not self.form.tally.cut:
            yield from self.answer_rows(self.reader.feed_end())
        yield from self.finish_answers()

    def finish_answers(self) -> Iterator[bytes]:
        """Yield what had to wait for the last row, and the header if there was no row. Nothing more is read."""
        self.reader.close()
        if not self._has_started:
            yield self._start_answers()
        yield from self.form.write_pending()

    def _start_answers(self) -> bytes:
        self._has_started = True
        return self.form.write_or_hold(self.form.format_header())

    def answer_rows(self, rows: Iterator[ClaimRow]) -> Iterator[bytes]:
        """Yield the answers to rows."""
        for row in rows:
            if not self._has_started:
                yield self._start_answers()
            if self.form.tally.rows >= self._limit:
                message = Message("一次最多{limit:,}行，此行及以后各行未核验；请分成几份再提交。", limit=self._limit)
                yield from self.cut_off(TooLarge(message, limit=self._limit), row.number)
                return
            yield self.form.answer_row(row)

    def cut_off(self, error: RegistryError, number: int | None = None) -> Iterator[bytes]:
        """Yield a last row with the error, from which on nothing is answered."""
        self.form.tally.cut = True
        number = self.form.tally.rows + 1 if number is None else number
        yield self.form.write_refusal(ClaimRow(number, None, None), error)
