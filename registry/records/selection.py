"""Selecting institutions: conditions on their records, counts and pages, as of a day and a log size."""

from functools import lru_cache
from typing import Any

import msgspec
import sqlalchemy as sa

from registry.domain import regions
from registry.domain.model import Struct
from registry.domain.techniques import LAWFUL_STAGES
from registry.records.asof import AsOf
from registry.records.view import make_offer_mask
from registry.storage.tables import versions


def match_known(asof: AsOf) -> sa.ColumnElement[bool]:
    """Rows of ``versions`` that were believed at the log size."""
    return (versions.c.known_from <= asof.size) & (versions.c.known_to > asof.size)


def match_day(asof: AsOf) -> sa.ColumnElement[bool]:
    """Rows of ``versions`` whose span contains the day."""
    day = asof.valid_on.isoformat()
    return (versions.c.valid_from <= day) & (versions.c.valid_to > day)


# The same with parameters, for statements that are built once: building them takes longer than running them.
KNOWN = (versions.c.known_from <= sa.bindparam("size")) & (versions.c.known_to > sa.bindparam("size"))
TRUE_ON = (versions.c.valid_from <= sa.bindparam("day")) & (versions.c.valid_to > sa.bindparam("day"))


#: Stages of an approval that exists, also one that is suspended for a time.
_STANDING = sum(make_offer_mask(None, stage) for stage in (*LAWFUL_STAGES, "suspended"))


class InstitutionFilter(Struct, frozen=True):
    """Institutions with all of the techniques, in any of the regions or below, at a stage, with a status.

    ``standing`` leaves out those that are only being set up or whose every approval has ended: they are no approved
    institutions, and are found by name or by asking for their stage.
    """

    techniques: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    stage: str | None = None
    statuses: tuple[str, ...] = ("listed", "suspended")
    subjects: tuple[str, ...] | sa.Select[Any] | None = None
    standing: bool = True

    def make_condition(self, asof: AsOf, subjects_given: bool = False) -> sa.ColumnElement[bool]:
        """Make the condition on ``versions``; ``subjects_given``: only institutions are joined to them."""
        condition = self.add_conditions(match_known(asof) & match_day(asof), subjects_given)
        return condition if self.subjects is None else condition & versions.c.subject.in_(self.subjects)

    def add_conditions(self, condition: sa.ColumnElement[bool], subjects_given: bool) -> sa.ColumnElement[bool]:
        """Add everything but the subjects to a condition."""
        if self.subjects is None and not subjects_given:  # saying it again would lead the database to another index
            condition &= versions.c.kind == "institution"
        if self.statuses:
            condition &= versions.c.status.in_(self.statuses)
        if self.standing and self.stage is None:
            condition &= versions.c.offers.op("&")(_STANDING) != 0
        if self.regions:
            condition &= _match_regions(self.regions)
        for technique in self.techniques:
            condition &= versions.c.offers.op("&")(make_offer_mask(technique, self.stage)) != 0
        if self.stage and not self.techniques:
            condition &= versions.c.offers.op("&")(make_offer_mask(None, self.stage)) != 0
        return condition


def _match_regions(codes: tuple[str, ...]) -> sa.ColumnElement[bool]:
    """In one of the regions or below it, as a range of codes or code by code, so that an index serves it."""
    if len(codes) > 1:
        return versions.c.region.in_(regions.list_codes_within(codes))
    prefix = regions.get_prefix(codes[0])
    return versions.c.region.between(prefix.ljust(6, "0"), prefix.ljust(6, "9"))


def count_institutions(connection: sa.Connection, chosen: InstitutionFilter, asof: AsOf) -> int:
    """Count the institutions of a filter."""
    return connection.execute(
        sa.select(sa.func.count()).select_from(versions).where(chosen.make_condition(asof))
    ).scalar_one()


def list_institutions(
    connection: sa.Connection, chosen: InstitutionFilter, asof: AsOf, limit: int, after: tuple[str, str] | None = None
) -> list[tuple[str, str]]:
    """(region, subject) of the next ``limit`` institutions after a pair, ordered by region code, then subject."""
    key = sa.tuple_(versions.c.region, versions.c.subject)
    query = sa.select(versions.c.region, versions.c.subject).where(chosen.make_condition(asof))
    if after is not None:
        query = query.where(key > sa.tuple_(*(sa.literal(part) for part in after)))
    rows = connection.execute(query.order_by(versions.c.region, versions.c.subject).limit(limit))
    return [(region, subject) for region, subject in rows]


def select_subjects(connection: sa.Connection, chosen: InstitutionFilter, asof: AsOf) -> set[str]:
    """The subjects of a filter."""
    if not isinstance(chosen.subjects, tuple):
        return set(connection.execute(sa.select(versions.c.subject).where(chosen.make_condition(asof))).scalars())
    parameters = {"subjects": chosen.subjects, "size": asof.size, "day": asof.valid_on.isoformat()}
    statement = _build_subject_query(msgspec.structs.replace(chosen, subjects=None))
    return set(connection.execute(statement, parameters).scalars())


@lru_cache(maxsize=1024)
def _build_subject_query(chosen: InstitutionFilter) -> sa.Select[str]:
    """Build, once for each filter, the query of every search: which of given subjects the filter selects."""
    condition = versions.c.subject.in_(sa.bindparam("subjects", expanding=True))
    return sa.select(versions.c.subject).where(chosen.add_conditions(KNOWN & TRUE_ON, subjects_given=True), condition)
