"""Limit on how many institutions' people one asker may look at in a day, so that nobody collects all of them.

An asker (an address or a key) may look at the people of a limited number of different institutions from midnight to
midnight in Beijing; the same institution again is free. Questions about institutions themselves are not limited by
this.
"""

from __future__ import annotations

import hashlib
import time

from registry.domain.identifiers import compact_code
from registry.errors import PeopleLimit
from registry.storage.request_counts import Counts, to_whole_seconds
from registry.texts import Message

DAY = 86_400
_SHANGHAI_OFFSET = 8 * 3600  # seconds the day begins before midnight in UTC


def to_day_number(at: float) -> int:
    """Return the day in Beijing of an instant (seconds since 1970), counted from 1970."""
    return int((at + _SHANGHAI_OFFSET) // DAY)


def count_seconds_to_midnight(at: float) -> float:
    """Return the seconds until the next day in Beijing."""
    return DAY - (at + _SHANGHAI_OFFSET) % DAY


class PeopleBudget:
    """Whose people one asker looks at in one request; ``refused``: whether any were withheld. ``limit`` 0:
    unlimited."""

    def __init__(self, counts: Counts, asker: str, limit: int) -> None:
        self._counts = counts
        self._asker = asker
        self._limit = limit
        self._known: dict[str, bool] = {}
        self.refused = False

    def may_look(self, code: str) -> bool:
        """Whether the people of an institution may be looked at; count it if it is a new institution today."""
        if not self._limit:
            return True
        compact = compact_code(code)
        if compact not in self._known:
            day = to_day_number(time.time())
            mark = hashlib.blake2b(f"{self._asker} {day} {compact}".encode(), digest_size=16).digest()
            self._known[compact] = self._counts.add_mark(self._asker, day, mark, self._limit)
        self.refused = self.refused or not self._known[compact]
        return self._known[compact]

    def require_look(self, code: str) -> None:
        """PeopleLimit if the people of an institution may not be looked at."""
        if not self.may_look(code):
            raise self.make_refusal()

    def make_refusal(self) -> PeopleLimit:
        """Make the error for an asker who has used up the day's limit."""
        return PeopleLimit(
            Message(
                "同一地址（或密钥）每天最多查看{limit:,}家机构的人员，今天已用完，北京时间零点后恢复；"
                "不涉及人员的查询与核验不受影响。",
                limit=self._limit,
            ),
            retry_after=to_whole_seconds(count_seconds_to_midnight(time.time())),
            limit=self._limit,
        )
