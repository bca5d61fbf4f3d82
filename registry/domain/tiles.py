"""The provinces as equal squares: where each lies in a picture of the country that is read, not measured.

Source: seed_data/regions/tiles.csv.
"""

import csv
from functools import cache
from pathlib import Path
from typing import NamedTuple

_FILE = Path(__file__).parents[2] / "seed_data" / "regions" / "tiles.csv"


class Square(NamedTuple):
    """A province's place, its name without its kind, and its letters in GB/T 2260."""

    code: str
    column: int
    row: int
    short: str
    letters: str


@cache
def list_squares() -> tuple[Square, ...]:
    """List every province in the order in which people read: row by row.

    >>> [square.short for square in list_squares()][:2], len(list_squares())
    (['黑龙江', '内蒙古'], 34)
    """
    with _FILE.open(encoding="utf-8", newline="") as file:
        return tuple(
            Square(row["code"], int(row["column"]), int(row["row"]), row["short"], row["letters"])
            for row in csv.DictReader(file)
        )
