"""Members and liaison officers of each department in a region: who is to be reached, since when, and who was before."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from registry.accounts import audit_log
from registry.domain.model import Date
from registry.errors import Conflict, InvalidInput, NotAllowed, RegistryError
from registry.measures.department_table import list_departments
from registry.measures.departments import contacts
from registry.measures.departments.contacts import LIMITS, ROLES, ContactOffice, ContactPerson
from registry.records.asof import parse_day
from registry.staff.desk import EDITORS, TEXT_FORM, Desk, parse_number
from registry.staff.errors import record_refusal
from registry.staff.forms.forms import normalise_day
from registry.staff.lists import list_page
from registry.texts import Message
from registry.web import body_limits, error_status

_REFUSALS = (InvalidInput, Conflict, NotAllowed)
_OFFICE = ("department", "region", "role", "since", "until")
_ERASING: dict[str, Any] = {
    **{"opt": {"roles": ("administrator",)}, "status_code": 200, "sync_to_thread": True},
    "request_max_body_size": body_limits.TEXT,
}


@get("/measures/contacts", sync_to_thread=True)
def show_contacts(desk: NamedDependency[Desk]) -> Response[Any]:
    """Show whom to reach in each department of a region today; a department without anybody is named as such."""
    region = str(desk.request.query_params.get("region") or desk.account.region).replace(list_page.EVERY, "")[:6]
    today = desk.register.make_as_of_now().valid_on
    with desk.database.reading() as connection:
        every = [one for one in contacts.list_contacts(connection, region) if desk.may_reach(one.current.office.region)]
    return desk.render_page(
        "contacts",
        departments=list(list_departments().values()),
        current=[one for one in every if one.is_in_office(today)],
        former=[one for one in every if not one.is_in_office(today)],
        region=region,
        region_filter=list_page.make_region_filter(desk, region),
    )


@get("/measures/contacts/new", opt=EDITORS, sync_to_thread=True)
def show_new_contact_form(desk: NamedDependency[Desk]) -> Response[Any]:
    """Show the empty form of a contact."""
    department = str(desk.request.query_params.get("department") or "")[:30]
    today = desk.register.make_as_of_now().valid_on
    region = str(desk.request.query_params.get("region") or desk.account.region)[:6]
    fields = {"department": department, "region": region, "role": "liaison", "since": today.isoformat()}
    return _render_form(desk, "/staff/measures/contacts", fields)


def _render_form(desk: Desk, action: str, fields: dict[str, Any], **values: Any) -> Response[Any]:
    return desk.render_page(
        "contact_form",
        action=action,
        fields={**dict.fromkeys((*_OFFICE, *LIMITS), ""), **fields},
        departments=list(list_departments().values()),
        roles=ROLES,
        **{"version": 0, **values},
    )


def _read_fields(desk: Desk) -> dict[str, str]:
    fields = {name: desk.read_field(name, LIMITS.get(name, 40) + 1) for name in (*_OFFICE, *LIMITS)}
    return {**fields, "region": desk.read_place("region")}


def _make_contact(fields: dict[str, str]) -> tuple[ContactOffice, ContactPerson]:
    """Make a contact of what was typed; InvalidInput names the field."""
    role = next((one for one in ROLES if one == fields["role"]), None)
    if role is None:
        raise InvalidInput(Message("请选择是成员还是联络员。"), field="role")
    since = _read_day(fields, "since")
    if since is None:
        raise InvalidInput(Message("请填写日期。"), field="since")
    office = ContactOffice(
        department=fields["department"],
        region=fields["region"],
        role=role,
        since=since,
        until=_read_day(fields, "until"),
    )
    return office, ContactPerson(**{name: fields[name] for name in LIMITS})


def _read_day(fields: dict[str, str], name: str) -> Date | None:
    try:
        return parse_day(normalise_day(fields[name])) if fields[name] else None
    except InvalidInput:
        message = Message("“{text}”不是日期，请写成 2025-07-01 这样。", text=fields[name][:20])
        raise InvalidInput(message, field=name) from None


@post("/measures/contacts", **TEXT_FORM)
def enter_contact(desk: NamedDependency[Desk]) -> Response[Any]:
    """Enter a contact."""
    fields = _read_fields(desk)
    try:
        office, person = _make_contact(fields)
        with audit_log.act_from_address(desk.visitor.address), desk.database.writing() as connection:
            number = contacts.enter_contact(connection, office, person, desk.account.name)
    except _REFUSALS as error:
        return _render_form(desk, "/staff/measures/contacts", fields, **_describe_refusal(desk, error))
    return desk.redirect_to(f"/staff/measures/contacts/{number}")


def _describe_refusal(desk: Desk, error: RegistryError) -> dict[str, Any]:
    if isinstance(error, NotAllowed):
        record_refusal(desk.request, error)
    return {"status": error_status.get_status(error), "errors": desk.list_errors(error, "")}


@get("/measures/contacts/{number:int}", sync_to_thread=True)
def show_contact(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Show one contact with every version of it."""
    return _render_contact(desk, number)


def _render_contact(desk: Desk, number: int, **values: Any) -> Response[Any]:
    with desk.database.reading() as connection:
        contact = contacts.get_contact(connection, number, desk.account.name)
    return desk.render_page("contact", contact=contact, departments=list_departments(), **values)


@get("/measures/contacts/{number:int}/correct", opt=EDITORS, sync_to_thread=True)
def show_contact_correction_form(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Show the form of a contact as it was stated last."""
    with desk.database.reading() as connection:
        current = contacts.get_contact(connection, number, desk.account.name).current
    if current.person is None:
        raise Conflict(Message("这位联系人的个人信息已清除，请另建一条。"))
    office = {name: getattr(current.office, name) for name in _OFFICE}
    person = {name: getattr(current.person, name) for name in LIMITS}
    fields = {name: "" if value is None else str(value) for name, value in {**office, **person}.items()}
    return _render_form(desk, f"/staff/measures/contacts/{number}/correct", fields, version=current.version)


@post("/measures/contacts/{number:int}/correct", **TEXT_FORM)
def correct_contact(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """State a contact anew; with a last day, end it."""
    fields, version = _read_fields(desk), parse_number(desk.read_field("version")) or 0
    try:
        office, person = _make_contact(fields)
        with audit_log.act_from_address(desk.visitor.address), desk.database.writing() as connection:
            contacts.correct_contact(connection, (number, version), office, person, desk.account.name)
    except _REFUSALS as error:
        action = f"/staff/measures/contacts/{number}/correct"
        return _render_form(desk, action, fields, version=version, **_describe_refusal(desk, error))
    return desk.redirect_to(f"/staff/measures/contacts/{number}")


@post("/measures/contacts/{number:int}/erase", **_ERASING)
def erase_contact(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Delete who a contact was, in every version."""
    version = parse_number(desk.read_field("version")) or 0
    try:
        with audit_log.act_from_address(desk.visitor.address):
            contacts.erase_contact(desk.database, number, version, desk.account.name)
    except _REFUSALS as error:
        return _render_contact(desk, number, **_describe_refusal(desk, error))
    return desk.redirect_to(f"/staff/measures/contacts/{number}")
