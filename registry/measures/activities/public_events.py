"""What the public sees of activities: publicity events and trainings that a second person has confirmed."""

from __future__ import annotations

from registry.domain.model import Date, Struct
from registry.measures.activities import store
from registry.measures.activities.facts import PUBLISHED, Kind
from registry.storage.database import Database


class PublicEvent(Struct, frozen=True, kw_only=True):
    """One event: what, when, where, and how many people it reached, None where nobody counted."""

    kind: Kind
    day: Date
    region: str
    place: str
    title: str
    people: int | None


def list_public_events(database: Database, limit: int) -> tuple[PublicEvent, ...]:
    """List the latest events that hold, the latest first."""
    with database.reading() as connection:
        valid = [(one.kind, one.valid.facts) for one in store.list_records(connection, PUBLISHED) if one.valid]
    valid.sort(key=lambda pair: (pair[1].since, pair[1].region, pair[1].title), reverse=True)
    return tuple(
        PublicEvent(
            kind=kind,
            day=facts.since,
            region=facts.region,
            place=facts.place,
            title=facts.title,
            people=facts.people,
        )
        for kind, facts in valid[:limit]
    )
