"""What time it is: by the clock of this machine, and for everything that speaks about a register."""

from __future__ import annotations

import datetime as dt
import time

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def read_clock() -> dt.datetime:
    """This instant in UTC by the clock of this machine, whatever that is worth."""
    return dt.datetime.now(dt.UTC)


def get_now_ms() -> int:
    """Return milliseconds since 1970 by the clock of this machine."""
    return int(time.time() * 1000)


def find_present(recorded_at: int | dt.datetime) -> dt.datetime:
    """The present of a register whose last entry was recorded then (milliseconds since 1970, or an instant).

    The clock, but never an instant before that entry: what the register holds by now cannot lie ahead of now. So a
    clock that comes back from the future makes no door answer from before what another door knows already.
    """
    last = from_milliseconds(recorded_at) if isinstance(recorded_at, int) else recorded_at
    return max(read_clock(), last)


def from_milliseconds(milliseconds: int) -> dt.datetime:
    """The instant, in UTC, that stands in a table as milliseconds since 1970."""
    return _EPOCH + dt.timedelta(milliseconds=milliseconds)


def to_milliseconds(instant: dt.datetime) -> int:
    """Whole milliseconds since 1970 of an aware instant, the rest of one cut off."""
    # Whole numbers: floating-point seconds lose a millisecond now and then, and an entry with it.
    return (instant - _EPOCH) // dt.timedelta(milliseconds=1)
