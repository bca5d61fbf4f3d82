"""Days, instants and log sizes: what "as of" means in a request."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from registry.errors import InvalidInput
from registry.log import store
from registry.model import Struct

SHANGHAI = ZoneInfo("Asia/Shanghai")


class AsOf(Struct, frozen=True):
    """True in the world on ``valid_on``, known to us in the first ``size`` entries."""

    valid_on: dt.date
    size: int


def today() -> dt.date:
    """The day it is in Shanghai."""
    return dt.datetime.now(SHANGHAI).date()


def as_of(connection: sa.Connection, on: dt.date | None = None, known_at: dt.datetime | None = None) -> AsOf:
    """The pair of times a request means: today and everything known, unless it says otherwise."""
    size = store.head(connection).size if known_at is None else store.size_at(connection, milliseconds(known_at))
    return AsOf(valid_on=on or today(), size=size)


def milliseconds(instant: dt.datetime) -> int:
    """Milliseconds since 1970 of an aware instant; InvalidInput for one without a zone."""
    if instant.tzinfo is None:
        raise InvalidInput(
            "known_at 须带时区，例如 2025-07-01T00:00:00Z。", "known_at needs a time zone: 2025-07-01T00:00:00Z."
        )
    return int(instant.timestamp() * 1000)
