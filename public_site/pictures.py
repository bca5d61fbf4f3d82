"""Pictures of figures, as shapes: templates draw them as SVG, each beside a table that says the same."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from registry.domain.model import Date, Struct
from registry.domain.tiles import list_squares
from registry.records.history import Version

#: Pixels from one square to the next, and of its side.
STEP, SIDE = 52, 48
_SHADES = 5
#: Width of the line of years, and of the margin on both sides in which the first and last mark have room.
LINE, MARGIN = 360, 20


class ProvinceTile(Struct, frozen=True):
    """A province as a square at ``x``, ``y``; ``count`` is null where the register's lists do not reach.

    ``shade``: 0 for nobody, then 1 to 5 by the root of its share, so that the small ones differ too.
    """

    code: str
    x: int
    y: int
    short: str
    letters: str
    count: int | None
    shade: int


class TileGrid(Struct, frozen=True):
    """The squares with the size of the whole picture."""

    tiles: tuple[ProvinceTile, ...]
    width: int
    height: int


class Bar(Struct, frozen=True):
    """A line of a chart: ``width`` is its percentage of the longest; no count where nobody counted."""

    code: str
    count: int | None
    width: float


class DayMark(Struct, frozen=True):
    """A day on the line of years; ``number`` of what happened on it."""

    day: Date
    x: int
    number: int


class YearLine(Struct, frozen=True):
    """The days of a history in their distances: marks, and (year, x) of its scale."""

    marks: tuple[DayMark, ...]
    years: tuple[tuple[int, int], ...]
    width: int = LINE


def make_tile_grid(counts: Mapping[str, int]) -> TileGrid:
    """Make the picture of the provinces from counts by their codes."""
    most = max(counts.values(), default=0) or 1
    tiles = tuple(
        ProvinceTile(
            code=square.code,
            x=square.column * STEP,
            y=square.row * STEP,
            short=square.short,
            letters=square.letters,
            count=(count := counts.get(square.code)),
            shade=min(_SHADES, 1 + int(_SHADES * (count / most) ** 0.5)) if count else 0,
        )
        for square in list_squares()
    )
    return TileGrid(
        tiles=tiles,
        width=max(tile.x for tile in tiles) + SIDE,
        height=max(tile.y for tile in tiles) + SIDE,
    )


def make_bars(counts: Sequence[tuple[str, int | None]]) -> list[Bar]:
    """Make bars as long as their counts.

    >>> [bar.width for bar in make_bars([("IVF", 40), ("PGT", 10), ("SPERM_BANK", None)])]
    [100.0, 25.0, 0.0]
    """
    longest = max((count for _, count in counts if count), default=1)
    return [Bar(code=code, count=count, width=round(100 * (count or 0) / longest, 1)) for code, count in counts]


def make_year_line(versions: Sequence[Version], today: Date) -> YearLine | None:
    """Make the line of an institution's history up to today; None where all of it happened on one day."""
    numbers: dict[Date, int] = {}
    for version in versions:
        numbers[version.valid_from] = numbers.get(version.valid_from, 0) + 1
    days = sorted(numbers)
    if len(days) < 2:
        return None
    first, last = days[0].year, max(today, days[-1]).year + 1
    begin, end = dt.date(first, 1, 1).toordinal(), dt.date(last, 1, 1).toordinal()

    def find_x(ordinal: int) -> int:
        return MARGIN + round((LINE - 2 * MARGIN) * (ordinal - begin) / (end - begin))

    every = max(1, (last - first + 4) // 5)
    years = tuple((year, find_x(dt.date(year, 1, 1).toordinal())) for year in range(first, last + 1, every))
    return YearLine(marks=tuple(DayMark(day, find_x(day.toordinal()), numbers[day]) for day in days), years=years)
