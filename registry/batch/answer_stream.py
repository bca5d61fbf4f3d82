"""Rows in, answered rows out: in the same order, bad ones with their reason in their place, a limit that is said."""

from __future__ import annotations

import csv
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
from msgspec.structs import replace

from registry.batch.batch import Batch, ClaimCache
from registry.batch.claim_rows import AnswerLayout, ClaimReader, ClaimRow
from registry.batch.pending_receipts import PendingAnswers
from registry.batch.result_columns import (
    NAMES,
    RECEIPT,
    RowProblem,
    format_answer_cells,
    format_error_cells,
    make_row_problem,
)
from registry.domain.model import Answer, Claim, VerdictWord
from registry.domain.normalise import escape_cells
from registry.errors import CannotSign, InvalidInput, PeopleLimit, RegistryError, TooLarge
from registry.receipts.batch_proofs import Statement, make_statement

#: Rows of one request, streamed.
MOST_ROWS = 100_000
_json = msgspec.json.Encoder()
M = TypeVar("M")


class RowRefusal(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in the place of an answer: which row, and why it was not answered. It says nothing about anybody."""

    id: str | int | float | None
    row: int
    error: RowProblem


class Tally:
    """What became of the rows: so many, of these verdicts, so many with an error; ``cut_off`` when the limit ended it."""

    def __init__(self) -> None:
        self.rows = 0
        self.errors = 0
        self.verdicts: Counter[VerdictWord] = Counter()
        self.cut = False


class _ReusableAnswer(NamedTuple, Generic[M]):
    """What is made of an answer, for every row that asks the same."""

    verdict: VerdictWord
    code: str | None  # of the institution that was meant
    body: M
    statement: Statement | None


class AnswerWriter(ABC, Generic[M]):
    """A form answers are written in: ``format_answer`` from an answer, ``format_row`` with a row, ``format_refusal`` a row.

    Each gives a line, which ``write_line`` makes the bytes that leave. With ``receipts`` all lines wait for the last row, and
    come, each with its receipt, from ``write_pending``; close the form then, and also when it is given up.
    """

    def __init__(self, batch: Batch, receipts: bool = False) -> None:
        self.batch = batch
        self.tally = Tally()
        self.receipts = receipts
        self._waiting = PendingAnswers() if receipts else None
        self._made: ClaimCache[_ReusableAnswer[M]] = ClaimCache(batch, self._prepare_answer)

    def _prepare_answer(self, claim: Claim, found: Answer) -> _ReusableAnswer[M]:
        code = found.match.code if found.match else None
        return _ReusableAnswer(
            found.verdict, code, self.format_answer(found), make_statement(claim, found) if self.receipts else None
        )

    def format_header(self) -> bytes:
        """What comes before the first row."""
        return b""

    @abstractmethod
    def format_answer(self, answer: Answer) -> M:
        """An answer without its id, ready to be put with every row that asks the same."""

    @abstractmethod
    def format_row(self, row: ClaimRow, made: M) -> bytes:
        """A row with its answer."""

    @abstractmethod
    def format_refusal(self, row: ClaimRow, error: RegistryError) -> bytes:
        """A row with the reason why there is no answer."""

    def write_line(self, line: bytes, receipt: str | None) -> bytes:
        """A line as it leaves, with its receipt where it has one."""
        if receipt is not None:
            raise TypeError(f"{type(self).__name__} has no place for receipts")
        return line

    def write_header(self) -> bytes:
        """What comes before the first row, unless it has to wait."""
        return self._write_or_hold(self.format_header())

    def answer_row(self, row: ClaimRow) -> bytes:
        """A row answered, or with its error; nothing yet where it has to wait."""
        self.tally.rows += 1
        if row.claim is None:
            return self._refuse_row(row, row.error or InvalidInput("这一行没有内容。", "There is nothing in this row."))
        try:
            if row.claim.receipt and self._waiting is None:
                return self._answer_with_own_receipt(row, row.claim)
            verdict, code, made, said = self._made.get_result(row.claim)
        except (InvalidInput, CannotSign, PeopleLimit) as error:
            return self._refuse_row(row, error)
        self.tally.verdicts[verdict] += 1
        self.batch.note_answer(row.claim, verdict, code)
        if self._waiting is None or said is None:
            return self.write_line(self.format_row(row, made), None)
        self._waiting.add_answer(self.format_row(row, made), said, row.claim.id)
        return b""

    def _answer_with_own_receipt(self, row: ClaimRow, claim: Claim) -> bytes:
        """A row whose claim asks for a receipt by itself."""
        found = self.batch.answer_with_receipt(claim)
        self.tally.verdicts[found.verdict] += 1
        self.batch.note_answer(claim, found.verdict, found.match.code if found.match else None)
        return self.write_line(
            self.format_row(row, self.format_answer(replace(found, id=None, receipt=None))), found.receipt
        )

    def _refuse_row(self, row: ClaimRow, error: RegistryError) -> bytes:
        self.tally.errors += 1
        return self.write_refusal(row, error)

    def write_refusal(self, row: ClaimRow, error: RegistryError) -> bytes:
        """A row with the reason why there is no answer, which the tally does not count."""
        return self._write_or_hold(self.format_refusal(row, error))

    def _write_or_hold(self, line: bytes) -> bytes:
        if self._waiting is None:
            return self.write_line(line, None)
        self._waiting.add_line(line)
        return b""

    def write_pending(self) -> Iterator[bytes]:
        """What had to wait, once there are no more rows: a line at a time. CannotSign before the first."""
        if self._waiting is not None:
            for line, receipt in self._waiting.sign_lines(self.batch):
                yield self.write_line(line, receipt)

    def close(self) -> None:
        """Let go what waits."""
        if self._waiting is not None:
            self._waiting.close()


class JsonAnswerWriter(AnswerWriter[bytes]):
    """One JSON object a row: the answer as POST /verify gives it, or id, row and error."""

    def __init__(self, batch: Batch, after: bytes = b"\n", receipts: bool = False) -> None:
        super().__init__(batch, receipts)
        self._after = after
        self._open = len(b"null}" + after)

    def format_answer(self, answer: Answer) -> bytes:
        """The object after its id, which is its first field; its receipt is the last."""
        return _json.encode(answer).removeprefix(b'{"id":null') + self._after

    def format_row(self, row: ClaimRow, made: bytes) -> bytes:
        """The object with the row's id."""
        return b'{"id":' + (b"null" if row.id is None else _json.encode(row.id)) + made

    def format_refusal(self, row: ClaimRow, error: RegistryError) -> bytes:
        """The error object in the row's place."""
        told = RowRefusal(id=row.id, row=row.number, error=make_row_problem(error, self.batch.lang))
        return _json.encode(told) + self._after

    def write_line(self, line: bytes, receipt: str | None) -> bytes:
        """The object with its receipt, whose characters need no escape."""
        return line if receipt is None else b'%b"%b"}%b' % (line[: -self._open], receipt.encode(), self._after)


class _EchoFile:
    """What a csv writer writes, handed back by its ``writerow``."""

    def write(self, text: str) -> str:
        return text


class CsvAnswerWriter(AnswerWriter[str]):
    """The row's own cells, then those of its answer. CRLF ends a line; no cell is a formula to a spreadsheet."""

    def __init__(self, batch: Batch, layout: Callable[[], AnswerLayout], receipts: bool = False) -> None:
        super().__init__(batch, receipts)
        self._more = [""] if receipts else []  # the column of receipts, which are put in last
        self._layout = layout  # known once the headings were read, which is after the answering began

    def format_header(self) -> bytes:
        """The headings, behind a byte order mark when the answers are for a spreadsheet."""
        self._columns, self._delimiter, marked = self._layout()
        self._write = csv.writer(_EchoFile(), delimiter=self._delimiter).writerow
        names = (*NAMES, RECEIPT) if self.receipts else NAMES
        return self._format_cells([*self._columns.headings, *names]).encode("utf-8-sig" if marked else "utf-8")

    def _format_cells(self, cells: list[str]) -> str:
        return str(self._write(escape_cells(cells)))

    def format_answer(self, answer: Answer) -> str:
        """The cells of the answer as they end a line."""
        return self._format_cells([*format_answer_cells(answer), *self._more])

    def format_row(self, row: ClaimRow, made: str) -> bytes:
        """The row's cells before those of its answer."""
        own = self._columns.select_own_cells(row.cells)
        return f"{self._format_cells(own)[:-2]}{self._delimiter}{made}".encode() if own else made.encode()

    def format_refusal(self, row: ClaimRow, error: RegistryError) -> bytes:
        """The row's cells with the error in its columns."""
        told = format_error_cells(error, self.batch.lang, self.batch.at.size)
        return self._format_cells([*self._columns.select_own_cells(row.cells), *told, *self._more]).encode()

    def write_line(self, line: bytes, receipt: str | None) -> bytes:
        """The line with its receipt, whose characters need no quotes, in the last column."""
        return line if receipt is None else b"%b%b\r\n" % (line[:-2], receipt.encode())


class AnswerStream:
    """Bytes of claims in, bytes of answers out, never more than ``most`` rows."""

    def __init__(self, reader: ClaimReader, form: AnswerWriter[Any], most: int = MOST_ROWS) -> None:
        self.reader = reader
        self.form = form
        self.most = most
        self._begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """A row at a time. Where the limit is passed a last row says so, and nothing after it is answered."""
        if not self.form.tally.cut:
            yield from self.answer_rows(self.reader.feed(data))

    def feed_end(self) -> Iterator[bytes]:
        """The last rows, once there are no more bytes."""
        if not self.form.tally.cut:
            yield from self.answer_rows(self.reader.feed_end())
        yield from self.finish_answers()

    def finish_answers(self) -> Iterator[bytes]:
        """What had to wait for the last row; what comes before the first, if there was none. Nothing more is read."""
        self.reader.close()
        if not self._begun:
            yield self._start_answers()
        yield from self.form.write_pending()

    def _start_answers(self) -> bytes:
        self._begun = True
        return self.form.write_header()

    def answer_rows(self, rows: Iterator[ClaimRow]) -> Iterator[bytes]:
        """The rows of some bytes, answered."""
        for row in rows:
            if not self._begun:
                yield self._start_answers()
            if self.form.tally.rows >= self.most:
                yield from self.cut_off(make_row_limit_error(self.most), row.number)
                return
            yield self.form.answer_row(row)

    def cut_off(self, error: RegistryError, number: int | None = None) -> Iterator[bytes]:
        """The last row, which says from where on nothing was answered."""
        self.form.tally.cut = True
        number = self.form.tally.rows + 1 if number is None else number
        yield self.form.write_refusal(ClaimRow(number, None, None), error)


def make_row_limit_error(most: int) -> TooLarge:
    """The refusal of the rows after the limit."""
    return TooLarge(
        f"一次最多{most:,}行，此行及以后各行未核验；请分成几份再提交。",
        f"At most {most:,} rows at once: this row and those after it were not checked. Split the file in parts.",
        limit=most,
    )
