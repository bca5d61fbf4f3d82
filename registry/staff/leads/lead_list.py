"""The list of leads that lie in an account's region: filtered by what is recorded beside their content."""

from __future__ import annotations

from typing import Any

from registry.domain import regions
from registry.measures.department_table import list_departments
from registry.measures.leads import lead_filter
from registry.measures.leads.lead_filter import LeadFilter
from registry.measures.leads.model import KINDS, STATES, URGENCIES, Lead
from registry.staff.desk import Desk
from registry.staff.lists import list_page
from registry.staff.lists.list_page import Cell, ListColumn, Row, StaffList

_COLUMNS = (
    ("id", "leads.number"),
    ("received_at", "leads.received"),
    ("kind", "leads.kind"),
    ("urgency", "leads.urgency"),
    ("state", "leads.state"),
    ("region", "filters.region"),
    ("department", "leads.department"),
    ("due", "leads.due"),
)
_LATEST_FIRST = ("id", "received_at", "urgency")
_STATES = (lead_filter.ALL_OPEN, lead_filter.OVERDUE, lead_filter.SUPERVISED, *STATES)


def open_lead_list(desk: Desk, connection: Any) -> StaffList:
    """Open the list of leads; those that are open, unless another state is asked for."""
    del connection  # nothing has to be read to open it
    translate, lang = desk.language.translate, desk.language.lang
    columns = tuple(
        ListColumn(name=name, label=str(translate(key)), sorts=True, descending=name in _LATEST_FIRST)
        for name, key in _COLUMNS
    )
    departments = [(one.code, one.get_name(lang)) for one in list_departments().values()]
    filters = (
        list_page.make_text_filter(desk, "leads.text_number"),
        list_page.make_choice_filter(
            desk, "state", "leads.state", [(one, translate(f"lead.state.{one}")) for one in _STATES], default="open"
        ),
        list_page.make_choice_filter(
            desk, "kind", "leads.kind", [(one, translate(f"lead.kind.{one}")) for one in KINDS]
        ),
        list_page.make_choice_filter(
            desk, "urgency", "leads.urgency", [(one, translate(f"lead.urgency.{one}")) for one in URGENCIES]
        ),
        list_page.make_choice_filter(desk, "department", "leads.department", departments),
        list_page.make_region_filter(desk),
        *list_page.make_period_filters(desk),
    )
    query = list_page.read_query(desk, filters, columns, "due")
    return StaffList(
        path="/staff/leads",
        filters=filters,
        columns=columns,
        query=query,
        source=LeadSource(desk, query),
        empty=translate("leads.none"),
    )


def count_waiting(connection: Any, desk: Desk) -> dict[str, int]:
    """Count the leads that wait for somebody of this account's roles, by the state of the list that shows them."""
    states = {"editor": ("received", lead_filter.OVERDUE), "approver": ("referred", "closing")}
    wanted = dict.fromkeys(state for role, found in states.items() if desk.has_role(role) for state in found)
    return {state: lead_filter.count_leads(connection, LeadFilter(state=state), desk.account) for state in wanted}


class LeadSource:
    """The lines of the list of leads."""

    def __init__(self, desk: Desk, query: list_page.ListQuery) -> None:
        self._desk, self._query = desk, query
        values = query.values
        self._wanted = LeadFilter(
            state=values["state"],
            kind=values["kind"],
            urgency=values["urgency"],
            department=values["department"],
            region=values["region"],
            number=values["q"],
            since=query.get_since(),
            until=query.get_until(),
        )

    def count(self, connection: Any) -> int:
        """Count all lines."""
        return lead_filter.count_leads(connection, self._wanted, self._desk.account)

    def read(self, connection: Any, offset: int, limit: int) -> list[Row]:
        """Read some lines, in the order of the query."""
        found = lead_filter.list_leads(
            connection,
            self._wanted,
            self._desk.account,
            sort=self._query.sort,
            descending=self._query.descending,
            offset=offset,
            limit=limit,
        )
        return [self._make_row(lead) for lead in found]

    def _make_row(self, lead: Lead) -> Row:
        language = self._desk.language
        region = regions.find_region(lead.region) if lead.region else None
        department = list_departments().get(lead.department)
        is_late = lead_filter.is_late(lead)
        marks = (language.translate("leads.supervised"),) if lead.supervised_until else ()
        return [
            Cell(text=str(lead.id), link=f"/staff/leads/{lead.id}"),
            list_page.make_time_cell(lead.received_at),
            Cell(text=language.translate(f"lead.kind.{lead.kind}"), link=f"/staff/leads/{lead.id}"),
            Cell(text=language.translate(f"lead.urgency.{lead.urgency}")),
            Cell(text=language.translate(f"lead.state.{lead.state}"), notes=marks),
            Cell(text=language.format_region(region) if region else language.translate("card.region_unknown")),
            Cell(text=department.get_name(language.lang) if department else ""),
            list_page.make_day_cell(self._desk, lead.due, *((language.translate("leads.late"),) if is_late else ())),
        ]
