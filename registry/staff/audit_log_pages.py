"""The trail, for auditors and administrators: filtered, paged, and as a file."""

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
    """Deeds, newest first."""
    asked = desk.request.query_params
    try:
        wanted, before = _read_filter(desk), desk.read_query_number("before")
    except InvalidInput as error:
        return desk.render_page(
            "trail",
            status=400,
            errors=[(error.details.get("field", "since"), error.get_text(desk.language.lang))],
            deeds=[],
            actions=[],
            next=None,
            asked=asked,
        )
    desk.register.sign_ins.write_failures()
    with desk.database.reading() as connection:
        deeds = audit_log.list_events(connection, wanted, before=before, limit=_PAGE)
        actions = audit_log.list_actions(connection)
    following = deeds[-1].id if len(deeds) == _PAGE else None
    return desk.render_page("trail", deeds=deeds, actions=actions, next=following, asked=asked)


@get("/trail.csv", opt={**_AUDITORS, "lane": "writes"}, sync_to_thread=True)
def download_audit_log(desk: NamedDependency[Desk]) -> Response[bytes]:
    """All that is chosen, oldest first, as a file for a spreadsheet; that it was taken is a deed itself."""
    wanted = _read_filter(desk)
    desk.register.sign_ins.write_failures()
    with desk.database.writing() as connection:
        audit_log.record_event(connection, desk.account.name, "trail_exported", "", desk.visitor.address)
    held = io.StringIO()
    write = csv.writer(held).writerow
    write(["id", "at", "account", "action", "about", "address"])
    with desk.database.reading() as connection:
        for deed in audit_log.iterate_events(connection, wanted):
            at = deed.at.isoformat(timespec="seconds").replace("+00:00", "Z")
            write(escape_cells([str(deed.id), at, deed.account, deed.action, deed.about, deed.address]))
    headers = {"Content-Disposition": 'attachment; filename="trail.csv"'}
    return Response(held.getvalue().encode("utf-8-sig"), media_type="text/csv; charset=utf-8", headers=headers)


def _read_filter(desk: Desk) -> audit_log.AuditFilter:
    asked = desk.request.query_params
    since, until = asked.get("since"), asked.get("until")
    return audit_log.AuditFilter(
        account=str(asked.get("account") or "").strip(),
        action=str(asked.get("action") or "").strip(),
        since=_parse_day_start(since, "since") if since else None,
        until=_parse_day_start(until, "until") + dt.timedelta(days=1) if until else None,
    )


def _parse_day_start(text: str, field: str) -> dt.datetime:
    try:
        day = asof.parse_day(text, field)
    except InvalidInput as error:
        raise InvalidInput(error.zh, error.en, field=field) from None
    return dt.datetime.combine(day, dt.time(), asof.SHANGHAI).astimezone(dt.UTC)


handlers = [show_audit_log, download_audit_log]
