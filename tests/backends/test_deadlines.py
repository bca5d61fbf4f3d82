from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.domain.model import Draft
from registry.log import store
from registry.proposals import views
from registry.records import deadlines, lookup
from registry.records.asof import AsOf
from registry.records.deadlines import Deadline, DeadlineFilter
from registry.storage.database import Database
from registry.storage.tables import deadlines as table
from tests.factories import (
    a_certificate,
    a_change,
    a_database,
    a_person,
    a_source,
    an_institution,
    approve,
    code_of,
    enter,
    propose,
)

START = dt.date(2025, 6, 30)
TODAY = dt.date(2026, 3, 1)
HOSPITAL = an_institution(**{"approvals.IVF": {"stage": "formal", "verification_due": "2026-03-20"}})


def due(database: Database, on: dt.date = TODAY, **wanted: object) -> list[Deadline]:
    with database.reading() as connection:
        asof = AsOf(valid_on=on, size=store.read_head(connection).size)
        found = deadlines.list_deadlines(connection, asof, DeadlineFilter(**wanted))  # type: ignore[arg-type]
        numbers = deadlines.count_deadlines(connection, asof, DeadlineFilter(**wanted))  # type: ignore[arg-type]
    assert sum(numbers.values()) == len(found)
    return found


def told(found: list[Deadline]) -> list[tuple[str, str]]:
    return [(one.kind, one.day.isoformat()) for one in found]


@pytest.fixture
def register(database: Database) -> Database:
    enter(
        database,
        a_source(),
        HOSPITAL,
        a_person(HOSPITAL, valid_to="2026-03-10"),
        a_certificate(HOSPITAL, valid_to="2026-02-15"),
    )
    return database


def test_what_falls_due_is_told_the_earliest_first(register: Database) -> None:
    found = due(register)
    assert told(found) == [
        ("certificate", "2026-02-15"),
        ("authorisation", "2026-03-10"),
        ("verification", "2026-03-20"),
    ]
    assert {one.about for one in found} == {HOSPITAL.subject}
    assert {one.name for one in found} == {HOSPITAL.change.set["name"]}
    assert told(due(register, since=TODAY, until=dt.date(2026, 3, 15))) == [("authorisation", "2026-03-10")]
    assert told(due(register, kind="verification")) == [("verification", "2026-03-20")]
    assert [due(register, region=region) != [] for region in ("210000", "210303", "210100")] == [True, True, False]


def test_what_was_renewed_falls_due_no_more_and_does_on_its_new_day(register: Database) -> None:
    renewed = a_change(
        HOSPITAL, dt.date(2026, 3, 5), {"approvals.IVF": {"stage": "formal", "verification_due": "2028-03-20"}}
    )
    enter(register, renewed)
    assert told(due(register, kind="verification")) == [("verification", "2028-03-20")]


def test_what_was_renewed_too_late_is_not_overdue_once_it_is(register: Database) -> None:
    late = dt.date(2026, 4, 5)
    renewed = {"approvals.IVF": {"stage": "formal", "verification_due": "2028-03-20"}}
    enter(register, a_change(HOSPITAL, late, renewed))
    assert told(due(register, late - dt.timedelta(days=1), kind="verification", until=late)) == [
        ("verification", "2026-03-20")
    ]
    assert told(due(register, late, kind="verification", until=late)) == []


@pytest.mark.parametrize("values", [{"status": "delisted"}, {"approvals.IVF": {"stage": "revoked"}}])
def test_what_has_ended_does_not_fall_due(register: Database, values: dict[str, object]) -> None:
    enter(register, a_change(HOSPITAL, TODAY, values))
    assert due(register, kind="verification") == []


STATED = st.fixed_dictionaries(
    {
        "stage": st.sampled_from(["formal", "trial", "revoked", "preparing"]),
        "verification_due": st.none() | st.integers(0, 9).map(lambda n: f"2026-0{n // 5 + 1}-1{n % 5}"),
    }
)
CHANGES = st.lists(
    st.tuples(
        st.integers(0, 9).map(lambda n: START + dt.timedelta(days=40 * n)),
        st.one_of(
            st.dictionaries(st.sampled_from(["approvals.IVF", "approvals.AIH"]), STATED, min_size=1),
            st.sampled_from(["listed", "delisted"]).map(lambda word: {"status": word}),
        ),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=CHANGES)
def test_live_rebuilt_and_looked_up_day_by_day_agree(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple[dt.date, dict[str, object]]]
) -> None:
    database = a_database(tmp_path_factory.mktemp("due"))
    hospital: Draft = an_institution()
    enter(database, a_source(), hospital)
    for day, values in history:
        approve(database, propose(database, a_change(hospital, day, values, reason="示例")))
    live = rows(database)
    views.rebuild_views(database, "deadlines")
    assert rows(database) == live
    for on in (START, dt.date(2026, 1, 12), dt.date(2026, 2, 13), dt.date(2027, 1, 1)):
        assert {(one.path, one.day) for one in due(database, on)} == naive(database, code_of(hospital), on)
    database.close()


def rows(database: Database) -> list[tuple[object, ...]]:
    with database.reading() as connection:
        return sorted(tuple(row) for row in connection.execute(sa.select(table)))


def naive(database: Database, code: str, on: dt.date) -> set[tuple[str, dt.date]]:
    """Asked of the record of every day there is: today's for what is over, its own for what is to come."""
    found = set()
    with database.reading() as connection:
        size = store.read_head(connection).size
        days = [on, *(dt.date(2026, month, day) for month in (1, 2) for day in range(10, 15))]
        subject = [f"institution:{code}"]
        for day in {max(day, on) for day in days}:
            for one in lookup.read_institutions(connection, subject, AsOf(valid_on=day, size=size)):
                for held in one.approvals:
                    lawful = held.stage in ("formal", "trial") and one.status != "delisted"
                    if lawful and held.verification_due and max(held.verification_due, on) == day:
                        found.add((f"approvals.{held.technique}", held.verification_due))
    return found


def test_a_register_of_the_version_before_learns_what_falls_due_when_it_is_migrated(register: Database) -> None:
    before = rows(register)
    with register.writing() as connection:
        connection.execute(sa.delete(table))
        connection.execute(sa.text("DELETE FROM positions WHERE view = 'deadlines'"))
    views.catch_up(register)
    assert rows(register) == before


def test_what_an_institution_that_will_be_delisted_by_then_holds_falls_due_no_more(register: Database) -> None:
    enter(register, a_change(HOSPITAL, dt.date(2026, 3, 15), {"status": "delisted"}))
    assert told(due(register)) == [("certificate", "2026-02-15"), ("authorisation", "2026-03-10")]
