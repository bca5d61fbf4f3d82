"""Counts of the register as of a day, by region, technique and stage, with their source."""

import datetime as dt

import sqlalchemy as sa

from registry.domain import regions
from registry.domain.model import Date, Source, SourceRef, Struct
from registry.domain.techniques import LAWFUL_STAGES, STAGES, TECHNIQUES, Stage, TechniqueCode
from registry.log.clock import from_milliseconds
from registry.records.asof import AsOf
from registry.records.lookup import make_source_ref, read_sources
from registry.records.selection import InstitutionFilter, select_standing_columns
from registry.records.standing_view import make_offer_mask
from registry.storage.tables import entries, standings


class RegionCount(Struct, frozen=True):
    """Institutions of the filter in a region and below it."""

    code: str
    name: str
    count: int


class TechniqueCount(Struct, frozen=True):
    """Institutions at which a technique is in force; null when no complete list speaks of it."""

    technique: TechniqueCode
    count: int | None


class StageCount(Struct, frozen=True):
    """Institutions with at least one approval in force at a stage, or that has come to that stage."""

    stage: Stage
    count: int


class Stats(Struct, frozen=True):
    """The register in numbers. ``as_of`` and ``source`` are the latest list's; ``updated`` the last entry's time."""

    total: int
    as_of: Date | None
    source: SourceRef | None
    by_region: list[RegionCount]
    by_technique: list[TechniqueCount]
    by_stage: list[StageCount]
    log_size: int
    updated: dt.datetime | None


def find_main_source(connection: sa.Connection, asof: AsOf) -> SourceRef | None:
    """Find the source of the register as a whole: the latest complete list, else the latest of any kind."""
    return make_source_ref(_choose_main_source(_read_sources_until(connection, asof)))


def _read_sources_until(connection: sa.Connection, asof: AsOf) -> list[Source]:
    return [source for source in read_sources(connection, asof).values() if source.as_of <= asof.valid_on]


def _choose_main_source(sources: list[Source]) -> Source | None:
    return max(sources, key=lambda s: (s.scope == "national", s.scope != "partial", s.as_of), default=None)


def compute_stats(connection: sa.Connection, asof: AsOf, chosen: InstitutionFilter | None = None) -> Stats:
    """Count the institutions of a filter (by default those at which something is in force)."""
    where = (chosen or InstitutionFilter()).make_condition(asof)
    _, offers = select_standing_columns(asof.ahead)
    in_force = [make_offer_mask(technique.code, LAWFUL_STAGES) for technique in TECHNIQUES]
    sums = [
        sa.func.sum(sa.case((offers.op("&")(bits) != 0, 1), else_=0))
        for bits in in_force + [make_offer_mask(None, (stage,)) for stage in STAGES]
    ]
    total, *counts = connection.execute(sa.select(sa.func.count(), *sums).where(where)).one()
    sources = _read_sources_until(connection, asof)
    covered = {technique for source in sources if source.scope != "partial" for technique in source.covers}
    by_technique = [
        TechniqueCount(technique=t.code, count=(n or 0) if n or t.code in covered else None)
        for t, n in zip(TECHNIQUES, counts, strict=False)
    ]
    by_stage = [StageCount(stage=s, count=n or 0) for s, n in zip(STAGES, counts[len(TECHNIQUES) :], strict=True)]
    newest = _choose_main_source(sources)
    last = connection.execute(sa.select(entries.c.recorded_at).where(entries.c.number == asof.size)).scalar()
    return Stats(
        total=total,
        as_of=newest.as_of if newest else None,
        source=make_source_ref(newest),
        by_region=_count_by_region(connection, where, (chosen or InstitutionFilter()).regions),
        by_technique=by_technique,
        by_stage=by_stage,
        log_size=asof.size,
        updated=from_milliseconds(last) if last else None,
    )


def _count_by_region(
    connection: sa.Connection, where: sa.ColumnElement[bool], chosen: tuple[str, ...]
) -> list[RegionCount]:
    """Count one level below the chosen region (provinces when none or several are chosen)."""
    length = min(len(regions.get_prefix(chosen[0])) + 2, 6) if len(chosen) == 1 else 2
    part = sa.func.substr(standings.c.region, 1, length)
    rows = connection.execute(sa.select(part, sa.func.count()).where(where).group_by(part).order_by(part))
    counts = []
    for prefix, number in rows:
        place = regions.find_region(prefix.ljust(6, "0")) if prefix else None
        if place is not None and place.code is not None:
            name = (place.province, place.city, place.district)[length // 2 - 1] or place.province
            counts.append(RegionCount(code=place.code, name=name or "", count=number))
    return counts
