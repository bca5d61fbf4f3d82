"""The list of what falls due: verifications, authorisations of people, advertising certificates."""

from __future__ import annotations

import datetime as dt
from typing import Any, cast

from registry.records import asof, deadlines
from registry.records.deadlines import KINDS, Deadline, DeadlineFilter
from registry.staff.desk import Desk
from registry.staff.lists import list_page
from registry.staff.lists.list_page import Cell, Choice, ListColumn, ListFilter, Row, StaffList
from registry.staff.record_names import RecordNames

#: Spans in days from today; 0: what is overdue.
WITHIN = (0, 30, 90, 366)
_FIRST = "90"
_COLUMNS = (
    ("day", "due.day"),
    ("kind", "due.what"),
    ("technique", "due.technique"),
    ("about", "due.institution"),
    ("code", "due.code"),
    ("subject", "due.whose"),
)
_SORTS = ("day", "kind", "about")


def open_due_list(desk: Desk, connection: Any) -> StaffList:
    """Open the list of what falls due, the earliest first."""
    translate = desk.language.translate
    columns = tuple(ListColumn(name=name, label=str(translate(key)), sorts=name in _SORTS) for name, key in _COLUMNS)
    spans = tuple(Choice(value=str(days), label=str(translate(f"due.within_{days}"))) for days in WITHIN)
    filters = (
        ListFilter(name="within", label=str(translate("due.when")), kind="choice", choices=spans, default=_FIRST),
        list_page.make_choice_filter(desk, "kind", "due.what", [(kind, translate(f"due.{kind}")) for kind in KINDS]),
        list_page.make_technique_filter(desk),
        list_page.make_region_filter(desk),
        *list_page.make_period_filters(desk),
    )
    query = list_page.read_query(desk, filters, columns, "day")
    return StaffList(
        path="/staff/due",
        filters=filters,
        columns=columns,
        query=query,
        source=DueSource(desk, connection, query),
        empty=translate("due.none"),
    )


def make_due_filter(today: dt.date, within: int, region: str) -> DeadlineFilter:
    """Make the filter of what falls due within some days (0: is overdue)."""
    if within == 0:
        return DeadlineFilter(until=today - dt.timedelta(days=1), region=region)
    return DeadlineFilter(since=today, until=today + dt.timedelta(days=within), region=region)


class DueSource:
    """The lines of what falls due."""

    def __init__(self, desk: Desk, connection: Any, query: list_page.ListQuery) -> None:
        self._desk, self._query = desk, query
        self._now = asof.make_as_of(connection)
        span = make_due_filter(self._now.valid_on, int(query.values["within"] or _FIRST), query.values["region"])
        has_period = bool(query.values["since"] or query.values["until"])
        self._wanted = DeadlineFilter(
            kind=cast("deadlines.Kind | None", query.values["kind"] or None),
            technique=query.values["technique"],
            since=query.get_day("since") if has_period else span.since,
            until=query.get_day("until") if has_period else span.until,
            region=query.values["region"],
        )

    def count(self, connection: Any) -> int:
        """Count all lines."""
        return sum(deadlines.count_deadlines(connection, self._now, self._wanted).values())

    def read(self, connection: Any, offset: int, limit: int) -> list[Row]:
        """Read some lines, in the order of the query."""
        found = deadlines.list_deadlines(
            connection,
            self._now,
            self._wanted,
            sort=self._query.sort,
            descending=self._query.descending,
            offset=offset,
            limit=limit,
        )
        names = RecordNames(connection, [one.subject for one in found if one.subject != one.about], self._desk.language)
        return [self._make_row(one, names) for one in found]

    def _make_row(self, one: Deadline, names: RecordNames) -> Row:
        language, technique = self._desk.language, one.path.partition("approvals.")[2]
        is_own = one.subject == one.about
        code = language.format_subject_code(one.about)
        return [
            list_page.make_day_cell(self._desk, one.day),
            Cell(text=language.translate(f"due.{one.kind}")),
            Cell(text=language.get_plain_word(technique) if technique else ""),
            Cell(text=language.mark_chinese(one.name), link=f"/staff/records/{code}"),
            Cell(text=language.format_public_code(code)),
            Cell() if is_own else Cell(text=names.format_name(one.subject), link=names.make_path(one.subject)),
        ]
