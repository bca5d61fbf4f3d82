"""The report of a period and a region: every department with its measures and figures, all as of one state."""

from __future__ import annotations

import datetime as dt
from typing import Any, NamedTuple, Protocol

from registry.domain import regions
from registry.domain.model import Date
from registry.editions.service import Editions
from registry.errors import InvalidInput
from registry.measures import figure_table
from registry.measures.department_table import Department, list_departments
from registry.measures.figure_table import Figure
from registry.measures.measure_table import Measure, list_measures
from registry.measures.report import activity_counts, lead_counts, record_counts
from registry.measures.report.activity_counts import Counter
from registry.measures.report.count import CountRequest, FigureCount
from registry.records import asof
from registry.records.subject_names import describe_region
from registry.storage.database import Database
from registry.texts import Message

#: Every counter by the name that the table of figures has for it.
COUNTERS: dict[str, Counter] = {
    "editions": record_counts.count_published,
    "self_inspections": record_counts.count_self_inspections,
    "inspections": record_counts.count_inspections,
    "rectifications": record_counts.count_rectifications,
    "cases": record_counts.count_cases,
    "fines": record_counts.count_fines,
    "confiscations": record_counts.count_confiscations,
    "revocations": record_counts.count_revocations,
    "checks": record_counts.count_checks,
    "leads_to_departments": lead_counts.count_leads_to_departments,
    "leads_to_judiciary": lead_counts.count_leads_to_judiciary,
    "leads_received": lead_counts.count_leads_received,
    "leads_answered": lead_counts.count_leads_answered,
    "supervised_cases": lead_counts.count_supervised,
    "publicity": activity_counts.count_publicity,
    "publicity_people": activity_counts.count_publicity_people,
    "training": activity_counts.count_trainings,
    "training_people": activity_counts.count_trainees,
    "joint_actions": activity_counts.count_joint_actions,
    "conferences": activity_counts.count_conferences,
    "entered": activity_counts.count_entered,
    "entered_rate": activity_counts.count_entered_rate,
    "entered_or_cases": record_counts.count_entered_or_cases,
    "entered_or_fines": record_counts.count_entered_or_fines,
}


class ReportPeriod(NamedTuple):
    """From the day ``since`` to the day ``until``, both included; ``region``: a code of GB/T 2260, "" for all."""

    since: Date
    until: Date
    region: str = ""


class ReportSource(Protocol):
    """What a report is made of: one running register."""

    database: Database
    editions: Editions


class DepartmentReport(NamedTuple):
    """One department with its measures, and its figures in the table's order."""

    department: Department
    measures: tuple[Measure, ...]
    figures: tuple[tuple[Figure, FigureCount], ...]


class Report(NamedTuple):
    """The whole report, counted at an instant and a log size."""

    period: ReportPeriod
    at: dt.datetime
    size: int
    departments: tuple[DepartmentReport, ...]


def check_period(period: ReportPeriod) -> None:
    """Check the period and the region of a report; InvalidInput names the field."""
    for day in (period.since, period.until):
        asof.require_known_day(day)
    if period.until < period.since:
        raise InvalidInput(Message("截止日期早于开始日期，请核对。"), field="until")
    if period.region and regions.find_region(period.region) is None:
        raise InvalidInput(Message("没有行政区划代码“{region}”。", region=period.region[:12]), field="region")


def make_report(source: ReportSource, period: ReportPeriod) -> Report:
    """Count every figure of a period and a region; InvalidInput."""
    check_period(period)
    with source.database.reading() as connection:
        now, request = asof.find_now(connection), _make_request(source, connection, period)
        departments = tuple(_report_department(one, request) for one in list_departments().values())
    held = tuple(one for one in departments if one.measures or one.figures)
    return Report(period=period, at=now, size=request.size, departments=held)


def count_figure(source: ReportSource, code: str, period: ReportPeriod) -> tuple[Figure, FigureCount]:
    """Count one figure, with the entries it rests on; InvalidInput."""
    check_period(period)
    figure = figure_table.get_figure(code)
    with source.database.reading() as connection:
        return figure, _count_figure(figure, _make_request(source, connection, period))


def _make_request(source: ReportSource, connection: Any, period: ReportPeriod) -> CountRequest:
    now = asof.make_as_of(connection)
    return CountRequest(connection, source.editions, *period, size=now.size, today=now.valid_on, memory={})


def _report_department(department: Department, request: CountRequest) -> DepartmentReport:
    own = [one for one in figure_table.FIGURES if one.department == department.code]
    figures = tuple((figure, _count_figure(figure, request)) for figure in own)
    return DepartmentReport(department, list_measures(department.code), figures)


def _count_figure(figure: Figure, request: CountRequest) -> FigureCount:
    count = COUNTERS[figure.counter](request, figure)
    return activity_counts.make_nil_count(request, figure, count)


def describe_place(region: str) -> Message:
    """Describe the region of a report."""
    return describe_region(region) if region else Message("全国")
