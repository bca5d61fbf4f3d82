"""From a context to an HTTP response, and from an error to a page: headers, language, what the footer knows."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from litestar import Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.types import Scope

from public_site import contexts as c
from public_site.render import render
from public_site.voice import Voice, preferences
from registry.errors import CannotAnswer, InvalidInput, NotFound, RegistryError, TooManyRequests
from registry.records.stats import Stats
from registry.web.departures import is_departure

if TYPE_CHECKING:
    from registry.register import Register

PAGE_CACHE = "public, max-age=60"
_KEPT = 100  # characters of an address shown again on an error page
_log = logging.getLogger("registry")
Req = Request[Any, Any, State]


def asked(request: Req) -> Voice:
    """The language and size this request wants."""
    return Voice(*preferences(request.query_params))


def register_of(request: Req) -> Register:
    """The register this process serves."""
    register: Register = request.app.state.register
    return register


def here_of(request: Req) -> str:
    """The request's own address without language and size, for the two switches."""
    given = [(name, value) for name, value in request.query_params.multi_items() if name not in {"lang", "size"}]
    query: dict[str, list[str]] = {}
    for name, value in given:
        query.setdefault(name, []).append(value)
    return Voice().link(request.url.path, **query)


def facts_of(request: Req) -> Stats:
    """The register in numbers, counted once for each log size and day."""
    register = register_of(request)
    asof = register.now()
    kept: tuple[Any, Stats] | None = request.app.state.get("page_stats")
    if kept is not None and kept[0] == asof:
        return kept[1]
    stats = register.stats(asof)
    request.app.state["page_stats"] = (asof, stats)
    return stats


def keep_site(request: Req, stats: Stats) -> c.SiteFacts:
    """What the footer says, kept so that an error page can say it too."""
    site = c.SiteFacts(
        count=stats.total,
        as_of=stats.as_of,
        source=stats.source,
        updated=stats.updated,
        operator=register_of(request).settings.operator or None,
    )
    request.app.state["page_site"] = site
    return site


def site_of(request: Req) -> c.SiteFacts | None:
    """The facts of the footer: as of now, as last known when the register cannot be read, None when never known."""
    try:
        return keep_site(request, facts_of(request))
    except CannotAnswer:
        kept: c.SiteFacts | None = request.app.state.get("page_site")
        return kept


def html(request: Req, context: c.PageContext, status: int = 200, cache: str = PAGE_CACHE) -> Response[str]:
    """The page in the language and size that were asked for."""
    voice = asked(request)
    return Response(
        render(context, voice.lang, voice.size),
        status_code=status,
        media_type="text/html",
        headers={"Cache-Control": cache, "Content-Language": voice.lang},
    )


def _kind(error: Exception | int) -> tuple[int, c.ErrorKind]:
    """(status, kind) of an error. What is not known to be the asker's is ours: "cannot check", never "not licensed"."""
    if isinstance(error, RegistryError):
        if isinstance(error, NotFound):
            return 404, "not_found"
        if isinstance(error, TooManyRequests):
            return 429, "too_many"
        return (400, "invalid") if isinstance(error, InvalidInput) else (503, "cannot_answer")
    status = error if isinstance(error, int) else error.status_code if isinstance(error, HTTPException) else 500
    if status == 404:
        return status, "not_found"
    if status == 429:
        return status, "too_many"
    return (status, "invalid") if 400 <= status < 500 else (status, "cannot_answer")


def _own_words(error: Exception | int, voice: Voice) -> str | None:
    """The register's own sentence, where it has one that a citizen can use."""
    if isinstance(error, RegistryError) and not isinstance(error, CannotAnswer):
        return error.text(voice.lang)
    return None


def error_page(request: Request[Any, Any, Any], error: Exception | int) -> Response[str]:
    """The page of an error or of a status: what happened, what was kept, what to do next."""
    status, kind = _kind(error)
    if status >= 500 and not isinstance(error, int | CannotAnswer) and not is_departure(error):
        _log.error("page %s failed", request.url.path, exc_info=error)
    context = c.ErrorPage(
        here=here_of(request),
        site=request.app.state.get("page_site"),
        status=status,
        kind=kind,
        sentence=_own_words(error, asked(request)),
        kept=_kept(request.scope, request.query_params.get("q") or ""),
    )
    response = html(request, context, status=status, cache="no-store")
    if isinstance(error, HTTPException):
        for name, value in (error.headers or {}).items():
            response.set_header(name, value)
    if isinstance(error, TooManyRequests):
        response.set_header("Retry-After", str(error.details["retry_after"]))
    if status == 503:
        response.set_header("Retry-After", "60")
    return response


def _kept(scope: Scope, query: str) -> str | None:
    """What the person had typed: the question, or the code in the address."""
    code = scope.get("path_params", {}).get("code")
    kept = query or (code if isinstance(code, str) else "")
    return kept[:_KEPT] or None
