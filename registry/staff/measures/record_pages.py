"""What was done, entered once: lists by kind, a form for each, every version of a record, a second person's word."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from registry.accounts import audit_log
from registry.domain.model import Date
from registry.errors import Conflict, FourEyesViolation, InvalidInput, NotAllowed, NotFound, RegistryError
from registry.measures.activities import store
from registry.measures.activities.facts import FIELDS, KINDS, LIMITS, OPTIONAL, PUBLISHED, ActivityFacts, Kind
from registry.measures.department_table import get_leading_department, list_departments
from registry.measures.figure_table import FIGURES
from registry.records.asof import parse_day
from registry.staff.desk import EDITORS, TEXT_FORM, Desk, parse_number
from registry.staff.errors import record_refusal
from registry.staff.forms.forms import normalise_day
from registry.staff.lists import list_page
from registry.texts import Message
from registry.web import body_limits, error_status

#: Records shown of a kind, the latest first.
_SHOWN = 200
_REFUSALS = (InvalidInput, Conflict, NotAllowed, FourEyesViolation)
_DECISIONS: dict[str, Any] = {
    **{"opt": {"roles": ("editor", "approver")}, "status_code": 200, "sync_to_thread": True},
    "request_max_body_size": body_limits.TEXT,
}


def _read_kind(text: str) -> Kind:
    kind = next((one for one in KINDS if one == text), None)
    if kind is None:
        raise NotFound(Message("此地址没有内容。"))
    return kind


@get("/measures/records", sync_to_thread=True)
def show_records(desk: NamedDependency[Desk]) -> Response[Any]:
    """List the records of one kind, the latest first."""
    kind = _read_kind(str(desk.request.query_params.get("kind") or KINDS[0]))
    region = str(desk.request.query_params.get("region") or desk.account.region).replace(list_page.EVERY, "")[:6]
    with desk.database.reading() as connection:
        found = [one for one in store.list_records(connection, (kind,), region) if _may_see(desk, one)]
    found.sort(key=lambda one: (one.current.facts.since, one.number), reverse=True)
    return desk.render_page(
        "measures_records",
        kind=kind,
        kinds=KINDS,
        published=PUBLISHED,
        found=found[:_SHOWN],
        more=max(0, len(found) - _SHOWN),
        query={"kind": kind, "region": region},
        region_filter=list_page.make_region_filter(desk, region),
        may_enter=desk.has_role("editor"),
    )


def _may_see(desk: Desk, record: store.ActivityRecord) -> bool:
    return desk.may_reach(record.current.facts.region)


@get("/measures/records/new", opt=EDITORS, sync_to_thread=True)
def show_new_form(desk: NamedDependency[Desk]) -> Response[Any]:
    """Show the empty form of a kind."""
    kind = _read_kind(str(desk.request.query_params.get("kind") or ""))
    figure = str(desk.request.query_params.get("figure") or "")[:40]
    fields = {"region": desk.account.region, "department": get_leading_department().code, "figure": figure}
    return _render_form(desk, kind, "/staff/measures/records", fields)


def _render_form(desk: Desk, kind: Kind, action: str, fields: dict[str, Any], **values: Any) -> Response[Any]:
    return desk.render_page(
        "measures_form",
        kind=kind,
        action=action,
        fields=fields,
        names=FIELDS[kind],
        optional=OPTIONAL[kind],
        is_published=kind in PUBLISHED,
        departments=list(list_departments().values()),
        figures=FIGURES,
        **{"version": 0, **values},
    )


def _read_fields(desk: Desk, kind: Kind) -> dict[str, Any]:
    """Read what was typed, as text."""
    fields: dict[str, Any] = {}
    for name in FIELDS[kind]:
        if name == "departments":
            fields[name] = [str(one)[:30] for one in desk.form.getall(name, [])][:40]
        elif name == "region":
            fields[name] = desk.read_place(name)
        else:
            fields[name] = desk.read_field(name, LIMITS.get(name, 40) + 1)
    return fields


def _make_facts(fields: dict[str, Any]) -> ActivityFacts:
    """Make the facts of what was typed; InvalidInput names the field."""
    values: dict[str, Any] = dict(fields)
    for name in ("since", "until"):
        if name in fields:
            values[name] = _read_day(fields[name], name)
    if values["since"] is None:
        raise InvalidInput(Message("请填写日期。"), field="since")
    if "people" in fields:
        values["people"] = _read_people(fields["people"])
    if "value" in fields:
        values["value"] = _read_value(fields["value"])
    if "departments" in fields:
        values["departments"] = tuple(fields["departments"])
    return ActivityFacts(**values)


def _read_day(text: str, name: str) -> Date | None:
    try:
        return parse_day(normalise_day(text)) if text else None
    except InvalidInput:
        message = Message("“{text}”不是日期，请写成 2025-07-01 这样。", text=text[:20])
        raise InvalidInput(message, field=name) from None


def _read_people(text: str) -> int | None:
    number = parse_number(text.replace(",", ""), digits=9)
    if text and number is None:
        raise InvalidInput(Message("人数须为整数；不清楚的留空，不写0。"), field="people")
    return number


def _read_value(text: str) -> Decimal | None:
    try:
        return Decimal(text.replace(",", "").replace("%", "")) if text else None
    except InvalidOperation:
        raise InvalidInput(Message("数值须为0或正数。"), field="value") from None


@post("/measures/records", **TEXT_FORM)
def enter_record(desk: NamedDependency[Desk]) -> Response[Any]:
    """Enter a record."""
    kind = _read_kind(desk.read_field("kind"))
    fields = _read_fields(desk, kind)
    try:
        facts = _make_facts(fields)
        with audit_log.act_from_address(desk.visitor.address), desk.database.writing() as connection:
            number = store.enter_activity(connection, kind, facts, desk.account.name)
    except _REFUSALS as error:
        return _render_form(desk, kind, "/staff/measures/records", fields, **_describe_refusal(desk, error))
    return desk.redirect_to(f"/staff/measures/records/{number}")


def _describe_refusal(desk: Desk, error: RegistryError) -> dict[str, Any]:
    if isinstance(error, NotAllowed | FourEyesViolation):
        record_refusal(desk.request, error)
    return {"status": error_status.get_status(error), "errors": desk.list_errors(error, "")}


@get("/measures/records/{number:int}", sync_to_thread=True)
def show_record(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Show one record with every version of it, and what can be done with it."""
    return _render_record(desk, number)


def _render_record(desk: Desk, number: int, **values: Any) -> Response[Any]:
    with desk.database.reading() as connection:
        record = store.get_record(connection, number, desk.account.name)
    return desk.render_page(
        "measures_record",
        record=record,
        names=FIELDS[record.kind],
        is_published=record.kind in PUBLISHED,
        departments=list_departments(),
        may_confirm=record.is_open and desk.has_role("approver") and desk.account.name not in record.touched_by,
        **values,
    )


@get("/measures/records/{number:int}/correct", opt=EDITORS, sync_to_thread=True)
def show_correction_form(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Show the form of a record as it was stated last."""
    with desk.database.reading() as connection:
        record = store.get_record(connection, number, desk.account.name)
    current = record.current.facts
    fields = {name: getattr(current, name) for name in FIELDS[record.kind]}
    shown = {name: "" if value is None else value for name, value in fields.items()}
    action = f"/staff/measures/records/{number}/correct"
    return _render_form(desk, record.kind, action, shown, version=record.current.version)


@post("/measures/records/{number:int}/correct", **TEXT_FORM)
def correct_record(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """State a record anew."""
    with desk.database.reading() as connection:
        kind = store.get_record(connection, number, desk.account.name).kind
    fields, version = _read_fields(desk, kind), parse_number(desk.read_field("version")) or 0
    try:
        facts = _make_facts(fields)
        with audit_log.act_from_address(desk.visitor.address), desk.database.writing() as connection:
            store.correct_activity(connection, number, version, facts, desk.account.name)
    except _REFUSALS as error:
        action = f"/staff/measures/records/{number}/correct"
        return _render_form(desk, kind, action, fields, version=version, **_describe_refusal(desk, error))
    return desk.redirect_to(f"/staff/measures/records/{number}")


@post("/measures/records/{number:int}", **_DECISIONS)
def decide_record(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Confirm what was stated last, or withdraw the record, by the button pressed."""
    action, version = desk.read_field("action"), parse_number(desk.read_field("version")) or 0
    try:
        with audit_log.act_from_address(desk.visitor.address), desk.database.writing() as connection:
            if action == "confirm":
                store.confirm_activity(connection, number, version, desk.account.name)
            elif action == "withdraw":
                store.withdraw_activity(connection, number, version, desk.account.name)
            else:
                raise InvalidInput(Message("没有这样的操作。"))
    except _REFUSALS as error:
        return _render_record(desk, number, **_describe_refusal(desk, error))
    return desk.redirect_to(f"/staff/measures/records/{number}")
