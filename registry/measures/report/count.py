"""What a counter is asked and what it answers; and the rule of blanks, which all of them follow.

A figure nobody knows is None. It is 0 only where that is known: where somebody entered "none" for all of the days, or
where every entry that could have been one says that it is none.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar

import sqlalchemy as sa

from registry.domain import regions
from registry.domain.model import Date, Struct
from registry.editions.service import Editions
from registry.measures.activities import store
from registry.measures.activities.facts import Kind
from registry.texts import Message

_ONE_DAY = dt.timedelta(days=1)
_T = TypeVar("_T")


class CountRequest(NamedTuple):
    """What is asked: the days from ``since`` to ``until``, of a region ("": of all), as known at ``size``.

    ``editions`` opens connections of its own; ``today``: the register's. ``memory``: what was read for one figure, for
    the next ones of the same report.
    """

    connection: sa.Connection
    editions: Editions
    since: Date
    until: Date
    region: str
    size: int
    today: Date
    memory: dict[object, Any]

    def read_once(self, what: object, read: Callable[[], _T]) -> _T:
        """Return what ``read`` gives, read once for a report."""
        if what not in self.memory:
            self.memory[what] = read()
        found: _T = self.memory[what]
        return found

    def list_activities(self, kind: Kind) -> list[store.ActivityRecord]:
        """List the records of a kind, of any time and place."""
        return self.read_once(kind, lambda: store.list_records(self.connection, (kind,)))

    def contains(self, day: Date | None, region: str | None) -> bool:
        """Whether a day is in the period, and a place in the region."""
        is_in_time = day is not None and self.since <= day <= self.until
        return is_in_time and (not self.region or regions.is_inside(region or None, self.region))


class FigureEntry(Struct, frozen=True):
    """One entry that a figure rests on.

    ``label``: its name in the register's own language; ``amount``: what it adds to a sum, None where it states nothing;
    ``path``: its page, "" for none; ``account``: who entered it, "" for what the log says.
    """

    day: Date
    region: str
    label: str
    amount: Decimal | None = None
    until: Date | None = None
    path: str = ""
    account: str = ""


class FigureCount(Struct, frozen=True):
    """A figure with its entries, by day; ``note`` says what has to be known beside it."""

    value: Decimal | None
    entries: tuple[FigureEntry, ...] = ()
    note: Message | None = None


def make_count(value: int | Decimal, entries: Iterable[FigureEntry], note: Message | None = None) -> FigureCount:
    """Make a count of entries; of none it is blank."""
    ordered = sort_entries(entries)
    return FigureCount(Decimal(value) if ordered else None, ordered, note)


def add_amounts(entries: Iterable[FigureEntry]) -> FigureCount:
    """Add what entries state; blank where none states anything, with a note where some do not."""
    ordered = sort_entries(entries)
    amounts = [one.amount for one in ordered if one.amount is not None]
    missing = len(ordered) - len(amounts)
    note = Message("其中{count}条没有写明数目，未计入。", count=missing) if missing else None
    return FigureCount(sum(amounts, Decimal(0)) if amounts else None, ordered, note)


def sort_entries(entries: Iterable[FigureEntry]) -> tuple[FigureEntry, ...]:
    """Sort entries by day, place and name."""
    return tuple(sorted(entries, key=lambda one: (one.day, one.region, one.label, one.path)))


def list_figure_records(request: CountRequest, figure: str) -> list[store.ActivityRecord]:
    """List what was entered of a figure and holds, of any time and place."""
    records = request.list_activities("figure")
    return [one for one in records if one.valid is not None and one.valid.facts.figure == figure]


def is_none_known(request: CountRequest, records: Iterable[store.ActivityRecord]) -> bool:
    """Whether "none" was entered for every day of the period, of places that hold the region."""
    spans = []
    for record in records:
        facts = record.valid.facts if record.valid else None
        if facts is None or facts.value != 0:
            continue
        if request.region == facts.region or (request.region and regions.is_inside(request.region, facts.region)):
            spans.append((facts.since, facts.last_day))
    day = request.since
    for first, last in sorted(spans):
        if first <= day <= last:
            day = last + _ONE_DAY
    return day > request.until
