"""One's own account: its sessions, its recovery codes and its passkeys."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from registry.accounts import factors, passkeys, sessions
from registry.errors import Conflict, InvalidInput
from registry.staff.desk import Desk, get_session_limits

_PROOF: dict[str, Any] = {"opt": {"proof": True}, "status_code": 200, "sync_to_thread": True}


@get("/account", sync_to_thread=True)
def show_own_account(desk: NamedDependency[Desk]) -> Response[Any]:
    """Show one's own sessions, password, recovery codes and passkeys."""
    return _render_own_account(desk)


def _render_own_account(desk: Desk, **values: Any) -> Response[Any]:
    name = desk.account.name
    with desk.database.reading() as connection:
        context: dict[str, Any] = {
            "sessions": sessions.list_sessions(connection, desk.account, get_session_limits(desk.register)),
            "recovery_left": factors.count_recovery_codes(connection, name),
            "passkeys": passkeys.list_passkeys(connection, name),
        }
    public_url = desk.register.settings.public_url
    offers_passkeys = passkeys.find_relying_party(public_url) is not None
    context |= {"offers_passkeys": offers_passkeys, "public_url": public_url}
    return desk.render_page("account", **context, **values)


@post("/account/end", status_code=200, sync_to_thread=True)
def end_session(desk: NamedDependency[Desk]) -> Response[Any]:
    """End one of one's sessions, or all of them."""
    chosen = desk.read_field("session") or None
    with desk.database.writing() as connection:
        sessions.end_sessions(connection, desk.account.name, chosen)
        desk.record_event(connection, "sessions_ended", "one" if chosen else "all")
    return desk.redirect_to("/staff/account")


@post("/account/recovery", **_PROOF)
def renew_recovery_codes(desk: NamedDependency[Desk]) -> Response[Any]:
    """Make new recovery codes in place of the old ones."""
    with desk.database.writing() as connection:
        codes = factors.renew_recovery_codes(connection, desk.account.name)
        desk.record_event(connection, "recovery_codes_renewed", "")
    return desk.render_page("recovery", codes=codes)


@post("/account/passkeys", **_PROOF)
def start_passkey(desk: NamedDependency[Desk]) -> Response[Any]:
    """Show the page on which the browser makes a passkey of the name that was given."""
    name = desk.read_field("name")
    try:
        party = passkeys.require_relying_party(desk.register.settings.public_url)
        passkeys.require_name(name)
        with desk.database.reading() as connection:
            options = passkeys.make_registration_options(connection, party, desk.session)
    except (InvalidInput, Conflict) as error:
        return _render_own_account(desk, status=400, errors=desk.list_errors(error, "name"), name=name)
    return desk.render_page("passkey", options=options, name=name)


@post("/account/passkeys/add", **_PROOF)
def add_passkey(desk: NamedDependency[Desk]) -> Response[Any]:
    """Store the passkey that the browser made."""
    name, answer = desk.read_field("name"), desk.read_field("passkey", passkeys.LONGEST_ANSWER)
    try:
        party = passkeys.require_relying_party(desk.register.settings.public_url)
        with desk.database.writing() as connection:
            passkeys.save_passkey(connection, party, desk.session, answer, name)
            desk.record_event(connection, "passkey_added", "")
    except (InvalidInput, Conflict) as error:
        return _render_own_account(desk, status=400, errors=desk.list_errors(error, "name"), name=name)
    return desk.redirect_to("/staff/account")


@post("/account/passkeys/{number:int}/remove", **_PROOF)
def remove_passkey(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Remove one of one's passkeys."""
    with desk.database.writing() as connection:
        passkeys.remove_passkey(connection, desk.account.name, number)
        desk.record_event(connection, "passkey_removed", "")
    return desk.redirect_to("/staff/account")
