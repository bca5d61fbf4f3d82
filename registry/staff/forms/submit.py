"""Opening forms, and proposing them: whole, once, and with nothing lost if they are refused."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from registry import proposals
from registry.domain.model import Struct
from registry.errors import Conflict, NotFound
from registry.log import store
from registry.log.publish import PublishedLog
from registry.records import asof
from registry.staff.forms import compose, form_drafts, record_values
from registry.staff.forms.form_drafts import FormContent, FormDraft
from registry.staff.forms.forms import ABOUT, CODES, FormKind, Typed, list_own_fields
from registry.staff.forms.review import Review, is_stale, require_subject_in_region, review_form
from registry.storage.database import Database
from registry.storage.locks import lock_wait, make_write_busy_error
from registry.texts import Message

#: The lock for one proposal from a form at a time: a second press of the button waits, and finds the draft gone.
_LOCK = "forms"


class NewForm(Struct, frozen=True):
    """A form before anything was typed: whom it is about, as it is filled, and the log size of that."""

    kind: FormKind
    subject: str | None
    filled: FormContent
    base_size: int


class FormRequest(Struct, frozen=True):
    """Which form to open: about a subject, or something new at an ``institution`` (code); filled at a log ``size``.

    ``like``: a subject whose record is copied into the form of a new one. ``focus``: the one field that is to change.
    """

    kind: FormKind
    subject: str = ""
    institution: str = ""
    technique: str = ""
    like: str = ""
    focus: str = ""
    size: int | None = None


def open_form(connection: sa.Connection, account: str, request: FormRequest) -> NewForm:
    """Return a form as it is filled before anybody types; NotFound, or NotAllowed outside the region."""
    kind, subject, institution, technique = request.kind, request.subject, request.institution, request.technique
    head = store.read_head(connection).size
    size = head if request.size is None else min(request.size, head)
    if kind == "approval" and (not subject or technique not in CODES):
        raise NotFound(Message("请先在机构的记录页选择技术。"))
    recorded: dict[str, Any] = {}
    if subject:
        recorded = record_values.read_values_on(connection, subject, asof.find_today(connection), size)
        if not subject.startswith(f"{ABOUT[kind]}:") or not recorded:
            raise NotFound(Message("名录中没有这一记录。"))
        require_subject_in_region(connection, account, subject)
    elif institution:
        require_subject_in_region(connection, account, f"institution:{institution.replace('-', '')}")
    base = record_values.fill_form(kind, recorded, technique)
    typed: Typed = {**base, "effective": asof.find_today(connection).isoformat()}
    if institution and not subject:
        typed["institution"] = institution
    if not recorded:
        base = {}
        if kind == "institution":
            typed["status"] = "listed"
    if kind == "sanction" and not subject:
        typed["kind"] = "penalty"
    if request.like and not subject:
        typed |= _copy_fields(connection, kind, request.like)
    focus = request.focus if request.focus in record_values.list_own_names(kind, new=False) else ""
    filled = FormContent(typed=typed, base=base, focus=focus)
    return NewForm(kind=kind, subject=subject or None, filled=filled, base_size=size)


#: Fields that no two records share.
_OWN_FIELDS = frozenset({"number", "uscc", "practice_licence_no", "status"})


def _copy_fields(connection: sa.Connection, kind: FormKind, like: str) -> Typed:
    """Return what a new form takes over from another record: not what identifies it, and no personal value."""
    values = record_values.read_values_on(connection, like, asof.find_today(connection))
    if not like.startswith(f"{ABOUT[kind]}:") or not values:
        raise NotFound(Message("名录中没有这一记录。"))
    left_out = _OWN_FIELDS | {field.name for field in list_own_fields(kind, new=True) if field.personal}
    return {name: value for name, value in record_values.fill_form(kind, values).items() if name not in left_out}


def restore_fixed_fields(content: FormContent, typed: Typed, known: bool) -> Typed:
    """Return what was typed, except for what a form cannot change: the institution and the technique it is about."""
    fixed = [name for name in ("technique", *(("institution",) if known else ())) if content.base.get(name)]
    return {**typed, **{name: content.base[name] for name in fixed}}


def propose_form(
    database: Database, identifier: int, account: str, confirmed: frozenset[str], log: PublishedLog | None = None
) -> tuple[int | None, Review]:
    """Propose a draft and delete it; return (the proposal's number, the review). The number is None if something still
    stands in the way: the draft is then kept with what was confirmed of it.

    NotFound if the draft is gone, as after a second press of the button. InvalidInput as ``proposals.propose``.
    """
    with database.hold_task_lock(_LOCK, wait=lock_wait.get().seconds) as is_locked:
        if not is_locked:
            raise make_write_busy_error()
        with database.reading() as connection:
            draft = form_drafts.get_draft(connection, identifier, account)
            review = review_form(connection, draft)
            stale = is_stale(connection, draft)
            size = store.read_head(connection).size
        unconfirmed = [warning for warning in review.warnings if warning.key not in confirmed]
        if review.errors or unconfirmed or review.moved or review.composed is None:
            filled = msgspec.structs.replace(draft.filled, confirmed=tuple(sorted(confirmed)))
            with database.writing() as connection:
                form_drafts.save_draft(connection, draft, filled)
            return None, review
        confirmed_sentences = [warning.get_text("zh-CN") for warning in review.warnings]
        if stale:  # something else was recorded of the subject, in no field of the form
            draft = msgspec.structs.replace(draft, base_size=size)
        number = _propose_or_amend(
            database, draft, review.composed, compose.make_report(draft, confirmed_sentences), log
        )
        with database.writing() as connection:
            form_drafts.discard_draft(connection, identifier, account)
        return number, review


def _propose_or_amend(
    database: Database,
    draft: FormDraft,
    proposal: compose.FormProposal,
    report: dict[str, Any],
    log: PublishedLog | None,
) -> int:
    """Make, or amend, the proposal of a form."""
    options: dict[str, Any] = {"by": draft.account, "title": proposal.title, "kind": proposal.kind, "report": report}
    if draft.amends is not None:
        proposals.amend(
            database,
            draft.amends,
            proposal.drafts,
            seen=draft.filled.seen,
            base_size=draft.base_size,
            log=log,
            **options,
        )
        return draft.amends
    return proposals.propose(database, proposal.drafts, base_size=draft.base_size, log=log, **options)


def reopen_as_draft(database: Database, number: int, account: str) -> FormDraft:
    """Open the form of a proposal as a draft again: to amend it while it is open, for any editor; to propose it anew
    once it was rejected, for one who took part in it, who has to type personal values again.

    NotFound for a proposal that no form made, NotAllowed for one that concerns another region, Conflict for one that is
    approved or withdrawn.
    """
    with database.writing() as connection:
        proposal = proposals.get_for_account(connection, number, account)
        report = proposal.report if isinstance(proposal.report, dict) else {}
        amendable = proposal.state in proposals.OPEN
        if report.get("form") not in ABOUT or (account not in proposal.touched_by and not amendable):
            raise NotFound(Message("这份提案不是用表单提出的。"))
        if proposal.state != "rejected" and not amendable:
            raise Conflict(Message("提案已批准或撤回，不能再改；请另填表单。"))
        kind: FormKind = report["form"]
        subject = next(d.subject for d in proposals.read_drafts(connection, number) if d.change.kind == ABOUT[kind])
        recorded = record_values.read_values_on(connection, subject, asof.find_today(connection))
        if recorded:
            require_subject_in_region(connection, account, subject)
        typed: Typed = {**report["fields"], **_read_personal_fields(connection, number, kind)}
        base: Typed = {**report["base"], **_fill_personal_fields(kind, recorded)} if recorded else {}
        seen = proposal.content_hash if amendable else ""
        filled = FormContent(typed=typed, base=base, attachment=str(report.get("attachment") or ""), seen=seen)
        size = proposal.base_size
        recorded_subject, amends = subject if recorded else None, number if amendable else None
        return form_drafts.create_draft(
            connection, account, kind, recorded_subject, filled, base_size=size, amends=amends
        )


def _read_personal_fields(connection: sa.Connection, number: int, kind: FormKind) -> Typed:
    """Return the personal values as the proposal's drafts still hold them."""
    for draft in proposals.read_drafts(connection, number):
        if draft.change.kind == ABOUT[kind]:
            return _fill_personal_fields(kind, draft.change.set)
    return {}


def _fill_personal_fields(kind: FormKind, values: dict[str, Any]) -> Typed:
    filled = record_values.fill_form(kind, values)
    return {field.name: filled[field.name] for field in list_own_fields(kind, new=False) if field.personal}
