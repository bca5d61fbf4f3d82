"""The workspace of the health staff, under /staff: plain pages and forms, behind a password and a second factor.

It uses the citizens' pages' kit (language, styles, parts of pages): what staff approve is shown as citizens will see
it.
"""

from __future__ import annotations

from litestar import Router
from litestar.di import Provide

from registry.staff import (
    account_pages,
    attachment_download,
    audit_log_pages,
    draft_pages,
    due_dates,
    edition_pages,
    home,
    identity_provider,
    import_pages,
    import_report,
    import_upload,
    proposal_pages,
    records,
    sign_in_pages,
    suspension,
)
from registry.staff.answer_delay import DelayMiddleware
from registry.staff.desk import open_desk
from registry.staff.errors import HEADERS, record_refused_request, render_error_page
from registry.staff.second_factor_proof import ProofRequired, ask_for_proof

__all__ = ["build_router", "record_refused_request"]


def build_router() -> Router:
    """Build the router of every page of the workspace."""
    return Router(
        path="/staff",
        route_handlers=[
            *sign_in_pages.handlers,
            *home.handlers,
            *due_dates.handlers,
            *identity_provider.handlers,
            *import_pages.handlers,
            *import_upload.handlers,
            *account_pages.handlers,
            *proposal_pages.handlers,
            *import_report.handlers,
            *suspension.handlers,
            *edition_pages.handlers,
            *records.handlers,
            *draft_pages.handlers,
            *attachment_download.handlers,
            *audit_log_pages.handlers,
        ],
        dependencies={"desk": Provide(open_desk)},
        opt={"posts": "writes", "operation": "staff"},
        exception_handlers={ProofRequired: ask_for_proof, Exception: render_error_page},
        middleware=[DelayMiddleware],
        include_in_schema=False,
        response_headers=HEADERS,
    )
