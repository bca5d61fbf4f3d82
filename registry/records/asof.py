"""Days, instants and log sizes: the meaning of "as of" in a request, and its spelling."""

import datetime as dt
import re
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from registry.domain.model import Struct
from registry.errors import InvalidInput
from registry.log import clock, codec, store
from registry.texts import Message

SHANGHAI = ZoneInfo("Asia/Shanghai")
_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


#: The days that can be asked about: from the year of the first law on, and to the last day whose next one there is.
FIRST_DAY, LAST_DAY = dt.date(1949, 1, 1), dt.date(9999, 12, 30)


class AsOf(Struct, frozen=True, gc=False):
    """True in the world on ``valid_on``, known to the register in the first ``size`` entries.

    ``ahead``: the day has not come yet, so that only young evidence speaks of it.
    """

    valid_on: dt.date
    size: int
    ahead: bool = False


def read_today() -> dt.date:
    """The day in Shanghai by the clock of this machine: for quotas and other things about the machine itself.

    Statements about the register use ``find_today`` or the verification view.
    """
    return to_day(clock.read_clock())


def to_day(instant: dt.datetime) -> dt.date:
    """The day in Shanghai at an instant.

    >>> to_day(dt.datetime(2025, 6, 30, 16, tzinfo=dt.UTC))
    datetime.date(2025, 7, 1)
    """
    return instant.astimezone(SHANGHAI).date()


def find_now(connection: sa.Connection) -> dt.datetime:
    """The present of the register: the clock, but never before its last entry. See ``clock.find_present``."""
    return clock.find_present(store.read_head(connection).recorded_at)


def find_today(connection: sa.Connection) -> dt.date:
    """Return today, in Shanghai; never before the day of the last entry."""
    return to_day(find_now(connection))


def require_known_day(day: dt.date) -> None:
    """Raise InvalidInput for a day outside the calendar that can be asked about."""
    if not FIRST_DAY <= day <= LAST_DAY:
        raise InvalidInput(
            Message(
                "所问日期 {day} 不在 {first} 至 {last} 之间，请核对。",
                day=day.isoformat(),
                first=FIRST_DAY.isoformat(),
                last=LAST_DAY.isoformat(),
            ),
        )


def make_as_of(connection: sa.Connection, on: dt.date | None = None, known_at: dt.datetime | None = None) -> AsOf:
    """Make the pair of times of a request: today and everything known, unless it says otherwise."""
    if on is not None:
        require_known_day(on)
    head = store.read_head(connection)
    size = head.size if known_at is None else store.get_size_at(connection, to_milliseconds(known_at))
    today = to_day(clock.find_present(head.recorded_at))
    return AsOf(valid_on=on or today, size=size, ahead=on is not None and on > today)


def format_instant(instant: dt.datetime) -> str:
    """Format an instant as RFC 3339 in UTC, to the millisecond.

    >>> format_instant(dt.datetime(2025, 7, 1, 8, 0, 0, 250_999, dt.UTC))
    '2025-07-01T08:00:00.250Z'
    """
    return codec.format_timestamp(clock.to_milliseconds(instant))


def to_milliseconds(instant: dt.datetime) -> int:
    """Milliseconds since 1970 of an aware instant; InvalidInput for one without a zone."""
    if instant.tzinfo is None:
        raise InvalidInput(Message("known_at 须带时区，例如 2025-07-01T00:00:00Z。"))
    return clock.to_milliseconds(instant)


def parse_day(text: str, name: str = "on") -> dt.date:
    """Parse a day written YYYY-MM-DD; InvalidInput naming the parameter and what to write instead.

    >>> parse_day("2025-07-01")
    datetime.date(2025, 7, 1)
    """
    try:
        if _DAY.fullmatch(text):
            return dt.date.fromisoformat(text)
    except ValueError:
        pass  # the form of a day, and no day: 2025-02-30
    raise InvalidInput(
        Message("{name} 的值“{text}”不是日期，请写成 YYYY-MM-DD，例如 2025-07-01。", name=name, text=text[:40])
    )


def parse_instant(text: str, name: str = "known_at") -> dt.datetime:
    """Parse RFC 3339 text with its zone into UTC; InvalidInput naming the parameter and what to write instead.

    >>> parse_instant("2025-07-01T08:00:00+08:00").isoformat()
    '2025-07-01T00:00:00+00:00'
    """
    try:
        if _INSTANT.fullmatch(text):
            # By way of Shanghai, where it is shown: an instant outside the calendar there is refused here.
            return dt.datetime.fromisoformat(text.upper()).astimezone(SHANGHAI).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        pass
    message = Message(
        "{name} 的值“{text}”不是带时区的时刻，请写成 2025-07-01T00:00:00Z 这样（网址中的 + 须写成 %2B）。",
        name=name,
        text=text[:40],
    )
    raise InvalidInput(message)


def get_day_start(day: dt.date) -> dt.datetime:
    """The first instant of a day in Shanghai, in UTC.

    >>> get_day_start(dt.date(2025, 7, 1)).isoformat()
    '2025-06-30T16:00:00+00:00'
    """
    return dt.datetime.combine(day, dt.time.min, SHANGHAI).astimezone(dt.UTC)


def get_day_end(day: dt.date) -> dt.datetime:
    """The last instant of a day in Shanghai, in UTC: "known on that day" means known by then.

    >>> get_day_end(dt.date(2025, 7, 1)).isoformat(timespec="seconds")
    '2025-07-01T15:59:59+00:00'
    """
    return dt.datetime.combine(day, dt.time.max, SHANGHAI).astimezone(dt.UTC)
