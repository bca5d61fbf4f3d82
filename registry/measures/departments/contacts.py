"""Members and liaison officers of departments: kept current with their history, for the staff alone, erasable.

Each version of a contact is a row that stays; who the person is stands in another table, from which erasing deletes it
together with every earlier version of it. No page for citizens, file, feed or log holds any of it.
"""

from __future__ import annotations

import datetime as dt
from itertools import groupby
from typing import Literal, get_args

import msgspec
import sqlalchemy as sa

from registry import accounts
from registry.accounts import audit_log, region_scope
from registry.domain import region_names, regions
from registry.domain.model import Date, Struct
from registry.errors import Conflict, InvalidInput, NotFound
from registry.log.clock import to_milliseconds
from registry.measures.department_table import get_department, list_departments
from registry.records import asof
from registry.storage.activity_tables import contact_people, contacts
from registry.storage.database import Database
from registry.texts import Message, PageText

Role = Literal["member", "liaison"]
ROLES: tuple[Role, ...] = get_args(Role)
Action = Literal["enter", "correct", "end", "erase"]
#: Characters of each value of a person at most.
LIMITS = {"name": 60, "post": 100, "telephone": 40, "email": 120}


class ContactPerson(Struct, frozen=True, kw_only=True):
    """Who a contact is: personal data."""

    name: str
    post: str = ""
    telephone: str = ""
    email: str = ""


class ContactOffice(Struct, frozen=True, kw_only=True):
    """What a contact is there for: no personal data. ``until``: the last day in office, None while it goes on."""

    department: str
    region: str
    role: Role
    since: Date
    until: Date | None = None


class ContactVersion(Struct, frozen=True):
    """One version; ``person`` is None once erased. ``at``: milliseconds since 1970."""

    version: int
    office: ContactOffice
    person: ContactPerson | None
    action: Action
    account: str
    at: int


class Contact(Struct, frozen=True):
    """One contact with every version, oldest first."""

    number: int
    versions: tuple[ContactVersion, ...]

    @property
    def current(self) -> ContactVersion:
        """What was stated last."""
        return self.versions[-1]

    def is_in_office(self, day: dt.date) -> bool:
        """Whether the contact is to be reached on a day, as far as is known."""
        office = self.current.office
        has_person = self.current.person is not None
        return has_person and office.since <= day and (office.until is None or office.until >= day)


def list_contacts(connection: sa.Connection, region: str = "", number: int | None = None) -> list[Contact]:
    """List the contacts of a region and what lies in it ("": of all), by department in the table's order."""
    query = sa.select(contacts, contact_people.c.person).outerjoin(
        contact_people, contact_people.c.contact == contacts.c.id
    )
    if number is not None:
        query = query.where(contacts.c.number == number)
    rows = connection.execute(query.order_by(contacts.c.number, contacts.c.version))
    found = [
        Contact(number, tuple(_read_version(row) for row in group))
        for number, group in groupby(rows, key=lambda row: row.number)
    ]
    order = list(list_departments())
    places = [one for one in found if not region or regions.is_inside(one.current.office.region, region)]
    return sorted(places, key=lambda one: (order.index(one.current.office.department), one.current.office.region))


def _read_version(row: sa.Row[tuple[object, ...]]) -> ContactVersion:
    fields = row._mapping
    office = {name: fields[name] or None for name in ContactOffice.__struct_fields__}
    person = fields["person"] and msgspec.json.decode(bytes(fields["person"]), type=ContactPerson)
    return ContactVersion(
        version=fields["version"],
        office=msgspec.convert(office, ContactOffice),
        person=person,
        action=fields["action"],
        account=fields["account"],
        at=fields["at"],
    )


def get_contact(connection: sa.Connection, number: int, by: str) -> Contact:
    """Return one contact; NotFound, NotAllowed for an account of another region."""
    found = list_contacts(connection, number=number)
    if not found:
        raise NotFound(Message("没有编号为{number}的联系人。", number=number))
    region_scope.require_place(connection, by, found[0].current.office.region)
    return found[0]


def enter_contact(connection: sa.Connection, office: ContactOffice, person: ContactPerson, by: str) -> int:
    """Enter a contact and return its number; InvalidInput names the field, NotAllowed for another region."""
    _require_valid(connection, office, person, by)
    number = (connection.execute(sa.select(sa.func.max(contacts.c.number))).scalar() or 0) + 1
    _append_version(connection, (number, 1), (office, person), "enter", by)
    return number


def correct_contact(
    connection: sa.Connection,
    place: tuple[int, int],
    office: ContactOffice,
    person: ContactPerson,
    by: str,
) -> None:
    """State a contact anew; ``place``: its number and last version, Conflict where another has come since."""
    number, version = place
    contact = _get_unchanged(connection, number, version, by)
    if contact.current.action == "erase":
        raise Conflict(Message("这位联系人的个人信息已清除，请另建一条。"))
    _require_valid(connection, office, person, by)
    action: Action = "end" if office.until is not None and contact.current.office.until is None else "correct"
    _append_version(connection, (number, version + 1), (office, person), action, by)


def erase_contact(database: Database, number: int, version: int, by: str) -> bool:
    """Delete who a contact was, in every version and from the database's own files; what office it was stays.

    By an administrator. False when the remains in the files could not be removed now: deleting goes on at the next.
    """
    with database.writing() as connection:
        accounts.require_role(connection, by, "administrator")
        contact = _get_unchanged(connection, number, version, by)
        ids = sa.select(contacts.c.id).where(contacts.c.number == number)
        connection.execute(sa.delete(contact_people).where(contact_people.c.contact.in_(ids)))
        _append_version(connection, (number, version + 1), (contact.current.office, None), "erase", by)
    return database.purge_deleted_rows([contact_people.name])


def _append_version(
    connection: sa.Connection,
    place: tuple[int, int],
    content: tuple[ContactOffice, ContactPerson | None],
    action: Action,
    by: str,
) -> None:
    office, person = content
    row = {name: value or "" for name, value in msgspec.to_builtins(office).items()}
    at = to_milliseconds(asof.find_now(connection))
    added = sa.insert(contacts).values(**row, number=place[0], version=place[1], action=action, account=by, at=at)
    identity = connection.execute(added.returning(contacts.c.id)).scalar_one()
    if person is not None:
        connection.execute(sa.insert(contact_people).values(contact=identity, person=msgspec.json.encode(person)))
    audit_log.record_event(connection, by, f"contact_{action}", str(place[0]))


def _get_unchanged(connection: sa.Connection, number: int, version: int, by: str) -> Contact:
    contact = get_contact(connection, number, by)
    if contact.current.version != version:
        raise Conflict(Message("这条记录在您打开之后有改动，没有执行。请重新打开。"))
    return contact


def _require_valid(connection: sa.Connection, office: ContactOffice, person: ContactPerson, by: str) -> None:
    accounts.require_role(connection, by, "editor")
    get_department(office.department)
    if regions.find_region(office.region) is None:
        raise InvalidInput(region_names.describe_unclear_place(office.region), field="region")
    region_scope.require_place(connection, by, office.region)
    if office.until is not None and office.until < office.since:
        raise InvalidInput(Message("截止日期早于开始日期，请核对。"), field="until")
    if not person.name:
        raise InvalidInput(Message("请填写“{field}”。", field=PageText("contact.name")), field="name")
    for field, limit in LIMITS.items():
        if len(getattr(person, field)) > limit:
            label = PageText(f"contact.{field}")
            raise InvalidInput(Message("“{field}”最多{limit}字。", field=label, limit=limit), field=field)
