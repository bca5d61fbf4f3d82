"""The workspace of the health staff, under /staff: plain pages and forms, behind a password and a second factor.

It uses the citizens' pages' kit (language, styles, parts of pages): what staff approve is shown as citizens will see
it.
"""

from __future__ import annotations

from litestar import Router
from litestar.di import Provide

from registry.staff import (
    account_pages,
    audit_pages,
    calendar_pages,
    check_pages,
    credential_pages,
    draft_pages,
    edition_pages,
    handover_pages,
    home,
    identity_provider,
    import_answers,
    import_pages,
    import_report,
    import_upload,
    letter_pages,
    notice_pages,
    own_account,
    proposal_pages,
    records,
    region_pages,
    renewal_pages,
    search_pages,
    sign_in_pages,
)
from registry.staff.desk import open_desk
from registry.staff.errors import HEADERS, ProofRequired, ask_for_proof, record_refused_request, render_error_page
from registry.staff.leads import pages as lead_pages
from registry.staff.measures import contact_pages, record_pages, report_pages
from registry.web.routes import list_handlers

__all__ = ["build_router", "record_refused_request"]

_PAGES = (
    *(sign_in_pages, identity_provider, home, records, draft_pages, proposal_pages, edition_pages, account_pages),
    *(import_pages, import_answers, import_upload, import_report, renewal_pages, search_pages, audit_pages),
    *(check_pages, region_pages, credential_pages, own_account, calendar_pages, handover_pages),
    *(report_pages, record_pages, contact_pages),
    lead_pages,
    *(letter_pages, notice_pages),
)


def build_router() -> Router:
    """Build the router of every page of the workspace."""
    return Router(
        path="/staff",
        route_handlers=list_handlers(*_PAGES),
        dependencies={"desk": Provide(open_desk)},
        opt={"posts": "writes", "operation": "staff"},
        exception_handlers={ProofRequired: ask_for_proof, Exception: render_error_page},
        middleware=[sign_in_pages.DelayMiddleware],
        include_in_schema=False,
        response_headers=HEADERS,
    )
