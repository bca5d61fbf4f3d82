"""Counters of what was entered: activities by their day, figures of departments by their period."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from registry.domain import regions
from registry.measures.activities.facts import ActivityFacts, Kind
from registry.measures.activities.store import ActivityRecord
from registry.measures.figure_table import Figure
from registry.measures.report.count import (
    CountRequest,
    FigureCount,
    FigureEntry,
    add_amounts,
    is_none_known,
    list_figure_records,
    make_count,
    sort_entries,
)
from registry.texts import Message


def make_entry(record: ActivityRecord, amount: Decimal | None) -> FigureEntry:
    """Make the entry of a record that holds."""
    version = record.valid or record.current
    facts = version.facts
    return FigureEntry(
        day=facts.since,
        until=facts.until,
        region=facts.region,
        label=facts.title or facts.reference or facts.text,
        amount=amount,
        path=f"/staff/measures/records/{record.number}",
        account=version.account,
    )


def _list_held(request: CountRequest, kind: Kind, department: str = "") -> list[tuple[ActivityRecord, ActivityFacts]]:
    """List the records of a kind that hold and fall into the period and region, of a department if one is named."""
    found = [(one, one.valid.facts) for one in request.list_activities(kind) if one.valid]
    return [
        (one, facts)
        for one, facts in found
        if request.contains(facts.since, facts.region) and (not department or department in facts.departments)
    ]


def count_publicity(request: CountRequest, _figure: Figure) -> FigureCount:
    """Count the publicity events that were confirmed."""
    return _count_events(request, "publicity")


def count_publicity_people(request: CountRequest, _figure: Figure) -> FigureCount:
    """Add the people whom publicity events reached."""
    return _add_people(request, "publicity")


def count_trainings(request: CountRequest, _figure: Figure) -> FigureCount:
    """Count the trainings that were confirmed."""
    return _count_events(request, "training")


def count_trainees(request: CountRequest, _figure: Figure) -> FigureCount:
    """Add the people who were trained."""
    return _add_people(request, "training")


def _count_events(request: CountRequest, kind: Kind) -> FigureCount:
    found = [make_entry(one, None) for one, _ in _list_held(request, kind)]
    open_records = [one for one in request.list_activities(kind) if one.is_open]
    current = [one.current.facts for one in open_records if not one.current.facts.withdrawn]
    waiting = sum(request.contains(facts.since, facts.region) for facts in current)
    note = Message("另有{count}条待第二人确认，未计入。", count=waiting) if waiting else None
    return make_count(len(found), found, note)


def _add_people(request: CountRequest, kind: Kind) -> FigureCount:
    return add_amounts(
        make_entry(one, None if facts.people is None else Decimal(facts.people))
        for one, facts in _list_held(request, kind)
    )


def count_joint_actions(request: CountRequest, figure: Figure) -> FigureCount:
    """Count the joint actions in which the figure's department took part."""
    found = [make_entry(one, None) for one, _ in _list_held(request, "joint_action", figure.department)]
    return make_count(len(found), found)


def count_conferences(request: CountRequest, figure: Figure) -> FigureCount:
    """Count the conferences in which the figure's department took part."""
    found = [make_entry(one, None) for one, _ in _list_held(request, "conference", figure.department)]
    return make_count(len(found), found)


def count_supervised_cases(request: CountRequest, _figure: Figure) -> FigureCount:
    """Count the cases that were put under supervision."""
    found = [make_entry(one, None) for one, _ in _list_held(request, "supervised_case")]
    return make_count(len(found), found)


def count_entered(request: CountRequest, figure: Figure) -> FigureCount:
    """Add what the department reported of periods inside the one asked for, of places inside the region.

    A report that reaches beyond the period cannot be divided: it is not counted, and the note says so.
    """
    records = list_figure_records(request, figure.code)
    inside, across = [], 0
    for record in records:
        facts = record.valid.facts if record.valid else record.current.facts
        if request.contains(facts.since, facts.region) and request.contains(facts.last_day, facts.region):
            inside.append(make_entry(record, facts.value))
        elif facts.since <= request.until and request.since <= facts.last_day and _is_in_region(request, facts):
            across += 1
    count = add_amounts(inside)
    value = count.value
    if value == 0 and not is_none_known(request, records):
        value = None  # "none" for a part of the days
    note = Message("另有{count}条所报时段超出本期，未计入。", count=across) if across else count.note
    return FigureCount(value, count.entries, note)


def _is_in_region(request: CountRequest, facts: ActivityFacts) -> bool:
    return request.contains(request.since, facts.region)


def count_entered_rate(request: CountRequest, figure: Figure) -> FigureCount:
    """Return the last percentage reported of a period that ends in the one asked for, of exactly the region.

    A percentage of a part says nothing of the whole: without a region, it is the one of the widest place.
    """
    found = []
    for record in list_figure_records(request, figure.code):
        facts = record.valid.facts if record.valid else record.current.facts
        if request.contains(facts.last_day, facts.region) and request.region in ("", facts.region):
            found.append(
                (len(regions.get_prefix(facts.region)), -facts.last_day.toordinal(), make_entry(record, facts.value))
            )
    if not found:
        return FigureCount(None)
    best = min(found, key=lambda one: one[:2])[2]
    return FigureCount(best.amount, sort_entries([best]))


def make_nil_count(request: CountRequest, figure: Figure, count: FigureCount) -> FigureCount:
    """Return 0 in place of a blank where "none" was entered for the whole period, with those entries."""
    if count.value is not None or figure.is_entered:
        return count
    records = list_figure_records(request, figure.code)
    if count.entries or not is_none_known(request, records):
        return count
    around = [
        make_entry(one, Decimal(0))
        for one in records
        if one.valid and one.valid.facts.since <= request.until and request.since <= one.valid.facts.last_day
    ]
    return FigureCount(Decimal(0), sort_entries(around))


Counter = Callable[[CountRequest, Figure], FigureCount]
