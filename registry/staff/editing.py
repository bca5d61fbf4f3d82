"""Forms to change the register: opening one, keeping it as a draft, throwing it away. ``checking``: what comes then."""

from __future__ import annotations

from typing import Any, BinaryIO, cast

import msgspec
from litestar import Response, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.params import FromPath

from registry import proposals
from registry.attachments import LARGEST
from registry.attachments import find as find_attachment
from registry.editing import documents, forms, kept, recorded, submit
from registry.editing.findings import Finding, error
from registry.editing.kept import Filled, Kept
from registry.editing.review import review
from registry.editing.submit import Asked, Opened
from registry.editing.typed import read
from registry.errors import Conflict, InvalidInput, NotFound
from registry.identifiers import compact_code
from registry.records import asof
from registry.staff.desk import Desk
from registry.staff.spoken import FormWords

EDITORS = {"roles": ("editor",)}
#: Bytes taken in, so that a file that is too large is refused with a sentence and the rest of the form kept.
_RECEIVED = 3 * LARGEST
_RETURNED = 20
#: Of the proposals sent back or rejected last, in which one's own are looked for.
_LOOKED_AT = 500


@get("/forms/{kind:str}", opt=EDITORS, sync_to_thread=True)
def opened(desk: NamedDependency[Desk], kind: FromPath[str]) -> Response[Any]:
    """A form as the record fills it; looking at it keeps nothing."""
    asked = desk.request.query_params
    wanted = Asked(
        kind=forms.kind_of(kind),
        subject=str(asked.get("subject") or ""),
        institution=str(asked.get("institution") or ""),
        technique=str(asked.get("technique") or ""),
    )
    with desk.database.reading() as connection:
        return _page(desk, connection, submit.opened(connection, desk.account.name, wanted))


@post("/forms/{kind:str}", opt=EDITORS, status_code=200, sync_to_thread=True, request_max_body_size=_RECEIVED)
def first(desk: NamedDependency[Desk], kind: FromPath[str]) -> Response[Any]:
    """Keep a form for the first time, and check it if that is what was asked."""
    return _received(desk, forms.kind_of(kind), None)


@get("/drafts", opt=EDITORS, sync_to_thread=True)
def listed(desk: NamedDependency[Desk]) -> Response[Any]:
    """One's drafts, and one's proposals made by a form that were returned."""
    with desk.database.reading() as connection:
        mine = kept.waiting(connection, desk.account.name)
        closed = proposals.listed(connection, ("returned", "rejected"), limit=_LOOKED_AT)
    returned = [
        one
        for one in closed
        if desk.account.name in one.touched_by and isinstance(one.report, dict) and one.report.get("form")
    ]
    return desk.page("drafts", drafts=mine, returned=returned[:_RETURNED])


@get("/drafts/{number:int}", opt=EDITORS, sync_to_thread=True)
def shown(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """A draft as it was kept."""
    with desk.database.reading() as connection:
        one = kept.found(connection, number, desk.account.name)
        return _page(desk, connection, one, said=str(desk.request.query_params.get("said") or ""))


@post("/drafts/{number:int}", opt=EDITORS, status_code=200, sync_to_thread=True, request_max_body_size=_RECEIVED)
def saved(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Keep a draft as it is now. One that is gone, or was saved elsewhere meanwhile, is kept as another draft."""
    with desk.database.reading() as connection:
        try:
            one = kept.found(connection, number, desk.account.name)
        except NotFound:
            one = None
    return _received(desk, one.kind if one else forms.kind_of(desk.given("form_kind")), one, again=number)


@post("/drafts/{number:int}/discard", opt=EDITORS, status_code=200, sync_to_thread=True)
def discarded(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Throw a draft away."""
    with desk.database.writing() as connection:
        kept.discard(connection, number, desk.account.name)
    return desk.go("/staff/drafts")


@post("/proposals/{number:int}/draft", opt=EDITORS, status_code=200, sync_to_thread=True)
def again(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """A returned proposal of a form as a draft again."""
    return desk.go(f"/staff/drafts/{submit.reopened(desk.database, number, desk.account.name).id}")


# --- receiving -------------------------------------------------------------------------------------------------------


def _received(desk: Desk, kind: forms.FormKind, one: Kept | None, again: int = 0) -> Response[Any]:
    """Whatever is wrong with what was sent, it is kept first."""
    action = desk.given("action")
    source = one or _opened(desk, kind)
    reading = read(kind, _is_new(source), desk.form)
    typed = submit.typed_over(source.filled, reading.typed, not _is_new(source))
    attachment, wrong = _attached(desk, source.filled.attachment)
    filled = msgspec.structs.replace(source.filled, typed=typed, attachment=attachment)
    now, copied = _kept(desk, source, filled)
    copied = copied or bool(again and one is None)
    path = f"/staff/drafts/{now.id}"
    if action == "autosave":
        return Response({"path": desk.voice.link(path), "version": now.version}, media_type="application/json")
    said = "copied" if copied else "saved"
    if not reading.refused and not wrong and action != "check":
        return desk.go(path, said=said)
    with desk.database.reading() as connection:
        looked = review(connection, now, reading.refused)
        errors = wrong + [one for one in looked.errors if action == "check" or one.field in reading.refused]
        # What moved is shown first: what is wrong may be so only beside the record as it was.
        if errors and not (looked.moved and not wrong and not reading.refused):
            return _page(desk, connection, now, errors=errors, said="copied" if copied else "kept")
    return desk.go(f"{path}/check")


def _opened(desk: Desk, kind: forms.FormKind) -> Opened:
    """The form that the page was made from, at the log size it was filled from."""
    size = desk.given("base_size", 12)
    wanted = Asked(
        kind=kind,
        subject=desk.given("about"),
        institution=desk.given("belongs_to"),
        technique=desk.given("technique"),
        size=int(size) if size.isascii() and size.isdigit() else None,
    )
    with desk.database.reading() as connection:
        return submit.opened(connection, desk.account.name, wanted)


def _is_new(source: Kept | Opened) -> bool:
    return not any(source.filled.base.values())


def _kept(desk: Desk, source: Kept | Opened, filled: Filled) -> tuple[Kept, bool]:
    """(the draft, whether it is a copy): a draft that another window saved since is not written over."""
    me = desk.account.name
    with desk.database.writing() as connection:
        if isinstance(source, Kept) and desk.given("version", 20) == str(source.version):
            try:
                return kept.save(connection, source, filled), False
            except Conflict:
                pass
        amends = source.amends if isinstance(source, Kept) else None
        about = (source.kind, source.subject, filled)
        made = kept.start(connection, me, *about, base_size=source.base_size, amends=amends)
        return made, isinstance(source, Kept)


def _attached(desk: Desk, before: str) -> tuple[str, list[Finding]]:
    """(hash of the document, what is wrong with the file that was sent)."""
    file = desk.form.get("doc_file")
    if not isinstance(file, UploadFile) or not file.filename:
        return ("" if desk.given("without_file") else before), []
    try:
        held = cast("BinaryIO", file.file)
        kind = documents.kind_of(held)  # before the lock: it may take a while
        with desk.database.writing() as connection:
            me, where = desk.account.name, desk.visitor.address
            document = documents.keep(connection, held, file.filename, by=me, address=where, kind=kind)
        return document.sha256, []
    except InvalidInput as refusal:
        return before, [error("doc_file", refusal.zh, refusal.en)]


# --- showing ---------------------------------------------------------------------------------------------------------


def _page(
    desk: Desk,
    connection: Any,
    source: Kept | Opened,
    *,
    errors: list[Finding] | None = None,
    said: str = "",
) -> Response[Any]:
    lang = desk.voice.lang
    new = _is_new(source)
    draft = source if isinstance(source, Kept) else None
    me, subject = desk.account.name, source.subject
    looked = review(connection, draft) if draft else None
    attachment = source.filled.attachment
    held = recorded.values_on(connection, subject, asof.find_today(connection)) if subject else {}
    days = [entry.valid_from for entry in recorded.stated(connection, subject)] if subject else []
    return desk.page(
        "form",
        status=400 if errors else 200,
        errors=[(one.field, one.text(lang)) for one in errors or []],
        draft=draft,
        source=source,
        new=new,
        typed=source.filled.typed,
        fields=forms.own_fields(source.kind, new),
        common=forms.COMMON,
        words=FormWords(desk.voice, source.kind),
        elsewhere=kept.elsewhere(connection, subject, me) if subject else [],
        moved=looked.moved if looked else [],
        notes=looked.notes if looked else [],
        attachment=find_attachment(connection, attachment) if attachment else None,
        said=said,
        whose=_whose(connection, str(subject or ""), str(held.get("institution") or _parent(source.filled))),
        latest=max(days, default=None),
    )


def _parent(filled: Filled) -> str:
    code = compact_code(forms.text(filled.typed, "institution"))
    return f"institution:{code}" if code else ""


def _whose(connection: Any, subject: str, parent: str) -> tuple[str, str, str] | None:
    """(name, address, code) of the institution that a form is about or that it belongs to."""
    about = subject if subject.startswith("institution:") else parent
    held = recorded.values_on(connection, about, asof.find_today(connection)) if about else {}
    return (str(held["name"]), str(held["address"]), about.partition(":")[2]) if "name" in held else None


def refuse_page(desk: Desk, connection: Any, one: Kept, errors: list[Finding]) -> Response[Any]:
    """The form with what is wrong in it."""
    return _page(desk, connection, one, errors=errors, said="kept")


handlers = [opened, first, listed, shown, saved, discarded, again]
