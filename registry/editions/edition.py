"""A published edition as the log states it, the editions in the log, and which of them is public or the last one."""

import datetime as dt
from collections.abc import Iterable
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from registry.domain import regions
from registry.domain.answers import LogState
from registry.domain.model import Date, Struct
from registry.domain.techniques import TechniqueCode
from registry.errors import Gone, NotFound
from registry.log import store
from registry.log.clock import from_milliseconds
from registry.records import timeline
from registry.records.asof import AsOf
from registry.records.selection import match_known
from registry.records.view import decode_state
from registry.storage.tables import FOREVER, entries, versions
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
    which may lie ahead; ``techniques`` how many of its institutions are listed for each; ``page`` its address;
    ``supervision`` how many records of supervision lie beside the list, None without any.
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
    supervision: int | None = None

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


#: The fields an edition needs; a statement without them is none yet.
_REQUIRED = frozenset({"number", "title", "as_of", "scope", "log_size", "root", "institutions"})


def list_editions(connection: sa.Connection, size: int | None = None) -> list[Edition]:
    """List every edition known at a log size (now by default), also withdrawn and future ones, newest first."""
    upto = store.read_head(connection).size if size is None else size
    query = sa.select(versions.c.subject, versions.c.state).where(
        versions.c.kind == "edition", match_known(AsOf(valid_on=dt.date.max, size=upto)), versions.c.valid_to == FOREVER
    )
    rows = connection.execute(query).all()
    editions = [_read_edition(connection, subject, decode_state(state)) for subject, state in rows]
    return sorted((one for one in editions if one is not None), key=lambda one: one.number, reverse=True)


def _read_edition(connection: sa.Connection, subject: str, state: timeline.State) -> Edition | None:
    facts = timeline.collect_facts(state)
    if _REQUIRED - facts.keys():
        return None
    value: dict[str, Any] = {path: fact.value for path, fact in facts.items()}
    first = facts["number"].entry
    withdrawal = facts["withdrawn"].entry if value.get("withdrawn") else None
    query = sa.select(entries.c.number, entries.c.recorded_at, entries.c.body).where(
        entries.c.number.in_([first] if withdrawal is None else [first, withdrawal])
    )
    rows = {row.number: row for row in connection.execute(query)}
    at = {number: from_milliseconds(row.recorded_at) for number, row in rows.items()}
    release = dt.datetime.fromisoformat(value["release"]).astimezone(dt.UTC) if value.get("release") else at[first]
    return Edition(
        id=subject.removeprefix("edition:"),
        number=value["number"],
        title=value["title"],
        as_of=dt.date.fromisoformat(value["as_of"]),
        scope=value["scope"],
        institutions=value["institutions"],
        techniques=dict(sorted((value.get("techniques") or {}).items())),
        log=LogState(size=value["log_size"], root=value["root"]),
        published=max(release, at[first]),
        withdrawn=None
        if withdrawal is None
        else Withdrawal(at=at[withdrawal], reason=value.get("withdrawal") or "", entry=withdrawal),
        page=value.get("page") or "",
        entry=first,
        proposal=msgspec.json.decode(rows[first].body)["proposal"],
        supervision=value.get("supervision"),
    )
