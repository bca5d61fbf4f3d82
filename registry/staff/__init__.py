"""The workspace of the health staff, under /staff: plain pages and forms, behind a password and a second factor.

Above the citizens' pages, whose kit (voice, styles, parts of pages) it uses: what staff approve is shown as citizens
will see it.
"""

from __future__ import annotations

from litestar import Router
from litestar.di import Provide

from registry.staff import (
    attaching,
    checking,
    duties,
    editing,
    entrance,
    home,
    import_deeds,
    importing,
    outside,
    people,
    proposing,
    publishing,
    records,
    reporting,
    suspending,
    trailing,
)
from registry.staff.desk import open_desk
from registry.staff.errors import HEADERS, record_refused_request, render_error_page
from registry.staff.proving import ProofRequired, ask_for_proof
from registry.staff.slowing import DelayMiddleware

__all__ = ["build_router", "record_refused_request"]


def build_router() -> Router:
    """Every page of the workspace."""
    return Router(
        path="/staff",
        route_handlers=[
            *entrance.handlers,
            *home.handlers,
            *duties.handlers,
            *outside.handlers,
            *importing.handlers,
            *import_deeds.handlers,
            *people.handlers,
            *proposing.handlers,
            *reporting.handlers,
            *suspending.handlers,
            *publishing.handlers,
            *records.handlers,
            *editing.handlers,
            *checking.handlers,
            *attaching.handlers,
            *trailing.handlers,
        ],
        dependencies={"desk": Provide(open_desk)},
        opt={"posts": "writes"},
        exception_handlers={ProofRequired: ask_for_proof, Exception: render_error_page},
        middleware=[DelayMiddleware],
        include_in_schema=False,
        response_headers=HEADERS,
    )
