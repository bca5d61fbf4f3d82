"""The records as staff find them: search, one institution with all that belongs to it, and links to every form."""

from __future__ import annotations

from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from registry import proposals
from registry.accounts.region_scope import can_see_proposal
from registry.domain.identifiers import parse_code
from registry.domain.model import Institution
from registry.domain.techniques import BY_CODE
from registry.errors import NotAllowed, NotFound
from registry.institutions.result import SearchRequest
from registry.records import asof, lookup
from registry.staff.desk import Desk
from registry.staff.forms import form_drafts, record_values
from registry.staff.forms.review import require_subject_in_region

_PAGE = 20
#: Sanctions of persons or organisations outside the register that are shown below the search.
_UNLISTED = 50


@get("/records", sync_to_thread=True)
def show_records(desk: NamedDependency[Desk]) -> Response[Any]:
    """Search records; also of institutions that are delisted or being set up, by name or code."""
    query = str(desk.request.query_params.get("q") or "").strip()[:100]
    cursor = desk.request.query_params.get("cursor") or None
    result = None
    if query:
        asof_now = desk.register.make_as_of_now()
        result = desk.register.search_institutions(SearchRequest(q=query), asof_now, limit=_PAGE, cursor=cursor)
    with desk.database.reading() as connection:
        unlisted = [] if query else record_values.list_records_of_parent(connection, "sanction", "")[-_UNLISTED:]
    return desk.render_page("records", query=query, result=result, unlisted=unlisted)


@get("/records/{code:str}", sync_to_thread=True)
def show_record(desk: NamedDependency[Desk], code: FromPath[str]) -> Response[Any]:
    """Show what is recorded of one institution and of what belongs to it, and what waits about it."""
    subject = lookup.to_subject(parse_code(code))
    institution = _get_institution(desk, code, subject)
    with desk.database.reading() as connection:
        people = record_values.list_records_of_parent(connection, "practitioner", subject)
        certificates = record_values.list_records_of_parent(connection, "ad_certificate", subject)
        sanctions = record_values.list_records_of_parent(connection, "sanction", subject)
        open_proposals = [
            proposals.get_proposal(connection, item)
            for item in form_drafts.list_open_proposals_about(connection, subject, belonging=True)
        ]
        visible = [item for item in open_proposals if can_see_proposal(desk.account, item.region, item.touched_by)]
        other_drafts = [
            item
            for item in form_drafts.list_concurrent_edits(connection, subject, desk.account.name)
            if item.proposal is None
        ]
        own_drafts = [
            item for item in form_drafts.list_drafts(connection, desk.account.name) if item.subject == subject
        ]
        inside = True
        try:
            require_subject_in_region(connection, desk.account.name, subject)
        except NotAllowed:
            inside = False
    missing = [
        technique for technique in BY_CODE if technique not in {item.technique for item in institution.approvals}
    ]
    return desk.render_page(
        "record",
        institution=institution,
        subject=subject,
        hidden=len(open_proposals) - len(visible),
        people=people,
        certificates=certificates,
        sanctions=sanctions,
        waiting=visible,
        other_drafts=other_drafts,
        own_drafts=own_drafts,
        inside=inside,
        missing=missing,
    )


def _get_institution(desk: Desk, code: str, subject: str) -> Institution:
    """Return it as of today, or of the day on which it first will be; NotFound."""
    try:
        return desk.register.get_institution(code, desk.register.make_as_of_now())
    except NotFound:
        with desk.database.reading() as connection:
            today = asof.find_today(connection)
            days = [
                entry.valid_from
                for entry in record_values.read_entries(connection, subject)
                if entry.valid_from > today
            ]
        if not days:
            raise
        return desk.register.get_institution(code, desk.register.make_as_of(min(days)))
