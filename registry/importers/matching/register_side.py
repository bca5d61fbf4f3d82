"""The register's side of a comparison: who is listed on the list's day, who else is known, and later lists."""

from typing import Any

import sqlalchemy as sa

from registry.domain.model import Date, Source, Struct
from registry.records import timeline
from registry.records.asof import AsOf
from registry.records.lookup import is_complete, read_sources
from registry.records.selection import match_day, match_known
from registry.records.view import decode_state
from registry.storage.tables import versions


class RegisterInstitution(Struct, frozen=True):
    """An institution of the register: ``values`` on the list's day, and ``likeness``, by which it is recognised.

    The two differ for one that was first known on a later day: it has no values yet.
    """

    subject: str
    values: dict[str, Any]
    likeness: dict[str, Any]


class RegisterSide(Struct, frozen=True):
    """``listed`` are the institutions of the list's day; ``others`` were delisted by then, or first known later.

    ``later`` holds, for each later complete source, the values of every institution on that source's day. ``taken``
    are all subjects: no code is given twice.
    """

    listed: list[RegisterInstitution]
    others: list[RegisterInstitution]
    later: list[tuple[Source, dict[str, dict[str, Any]]]]
    taken: set[str]


def read_register_side(connection: sa.Connection, day: Date, size: int) -> RegisterSide:
    """Read the register's side for a list of ``day``, as known at a log size."""
    asof = AsOf(valid_on=day, size=size)
    now = read_institutions(connection, asof)
    first = _read_values(connection, match_known(AsOf(valid_on=Date.max, size=size)))
    listed: list[RegisterInstitution] = []
    others: list[RegisterInstitution] = []
    for subject, seen in first.items():
        values = now.get(subject, {})
        institution = RegisterInstitution(subject=subject, values=values, likeness=values or seen)
        (listed if values.get("status") in ("listed", "suspended") else others).append(institution)
    known_sources = read_sources(connection, asof).values()
    later = sorted((s for s in known_sources if s.as_of > day and s.scope != "partial"), key=lambda s: s.as_of)
    return RegisterSide(
        listed=listed,
        others=others,
        later=[(source, read_institutions(connection, AsOf(valid_on=source.as_of, size=size))) for source in later],
        taken=set(first),
    )


def read_institutions(connection: sa.Connection, asof: AsOf) -> dict[str, dict[str, Any]]:
    """The values of every institution by subject, as of a day and a log size."""
    return _read_values(connection, match_known(asof), match_day(asof))


def _read_values(connection: sa.Connection, *conditions: sa.ColumnElement[bool]) -> dict[str, dict[str, Any]]:
    """The values of the first complete span of every institution that meets the conditions."""
    query = (
        sa.select(versions.c.subject, versions.c.state)
        .where(versions.c.kind == "institution", *conditions)
        .order_by(versions.c.subject, versions.c.valid_from)
    )
    found: dict[str, dict[str, Any]] = {}
    for subject, blob in connection.execute(query):
        if subject not in found and is_complete(state := decode_state(blob)):
            found[subject] = timeline.collect_values(state)
    return found
