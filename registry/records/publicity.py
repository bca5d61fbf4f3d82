"""From when and until when a penalty, a record of the blacklist or of supervision is public: one rule for every door.

Publicity begins with the decision, or on the day stated for it. It ends after the day stated, with the day on which a
record is taken out, and with the period of a blacklist. The rule looks at the day that is asked about, never at a
clock, so that an answer about a day stays what it was. The log, and what staff see, stay whole.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from registry.domain.model import Date, SanctionParty
from registry.records import timeline

_ONE_DAY = dt.timedelta(days=1)
#: Days before any of which nothing is public.
_STARTS = ("decided_on", "held_on", "published_on")


def collect_sanction_values(state: timeline.State) -> dict[str, Any]:
    """Collect what is recorded of a sanction, with whom it is about as its ``party``, which old entries do not state.

    It stays about a person when the name was erased.
    """
    values = timeline.collect_values(state)
    is_personal = any("person" in group[3] for group in state)
    if "party" not in values and (party := "person" if is_personal else derive_party(values)) is not None:
        values["party"] = party
    return values


def derive_party(values: Mapping[str, Any]) -> SanctionParty | None:
    """Return whom a sanction of these values is about, by what they name; None where they name nobody."""
    named: tuple[tuple[str, SanctionParty], ...] = (
        *(("person", "person"), ("institution", "institution"), ("organisation", "organisation")),
        *(("domains", "website"), ("accounts", "account")),
    )
    return next((party for path, party in named if values.get(path)), None)


def is_public(values: Mapping[str, Any], day: Date) -> bool:
    """Whether the public may see, on a day, a record of these values (by path, as the log has them).

    What is about a person whose name was erased is about nobody any more, and public never.
    """
    if values.get("party") == "person" and not values.get("person"):
        return False
    first, last = max((values.get(path) or "" for path in _STARTS), default=""), find_last_public_day(values)
    return first <= day.isoformat() and (last is None or day <= last)


def find_last_public_day(values: Mapping[str, Any]) -> Date | None:
    """Return the last day on which a record is public; None where nothing ends it."""
    ends = [_parse(values, "public_until"), _parse(values, "ends_on")]
    if removed_on := _parse(values, "removed_on"):
        ends.append(removed_on - _ONE_DAY)
    return min((day for day in ends if day is not None), default=None)


def _parse(values: Mapping[str, Any], path: str) -> Date | None:
    return Date.fromisoformat(values[path]) if values.get(path) else None
