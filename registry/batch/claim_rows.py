"""One row of a claim file, and what makes a claim of it or says why it is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from registry.batch.claim_columns import ClaimColumns
from registry.batch.result_columns import make_unreadable_error
from registry.domain.model import Claim, Provider
from registry.errors import InvalidInput

_NAMING = tuple(field for field in Provider.__struct_fields__ if field != "address")


class ClaimRow(NamedTuple):
    """A row of a file: its number as a spreadsheet counts, its id, and its claim or why it is none."""

    number: int
    id: Any
    claim: Claim | None
    error: InvalidInput | None = None
    cells: Sequence[str] = ()


class AnswerLayout(NamedTuple):
    """What a table of answers looks like: its columns, what parts cells, and whether a byte order mark begins it."""

    columns: ClaimColumns
    delimiter: str = ","
    has_bom: bool = True


class ClaimReader(Protocol):
    """Bytes of one file, piece by piece, as rows in order."""

    def feed(self, data: bytes) -> Iterator[ClaimRow]:
        """The rows that are whole with these bytes; InvalidInput when the file as a whole cannot be read."""

    def feed_end(self) -> Iterator[ClaimRow]:
        """The last rows, once there are no more bytes."""

    def close(self) -> None:
        """Let go of whatever reads; nothing more comes."""


def check_provider(provider: Provider) -> None:
    """InvalidInput unless somebody is named; an address alone names nobody."""
    if provider.name and provider.name[0].isalnum():  # as nearly every claim says it
        return
    named = (getattr(provider, field) or "" for field in _NAMING)
    if not any(c.isalnum() for value in named for c in value):  # blanks and marks are nobody's name
        raise InvalidInput(
            "请至少给出机构的名称、编码、统一社会信用代码、执业许可证登记号或网站域名之一。",
            "Give at least one of the provider's name, code, uscc, practice_licence_no or domain.",
        )


class ClaimTable:
    """Rows of cells as rows of claims: the first row holds the headings."""

    def __init__(self) -> None:
        self.columns: ClaimColumns | None = None

    def read_row(self, number: int, cells: Sequence[str]) -> ClaimRow | None:
        """The claim of a row; None of the first, which says what the columns are."""
        if self.columns is None:
            self.columns = ClaimColumns(cells)
            return None
        if len(cells) != self.columns.width:
            wrong = InvalidInput(
                f"第{number}行有{len(cells)}列，而首行有{self.columns.width}列；含逗号的内容须加双引号。",
                f"Row {number} has {len(cells)} columns, the headings have {self.columns.width}; a value with a comma "
                "needs double quotes.",
            )
            return self._make_bad_row(number, cells, wrong)
        try:
            claim = self.columns.make_claim(cells)
            check_provider(claim.provider)
        except msgspec.ValidationError as error:
            return self._make_bad_row(number, cells, make_unreadable_error(error))
        except InvalidInput as error:
            return self._make_bad_row(number, cells, error)
        return ClaimRow(number, claim.id, claim, None, cells)

    def refuse_row(self, number: int, cells: Sequence[str], error: InvalidInput) -> ClaimRow:
        """A row whose cells cannot be told apart; InvalidInput at once when it is the first one."""
        if self.columns is None:
            raise error
        return self._make_bad_row(number, cells, error)

    def _make_bad_row(self, number: int, cells: Sequence[str], error: InvalidInput) -> ClaimRow:
        identifier = self.columns.find_id(cells) if self.columns else None
        return ClaimRow(number, identifier, None, error, cells)
