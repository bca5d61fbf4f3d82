"""The register as a list meets it: who is listed on its day, who else it knows, and which later lists already spoke."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from registry.model import Date, Source, Struct
from registry.records import timeline
from registry.records.asof import AsOf
from registry.records.chosen import known, true_on
from registry.records.read import is_complete, sources
from registry.records.view import decode_state
from registry.tables import versions


class Known(Struct, frozen=True):
    """An institution of the register: what is known of it on the list's day, and by what it is recognised.

    ``likeness`` differs from ``values`` for one that was first known on a later day: it has no values yet.
    """

    subject: str
    values: dict[str, Any]
    likeness: dict[str, Any]


class Register(Struct, frozen=True):
    """The register as a list meets it: who is listed on its day, who else it knows, and later complete lists.

    ``others`` were delisted by that day, or first became known after it. ``later`` holds, per later complete source,
    what is known of every institution on that source's day. ``taken`` are all subjects: a code is never given twice.
    """

    listed: list[Known]
    others: list[Known]
    later: list[tuple[Source, dict[str, dict[str, Any]]]]
    taken: set[str]


def register_on(connection: sa.Connection, day: Date, size: int) -> Register:
    """The register as a list of ``day`` meets it, as now known."""
    asof = AsOf(valid_on=day, size=size)
    now = institutions_on(connection, asof)
    first = _first_known(connection, size)
    listed: list[Known] = []
    others: list[Known] = []
    for subject, seen in first.items():
        values = now.get(subject, {})
        one = Known(subject=subject, values=values, likeness=values or seen)
        (listed if values.get("status") in ("listed", "suspended") else others).append(one)
    known_sources = sources(connection, asof).values()
    later = sorted((s for s in known_sources if s.as_of > day and s.scope != "partial"), key=lambda s: s.as_of)
    return Register(
        listed=listed,
        others=others,
        later=[(source, institutions_on(connection, AsOf(valid_on=source.as_of, size=size))) for source in later],
        taken=set(first),
    )


def institutions_on(connection: sa.Connection, asof: AsOf) -> dict[str, dict[str, Any]]:
    """What is known of every institution as of then, by its subject."""
    query = sa.select(versions.c.subject, versions.c.state).where(
        versions.c.kind == "institution", known(asof), true_on(asof)
    )
    found = {}
    for subject, blob in connection.execute(query):
        state = decode_state(blob)
        if is_complete(state):
            found[subject] = {path: fact.value for path, fact in timeline.facts(state).items()}
    return found


def _first_known(connection: sa.Connection, size: int) -> dict[str, dict[str, Any]]:
    """What the first complete span of every institution says; codes of all of them are taken."""
    query = (
        sa.select(versions.c.subject, versions.c.state)
        .where(versions.c.kind == "institution", known(AsOf(valid_on=Date.max, size=size)))
        .order_by(versions.c.subject, versions.c.valid_from)
    )
    found: dict[str, dict[str, Any]] = {}
    for subject, blob in connection.execute(query):
        if subject not in found and is_complete(state := decode_state(blob)):
            found[subject] = {path: fact.value for path, fact in timeline.facts(state).items()}
    return found
