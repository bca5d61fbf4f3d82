"""Counters of leads: what came in, what was handed on, what was answered; each with the leads behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal

import sqlalchemy as sa

from registry.log.clock import from_milliseconds
from registry.measures.figure_table import Figure
from registry.measures.leads import figures
from registry.measures.leads.figures import LeadFigure, LeadPeriod
from registry.measures.report.activity_counts import count_supervised_cases
from registry.measures.report.count import CountRequest, FigureCount, FigureEntry, make_count, sort_entries
from registry.records.asof import to_day
from registry.storage.lead_tables import lead_steps, leads

_CHUNK = 500  # parameters of one query


def count_leads_to_departments(request: CountRequest, _figure: Figure) -> FigureCount:
    """Count the leads that were handed over to other departments."""
    return _count_leads(request, figures.count_transferred)


def count_leads_to_judiciary(request: CountRequest, _figure: Figure) -> FigureCount:
    """Count the leads that were handed over to the judiciary."""
    return _count_leads(request, figures.count_to_judiciary)


def count_leads_received(request: CountRequest, figure: Figure) -> FigureCount:
    """Count the leads that became those of the figure's department."""
    return _count_leads(request, figures.count_received, figure.department)


def count_leads_answered(request: CountRequest, figure: Figure) -> FigureCount:
    """Count the leads of which the figure's department gave the result of checking."""
    return _count_leads(request, figures.count_checked, figure.department)


def _count_leads(
    request: CountRequest, count: Callable[[sa.Connection, LeadPeriod], LeadFigure], department: str = ""
) -> FigureCount:
    """Count leads; none is 0 where leads of the period are on record here, and blank where there are none at all."""
    period = LeadPeriod(since=request.since, until=request.until, region=request.region)
    found = count(request.connection, LeadPeriod(period.since, period.until, period.region, department))
    if not found.count and not figures.count_received(request.connection, period).count:
        return FigureCount(None)
    return FigureCount(Decimal(found.count), sort_entries(_list_entries(request.connection, found.leads)))


def _list_entries(connection: sa.Connection, numbers: Iterable[int]) -> list[FigureEntry]:
    ordered = sorted(numbers)
    columns = (leads.c.id, leads.c.number, leads.c.region, leads.c.received_at)
    chunks = (ordered[start : start + _CHUNK] for start in range(0, len(ordered), _CHUNK))
    rows = [row for some in chunks for row in connection.execute(sa.select(*columns).where(leads.c.id.in_(some)))]
    return [
        FigureEntry(
            day=to_day(from_milliseconds(row.received_at)),
            region=row.region,
            label=row.number,
            path=f"/staff/leads/{row.id}",
        )
        for row in rows
    ]


def count_supervised(request: CountRequest, figure: Figure) -> FigureCount:
    """Count the cases put under supervision: those entered, and leads that are marked so and not among them."""
    entered = count_supervised_cases(request, figure)
    query = (
        sa.select(leads.c.id, leads.c.number, lead_steps.c.region, sa.func.min(lead_steps.c.at).label("at"))
        .join(leads, leads.c.id == lead_steps.c.lead)
        .where(lead_steps.c.action == "supervise")
        .group_by(leads.c.id, leads.c.number, lead_steps.c.region)
    )
    known = {one.label for one in entered.entries}
    marked = [
        FigureEntry(
            day=to_day(from_milliseconds(row.at)), region=row.region, label=row.number, path=f"/staff/leads/{row.id}"
        )
        for row in request.connection.execute(query)
        if row.number not in known
    ]
    every = [*entered.entries, *(one for one in marked if request.contains(one.day, one.region))]
    return make_count(len(every), every)
