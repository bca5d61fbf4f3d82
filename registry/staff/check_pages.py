"""The page of answers, on which a form is checked before it is proposed; proposing it, bringing it up to the record."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from registry.accounts import audit_log
from registry.errors import Conflict, InvalidInput, NotAllowed
from registry.proposals import verdict_days
from registry.staff.desk import EDITORS, TEXT_FORM, Desk
from registry.staff.errors import record_refusal
from registry.staff.forms import answers, form_drafts, form_steps, record_values, submit
from registry.staff.forms.checks import Finding, make_error, to_finding
from registry.staff.forms.form_drafts import FormDraft
from registry.staff.forms.review import list_field_changes, merge_with_record, review_form
from registry.staff.i18n import FormLabels
from registry.storage.attachments import find_attachment
from registry.texts import Message


@get("/drafts/{number:int}/check", opt=EDITORS, sync_to_thread=True)
def show_draft_check(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Show every answer, what is wrong, what will change, and the warnings to confirm."""
    return _render_check_page(desk, number, [])


@post("/drafts/{number:int}/propose", **TEXT_FORM)
def propose_draft(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Propose a draft, which is deleted then. If something stands in the way, the draft stays."""
    confirmed = frozenset(str(key) for key in desk.form.getall("confirm", []))
    try:
        with audit_log.act_from_address(desk.visitor.address):
            proposal, review = submit.propose_form(
                desk.database, number, desk.account.name, confirmed, desk.register.log
            )
    except (InvalidInput, Conflict, NotAllowed) as refusal:
        if not isinstance(refusal, InvalidInput):
            record_refusal(desk.request, refusal)
        return _render_check_page(desk, number, [to_finding(refusal)])
    if proposal is not None:
        return desk.redirect_to(f"/staff/proposals/{proposal}")
    unconfirmed = [warning.key for warning in review.warnings if warning.key not in confirmed]
    message = Message("请核实后勾选确认。")
    return _render_check_page(desk, number, [make_error(f"confirm-{key}", message) for key in unconfirmed])


@post("/drafts/{number:int}/join", **TEXT_FORM)
def merge_draft(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Bring a draft up to the record, keeping what was typed unless chosen otherwise."""
    with desk.database.writing() as connection:
        draft = form_drafts.get_draft(connection, number, desk.account.name)
        both = [change.field for change in list_field_changes(connection, draft) if change.both]
        unanswered = [field for field in both if not desk.read_field(f"take-{field}")]
        if unanswered:
            errors = [make_error(f"take-{field}", Message("请选择以哪边为准。")) for field in unanswered]
            return _render_moved_page(desk, connection, draft, errors)
        take = frozenset(name.removeprefix("take-") for name, value in desk.form.multi_items() if value == "theirs")
        typed, base, size = merge_with_record(connection, draft, take)
        filled = msgspec.structs.replace(draft.filled, typed=typed, base=base, confirmed=())
        form_drafts.save_draft(connection, draft, filled, base_size=size)
    return desk.redirect_to(f"/staff/drafts/{number}", said="joined")


def _render_moved_page(desk: Desk, connection: Any, draft: FormDraft, errors: list[Finding]) -> Response[Any]:
    """Show what was recorded while a form was filled in; nothing is chosen yet of what both changed."""
    return desk.render_page(
        "moved",
        status=400 if errors else 409,
        errors=[(error.field, error.get_text(desk.language.lang)) for error in errors],
        draft=draft,
        field_changes=list_field_changes(connection, draft),
        labels=FormLabels(desk.language, draft.kind),
    )


def _render_check_page(desk: Desk, number: int, errors: list[Finding]) -> Response[Any]:
    with desk.database.reading() as connection:
        draft = form_drafts.get_draft(connection, number, desk.account.name)
        review = review_form(connection, draft)
        labels = FormLabels(desk.language, draft.kind)
        if review.moved:
            return _render_moved_page(desk, connection, draft, [])
        composed, attachment = review.composed, draft.filled.attachment
        errors = errors or review.errors
        drafts = composed.drafts if composed else []
        return desk.render_page(
            "check",
            status=400 if errors else 200,
            errors=[(error.field, error.get_text(desk.language.lang)) for error in errors],
            error_links=_link_errors(desk, draft, review.errors),
            draft=draft,
            labels=labels,
            sections=answers.list_sections(draft),
            places=len(form_steps.list_path(draft.kind, draft.is_new, draft.filled.typed, draft.filled.focus)) + 1,
            warnings=review.warnings,
            notes=review.notes,
            composed=composed,
            institution=record_values.find_institution(connection, draft.subject, draft.filled.typed),
            rows=[labels.describe_change(difference) for difference in composed.differences] if composed else [],
            verdicts=verdict_days.list_verdict_lines(connection, drafts).get(composed.subject, []) if composed else [],
            confirmed=set(draft.filled.confirmed),
            concurrent_edits=form_drafts.list_concurrent_edits(
                connection, composed.subject if composed else draft.subject or "", draft.account
            ),
            attachment=find_attachment(connection, attachment) if attachment else None,
        )


def _link_errors(desk: Desk, draft: FormDraft, errors: list[Finding]) -> dict[str, str]:
    """Return, by the field of an error, the address of the step in which it is mended."""
    steps = form_steps.list_steps(draft.kind, draft.is_new, draft.filled.typed, draft.filled.focus)
    return {
        error.field: desk.language.make_link(
            f"/staff/drafts/{draft.id}", step=form_steps.find_step_of(steps, error.field).name, back="check"
        )
        + f"#{error.field}"
        for error in errors
        if error.field
    }
