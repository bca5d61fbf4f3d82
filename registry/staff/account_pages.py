"""The pages of administrators and auditors: accounts, changes that two administrators make, and the audit log."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from registry import accounts
from registry.accounts import audit_log, changes
from registry.accounts.changes import AccountChange, ChangeRequest, Kind
from registry.domain.normalise import escape_cells
from registry.errors import Conflict, InvalidInput, NotAllowed
from registry.records import asof
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
        raise NotAllowed(
            Message("您的账号只能管理行政区划 {region} 内的账号。", region=desk.account.region), why="other_region"
        )


@post("/accounts", opt=_CHANGES, status_code=200, sync_to_thread=True)
def add_account(desk: NamedDependency[Desk]) -> Response[Any]:
    """Add an account, or request one that decides; its password is shown once and has to be changed."""
    name, (password, hashed) = desk.read_field("name"), changes.make_first_password()
    request = ChangeRequest(
        kind="create", account=name, roles=_read_roles(desk), region=desk.read_field("region"), password=hashed
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
            region=desk.read_field("region") if action == "change" else "",
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


_AUDITORS = {"roles": ("auditor", "administrator")}
_PAGE = 100


@get("/trail", opt=_AUDITORS, sync_to_thread=True)
def show_audit_log(desk: NamedDependency[Desk]) -> Response[Any]:
    """Show events, newest first."""
    query = desk.request.query_params
    try:
        event_filter, before = _read_filter(desk), desk.read_query_number("before")
    except InvalidInput as error:
        return desk.render_page(
            "trail", status=400, errors=desk.list_errors(error, "since"), events=[], actions=[], next=None, query=query
        )
    desk.register.sign_ins.write_failures()
    with desk.database.reading() as connection:
        events = audit_log.list_events(connection, event_filter, before=before, limit=_PAGE)
        actions = audit_log.list_actions(connection)
    next_page = events[-1].id if len(events) == _PAGE else None
    return desk.render_page("trail", events=events, actions=actions, next=next_page, query=query)


@get("/trail.csv", opt={**_AUDITORS, "lane": "writes"}, sync_to_thread=True)
def download_audit_log(desk: NamedDependency[Desk]) -> Response[bytes]:
    """Send all selected events, oldest first, as a file for a spreadsheet; the download is an event itself."""
    event_filter = _read_filter(desk)
    desk.register.sign_ins.write_failures()
    with desk.database.writing() as connection:
        desk.record_event(connection, "trail_exported", "")
    text = io.StringIO()
    write = csv.writer(text).writerow
    write(["id", "at", "account", "action", "about", "address"])
    with desk.database.reading() as connection:
        for event in audit_log.iterate_events(connection, event_filter):
            at = event.at.isoformat(timespec="seconds").replace("+00:00", "Z")
            write(escape_cells([str(event.id), at, event.account, event.action, event.about, event.address]))
    headers = {"Content-Disposition": 'attachment; filename="trail.csv"'}
    return Response(text.getvalue().encode("utf-8-sig"), media_type="text/csv; charset=utf-8", headers=headers)


def _read_filter(desk: Desk) -> audit_log.AuditFilter:
    query = desk.request.query_params
    since, until = query.get("since"), query.get("until")
    return audit_log.AuditFilter(
        account=str(query.get("account") or "").strip(),
        action=str(query.get("action") or "").strip(),
        since=_parse_day_start(since, "since") if since else None,
        until=_parse_day_start(until, "until") + dt.timedelta(days=1) if until else None,
    )


def _parse_day_start(text: str, field: str) -> dt.datetime:
    try:
        day = asof.parse_day(text, field)
    except InvalidInput as error:
        raise InvalidInput(error.message, field=field) from None
    return dt.datetime.combine(day, dt.time(), asof.SHANGHAI).astimezone(dt.UTC)
