"""The pages of administrators: accounts, with help for those who lost a factor."""

from __future__ import annotations

import secrets
from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from registry import accounts
from registry.accounts import factors, sessions, signin
from registry.errors import Conflict, InvalidInput, NotAllowed
from registry.staff.desk import Desk
from registry.texts import Message

_ADMINISTRATORS = {"roles": ("administrator",)}
_CHANGES = {**_ADMINISTRATORS, "proof": True}


@get("/accounts", opt=_ADMINISTRATORS, sync_to_thread=True)
def show_accounts(desk: NamedDependency[Desk]) -> Response[Any]:
    """Show every account, and the form for another."""
    return _render_accounts_page(desk)


def _render_accounts_page(desk: Desk, **values: Any) -> Response[Any]:
    with desk.database.reading() as connection:
        return desk.render_page("accounts", accounts=accounts.list_accounts(connection), roles=accounts.ROLES, **values)


@post("/accounts", opt=_CHANGES, status_code=200, sync_to_thread=True)
def add_account(desk: NamedDependency[Desk]) -> Response[Any]:
    """Add an account, with a password that is shown once and has to be changed."""
    name, password = desk.read_field("name"), _make_password()
    try:
        with desk.database.writing() as connection:
            accounts.create_account(
                connection, name, _read_roles(desk), password, region=desk.read_field("region"), must_change=True
            )
            desk.record_event(connection, "account_added", f"account:{name}")
    except (InvalidInput, Conflict) as error:
        return _render_accounts_page(desk, status=400, errors=desk.list_errors(error, "name"), form_values=desk.form)
    return _render_accounts_page(desk, new_password=(name, password))


@get("/accounts/{name:str}", opt=_ADMINISTRATORS, sync_to_thread=True)
def show_account(desk: NamedDependency[Desk], name: FromPath[str]) -> Response[Any]:
    """Show one account."""
    return _render_account_page(desk, name)


def _render_account_page(desk: Desk, name: str, **values: Any) -> Response[Any]:
    with desk.database.reading() as connection:
        account = accounts.get_account(connection, name)
    has_provider = desk.register.settings.oidc_issuer
    return desk.render_page("one_account", account=account, roles=accounts.ROLES, has_provider=has_provider, **values)


@post("/accounts/{name:str}", opt=_CHANGES, status_code=200, sync_to_thread=True)
def change_account(desk: NamedDependency[Desk], name: FromPath[str]) -> Response[Any]:
    """Change roles and region, password, second factor, or close or open the account, by the button pressed."""
    _refuse_own_account(desk, name)
    action = desk.read_field("action")
    password = _make_password()
    try:
        with desk.database.writing() as connection:
            accounts.get_account(connection, name)
            if action == "change":
                accounts.change_rights(connection, name, _read_roles(desk), desk.read_field("region"))
            elif action == "link":
                accounts.link_identity(connection, name, desk.read_field("external", 201))
                sessions.end_sessions(connection, name)
            elif action == "reset":
                signin.reset_password(connection, name, password)
            elif action == "forget_second":
                factors.remove_factor(connection, name)
                sessions.end_sessions(connection, name)
            elif action in ("close", "open"):
                accounts.set_disabled(connection, name, action == "close")
                sessions.end_sessions(connection, name)
            else:
                raise InvalidInput(Message("没有这样的操作。"))
            desk.record_event(connection, f"account_{action}", f"account:{name}")
    except (InvalidInput, Conflict) as error:
        return _render_account_page(desk, name, status=400, errors=desk.list_errors(error, ""))
    new_password = (name, password) if action == "reset" else None
    return _render_account_page(desk, name, new_password=new_password, action_done=action)


def _refuse_own_account(desk: Desk, name: str) -> None:
    """Refuse changes of one's own account: nobody gives themselves roles, nor locks everybody out by closing it."""
    if name == desk.account.name:
        raise NotAllowed(Message("不能在这里更改自己的账号，请另一位管理员办理。"), why="own_account")


def _read_roles(desk: Desk) -> list[str]:
    return [str(role) for role in desk.form.getall("role", [])]


def _make_password() -> str:
    return "-".join(secrets.token_hex(3) for _ in range(4))
