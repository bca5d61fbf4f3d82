"""The rows of a file of claims, each with its claim or the error why it is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from registry.batch.claim_columns import ClaimColumns
from registry.batch.result_columns import make_unreadable_error
from registry.domain.model import Claim
from registry.errors import InvalidInput
from registry.texts import Message


class ClaimRow(NamedTuple):
    """A row of a file: its number as a spreadsheet counts, its id, and its claim or the error."""

    number: int
    id: Any
    claim: Claim | None
    error: InvalidInput | None = None
    cells: Sequence[str] = ()


class AnswerLayout(NamedTuple):
    """The layout of a table of answers: columns, delimiter, and whether it begins with a byte order mark."""

    columns: ClaimColumns
    delimiter: str = ","
    has_bom: bool = True


class ClaimReader(Protocol):
    """Reads the rows of one file, in order, from bytes that come piece by piece."""

    def feed(self, data: bytes) -> Iterator[ClaimRow]:
        """Yield the rows that these bytes complete; InvalidInput when the whole file cannot be read."""

    def feed_end(self) -> Iterator[ClaimRow]:
        """Yield the last rows, once there are no more bytes."""

    def close(self) -> None:
        """Release whatever reads; no more rows come."""


def check_claim(claim: Claim) -> None:
    """Raise InvalidInput unless a claim names a provider or has a text that may."""
    if not claim.provider.is_named and not any(map(str.isalnum, claim.text or "")):
        raise InvalidInput(
            Message("请至少给出机构的名称、编码、统一社会信用代码、执业许可证登记号或网站域名之一，或者给出广告内容。"),
        )


class ClaimTable:
    """Turns rows of cells into rows of claims; the first row holds the headings."""

    def __init__(self) -> None:
        self.columns: ClaimColumns | None = None

    def read_row(self, number: int, cells: Sequence[str]) -> ClaimRow | None:
        """The row with its claim; None for the first row, which holds the headings."""
        if self.columns is None:
            self.columns = ClaimColumns(cells)
            return None
        if len(cells) != self.columns.width:
            error = InvalidInput(
                Message(
                    "第{number}行有{count}列，而首行有{width}列；含逗号的内容须加双引号。",
                    number=number,
                    count=len(cells),
                    width=self.columns.width,
                ),
            )
            return self._make_bad_row(number, cells, error)
        try:
            claim = self.columns.make_claim(cells)
            check_claim(claim)
        except msgspec.ValidationError as invalid:
            return self._make_bad_row(number, cells, make_unreadable_error(invalid))
        except InvalidInput as invalid:
            return self._make_bad_row(number, cells, invalid)
        return ClaimRow(number, claim.id, claim, None, cells)

    def refuse_row(self, number: int, cells: Sequence[str], error: InvalidInput) -> ClaimRow:
        """A row whose cells cannot be read; InvalidInput at once when it is the first one."""
        if self.columns is None:
            raise error
        return self._make_bad_row(number, cells, error)

    def require_headings(self, *, is_sheet: bool = False) -> None:
        """Raise InvalidInput when there was not even a row of headings."""
        if self.columns is None and is_sheet:
            raise InvalidInput(
                Message("表格是空的：第一行应为列名，例如 名称、地址、技术、日期。"),
            )
        if self.columns is None:
            raise InvalidInput(
                Message("文件是空的：第一行应为列名，例如 name,address,techniques,on。"),
            )

    def get_layout(self, delimiter: str = ",", has_bom: bool = True) -> AnswerLayout:
        """The layout of answers with the columns of the claims; RuntimeError before the headings were read."""
        if self.columns is None:
            raise RuntimeError("the headings come first")
        return AnswerLayout(self.columns, delimiter, has_bom)

    def _make_bad_row(self, number: int, cells: Sequence[str], error: InvalidInput) -> ClaimRow:
        identifier = self.columns.find_id(cells) if self.columns else None
        return ClaimRow(number, identifier, None, error, cells)
