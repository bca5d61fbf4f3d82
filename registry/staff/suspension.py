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
from registry.web import error_status

_STOPPERS = {"roles": ("editor", "approver")}
#: Where the page has what a refusal names.
_FIELDS = {"reason": "why", "techniques": "technique"}


@get("/suspend", opt=_STOPPERS, sync_to_thread=True)
def show_suspension_form(desk: NamedDependency[Desk]) -> Response[Any]:
    """The code of an institution; then what it offers, and what stopping it means."""
    code = str(desk.request.query_params.get("code") or "").strip()[:60]
    return (
        _render_suspension_form(desk, code)
        if code
        else desk.render_page("suspend", code="", institution=None, waiting=None)
    )


def _render_suspension_form(desk: Desk, code: str, **told: Any) -> Response[Any]:
    try:
        subject, institution = _get_institution(desk, code)
    except (InvalidInput, NotFound) as error:
        errors = [("code", error.get_text(desk.language.lang))]
        status = 404 if isinstance(error, NotFound) else 400
        return desk.render_page("suspend", status=status, code=code, institution=None, waiting=None, errors=errors)
    with desk.database.reading() as connection:
        waiting = find_pending_confirmation(connection, subject)
    offered = [one for one in institution.approvals if one.stage in LAWFUL_STAGES]
    return desk.render_page("suspend", code=code, institution=institution, offered=offered, waiting=waiting, **told)


def _get_institution(desk: Desk, code: str) -> tuple[str, Institution]:
    with desk.database.reading() as connection:
        subject = changeset.resolve_subject(connection, code, ["institution"])
    return subject, desk.register.get_institution(subject.partition(":")[2], desk.register.make_as_of_now())


@post("/suspend", opt={**_STOPPERS, "proof": True}, status_code=200, sync_to_thread=True)
def suspend_institution(desk: NamedDependency[Desk]) -> Response[Any]:
    """At once; then the page of what waits to be confirmed."""
    code, reason = desk.read_field("code"), desk.read_field("why", LONGEST + 1)
    chosen = [str(one) for one in desk.form.getall("technique", [])]
    told = {"why": reason, "chosen": chosen}
    try:
        if not chosen:
            raise InvalidInput("请勾选要暂停的技术。", "Tick the techniques to suspend.", field="techniques")
        subject, _ = _get_institution(desk, code)
        with audit_log.act_from_address(desk.visitor.address):
            done = proposals.suspend(
                desk.database, subject, chosen, by=desk.account.name, reason=reason, log=desk.register.log
            )
    except (InvalidInput, Conflict, NotAllowed) as refusal:
        if not isinstance(refusal, InvalidInput):
            record_refusal(desk.request, refusal)
        field = _FIELDS.get(refusal.details.get("field", ""), "")
        return _render_suspension_form(
            desk,
            code,
            status=error_status.get_status(refusal),
            errors=[(field, refusal.get_text(desk.language.lang))],
            **told,
        )
    return desk.redirect_to(f"/staff/proposals/{done.waiting}")


handlers = [show_suspension_form, suspend_institution]
