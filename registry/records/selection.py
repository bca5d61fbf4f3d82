"""Selecting institutions: conditions on their records, counts and pages, as of a day and a log size."""

from functools import lru_cache
from typing import Any

import msgspec
import sqlalchemy as sa

from registry.domain import regions
from registry.domain.model import StandingWord, Struct
from registry.domain.techniques import LAWFUL_STAGES
from registry.records.asof import AsOf
from registry.records.standing_view import make_offer_mask
from registry.storage.tables import standings, versions


def match_known(asof: AsOf) -> sa.ColumnElement[bool]:
    """Rows of ``versions`` that were believed at the log size."""
    return (versions.c.known_from <= asof.size) & (versions.c.known_to > asof.size)


def match_day(asof: AsOf) -> sa.ColumnElement[bool]:
    """Make the condition for rows of ``versions`` whose span contains the day."""
    day = asof.valid_on.isoformat()
    return (versions.c.valid_from <= day) & (versions.c.valid_to > day)


# The same with parameters, for statements that are built once: building them takes longer than running them.
KNOWN = (versions.c.known_from <= sa.bindparam("size")) & (versions.c.known_to > sa.bindparam("size"))


#: Institutions that a list shows unless it is asked for others: those at which something is in force.
IN_FORCE: tuple[StandingWord, ...] = ("approved", "partly_approved")


class InstitutionFilter(Struct, frozen=True):
    """Institutions with all of the techniques in force, in any of the regions or below, at a stage, with a standing.

    ``standings``, ``statuses``: those that fit; none means every one. An approval that is not in force has the stage
    that its standing is called by: what lapsed is at the stage ``lapsed``, whatever is recorded.
    """

    techniques: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    stage: str | None = None
    standings: tuple[str, ...] = IN_FORCE
    statuses: tuple[str, ...] = ()
    subjects: tuple[str, ...] | sa.Select[Any] | None = None

    def make_condition(self, asof: AsOf) -> sa.ColumnElement[bool]:
        """Make the condition for rows of ``standings``: the day, what was known, and all that the filter asks."""
        s, day = standings.c, asof.valid_on.isoformat()
        condition: sa.ColumnElement[bool] = (
            (s.known_from <= asof.size) & (s.known_to > asof.size) & (s.valid_from <= day) & (s.valid_to > day)
        )
        condition = self.add_conditions(condition, asof.ahead)
        return condition if self.subjects is None else condition & s.subject.in_(self.subjects)

    def add_conditions(self, condition: sa.ColumnElement[bool], ahead: bool) -> sa.ColumnElement[bool]:
        """Add everything but the times and the subjects to a condition."""
        words, offers = select_standing_columns(ahead)
        if self.statuses:
            condition &= standings.c.status.in_(self.statuses)
        if self.standings:
            condition &= words.in_(self.standings)
        if self.regions:
            condition &= _match_regions(self.regions)
        stages = LAWFUL_STAGES if self.stage is None else (self.stage,)
        for technique in self.techniques:
            condition &= offers.op("&")(make_offer_mask(technique, stages)) != 0
        if self.stage and not self.techniques:
            condition &= offers.op("&")(make_offer_mask(None, stages)) != 0
        return condition


def select_standing_columns(ahead: bool) -> tuple[sa.ColumnElement[str], sa.ColumnElement[int]]:
    """(The standing, the offers) of ``standings`` for a day that is here, or for one ahead."""
    s = standings.c
    return (s.ahead_standing, s.ahead_offers) if ahead else (s.standing, s.offers)


def _match_regions(codes: tuple[str, ...]) -> sa.ColumnElement[bool]:
    """In one of the regions or below it, as a range of codes or code by code, so that an index serves it."""
    if len(codes) > 1:
        return standings.c.region.in_(regions.list_codes_within(codes))
    prefix = regions.get_prefix(codes[0])
    return standings.c.region.between(prefix.ljust(6, "0"), prefix.ljust(6, "9"))


def count_institutions(connection: sa.Connection, chosen: InstitutionFilter, asof: AsOf) -> int:
    """Count the institutions that a filter selects."""
    return connection.execute(
        sa.select(sa.func.count()).select_from(standings).where(chosen.make_condition(asof))
    ).scalar_one()


def list_institutions(
    connection: sa.Connection, chosen: InstitutionFilter, asof: AsOf, limit: int, after: tuple[str, str] | None = None
) -> list[tuple[str, str]]:
    """(region, subject) of the next ``limit`` institutions after a pair, ordered by region code, then subject."""
    key = sa.tuple_(standings.c.region, standings.c.subject)
    query = sa.select(standings.c.region, standings.c.subject).where(chosen.make_condition(asof))
    if after is not None:
        query = query.where(key > sa.tuple_(*(sa.literal(part) for part in after)))
    rows = connection.execute(query.order_by(standings.c.region, standings.c.subject).limit(limit))
    return [(region, subject) for region, subject in rows]


def select_subjects(connection: sa.Connection, chosen: InstitutionFilter, asof: AsOf) -> set[str]:
    """Return the subjects of the institutions that a filter selects."""
    if not isinstance(chosen.subjects, tuple):
        return set(connection.execute(sa.select(standings.c.subject).where(chosen.make_condition(asof))).scalars())
    parameters = {"subjects": chosen.subjects, "size": asof.size, "day": asof.valid_on.isoformat()}
    statement = _build_subject_query(msgspec.structs.replace(chosen, subjects=None), asof.ahead)
    return set(connection.execute(statement, parameters).scalars())


@lru_cache(maxsize=1024)
def _build_subject_query(chosen: InstitutionFilter, ahead: bool) -> sa.Select[str]:
    """Build, once for each filter, the query of every search: which of given subjects the filter selects."""
    s = standings.c
    condition: sa.ColumnElement[bool] = s.subject.in_(sa.bindparam("subjects", expanding=True))
    for first, last, moment in ((s.known_from, s.known_to, "size"), (s.valid_from, s.valid_to, "day")):
        condition &= (first <= sa.bindparam(moment)) & (last > sa.bindparam(moment))
    return sa.select(s.subject).where(chosen.add_conditions(condition, ahead))
