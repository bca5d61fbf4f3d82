"""Proposals: what each would change on the public page, what is said of it, and the decision of a second person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from registry import proposals
from registry.accounts import audit_log
from registry.domain.model import Struct
from registry.errors import Conflict, InvalidInput
from registry.log import store
from registry.proposals import comments, job
from registry.proposals.append import find_changed_subject
from registry.proposals.preview import SubjectPreview, preview_proposal
from registry.staff import import_report
from registry.staff.desk import Desk
from registry.staff.errors import describe_path, record_refusal
from registry.staff.forms import documents
from registry.web import error_status

_DECIDERS = {"roles": ("approver",)}
#: What changes the register: an approval, and the rejection of what is in force already.
_DECISIONS = {**_DECIDERS, "proof": True}
_PROPOSERS = {"roles": ("editor", "publisher")}
#: Changes shown before and after at a time; of a larger proposal they are drawn by chance, or leafed through.
SHOWN = 20
#: Proposals on a page of the list.
LISTED = 50


class ProposalEvent(Struct, frozen=True):
    """One thing somebody did or said; ``earlier``: of the content before it was amended."""

    account: str
    at: int
    action: str
    text: str = ""
    earlier: bool = False


def _list_events(connection: Any, proposal: proposals.Proposal) -> list[ProposalEvent]:
    """All that was done and said, in order."""
    done = [
        ProposalEvent(account=t.account, at=t.at, action=t.action)
        for t in proposals.list_touches(connection, proposal.id)
    ]
    said = [
        ProposalEvent(
            account=one.account,
            at=one.at,
            action=one.action,
            text=one.text,
            earlier=one.content_hash != proposal.content_hash,
        )
        for one in comments.list_comments(connection, proposal.id)
    ]
    return sorted([*done, *said], key=lambda mark: mark.at)


@get("/proposals", sync_to_thread=True)
def show_proposals(desk: NamedDependency[Desk]) -> Response[Any]:
    """Those that wait, those that were sent back, and those that were decided; newest first."""
    asked = desk.request.query_params.get("state") or "pending"
    state = next((one for one in get_args(proposals.State) if one == asked), None)
    if state is None:
        raise InvalidInput("没有这种状态的提案。", "There are no proposals of such a state.")
    before = desk.read_query_number("before")
    with desk.database.reading() as connection:
        found = proposals.list_proposals(
            connection, state, before=before, limit=LISTED + 1, with_report=False, seen_by=desk.account
        )
    older = found[LISTED - 1].id if len(found) > LISTED else None
    states = get_args(proposals.State)
    return desk.render_page("proposals", proposals=found[:LISTED], state=state, states=states, older=older)


@get("/proposals/{number:int}", opt={"lane": "writes"}, sync_to_thread=True)
def show_proposal(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """One proposal, with what it changes: all of it, a sample (``draw``), or the ``leaf``-th part."""
    return _render_proposal_page(desk, number)


def _render_proposal_page(desk: Desk, number: int, **told: Any) -> Response[Any]:
    with desk.database.reading() as connection:
        proposal = proposals.get_for_account(connection, number, desk.account.name)
        marks = _list_events(connection, proposal)
        rests_on = documents.list_proposal_documents(connection, number)
        changed = find_changed_subject(connection, proposal) if proposal.state in proposals.OPEN else None
        size = store.read_head(connection).size
    leaf, draw = desk.read_query_number("leaf"), desk.read_query_number("draw") or 0
    leaves = -(-proposal.items // SHOWN)
    if leaf is not None and not 1 <= leaf <= leaves:
        raise InvalidInput(f"没有这一页，共{leaves}页。", f"There is no such page; there are {leaves}.")
    with desk.database.reading() as connection:
        places = (
            proposals.draw_sample(connection, proposal, SHOWN, draw)
            if leaf is None
            else list(range((leaf - 1) * SHOWN + 1, min(leaf * SHOWN, proposal.items) + 1))
        )
    changes, hindered = _preview_changes(desk, number, places) if proposal.state in proposals.OPEN else ([], [])
    told["errors"] = [*told.get("errors", []), *(one for one in hindered if one not in told.get("errors", []))]
    return desk.render_page(
        "proposal",
        proposal=proposal,
        changes=changes,
        own=desk.account.name in proposal.touched_by,
        most=SHOWN,
        leaf=leaf,
        leaves=leaves,
        draw=draw,
        marks=marks,
        documents=rests_on,
        parts={part: count for part, count in import_report.count_lines(proposal.report).items() if count},
        stale=None if proposal.confirm_by else changed,
        since=size - proposal.base_size,
        **told,
    )


def _preview_changes(desk: Desk, number: int, places: list[int]) -> tuple[list[SubjectPreview], list[tuple[str, str]]]:
    """What approval would do, and why that cannot be worked out now: it is appended for that, and taken back."""
    try:
        return preview_proposal(desk.database, number, places), []
    except error_status.WRITE_FAULTS as fault:
        return [], [("", fault.get_text(desk.language.lang))]


def _perform_action(
    desk: Desk, number: int, deed: Callable[[], Any], field: str = "", **typed: str
) -> Response[Any] | Any:
    """What a deed returns; or the proposal as it is now with the reason why it was refused, and what was typed."""
    try:
        with audit_log.act_from_address(desk.visitor.address):
            return deed()
    except Conflict as error:
        record_refusal(desk.request, error)
        return _render_proposal_page(
            desk, number, status=409, errors=[("", error.get_text(desk.language.lang))], **typed
        )
    except InvalidInput as error:
        return _render_proposal_page(
            desk, number, status=400, errors=[(field, error.get_text(desk.language.lang))], **typed
        )
    except error_status.WRITE_FAULTS as error:  # nothing was done and the page can be shown: what was typed is kept
        error_status.failures.log_error(error, f"POST {describe_path(desk.request)}")
        told = {"status": error_status.get_status(error), "errors": [("", error.get_text(desk.language.lang))], **typed}
        response = _render_proposal_page(desk, number, **told)
        response.headers.update(error_status.make_headers(error))
        return response


@post("/proposals/{number:int}/approve", opt=_DECISIONS, status_code=200, sync_to_thread=True)
def approve_proposal(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Into the log, exactly as it was seen."""
    done = _perform_action(desk, number, lambda: _run_approval(desk, number))
    return done if isinstance(done, Response) else _render_proposal_page(desk, number, appended=done)


def _run_approval(desk: Desk, number: int) -> tuple[int, int]:
    me, seen = desk.account.name, desk.read_field("seen")
    if job.is_long(desk.database, number):
        return job.approve_in_process(desk.register.settings, number, by=me, seen=seen, address=desk.visitor.address)
    return proposals.approve(desk.database, number, by=me, seen=seen, log=desk.register.log)


@post("/proposals/{number:int}/reject", opt=_DECISIONS, status_code=200, sync_to_thread=True)
def reject_proposal(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Turned down, with a reason for whoever proposed it."""
    me, why, log = desk.account.name, desk.read_field("reason", 2_001), desk.register.log
    refused = _perform_action(
        desk,
        number,
        lambda: proposals.reject(desk.database, number, by=me, reason=why, log=log),
        "reason",
        reason=why,
    )
    return refused or desk.redirect_to(f"/staff/proposals/{number}")


@post("/proposals/{number:int}/return", opt=_DECIDERS, status_code=200, sync_to_thread=True)
def send_back_proposal(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Back to its editors, with what should be changed."""
    me, text = desk.account.name, desk.read_field("wanted", 2_001)
    refused = _perform_action(
        desk,
        number,
        lambda: proposals.send_back(desk.database, number, by=me, text=text, log=desk.register.log),
        "wanted",
        wanted=text,
    )
    return refused or desk.redirect_to(f"/staff/proposals/{number}")


@post("/proposals/{number:int}/comment", status_code=200, sync_to_thread=True)
def comment_on_proposal(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Something to be said of it."""
    me, text = desk.account.name, desk.read_field("text", 2_001)
    refused = _perform_action(
        desk,
        number,
        lambda: proposals.add_comment(desk.database, number, by=me, text=text, log=desk.register.log),
        "text",
        typed=text,
    )
    return refused or desk.redirect_to(f"/staff/proposals/{number}")


@post("/proposals/{number:int}/withdraw", opt=_PROPOSERS, status_code=200, sync_to_thread=True)
def withdraw_proposal(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Taken back by whoever proposed it."""
    refused = _perform_action(
        desk, number, lambda: proposals.withdraw(desk.database, number, by=desk.account.name, log=desk.register.log)
    )
    return refused or desk.redirect_to(f"/staff/proposals/{number}")


handlers = [
    show_proposals,
    show_proposal,
    approve_proposal,
    reject_proposal,
    send_back_proposal,
    comment_on_proposal,
    withdraw_proposal,
]
