"""Which leads a list shows: by what is recorded beside their content, which nothing searches."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from registry.accounts import Account
from registry.domain import regions
from registry.domain.identifiers import compact_code
from registry.domain.model import Struct
from registry.measures.leads import store
from registry.measures.leads.model import Lead
from registry.measures.leads.rules import OPEN
from registry.records.asof import read_today
from registry.storage.lead_tables import leads

#: States that a filter knows beside those of the table: everything open, and what is past its deadline.
ALL_OPEN, OVERDUE, SUPERVISED = "open", "overdue", "supervised"
#: What a list may be sorted by.
SORTS = ("id", "received_at", "due", "urgency", "state", "kind", "region", "department")
_URGENCY = sa.case({"immediate": 2, "urgent": 1}, value=leads.c.urgency, else_=0)


class LeadFilter(Struct, frozen=True):
    """Which leads; empty: all. ``number``: the id of a lead, or the number that its reporter has."""

    state: str = ""
    kind: str = ""
    urgency: str = ""
    department: str = ""
    region: str = ""
    number: str = ""
    since: int | None = None
    until: int | None = None


def is_late(lead: Lead) -> bool:
    """Whether the deadline of an open lead has passed."""
    return bool(lead.due) and lead.due < read_today().isoformat()


def count_leads(connection: sa.Connection, wanted: LeadFilter, account: Account) -> int:
    """Count the leads of a filter that an account may see."""
    query = sa.select(sa.func.count()).select_from(leads).where(*_list_conditions(wanted, account))
    return int(connection.execute(query).scalar_one())


def list_leads(  # noqa: PLR0913 - what a list asks for
    connection: sa.Connection,
    wanted: LeadFilter,
    account: Account,
    *,
    sort: str,
    descending: bool,
    offset: int,
    limit: int,
) -> list[Lead]:
    """List some leads of a filter that an account may see; those without a deadline come last."""
    column: Any = _URGENCY if sort == "urgency" else leads.c[sort if sort in SORTS else "id"]
    order = [column.desc() if descending else column, leads.c.id.desc() if descending else leads.c.id]
    if sort == "due":
        order.insert(0, leads.c.due == "")
    query = store.select_leads().where(*_list_conditions(wanted, account)).order_by(*order)
    return [store.to_lead(row) for row in connection.execute(query.offset(offset).limit(limit))]


def _list_conditions(wanted: LeadFilter, account: Account) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    for place in filter(None, (account.region, wanted.region)):
        conditions.append(leads.c.region.startswith(regions.get_prefix(place), autoescape=True))
    for column, value in ((leads.c.kind, wanted.kind), (leads.c.urgency, wanted.urgency)):
        if value:
            conditions.append(column == value)
    if wanted.department:
        conditions.append(leads.c.department == wanted.department)
    if wanted.since is not None:
        conditions.append(leads.c.received_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(leads.c.received_at < wanted.until)
    if wanted.number:
        conditions.append(_match_number(wanted.number))
    return [*conditions, *_list_state_conditions(wanted.state)]


def _match_number(text: str) -> sa.ColumnElement[bool]:
    plain = text.strip().lstrip("#")
    if plain.isascii() and plain.isdigit() and len(plain) < 10:
        return leads.c.id == int(plain)
    return leads.c.number == compact_code(text)


def _list_state_conditions(state: str) -> list[sa.ColumnElement[bool]]:
    if state in (ALL_OPEN, OVERDUE):
        late = [leads.c.due != "", leads.c.due < read_today().isoformat()] if state == OVERDUE else []
        return [leads.c.state.in_(OPEN), *late]
    if state == SUPERVISED:
        return [leads.c.supervised_until != ""]
    return [leads.c.state == state] if state else []
