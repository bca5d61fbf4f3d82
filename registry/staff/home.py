"""The start page, with what waits for whoever is signed in; and what falls due."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency

from registry import proposals
from registry.accounts import changes
from registry.domain.model import Struct
from registry.domain.normalise import escape_cells
from registry.editions.edition import Edition
from registry.errors import InvalidInput
from registry.importers.wizard import import_store
from registry.proposals.verdict_days import Timelines
from registry.records import asof, deadlines
from registry.records.asof import AsOf
from registry.records.deadlines import KINDS, DeadlineFilter
from registry.staff.calendar_file import CalendarEvent, format_calendar
from registry.staff.desk import Desk
from registry.staff.forms import form_drafts
from registry.texts import Message

#: Approved proposals on the start page; and pending ones, of which the others are on a page of their own.
RECENT, SHOWN = 8, 50


@get("/", sync_to_thread=True)
def show_home(desk: NamedDependency[Desk]) -> Response[Any]:
    """Show what waits, what falls due, what changed, and the state of the register."""
    name = desk.account.name
    with desk.database.reading() as connection:
        open_proposals = proposals.list_proposals(connection, proposals.OPEN, with_report=False, seen_by=desk.account)
        approved = proposals.list_proposals(
            connection, "approved", limit=RECENT, with_report=False, seen_by=desk.account
        )
        drafts = form_drafts.list_drafts(connection, name) if desk.has_role("editor") else []
        account_changes = changes.count_decidable(connection, desk.account) if desk.has_role("administrator") else 0
        imports_under_way = [
            item for item in import_store.list_imports(connection, name) if item.state not in import_store.OVER
        ]
    own_proposals = [item for item in open_proposals if name in item.touched_by]
    return desk.render_page(
        "home",
        # Emergency suspensions, which end unless somebody decides in time, stand first.
        to_decide=sorted(
            (item for item in open_proposals if item.state == "pending" and name not in item.touched_by),
            key=lambda item: (item.confirm_by is None, item.confirm_by or -item.id),
        ),
        shown=SHOWN,
        to_amend=[item for item in own_proposals if item.state == "returned"],
        own_proposals=[item for item in own_proposals if item.state == "pending"],
        recent=approved,
        account_changes=account_changes,
        drafts=drafts,
        imports=imports_under_way,
        scheduled_editions=_list_scheduled_editions(desk),
        due=count_due(desk),
        kinds=KINDS,
        health=desk.register.read_health(),
        log=desk.register.find_public_log(),
    )


def _list_scheduled_editions(desk: Desk) -> list[Edition]:
    """Return the editions to be published later, the next one first."""
    scheduled = [edition for edition, state in desk.register.editions.list_states() if state == "scheduled"]
    return sorted(scheduled, key=lambda edition: edition.published)


#: Spans in days from today; 0: what is overdue.
WITHIN = (0, 30, 90)
_PAGE = 100
#: Days ahead, and lines at most, of the files.
_FILE_DAYS, _FILE_LINES = 366, 20_000


class DueCounts(Struct, frozen=True):
    """How much of each kind falls due within some days (0: is overdue)."""

    within: int
    counts: dict[deadlines.Kind, int]


def count_due(desk: Desk) -> list[DueCounts]:
    """Count what falls due, about institutions of the account's region, for the start page."""
    with desk.database.reading() as connection:
        now = asof.make_as_of(connection)
        filters = [(days, _make_due_filter(now, days, desk.account.region)) for days in WITHIN]
        return [
            DueCounts(within=days, counts=deadlines.count_deadlines(connection, now, due_filter))
            for days, due_filter in filters
        ]


def _make_due_filter(now: AsOf, within: int, region: str, kind: deadlines.Kind | None = None) -> DeadlineFilter:
    today = now.valid_on
    if within == 0:
        return DeadlineFilter(kind=kind, until=today - dt.timedelta(days=1), region=region)
    return DeadlineFilter(kind=kind, since=today, until=today + dt.timedelta(days=within), region=region)


@get("/due", sync_to_thread=True)
def show_due_list(desk: NamedDependency[Desk]) -> Response[Any]:
    """List what falls due of one kind, or all, within some days; the earliest first."""
    query = desk.request.query_params
    within = desk.read_query_number("within")
    within = 90 if within is None else within
    kind = next((one for one in KINDS if one == query.get("kind")), None)
    if within not in WITHIN or (query.get("kind") and kind is None):
        raise InvalidInput(Message("没有这样的期限列表。"))
    with desk.database.reading() as connection:
        now = asof.make_as_of(connection)
        due_filter = _make_due_filter(now, within, desk.account.region, kind)
        after = _parse_cursor(str(query.get("after") or ""))
        due = deadlines.list_deadlines(connection, now, due_filter, after=after, limit=_PAGE + 1)
        names = _read_names(connection, due)
    last = due[_PAGE - 1] if len(due) > _PAGE else None
    next_page = f"{last.day.isoformat()} {last.subject} {last.path}" if last else None
    return desk.render_page(
        "due", deadlines=due[:_PAGE], names=names, within=within, kind=kind, kinds=KINDS, spans=WITHIN, next=next_page
    )


def _read_names(connection: Any, due: list[deadlines.Deadline]) -> dict[str, str]:
    """Return what people call what falls due: the name of a person, the number of a certificate."""
    subjects = [one.subject for one in due if one.subject != one.about]
    recorded, today = Timelines(connection, [], subjects), asof.find_today(connection)
    values = {subject: recorded.get_values(subject, today) for subject in subjects}
    return {subject: str(found.get("name") or found.get("number") or "") for subject, found in values.items()}


@get("/due.csv", opt={"lane": "slow"}, sync_to_thread=True)
def download_due_table(desk: NamedDependency[Desk]) -> Response[bytes]:
    """Send what falls due within some days, and what is overdue, as a file for a spreadsheet."""
    text = io.StringIO()
    write = csv.writer(text).writerow
    words = ("due.day", "due.what", "due.technique", "due.institution", "due.code")
    write([str(desk.language.translate(key)) for key in words])
    for one in _list_all_due(desk):
        technique = one.path.partition(".")[2]
        plain = desk.language.get_plain_word(technique) if technique else ""
        kind = str(desk.language.translate(f"due.{one.kind}"))
        write(escape_cells([one.day.isoformat(), kind, plain, one.name, desk.language.format_subject_code(one.about)]))
    headers = {"Content-Disposition": 'attachment; filename="due.csv"'}
    return Response(text.getvalue().encode("utf-8-sig"), media_type="text/csv; charset=utf-8", headers=headers)


@get("/due.ics", opt={"lane": "slow"}, sync_to_thread=True)
def download_due_calendar(desk: NamedDependency[Desk]) -> Response[bytes]:
    """Send the same as a calendar (RFC 5545), a whole day for each, with a reminder thirty days before."""
    public, now = desk.register.settings.public_url.rstrip("/"), desk.register.find_now()
    events = [
        CalendarEvent(
            uid=f"{one.subject}/{one.path}/{one.day}",
            day=one.day,
            title=_describe_deadline(desk, one),
            link=f"{public}/staff/records/{desk.language.format_subject_code(one.about)}",
        )
        for one in _list_all_due(desk)
    ]
    body = format_calendar(str(desk.language.translate("home_staff.due")), events, now)
    headers = {"Content-Disposition": 'attachment; filename="due.ics"'}
    return Response(body, media_type="text/calendar; charset=utf-8", headers=headers)


def _describe_deadline(desk: Desk, one: deadlines.Deadline) -> str:
    technique = one.path.partition(".")[2]
    parts = [
        str(desk.language.translate(f"due.{one.kind}")),
        desk.language.get_plain_word(technique) if technique else "",
    ]
    return " ".join(part for part in [*parts, one.name] if part)


def _list_all_due(desk: Desk) -> list[deadlines.Deadline]:
    """List what is overdue or falls due within the longest span; without names of people."""
    with desk.database.reading() as connection:
        now = asof.make_as_of(connection)
        until = now.valid_on + dt.timedelta(days=_FILE_DAYS)
        wanted = DeadlineFilter(until=until, region=desk.account.region)
        return deadlines.list_deadlines(connection, now, wanted, limit=_FILE_LINES)


def _parse_cursor(text: str) -> tuple[str, str, str] | None:
    parts = text[:300].split(" ")
    return (parts[0], parts[1], parts[2]) if len(parts) == 3 else None
