"""Proposals: what each would change on the public page, and the decision of a second person."""

from __future__ import annotations

from typing import Any, get_args

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from registry import proposals, trail
from registry.errors import Conflict, InvalidInput
from registry.preview import preview
from registry.staff.desk import Desk
from registry.staff.errors import note

_DECIDERS = {"roles": ("approver",)}
#: Subjects shown before and after; of a larger proposal these are a sample.
SHOWN = 20


@get("/proposals", sync_to_thread=True)
def listed(desk: NamedDependency[Desk]) -> Response[Any]:
    """Those that wait, and those that were decided."""
    asked = desk.request.query_params.get("state") or "pending"
    state = next((one for one in get_args(proposals.State) if one == asked), None)
    if state is None:
        raise InvalidInput("没有这种状态的提案。", "There are no proposals of such a state.")
    with desk.database.reading() as connection:
        found = proposals.listed(connection, state)
    return desk.page("proposals", proposals=found, state=state)


@get("/proposals/{number:int}", sync_to_thread=True)
def shown(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """One proposal, with what it changes."""
    return _shown(desk, number)


def _shown(desk: Desk, number: int, **told: Any) -> Response[Any]:
    with desk.database.reading() as connection:
        proposal = proposals.get(connection, number)
    changes = preview(desk.database, number, SHOWN) if proposal.state == "pending" else []
    own = desk.account.name in proposal.touched_by
    return desk.page("proposal", proposal=proposal, changes=changes, own=own, most=SHOWN, **told)


@post("/proposals/{number:int}/approve", opt=_DECIDERS, status_code=200, sync_to_thread=True)
def approve(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Into the log, exactly as it was seen."""
    me, seen = desk.account.name, desk.given("seen")
    try:
        with trail.acting_from(desk.visitor.address):
            first, last = proposals.approve(desk.database, number, by=me, seen=seen, log=desk.register.log)
    except Conflict as error:
        note(desk.request, error)
        return _shown(desk, number, status=409, errors=[("", error.text(desk.voice.lang))])
    return _shown(desk, number, appended=(first, last))


@post("/proposals/{number:int}/reject", opt=_DECIDERS, status_code=200, sync_to_thread=True)
def reject(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Turned down, with a reason for whoever proposed it."""
    try:
        with trail.acting_from(desk.visitor.address):
            proposals.reject(desk.database, number, by=desk.account.name, reason=desk.given("reason", 2_000))
    except Conflict as error:
        note(desk.request, error)
        return _shown(desk, number, status=409, errors=[("", error.text(desk.voice.lang))])
    except InvalidInput as error:
        told = [("reason", error.text(desk.voice.lang))]
        return _shown(desk, number, status=400, errors=told, reason=desk.given("reason", 2_000))
    return _shown(desk, number)


handlers = [listed, shown, approve, reject]
