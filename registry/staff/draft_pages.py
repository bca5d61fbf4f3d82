"""Forms to change the register, step by step: opening one, saving it as a draft, going on to the page of answers."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, BinaryIO, cast

import msgspec
from litestar import Response, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from registry import proposals
from registry.domain.model import Struct
from registry.errors import Conflict, InvalidInput, NotFound
from registry.staff.desk import EDITORS, Desk, parse_number
from registry.staff.forms import documents, form_drafts, form_steps, forms, record_values, submit
from registry.staff.forms.checks import Finding, to_finding
from registry.staff.forms.form_drafts import FormContent, FormDraft
from registry.staff.forms.form_steps import FormStep
from registry.staff.forms.forms import read_input
from registry.staff.forms.review import Review, review_form
from registry.staff.forms.submit import FormRequest, NewForm
from registry.staff.i18n import FormLabels
from registry.staff.institution_choice import find_institution_code, list_named_institutions
from registry.storage.attachments import LARGEST, find_attachment

#: Bytes received, so that a file that is too large is refused with a sentence and the rest of the form saved.
_RECEIVED = 3 * LARGEST
#: Of pages that receive a step of a form, also from a session that has run out.
_STEPS: dict[str, Any] = {
    **{"opt": {**EDITORS, "late": True}, "status_code": 200, "sync_to_thread": True},
    "request_max_body_size": _RECEIVED,
}
_RETURNED = 20
#: The latest proposals sent back or rejected, among which one's own are searched.
_SEARCHED = 500


@get("/forms/{kind:str}", opt=EDITORS, sync_to_thread=True)
def show_form(desk: NamedDependency[Desk], kind: FromPath[str]) -> Response[Any]:
    """Show a form as the record fills it; nothing is saved."""
    query = desk.request.query_params
    form_request = FormRequest(
        kind=forms.get_form_kind(kind),
        subject=str(query.get("subject") or ""),
        institution=str(query.get("institution") or ""),
        technique=str(query.get("technique") or ""),
        like=str(query.get("like") or ""),
        focus=str(query.get("field") or ""),
    )
    with desk.database.reading() as connection:
        opened = submit.open_form(connection, desk.account.name, form_request)
        return _render_step(desk, connection, opened, form_steps.find_step(_list_steps(opened), _read_step(desk)))


@post("/forms/{kind:str}", **_STEPS)
def create_draft(desk: NamedDependency[Desk], kind: FromPath[str]) -> Response[Any]:
    """Save a form for the first time, and go where the button that was pressed leads."""
    return _receive_form(desk, forms.get_form_kind(kind), None)


@get("/drafts", opt=EDITORS, sync_to_thread=True)
def show_drafts(desk: NamedDependency[Desk]) -> Response[Any]:
    """Show one's drafts, and one's proposals made by a form that were returned."""
    with desk.database.reading() as connection:
        drafts = form_drafts.list_drafts(connection, desk.account.name)
        closed = proposals.list_proposals(connection, ("returned", "rejected"), limit=_SEARCHED)
    returned = [
        proposal
        for proposal in closed
        if desk.account.name in proposal.touched_by
        and isinstance(proposal.report, dict)
        and proposal.report.get("form")
    ]
    return desk.render_page("drafts", drafts=drafts, returned=returned[:_RETURNED])


@get("/drafts/{number:int}", opt=EDITORS, sync_to_thread=True)
def show_draft(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Show a step of a saved draft: the one asked for, else the one that was saved last."""
    with desk.database.reading() as connection:
        draft = form_drafts.get_draft(connection, number, desk.account.name)
        step = form_steps.find_step(_list_steps(draft), _read_step(desk) or draft.filled.step)
        errors = []
        if desk.request.query_params.get("back"):  # from the page of answers: what is wrong is said where it is mended
            errors = _select_errors(review_form(connection, draft), step)
        notice = str(desk.request.query_params.get("said") or "")
        return _render_step(desk, connection, draft, step, errors=errors, status=200, notice=notice)


@post("/drafts/{number:int}", **_STEPS)
def save_draft(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Save a draft. If it is gone, or was saved elsewhere meanwhile, save a copy."""
    with desk.database.reading() as connection:
        try:
            draft = form_drafts.get_draft(connection, number, desk.account.name)
        except NotFound:
            draft = None
    kind = draft.kind if draft else forms.get_form_kind(desk.read_field("form_kind"))
    return _receive_form(desk, kind, draft, was_saved=True)


@post("/drafts/{number:int}/discard", opt=EDITORS, status_code=200, sync_to_thread=True)
def discard_draft(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Discard a draft, after its page asked once more."""
    with desk.database.writing() as connection:
        form_drafts.discard_draft(connection, number, desk.account.name)
    return desk.redirect_to("/staff/drafts")


@post("/proposals/{number:int}/draft", opt=EDITORS, status_code=200, sync_to_thread=True)
def reopen_proposal(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Open a returned proposal of a form as a draft again, at its answers."""
    draft = submit.reopen_as_draft(desk.database, number, desk.account.name)
    return desk.redirect_to(f"/staff/drafts/{draft.id}/check")


# --- receiving -------------------------------------------------------------------------------------------------------


class _SavedStep(Struct, frozen=True):
    """A step as it was received: the draft, whether it is a copy, and what could not be taken."""

    draft: FormDraft
    copied: bool
    step: FormStep
    refused: frozenset[str]
    file_errors: list[Finding]


def _receive_form(desk: Desk, kind: forms.FormKind, draft: FormDraft | None, was_saved: bool = False) -> Response[Any]:
    """Save what was sent, whatever is wrong with it; then go on, or back, or say what is wrong in this step."""
    action = desk.read_field("action")
    saved = _save_step(desk, kind, draft, action, was_saved)
    path = f"/staff/drafts/{saved.draft.id}"
    if desk.has_ended:
        return _ask_to_sign_in(saved.draft, action)
    if action == "autosave":
        answer = {"path": desk.language.make_link(path), "version": saved.draft.version}
        return Response(answer, media_type="application/json")
    going_on = action in ("next", "check")
    with desk.database.reading() as connection:
        review = review_form(connection, saved.draft, saved.refused)
        found = _select_errors(review, saved.step)
        errors = saved.file_errors + [one for one in found if going_on or one.field in saved.refused]
        # Changes of the record are shown first: an error may be one only against the record as it was.
        if errors and not (review.moved and not saved.file_errors and not saved.refused):
            notice = "copied" if saved.copied else "kept"
            return _render_step(desk, connection, saved.draft, saved.step, errors=errors, notice=notice)
    back = desk.read_field("back")
    if saved.copied or not (going_on or action == "back"):
        query = {"step": saved.step.name, "back": back} if back else {"step": saved.step.name}
        return desk.redirect_to(path, **query, said="copied" if saved.copied else "saved")
    onward = (
        None if action == "check" or back or review.moved else _find_next_step(saved, -1 if action == "back" else 1)
    )
    return desk.redirect_to(path, step=onward.name) if onward else desk.redirect_to(f"{path}/check")


def _save_step(desk: Desk, kind: forms.FormKind, draft: FormDraft | None, action: str, was_saved: bool) -> _SavedStep:
    source = draft or _reopen_form(desk, kind)
    new, before = _is_new(source), source.filled
    step = form_steps.find_step(_list_steps(source), desk.read_field("step"))
    form_input = read_input(kind, new, desk.form, step.fields)
    sent = form_input.typed
    if "institution" in sent:
        sent = {**sent, "institution": find_institution_code(desk, forms.read_text(sent, "institution"))}
    typed = submit.restore_fixed_fields(before, {**before.typed, **sent}, not new)
    attachment, file_errors = before.attachment, list[Finding]()
    if form_steps.FILE in step.fields and not desk.has_ended:
        attachment, file_errors = _save_attachment(desk, "" if action == "remove_file" else before.attachment)
    filled = msgspec.structs.replace(before, typed=typed, attachment=attachment, step=step.name)
    saved, copied = _save_or_copy_draft(desk, source, filled)
    copied = copied or (was_saved and draft is None)
    return _SavedStep(draft=saved, copied=copied, step=step, refused=form_input.refused, file_errors=file_errors)


def _select_errors(review: Review, step: FormStep) -> list[Finding]:
    """Return what is wrong in a step, in the order of its fields."""
    found = [error for error in review.errors if error.field in step.fields]
    return sorted(found, key=lambda error: step.fields.index(error.field))


def _find_next_step(saved: _SavedStep, by: int) -> FormStep | None:
    """Return the page before or after a step on the way to the answers; None where the answers come next."""
    path = _list_path(saved.draft)
    names = [step.name for step in path]
    if saved.step.name not in names:
        return None
    position = names.index(saved.step.name) + by
    return path[max(position, 0)] if position < len(path) else None


def _ask_to_sign_in(draft: FormDraft, action: str) -> Response[Any]:
    """What was typed is saved; to see it again, its account signs in."""
    address = f"/staff/sign-in?next=/staff/drafts/{draft.id}"
    if action != "autosave":
        return Redirect(path=address, status_code=303)
    answer = {"path": f"/staff/drafts/{draft.id}", "version": draft.version, "sign_in": address}
    return Response(answer, media_type="application/json")


def _list_steps(source: FormDraft | NewForm) -> tuple[FormStep, ...]:
    return form_steps.list_steps(source.kind, _is_new(source), source.filled.typed, source.filled.focus)


def _list_path(source: FormDraft | NewForm) -> tuple[FormStep, ...]:
    return form_steps.list_path(source.kind, _is_new(source), source.filled.typed, source.filled.focus)


def _read_step(desk: Desk) -> str:
    return str(desk.request.query_params.get("step") or "")


def _reopen_form(desk: Desk, kind: forms.FormKind) -> NewForm:
    """Open the form that the page was made from, at the log size it was filled from."""
    form_request = FormRequest(
        kind=kind,
        subject=desk.read_field("about"),
        institution=desk.read_field("belongs_to"),
        technique=desk.read_field("technique"),
        like=desk.read_field("like"),
        focus=desk.read_field("focus"),
        size=parse_number(desk.read_field("base_size", 12), digits=12),
    )
    with desk.database.reading() as connection:
        return submit.open_form(connection, desk.account.name, form_request)


def _is_new(source: FormDraft | NewForm) -> bool:
    return not any(source.filled.base.values())


def _save_or_copy_draft(desk: Desk, source: FormDraft | NewForm, filled: FormContent) -> tuple[FormDraft, bool]:
    """Return (the draft, whether it is a copy): a draft that another window saved since is not overwritten."""
    account = desk.account.name
    with desk.database.writing() as connection:
        if isinstance(source, FormDraft) and desk.read_field("version", 20) == str(source.version):
            with suppress(Conflict):
                return form_drafts.save_draft(connection, source, filled), False
        amends = source.amends if isinstance(source, FormDraft) else None
        about = (source.kind, source.subject, filled)
        copy = form_drafts.create_draft(connection, account, *about, base_size=source.base_size, amends=amends)
        return copy, isinstance(source, FormDraft)


def _save_attachment(desk: Desk, before: str) -> tuple[str, list[Finding]]:
    """Return (hash of the document, errors of the file that was sent)."""
    upload = desk.form.get("doc_file")
    if not isinstance(upload, UploadFile) or not upload.filename:
        return before, []
    try:
        content = cast("BinaryIO", upload.file)
        kind = documents.detect_file_type(content)  # before taking the lock: it may take a while
        with desk.database.writing() as connection:
            me, where = desk.account.name, desk.visitor.address
            document = documents.save_document(connection, content, upload.filename, by=me, address=where, kind=kind)
        return document.sha256, []
    except InvalidInput as refusal:
        return before, [to_finding(refusal, "doc_file")]


# --- showing ---------------------------------------------------------------------------------------------------------


def _render_step(  # noqa: PLR0913 - each is a part of the page
    desk: Desk,
    connection: Any,
    source: FormDraft | NewForm,
    step: FormStep,
    *,
    errors: list[Finding] | None = None,
    status: int = 400,
    notice: str = "",
) -> Response[Any]:
    new = _is_new(source)
    draft = source if isinstance(source, FormDraft) else None
    account, subject = desk.account.name, source.subject
    review = review_form(connection, draft) if draft else None
    attachment = source.filled.attachment
    days = [entry.valid_from for entry in record_values.read_entries(connection, subject)] if subject else []
    path = _list_path(source)
    by_name = {field.name: field for field in forms.list_fields(source.kind, new)}
    return desk.render_page(
        "form",
        status=status if errors else 200,
        errors=[(error.field, error.get_text(desk.language.lang)) for error in errors or []],
        draft=draft,
        source=source,
        new=new,
        typed=source.filled.typed,
        step=step,
        place=path.index(step) + 1 if step in path else None,
        places=len(path) + 1,
        back="check" if desk.request.query_params.get("back") or desk.read_field("back") else "",
        like=desk.request.query_params.get("like") or desk.read_field("like"),
        fields=[by_name.get(name) for name in step.fields],
        labels=FormLabels(desk.language, source.kind),
        concurrent_edits=form_drafts.list_concurrent_edits(connection, subject, account) if subject else [],
        field_changes=review.moved if review else [],
        notes=review.notes if review else [],
        attachment=find_attachment(connection, attachment) if attachment else None,
        notice=notice,
        institution=record_values.find_institution(connection, subject, source.filled.typed),
        named=list_named_institutions(desk, forms.read_text(source.filled.typed, "institution")),
        latest=max(days, default=None),
    )
