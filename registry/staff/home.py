"""The start page, with what waits for whoever is signed in, and their own account."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency

from registry import proposals
from registry.accounts import factors, sessions
from registry.editions.edition import Edition
from registry.importers.wizard import import_store
from registry.records.deadlines import KINDS
from registry.staff import due_dates
from registry.staff.desk import Desk, get_session_limits
from registry.staff.forms import form_drafts

#: Approved proposals on the start page; and pending ones, of which the others are on a page of their own.
RECENT, SHOWN = 8, 50


@get("/", sync_to_thread=True)
def show_home(desk: NamedDependency[Desk]) -> Response[Any]:
    """Show what waits, what falls due, what changed, and the state of the register."""
    name = desk.account.name
    with desk.database.reading() as connection:
        open_proposals = proposals.list_proposals(connection, proposals.OPEN, with_report=False, seen_by=desk.account)
        approved = proposals.list_proposals(
            connection, "approved", limit=RECENT, with_report=False, seen_by=desk.account
        )
        drafts = form_drafts.list_drafts(connection, name) if desk.has_role("editor") else []
        imports_under_way = [
            item for item in import_store.list_imports(connection, name) if item.state not in import_store.OVER
        ]
    own_proposals = [item for item in open_proposals if name in item.touched_by]
    return desk.render_page(
        "home",
        # Emergency suspensions, which end unless somebody decides in time, stand first.
        to_decide=sorted(
            (item for item in open_proposals if item.state == "pending" and name not in item.touched_by),
            key=lambda item: (item.confirm_by is None, item.confirm_by or -item.id),
        ),
        shown=SHOWN,
        to_amend=[item for item in own_proposals if item.state == "returned"],
        own_proposals=[item for item in own_proposals if item.state == "pending"],
        recent=approved,
        drafts=drafts,
        imports=imports_under_way,
        scheduled_editions=_list_scheduled_editions(desk),
        due=due_dates.count_due(desk),
        kinds=KINDS,
        health=desk.register.read_health(),
        log=desk.register.find_public_log(),
    )


def _list_scheduled_editions(desk: Desk) -> list[Edition]:
    """Return the editions to be published later, the next one first."""
    scheduled = [edition for edition, state in desk.register.editions.list_states() if state == "scheduled"]
    return sorted(scheduled, key=lambda edition: edition.published)


@get("/account", sync_to_thread=True)
def show_account(desk: NamedDependency[Desk]) -> Response[Any]:
    """Show one's own sessions, password and recovery codes."""
    with desk.database.reading() as connection:
        open_sessions = sessions.list_sessions(connection, desk.account, get_session_limits(desk.register))
        codes_left = factors.count_recovery_codes(connection, desk.account.name)
    return desk.render_page("account", sessions=open_sessions, recovery_left=codes_left)


@post("/account/end", status_code=200, sync_to_thread=True)
def end_session(desk: NamedDependency[Desk]) -> Response[Any]:
    """End one of one's sessions, or all of them."""
    chosen = desk.read_field("session") or None
    with desk.database.writing() as connection:
        sessions.end_sessions(connection, desk.account.name, chosen)
        desk.record_event(connection, "sessions_ended", "one" if chosen else "all")
    return desk.redirect_to("/staff/account")


@post("/account/recovery", opt={"proof": True}, status_code=200, sync_to_thread=True)
def renew_recovery_codes(desk: NamedDependency[Desk]) -> Response[Any]:
    """Make new recovery codes in place of the old ones."""
    with desk.database.writing() as connection:
        codes = factors.renew_recovery_codes(connection, desk.account.name)
        desk.record_event(connection, "recovery_codes_renewed", "")
    return desk.render_page("recovery", codes=codes)


handlers = [show_home, show_account, end_session, renew_recovery_codes]
