"""What falls due: verification of approvals, authorisations of people, advertising certificates."""

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

#: Days ahead that are looked at, each with the days before it; 0: what is over.
WITHIN = (0, 30, 90)
_PAGE = 100


class DueCounts(Struct, frozen=True):
    """How much of each kind falls due within some days (0: is over)."""

    within: int
    counts: dict[deadlines.Kind, int]


def count_due(desk: Desk) -> list[DueCounts]:
    """The counts for the start page, about institutions of the account's region."""
    with desk.database.reading() as connection:
        now = asof.make_as_of(connection)
        wanted = [(days, _make_due_filter(now, days, desk.account.region)) for days in WITHIN]
        return [DueCounts(within=days, counts=deadlines.count_deadlines(connection, now, one)) for days, one in wanted]


def _make_due_filter(now: AsOf, within: int, region: str, kind: deadlines.Kind | None = None) -> DeadlineFilter:
    today = now.valid_on
    if within == 0:
        return DeadlineFilter(kind=kind, until=today - dt.timedelta(days=1), region=region)
    return DeadlineFilter(kind=kind, since=today, until=today + dt.timedelta(days=within), region=region)


@get("/due", sync_to_thread=True)
def show_due_list(desk: NamedDependency[Desk]) -> Response[Any]:
    """The list of one kind, or all, within some days; the earliest first."""
    asked = desk.request.query_params
    within = desk.read_query_number("within")
    within = 90 if within is None else within
    kind = next((one for one in KINDS if one == asked.get("kind")), None)
    if within not in WITHIN or (asked.get("kind") and kind is None):
        raise InvalidInput("没有这样的期限列表。", "There is no such list of what falls due.")
    with desk.database.reading() as connection:
        now = asof.make_as_of(connection)
        wanted = _make_due_filter(now, within, desk.account.region, kind)
        after = _parse_cursor(str(asked.get("after") or ""))
        found = deadlines.list_deadlines(connection, now, wanted, after=after, limit=_PAGE + 1)
    following = _format_cursor(found[_PAGE - 1]) if len(found) > _PAGE else None
    return desk.render_page(
        "due", found=found[:_PAGE], within=within, kind=kind, kinds=KINDS, spans=WITHIN, next=following, now=now
    )


def _format_cursor(one: Deadline) -> str:
    return f"{one.day.isoformat()} {one.subject} {one.path}"


def _parse_cursor(text: str) -> tuple[str, str, str] | None:
    parts = text[:300].split(" ")
    return (parts[0], parts[1], parts[2]) if len(parts) == 3 else None


handlers = [show_due_list]
