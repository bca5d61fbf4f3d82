"""Proposals: what each would change on the public page, its documents, comments, the decision of a second person; and
the emergency suspension, by which one person stops a site at once and another confirms it within a day.
"""

from __future__ import annotations

import random
import re
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from typing import IO, Any
from urllib.parse import quote

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Stream

from registry import proposals
from registry.accounts import audit_log
from registry.domain.identifiers import is_code_rather_than_name
from registry.domain.model import Institution, Struct
from registry.domain.techniques import LAWFUL_STAGES
from registry.errors import Conflict, InvalidInput, NotAllowed, NotFound
from registry.institutions.result import SearchRequest
from registry.log import store
from registry.proposals import changeset, job, proposal_store
from registry.proposals.draft_changes import GROUPS, WHOLE, read_draft_changes, read_proposal_changes
from registry.proposals.emergency import LONGEST, find_pending_confirmation
from registry.proposals.preview import SubjectPreview, preview_proposal
from registry.proposals.proposal_store import find_changed_subject
from registry.records.subject_names import describe_subject
from registry.staff import import_report
from registry.staff.desk import Desk
from registry.staff.errors import describe_path, record_refusal
from registry.staff.forms import documents, form_drafts
from registry.staff.lists import list_page, proposal_list
from registry.storage import attachments
from registry.texts import Message
from registry.web import error_status

_DECIDERS = {"roles": ("approver",)}
#: Decisions may change the register: an approval, or the rejection of what is in force already.
_DECISIONS = {**_DECIDERS, "proof": True}
_PROPOSERS = {"roles": ("editor", "publisher")}
#: Changes shown at a time; of a larger proposal a random sample, or page by page.
SHOWN = 20
#: Changes of one kind shown on a page.
LINES = 250


class ProposalEvent(Struct, frozen=True):
    """One action or comment; ``earlier``: on the content before it was amended."""

    account: str
    at: int
    action: str
    text: str = ""
    earlier: bool = False


def _list_events(connection: Any, proposal: proposals.Proposal) -> list[ProposalEvent]:
    """Return all actions and comments, in order."""
    actions = [
        ProposalEvent(account=touch.account, at=touch.at, action=touch.action)
        for touch in proposals.list_touches(connection, proposal.id)
    ]
    remarks = [
        ProposalEvent(
            account=comment.account,
            at=comment.at,
            action=comment.action,
            text=comment.text,
            earlier=comment.content_hash != proposal.content_hash,
        )
        for comment in proposal_store.list_comments(connection, proposal.id)
    ]
    return sorted([*actions, *remarks], key=lambda event: event.at)


@get("/proposals", sync_to_thread=True)
def show_proposals(desk: NamedDependency[Desk]) -> Response[Any]:
    """List the proposals that concern the account: those that wait, newest first, unless others are asked for."""
    return list_page.render_listing(desk, "proposals", proposal_list.open_proposal_list)


@get("/proposals.csv", opt={"lane": "slow"}, sync_to_thread=True)
def download_proposals(desk: NamedDependency[Desk]) -> Response[Any]:
    """Send the same as a file for a spreadsheet."""
    return list_page.send_table(desk, "proposals", proposal_list.open_proposal_list)


@get("/proposals/{number:int}", opt={"lane": "writes"}, sync_to_thread=True)
def show_proposal(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Show one proposal, with what it changes: all of it, a sample (``draw``), or the ``leaf``-th part."""
    return _render_proposal_page(desk, number)


def _render_proposal_page(desk: Desk, number: int, **values: Any) -> Response[Any]:
    with desk.database.reading() as connection:
        proposal = proposals.get_for_account(connection, number, desk.account.name)
        events = _list_events(connection, proposal)
        sources = documents.list_proposal_documents(connection, number)
        changed = find_changed_subject(connection, proposal) if proposal.state in proposals.OPEN else None
        stale = describe_subject(connection, changed) if changed and not proposal.confirm_by else None
        size = store.read_head(connection).size
        view = _read_view(desk, connection, proposal)
        subjects = _list_institutions(connection, proposal) if proposal.state == "approved" else []
        shared = _list_others_at_work(connection, desk, proposal)
    following = _find_next_proposal(desk, number) if desk.has_role("approver") else None
    errors = values.pop("errors", [])
    if places := view.pop("places", None):
        view["changes"], preview_errors = _preview_changes(desk, number, places)
        errors = errors + [error for error in preview_errors if error not in errors]
    return desk.render_page(
        "proposal",
        proposal=proposal,
        took_part=desk.account.name in proposal.touched_by,
        limit=SHOWN,
        events=events,
        documents=sources,
        conflicts=import_report.select_conflicts(proposal.report, SHOWN),
        parts={part: count for part, count in import_report.count_lines(proposal.report).items() if count},
        stale=stale,
        since=size - proposal.base_size,
        following=following,
        subjects=subjects,
        concurrent_edits=shared,
        approved=desk.read_query_number("approved"),
        errors=errors,
        **view,
        **values,
    )


def _list_institutions(connection: Any, proposal: proposals.Proposal) -> list[tuple[str, str]]:
    """Return (name, code) of the first institutions that an approved proposal is about."""
    drafts = proposals.read_drafts_at(connection, proposal.id, range(1, SHOWN + 1))
    changes = read_draft_changes(connection, drafts)
    found = {change.about: change.name for change in changes if change.name}
    return [(name, subject.partition(":")[2]) for subject, name in found.items()]


def _list_others_at_work(connection: Any, desk: Desk, proposal: proposals.Proposal) -> list[form_drafts.ConcurrentEdit]:
    """Return who else has a draft or an open proposal about a record of an open proposal."""
    if proposal.state not in proposals.OPEN:
        return []
    shared = form_drafts.list_shared_records(connection, desk.account.name, [proposal.id])
    own = set(proposal_store.list_subjects(connection, proposal.id)) if shared else set()
    return [edit for record in shared if record.subject in own for edit in record.edits]


def _read_view(desk: Desk, connection: Any, proposal: proposals.Proposal) -> dict[str, Any]:
    """Return what the page shows of the changes while they are to be decided: each of a few; of more every real change
    by kind, or those of one ``group``, or a ``leaf`` of all; of very many a sample."""
    leaf, draw = desk.read_query_number("leaf"), desk.read_query_number("draw") or 0
    leaves = -(-proposal.items // SHOWN)
    if leaf is not None and not 1 <= leaf <= leaves:
        raise InvalidInput(Message("没有这一页，共{leaves}页。", leaves=leaves))
    view: dict[str, Any] = {"leaf": leaf, "leaves": leaves, "draw": draw, "groups": None, "changes": [], "only": None}
    if proposal.state not in proposals.OPEN:
        return view
    if leaf is not None:
        return {**view, "places": list(range((leaf - 1) * SHOWN + 1, min(leaf * SHOWN, proposal.items) + 1))}
    if not SHOWN < proposal.items <= WHOLE:
        return {**view, "places": proposals.draw_sample(connection, proposal, SHOWN, draw)}
    word = desk.request.query_params.get("group")
    only = next((group for group in GROUPS if group == word), None)
    place = max(desk.read_query_number("page") or 1, 1)
    first = (place - 1) * LINES if only else 0
    found = read_proposal_changes(connection, proposal, only=only, first=first, most=LINES)
    if word and not found.groups:
        raise NotFound(Message("这份提案没有这样的变更。"))
    random.Random(f"{proposal.content_hash}:{draw}").shuffle(found.sample)  # noqa: S311 - a sample to look at
    places = -(-found.groups[0].count // LINES) if only else 1
    return {**view, "groups": found, "only": only, "place": place, "last_place": places}


def _preview_changes(desk: Desk, number: int, places: list[int]) -> tuple[list[SubjectPreview], list[tuple[str, str]]]:
    """Return what approval would do, and why that cannot be worked out now, if it cannot."""
    try:
        return preview_proposal(desk.database, number, places), []
    except error_status.WRITE_FAULTS as fault:
        return [], [("", desk.get_text(fault))]


def _perform_action(
    desk: Desk, number: int, action: Callable[[], Any], field: str = "", **typed: str
) -> Response[Any] | Any:
    """Return what an action returns; or, if it is refused, the proposal's page with the reason and what was typed."""
    try:
        with audit_log.act_from_address(desk.visitor.address):
            return action()
    except Conflict as error:
        record_refusal(desk.request, error)
        return _render_proposal_page(desk, number, status=409, errors=[("", desk.get_text(error))], **typed)
    except InvalidInput as error:
        return _render_proposal_page(desk, number, status=400, errors=[(field, desk.get_text(error))], **typed)
    except error_status.WRITE_FAULTS as error:  # nothing was done, and the page keeps what was typed
        error_status.failures.log_error(error, f"POST {describe_path(desk.request)}")
        status = error_status.get_status(error)
        response = _render_proposal_page(desk, number, status=status, errors=[("", desk.get_text(error))], **typed)
        response.headers.update(error_status.make_headers(error))
        return response


@post("/proposals/{number:int}/approve", opt=_DECISIONS, status_code=200, sync_to_thread=True)
def approve_proposal(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Append a proposal to the log, exactly as it was seen."""
    result = _perform_action(desk, number, lambda: _run_approval(desk, number))
    if isinstance(result, Response):
        return result
    following = _find_next_proposal(desk, number)
    if desk.read_field("then") == "next" and following is not None:
        return desk.redirect_to(f"/staff/proposals/{following.id}", approved=str(number))
    return _render_proposal_page(desk, number, appended=result)


def _find_next_proposal(desk: Desk, number: int) -> proposals.Proposal | None:
    """Find the oldest proposal of the same kind that this account may decide."""
    with desk.database.reading() as connection:
        kind = proposals.get_for_account(connection, number, desk.account.name).kind
        waiting = proposals.list_proposals(connection, with_report=False, seen_by=desk.account)
    own = [item for item in waiting if item.kind == kind and item.id != number]
    return min(
        (item for item in own if desk.account.name not in item.touched_by), key=lambda item: item.id, default=None
    )


def _run_approval(desk: Desk, number: int) -> tuple[int, int]:
    account, seen = desk.account.name, desk.read_field("seen")
    if job.is_long(desk.database, number):
        return job.approve_in_process(
            desk.register.settings, number, by=account, seen=seen, address=desk.visitor.address
        )
    return proposals.approve(desk.database, number, by=account, seen=seen, log=desk.register.log)


@post("/proposals/{number:int}/reject", opt=_DECISIONS, status_code=200, sync_to_thread=True)
def reject_proposal(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Reject a proposal, with a reason for whoever proposed it."""
    reason = desk.read_field("reason", 2_001)
    return _act(desk, number, partial(proposals.reject, reason=reason), "reason", reason=reason)


@post("/proposals/{number:int}/return", opt=_DECIDERS, status_code=200, sync_to_thread=True)
def send_back_proposal(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Return a proposal to its editors, with what should be changed."""
    text = desk.read_field("wanted", 2_001)
    return _act(desk, number, partial(proposals.send_back, text=text), "wanted", wanted=text)


@post("/proposals/{number:int}/comment", status_code=200, sync_to_thread=True)
def comment_on_proposal(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Comment on a proposal."""
    text = desk.read_field("text", 2_001)
    return _act(desk, number, partial(proposals.add_comment, text=text), "text", typed=text)


@post("/proposals/{number:int}/withdraw", opt=_PROPOSERS, status_code=200, sync_to_thread=True)
def withdraw_proposal(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Withdraw one's own proposal."""
    return _act(desk, number, proposals.withdraw)


def _act(desk: Desk, number: int, action: Callable[..., None], field: str = "", **typed: str) -> Response[Any]:
    """Do something with a proposal in the name of whoever is signed in, and go back to its page."""
    work = partial(action, desk.database, number, by=desk.account.name, log=desk.register.log)
    refused = _perform_action(desk, number, work, field, **typed)
    return refused or desk.redirect_to(f"/staff/proposals/{number}")


_SUSPENDERS = {"roles": ("editor", "approver")}
#: The box for every technique that the institution offers.
ALL = "all"
#: The field of the page for the field an error names.
_FIELDS = {"reason": "why", "techniques": "technique"}


@get("/suspend", opt=_SUSPENDERS, sync_to_thread=True)
def show_suspension_form(desk: NamedDependency[Desk]) -> Response[Any]:
    """Show the form for the name or code of an institution; then what it offers, and what stopping it means."""
    text = str(desk.request.query_params.get("code") or "").strip()[:100]
    if not text:
        return _render_suspension_page(desk)
    if is_code_rather_than_name(text) or (text.isascii() and " " not in text):
        return _render_suspension_form(desk, text)
    request = SearchRequest(q=text)
    result = desk.register.search_institutions(request, desk.register.make_as_of_now(), limit=SHOWN)
    found = [hit for hit in result.items if desk.may_reach(hit.institution.region.code)]
    own = [hit for hit in found if text in (hit.institution.name, *hit.institution.aliases)] or found
    if len(own) == 1 and not result.similar:
        return _render_suspension_form(desk, own[0].institution.code)
    errors = [] if found else [("code", desk.get_text(NotFound(Message("名录中没有找到这个名称，请核对。"))))]
    return _render_suspension_page(desk, status=200 if found else 404, code=text, found=found, errors=errors)


def _render_suspension_page(desk: Desk, **values: Any) -> Response[Any]:
    return desk.render_page("suspend", **{"code": "", "institution": None, "waiting": None, "found": [], **values})


def _render_suspension_form(desk: Desk, code: str, **values: Any) -> Response[Any]:
    try:
        subject, institution = _get_institution(desk, code)
    except (InvalidInput, NotFound) as error:
        errors = [("code", desk.get_text(error))]
        status = 404 if isinstance(error, NotFound) else 400
        return _render_suspension_page(desk, status=status, code=code, errors=errors)
    with desk.database.reading() as connection:
        waiting = find_pending_confirmation(connection, subject)
    offered = [approval for approval in institution.approvals if approval.stage in LAWFUL_STAGES]
    return _render_suspension_page(desk, code=code, institution=institution, offered=offered, waiting=waiting, **values)


def _get_institution(desk: Desk, code: str) -> tuple[str, Institution]:
    with desk.database.reading() as connection:
        subject = changeset.resolve_subject(connection, code, ["institution"])
    return subject, desk.register.get_institution(subject.partition(":")[2], desk.register.make_as_of_now())


@post("/suspend", opt={**_SUSPENDERS, "proof": True}, status_code=200, sync_to_thread=True)
def suspend_institution(desk: NamedDependency[Desk]) -> Response[Any]:
    """Suspend at once; then go to the page of the proposal that waits to be confirmed."""
    code, reason = desk.read_field("code"), desk.read_field("why", LONGEST + 1)
    chosen = [str(technique) for technique in desk.form.getall("technique", [])]
    techniques = [] if ALL in chosen else chosen
    try:
        if not chosen:
            raise InvalidInput(Message("请勾选要暂停的技术。"), field="techniques")
        subject, _ = _get_institution(desk, code)
        with audit_log.act_from_address(desk.visitor.address):
            suspension = proposals.suspend(
                desk.database, subject, techniques, by=desk.account.name, reason=reason, log=desk.register.log
            )
    except (InvalidInput, Conflict, NotAllowed) as error:
        if not isinstance(error, InvalidInput):
            record_refusal(desk.request, error)
        errors = [(_FIELDS.get(error.details.get("field", ""), ""), desk.get_text(error))]
        status = error_status.get_status(error)
        return _render_suspension_form(desk, code, status=status, errors=errors, why=reason, chosen=chosen)
    return desk.redirect_to(f"/staff/proposals/{suspension.waiting}")


_HASH = re.compile("[0-9a-f]{64}")


@get("/attachments/{sha256:str}", sync_to_thread=True)
def download_attachment(desk: NamedDependency[Desk], sha256: FromPath[str]) -> Response[Any]:
    """Send the bytes of a document, exactly as they were uploaded."""
    if not _HASH.fullmatch(sha256):
        raise NotFound(Message("没有这份文件。"))
    # Into a temporary file first: however slow the download, no transaction stays open for it.
    buffer = tempfile.SpooledTemporaryFile(max_size=attachments.PART)  # noqa: SIM115 - closed by what sends it
    with desk.database.reading() as connection:
        attachment = attachments.get_attachment(connection, sha256)
        buffer.writelines(attachments.read_parts(connection, sha256))
    buffer.seek(0)
    ending = attachment.name.rpartition(".")[2]
    headers = {
        "Content-Disposition": f"attachment; filename=\"document.{ending}\"; filename*=UTF-8''{quote(attachment.name)}",
        "Content-Length": str(attachment.size),
        "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
    }
    return Stream(_stream_pieces(buffer), media_type=attachment.media_type, headers=headers)


def _stream_pieces(buffer: IO[bytes]) -> Iterator[bytes]:
    with buffer:
        while piece := buffer.read(attachments.PART):
            yield piece
