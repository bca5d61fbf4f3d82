"""The citizens' door: every page as a thin handler over ``registry.register.Register``. Reads only."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable
from typing import Any

from litestar import HttpMethod, Request, Response, Router, route
from litestar.datastructures import State
from litestar.exceptions import ImproperlyConfiguredException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from public_site import (
    api_reference,
    check_pages,
    edition_pages,
    list_upload,
    log_pages,
    page_times,
    questions,
    receipt_pages,
    reconcile_preview,
)
from public_site import contexts as c
from public_site.responses import (
    PAGE_CACHE,
    find_site_facts,
    get_page_address,
    get_register,
    get_state_instant,
    get_stats,
    make_page_response,
    read_language,
    render_error_page,
    save_site_facts,
)
from registry.clients.people_budget import PeopleBudget
from registry.domain.identifiers import compact_code, format_code, parse_code
from registry.errors import CannotAnswer, InvalidCode, NotFound, PeopleLimit
from registry.reconciliation.properties import PROPERTIES
from registry.web import page_templates
from registry.web.rate_limit import make_people_budget
from registry.web.record_changes import PageTimes
from registry.web.standing import apply_rules_on_day, make_standing

__all__ = ["handlers", "render_error_page"]

YEAR = "public, max-age=31536000, immutable"
Req = Request[Any, Any, State]
Handler = Callable[..., Response[Any]]


def route_page(path: str) -> Callable[[Handler], HTTPRouteHandler]:
    """A handler for GET and HEAD, run in a thread, not part of the JSON interface."""
    return route(path, http_method=[HttpMethod.GET, HttpMethod.HEAD], sync_to_thread=True, include_in_schema=False)


@route_page("/")
def show_home(request: Req) -> Response[str]:
    """The start page."""
    stats = get_stats(request)
    return make_page_response(
        request,
        c.HomePage(
            here="/",
            site=save_site_facts(request, stats),
            count=stats.total,
            as_of=stats.as_of,
            source=stats.source,
            provinces=[c.Count(code=one.code, name=one.name, count=one.count) for one in stats.by_region],
            techniques=[c.Count(code=one.technique, count=one.count) for one in stats.by_technique],
            last_updated=stats.updated,
        ),
    )


@route_page("/search")
def show_search(request: Req) -> Response[Any]:
    """Results of a search, by relevance with a question and by region without; a code goes to its institution."""
    register = get_register(request)
    asof = register.make_as_of_now()
    choice = questions.read_search_request(request.query_params)
    if questions.is_code(choice.q):  # raises InvalidCode when mistyped: that is not "not found"
        code = format_code(parse_code(choice.q))
        return Redirect(
            read_language(request).make_link(f"/i/{code}"), status_code=302, headers={"Cache-Control": PAGE_CACHE}
        )
    cursor = request.query_params.get("cursor") or None
    looks = make_people_budget(request)
    found = register.search_institutions(
        choice, asof, limit=questions.PER_PAGE, cursor=cursor, facets=True, may_look=looks.may_look
    )
    if found.warning is not None:
        warned = found.warning
        page = c.WarningPage(
            here=get_page_address(request),
            site=find_site_facts(request),
            query=choice.q,
            words=warned.words,
            kinds=warned.kinds,
            rest=warned.rest,
        )
        return make_page_response(request, page)
    bare = None
    if not found.total and (alone := questions.remove_filters(choice)) is not None:
        bare = register.search_institutions(alone, asof, limit=1, may_look=looks.may_look)
    return make_page_response(
        request,
        c.SearchPage(
            here=get_page_address(request),
            site=find_site_facts(request),
            query=choice.q,
            filters=questions.make_filters(choice),
            hits=[questions.make_hit(one) for one in found.items],
            total=found.total,
            facets=questions.make_facets(found.facets),
            understood=questions.describe_understanding(found.understood, read_language(request)),
            cursor=cursor,
            next=found.next,
            at_least=found.at_least,
            similar=found.similar,
            did_you_mean=found.did_you_mean,
            path=questions.list_region_path(choice.region),
            unfiltered=bare.total if bare is not None and not bare.similar else 0,
            unreadable=questions.is_unreadable(choice.q),
            people_withheld=looks.make_refusal().get_text(read_language(request).lang) if looks.refused else None,
        ),
        cache=_choose_cache_control(any(one.practitioners for one in found.items), looks),
    )


def _choose_cache_control(shows_people: bool, looks: PeopleBudget) -> str:
    """How long a page may be kept, and by whom: what one asker may look at is nobody else's."""
    if looks.refused:
        return "no-store"
    return PAGE_CACHE.replace("public", "private") if shows_people else PAGE_CACHE


def _make_canonical_redirect(request: Req, code: str, after: str = "") -> Redirect | None:
    """Where a code typed in lower case, without its dash or with O for 0 really lives; None when it is there."""
    printed = format_code(compact_code(code))
    if code == printed or len(printed) != 9:
        return None
    query = request.scope["query_string"].decode("latin-1")
    return Redirect(
        f"/i/{printed}{after}" + (f"?{query}" if query else ""), status_code=301, headers={"Cache-Control": PAGE_CACHE}
    )


@route_page("/i/{code:str}")
def show_institution(request: Req, code: FromPath[str]) -> Response[Any]:
    """One institution, today or as of other times; what is not today's state says so."""
    if moved := _make_canonical_redirect(request, code):
        return moved
    register = get_register(request)
    form = page_times.read_times_form(request.query_params)
    try:
        asof, past = page_times.choose_as_of(register, form)
    except CannotAnswer:
        if form != c.TimesForm():
            raise
        return _render_from_memory(request, code)
    try:
        it = apply_rules_on_day(register.get_institution(code, asof), asof.valid_on)
    except NotFound:
        if past is None:
            raise
        return _render_no_record(request, code, past)
    looks = make_people_budget(request)
    try:
        working, withheld = register.list_practitioners(code, asof, looks.require_look), None
    except PeopleLimit as refusal:  # the page says so in their place
        working, withheld = [], refusal.get_text(read_language(request).lang)
    return make_page_response(
        request,
        c.InstitutionPage(
            here=get_page_address(request),
            site=find_site_facts(request),
            institution=it,
            standing=make_standing(it, register.read_first_days(code, asof)),
            practitioners=working,
            people_withheld=withheld,
            recent=register.list_versions(code, asof, asof.valid_on if past else None)[::-1][:3],
            qr=f"/i/{it.code}/qr.svg",
            public_url=f"{register.settings.public_url.rstrip('/')}/q/{it.code}",
            as_of=asof.valid_on,
            past=past,
            superseded=page_times.is_superseded(register, code, it, past),
        ),
        cache=_choose_cache_control(bool(working), looks),
    )


def _render_no_record(request: Req, code: str, past: PageTimes) -> Response[str]:
    """404 that does not read as "not approved"; NotFound for a code that belongs to nobody today either."""
    register = get_register(request)
    it = register.get_institution(code, register.make_as_of_now())
    page = c.NoRecordPage(here=get_page_address(request), site=find_site_facts(request), institution=it, past=past)
    return make_page_response(request, page, status=404)


@route_page("/i/{code:str}/history")
def show_history(request: Req, code: FromPath[str]) -> Response[Any]:
    """Every version of one institution; asked about a day, also what was believed of it then and what is known now."""
    if moved := _make_canonical_redirect(request, code, "/history"):
        return moved
    register = get_register(request)
    asof = register.make_as_of_now()
    it = register.get_institution(code, asof)
    form = page_times.read_times_form(request.query_params)
    asked_for, errors = page_times.parse_times(form, asof.valid_on)
    answered = form != c.TimesForm() and not errors
    return make_page_response(
        request,
        c.HistoryPage(
            here=get_page_address(request),
            site=find_site_facts(request),
            institution=it,
            versions=register.list_versions(code, asof)[::-1],
            form=form,
            errors=errors,
            answer=page_times.compare_then_and_now(register, code, asked_for) if answered else None,
        ),
        status=400 if errors else 200,
    )


def _render_from_memory(request: Req, code: str) -> Response[str]:
    """What somebody who scanned a code needs, from the last verified state; CannotAnswer when that is too old."""
    found, at = get_register(request).get_institution_from_memory(code)
    it = apply_rules_on_day(found, get_register(request).verification.find_today())
    return make_page_response(
        request,
        c.LandingPage(
            here=get_page_address(request),
            site=find_site_facts(request),
            code=it.code,
            answered_at=at,
            institution=it,
            standing=make_standing(it),
            state_at=at,
        ),
        cache="no-store",
    )


@route_page("/q/{code:str}")
def show_landing(request: Req, code: FromPath[str]) -> Response[str]:
    """Where a QR code lands: no redirect, whatever way the code is written."""
    register = get_register(request)
    try:
        asof = register.make_as_of_now()
    except CannotAnswer:
        return _render_from_memory(request, code)
    here, site, now = get_page_address(request), find_site_facts(request), get_state_instant(request)
    try:
        it = apply_rules_on_day(register.get_institution(code, asof), asof.valid_on)
    except InvalidCode:
        return make_page_response(
            request, c.LandingPage(here=here, site=site, code=code[:40], answered_at=now, mistyped=True), status=400
        )
    except NotFound:
        return make_page_response(request, c.LandingPage(here=here, site=site, code=code, answered_at=now), status=404)
    standing = make_standing(it, register.read_first_days(code, asof))
    return make_page_response(
        request,
        c.LandingPage(here=here, site=site, code=it.code, answered_at=now, institution=it, standing=standing),
    )


@route_page("/developers")
def show_developers(request: Req) -> Response[str]:
    """The interface's own document, readable without JavaScript."""
    reference = request.app.state.get("reference")
    if reference is None:
        try:
            document = request.app.openapi_schema.to_schema()
        except ImproperlyConfiguredException:  # an application without a document, in tests
            document = {}
        reference = request.app.state["reference"] = api_reference.read_document(document)
    return make_page_response(
        request,
        c.DevelopersPage(
            here="/developers",
            site=find_site_facts(request),
            reference=reference,
            document_url="/api/v1/openapi.json",
            reconcile_url=f"{get_register(request).settings.public_url.rstrip('/')}/reconcile",
            properties=PROPERTIES,
        ),
    )


@route_page("/about")
def show_about(request: Req) -> Response[str]:
    """What the register is."""
    return make_page_response(request, c.AboutPage(here="/about", site=find_site_facts(request)))


@route_page("/static/{name:str}")
def get_static_file(name: FromPath[str]) -> Response[bytes]:
    """A style or an icon. Its address holds its content's hash, so it may be kept for a year."""
    path = page_templates.list_assets().get(name)
    if path is None:
        raise NotFound(f"没有文件 {name[:80]}。", f"There is no file {name[:80]}.")
    media = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return Response(path.read_bytes(), media_type=media, headers={"Cache-Control": YEAR})


handlers: list[Router] = [
    Router(
        "/",
        route_handlers=[
            show_home,
            show_search,
            show_institution,
            show_history,
            show_landing,
            check_pages.show_check,
            check_pages.submit_check,
            show_developers,
            log_pages.show_log,
            reconcile_preview.show_preview,
            *edition_pages.handlers,
            *receipt_pages.handlers,
            list_upload.check_list,
            show_about,
            get_static_file,
        ],
        exception_handlers={Exception: render_error_page},
    )
]
