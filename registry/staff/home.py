"""What waits for whoever is signed in, and their own account."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency

from registry import proposals
from registry.accounts import audit_log, factors, sessions
from registry.editions.edition import Edition
from registry.importers.wizard import import_store as imports
from registry.records.deadlines import KINDS
from registry.staff import due_dates
from registry.staff.desk import Desk, get_session_limits
from registry.staff.forms import form_drafts as drafts

#: Approved proposals shown on the first page; of those that wait, so many, the others on a page of their own.
RECENT, SHOWN = 8, 50


@get("/", sync_to_thread=True)
def show_home(desk: NamedDependency[Desk]) -> Response[Any]:
    """What waits, what falls due, what changed, and how the register is."""
    name = desk.account.name
    with desk.database.reading() as connection:
        open_ = proposals.list_proposals(connection, proposals.OPEN, with_report=False, seen_by=desk.account)
        approved = proposals.list_proposals(
            connection, "approved", limit=RECENT, with_report=False, seen_by=desk.account
        )
        forms = drafts.list_drafts(connection, name) if desk.has_role("editor") else []
        under_way = [one for one in imports.list_imports(connection, name) if one.state not in imports.OVER]
    mine = [one for one in open_ if name in one.touched_by]
    return desk.render_page(
        "home",
        # What is in force already, and falls back if nobody decides, stands first.
        to_decide=sorted(
            (one for one in open_ if one.state == "pending" and name not in one.touched_by),
            key=lambda one: (one.confirm_by is None, one.confirm_by or -one.id),
        ),
        shown=SHOWN,
        to_amend=[one for one in mine if one.state == "returned"],
        mine=[one for one in mine if one.state == "pending"],
        recent=approved,
        forms=forms,
        imports=under_way,
        coming=_list_scheduled_editions(desk),
        due=due_dates.count_due(desk),
        kinds=KINDS,
        health=desk.register.read_health(),
        log=desk.register.find_public_log(),
    )


def _list_scheduled_editions(desk: Desk) -> list[Edition]:
    """The editions whose time has not come yet, the next one first."""
    held = [one for one, state in desk.register.editions.list_states() if state == "scheduled"]
    return sorted(held, key=lambda one: one.published)


@get("/account", sync_to_thread=True)
def show_account(desk: NamedDependency[Desk]) -> Response[Any]:
    """One's own sessions, password and recovery codes."""
    with desk.database.reading() as connection:
        open_ = sessions.list_sessions(connection, desk.account, get_session_limits(desk.register))
        left = factors.count_recovery_codes(connection, desk.account.name)
    return desk.render_page("account", sessions=open_, recovery_left=left)


@post("/account/end", status_code=200, sync_to_thread=True)
def end_session(desk: NamedDependency[Desk]) -> Response[Any]:
    """End one of one's sessions, or all of them."""
    chosen = desk.read_field("session") or None
    with desk.database.writing() as connection:
        sessions.end_sessions(connection, desk.account.name, chosen)
        audit_log.record_event(
            connection, desk.account.name, "sessions_ended", "one" if chosen else "all", desk.visitor.address
        )
    return desk.redirect_to("/staff/account")


@post("/account/recovery", opt={"proof": True}, status_code=200, sync_to_thread=True)
def renew_recovery_codes(desk: NamedDependency[Desk]) -> Response[Any]:
    """New recovery codes in place of the old ones."""
    with desk.database.writing() as connection:
        codes = factors.renew_recovery_codes(connection, desk.account.name)
        audit_log.record_event(connection, desk.account.name, "recovery_codes_renewed", "", desk.visitor.address)
    return desk.render_page("recovery", codes=codes)


handlers = [show_home, show_account, end_session, renew_recovery_codes]
