"""The pages of administrators and auditors: accounts, with help for those who lost a factor, and the audit log."""

from __future__ import annotations

import csv
import datetime as dt
import io
import secrets
from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from registry import accounts
from registry.accounts import audit_log, factors, sessions, signin
from registry.domain.normalise import escape_cells
from registry.errors import Conflict, InvalidInput, NotAllowed
from registry.records import asof
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
