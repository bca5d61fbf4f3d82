"""Forms to change the register: opening one, saving it as a draft, checking it against the record, proposing it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, BinaryIO, cast

import msgspec
from litestar import Response, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.params import FromPath

from registry import proposals
from registry.accounts import audit_log
from registry.domain.identifiers import compact_code
from registry.errors import Conflict, InvalidInput, NotAllowed, NotFound
from registry.records import asof
from registry.staff.desk import EDITORS, TEXT_FORM, Desk, parse_number
from registry.staff.errors import record_refusal
from registry.staff.forms import documents, form_drafts, forms, record_values, submit
from registry.staff.forms.checks import Finding, make_error, to_finding
from registry.staff.forms.form_drafts import FormContent, FormDraft
from registry.staff.forms.forms import read_input
from registry.staff.forms.review import list_field_changes, merge_with_record, review_form
from registry.staff.forms.submit import FormRequest, NewForm
from registry.staff.i18n import FormLabels
from registry.storage.attachments import LARGEST, find_attachment
from registry.texts import Message

#: Bytes received, so that a file that is too large is refused with a sentence and the rest of the form saved.
_RECEIVED = 3 * LARGEST
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
    )
    with desk.database.reading() as connection:
        return _render_form_page(desk, connection, submit.open_form(connection, desk.account.name, form_request))


@post("/forms/{kind:str}", opt=EDITORS, status_code=200, sync_to_thread=True, request_max_body_size=_RECEIVED)
def create_draft(desk: NamedDependency[Desk], kind: FromPath[str]) -> Response[Any]:
    """Save a form for the first time, and check it if that button was pressed."""
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
    """Show a saved draft."""
    with desk.database.reading() as connection:
        draft = form_drafts.get_draft(connection, number, desk.account.name)
        return _render_form_page(desk, connection, draft, notice=str(desk.request.query_params.get("said") or ""))


@post("/drafts/{number:int}", opt=EDITORS, status_code=200, sync_to_thread=True, request_max_body_size=_RECEIVED)
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
    """Discard a draft."""
    with desk.database.writing() as connection:
        form_drafts.discard_draft(connection, number, desk.account.name)
    return desk.redirect_to("/staff/drafts")


@post("/proposals/{number:int}/draft", opt=EDITORS, status_code=200, sync_to_thread=True)
def reopen_proposal(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Open a returned proposal of a form as a draft again."""
    return desk.redirect_to(f"/staff/drafts/{submit.reopen_as_draft(desk.database, number, desk.account.name).id}")


# --- receiving -------------------------------------------------------------------------------------------------------


def _receive_form(desk: Desk, kind: forms.FormKind, draft: FormDraft | None, was_saved: bool = False) -> Response[Any]:
    """Save what was sent, whatever is wrong with it, then check it or go back to the form."""
    action = desk.read_field("action")
    source = draft or _reopen_form(desk, kind)
    form_input = read_input(kind, _is_new(source), desk.form)
    typed = submit.restore_fixed_fields(source.filled, form_input.typed, not _is_new(source))
    attachment, file_errors = _save_attachment(desk, source.filled.attachment)
    filled = msgspec.structs.replace(source.filled, typed=typed, attachment=attachment)
    saved, copied = _save_or_copy_draft(desk, source, filled)
    copied = copied or (was_saved and draft is None)
    path = f"/staff/drafts/{saved.id}"
    if action == "autosave":
        return Response(
            {"path": desk.language.make_link(path), "version": saved.version}, media_type="application/json"
        )
    if not form_input.refused and not file_errors and action != "check":
        return desk.redirect_to(path, said="copied" if copied else "saved")
    with desk.database.reading() as connection:
        review = review_form(connection, saved, form_input.refused)
        errors = file_errors + [
            error for error in review.errors if action == "check" or error.field in form_input.refused
        ]
        # Changes of the record are shown first: an error may be one only against the record as it was.
        if errors and not (review.moved and not file_errors and not form_input.refused):
            return _render_form_page(desk, connection, saved, errors=errors, notice="copied" if copied else "kept")
    return desk.redirect_to(f"{path}/check")


def _reopen_form(desk: Desk, kind: forms.FormKind) -> NewForm:
    """Open the form that the page was made from, at the log size it was filled from."""
    form_request = FormRequest(
        kind=kind,
        subject=desk.read_field("about"),
        institution=desk.read_field("belongs_to"),
        technique=desk.read_field("technique"),
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
        return ("" if desk.read_field("without_file") else before), []
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


def _render_form_page(
    desk: Desk, connection: Any, source: FormDraft | NewForm, *, errors: list[Finding] | None = None, notice: str = ""
) -> Response[Any]:
    lang = desk.language.lang
    new = _is_new(source)
    draft = source if isinstance(source, FormDraft) else None
    account, subject = desk.account.name, source.subject
    review = review_form(connection, draft) if draft else None
    attachment = source.filled.attachment
    recorded = record_values.read_values_on(connection, subject, asof.find_today(connection)) if subject else {}
    days = [entry.valid_from for entry in record_values.read_entries(connection, subject)] if subject else []
    return desk.render_page(
        "form",
        status=400 if errors else 200,
        errors=[(error.field, error.get_text(lang)) for error in errors or []],
        draft=draft,
        source=source,
        new=new,
        typed=source.filled.typed,
        fields=forms.list_own_fields(source.kind, new),
        common=forms.COMMON,
        labels=FormLabels(desk.language, source.kind),
        concurrent_edits=form_drafts.list_concurrent_edits(connection, subject, account) if subject else [],
        field_changes=review.moved if review else [],
        notes=review.notes if review else [],
        attachment=find_attachment(connection, attachment) if attachment else None,
        notice=notice,
        institution=_find_institution(
            connection, str(subject or ""), str(recorded.get("institution") or _make_parent_subject(source.filled))
        ),
        latest=max(days, default=None),
    )


def _make_parent_subject(filled: FormContent) -> str:
    code = compact_code(forms.read_text(filled.typed, "institution"))
    return f"institution:{code}" if code else ""


def _find_institution(connection: Any, subject: str, parent: str) -> tuple[str, str, str] | None:
    """Return (name, address, code) of the institution that a form is about or that it belongs to."""
    institution = subject if subject.startswith("institution:") else parent
    recorded = record_values.read_values_on(connection, institution, asof.find_today(connection)) if institution else {}
    if "name" not in recorded:
        return None
    return str(recorded["name"]), str(recorded["address"]), institution.partition(":")[2]


# --- before proposing ------------------------------------------------------------------------------------------------


@get("/drafts/{number:int}/check", opt=EDITORS, sync_to_thread=True)
def show_draft_check(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Show what will change field by field, and the warnings to confirm."""
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
        if review.moved:
            return _render_moved_page(desk, connection, draft, [])
        if review.errors or review.composed is None:
            return _render_form_page(desk, connection, draft, errors=review.errors, notice="kept")
        labels = FormLabels(desk.language, draft.kind)
        attachment = draft.filled.attachment
        return desk.render_page(
            "check",
            status=400 if errors else 200,
            errors=[(error.field, error.get_text(desk.language.lang)) for error in errors],
            draft=draft,
            labels=labels,
            warnings=review.warnings,
            composed=review.composed,
            rows=[labels.describe_change(difference) for difference in review.composed.differences],
            confirmed=set(draft.filled.confirmed),
            concurrent_edits=form_drafts.list_concurrent_edits(connection, review.composed.subject, draft.account),
            attachment=find_attachment(connection, attachment) if attachment else None,
        )
