"""The pages of leads: the list, one lead with its history, a step taken with it, its pictures and files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from registry.accounts import audit_log
from registry.domain import region_names, regions
from registry.errors import CannotSign, Conflict, FourEyesViolation, InvalidInput, NotFound
from registry.measures.department_table import list_departments
from registry.measures.leads import contents, duplicates, handover, rules, store
from registry.measures.leads.handover import HandoverFile, HandoverRequest
from registry.measures.leads.lead_handler import LeadHandler
from registry.measures.leads.model import (
    KINDS,
    LONGEST_NOTE,
    OUTCOMES,
    RESULTS,
    URGENCIES,
    Action,
    Lead,
    StepFacts,
)
from registry.staff.desk import Desk
from registry.staff.leads import lead_list
from registry.staff.leads.step_texts import describe_facts
from registry.staff.lists import list_page
from registry.texts import Message
from registry.web import body_limits

_HANDLERS = {"roles": ("editor", "approver")}
#: The fields of each step's form, in order; what is not a fact of the step has a meaning of its own here.
FIELDS: dict[Action, tuple[str, ...]] = {
    "triage": ("kind", "urgency", "region", "institution", "note"),
    "merge": ("into", "note"),
    "separate": ("note",),
    "assign": ("department", "region", "due", "note"),
    "hand_over": ("message", "with_contact"),
    "dispute": ("other_department", "other_region", "on", "note"),
    "act_first": ("on", "note"),
    "agree": ("department", "region", "due", "on", "note"),
    "refer": ("on", "note"),
    "designate": ("department", "region", "due", "on", "note"),
    "answer": ("result", "on", "note"),
    "request_closing": ("outcome", "note"),
    "refuse_closing": ("note",),
    "close": ("note",),
    "reopen": ("note",),
    "supervise": ("on", "until", "note"),
    "lift": ("on", "note"),
    "comment": ("note",),
    "show_contact": (),
}
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "kind": KINDS,
    "urgency": URGENCIES,
    "result": RESULTS,
    "outcome": OUTCOMES,
}
_PLACES = ("region", "other_region")


@get("/leads", opt=_HANDLERS, sync_to_thread=True)
def show_leads(desk: NamedDependency[Desk]) -> Response[Any]:
    """List the leads of the account's region."""
    return list_page.render_listing(desk, "leads", lead_list.open_lead_list)


@get("/leads.csv", opt={**_HANDLERS, "lane": "slow"}, sync_to_thread=True)
def download_leads(desk: NamedDependency[Desk]) -> Response[Any]:
    """Send the same as a file for a spreadsheet: nothing of what was reported."""
    return list_page.send_table(desk, "leads", lead_list.open_lead_list)


@get("/leads/{number:int}", opt=_HANDLERS, sync_to_thread=True)
def show_lead(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Show one lead: what was reported but for the contact, its history, and what may be done now."""
    return _render_lead(desk, number)


def _render_lead(desk: Desk, number: int, **more: Any) -> Response[Any]:
    """Render a lead. ``action``, ``form_values``, ``errors``: of a step that was refused; ``with_contact``."""
    vault = desk.register.leads.vault
    with desk.database.reading() as connection:
        lead = store.get_for_account(connection, number, desk.account)
        content = contents.read_content(connection, vault, number)
        history = store.list_steps(connection, number, vault)
        pictures = contents.list_pictures(connection, number)
        merged = store.list_merged(connection, number)
        possible = duplicates.find_duplicates(connection, vault, lead, desk.account) if _may_merge(lead) else []
    actions = rules.list_next_actions(lead, desk.account.roles)
    department = list_departments().get(lead.department)
    lang = desk.language.lang
    return desk.render_page(
        "lead",
        **{
            "lead": lead,
            "content": content,
            "history": [(step, describe_facts(desk.language, step)) for step in history],
            "pictures": pictures,
            "merged": merged,
            "possible": possible,
            "actions": [one for one in actions if one != "show_contact"],
            "may_show_contact": "show_contact" in actions and content is not None and bool(content.contact),
            "with_contact": False,
            "fields": FIELDS,
            "choices": _CHOICES,
            "departments": [(one.code, one.get_name(lang)) for one in list_departments().values()],
            "department": department.get_name(lang) if department else "",
            "action": "",
            "form_values": {},
            "longest_note": LONGEST_NOTE,
            **more,
        },
    )


def _may_merge(lead: Lead) -> bool:
    return rules.may_follow(lead, "merge")


@post(
    "/leads/{number:int}/step",
    opt=_HANDLERS,
    status_code=200,
    sync_to_thread=True,
    request_max_body_size=body_limits.TEXT,
)
def take_lead_step(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Take a step with a lead, and lead back to it; what cannot be taken is shown beside its form."""
    action = cast("Action", desk.read_field("action", 20))
    if action not in rules.RULES:
        raise NotFound(Message("此地址没有内容。"))
    values = {name: desk.read_field(name, LONGEST_NOTE + 1) for name in FIELDS[action]}
    try:
        facts, file = _read_facts(desk, values), None
        if action == "hand_over":
            file = _make_handover(desk, number, values)
            facts = msgspec.structs.replace(facts, sha256=file.sha256, receipt=" ".join(file.receipts) or None)
        _store_step(desk, number, action, facts, note=values.get("note", values.get("message", "")), file=file)
    except (InvalidInput, Conflict, FourEyesViolation, CannotSign) as error:
        field = str(error.details.get("field", ""))
        status = 400 if isinstance(error, InvalidInput) else 409
        errors = [(f"{action}-{field}" if field in FIELDS[action] else "", desk.get_text(error))]
        return _render_lead(desk, number, action=action, form_values=values, errors=errors, status=status)
    if action == "show_contact":
        return _render_lead(desk, number, with_contact=True)
    return desk.redirect_to(f"/staff/leads/{number}" if _is_inside(desk, number) else "/staff/leads")


def _is_inside(desk: Desk, number: int) -> bool:
    """Whether a lead is still in the account's region: it may have just been given to another place."""
    with desk.database.reading() as connection:
        return store.can_see(desk.account, store.get_lead(connection, number))


def _store_step(
    desk: Desk, number: int, action: Action, facts: StepFacts, *, note: str, file: HandoverFile | None
) -> None:
    vault = desk.register.leads.vault
    seen = int(text) if (text := desk.read_field("seen", 9)).isdigit() else 0
    with audit_log.act_from_address(desk.visitor.address), desk.database.writing() as connection:
        handler = LeadHandler(connection, vault, desk.account, desk.register.leads.calendar)
        lead = handler.take_step(number, action, facts, seen=seen, note=note)
        if file is not None:
            contents.insert_file(connection, vault, (number, lead.steps), file.name, file.body)


def _read_facts(desk: Desk, values: Mapping[str, str]) -> StepFacts:
    """Read the facts of a form; InvalidInput, naming the field, for what is no value of it."""
    facts: dict[str, Any] = {}
    for name, text in values.items():
        if not text or name not in StepFacts.__struct_fields__:
            continue
        if name in _CHOICES and text not in _CHOICES[name]:
            raise InvalidInput(Message("没有“{text}”这一项可选。", text=text[:40]), field=name)
        if name in _PLACES:
            facts[name] = desk.read_place(name)
            if regions.find_region(facts[name]) is None:
                raise InvalidInput(region_names.describe_unclear_place(text), field=name)
        elif name == "into":
            facts[name] = _read_lead_id(desk, text)
        else:
            facts[name] = text
    return StepFacts(**facts)


def _read_lead_id(desk: Desk, text: str) -> int:
    """Return the id of the lead that a text names, by its id or its number."""
    plain = text.lstrip("#")
    if plain.isascii() and plain.isdigit() and len(plain) < 10:
        return int(plain)
    try:
        number = desk.register.leads.find_state(text).number.replace("-", "")
        with desk.database.reading() as connection:
            return store.get_by_number(connection, number).id
    except (InvalidInput, NotFound) as error:
        raise InvalidInput(error.message, field="into") from error


def _make_handover(desk: Desk, number: int, values: Mapping[str, str]) -> HandoverFile:
    """Make the file of a lead, with the register's answers signed now about the day it came."""
    vault, lang = desk.register.leads.vault, desk.language.lang
    with desk.database.reading() as connection:
        lead = store.get_for_account(connection, number, desk.account)
        parts = handover.read_parts(connection, vault, lead)
    if not parts or not rules.may_follow(lead, "hand_over"):
        raise Conflict(Message("这条线索现在不能移交：尚未分派，或内容已按期删除。"))
    claims = handover.make_claims(lead, parts[0].content)
    answers = [desk.register.answer_claim(claim, lang) for claim in claims]
    request = HandoverRequest(
        public_url=desk.register.settings.public_url.rstrip("/"),
        at=desk.register.find_now(),
        lang=lang,
        message=values["message"],
        with_contact=bool(values["with_contact"]),
    )
    return handover.make_file(parts, answers, request)


@get("/leads/{number:int}/pictures/{position:int}", opt=_HANDLERS, sync_to_thread=True)
def show_picture(desk: NamedDependency[Desk], number: FromPath[int], position: FromPath[int]) -> Response[bytes]:
    """Show a picture of a lead."""
    with desk.database.reading() as connection:
        store.get_for_account(connection, number, desk.account)
        body = contents.read_picture(connection, desk.register.leads.vault, number, position)
    return Response(body, media_type="image/jpeg")


@get("/leads/{number:int}/files/{step:int}", opt={**_HANDLERS, "lane": "writes"}, sync_to_thread=True)
def download_file(desk: NamedDependency[Desk], number: FromPath[int], step: FromPath[int]) -> Response[bytes]:
    """Send a file as it was handed over; the download stands in the audit log."""
    with desk.database.writing() as connection:
        store.get_for_account(connection, number, desk.account)
        name, body = contents.read_file(connection, desk.register.leads.vault, number, step)
        desk.record_event(connection, "lead_file", f"lead:{number}")
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(body, media_type="application/zip", headers=headers)
