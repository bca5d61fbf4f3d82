"""Emergency suspension: one person stops a site at once, and another confirms it within a day."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency

from registry import drafts, proposals, trail
from registry.errors import Conflict, InvalidInput, NotAllowed, NotFound
from registry.model import Institution
from registry.proposals.emergency import LONGEST, waiting_about
from registry.staff.desk import Desk
from registry.staff.errors import note
from registry.techniques import LAWFUL_STAGES
from registry.web import statuses

_STOPPERS = {"roles": ("editor", "approver")}
#: Where the page has what a refusal names.
_FIELDS = {"reason": "why", "techniques": "technique"}


@get("/suspend", opt=_STOPPERS, sync_to_thread=True)
def form(desk: NamedDependency[Desk]) -> Response[Any]:
    """The code of an institution; then what it offers, and what stopping it means."""
    code = str(desk.request.query_params.get("code") or "").strip()[:60]
    return _form(desk, code) if code else desk.page("suspend", code="", institution=None, waiting=None)


def _form(desk: Desk, code: str, **told: Any) -> Response[Any]:
    try:
        subject, institution = _found(desk, code)
    except (InvalidInput, NotFound) as error:
        errors = [("code", error.text(desk.voice.lang))]
        status = 404 if isinstance(error, NotFound) else 400
        return desk.page("suspend", status=status, code=code, institution=None, waiting=None, errors=errors)
    with desk.database.reading() as connection:
        waiting = waiting_about(connection, subject)
    offered = [one for one in institution.approvals if one.stage in LAWFUL_STAGES]
    return desk.page("suspend", code=code, institution=institution, offered=offered, waiting=waiting, **told)


def _found(desk: Desk, code: str) -> tuple[str, Institution]:
    with desk.database.reading() as connection:
        subject = drafts.subject_of(connection, code, ["institution"])
    return subject, desk.register.institution(subject.partition(":")[2], desk.register.now())


@post("/suspend", opt={**_STOPPERS, "proof": True}, status_code=200, sync_to_thread=True)
def suspend(desk: NamedDependency[Desk]) -> Response[Any]:
    """At once; then the page of what waits to be confirmed."""
    code, reason = desk.given("code"), desk.given("why", LONGEST + 1)
    chosen = [str(one) for one in desk.form.getall("technique", [])]
    told = {"why": reason, "chosen": chosen}
    try:
        if not chosen:
            raise InvalidInput("请勾选要暂停的技术。", "Tick the techniques to suspend.", field="techniques")
        subject, _ = _found(desk, code)
        with trail.acting_from(desk.visitor.address):
            done = proposals.suspend(
                desk.database, subject, chosen, by=desk.account.name, reason=reason, log=desk.register.log
            )
    except (InvalidInput, Conflict, NotAllowed) as refusal:
        if not isinstance(refusal, InvalidInput):
            note(desk.request, refusal)
        field = _FIELDS.get(refusal.details.get("field", ""), "")
        return _form(
            desk, code, status=statuses.status_of(refusal), errors=[(field, refusal.text(desk.voice.lang))], **told
        )
    return desk.go(f"/staff/proposals/{done.waiting}")


handlers = [form, suspend]
