"""The card of one institution for other people's pages: what a reconciliation client shows in a frame of 420 by 320."""

from __future__ import annotations

from typing import Any, ClassVar

from litestar import HttpMethod, Request, Response, route
from litestar.datastructures import State

from public_site.contexts import PageContext
from public_site.responses import get_page_address, get_register, make_page_response
from registry.domain import model
from registry.errors import CannotAnswer, InvalidInput, NotFound
from registry.web import error_status
from registry.web.standing import Standing, apply_rules_on_day, make_standing
from registry.web.standing import State as Said

#: Unlike every other page it may be framed by anybody: with no script and no form there is nothing to be tricked into.
POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors *"


class PreviewPage(PageContext, frozen=True, kw_only=True):
    """One institution in brief; without one, ``said`` why: mistyped, not_found, cannot_answer."""

    template: ClassVar[str] = "preview.html"
    noindex: ClassVar[bool] = True
    institution: model.Institution | None = None
    standing: Standing | None = None
    said: Said | None = None


def _render_card(request: Request[Any, Any, State], status: int = 200, **shown: Any) -> Response[str]:
    page = PreviewPage(here=get_page_address(request), **shown)
    response = (
        make_page_response(request, page, status=status)
        if status == 200
        else make_page_response(request, page, status, cache="no-store")
    )
    response.set_header("Content-Security-Policy", POLICY)
    return response


def render_error_card(request: Request[Any, Any, State], error: Exception) -> Response[str]:
    """The card that says why there is none; what is not known to be the asker's mistake is "cannot answer"."""
    if isinstance(error, NotFound):
        return _render_card(request, 404, said="not_found")
    if isinstance(error, InvalidInput):
        return _render_card(request, 400, said="mistyped")
    error_status.failures.log_error(error, "GET /reconcile/preview")
    response = _render_card(request, 503, said="cannot_answer")
    for name, value in error_status.make_headers(CannotAnswer("", "")).items():
        response.set_header(name, value)
    return response


@route(
    "/reconcile/preview",
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    sync_to_thread=True,
    include_in_schema=False,
    exception_handlers={Exception: render_error_card},
)
def show_preview(request: Request[Any, Any, State]) -> Response[str]:
    """One institution in brief, today."""
    register = get_register(request)
    asof = register.make_as_of_now()
    it = apply_rules_on_day(register.get_institution(str(request.query_params.get("id") or ""), asof), asof.valid_on)
    return _render_card(request, institution=it, standing=make_standing(it, register.read_first_days(it.code, asof)))
