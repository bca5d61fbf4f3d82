"""From a context to an HTTP response, and from an error to a page: headers, language, what the footer knows."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import msgspec
from litestar import Request, Response
from litestar.datastructures import State
from litestar.types import Scope

from public_site import contexts as c
from public_site.render import render
from public_site.voice import Voice, preferences
from registry.errors import CannotAnswer, RegistryError
from registry.records.stats import Stats
from registry.web import statuses

if TYPE_CHECKING:
    from registry.register import Register

PAGE_CACHE = "public, max-age=60"
#: Seconds without a look at the register after which pages say from when their content is.
NOTICE_AFTER = 60.0
_KEPT = 100  # characters of an address shown again on an error page
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


def state_instant(request: Req) -> dt.datetime:
    """When the register was last seen to be what is answered from it; this instant before the first look."""
    verified = register_of(request).verification.verified
    return verified.at if verified is not None else register_of(request).find_now()


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
    """The page in the language and size that were asked for; one of an old state says so, and no cache keeps it."""
    voice = asked(request)
    verified = register_of(request).verification.verified
    if status < 500 and verified is not None and verified.age() > NOTICE_AFTER:
        context, cache = msgspec.structs.replace(context, state_at=verified.at), "no-store"
    return Response(
        render(context, voice.lang, voice.size),
        status_code=status,
        media_type="text/html",
        headers={"Cache-Control": cache, "Content-Language": voice.lang},
    )


def _kind(error: Exception | int, status: int, asking: bool) -> c.ErrorKind:
    """What the page of an error says. What is not known to be the asker's is ours: "cannot check", never "not
    licensed"; or, where something was sent and not only asked, that it was not done."""
    if status in (404, 410):
        return "not_found"
    if status == 429:
        return "too_many"
    if status < 500:
        return "invalid"
    is_write = not isinstance(error, int) and isinstance(statuses.recognise(error), statuses.WRITE_FAULTS)
    return "not_done" if is_write and not asking else "cannot_answer"


def _own_words(error: Exception | int, kind: c.ErrorKind, voice: Voice) -> str | None:
    """The register's own sentence, where it has one that a citizen can use."""
    known = error if isinstance(error, int) else statuses.recognise(error)
    if isinstance(known, RegistryError) and kind != "cannot_answer":
        return known.text(voice.lang)
    return None


def error_page(request: Request[Any, Any, Any], error: Exception | int) -> Response[str]:
    """The page of an error or of a status: what happened, what was kept, what to do next."""
    status = error if isinstance(error, int) else statuses.status_of(error)
    kind = _kind(error, status, asking=request.method in ("GET", "HEAD"))
    if not isinstance(error, int):
        statuses.failures.note(error, f"{request.method} {request.scope.get('path_template') or request.url.path}")
    context = c.ErrorPage(
        here=here_of(request),
        site=request.app.state.get("page_site"),
        status=status,
        kind=kind,
        sentence=_own_words(error, kind, asked(request)),
        kept=_kept(request.scope, request.query_params.get("q") or ""),
    )
    response = html(request, context, status=status, cache="no-store")
    for name, value in ({} if isinstance(error, int) else statuses.headers_of(error)).items():
        response.set_header(name, value)
    return response


def _kept(scope: Scope, query: str) -> str | None:
    """What the person had typed: the question, or the code in the address."""
    code = scope.get("path_params", {}).get("code")
    kept = query or (code if isinstance(code, str) else "")
    return kept[:_KEPT] or None
