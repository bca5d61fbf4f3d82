"""From a context to an HTTP response, and from an error to a page: headers, language, what the footer knows."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import msgspec
from litestar import Request, Response
from litestar.datastructures import State
from litestar.types import Scope

from public_site import contexts as c
from public_site.render import render_page
from registry.errors import CannotAnswer, RegistryError
from registry.records.stats import Stats
from registry.web import error_status
from registry.web.i18n import Language, read_preferences

if TYPE_CHECKING:
    from registry.register import Register

PAGE_CACHE = "public, max-age=60"
#: Seconds without a look at the register after which pages say from when their content is.
NOTICE_AFTER = 60.0
_KEPT = 100  # characters of an address shown again on an error page
Req = Request[Any, Any, State]


def read_language(request: Req) -> Language:
    """The language and size this request wants."""
    return Language(*read_preferences(request.query_params))


def get_register(request: Req) -> Register:
    """The register this process serves."""
    register: Register = request.app.state.register
    return register


def get_page_address(request: Req) -> str:
    """The request's own address without language and size, for the two switches."""
    given = [(name, value) for name, value in request.query_params.multi_items() if name not in {"lang", "size"}]
    query: dict[str, list[str]] = {}
    for name, value in given:
        query.setdefault(name, []).append(value)
    return Language().make_link(request.url.path, **query)


def get_stats(request: Req) -> Stats:
    """The register in numbers, counted once for each log size and day."""
    register = get_register(request)
    asof = register.make_as_of_now()
    kept: tuple[Any, Stats] | None = request.app.state.get("page_stats")
    if kept is not None and kept[0] == asof:
        return kept[1]
    stats = register.compute_stats(asof)
    request.app.state["page_stats"] = (asof, stats)
    return stats


def get_state_instant(request: Req) -> dt.datetime:
    """When the register was last seen to be what is answered from it; this instant before the first look."""
    verified = get_register(request).verification.last_check_time
    return verified.at if verified is not None else get_register(request).find_now()


def save_site_facts(request: Req, stats: Stats) -> c.SiteFacts:
    """What the footer says, kept so that an error page can say it too."""
    site = c.SiteFacts(
        count=stats.total,
        as_of=stats.as_of,
        source=stats.source,
        updated=stats.updated,
        operator=get_register(request).settings.operator or None,
    )
    request.app.state["page_site"] = site
    return site


def find_site_facts(request: Req) -> c.SiteFacts | None:
    """The facts of the footer: as of now, as last known when the register cannot be read, None when never known."""
    try:
        return save_site_facts(request, get_stats(request))
    except CannotAnswer:
        kept: c.SiteFacts | None = request.app.state.get("page_site")
        return kept


def make_page_response(
    request: Req, context: c.PageContext, status: int = 200, cache: str = PAGE_CACHE
) -> Response[str]:
    """The page in the language and size that were asked for; one of an old state says so, and no cache keeps it."""
    language = read_language(request)
    verified = get_register(request).verification.last_check_time
    if status < 500 and verified is not None and verified.get_age() > NOTICE_AFTER:
        context, cache = msgspec.structs.replace(context, state_at=verified.at), "no-store"
    return Response(
        render_page(context, language.lang, language.size),
        status_code=status,
        media_type="text/html",
        headers={"Cache-Control": cache, "Content-Language": language.lang},
    )


def _classify_error(error: Exception | int, status: int, asking: bool) -> c.ErrorKind:
    """What the page of an error says. What is not known to be the asker's is ours: "cannot check", never "not
    licensed"; or, where something was sent and not only asked, that it was not done."""
    if status in (404, 410):
        return "not_found"
    if status == 429:
        return "too_many"
    if status < 500:
        return "invalid"
    is_write = not isinstance(error, int) and isinstance(error_status.recognise_error(error), error_status.WRITE_FAULTS)
    return "not_done" if is_write and not asking else "cannot_answer"


def _find_error_sentence(error: Exception | int, kind: c.ErrorKind, language: Language) -> str | None:
    """The register's own sentence, where it has one that a citizen can use."""
    known = error if isinstance(error, int) else error_status.recognise_error(error)
    if isinstance(known, RegistryError) and kind != "cannot_answer":
        return known.get_text(language.lang)
    return None


def render_error_page(request: Request[Any, Any, Any], error: Exception | int) -> Response[str]:
    """The page of an error or of a status: what happened, what was kept, what to do next."""
    status = error if isinstance(error, int) else error_status.get_status(error)
    kind = _classify_error(error, status, asking=request.method in ("GET", "HEAD"))
    if not isinstance(error, int):
        error_status.failures.log_error(
            error, f"{request.method} {request.scope.get('path_template') or request.url.path}"
        )
    context = c.ErrorPage(
        here=get_page_address(request),
        site=request.app.state.get("page_site"),
        status=status,
        kind=kind,
        sentence=_find_error_sentence(error, kind, read_language(request)),
        kept=_find_typed_text(request.scope, request.query_params.get("q") or ""),
    )
    response = make_page_response(request, context, status=status, cache="no-store")
    for name, value in ({} if isinstance(error, int) else error_status.make_headers(error)).items():
        response.set_header(name, value)
    return response


def _find_typed_text(scope: Scope, query: str) -> str | None:
    """What the person had typed: the question, or the code in the address."""
    code = scope.get("path_params", {}).get("code")
    kept = query or (code if isinstance(code, str) else "")
    return kept[:_KEPT] or None
