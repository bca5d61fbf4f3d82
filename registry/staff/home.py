"""What waits for whoever is signed in, and their own account."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency

from registry import proposals, trail
from registry.accounts import second, sessions
from registry.editing import kept as drafts
from registry.editions.edition import Edition
from registry.importers import kept as imports
from registry.records.deadlines import KINDS
from registry.staff import duties
from registry.staff.desk import Desk, limits_of

#: Approved proposals shown on the first page; of those that wait, so many, the others on a page of their own.
RECENT, SHOWN = 8, 50


@get("/", sync_to_thread=True)
def home(desk: NamedDependency[Desk]) -> Response[Any]:
    """What waits, what falls due, what changed, and how the register is."""
    name = desk.account.name
    with desk.database.reading() as connection:
        open_ = proposals.listed(connection, proposals.OPEN, with_report=False, seen_by=desk.account)
        approved = proposals.listed(connection, "approved", limit=RECENT, with_report=False, seen_by=desk.account)
        forms = drafts.waiting(connection, name) if desk.may("editor") else []
        under_way = [one for one in imports.listed(connection, name) if one.state not in imports.OVER]
    mine = [one for one in open_ if name in one.touched_by]
    return desk.page(
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
        coming=_coming(desk),
        due=duties.table(desk),
        kinds=KINDS,
        health=desk.register.health(),
        log=desk.register.published(),
    )


def _coming(desk: Desk) -> list[Edition]:
    """The editions whose time has not come yet, the next one first."""
    held = [one for one, state in desk.register.editions.states() if state == "scheduled"]
    return sorted(held, key=lambda one: one.published)


@get("/account", sync_to_thread=True)
def account(desk: NamedDependency[Desk]) -> Response[Any]:
    """One's own sessions, password and recovery codes."""
    with desk.database.reading() as connection:
        open_ = sessions.of(connection, desk.account, limits_of(desk.register))
        left = second.recovery_left(connection, desk.account.name)
    return desk.page("account", sessions=open_, recovery_left=left)


@post("/account/end", status_code=200, sync_to_thread=True)
def end_session(desk: NamedDependency[Desk]) -> Response[Any]:
    """End one of one's sessions, or all of them."""
    chosen = desk.given("session") or None
    with desk.database.writing() as connection:
        sessions.end(connection, desk.account.name, chosen)
        trail.record(connection, desk.account.name, "sessions_ended", "one" if chosen else "all", desk.visitor.address)
    return desk.go("/staff/account")


@post("/account/recovery", opt={"proof": True}, status_code=200, sync_to_thread=True)
def renew_recovery(desk: NamedDependency[Desk]) -> Response[Any]:
    """New recovery codes in place of the old ones."""
    with desk.database.writing() as connection:
        codes = second.renew_recovery(connection, desk.account.name)
        trail.record(connection, desk.account.name, "recovery_codes_renewed", "", desk.visitor.address)
    return desk.page("recovery", codes=codes)


handlers = [home, account, end_session, renew_recovery]
