"""The time: by the clock of this machine, the present of a register, and instants as milliseconds and as text."""

import datetime as dt
import time

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def read_clock() -> dt.datetime:
    """Return this instant in UTC by the clock of this machine, right or wrong."""
    return dt.datetime.now(dt.UTC)


def get_now_ms() -> int:
    """Return milliseconds since 1970 by the clock of this machine."""
    return int(time.time() * 1000)


def find_present(recorded_at: int | dt.datetime) -> dt.datetime:
    """Return the present of a register whose last entry was recorded then (milliseconds since 1970, or an instant).

    It is the clock, but never an instant before that entry: what the register holds cannot lie ahead of its present. So
    a clock set back from the future makes no door answer from before what another door knows already.
    """
    last = from_milliseconds(recorded_at) if isinstance(recorded_at, int) else recorded_at
    return max(read_clock(), last)


def from_milliseconds(milliseconds: int) -> dt.datetime:
    """The instant in UTC of milliseconds since 1970, as tables hold them."""
    return _EPOCH + dt.timedelta(milliseconds=milliseconds)


def to_milliseconds(instant: dt.datetime) -> int:
    """Whole milliseconds since 1970 of an aware instant, rounded down."""
    # Whole numbers: floating-point seconds lose a millisecond now and then, and an entry with it.
    return (instant - _EPOCH) // dt.timedelta(milliseconds=1)


def format_seconds(instant: dt.datetime) -> str:
    """RFC 3339 in UTC, to the second.

    >>> format_seconds(from_milliseconds(1_751_356_800_999))
    '2025-07-01T08:00:00Z'
    """
    return instant.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
