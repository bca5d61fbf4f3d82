"""A draft before it is proposed: what it would change, what to confirm, and what moved under it."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from registry.accounts import audit_log
from registry.errors import Conflict, InvalidInput, NotAllowed
from registry.staff.desk import Desk
from registry.staff.draft_pages import EDITORS, render_form_errors
from registry.staff.errors import record_refusal
from registry.staff.form_labels import FormLabels
from registry.staff.forms import form_drafts, submit
from registry.staff.forms.checks import Finding, to_finding
from registry.staff.forms.form_drafts import FormDraft
from registry.staff.forms.review import Review, merge_with_record, review_form
from registry.storage.attachments import find_attachment
from registry.web import body_limits


@get("/drafts/{number:int}/check", opt=EDITORS, sync_to_thread=True)
def show_draft_check(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """What will change field by field, and the warnings to confirm."""
    return _render_check_page(desk, number, [])


@post(
    "/drafts/{number:int}/propose",
    opt=EDITORS,
    status_code=200,
    sync_to_thread=True,
    request_max_body_size=body_limits.TEXT,
)
def propose_draft(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Put it before a second person; the draft is gone then. Whatever stands in the way, the draft stays."""
    confirmed = frozenset(str(key) for key in desk.form.getall("confirm", []))
    try:
        with audit_log.act_from_address(desk.visitor.address):
            made, looked = submit.propose_form(desk.database, number, desk.account.name, confirmed, desk.register.log)
    except (InvalidInput, Conflict, NotAllowed) as refusal:
        if not isinstance(refusal, InvalidInput):
            record_refusal(desk.request, refusal)
        return _render_check_page(desk, number, [to_finding(refusal)])
    if made is not None:
        return desk.redirect_to(f"/staff/proposals/{made}")
    missing = [one for one in looked.warnings if one.key not in confirmed]
    return _render_check_page(desk, number, _make_confirmation_errors(missing))


def _make_confirmation_errors(missing: list[Finding]) -> list[Finding]:
    return [
        Finding(level="error", field=f"confirm-{one.key}", zh="请核实后勾选确认。", en="Look into this and confirm it.")
        for one in missing
    ]


@post(
    "/drafts/{number:int}/join",
    opt=EDITORS,
    status_code=200,
    sync_to_thread=True,
    request_max_body_size=body_limits.TEXT,
)
def merge_draft(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Go on from what is recorded now, with what was typed kept where nobody chose otherwise."""
    with desk.database.writing() as connection:
        one = form_drafts.get_draft(connection, number, desk.account.name)
        take = frozenset(name.removeprefix("take-") for name, value in desk.form.multi_items() if value == "theirs")
        typed, base, size = merge_with_record(connection, one, take)
        filled = msgspec.structs.replace(one.filled, typed=typed, base=base, confirmed=())
        form_drafts.save_draft(connection, one, filled, base_size=size)
    return desk.redirect_to(f"/staff/drafts/{number}", said="joined")


def _render_check_page(desk: Desk, number: int, errors: list[Finding]) -> Response[Any]:
    with desk.database.reading() as connection:
        one = form_drafts.get_draft(connection, number, desk.account.name)
        looked = review_form(connection, one)
        if looked.moved:
            return _render_conflict_page(desk, one, looked)
        if looked.errors or looked.composed is None:
            return render_form_errors(desk, connection, one, looked.errors)
        words = FormLabels(desk.language, one.kind)
        attachment = one.filled.attachment
        return desk.render_page(
            "check",
            status=400 if errors else 200,
            errors=[(error.field, error.get_text(desk.language.lang)) for error in errors],
            draft=one,
            words=words,
            looked=looked,
            composed=looked.composed,
            rows=[words.describe_change(difference) for difference in looked.composed.differences],
            confirmed=set(one.filled.confirmed),
            elsewhere=form_drafts.list_concurrent_edits(connection, looked.composed.subject, one.account),
            attachment=find_attachment(connection, attachment) if attachment else None,
        )


def _render_conflict_page(desk: Desk, one: FormDraft, looked: Review) -> Response[Any]:
    return desk.render_page(
        "moved", status=409, draft=one, points=looked.moved, words=FormLabels(desk.language, one.kind)
    )


handlers = [show_draft_check, propose_draft, merge_draft]
