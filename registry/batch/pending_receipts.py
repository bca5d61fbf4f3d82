"""Answered rows that wait for the last one: no receipt of a batch can be made before all of its rows are known."""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterator

from registry.batch.batch import Batch
from registry.receipts.batch_proofs import BatchRows, Statement

#: Bytes of rows kept in memory before the rest goes to a temporary file.
_IN_MEMORY = 1 << 20
_LENGTHS = struct.Struct("<II")


class PendingAnswers:
    """Lines, and of those that get a receipt the row it proves; in a file without a name, gone when closed.

    In memory are the hashes of the rows only, so a hundred thousand of them cost some megabytes.
    """

    def __init__(self) -> None:
        self._rows = BatchRows()
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed by ``close``

    def add_line(self, line: bytes) -> None:
        """A line that gets no receipt."""
        self._write_line(line, b"")

    def add_answer(self, line: bytes, said: Statement, identifier: str | None) -> None:
        """The line of an answered row."""
        self._write_line(line, self._rows.add(said, identifier))

    def _write_line(self, line: bytes, row: bytes) -> None:
        self._file.write(_LENGTHS.pack(len(line), len(row)) + line + row)

    def sign_lines(self, batch: Batch) -> Iterator[tuple[bytes, str | None]]:
        """Every line in order with its receipt, under one signature; CannotSign before the first."""
        signed = batch.sign_rows(self._rows) if self._rows else None
        self._file.seek(0)
        index = 0
        while lengths := self._file.read(_LENGTHS.size):
            line, row = (self._file.read(length) for length in _LENGTHS.unpack(lengths))
            if row and signed:
                yield line, signed.make_receipt(index, row)
                index += 1
            else:
                yield line, None

    def close(self) -> None:
        """Let the rows go."""
        self._file.close()
