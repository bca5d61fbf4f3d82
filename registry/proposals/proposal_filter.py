"""Browsing proposals: filtered, sorted and counted in the database."""

from __future__ import annotations

import sqlalchemy as sa

from registry.accounts import Account
from registry.domain.model import Struct
from registry.proposals import proposal_store
from registry.proposals.proposal_store import LISTED, Proposal, match_account, match_region
from registry.storage.tables import proposals

#: More digits than the number of any proposal has.
_DIGITS = 10


class ProposalFilter(Struct, frozen=True):
    """Proposals of a state, a kind, a region; in which an account took part; with a text in the title, or of a number;
    made at ``since`` <= instant < ``until`` (milliseconds). Empty: all."""

    state: str = ""
    kind: str = ""
    region: str = ""
    account: str = ""
    text: str = ""
    since: int | None = None
    until: int | None = None

    def make_condition(self, seen_by: Account) -> sa.ColumnElement[bool]:
        """Make the condition for rows of ``proposals``, of those that concern an account."""
        p = proposals.c
        conditions: list[sa.ColumnElement[bool]] = [sa.true()]
        if seen_by.region:
            conditions.append(match_region(seen_by.region) | match_account(seen_by.name))
        conditions += [column == value for column, value in ((p.state, self.state), (p.kind, self.kind)) if value]
        if self.region and self.region != seen_by.region:
            conditions.append(match_region(self.region))
        if self.account:
            conditions.append(match_account(self.account))
        if self.text:
            is_number = self.text.isascii() and self.text.isdigit() and len(self.text) < _DIGITS
            numbered = p.id == int(self.text) if is_number else sa.false()
            conditions.append(p.title.contains(self.text, autoescape=True) | numbered)
        if self.since is not None:
            conditions.append(p.created_at >= self.since)
        if self.until is not None:
            conditions.append(p.created_at < self.until)
        return sa.and_(*conditions)


def count_filtered_proposals(connection: sa.Connection, wanted: ProposalFilter, seen_by: Account) -> int:
    """Count the proposals of a filter."""
    query = sa.select(sa.func.count()).select_from(proposals).where(wanted.make_condition(seen_by))
    return int(connection.execute(query).scalar_one())


def list_filtered_proposals(  # noqa: PLR0913 - which of the list
    connection: sa.Connection,
    wanted: ProposalFilter,
    seen_by: Account,
    *,
    sort: str = "id",
    descending: bool = True,
    offset: int = 0,
    limit: int = 50,
) -> list[Proposal]:
    """List proposals of a filter by a column, without their reports."""
    order, p = proposals.c[sort or "id"], proposals.c
    columns = [*LISTED, sa.literal(b"null").label("report")]
    query = sa.select(*columns).where(wanted.make_condition(seen_by))
    ordered = query.order_by(*((order.desc(), p.id.desc()) if descending else (order, p.id)))
    return proposal_store.make_proposals(connection, connection.execute(ordered.offset(offset).limit(limit)).all())
