"""The card of one institution for other people's pages: what a reconciliation client shows in a frame of 420 by 320."""

from __future__ import annotations

from typing import Any, ClassVar

from litestar import Response

from public_site.responses import PageContext, PageRequest, get_page_address, get_register, make_page_response
from registry.domain.model import Institution
from registry.errors import CannotAnswer, InvalidInput, NotFound
from registry.texts import FixedText
from registry.web import error_status
from registry.web.routes import route_get
from registry.web.standing import Standing, State, make_standing

#: Unlike every other page it may be framed by anybody: with no script and no form there is nothing to be tricked into.
POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors *"


class PreviewPage(PageContext, frozen=True, kw_only=True):
    """One institution in brief; without one, ``reason``: mistyped, not_found, cannot_answer."""

    template: ClassVar[str] = "preview.html"
    noindex: ClassVar[bool] = True
    institution: Institution | None = None
    standing: Standing | None = None
    reason: State | None = None


def _render_card(request: PageRequest, status: int = 200, **content: Any) -> Response[str]:
    page = PreviewPage(here=get_page_address(request), **content)
    cache = {} if status == 200 else {"cache": "no-store"}
    response = make_page_response(request, page, status, **cache)
    response.set_header("Content-Security-Policy", POLICY)
    return response


def render_error_card(request: PageRequest, error: Exception) -> Response[str]:
    """Render why there is no card; what is not known to be the asker's mistake is "cannot answer"."""
    if isinstance(error, NotFound):
        return _render_card(request, 404, reason="not_found")
    if isinstance(error, InvalidInput):
        return _render_card(request, 400, reason="mistyped")
    error_status.failures.log_error(error, "GET /reconcile/preview")
    response = _render_card(request, 503, reason="cannot_answer")
    response.headers.update(error_status.make_headers(CannotAnswer(FixedText(""))))
    return response


@route_get("/reconcile/preview", "preview", exception_handlers={Exception: render_error_card})
def show_preview(request: PageRequest) -> Response[str]:
    """Show one institution in brief, today."""
    register = get_register(request)
    asof = register.make_as_of_now()
    code = str(request.query_params.get("id") or "")
    institution = register.get_institution(code, asof)
    standing = make_standing(institution, register.read_first_days(institution.code, asof))
    return _render_card(request, institution=institution, standing=standing)


handlers = [show_preview]
