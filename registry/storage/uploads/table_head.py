"""The row of headings of a table, which rows of titles may stand above: one search for lists and for claims."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

#: Rows in which headings are looked for.
WITHIN = 30
R = TypeVar("R")
H = TypeVar("H")


class HeadingSearch(Generic[R, H]):
    """Looks at the first rows of a table, one after the other; ``found`` is what ``recognise`` made of the headings.

    ``before`` are the rows above them. ``is_over``: they were found, or there are none.
    """

    def __init__(self, recognise: Callable[[R], H | None]) -> None:
        self._recognise = recognise
        self.found: H | None = None
        self.before: list[R] = []

    @property
    def is_over(self) -> bool:
        """Whether no further row is looked at."""
        return self.found is not None or len(self.before) >= WITHIN

    def search_row(self, row: R) -> None:
        """Take the next row."""
        self.found = self._recognise(row)
        if self.found is None:
            self.before.append(row)
