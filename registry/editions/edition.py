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
from registry.texts import Message

#: ``cancelled``: withdrawn before it was public.
State = Literal["scheduled", "published", "withdrawn", "cancelled"]
LATEST, NATIONAL = "latest", "national"


class Withdrawal(Struct, frozen=True):
    """That an edition no longer counts: since when, why, and the entry that says so."""

    at: dt.datetime
    reason: str
    entry: int


class Edition(Struct, frozen=True):
    """The list as of a day, as known at a log size. ``institutions`` is the figure that is reported.

    ``scope`` is ``national`` or the code of the region it lists; ``published`` the instant from which it is public,
    which may lie ahead; ``techniques`` how many of its institutions are listed for each; ``page`` its address.
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
        """Return its state at an instant."""
        if self.withdrawn is not None:
            return "withdrawn" if self.withdrawn.at >= self.published else "cancelled"
        return "published" if self.published <= now else "scheduled"

    def is_public(self, now: dt.datetime) -> bool:
        """Whether the public knows of it at an instant: published, also when withdrawn since."""
        return self.get_state(now) in ("published", "withdrawn")


def select_public(editions: Iterable[Edition], now: dt.datetime) -> list[Edition]:
    """Select those the public knows of, in the given order."""
    return [edition for edition in editions if edition.is_public(now)]


def get_latest(editions: Iterable[Edition], now: dt.datetime, scope: str | None = None) -> Edition:
    """Return the last one published of a scope and not withdrawn; without a scope, of the widest there is. NotFound.

    An edition of one city never takes the place of the whole list.
    """
    standing = [
        edition for edition in editions if edition.get_state(now) == "published" and scope in (None, edition.scope)
    ]
    if not standing:
        raise NotFound(Message("名录尚未公布过，或公布的各期均已撤回。"))
    widest = min(_measure_scope(edition.scope) for edition in standing)
    return max(
        (edition for edition in standing if _measure_scope(edition.scope) == widest),
        key=lambda edition: (edition.published, edition.number),
    )


def _measure_scope(scope: str) -> int:
    """Measure a scope: the smaller, the wider; the whole country before all."""
    return 0 if scope == NATIONAL else len(regions.get_prefix(scope))


def get_public(editions: Iterable[Edition], identifier: str, now: dt.datetime) -> Edition:
    """Return the public edition of an id, of ``latest``, or of ``latest-`` and a region's code; NotFound.

    One not released yet is treated as missing.
    """
    public = select_public(editions, now)
    if identifier == LATEST:
        return get_latest(public, now)
    if identifier.startswith(f"{LATEST}-"):
        return get_latest(public, now, identifier.removeprefix(f"{LATEST}-"))
    edition = next((one for one in public if one.id == identifier), None)
    if edition is None:
        raise NotFound(Message("没有公布过第{identifier}期名录。", identifier=identifier[:20]))
    return edition


def check_not_withdrawn(edition: Edition) -> None:
    """Raise Gone, with the reason, for an edition that was withdrawn."""
    if edition.withdrawn is not None:
        reason = edition.withdrawn.reason
        raise Gone(Message("第{edition}期名录已撤回：{reason}", edition=edition.id, reason=reason), edition=edition.id)


def find_predecessor(edition: Edition, editions: Iterable[Edition]) -> Edition | None:
    """Find the edition that another is compared with: by the log alone, the same on every machine."""
    return select_predecessor(editions, edition.scope, edition.published, edition.entry)


def select_predecessor(editions: Iterable[Edition], scope: str, published: dt.datetime, entry: int) -> Edition | None:
    """Select the last edition of a scope that was public, and stood, when the one of ``entry`` was recorded."""
    earlier = [
        edition
        for edition in editions
        if edition.entry < entry
        and edition.scope == scope
        and edition.published <= published
        and (edition.withdrawn is None or edition.withdrawn.entry > entry)
    ]
    return max(earlier, key=lambda edition: edition.number, default=None)
