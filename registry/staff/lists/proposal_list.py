"""The list of proposals that concern an account."""

from __future__ import annotations

from typing import Any, get_args

from registry.domain import regions
from registry.proposals import proposal_filter
from registry.proposals.proposal_filter import ProposalFilter
from registry.proposals.proposal_store import Proposal, State
from registry.staff.desk import Desk
from registry.staff.lists import list_page
from registry.staff.lists.list_page import Cell, ListColumn, Row, StaffList

#: The kinds of proposals, as their words are called.
KINDS = (
    "edit",
    "correction",
    "import",
    "people",
    "certificates",
    "supervision",
    "sanctions",
    "names",
    "emergency",
    "edition",
    "credential",
    "redaction",
)
_COLUMNS = (
    ("id", "proposal.number"),
    ("title", "proposal.what"),
    ("kind", "proposal.kind"),
    ("state", "proposal.state"),
    ("region", "filters.region"),
    ("items", "proposal.changes"),
    ("proposer", "proposal.by"),
    ("created_at", "proposal.when"),
    ("decided_by", "lists.decided_by"),
    ("decided_at", "lists.decided_at"),
)
_SORTS = ("id", "kind", "state", "region", "items", "decided_at")


def open_proposal_list(desk: Desk, connection: Any) -> StaffList:
    """Open the list of proposals; those that wait, unless another state is asked for."""
    translate = desk.language.translate
    columns = make_columns(desk)
    states = [(state, translate(f"proposals.{state}")) for state in get_args(State)]
    kinds = [(kind, desk.language.get_kind_label(kind)) for kind in KINDS]
    filters = (
        list_page.make_text_filter(desk, "lists.text_proposal"),
        list_page.make_choice_filter(desk, "state", "proposal.state", states, default="pending"),
        list_page.make_choice_filter(desk, "of", "proposal.kind", kinds),
        list_page.make_region_filter(desk),
        list_page.make_account_filter(desk, connection),
        *list_page.make_period_filters(desk),
    )
    query = list_page.read_query(desk, filters, columns, "id", descending=True)
    return StaffList(
        path="/staff/proposals",
        filters=filters,
        columns=columns,
        query=query,
        source=ProposalSource(desk, query),
        empty=translate("lists.no_proposal"),
    )


def make_columns(desk: Desk) -> tuple[ListColumn, ...]:
    """Make the columns of proposals."""
    return tuple(
        ListColumn(name=name, label=str(desk.language.translate(key)), sorts=name in _SORTS, descending=name != "kind")
        for name, key in _COLUMNS
    )


class ProposalSource:
    """The lines of the list of proposals."""

    def __init__(self, desk: Desk, query: list_page.ListQuery) -> None:
        self._desk, self._query = desk, query
        self._wanted = ProposalFilter(
            state=query.values["state"],
            kind=query.values["of"],
            region=query.values["region"],
            account=query.values["account"],
            text=query.values["q"],
            since=query.get_since(),
            until=query.get_until(),
        )

    def count(self, connection: Any) -> int:
        """Count all lines."""
        return proposal_filter.count_filtered_proposals(connection, self._wanted, self._desk.account)

    def read(self, connection: Any, offset: int, limit: int) -> list[Row]:
        """Read some lines, in the order of the query."""
        found = proposal_filter.list_filtered_proposals(
            connection,
            self._wanted,
            self._desk.account,
            sort=self._query.sort,
            descending=self._query.descending,
            offset=offset,
            limit=limit,
        )
        return [make_row(self._desk, proposal) for proposal in found]


def make_row(desk: Desk, one: Proposal) -> Row:
    """Make the line of a proposal."""
    language = desk.language
    until = language.format_milliseconds(one.confirm_by) if one.confirm_by and one.state == "pending" else None
    region = regions.find_region(one.region) if one.region else None
    return [
        Cell(text=str(one.id), link=f"/staff/proposals/{one.id}"),
        Cell(
            text=language.mark_chinese(one.title),
            link=f"/staff/proposals/{one.id}",
            notes=(language.translate("proposal.until", until=until),) if until else (),
        ),
        Cell(text=language.get_kind_label(one.kind)),
        Cell(text=language.translate(f"proposals.{one.state}")),
        Cell(text=language.format_region(region) if region else language.translate("accounts.everywhere")),
        Cell(text=str(one.items)),
        Cell(text=language.format_account(one.proposer)),
        list_page.make_time_cell(one.created_at),
        Cell(text=language.format_account(one.decided_by or "")),
        list_page.make_time_cell(one.decided_at),
    ]
