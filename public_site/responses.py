"""From a page's context to an HTTP response, and from an error to a page: templates, headers, language, footer."""

from __future__ import annotations

import datetime as dt
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import jinja2
import msgspec
from litestar import Request, Response
from litestar.datastructures import State
from litestar.types import Scope

from registry.clients.service import PeopleBudget
from registry.domain.model import Date, SourceRef, Struct
from registry.errors import CannotAnswer, RegistryError
from registry.records.asof import to_day
from registry.records.stats import Stats
from registry.web import error_status
from registry.web.i18n import Lang, Language, Size, read_preferences
from registry.web.page_templates import bind_templates

if TYPE_CHECKING:
    from registry.register import Register

PAGE_CACHE = "public, max-age=60"
#: Seconds without a look at the register after which pages say from when their content is.
NOTICE_AFTER = 60.0
TEMPLATES = Path(__file__).parent / "templates"
_LONGEST_TYPED = 100  # characters of an address shown again on an error page
PageRequest = Request[Any, Any, State]
ErrorKind = Literal["not_found", "invalid", "form_only", "too_many", "not_done", "cannot_answer"]


class SiteFacts(Struct, frozen=True, kw_only=True):
    """What the footer of every page says of the whole register. ``operator``: the 主办单位, if configured."""

    count: int
    as_of: Date | None
    source: SourceRef | None
    updated: dt.datetime | None
    operator: str | None = None


class StaticEdition(Struct, frozen=True, kw_only=True):
    """What a site of files rests on: the log's size and root hash (hex), when it was signed last, and the live site."""

    size: int
    root: str
    at: dt.datetime
    origin: str


class PageContext(Struct, frozen=True, kw_only=True):
    """Base of every page's context, which is all that its template reads.

    ``here``: the page's own address with its query, without language and size; ``posted``: (field, value) sent to it in
    a body, which the switches of language and size send again. ``today``: the register's. ``state_at``: when the
    register was last seen, where that is long enough ago to be said, or the page is from memory. ``origin``: the
    address of the site as others see it, for what has to name it whole (canonical address, share card); no links are
    made of it. ``static``: the page is one of a site of files, where nothing can be asked of a server.
    """

    template: ClassVar[str] = ""
    section: ClassVar[str] = ""
    noindex: ClassVar[bool] = False
    here: str = "/"
    posted: tuple[tuple[str, str], ...] = ()
    site: SiteFacts | None = None
    today: Date | None = None
    state_at: dt.datetime | None = None
    origin: str = ""
    static: StaticEdition | None = None


class FieldError(Struct, frozen=True, kw_only=True):
    """A field that cannot be used: ``key`` of the catalogue, ``value`` as typed; or the register's own sentence."""

    field: str
    key: str = ""
    value: str = ""
    sentence: str | None = None


class ErrorPage(PageContext, frozen=True, kw_only=True):
    """What happened, what was typed, what to do next. ``sentence`` is the register's own, in the page's language."""

    template: ClassVar[str] = "error.html"
    noindex: ClassVar[bool] = True
    status: int
    kind: ErrorKind
    sentence: str | None = None
    typed: str | None = None


@cache
def build_environment(lang: Lang, size: Size, is_static: bool = False) -> jinja2.Environment:
    """Build the templates of one language and size; four environments serve every page, two a site of files."""
    environment = bind_templates(Language(lang, size), TEMPLATES)
    environment.globals["is_static"] = is_static
    return environment


def render_page(context: PageContext, lang: Lang = "zh-CN", size: Size = "normal") -> str:
    """Render a page as HTML."""
    environment = build_environment(lang, size, context.static is not None)
    return environment.get_template(context.template).render(page=context)


def read_language(request: PageRequest) -> Language:
    """Read the language and size a request asks for."""
    return Language(*read_preferences(request.query_params))


def get_register(request: PageRequest) -> Register:
    """Return the register this process serves."""
    register: Register = request.app.state.register
    return register


def find_static_edition(request: PageRequest) -> StaticEdition | None:
    """Return what a site of files rests on, while its pages are made; None for a server."""
    static: StaticEdition | None = request.app.state.get("static_edition")
    return static


def get_page_address(request: PageRequest) -> str:
    """Return the request's own address without language and size, for the two switches."""
    query: dict[str, list[str]] = {}
    for name, value in request.query_params.multi_items():
        if name not in {"lang", "size"}:
            query.setdefault(name, []).append(value)
    return Language().make_link(request.url.path, **query)


def get_stats(request: PageRequest) -> Stats:
    """Return the register in numbers, counted once for each log size and day."""
    register = get_register(request)
    asof = register.make_as_of_now()
    cached: tuple[Any, Stats] | None = request.app.state.get("page_stats")
    if cached is not None and cached[0] == asof:
        return cached[1]
    stats = register.compute_stats(asof)
    request.app.state["page_stats"] = (asof, stats)
    return stats


def get_state_instant(request: PageRequest) -> dt.datetime:
    """Return when the register was last seen to be what is answered from it; this instant before the first look."""
    verified = get_register(request).verification.last_check_time
    return verified.at if verified is not None else get_register(request).find_now()


def save_site_facts(request: PageRequest, stats: Stats) -> SiteFacts:
    """Make the facts of the footer, and save them for an error page."""
    site = SiteFacts(
        count=stats.total,
        as_of=stats.as_of,
        source=stats.source,
        updated=stats.updated,
        operator=get_register(request).settings.operator or None,
    )
    request.app.state["page_site"] = site
    return site


def find_site_facts(request: PageRequest) -> SiteFacts | None:
    """The facts of the footer: as of now, as last known when the register cannot be read, None when never known."""
    try:
        return save_site_facts(request, get_stats(request))
    except CannotAnswer:
        saved: SiteFacts | None = request.app.state.get("page_site")
        return saved


def make_frame(request: PageRequest) -> dict[str, Any]:
    """The fields of PageContext that depend on the request alone."""
    return {"here": get_page_address(request), "site": find_site_facts(request)}


def make_page_response(
    request: PageRequest, context: PageContext, status: int = 200, cache: str = PAGE_CACHE
) -> Response[str]:
    """Render the page in the language and size asked for; one of an old state says so, and no cache may keep it."""
    language, register = read_language(request), get_register(request)
    origin = register.settings.public_url.rstrip("/")
    static = find_static_edition(request)
    today = None if static else to_day(register.find_now())  # whoever reads a file reads it later
    context = msgspec.structs.replace(context, today=today, origin=origin, static=static)
    verified = register.verification.last_check_time
    if status < 500 and not static and verified is not None and verified.get_age() > NOTICE_AFTER:
        context, cache = msgspec.structs.replace(context, state_at=verified.at), "no-store"
    return Response(
        render_page(context, language.lang, language.size),
        status_code=status,
        media_type="text/html",
        headers={"Cache-Control": cache, "Content-Language": language.lang},
    )


def choose_cache_control(shows_people: bool, budget: PeopleBudget) -> str:
    """How long a page may be cached, and by whom: what one asker may look at is nobody else's."""
    if budget.refused:
        return "no-store"
    return PAGE_CACHE.replace("public", "private") if shows_people else PAGE_CACHE


def _classify_error(error: Exception | int, status: int, is_read: bool) -> ErrorKind:
    """Classify an error for its page. What is not known to be the asker's mistake is ours: "cannot check", never "not
    licensed"; or, where something was sent and not only asked, "not done"."""
    if status in (404, 410):
        return "not_found"
    if status == 405 and is_read:
        return "form_only"
    if status == 429:
        return "too_many"
    if status < 500:
        return "invalid"
    is_write = not isinstance(error, int) and isinstance(error_status.recognise_error(error), error_status.WRITE_FAULTS)
    return "not_done" if is_write and not is_read else "cannot_answer"


def render_error_page(request: Request[Any, Any, Any], error: Exception | int) -> Response[str]:
    """Render the page of an error or of a bare status, and log what is a failure of ours."""
    status = error if isinstance(error, int) else error_status.get_status(error)
    kind = _classify_error(error, status, is_read=request.method in ("GET", "HEAD"))
    sentence: str | None = None
    headers: dict[str, str] = {}
    if not isinstance(error, int):
        path = request.scope.get("path_template") or request.url.path
        error_status.failures.log_error(error, f"{request.method} {path}")
        headers = error_status.make_headers(error)
        known = error_status.recognise_error(error)
        if isinstance(known, RegistryError) and kind != "cannot_answer":
            sentence = known.get_text(read_language(request).lang)
    context = ErrorPage(
        here=get_page_address(request),
        site=request.app.state.get("page_site"),
        status=status,
        kind=kind,
        sentence=sentence,
        typed=_find_typed_text(request.scope, request.query_params.get("q") or ""),
    )
    response = make_page_response(request, context, status=status, cache="no-store")
    response.headers.update(headers)
    return response


def _find_typed_text(scope: Scope, query: str) -> str | None:
    """What the person typed: the question, or the code in the address."""
    code = scope.get("path_params", {}).get("code")
    typed = query or (code if isinstance(code, str) else "")
    return typed[:_LONGEST_TYPED] or None
