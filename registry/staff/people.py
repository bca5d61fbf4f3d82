"""The administrator's pages: accounts, their roles and regions, and help for those who lost a factor."""

from __future__ import annotations

import secrets
from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from registry import accounts, trail
from registry.accounts import second, sessions, signin
from registry.errors import Conflict, InvalidInput, RegistryError
from registry.staff.desk import Desk
from registry.staff.errors import refused

_ADMINISTRATORS = {"roles": ("administrator",)}
_CHANGES = {**_ADMINISTRATORS, "proof": True}


@get("/accounts", opt=_ADMINISTRATORS, sync_to_thread=True)
def listed(desk: NamedDependency[Desk]) -> Response[Any]:
    """Every account, and the form for another."""
    return _listed(desk)


def _listed(desk: Desk, **told: Any) -> Response[Any]:
    with desk.database.reading() as connection:
        return desk.page("accounts", accounts=accounts.listed(connection), roles=accounts.ROLES, **told)


@post("/accounts", opt=_CHANGES, status_code=200, sync_to_thread=True)
def add(desk: NamedDependency[Desk]) -> Response[Any]:
    """Another account, with a password that is shown once and has to be changed."""
    name, password = desk.given("name"), _a_password()
    try:
        with desk.database.writing() as connection:
            accounts.add(connection, name, _roles(desk), password, region=desk.given("region"), must_change=True)
            trail.record(connection, desk.account.name, "account_added", f"account:{name}", desk.visitor.address)
    except (InvalidInput, Conflict) as error:
        return _listed(desk, status=400, errors=_told(desk, error, "name"), given=desk.form)
    return _listed(desk, made=(name, password))


@get("/accounts/{name:str}", opt=_ADMINISTRATORS, sync_to_thread=True)
def shown(desk: NamedDependency[Desk], name: FromPath[str]) -> Response[Any]:
    """One account."""
    return _shown(desk, name)


def _shown(desk: Desk, name: str, **told: Any) -> Response[Any]:
    with desk.database.reading() as connection:
        found = accounts.found(connection, name)
    outside = desk.register.settings.oidc_issuer
    return desk.page("one_account", account=found, roles=accounts.ROLES, outside=outside, **told)


@post("/accounts/{name:str}", opt=_CHANGES, status_code=200, sync_to_thread=True)
def changed(desk: NamedDependency[Desk], name: FromPath[str]) -> Response[Any]:
    """Roles and region, another password, no second factor, closed or open: one of them by the button pressed."""
    _refuse_own(desk, name)
    action = desk.given("action")
    password = _a_password()
    try:
        with desk.database.writing() as connection:
            accounts.found(connection, name)
            if action == "change":
                accounts.change(connection, name, _roles(desk), desk.given("region"))
            elif action == "link":
                accounts.link(connection, name, desk.given("external", 201))
                sessions.end(connection, name)
            elif action == "reset":
                signin.reset(connection, name, password)
            elif action == "forget_second":
                second.forget(connection, name)
                sessions.end(connection, name)
            elif action in ("close", "open"):
                accounts.set_disabled(connection, name, action == "close")
                sessions.end(connection, name)
            else:
                raise InvalidInput("没有这样的操作。", "There is no such action.")
            trail.record(connection, desk.account.name, f"account_{action}", f"account:{name}", desk.visitor.address)
    except (InvalidInput, Conflict) as error:
        return _shown(desk, name, status=400, errors=_told(desk, error, ""))
    return _shown(desk, name, made=(name, password) if action == "reset" else None, done=action)


def _refuse_own(desk: Desk, name: str) -> None:
    """Nobody gives themselves roles, nor locks everybody out by closing the account they use."""
    if name == desk.account.name:
        raise refused(
            "own_account",
            "不能在这里更改自己的账号，请另一位管理员办理。",
            "You cannot change your own account here; another administrator can.",
        )


def _told(desk: Desk, error: RegistryError, field: str) -> list[tuple[str, str]]:
    return [(error.details.get("field", field), error.text(desk.voice.lang))]


def _roles(desk: Desk) -> list[str]:
    return [str(role) for role in desk.form.getall("role", [])]


def _a_password() -> str:
    return "-".join(secrets.token_hex(3) for _ in range(4))


handlers = [listed, add, shown, changed]
