"""The pages of auditors and administrators: the audit log, as a page and as a file."""

from __future__ import annotations

from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency

from registry.staff.desk import Desk
from registry.staff.lists import event_list, list_page

_AUDITORS = {"roles": ("auditor", "administrator")}


@get("/trail", opt=_AUDITORS, sync_to_thread=True)
def show_audit_log(desk: NamedDependency[Desk]) -> Response[Any]:
    """Show events, newest first."""
    desk.register.sign_ins.write_failures()
    return list_page.render_listing(desk, "trail", event_list.open_event_list)


@get("/trail.csv", opt={**_AUDITORS, "lane": "writes"}, sync_to_thread=True)
def download_audit_log(desk: NamedDependency[Desk]) -> Response[Any]:
    """Send all selected events as a file for a spreadsheet; the download is an event itself."""
    desk.register.sign_ins.write_failures()
    with desk.database.writing() as connection:
        desk.record_event(connection, "trail_exported", "")
    return list_page.send_table(desk, "trail", event_list.open_event_table)
