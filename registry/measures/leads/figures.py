"""Figures of leads for reports: how many, and which ones are behind the number; read from the history of steps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import sqlalchemy as sa

from registry.domain import regions
from registry.domain.model import Date, Struct
from registry.log.clock import to_milliseconds
from registry.measures.department_table import list_departments
from registry.measures.leads.model import decode_facts
from registry.records.asof import get_day_start, read_today
from registry.storage.lead_tables import lead_steps, leads


class LeadFigure(Struct, frozen=True):
    """A figure: ``count``, and the ids of the leads behind it, in order: each is at ``/staff/leads/{id}``."""

    count: int
    leads: tuple[int, ...]


class LeadPeriod(Struct, frozen=True):
    """From the day ``since`` to the day ``until``, both included; ``region`` (GB/T 2260) with all below it, "" for the
    whole country; ``department``: a code of the table, "" for all."""

    since: Date
    until: Date
    region: str = ""
    department: str = ""


def count_received(connection: sa.Connection, period: LeadPeriod) -> LeadFigure:
    """Leads that were reported in the period; of a department those that became its own in it.

    Duplicates count, as they were received; the region is that of the lead as known now.
    """
    if period.department:
        return _make_figure(row.lead for row in _list_steps(connection, period, ("assign", "agree", "designate")))
    return _make_figure(row.lead for row in _list_steps(connection, period, ("receive",), by_present_region=True))


def count_checked(connection: sa.Connection, period: LeadPeriod) -> LeadFigure:
    """Leads of which the result of checking is on record since a day in the period: an answer of a department, or
    their closing, whichever came first."""
    actions = ("answer", "close")
    earlier = {row.lead for row in _list_steps(connection, _begin_before(period), actions)}
    rows = _list_steps(connection, period, actions, by_present_region=True)
    return _make_figure(row.lead for row in rows if row.lead not in earlier)


def count_transferred(connection: sa.Connection, period: LeadPeriod) -> LeadFigure:
    """Leads that were handed over in the period to departments other than the leading one and the judicial ones."""
    codes = [one.code for one in list_departments().values() if not (one.judicial or one.lead)]
    rows = _list_steps(connection, period, ("hand_over",))
    return _make_figure(row.lead for row in rows if row.department in codes)


def count_to_judiciary(connection: sa.Connection, period: LeadPeriod) -> LeadFigure:
    """Leads that were handed over in the period to police, procuratorate or court, or of which a department answered
    that it did so."""
    codes = [one.code for one in list_departments().values() if one.judicial]
    rows = _list_steps(connection, period, ("hand_over", "answer"))
    return _make_figure(
        row.lead
        for row in rows
        if (row.action == "hand_over" and row.department in codes) or decode_facts(row.facts).result == "to_judiciary"
    )


def count_closed(connection: sa.Connection, period: LeadPeriod) -> LeadFigure:
    """Leads that were closed in the period; those that were opened again since are not among them."""
    rows = _list_steps(connection, period, ("close",), by_present_region=True)
    open_again = set(connection.execute(sa.select(leads.c.id).where(leads.c.closed_at.is_(None))).scalars())
    return _make_figure(row.lead for row in rows if row.lead not in open_again)


def count_overdue(connection: sa.Connection, period: LeadPeriod) -> LeadFigure:
    """Leads that are open now and whose deadline was a day of the period and has passed."""
    query = sa.select(leads.c.id).where(
        leads.c.due.between(period.since.isoformat(), period.until.isoformat()),
        leads.c.due < read_today().isoformat(),
        leads.c.state.not_in(("closed", "merged")),
        leads.c.region.startswith(regions.get_prefix(period.region) if period.region else "", autoescape=True),
    )
    if period.department:
        query = query.where(leads.c.department == period.department)
    return _make_figure(connection.execute(query).scalars())


def _begin_before(period: LeadPeriod) -> LeadPeriod:
    """Return the time before a period, everywhere."""
    return LeadPeriod(since=Date(1970, 1, 1), until=period.since - dt.timedelta(days=1))


def _list_steps(
    connection: sa.Connection, period: LeadPeriod, actions: Iterable[str], *, by_present_region: bool = False
) -> list[sa.Row[tuple[int, str, str, bytes]]]:
    """List steps of a period; their region is that of the step, or that which the lead has now."""
    place = leads.c.region if by_present_region else lead_steps.c.region
    columns = (lead_steps.c.lead, lead_steps.c.action, lead_steps.c.department, lead_steps.c.facts)
    query = (
        sa.select(*columns)
        .join(leads, leads.c.id == lead_steps.c.lead)
        .where(
            lead_steps.c.action.in_(list(actions)),
            lead_steps.c.at >= to_milliseconds(get_day_start(period.since)),
            lead_steps.c.at < to_milliseconds(get_day_start(period.until + dt.timedelta(days=1))),
        )
        .order_by(lead_steps.c.lead, lead_steps.c.step)
    )
    if period.region:
        query = query.where(place.startswith(regions.get_prefix(period.region), autoescape=True))
    if period.department:
        query = query.where(lead_steps.c.department == period.department)
    return list(connection.execute(query))


def _make_figure(found: Iterable[int]) -> LeadFigure:
    numbers = tuple(sorted(set(found)))
    return LeadFigure(count=len(numbers), leads=numbers)


#: Every figure by the name that a report has for it.
FIGURES = {
    "received": count_received,
    "checked": count_checked,
    "transferred": count_transferred,
    "to_judiciary": count_to_judiciary,
    "closed": count_closed,
    "overdue": count_overdue,
}
