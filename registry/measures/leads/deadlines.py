"""Deadlines of leads, by working days: how many each step has, and which day that is."""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path

import msgspec

from registry.domain.model import Date, Struct
from registry.measures.leads.model import Urgency

#: Working days until a lead has been looked at, and until a department has answered.
TRIAGE_DAYS = 5
ANSWER_DAYS: dict[Urgency, int] = {"normal": 20, "urgent": 7, "immediate": 2}
_FILE = "working_days.toml"
#: Holidays that fall on the same day every year, (month, day).
_FIXED = {(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)}


class WorkingYear(Struct, frozen=True):
    """The days of one year that are off, and the days of weekends that are worked."""

    year: int
    off: tuple[Date, ...]
    worked: tuple[Date, ...] = ()


class WorkingCalendar:
    """The working days: weekdays but for holidays, and weekend days that are worked instead."""

    def __init__(self, years: list[WorkingYear]) -> None:
        self._years = {year.year: year for year in years}

    def is_working_day(self, day: Date) -> bool:
        """Whether a day is worked.

        >>> calendar = WorkingCalendar([])
        >>> calendar.is_working_day(Date(2026, 12, 1)), calendar.is_working_day(Date(2026, 12, 5))
        (True, False)
        """
        year = self._years.get(day.year)
        if year is None:
            return day.weekday() < 5 and (day.month, day.day) not in _FIXED
        return day in year.worked or (day.weekday() < 5 and day not in year.off)

    def add_days(self, day: Date, number: int) -> Date:
        """Return the last of ``number`` working days after a day.

        >>> WorkingCalendar([]).add_days(Date(2026, 12, 4), 1)  # a Friday
        datetime.date(2026, 12, 7)
        """
        while number:
            day += dt.timedelta(days=1)
            number -= self.is_working_day(day)
        return day

    def has_year(self, year: int) -> bool:
        """Whether the holidays of a year are known."""
        return year in self._years


def load_calendar(folder: Path) -> WorkingCalendar:
    """Load the calendar of a register: its own file in the data folder, else the one of the product."""
    own = folder / _FILE
    path = own if own.is_file() else Path(__file__).with_name(_FILE)
    return WorkingCalendar(msgspec.convert(tomllib.loads(path.read_text("utf-8"))["year"], list[WorkingYear]))
