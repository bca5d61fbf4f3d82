"""One edition as the log states it, and what the public may see of it at an instant."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Literal

from registry.domain import regions
from registry.domain.model import Date, LogState, Struct
from registry.domain.techniques import TechniqueCode
from registry.errors import Gone, NotFound
from registry.records.asof import AsOf

#: ``cancelled``: withdrawn before it was public.
State = Literal["scheduled", "published", "withdrawn", "cancelled"]
LATEST, NATIONAL = "latest", "national"


class Withdrawal(Struct, frozen=True):
    """That an edition no longer counts: since when it is so, why, and the entry that says it."""

    at: dt.datetime
    reason: str
    entry: int


class Edition(Struct, frozen=True):
    """The list as of a day, as known at a log size. ``institutions`` is the figure that is reported.

    ``scope`` is ``national`` or the code of the region it lists; ``published`` the instant from which on it is public
    (the day may still come); ``techniques`` how many of its institutions are listed for each; ``page`` its address.
    """

    id: str
    number: int
    title: str
    as_of: Date
    scope: str
    institutions: int
    techniques: dict[TechniqueCode, int]
    log: LogState
    published: dt.datetime
    withdrawn: Withdrawal | None
    page: str
    entry: int
    proposal: int

    @property
    def asof(self) -> AsOf:
        """The pair of times its records are read at."""
        return AsOf(valid_on=self.as_of, size=self.log.size)

    def get_state(self, now: dt.datetime) -> State:
        """What it is at an instant."""
        if self.withdrawn is not None:
            return "withdrawn" if self.withdrawn.at >= self.published else "cancelled"
        return "published" if self.published <= now else "scheduled"

    def is_public(self, now: dt.datetime) -> bool:
        """Whether the public knows of it at an instant: published, also when withdrawn since."""
        return self.get_state(now) in ("published", "withdrawn")


def select_public(editions: Iterable[Edition], now: dt.datetime) -> list[Edition]:
    """Those the public knows of, as they come."""
    return [one for one in editions if one.is_public(now)]


def get_latest(editions: Iterable[Edition], now: dt.datetime, scope: str | None = None) -> Edition:
    """The last one published of a scope and not withdrawn; without a scope of the widest there is. NotFound.

    An edition of one city never takes the place of the whole list.
    """
    held = [one for one in editions if one.get_state(now) == "published" and scope in (None, one.scope)]
    if not held:
        raise NotFound(
            "名录尚未公布过，或公布的各期均已撤回。", "No edition was published yet, or every one was withdrawn."
        )
    widest = min(_measure_scope(one.scope) for one in held)
    return max(
        (one for one in held if _measure_scope(one.scope) == widest), key=lambda one: (one.published, one.number)
    )


def _measure_scope(scope: str) -> int:
    """The shorter, the wider; the whole country before all."""
    return 0 if scope == NATIONAL else len(regions.get_prefix(scope))


def get_public(editions: Iterable[Edition], said: str, now: dt.datetime) -> Edition:
    """The public edition of an id, of ``get_latest``, or of ``latest-`` and a region's code; NotFound.

    Not released yet is as if it were not there.
    """
    held = select_public(editions, now)
    if said == LATEST:
        return get_latest(held, now)
    if said.startswith(f"{LATEST}-"):
        return get_latest(held, now, said.removeprefix(f"{LATEST}-"))
    found = next((one for one in held if one.id == said), None)
    if found is None:
        raise NotFound(f"没有公布过第{said[:20]}期名录。", f"No edition {said[:20]} was published.")
    return found


def check_not_withdrawn(edition: Edition) -> None:
    """Gone, with the reason, for one that was withdrawn."""
    if edition.withdrawn is not None:
        reason = edition.withdrawn.reason
        raise Gone(
            f"第{edition.id}期名录已撤回：{reason}", f"Edition {edition.id} was withdrawn: {reason}", edition=edition.id
        )


def find_predecessor(edition: Edition, editions: Iterable[Edition]) -> Edition | None:
    """The one it is compared with: the last of its scope that was public, and stood, when it was recorded.

    Said by the log alone, so that every machine compares with the same.
    """
    earlier = [
        one
        for one in editions
        if one.entry < edition.entry
        and one.scope == edition.scope
        and one.published <= edition.published
        and (one.withdrawn is None or one.withdrawn.entry > edition.entry)
    ]
    return max(earlier, key=lambda one: one.number, default=None)
