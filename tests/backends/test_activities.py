"""Activities, contacts and the report on both databases."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa

from registry import accounts
from registry.editions.service import Editions
from registry.log.publish import PublishedLog
from registry.measures.activities import store
from registry.measures.activities.facts import ActivityFacts
from registry.measures.departments import contacts
from registry.measures.departments.contacts import ContactOffice, ContactPerson
from registry.measures.report.report import ReportPeriod
from registry.settings import Settings
from registry.storage.activity_tables import activities, contact_people
from registry.storage.activity_tables import contacts as contact_rows
from registry.storage.database import Database
from tests.factories import DAY, PASSWORD
from tests.registers.test_measures_report import Source

EVENT = ActivityFacts(since=DAY, region="210303", title="示例", place="示例广场", department="health", people=300)


def test_an_event_is_counted_and_a_contact_erased(database: Database, tmp_path: Path) -> None:
    with database.writing() as connection:
        accounts.create_account(connection, "admin.a", ["administrator"], PASSWORD)
        number = store.enter_activity(connection, "publicity", EVENT, "editor.a")
        store.confirm_activity(connection, number, 1, "approver.a")
        office = ContactOffice(department="market", region="210300", role="member", since=DAY)
        contact = contacts.enter_contact(connection, office, ContactPerson(name="示例成员"), "editor.a")
    place = Settings(data_dir=tmp_path)
    source = Source(database, Editions(database, PublishedLog(place), place))
    found = source.figures(ReportPeriod(DAY, DAY + dt.timedelta(days=30), "210000"))
    assert (found["health-publicity"], found["health-publicity-people"], found["health-cases"]) == (1, 300, None)
    contacts.erase_contact(database, contact, 1, "admin.a")
    with database.reading() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(contact_people)).scalar() == 0
        assert [one.person for one in contacts.get_contact(connection, contact, "editor.a").versions] == [None, None]
    for table in (activities, contact_rows):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), database.writing() as connection:
            connection.execute(sa.update(table).values(account="editor.b"))
