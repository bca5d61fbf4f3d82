"""Until when a penalty, a record of the blacklist or of supervision is public: the one rule, for every door.

Publicity ends after the day stated, with the day a record is taken out, and with the period of a blacklist. The rule
looks at the day that is asked about, never at a clock, so that an answer about a day stays what it was. The log, and
what staff see, stay whole.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from registry.domain.model import Date

_ONE_DAY = dt.timedelta(days=1)


def is_public(values: Mapping[str, Any], day: Date) -> bool:
    """Whether the public may see, on a day, a record of these values (by path, as the log has them).

    What is about a person whose name was erased is about nobody any more, and public never.
    """
    if values.get("party") == "person" and not values.get("person"):
        return False
    start, last = values.get("published_on"), find_last_public_day(values)
    return (start is None or start <= day.isoformat()) and (last is None or day <= last)


def find_last_public_day(values: Mapping[str, Any]) -> Date | None:
    """Return the last day on which a record is public; None where nothing ends it."""
    ends = [_parse(values, "public_until"), _parse(values, "ends_on")]
    if removed_on := _parse(values, "removed_on"):
        ends.append(removed_on - _ONE_DAY)
    return min((day for day in ends if day is not None), default=None)


def _parse(values: Mapping[str, Any], path: str) -> Date | None:
    return Date.fromisoformat(values[path]) if values.get(path) else None
