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
        condition = self.add_conditions(_match_times(asof.size, asof.valid_on.isoformat()), asof.ahead)
        return condition if self.subjects is None else condition & standings.c.subject.in_(self.subjects)

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


def _match_times(size: Any, day: Any) -> sa.ColumnElement[bool]:
    """Match rows of ``standings`` that were believed at a log size and whose span contains a day."""
    s = standings.c
    return sa.and_(s.known_from <= size, s.known_to > size, s.valid_from <= day, s.valid_to > day)


#: The same with parameters, see ``_make_parameters``.
_TIMES = _match_times(sa.bindparam("size"), sa.bindparam("day"))
_KEY = sa.tuple_(standings.c.region, standings.c.subject)


def _make_parameters(asof: AsOf) -> dict[str, Any]:
    return {"size": asof.size, "day": asof.valid_on.isoformat()}


def count_institutions(connection: sa.Connection, chosen: InstitutionFilter, asof: AsOf) -> int:
    """Count the institutions that a filter without subjects selects."""
    return connection.execute(_build_count_query(chosen, asof.ahead), _make_parameters(asof)).scalar_one()


def list_institutions(
    connection: sa.Connection, chosen: InstitutionFilter, asof: AsOf, limit: int, after: tuple[str, str] | None = None
) -> list[tuple[str, str]]:
    """(region, subject) of the next ``limit`` institutions after a pair, ordered by region code, then subject; the
    filter has no subjects."""
    query, parameters = _build_list_query(chosen, asof.ahead), {**_make_parameters(asof), "limit": limit}
    if after is not None:
        query = query.where(sa.tuple_(*(sa.literal(part) for part in after)) < _KEY)
    return [(region, subject) for region, subject in connection.execute(query, parameters)]


def select_subjects(connection: sa.Connection, chosen: InstitutionFilter, asof: AsOf) -> set[str]:
    """Return the subjects of the institutions that a filter selects."""
    if not isinstance(chosen.subjects, tuple):
        return set(connection.execute(sa.select(standings.c.subject).where(chosen.make_condition(asof))).scalars())
    parameters = {**_make_parameters(asof), "subjects": chosen.subjects}
    statement = _build_subject_query(msgspec.structs.replace(chosen, subjects=None), asof.ahead)
    return set(connection.execute(statement, parameters).scalars())


# Built once for each filter: building one takes longer than running it.


@lru_cache(maxsize=1024)
def _build_count_query(chosen: InstitutionFilter, ahead: bool) -> sa.Select[int]:
    return sa.select(sa.func.count()).select_from(standings).where(chosen.add_conditions(_TIMES, ahead))


@lru_cache(maxsize=1024)
def _build_list_query(chosen: InstitutionFilter, ahead: bool) -> sa.Select[str, str]:
    query = sa.select(standings.c.region, standings.c.subject).where(chosen.add_conditions(_TIMES, ahead))
    return query.order_by(standings.c.region, standings.c.subject).limit(sa.bindparam("limit"))


@lru_cache(maxsize=1024)
def _build_subject_query(chosen: InstitutionFilter, ahead: bool) -> sa.Select[str]:
    condition: sa.ColumnElement[bool] = standings.c.subject.in_(sa.bindparam("subjects", expanding=True))
    return sa.select(standings.c.subject).where(chosen.add_conditions(condition & _TIMES, ahead))
