"""The card of one institution for other people's pages: what a reconciliation client shows in a frame of 420 by 320."""

from __future__ import annotations

from typing import Any, ClassVar

from litestar import HttpMethod, Request, Response, route
from litestar.datastructures import State

from public_site.answers import here_of, html, register_of
from public_site.contexts import PageContext, Standing
from public_site.contexts import State as Said
from public_site.standing import on_day, standing_of
from registry import model
from registry.errors import CannotAnswer, InvalidInput, NotFound
from registry.web import statuses

#: Unlike every other page it may be framed by anybody: with no script and no form there is nothing to be tricked into.
POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors *"


class PreviewPage(PageContext, frozen=True, kw_only=True):
    """One institution in brief; without one, ``said`` why: mistyped, not_found, cannot_answer."""

    template: ClassVar[str] = "preview.html"
    noindex: ClassVar[bool] = True
    institution: model.Institution | None = None
    standing: Standing | None = None
    said: Said | None = None


def _card(request: Request[Any, Any, State], status: int = 200, **shown: Any) -> Response[str]:
    page = PreviewPage(here=here_of(request), **shown)
    response = html(request, page, status=status) if status == 200 else html(request, page, status, cache="no-store")
    response.set_header("Content-Security-Policy", POLICY)
    return response


def failed(request: Request[Any, Any, State], error: Exception) -> Response[str]:
    """The card that says why there is none; what is not known to be the asker's mistake is "cannot answer"."""
    if isinstance(error, NotFound):
        return _card(request, 404, said="not_found")
    if isinstance(error, InvalidInput):
        return _card(request, 400, said="mistyped")
    statuses.failures.note(error, "GET /reconcile/preview")
    response = _card(request, 503, said="cannot_answer")
    for name, value in statuses.headers_of(CannotAnswer("", "")).items():
        response.set_header(name, value)
    return response


@route(
    "/reconcile/preview",
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    sync_to_thread=True,
    include_in_schema=False,
    exception_handlers={Exception: failed},
)
def preview(request: Request[Any, Any, State]) -> Response[str]:
    """One institution in brief, today."""
    register = register_of(request)
    asof = register.now()
    it = on_day(register.institution(str(request.query_params.get("id") or ""), asof), asof.valid_on)
    return _card(request, institution=it, standing=standing_of(it, register.since(it.code, asof)))
