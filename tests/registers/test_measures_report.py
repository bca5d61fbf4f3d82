"""Figures of the report equal a naive recount: of activities from every row as it was written, of supervision and
penalties from the log's own entries; and what nobody knows is blank."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.domain.identifiers import make_code
from registry.domain.model import Change, Draft
from registry.editions.service import Editions
from registry.errors import Conflict, FourEyesViolation, InvalidInput, NotAllowed, RegistryError
from registry.log.publish import PublishedLog
from registry.measures import department_table, figure_table
from registry.measures.activities import store
from registry.measures.activities.facts import ActivityFacts
from registry.measures.figure_table import FIGURES
from registry.measures.report import record_counts, report
from registry.measures.report.report import ReportPeriod
from registry.settings import Settings
from registry.storage.activity_tables import activities
from registry.storage.database import Database
from registry.storage.tables import entries
from tests.factories import a_database, a_source, an_institution, enter
from tests.thoroughness import count_examples

DAY = dt.date(2025, 7, 1)
PLACES = ("210303", "210300", "210000", "110108")
SPANS = ((0, 9), (0, 29), (5, 20), (10, 29))


class Source(NamedTuple):
    """What a report is made of."""

    database: Database
    editions: Editions

    def figures(self, period: ReportPeriod) -> dict[str, Decimal | None]:
        found = report.make_report(self, period)
        return {figure.code: count.value for one in found.departments for figure, count in one.figures}


def a_source_of_reports(folder: Path) -> Source:
    database = a_database(folder)
    place = Settings(data_dir=folder)
    return Source(database, Editions(database, PublishedLog(place), place))


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Source]:
    found = a_source_of_reports(tmp_path)
    yield found
    found.database.close()


def an_event(day: int = 0, region: str = "210303", **more: Any) -> ActivityFacts:
    values = {"title": "示例", "place": "示例", "department": "health", "region": region, **more}
    return ActivityFacts(since=DAY + dt.timedelta(days=day), **values)


def a_figure(code: str, value: str, first: int = 0, last: int = 0, region: str = "210303") -> ActivityFacts:
    days = {"since": DAY + dt.timedelta(days=first), "until": DAY + dt.timedelta(days=last)}
    return ActivityFacts(**days, figure=code, value=Decimal(value), region=region)


def do(source: Source, action: Any, *told: Any) -> Any:
    with source.database.writing() as connection:
        return action(connection, *told)


def of(first: int = 0, last: int = 29, region: str = "") -> ReportPeriod:
    return ReportPeriod(DAY + dt.timedelta(days=first), DAY + dt.timedelta(days=last), region)


# --- a history of activities, and its recount from the rows ----------------------------------------------------------

STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ("publicity", "training", "market-sites", "police-criminal-cases", "correct", "confirm", "withdraw")
        ),
        st.integers(0, 29),
        st.integers(0, 12),
        st.sampled_from(PLACES),
        st.one_of(st.none(), st.integers(0, 500)),
        st.integers(0, 5),
    ),
    max_size=12,
)


def play(source: Source, steps: list[Any]) -> None:
    """Do what can be done of it; what is refused has to leave nothing."""
    for what, day, length, place, people, which in steps:
        try:
            with source.database.writing() as connection:
                records = store.list_records(connection)
                chosen = records[which % len(records)] if records else None
                if what in ("publicity", "training"):
                    store.enter_activity(connection, what, an_event(day, place, people=people), "editor.a")
                elif what in figure_table.map_figures():
                    facts = a_figure(what, str(people or 0), day, day + length, place)
                    store.enter_activity(connection, "figure", facts, "editor.b")
                elif chosen is None:
                    continue
                elif what == "confirm":
                    store.confirm_activity(connection, chosen.number, chosen.current.version, "approver.a")
                elif what == "withdraw":
                    store.withdraw_activity(connection, chosen.number, chosen.current.version, "both.a")
                elif chosen.kind != "figure":
                    facts = an_event(day, place, people=people)
                    store.correct_activity(connection, chosen.number, chosen.current.version, facts, "editor.b")
        except RegistryError:
            pass


def recount(source: Source, period: ReportPeriod) -> dict[str, int | None]:
    """The same figures from the rows alone, by the rule as a person would say it."""
    last: dict[int, tuple[str, dict[str, Any]]] = {}
    with source.database.reading() as connection:
        for row in connection.execute(sa.select(activities).order_by(activities.c.id)):
            if row.kind in ("publicity", "training") and row.action != "confirm":
                continue
            last[row.number] = (row.kind, json.loads(row.facts))
    held = [(kind, facts) for kind, facts in last.values() if not facts.get("withdrawn")]
    inside = [one for one in held if lies_in(one[1], period)]
    found: dict[str, int | None] = {}
    for kind, count, people in (
        ("publicity", "health-publicity", "health-publicity-people"),
        ("training", "health-trainings", "health-trainings-people"),
    ):
        events = [facts for of_kind, facts in inside if of_kind == kind]
        counted = [facts["people"] for facts in events if "people" in facts]
        found[count] = len(events) or None
        found[people] = sum(counted) if counted else None
    for code in ("market-sites", "police-criminal-cases"):
        reported = [facts for kind, facts in held if kind == "figure" and facts["figure"] == code]
        values = [int(facts["value"]) for facts in reported if lies_in(facts, period)]
        is_known = bool(sum(values)) or covers(reported, period)
        found[code] = sum(values) if values and is_known else None
    return found


def lies_in(facts: dict[str, Any], period: ReportPeriod) -> bool:
    first, last = dt.date.fromisoformat(facts["since"]), dt.date.fromisoformat(facts.get("until", facts["since"]))
    prefix = period.region.rstrip("0")
    return period.since <= first and last <= period.until and facts["region"].startswith(prefix)


def covers(reported: list[dict[str, Any]], period: ReportPeriod) -> bool:
    """Whether each single day of the period has a report of 0 about the whole region."""
    days = [period.since + dt.timedelta(days=n) for n in range((period.until - period.since).days + 1)]
    zero = [facts for facts in reported if int(facts["value"]) == 0]
    around = [facts for facts in zero if period.region and period.region.startswith(facts["region"].rstrip("0"))]
    return all(any(facts["since"] <= str(day) <= facts["until"] for facts in around) for day in days)


@settings(max_examples=count_examples(40))
@given(steps=STEPS, span=st.sampled_from(SPANS), region=st.sampled_from(("", *PLACES)))
def test_figures_of_activities_equal_a_recount_of_the_rows(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Any], span: tuple[int, int], region: str
) -> None:
    source = a_source_of_reports(tmp_path_factory.mktemp("report"))
    play(source, steps)
    period = of(*span, region)
    wanted = recount(source, period)
    found = source.figures(period)
    source.database.close()
    assert {code: found[code] for code in wanted} == wanted


# --- supervision and penalties, and their recount from the log -------------------------------------------------------

HOSPITALS = (
    an_institution("示例甲医院", "辽宁省鞍山市铁西区示例路1号"),
    an_institution("示例乙医院", "北京市海淀区示例路2号", region="110108"),
)
AUTHORITIES = ("鞍山市卫生健康委员会", "鞍山市市场监督管理局", "示例药品监督管理局", None)
MONEY = st.one_of(st.none(), st.sampled_from(("0", "30000", "1234.50")))
_days = st.integers(-5, 35).map(lambda days: (DAY + dt.timedelta(days=days)).isoformat())


def a_record(kind: str, number: int, hospital: Draft, values: dict[str, Any]) -> Draft:
    stated = {name: value for name, value in values.items() if value is not None}
    change = Change(kind=kind, set={"institution": hospital.subject, **stated})  # type: ignore[arg-type]
    return Draft(subject=f"{kind}:{make_code(f'{kind} {number}')}", change=change, valid_from=DAY)


SUPERVISION = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(("self_inspection", "inspection")),
        "held_on": _days,
        "result": st.sampled_from((None, "no_problem", "problems_found")),
        "rectify_by": st.one_of(st.none(), st.just("2025-09-01")),
    }
)
PENALTY = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(("penalty", "penalty", "blacklist")),
        "party": st.just("institution"),
        "authority": st.sampled_from(AUTHORITIES),
        "decided_on": _days,
        "fine": MONEY,
        "confiscated": MONEY,
        "revokes": st.sampled_from((None, ["IVF"])),
    }
)
RECORDS = st.lists(
    st.one_of(
        st.tuples(st.just("supervision"), st.sampled_from(HOSPITALS), SUPERVISION),
        st.tuples(st.just("sanction"), st.sampled_from(HOSPITALS), PENALTY),
    ),
    min_size=1,
    max_size=8,
)


def recount_log(source: Source, period: ReportPeriod) -> dict[str, Any]:
    """The health and the market department's figures from the entries of the log, read as they lie there."""
    with source.database.reading() as connection:
        bodies = [json.loads(bytes(body)) for body in connection.execute(sa.select(entries.c.body)).scalars()]
    stated = [(one["subject"].partition(":")[0], one["change"]["set"]) for one in bodies]
    regions = {one["subject"]: one["change"]["set"].get("region") for one in bodies}
    prefix = period.region.rstrip("0")

    def is_inside(values: dict[str, Any], day: str) -> bool:
        place = regions.get(values["institution"]) or ""
        return str(period.since) <= values[day] <= str(period.until) and place.startswith(prefix)

    supervised = [one for kind, one in stated if kind == "supervision" and is_inside(one, "held_on")]
    decided = [one for kind, one in stated if kind == "sanction" and is_inside(one, "decided_on")]
    penalties = [one for one in decided if one["kind"] == "penalty"]
    own = [
        one for one in penalties if "市场" not in one.get("authority", "") and "药品" not in one.get("authority", "")
    ]
    market = [one for one in penalties if "市场" in one.get("authority", "")]
    inspected = [one for one in supervised if one["kind"] == "inspection"]
    ordered = [one for one in inspected if "rectify_by" in one]
    has_results = bool(inspected) and all("result" in one for one in inspected)

    def count(found: list[dict[str, Any]]) -> int | None:
        return len({one["institution"] for one in found}) or None

    def add(found: list[dict[str, Any]], *fields: str) -> Decimal | None:
        amounts = [Decimal(one[field]) for one in found for field in fields if field in one]
        return sum(amounts, Decimal(0)) if amounts else None

    revoked = [one for one in own if one.get("revokes")]
    return {
        "health-self-inspections": count([one for one in supervised if one["kind"] == "self_inspection"]),
        "health-inspections": count(inspected),
        "health-rectifications": 0 if not ordered and has_results else count(ordered),
        "health-cases": count(own),
        "health-fines": add(own, "fine"),
        "health-confiscated": add(own, "confiscated"),
        "health-revoked": len({one["institution"] for one in revoked}) if own else None,
        "market-cases": len(market) or None,
        "market-fines": add(market, "fine", "confiscated"),
    }


@settings(max_examples=count_examples(20))
@given(records=RECORDS, span=st.sampled_from(SPANS), region=st.sampled_from(("", *PLACES)))
def test_figures_of_supervision_equal_a_recount_of_the_log(
    tmp_path_factory: pytest.TempPathFactory,
    records: list[tuple[str, Draft, dict[str, Any]]],
    span: tuple[int, int],
    region: str,
) -> None:
    source = a_source_of_reports(tmp_path_factory.mktemp("counted"))
    drafts = [a_record(kind, number, hospital, values) for number, (kind, hospital, values) in enumerate(records)]
    enter(source.database, a_source(), *HOSPITALS, *drafts)
    wanted, found = recount_log(source, of(*span, region)), source.figures(of(*span, region))
    source.database.close()
    assert {code: found[code] for code in wanted} == wanted


# --- rules -----------------------------------------------------------------------------------------------------------


def test_every_figure_has_a_counter_and_a_department() -> None:
    assert {one.counter for one in FIGURES} == set(report.COUNTERS)
    assert {one.department for one in FIGURES} <= set(department_table.list_departments())
    assert len({one.code for one in FIGURES}) == len(FIGURES)


def test_an_empty_register_knows_no_figure_and_says_no_zero(source: Source) -> None:
    assert set(source.figures(of()).values()) == {None}


def test_none_is_zero_only_where_it_was_entered_for_every_day(source: Source) -> None:
    do(source, store.enter_activity, "figure", a_figure("health-cases", "0", 0, 14, "210300"), "editor.a")
    assert source.figures(of(0, 14, "210303"))["health-cases"] == 0
    assert source.figures(of(0, 29, "210303"))["health-cases"] is None
    assert source.figures(of(0, 14))["health-cases"] is None  # of the whole country nobody said so
    do(source, store.enter_activity, "figure", a_figure("health-cases", "0", 15, 29, "210300"), "editor.a")
    assert source.figures(of(0, 29, "210303"))["health-cases"] == 0


def test_what_is_counted_cannot_be_typed_and_no_figure_twice(source: Source) -> None:
    with pytest.raises(InvalidInput):
        do(source, store.enter_activity, "figure", a_figure("health-cases", "3"), "editor.a")
    number = do(source, store.enter_activity, "figure", a_figure("market-ads", "70", 0, 29, "210300"), "editor.a")
    for place in ("210300", "210303", "210000"):
        with pytest.raises(Conflict):
            do(source, store.enter_activity, "figure", a_figure("market-ads", "5", 29, 40, place), "editor.b")
    do(source, store.enter_activity, "figure", a_figure("market-ads", "5", 0, 29, "210200"), "editor.b")
    do(source, store.correct_activity, number, 1, a_figure("market-ads", "80", 0, 29, "210300"), "editor.b")
    assert source.figures(of())["market-ads"] == 85
    assert source.figures(of(0, 20))["market-ads"] is None  # what reaches beyond is not divided
    _, count = report.count_figure(source, "market-ads", of(region="210300"))
    assert (count.value, [one.account for one in count.entries]) == (80, ["editor.b"])
    with pytest.raises(InvalidInput):
        do(source, store.enter_activity, "figure", a_figure("telecom-filing", "101"), "editor.a")


def test_an_event_counts_as_two_people_saw_it(source: Source) -> None:
    number = do(source, store.enter_activity, "publicity", an_event(people=300), "both.a")
    assert source.figures(of())["health-publicity"] is None
    with pytest.raises(FourEyesViolation):
        do(source, store.confirm_activity, number, 1, "both.a")
    with pytest.raises(NotAllowed):
        do(source, store.confirm_activity, number, 1, "editor.a")
    do(source, store.confirm_activity, number, 1, "approver.a")
    do(source, store.correct_activity, number, 2, an_event(people=30), "editor.b")
    assert source.figures(of())["health-publicity-people"] == 300  # until the correction is confirmed
    with pytest.raises(Conflict):  # what was seen is not what is there
        do(source, store.confirm_activity, number, 2, "approver.a")
    do(source, store.confirm_activity, number, 3, "approver.a")
    assert source.figures(of())["health-publicity-people"] == 30
    with source.database.reading() as connection:
        assert [one.facts.people for one in store.get_record(connection, number).versions] == [300, 300, 30, 30]


def test_rows_of_activities_and_contacts_cannot_be_changed(source: Source) -> None:
    do(source, store.enter_activity, "publicity", an_event(), "editor.a")
    with pytest.raises(sa.exc.IntegrityError, match="append-only"), source.database.writing() as connection:
        connection.execute(sa.delete(activities))


def test_a_penalty_is_of_the_department_whose_authority_decided() -> None:
    names = {"市市场监督管理局": "market", "省药品监督管理局": "drug", "市公安局": "police", "市卫生健康委": "health"}
    assert {name: record_counts.find_department(name) for name in names} == names
