"""The register's side of a comparison: who is listed on the list's day, who else is known, and later lists."""

from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa

from registry.domain.model import Date, Entry, Source, Struct
from registry.log import store
from registry.records import timeline
from registry.records.asof import AsOf
from registry.records.lookup import is_complete, read_sources
from registry.records.selection import match_day, match_known
from registry.records.view import decode_state
from registry.storage.database import Database
from registry.storage.tables import versions

_CHUNK = 500


class RegisterInstitution(Struct, frozen=True):
    """An institution of the register: ``values`` on the list's day, and ``likeness``, by which it is recognised.

    The two differ for one that was first known on a later day: it has no values yet. ``former`` are its names and
    addresses of other days, each with the address or the name it stood beside.
    """

    subject: str
    values: dict[str, Any]
    likeness: dict[str, Any]
    former: tuple[tuple[str, str], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Every name it has or had."""
        return (self.likeness["name"], *(self.likeness.get("aliases") or ()), *(name for name, _ in self.former))


class RegisterSide(Struct, frozen=True):
    """``listed`` are the institutions of the list's day; ``others`` were delisted by then, or first known later.

    ``later`` holds, for each later complete source, the values of every institution on that source's day. ``taken``
    are all subjects: no code is given twice. ``sources`` are all that are known, by id.
    """

    listed: list[RegisterInstitution]
    others: list[RegisterInstitution]
    later: list[tuple[Source, dict[str, dict[str, Any]]]]
    taken: set[str]
    sources: dict[str, Source]


def read_register_side(connection: sa.Connection, day: Date, size: int) -> RegisterSide:
    """Read the register's side for a list of ``day``, as known at a log size."""
    asof = AsOf(valid_on=day, size=size)
    now = read_institutions(connection, asof)
    first, former = _read_all_days(connection, AsOf(valid_on=Date.max, size=size))
    listed: list[RegisterInstitution] = []
    others: list[RegisterInstitution] = []
    for subject, seen in first.items():
        values = now.get(subject, {})
        likeness = values or seen
        others_then = tuple(pair for pair in former[subject] if pair != (likeness["name"], likeness["address"]))
        institution = RegisterInstitution(subject=subject, values=values, likeness=likeness, former=others_then)
        (listed if values.get("status") in ("listed", "suspended") else others).append(institution)
    known_sources = read_sources(connection, asof)
    later = sorted((s for s in known_sources.values() if s.as_of > day and s.scope != "partial"), key=lambda s: s.as_of)
    return RegisterSide(
        listed=listed,
        others=others,
        later=[(source, read_institutions(connection, AsOf(valid_on=source.as_of, size=size))) for source in later],
        taken=set(first),
        sources=known_sources,
    )


def read_histories(database: Database, subjects: Iterable[str], size: int) -> Iterator[tuple[str, list[Entry]]]:
    """Read all entries about some subjects up to a log size, subject by subject."""
    wanted = [*subjects]
    for start in range(0, len(wanted), _CHUNK):
        with database.reading() as connection:
            histories = store.read_histories(connection, wanted[start : start + _CHUNK], size)
        yield from histories.items()


def _read_all_days(
    connection: sa.Connection, asof: AsOf
) -> tuple[dict[str, dict[str, Any]], dict[str, dict[tuple[str, str], None]]]:
    """Read the values of each institution's first complete span, and its names and addresses of all days, in order."""
    first: dict[str, dict[str, Any]] = {}
    pairs: dict[str, dict[tuple[str, str], None]] = {}
    for subject, state in _read_states(connection, match_known(asof)):
        values = timeline.collect_values(state)
        first.setdefault(subject, values)
        pairs.setdefault(subject, {})[values["name"], values["address"]] = None
    return first, pairs


def read_institutions(connection: sa.Connection, asof: AsOf) -> dict[str, dict[str, Any]]:
    """The values of every institution by subject, as of a day and a log size."""
    return _read_values(connection, match_known(asof), match_day(asof))


def _read_values(connection: sa.Connection, *conditions: sa.ColumnElement[bool]) -> dict[str, dict[str, Any]]:
    """The values of the first complete span of every institution that meets the conditions."""
    found: dict[str, dict[str, Any]] = {}
    for subject, state in _read_states(connection, *conditions):
        if subject not in found:
            found[subject] = timeline.collect_values(state)
    return found


def _read_states(
    connection: sa.Connection, *conditions: sa.ColumnElement[bool]
) -> Iterator[tuple[str, timeline.State]]:
    """Every complete span of institutions that meets the conditions, by subject and day."""
    query = (
        sa.select(versions.c.subject, versions.c.state)
        .where(versions.c.kind == "institution", *conditions)
        .order_by(versions.c.subject, versions.c.valid_from)
    )
    for subject, blob in connection.execute(query):
        if is_complete(state := decode_state(blob)):
            yield subject, state
