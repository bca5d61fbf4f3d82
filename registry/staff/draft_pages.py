"""Forms to change the register: opening one, keeping it as a draft, throwing it away. ``checking``: what comes then."""

from __future__ import annotations

from typing import Any, BinaryIO, cast

import msgspec
from litestar import Response, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.params import FromPath

from registry import proposals
from registry.domain.identifiers import compact_code
from registry.errors import Conflict, InvalidInput, NotFound
from registry.records import asof
from registry.staff.desk import Desk
from registry.staff.form_labels import FormLabels
from registry.staff.forms import documents, form_drafts, forms, record_values, submit
from registry.staff.forms.checks import Finding, to_finding
from registry.staff.forms.form_drafts import FormContent, FormDraft
from registry.staff.forms.form_input import read_input
from registry.staff.forms.review import review_form
from registry.staff.forms.submit import FormRequest, NewForm
from registry.storage.attachments import LARGEST, find_attachment

EDITORS = {"roles": ("editor",)}
#: Bytes taken in, so that a file that is too large is refused with a sentence and the rest of the form kept.
_RECEIVED = 3 * LARGEST
_RETURNED = 20
#: Of the proposals sent back or rejected last, in which one's own are looked for.
_LOOKED_AT = 500


@get("/forms/{kind:str}", opt=EDITORS, sync_to_thread=True)
def show_form(desk: NamedDependency[Desk], kind: FromPath[str]) -> Response[Any]:
    """A form as the record fills it; looking at it keeps nothing."""
    asked = desk.request.query_params
    wanted = FormRequest(
        kind=forms.get_form_kind(kind),
        subject=str(asked.get("subject") or ""),
        institution=str(asked.get("institution") or ""),
        technique=str(asked.get("technique") or ""),
    )
    with desk.database.reading() as connection:
        return _render_form_page(desk, connection, submit.open_form(connection, desk.account.name, wanted))


@post("/forms/{kind:str}", opt=EDITORS, status_code=200, sync_to_thread=True, request_max_body_size=_RECEIVED)
def create_draft(desk: NamedDependency[Desk], kind: FromPath[str]) -> Response[Any]:
    """Keep a form for the first time, and check it if that is what was asked."""
    return _receive_form(desk, forms.get_form_kind(kind), None)


@get("/drafts", opt=EDITORS, sync_to_thread=True)
def show_drafts(desk: NamedDependency[Desk]) -> Response[Any]:
    """One's drafts, and one's proposals made by a form that were returned."""
    with desk.database.reading() as connection:
        mine = form_drafts.list_drafts(connection, desk.account.name)
        closed = proposals.list_proposals(connection, ("returned", "rejected"), limit=_LOOKED_AT)
    returned = [
        one
        for one in closed
        if desk.account.name in one.touched_by and isinstance(one.report, dict) and one.report.get("form")
    ]
    return desk.render_page("drafts", drafts=mine, returned=returned[:_RETURNED])


@get("/drafts/{number:int}", opt=EDITORS, sync_to_thread=True)
def show_draft(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """A draft as it was kept."""
    with desk.database.reading() as connection:
        one = form_drafts.get_draft(connection, number, desk.account.name)
        return _render_form_page(desk, connection, one, said=str(desk.request.query_params.get("said") or ""))


@post("/drafts/{number:int}", opt=EDITORS, status_code=200, sync_to_thread=True, request_max_body_size=_RECEIVED)
def save_draft(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Keep a draft as it is now. One that is gone, or was saved elsewhere meanwhile, is kept as another draft."""
    with desk.database.reading() as connection:
        try:
            one = form_drafts.get_draft(connection, number, desk.account.name)
        except NotFound:
            one = None
    return _receive_form(
        desk, one.kind if one else forms.get_form_kind(desk.read_field("form_kind")), one, again=number
    )


@post("/drafts/{number:int}/discard", opt=EDITORS, status_code=200, sync_to_thread=True)
def discard_draft(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Throw a draft away."""
    with desk.database.writing() as connection:
        form_drafts.discard_draft(connection, number, desk.account.name)
    return desk.redirect_to("/staff/drafts")


@post("/proposals/{number:int}/draft", opt=EDITORS, status_code=200, sync_to_thread=True)
def reopen_proposal(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """A returned proposal of a form as a draft again."""
    return desk.redirect_to(f"/staff/drafts/{submit.reopen_as_draft(desk.database, number, desk.account.name).id}")


# --- receiving -------------------------------------------------------------------------------------------------------


def _receive_form(desk: Desk, kind: forms.FormKind, one: FormDraft | None, again: int = 0) -> Response[Any]:
    """Whatever is wrong with what was sent, it is kept first."""
    action = desk.read_field("action")
    source = one or _reopen_form(desk, kind)
    reading = read_input(kind, _is_new(source), desk.form)
    typed = submit.restore_fixed_fields(source.filled, reading.typed, not _is_new(source))
    attachment, wrong = _save_attachment(desk, source.filled.attachment)
    filled = msgspec.structs.replace(source.filled, typed=typed, attachment=attachment)
    now, copied = _save_or_copy_draft(desk, source, filled)
    copied = copied or bool(again and one is None)
    path = f"/staff/drafts/{now.id}"
    if action == "autosave":
        return Response({"path": desk.language.make_link(path), "version": now.version}, media_type="application/json")
    said = "copied" if copied else "saved"
    if not reading.refused and not wrong and action != "check":
        return desk.redirect_to(path, said=said)
    with desk.database.reading() as connection:
        looked = review_form(connection, now, reading.refused)
        errors = wrong + [one for one in looked.errors if action == "check" or one.field in reading.refused]
        # What moved is shown first: what is wrong may be so only beside the record as it was.
        if errors and not (looked.moved and not wrong and not reading.refused):
            return _render_form_page(desk, connection, now, errors=errors, said="copied" if copied else "kept")
    return desk.redirect_to(f"{path}/check")


def _reopen_form(desk: Desk, kind: forms.FormKind) -> NewForm:
    """The form that the page was made from, at the log size it was filled from."""
    size = desk.read_field("base_size", 12)
    wanted = FormRequest(
        kind=kind,
        subject=desk.read_field("about"),
        institution=desk.read_field("belongs_to"),
        technique=desk.read_field("technique"),
        size=int(size) if size.isascii() and size.isdigit() else None,
    )
    with desk.database.reading() as connection:
        return submit.open_form(connection, desk.account.name, wanted)


def _is_new(source: FormDraft | NewForm) -> bool:
    return not any(source.filled.base.values())


def _save_or_copy_draft(desk: Desk, source: FormDraft | NewForm, filled: FormContent) -> tuple[FormDraft, bool]:
    """(the draft, whether it is a copy): a draft that another window saved since is not written over."""
    me = desk.account.name
    with desk.database.writing() as connection:
        if isinstance(source, FormDraft) and desk.read_field("version", 20) == str(source.version):
            try:
                return form_drafts.save_draft(connection, source, filled), False
            except Conflict:
                pass
        amends = source.amends if isinstance(source, FormDraft) else None
        about = (source.kind, source.subject, filled)
        made = form_drafts.create_draft(connection, me, *about, base_size=source.base_size, amends=amends)
        return made, isinstance(source, FormDraft)


def _save_attachment(desk: Desk, before: str) -> tuple[str, list[Finding]]:
    """(hash of the document, what is wrong with the file that was sent)."""
    file = desk.form.get("doc_file")
    if not isinstance(file, UploadFile) or not file.filename:
        return ("" if desk.read_field("without_file") else before), []
    try:
        held = cast("BinaryIO", file.file)
        kind = documents.detect_file_type(held)  # before the lock: it may take a while
        with desk.database.writing() as connection:
            me, where = desk.account.name, desk.visitor.address
            document = documents.save_document(connection, held, file.filename, by=me, address=where, kind=kind)
        return document.sha256, []
    except InvalidInput as refusal:
        return before, [to_finding(refusal, "doc_file")]


# --- showing ---------------------------------------------------------------------------------------------------------


def _render_form_page(
    desk: Desk,
    connection: Any,
    source: FormDraft | NewForm,
    *,
    errors: list[Finding] | None = None,
    said: str = "",
) -> Response[Any]:
    lang = desk.language.lang
    new = _is_new(source)
    draft = source if isinstance(source, FormDraft) else None
    me, subject = desk.account.name, source.subject
    looked = review_form(connection, draft) if draft else None
    attachment = source.filled.attachment
    held = record_values.read_values_on(connection, subject, asof.find_today(connection)) if subject else {}
    days = [entry.valid_from for entry in record_values.read_entries(connection, subject)] if subject else []
    return desk.render_page(
        "form",
        status=400 if errors else 200,
        errors=[(one.field, one.get_text(lang)) for one in errors or []],
        draft=draft,
        source=source,
        new=new,
        typed=source.filled.typed,
        fields=forms.list_own_fields(source.kind, new),
        common=forms.COMMON,
        words=FormLabels(desk.language, source.kind),
        elsewhere=form_drafts.list_concurrent_edits(connection, subject, me) if subject else [],
        moved=looked.moved if looked else [],
        notes=looked.notes if looked else [],
        attachment=find_attachment(connection, attachment) if attachment else None,
        said=said,
        whose=_find_institution(
            connection, str(subject or ""), str(held.get("institution") or _make_parent_subject(source.filled))
        ),
        latest=max(days, default=None),
    )


def _make_parent_subject(filled: FormContent) -> str:
    code = compact_code(forms.read_text(filled.typed, "institution"))
    return f"institution:{code}" if code else ""


def _find_institution(connection: Any, subject: str, parent: str) -> tuple[str, str, str] | None:
    """(name, address, code) of the institution that a form is about or that it belongs to."""
    about = subject if subject.startswith("institution:") else parent
    held = record_values.read_values_on(connection, about, asof.find_today(connection)) if about else {}
    return (str(held["name"]), str(held["address"]), about.partition(":")[2]) if "name" in held else None


def render_form_errors(desk: Desk, connection: Any, one: FormDraft, errors: list[Finding]) -> Response[Any]:
    """The form with what is wrong in it."""
    return _render_form_page(desk, connection, one, errors=errors, said="kept")


handlers = [show_form, create_draft, show_drafts, show_draft, save_draft, discard_draft, reopen_proposal]
