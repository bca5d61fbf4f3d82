"""What is counted from elsewhere in the register (editions, leads, questions of programs), and contacts with their
history and erasure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from registry import accounts
from registry.clients import keys
from registry.clients.keys import DailyUsage, NewKey
from registry.domain.model import Date
from registry.editions import plan
from registry.errors import Conflict, InvalidInput, NotAllowed
from registry.measures.departments import contacts
from registry.measures.departments.contacts import ContactOffice, ContactPerson
from registry.measures.report import report
from registry.measures.report.report import ReportPeriod
from registry.proposals import edition_proposals
from registry.records import asof
from registry.records.asof import get_day_start, to_milliseconds
from registry.storage.activity_tables import contact_people
from registry.storage.database import Database
from registry.storage.lead_tables import lead_steps, leads
from tests.factories import DAY, PASSWORD, a_source, an_institution, approve, enter
from tests.registers.test_measures_report import Source, a_source_of_reports

TODAY = asof.read_today()
TOMORROW, YEAR = TODAY + dt.timedelta(days=1), TODAY - dt.timedelta(days=365)
MONDAY = dt.date(2025, 7, 7)
NAME, NEXT = "示例联络员甲", "示例联络员乙"


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Source]:
    found = a_source_of_reports(tmp_path)
    yield found
    found.database.close()


# --- editions --------------------------------------------------------------------------------------------------------


def publish(database: Database) -> None:
    request = plan.EditionRequest(title="示例名单", as_of=DAY, scope="national")
    planned = plan.make_plan(database, request, "https://register.example")
    approve(database, edition_proposals.propose_edition(database, planned, by="publisher.a"))


def test_institutions_published_are_those_of_the_edition_that_counts(source: Source) -> None:
    database = source.database
    shenyang = an_institution("沈阳市示例医院", "沈阳市示例路2号", region="210102")
    enter(database, a_source(), an_institution(), shenyang)
    with database.writing() as connection:
        accounts.create_account(connection, "publisher.a", ["publisher"], PASSWORD)
    assert source.figures(ReportPeriod(YEAR, TODAY))["health-published"] is None
    publish(database)
    enter(database, an_institution("鞍山市示例乙医院", "辽宁省鞍山市铁西区示例路3号"))
    for region, count in (("", 2), ("210000", 2), ("210300", 1), ("110000", 0)):
        assert source.figures(ReportPeriod(YEAR, TODAY, region))["health-published"] == count
    before = TODAY - dt.timedelta(days=1)
    assert source.figures(ReportPeriod(YEAR, before))["health-published"] is None
    _, found = report.count_figure(source, "health-published", ReportPeriod(YEAR, TODAY))
    assert [one.path for one in found.entries] == ["/editions/1"]
    approve(database, edition_proposals.propose_withdrawal(database, "1", "示例理由", by="publisher.a"))
    assert source.figures(ReportPeriod(YEAR, TODAY))["health-published"] is None


# --- questions of programs -------------------------------------------------------------------------------------------


def test_advertisements_checked_are_the_questions_of_the_departments_keys(source: Source) -> None:
    period = ReportPeriod(YEAR, TODAY)
    assert source.figures(period)["market-checks"] is None
    with source.database.writing() as connection:
        office = NewKey("示例局", frozenset({"verify"}), department="market", region="210300")
        key, _ = keys.create_key(connection, office)
        other, _ = keys.create_key(connection, NewKey("示例单位", frozenset({"verify"})))
        rotated, _ = keys.rotate_key(connection, key.id)
        used = [
            DailyUsage(key.id, TODAY.isoformat(), "verifyBatch", 1, 70, 0),
            DailyUsage(rotated.id, TODAY.isoformat(), "verify", 3, 3, 1),
            DailyUsage(key.id, TODAY.isoformat(), "searchInstitutions", 9, 9, 0),
            DailyUsage(other.id, TODAY.isoformat(), "verify", 5, 5, 0),
        ]
        keys.add_usage(connection, used, {})
    assert (rotated.department, rotated.region) == ("market", "210300")
    assert source.figures(period)["market-checks"] == 73
    assert source.figures(ReportPeriod(YEAR, TODAY, "210000"))["market-checks"] == 73
    assert source.figures(ReportPeriod(YEAR, TODAY, "210200"))["market-checks"] is None
    assert source.figures(ReportPeriod(TOMORROW, TOMORROW))["market-checks"] == 0
    assert source.figures(ReportPeriod(Date(2020, 1, 1), Date(2020, 1, 31)))["market-checks"] is None


# --- leads -----------------------------------------------------------------------------------------------------------


def add_lead(database: Database, number: int, *steps: tuple[str, str]) -> None:
    """A lead of Monday with steps (action, department after it) on the days from then on."""
    with database.writing() as connection:
        row = {
            **{"id": number, "number": f"L{number}", "token": str(number), "kind": "surrogacy", "urgency": "normal"},
            **{
                "state": "received",
                "region": "210303",
                "department": "",
                "institution": "",
                "changed_at": 0,
                "due": "",
            },
            **{
                "received_at": to_milliseconds(get_day_start(MONDAY)),
                "outcome": "",
                "supervised_until": "",
                "steps": 1,
            },
        }
        connection.execute(sa.insert(leads).values(row))
        for step, (action, department) in enumerate((("receive", ""), *steps), start=1):
            at = to_milliseconds(get_day_start(MONDAY + dt.timedelta(days=step - 1)))
            connection.execute(
                sa.insert(lead_steps).values(
                    lead=number,
                    step=step,
                    at=at,
                    account="editor.a",
                    action=action,
                    region="210303",
                    department=department,
                    facts=b"{}",
                )
            )


def test_leads_are_counted_for_who_handed_them_on_and_who_got_them(source: Source) -> None:
    week = ReportPeriod(MONDAY, MONDAY + dt.timedelta(days=6))
    assert source.figures(week)["health-leads-departments"] is None
    add_lead(source.database, 1, ("assign", "market"), ("hand_over", "market"))
    add_lead(source.database, 2, ("assign", "police"), ("hand_over", "police"), ("answer", "police"))
    add_lead(source.database, 3, ("supervise", ""))
    found = source.figures(week)
    wanted = {"health-leads-departments": 1, "health-leads-judiciary": 1, "market-leads": 1, "police-leads": 1}
    wanted |= {"police-leads-answered": 1, "telecom-leads": 0, "health-supervised": 1}
    assert {code: found[code] for code in wanted} == wanted
    monday = source.figures(ReportPeriod(MONDAY, MONDAY))
    assert monday["health-leads-departments"] == 0 and monday["health-supervised"] is None
    _, count = report.count_figure(source, "market-leads", week)
    assert [(one.label, one.path) for one in count.entries] == [("L1", "/staff/leads/1")]
    assert source.figures(ReportPeriod(*week[:2], "110000"))["market-leads"] is None


# --- contacts --------------------------------------------------------------------------------------------------------


def an_office(**more: object) -> ContactOffice:
    values = {"department": "market", "region": "210300", "role": "liaison", "since": DAY, **more}
    return ContactOffice(**values)  # type: ignore[arg-type]


def test_a_contact_is_kept_current_with_who_it_was(source: Source) -> None:
    with source.database.writing() as connection:
        number = contacts.enter_contact(connection, an_office(), ContactPerson(name=NAME), "editor.a")
        contacts.correct_contact(connection, (number, 1), an_office(), ContactPerson(name=NEXT), "editor.b")
    with pytest.raises(Conflict), source.database.writing() as connection:
        contacts.correct_contact(connection, (number, 1), an_office(), ContactPerson(name=NAME), "editor.b")
    with source.database.writing() as connection:
        ended = an_office(until=DAY + dt.timedelta(days=9))
        contacts.correct_contact(connection, (number, 2), ended, ContactPerson(name=NEXT), "editor.b")
    with source.database.reading() as connection:
        contact = contacts.get_contact(connection, number, "editor.a")
        assert contacts.list_contacts(connection, "210200") == []
    names = [one.person and one.person.name for one in contact.versions]
    assert names == [NAME, NEXT, NEXT]
    assert [one.action for one in contact.versions] == ["enter", "correct", "end"]
    assert contact.is_in_office(DAY + dt.timedelta(days=9)) and not contact.is_in_office(DAY + dt.timedelta(days=10))


def test_who_a_contact_was_is_erased_and_the_office_stays(source: Source) -> None:
    with source.database.writing() as connection:
        accounts.create_account(connection, "admin.a", ["administrator"], PASSWORD)
        number = contacts.enter_contact(connection, an_office(), ContactPerson(name=NAME), "editor.a")
    with pytest.raises(NotAllowed):
        contacts.erase_contact(source.database, number, 1, "editor.a")
    assert contacts.erase_contact(source.database, number, 1, "admin.a")
    with source.database.reading() as connection:
        contact = contacts.get_contact(connection, number, "editor.a")
        assert connection.execute(sa.select(contact_people)).all() == []
    assert [(one.person, one.office.department) for one in contact.versions] == [(None, "market")] * 2
    file = source.database.find_file()
    assert file is not None and NAME.encode() not in file.read_bytes()
    with pytest.raises(Conflict), source.database.writing() as connection:
        contacts.correct_contact(connection, (number, 2), an_office(), ContactPerson(name=NAME), "editor.a")


def test_contacts_are_of_a_department_and_of_the_accounts_region(source: Source) -> None:
    with source.database.writing() as connection:
        accounts.create_account(connection, "editor.dalian", ["editor"], PASSWORD, region="210200")
        contacts.enter_contact(connection, an_office(), ContactPerson(name=NAME), "editor.a")
    for office, by, error in (
        (an_office(), "editor.dalian", NotAllowed),
        (an_office(department="nobody"), "editor.a", InvalidInput),
        (an_office(region="铁西"), "editor.a", InvalidInput),
        (an_office(), "approver.a", NotAllowed),
    ):
        with pytest.raises(error), source.database.writing() as connection:
            contacts.enter_contact(connection, office, ContactPerson(name=NAME), by)
    with pytest.raises(NotAllowed), source.database.reading() as connection:
        contacts.get_contact(connection, 1, "editor.dalian")
