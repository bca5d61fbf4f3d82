"""The audit log, for auditors and administrators: filtered, paged, and as a file."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency

from registry.accounts import audit_log
from registry.domain.normalise import escape_cells
from registry.errors import InvalidInput
from registry.records import asof
from registry.staff.desk import Desk

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


handlers = [show_audit_log, download_audit_log]
