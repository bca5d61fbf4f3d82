"""What waits for whoever is signed in, and their own account."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency

from registry import proposals, trail
from registry.accounts import second, sessions
from registry.staff.desk import Desk, limits_of


@get("/", sync_to_thread=True)
def home(desk: NamedDependency[Desk]) -> Response[Any]:
    """What waits: proposals to decide, one's own, and how the register is."""
    with desk.database.reading() as connection:
        pending = proposals.listed(connection)
    mine = [one for one in pending if desk.account.name in one.touched_by]
    others = [one for one in pending if desk.account.name not in one.touched_by]
    return desk.page("home", mine=mine, others=others, health=desk.register.health())


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


@post("/account/recovery", status_code=200, sync_to_thread=True)
def renew_recovery(desk: NamedDependency[Desk]) -> Response[Any]:
    """New recovery codes in place of the old ones."""
    with desk.database.writing() as connection:
        codes = second.renew_recovery(connection, desk.account.name)
        trail.record(connection, desk.account.name, "recovery_codes_renewed", "", desk.visitor.address)
    return desk.page("recovery", codes=codes)


handlers = [home, account, end_session, renew_recovery]
