"""The pages of administrators: accounts, and changes that two administrators make."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from registry import accounts
from registry.accounts import changes
from registry.accounts.changes import AccountChange, ChangeRequest, Kind
from registry.errors import Conflict, InvalidInput
from registry.staff import account_texts
from registry.staff.desk import Desk
from registry.texts import Message

_ADMINISTRATORS = {"roles": ("administrator",)}
_CHANGES = {**_ADMINISTRATORS, "proof": True}
#: The buttons of an account's page, and what each requests.
_ACTIONS: dict[str, Kind] = {
    **{"change": "rights", "link": "link", "reset": "reset"},
    **{"forget_second": "forget_second", "close": "close", "open": "open"},
}
#: Changes that are over, on the page of all accounts.
_OVER = 20


@get("/accounts", opt=_ADMINISTRATORS, sync_to_thread=True)
def show_accounts(desk: NamedDependency[Desk]) -> Response[Any]:
    """Show every account, what waits for a second administrator, and the form for another account."""
    return _render_accounts_page(desk)


def _render_accounts_page(desk: Desk, **values: Any) -> Response[Any]:
    with desk.database.reading() as connection:
        context: dict[str, Any] = {
            "accounts": [one for one in accounts.list_accounts(connection) if desk.may_reach(one.region)],
            "pending": _list_visible(desk, changes.list_changes(connection, pending=True)),
            "over": _list_visible(desk, changes.list_changes(connection, pending=False))[:_OVER],
            "administrators": changes.count_administrators(connection),
        }
    return desk.render_page("accounts", roles=accounts.ROLES, days=changes.DAYS, **context, **values)


def _list_visible(desk: Desk, found: list[AccountChange]) -> list[AccountChange]:
    return [change for change in found if changes.is_within(desk.account, change)]


def _require_visible(desk: Desk, visible: bool) -> None:
    if not visible:
        raise changes.make_other_region_error(desk.account)


@post("/accounts", opt=_CHANGES, status_code=200, sync_to_thread=True)
def add_account(desk: NamedDependency[Desk]) -> Response[Any]:
    """Add an account, or request one that decides; its password is shown once and has to be changed."""
    name, (password, hashed) = desk.read_field("name"), changes.make_first_password()
    request = ChangeRequest(
        kind="create", account=name, roles=_read_roles(desk), region=desk.read_place("region"), password=hashed
    )
    try:
        with desk.database.writing() as connection:
            number = changes.submit_change(connection, desk.account.name, request)
    except (InvalidInput, Conflict) as error:
        return _render_accounts_page(desk, status=400, errors=desk.list_errors(error, "name"), form_values=desk.form)
    if number is not None:
        return _render_change_page(desk, number, new_password=(name, password))
    return _render_accounts_page(desk, new_password=(name, password))


@get("/accounts/{name:str}", opt=_ADMINISTRATORS, sync_to_thread=True)
def show_account(desk: NamedDependency[Desk], name: FromPath[str]) -> Response[Any]:
    """Show one account."""
    return _render_account_page(desk, name)


def _render_account_page(desk: Desk, name: str, **values: Any) -> Response[Any]:
    with desk.database.reading() as connection:
        account = accounts.get_account(connection, name)
        _require_visible(desk, desk.may_reach(account.region))
        pending = [one for one in changes.list_changes(connection, pending=True) if one.request.account == name]
    kinds = [kind for kind in changes.KINDS if kind != "create"]
    alone = {
        kind: not changes.needs_second_person(desk.account, ChangeRequest(kind=kind, account=name), account)
        for kind in kinds
    }
    has_provider = desk.register.settings.oidc_issuer
    return desk.render_page(
        "one_account",
        account=account,
        pending=pending,
        alone=alone,
        roles=accounts.ROLES,
        has_provider=has_provider,
        **values,
    )


@post("/accounts/{name:str}", opt=_CHANGES, status_code=200, sync_to_thread=True)
def change_account(desk: NamedDependency[Desk], name: FromPath[str]) -> Response[Any]:
    """Change an account by the button pressed, or request it where another administrator has to confirm."""
    action, (password, hashed) = desk.read_field("action"), changes.make_first_password()
    try:
        if action not in _ACTIONS:
            raise InvalidInput(Message("没有这样的操作。"))
        request = ChangeRequest(
            kind=_ACTIONS[action],
            account=name,
            roles=_read_roles(desk) if action == "change" else (),
            region=desk.read_place("region") if action == "change" else "",
            external=desk.read_field("external", 201) if action == "link" else "",
            password=hashed,
        )
        with desk.database.writing() as connection:
            number = changes.submit_change(connection, desk.account.name, request)
    except (InvalidInput, Conflict) as error:
        return _render_account_page(desk, name, status=400, errors=desk.list_errors(error, ""))
    new_password = (name, password) if action in ("reset", "forget_second") else None
    if number is not None:
        return _render_change_page(desk, number, new_password=new_password)
    return _render_account_page(desk, name, new_password=new_password, action_done=action)


def _read_roles(desk: Desk) -> tuple[str, ...]:
    return tuple(str(role) for role in desk.form.getall("role", []))


@get("/accounts/changes/{number:int}", opt=_ADMINISTRATORS, sync_to_thread=True)
def show_change(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Show one requested change, before and after, with the buttons of whoever may decide."""
    return _render_change_page(desk, number)


def _render_change_page(desk: Desk, number: int, **values: Any) -> Response[Any]:
    with desk.database.reading() as connection:
        change = changes.get_change(connection, number)
        _require_visible(desk, changes.is_within(desk.account, change))
        administrators = changes.count_administrators(connection)
    is_own = desk.account.name in (change.requester, change.request.account)
    context: dict[str, Any] = {
        **{"change": change, "may_decide": not is_own, "administrators": administrators},
        "facts": account_texts.describe_change(desk.language, change),
        "lines": account_texts.compare_change(desk.language, change),
    }
    return desk.render_page("account_change", **context, **values)


@post("/accounts/changes/{number:int}", opt=_CHANGES, status_code=200, sync_to_thread=True)
def decide_change(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Confirm or refuse what another administrator requested, or withdraw what one requested oneself."""
    action, name, code = desk.read_field("action"), desk.account.name, ""
    try:
        with desk.database.writing() as connection:
            if action == "confirm":
                _, code = changes.confirm_change(connection, name, number)
            elif action == "refuse":
                changes.refuse_change(connection, name, number, desk.read_field("reason", 500))
            elif action == "withdraw":
                changes.withdraw_change(connection, name, number)
            else:
                raise InvalidInput(Message("没有这样的操作。"))
    except InvalidInput as error:
        return _render_change_page(desk, number, status=400, errors=desk.list_errors(error, ""))
    return _render_change_page(desk, number, activation=code)
