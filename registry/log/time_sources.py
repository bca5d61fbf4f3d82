"""Who can say what time it is, beside the clock of this machine: a trusted web server, the kernel's synchronisation."""

from __future__ import annotations

import ctypes
import datetime as dt
import email.utils
import time

from registry.domain.model import Struct
from registry.log.clock import read_clock

#: How far two clocks may be apart and still show the same time.
SLACK = dt.timedelta(minutes=10)
#: Seconds that an answer of a web server is used, and that one which could not be asked is left alone.
ASK_EVERY, RETRY_EVERY = 600.0, 60.0
#: Seconds a web server has to answer.
PATIENCE = 3.0
_UNSYNCHRONISED, _ERROR = 0x40, 5  # STA_UNSYNC of the status, TIME_ERROR of the result: see adjtimex(2)


class TimeStatement(Struct, frozen=True):
    """What a source says of this moment; ``vouches``: being right by it is being right."""

    zh: str
    en: str
    instant: dt.datetime
    vouches: bool

    def is_close_to(self, clock: dt.datetime) -> bool:
        """Whether a clock shows that time."""
        return abs(clock - self.instant) <= SLACK


class _Timex(ctypes.Structure):
    """As much of the kernel's ``struct timex`` as is read here, and room for the rest."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        *((name, ctypes.c_long) for name in ("offset", "freq", "maxerror", "esterror")),
        ("status", ctypes.c_int),
        *((name, ctypes.c_long) for name in ("constant", "precision", "tolerance", "seconds", "fraction")),
        ("rest", ctypes.c_byte * 256),
    )


def is_synchronised() -> bool:
    """Whether the kernel says that a time service (NTP, PTP) keeps the very clock that this process reads."""
    try:
        adjust = ctypes.CDLL(None, use_errno=True).adjtimex
    except (OSError, AttributeError):  # not Linux
        return False
    told = _Timex()  # modes 0: only asked
    state = adjust(ctypes.byref(told))
    if state < 0 or state == _ERROR or told.status & _UNSYNCHRONISED:
        return False
    return abs(read_clock().timestamp() - float(told.seconds)) <= SLACK.total_seconds()


class WebTime:
    """The time as the Date header of a trusted web server has it; asked seldom."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._asked = float("-inf")
        self._until = 0.0
        self._ahead: dt.timedelta | None = None  # how far it is ahead of what has elapsed

    def ask_server(self) -> TimeStatement | None:
        """What it says; None where none is set, or it cannot be asked. Takes PATIENCE seconds now and then."""
        if not self.url:
            return None
        if _read_elapsed() >= self._asked + self._until:
            found = self._fetch_date()
            self._asked = _read_elapsed()
            self._until = ASK_EVERY if found else RETRY_EVERY
            self._ahead = found - _to_instant(self._asked) if found else None
        if self._ahead is None:
            return None
        instant = _to_instant(_read_elapsed()) + self._ahead
        return TimeStatement(zh=f"{self.url} 的时间", en=f"the time of {self.url}", instant=instant, vouches=True)

    def _fetch_date(self) -> dt.datetime | None:
        import httpx  # only where a source is set

        try:
            answer = httpx.head(self.url, timeout=PATIENCE, follow_redirects=False)
            found = email.utils.parsedate_to_datetime(answer.headers["date"])
        except (httpx.HTTPError, httpx.InvalidURL, KeyError, ValueError):
            return None
        return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


def _read_elapsed() -> float:
    """Seconds that pass whatever is done to the clock; also while the machine sleeps, where it can tell."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def _to_instant(seconds: float) -> dt.datetime:
    """Such a reading as if it had begun with the calendar."""
    return dt.datetime.min.replace(tzinfo=dt.UTC) + dt.timedelta(seconds=seconds)
