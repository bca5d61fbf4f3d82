"""Counters of what the register itself holds: editions, supervision, penalties, and questions of programs."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import cache
from pathlib import Path

from registry.clients import keys
from registry.domain import regions
from registry.domain.identifiers import format_code
from registry.domain.model import Date
from registry.editions.content import ListContent
from registry.editions.edition import NATIONAL, Edition
from registry.measures.department_table import get_leading_department
from registry.measures.figure_table import Figure
from registry.measures.report.activity_counts import count_entered
from registry.measures.report.count import (
    CountRequest,
    FigureCount,
    FigureEntry,
    add_amounts,
    sort_entries,
)
from registry.records import asof
from registry.records.supervision import (
    PenaltyEntry,
    SupervisionEntry,
    list_penalty_entries,
    list_supervision_entries,
)
from registry.texts import Message

#: The operations by which programs ask about an advertisement; a batch asks one question a row.
_CHECKS = ("verify", "verifyByQuery", "verifyBatch")


def count_published(request: CountRequest, _figure: Figure) -> FigureCount:
    """Count the institutions of the list that was published last by the end of the period, and not withdrawn then.

    Of a region: those in it, of the last list that holds the region.
    """
    end = asof.get_day_end(request.until)
    standing = [
        one
        for one in request.editions.list_all()
        if one.published <= end and (one.withdrawn is None or one.withdrawn.at > end) and _contains_region(one, request)
    ]
    if not standing:
        return FigureCount(None)
    widest = min(_measure_scope(one.scope) for one in standing)
    edition = max(
        (one for one in standing if _measure_scope(one.scope) == widest), key=lambda one: (one.published, one.number)
    )
    count = edition.institutions
    if request.region not in ("", edition.scope):
        with ListContent(request.editions.database, edition.asof, request.region) as content:
            count = content.totals.institutions
    entry = FigureEntry(
        day=asof.to_day(edition.published),
        region="" if edition.scope == NATIONAL else edition.scope,
        label=edition.title,
        amount=Decimal(count),
        path=f"/editions/{edition.id}",
    )
    return FigureCount(Decimal(count), (entry,))


def _contains_region(edition: Edition, request: CountRequest) -> bool:
    if edition.scope == NATIONAL or not request.region:
        return True
    return regions.is_inside(request.region, edition.scope)


def _measure_scope(scope: str) -> int:
    return 0 if scope == NATIONAL else len(regions.get_prefix(scope))


# --- supervision -----------------------------------------------------------------------------------------------------


def count_self_inspections(request: CountRequest, _figure: Figure) -> FigureCount:
    """Count the institutions of which a self-inspection is on record."""
    return _count_institutions(_list_supervision(request, "self_inspection"))


def count_inspections(request: CountRequest, _figure: Figure) -> FigureCount:
    """Count the institutions that were inspected."""
    return _count_institutions(_list_supervision(request, "inspection"))


def count_rectifications(request: CountRequest, _figure: Figure) -> FigureCount:
    """Count the institutions that an inspection set a day to rectify; none is 0 where every inspection has a result."""
    inspections = _list_supervision(request, "inspection")
    ordered = [one for one in inspections if one.rectify_by is not None]
    if not ordered and inspections and all(one.result is not None for one in inspections):
        return FigureCount(Decimal(0))
    return _count_institutions(ordered)


def _list_supervision(request: CountRequest, kind: str) -> list[SupervisionEntry]:
    found = request.read_once(SupervisionEntry, lambda: list_supervision_entries(request.connection, request.size))
    return [one for one in found if one.kind == kind and request.contains(one.day, one.region)]


def _count_institutions(found: Iterable[SupervisionEntry]) -> FigureCount:
    """Count institutions, each once however many of the entries are about it."""
    records = list(found)
    entries = sort_entries(
        FigureEntry(
            day=one.day or Date.min,
            region=one.region,
            label=one.document_no or _format_subject(one.institution or one.subject),
            path=_make_record_path(one.subject),
        )
        for one in records
    )
    count = len({one.institution or one.subject for one in records})
    return FigureCount(Decimal(count) if records else None, entries)


def _format_subject(subject: str) -> str:
    return format_code(subject.partition(":")[2])


def _make_record_path(subject: str) -> str:
    return f"/staff/records/{_format_subject(subject)}"


# --- penalties -------------------------------------------------------------------------------------------------------


@cache
def load_authorities() -> dict[str, tuple[str, ...]]:
    """Load the words by which the department of an authority is known, in the order in which they are tried."""
    table = tomllib.loads(Path(__file__).with_name("authorities.toml").read_text("utf-8"))
    return {department: tuple(words) for department, words in table["words"].items()}


def find_department(authority: str | None) -> str:
    """Find whose decision it is; the leading department's where its name says nothing else.

    >>> find_department("鞍山市市场监督管理局"), find_department("鞍山市卫生健康委员会"), find_department(None)
    ('market', 'health', 'health')
    """
    named = (code for code, words in load_authorities().items() if any(word in (authority or "") for word in words))
    return next(named, get_leading_department().code)


def _list_all_penalties(request: CountRequest) -> list[PenaltyEntry]:
    return request.read_once(PenaltyEntry, lambda: list_penalty_entries(request.connection, request.size))


def list_penalties(request: CountRequest, department: str) -> list[PenaltyEntry]:
    """List the penalties that a department decided in the period; not what only stands on the blacklist."""
    return [
        one
        for one in _list_all_penalties(request)
        if one.kind == "penalty"
        and find_department(one.authority) == department
        and request.contains(one.day, one.region)
    ]


def count_cases(request: CountRequest, figure: Figure) -> FigureCount:
    """Count whom the figure's department punished, each once however often."""
    found = list_penalties(request, figure.department)
    entries = sort_entries(_make_penalty_entry(one, None) for one in found)
    return FigureCount(Decimal(len({one.institution or one.subject for one in found})) if found else None, entries)


def count_fines(request: CountRequest, figure: Figure) -> FigureCount:
    """Add the fines of the figure's department, in yuan."""
    return _add_penalties(request, figure, lambda one: one.fine)


def count_confiscations(request: CountRequest, figure: Figure) -> FigureCount:
    """Add what the figure's department confiscated, in yuan."""
    return _add_penalties(request, figure, lambda one: one.confiscated)


def count_revocations(request: CountRequest, figure: Figure) -> FigureCount:
    """Count whom a decision took an approval away; none is 0 where decisions are on record."""
    found = list_penalties(request, figure.department)
    revoked = [one for one in found if one.revokes]
    entries = sort_entries(_make_penalty_entry(one, None) for one in revoked)
    count = Decimal(len({one.institution or one.subject for one in revoked}))
    return FigureCount(count if found else None, entries)


def count_entered_or_cases(request: CountRequest, figure: Figure) -> FigureCount:
    """Return the department's own number of cases, or while there is none what is on record here of its decisions."""
    found = list_penalties(request, figure.department)
    entries = sort_entries(_make_penalty_entry(one, Decimal(1)) for one in found)
    return _choose_entered(request, figure, FigureCount(Decimal(len(found)) if found else None, entries))


def count_entered_or_fines(request: CountRequest, figure: Figure) -> FigureCount:
    """Return the department's own sum of fines and confiscations, or what is on record here of its decisions."""
    return _choose_entered(request, figure, _add_penalties(request, figure, _add_fine_and_confiscated))


def _choose_entered(request: CountRequest, figure: Figure, on_record: FigureCount) -> FigureCount:
    entered = count_entered(request, figure)
    if entered.value is not None or on_record.value is None:
        return entered
    return FigureCount(on_record.value, on_record.entries, Message("按本名录中的处罚记录计，部门没有另报。"))


def _add_fine_and_confiscated(penalty: PenaltyEntry) -> Decimal | None:
    amounts = [one for one in (penalty.fine, penalty.confiscated) if one is not None]
    return sum(amounts, Decimal(0)) if amounts else None


def _add_penalties(
    request: CountRequest, figure: Figure, read_amount: Callable[[PenaltyEntry], Decimal | None]
) -> FigureCount:
    found = list_penalties(request, figure.department)
    return add_amounts(_make_penalty_entry(one, read_amount(one)) for one in found)


def _make_penalty_entry(penalty: PenaltyEntry, amount: Decimal | None) -> FigureEntry:
    return FigureEntry(
        day=penalty.day or Date.min,
        region=penalty.region,
        label=penalty.document_no or _format_subject(penalty.subject),
        amount=amount,
        path=_make_record_path(penalty.subject),
    )


# --- questions of programs -------------------------------------------------------------------------------------------


def count_checks(request: CountRequest, figure: Figure) -> FigureCount:
    """Add the advertisements that the keys of the figure's department asked about, by day.

    Blank before it had a key; of a region those of keys that were given to an office in it.
    """
    own = [one for one in keys.list_keys(request.connection) if one.department == figure.department]
    own = [one for one in own if not request.region or regions.is_inside(one.region or None, request.region)]
    end = asof.to_milliseconds(asof.get_day_end(request.until))
    held = {one.id: one for one in own if one.created_at <= end}
    used = keys.list_usage(request.connection, list(held), request.since.isoformat()) if held else []
    entries = [
        FigureEntry(
            day=Date.fromisoformat(one.day),
            region=held[one.key].region,
            label=f"{held[one.key].client} · {one.operation}",
            amount=Decimal(one.questions),
        )
        for one in used
        if one.operation in _CHECKS and one.questions and one.day <= request.until.isoformat()
    ]
    total = sum((one.amount or Decimal(0) for one in entries), Decimal(0))
    return FigureCount(total if held else None, sort_entries(entries))
