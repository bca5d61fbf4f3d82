"""The search of every page's head: straight to a record when it is one, else what was found, by kind."""

from __future__ import annotations

import re
from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency

from registry.accounts.region_scope import can_see_proposal
from registry.domain.identifiers import compact_code, format_code, may_be_code
from registry.domain.model import Institution, Kind, Struct
from registry.domain.normalise import fold_text
from registry.errors import NotFound
from registry.proposals import proposal_filter, proposal_store
from registry.proposals.proposal_filter import ProposalFilter
from registry.records import browse
from registry.records.asof import make_as_of
from registry.records.browse import RecordFilter
from registry.staff.desk import Desk
from registry.staff.lists import proposal_list, record_list
from registry.staff.lists.list_page import ListColumn, Row

#: Lines of each kind on the page.
_SHOWN = 8
_LONGEST = 100
#: A proposal by its number, with or without a word or a mark before it.
_NUMBER = re.compile(r"[#№]?\s*([0-9]{1,9})")


class FoundRecords(Struct, frozen=True):
    """What a text found of one kind: some lines, and how many there are."""

    kind: str
    columns: tuple[ListColumn, ...]
    rows: list[Row]
    total: int

    @property
    def only_path(self) -> str:
        """The page of the one thing that was found; "" where there are several."""
        return next((cell.link for cell in self.rows[0] if cell.link), "") if self.total == 1 else ""


@get("/search", sync_to_thread=True)
def show_search(desk: NamedDependency[Desk]) -> Response[Any]:
    """Find a record or a proposal by a name, a code or a number."""
    text = str(desk.request.query_params.get("q") or "").strip()[:_LONGEST]
    if not text:
        return desk.render_page("search", query="", groups=[], result=None)
    with desk.database.reading() as connection:
        if path := _find_by_code(connection, text) or _find_proposal(desk, connection, text):
            return desk.redirect_to(path)
        result, subjects = record_list.find_institutions(desk, connection, text)
        exact = [hit.institution.code for hit in result.items if _is_name_of(text, hit.institution)]
        if len(exact) == 1:
            return desk.redirect_to(f"/staff/records/{exact[0]}")
        groups = [_list_found(desk, connection, "institution", subjects)]
        for kind in record_list.KINDS[1:]:
            found = record_list.find_belongings(connection, kind, text)
            groups.append(_list_found(desk, connection, kind, found))
        groups.append(_list_proposals(desk, connection, text))
    groups = [group for group in groups if group.total]
    is_certain = not result.similar or bool(groups and groups[0].kind != "institution")
    if len(groups) == 1 and is_certain and (only := groups[0].only_path):
        return desk.redirect_to(only)
    return desk.render_page("search", query=text, groups=groups, result=result)


def _is_name_of(text: str, institution: Institution) -> bool:
    return fold_text(text) in {fold_text(name) for name in (institution.name, *institution.aliases)}


def _find_by_code(connection: Any, text: str) -> str:
    """Return the page of the record that has a code; "" for none."""
    if not may_be_code(text):
        return ""
    code = compact_code(text)
    return f"/staff/records/{format_code(code)}" if browse.find_subjects(connection, code) else ""


def _find_proposal(desk: Desk, connection: Any, text: str) -> str:
    """Return the page of the proposal of a number, if the account may see it; "" for none."""
    word = desk.language.translate("trail.about_proposal", number="").strip()
    match = _NUMBER.fullmatch(text.removeprefix(word).strip())
    if match is None:
        return ""
    try:
        proposal = proposal_store.get_proposal(connection, int(match[1]))
    except NotFound:
        return ""
    is_seen = can_see_proposal(desk.account, proposal.region, proposal.touched_by)
    return f"/staff/proposals/{proposal.id}" if is_seen else ""


def _list_found(desk: Desk, connection: Any, kind: Kind, subjects: tuple[str, ...]) -> FoundRecords:
    now, wanted = make_as_of(connection), RecordFilter(kind=kind, subjects=subjects)
    if not subjects:
        return FoundRecords(kind=kind, columns=(), rows=[], total=0)
    shown = browse.list_records(connection, wanted, now, limit=_SHOWN)
    rows = record_list.make_rows(desk, connection, kind, shown)
    columns = record_list.make_columns(desk, kind)
    return FoundRecords(kind=kind, columns=columns, rows=rows, total=browse.count_records(connection, wanted, now))


def _list_proposals(desk: Desk, connection: Any, text: str) -> FoundRecords:
    wanted = ProposalFilter(text=text)
    found = proposal_filter.list_filtered_proposals(connection, wanted, desk.account, limit=_SHOWN)
    total = proposal_filter.count_filtered_proposals(connection, wanted, desk.account)
    columns = proposal_list.make_columns(desk)
    rows = [proposal_list.make_row(desk, one) for one in found]
    return FoundRecords(kind="proposal", columns=columns, rows=rows, total=total)
