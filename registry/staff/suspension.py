"""Emergency suspension: one person stops a site at once, and another confirms it within a day."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency

from registry import proposals
from registry.accounts import audit_log
from registry.domain.model import Institution
from registry.domain.techniques import LAWFUL_STAGES
from registry.errors import Conflict, InvalidInput, NotAllowed, NotFound
from registry.proposals import changeset
from registry.proposals.emergency import LONGEST, find_pending_confirmation
from registry.staff.desk import Desk
from registry.staff.errors import record_refusal
from registry.texts import Message
from registry.web import error_status

_SUSPENDERS = {"roles": ("editor", "approver")}
#: The field of the page for the field an error names.
_FIELDS = {"reason": "why", "techniques": "technique"}


@get("/suspend", opt=_SUSPENDERS, sync_to_thread=True)
def show_suspension_form(desk: NamedDependency[Desk]) -> Response[Any]:
    """Show the form for the code of an institution; then what it offers, and what stopping it means."""
    code = str(desk.request.query_params.get("code") or "").strip()[:60]
    return (
        _render_suspension_form(desk, code)
        if code
        else desk.render_page("suspend", code="", institution=None, waiting=None)
    )


def _render_suspension_form(desk: Desk, code: str, **values: Any) -> Response[Any]:
    try:
        subject, institution = _get_institution(desk, code)
    except (InvalidInput, NotFound) as error:
        errors = [("code", desk.get_text(error))]
        status = 404 if isinstance(error, NotFound) else 400
        return desk.render_page("suspend", status=status, code=code, institution=None, waiting=None, errors=errors)
    with desk.database.reading() as connection:
        waiting = find_pending_confirmation(connection, subject)
    offered = [approval for approval in institution.approvals if approval.stage in LAWFUL_STAGES]
    return desk.render_page("suspend", code=code, institution=institution, offered=offered, waiting=waiting, **values)


def _get_institution(desk: Desk, code: str) -> tuple[str, Institution]:
    with desk.database.reading() as connection:
        subject = changeset.resolve_subject(connection, code, ["institution"])
    return subject, desk.register.get_institution(subject.partition(":")[2], desk.register.make_as_of_now())


@post("/suspend", opt={**_SUSPENDERS, "proof": True}, status_code=200, sync_to_thread=True)
def suspend_institution(desk: NamedDependency[Desk]) -> Response[Any]:
    """Suspend at once; then go to the page of the proposal that waits to be confirmed."""
    code, reason = desk.read_field("code"), desk.read_field("why", LONGEST + 1)
    chosen = [str(technique) for technique in desk.form.getall("technique", [])]
    try:
        if not chosen:
            raise InvalidInput(Message("请勾选要暂停的技术。"), field="techniques")
        subject, _ = _get_institution(desk, code)
        with audit_log.act_from_address(desk.visitor.address):
            suspension = proposals.suspend(
                desk.database, subject, chosen, by=desk.account.name, reason=reason, log=desk.register.log
            )
    except (InvalidInput, Conflict, NotAllowed) as error:
        if not isinstance(error, InvalidInput):
            record_refusal(desk.request, error)
        errors = [(_FIELDS.get(error.details.get("field", ""), ""), desk.get_text(error))]
        status = error_status.get_status(error)
        return _render_suspension_form(desk, code, status=status, errors=errors, why=reason, chosen=chosen)
    return desk.redirect_to(f"/staff/proposals/{suspension.waiting}")


handlers = [show_suspension_form, suspend_institution]
