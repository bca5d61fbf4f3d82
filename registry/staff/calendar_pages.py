"""What falls due as a calendar: a file, and an address that a calendar program asks again and again without signing in.

The address holds a code that only this register can make of the account and its password as it is stored: a new
password ends it, and so does closing the account. It shows what falls due about institutions, and names nobody.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from registry.errors import NotFound
from registry.records import asof, deadlines
from registry.records.deadlines import DeadlineFilter
from registry.staff.calendar_file import CalendarEvent, format_calendar
from registry.staff.desk import Desk
from registry.texts import Message

#: Days ahead, and lines at most, of the calendar.
_DAYS, _LINES = 366, 20_000


@get("/due.ics", opt={"lane": "slow"}, sync_to_thread=True)
def download_due_calendar(desk: NamedDependency[Desk]) -> Response[bytes]:
    """Send what is overdue or falls due within a year as a calendar (RFC 5545): a whole day for each, with a reminder
    thirty days before."""
    disposition = {"Content-Disposition": 'attachment; filename="due.ics"'}
    return Response(_format_due(desk, desk.account.region), media_type=_TYPE, headers=disposition)


@get("/calendar", sync_to_thread=True)
def show_calendar_address(desk: NamedDependency[Desk]) -> Response[Any]:
    """Show the address of one's own calendar, and what ends it."""
    name = desk.account.name
    path = f"/staff/calendars/{name}/{desk.register.sign_ins.make_calendar_code(name)}"
    address = desk.register.settings.public_url.rstrip("/") + desk.language.make_link(path)
    return desk.render_page("calendar", address=address)


@get("/calendars/{name:str}/{code:str}", opt={"state": "none", "lane": "slow"}, sync_to_thread=True)
def send_calendar(desk: NamedDependency[Desk], name: FromPath[str], code: FromPath[str]) -> Response[bytes]:
    """Send the calendar of an account to whoever has its address; NotFound for any other."""
    owner = desk.register.sign_ins.find_calendar_owner(name[:80], code)
    if owner is None:
        raise NotFound(Message("没有这个日历，或其地址已经失效；请登录后在“到期事项”中取新的地址。"))
    headers = {"Cache-Control": "private, max-age=3600"}
    return Response(_format_due(desk, owner.region), media_type=_TYPE, headers=headers)


_TYPE = "text/calendar; charset=utf-8"


def _format_due(desk: Desk, region: str) -> bytes:
    public, now = desk.register.settings.public_url.rstrip("/"), desk.register.find_now()
    events = [
        CalendarEvent(
            uid=f"{one.subject}/{one.path}/{one.day}",
            day=one.day,
            title=_describe_deadline(desk, one),
            link=f"{public}/staff/records/{desk.language.format_subject_code(one.about)}",
        )
        for one in _list_due(desk, region)
    ]
    return format_calendar(str(desk.language.translate("home_staff.due")), events, now)


def _describe_deadline(desk: Desk, one: deadlines.Deadline) -> str:
    technique = one.path.partition(".")[2]
    parts = [
        str(desk.language.translate(f"due.{one.kind}")),
        desk.language.get_plain_word(technique) if technique else "",
    ]
    return " ".join(part for part in [*parts, one.name] if part)


def _list_due(desk: Desk, region: str) -> list[deadlines.Deadline]:
    """List what is overdue or falls due within a year about institutions of a region; without names of people."""
    with desk.database.reading() as connection:
        now = asof.make_as_of(connection)
        wanted = DeadlineFilter(until=now.valid_on + dt.timedelta(days=_DAYS), region=region)
        return deadlines.list_deadlines(connection, now, wanted, limit=_LINES)
