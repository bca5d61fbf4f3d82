"""Due dates: verification of approvals, authorisations of people, advertising certificates."""

from __future__ import annotations

import datetime as dt
from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency

from registry.domain.model import Struct
from registry.errors import InvalidInput
from registry.records import asof, deadlines
from registry.records.asof import AsOf
from registry.records.deadlines import KINDS, Deadline, DeadlineFilter
from registry.staff.desk import Desk
from registry.texts import Message

#: Spans in days from today; 0: what is overdue.
WITHIN = (0, 30, 90)
_PAGE = 100


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
    next_page = _format_cursor(due[_PAGE - 1]) if len(due) > _PAGE else None
    return desk.render_page(
        "due", deadlines=due[:_PAGE], within=within, kind=kind, kinds=KINDS, spans=WITHIN, next=next_page
    )


def _format_cursor(deadline: Deadline) -> str:
    return f"{deadline.day.isoformat()} {deadline.subject} {deadline.path}"


def _parse_cursor(text: str) -> tuple[str, str, str] | None:
    parts = text[:300].split(" ")
    return (parts[0], parts[1], parts[2]) if len(parts) == 3 else None


handlers = [show_due_list]
