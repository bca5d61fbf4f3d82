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

from public_site import checking, editions, openapi, preview, publiclog, questions, receipt, render, times, uploads
from public_site import contexts as c
from public_site.answers import (
    PAGE_CACHE,
    asked,
    error_page,
    facts_of,
    here_of,
    html,
    keep_site,
    register_of,
    site_of,
    state_instant,
)
from public_site.standing import on_day, standing_of
from registry.admission import looks_of
from registry.clients.people import Looks
from registry.errors import CannotAnswer, InvalidCode, NotFound, PeopleLimit
from registry.finding.properties import PROPERTIES
from registry.identifiers import compact_code, format_code, validate_code

__all__ = ["error_page", "handlers"]

YEAR = "public, max-age=31536000, immutable"
Req = Request[Any, Any, State]
Handler = Callable[..., Response[Any]]


def page(path: str) -> Callable[[Handler], HTTPRouteHandler]:
    """A handler for GET and HEAD, run in a thread, not part of the JSON interface."""
    return route(path, http_method=[HttpMethod.GET, HttpMethod.HEAD], sync_to_thread=True, include_in_schema=False)


@page("/")
def home(request: Req) -> Response[str]:
    """The start page."""
    stats = facts_of(request)
    return html(
        request,
        c.HomePage(
            here="/",
            site=keep_site(request, stats),
            count=stats.total,
            as_of=stats.as_of,
            source=stats.source,
            provinces=[c.Count(code=one.code, name=one.name, count=one.count) for one in stats.by_region],
            techniques=[c.Count(code=one.technique, count=one.count) for one in stats.by_technique],
            last_updated=stats.updated,
        ),
    )


@page("/search")
def search(request: Req) -> Response[Any]:
    """Results of a search, by relevance with a question and by region without; a code goes to its institution."""
    register = register_of(request)
    asof = register.now()
    choice = questions.choice_of(request.query_params)
    if questions.is_code(choice.q):  # raises InvalidCode when mistyped: that is not "not found"
        code = format_code(validate_code(choice.q))
        return Redirect(asked(request).link(f"/i/{code}"), status_code=302, headers={"Cache-Control": PAGE_CACHE})
    cursor = request.query_params.get("cursor") or None
    looks = looks_of(request)
    found = register.find(choice, asof, limit=questions.PER_PAGE, cursor=cursor, facets=True, may_look=looks.may_look)
    if found.warning is not None:
        warned = found.warning
        page = c.WarningPage(
            here=here_of(request),
            site=site_of(request),
            query=choice.q,
            words=warned.words,
            kinds=warned.kinds,
            rest=warned.rest,
        )
        return html(request, page)
    bare = None
    if not found.total and (alone := questions.without_filters(choice)) is not None:
        bare = register.find(alone, asof, limit=1, may_look=looks.may_look)
    return html(
        request,
        c.SearchPage(
            here=here_of(request),
            site=site_of(request),
            query=choice.q,
            filters=questions.filters_of(choice),
            hits=[questions.hit_of(one) for one in found.items],
            total=found.total,
            facets=questions.facets_of(found.facets),
            understood=questions.understood_of(found.understood, asked(request)),
            cursor=cursor,
            next=found.next,
            at_least=found.at_least,
            similar=found.similar,
            did_you_mean=found.did_you_mean,
            path=questions.path_of(choice.region),
            unfiltered=bare.total if bare is not None and not bare.similar else 0,
            unreadable=questions.is_unreadable(choice.q),
            people_withheld=looks.refusal().text(asked(request).lang) if looks.refused else None,
        ),
        cache=_cache(any(one.practitioners for one in found.items), looks),
    )


def _cache(shows_people: bool, looks: Looks) -> str:
    """How long a page may be kept, and by whom: what one asker may look at is nobody else's."""
    if looks.refused:
        return "no-store"
    return PAGE_CACHE.replace("public", "private") if shows_people else PAGE_CACHE


def _canonical(request: Req, code: str, after: str = "") -> Redirect | None:
    """Where a code typed in lower case, without its dash or with O for 0 really lives; None when it is there."""
    printed = format_code(compact_code(code))
    if code == printed or len(printed) != 9:
        return None
    query = request.scope["query_string"].decode("latin-1")
    return Redirect(
        f"/i/{printed}{after}" + (f"?{query}" if query else ""), status_code=301, headers={"Cache-Control": PAGE_CACHE}
    )


@page("/i/{code:str}")
def institution(request: Req, code: FromPath[str]) -> Response[Any]:
    """One institution, today or as of other times; what is not today's state says so."""
    if moved := _canonical(request, code):
        return moved
    register = register_of(request)
    form = times.form_of(request.query_params)
    try:
        asof, past = times.past_of(register, form)
    except CannotAnswer:
        if form != c.TimesForm():
            raise
        return _from_memory(request, code)
    try:
        it = on_day(register.institution(code, asof), asof.valid_on)
    except NotFound:
        if past is None:
            raise
        return _no_record(request, code, past)
    looks = looks_of(request)
    try:
        working, withheld = register.practitioners(code, asof, looks.require), None
    except PeopleLimit as refusal:  # the page says so in their place
        working, withheld = [], refusal.text(asked(request).lang)
    return html(
        request,
        c.InstitutionPage(
            here=here_of(request),
            site=site_of(request),
            institution=it,
            standing=standing_of(it, register.since(code, asof)),
            practitioners=working,
            people_withheld=withheld,
            recent=register.history(code, asof, asof.valid_on if past else None)[::-1][:3],
            qr=f"/i/{it.code}/qr.svg",
            public_url=f"{register.settings.public_url.rstrip('/')}/q/{it.code}",
            as_of=asof.valid_on,
            past=past,
            superseded=times.is_superseded(register, code, it, past),
        ),
        cache=_cache(bool(working), looks),
    )


def _no_record(request: Req, code: str, past: c.Times) -> Response[str]:
    """404 that does not read as "not approved"; NotFound for a code that belongs to nobody today either."""
    register = register_of(request)
    it = register.institution(code, register.now())
    page = c.NoRecordPage(here=here_of(request), site=site_of(request), institution=it, past=past)
    return html(request, page, status=404)


@page("/i/{code:str}/history")
def history(request: Req, code: FromPath[str]) -> Response[Any]:
    """Every version of one institution; asked about a day, also what was believed of it then and what is known now."""
    if moved := _canonical(request, code, "/history"):
        return moved
    register = register_of(request)
    asof = register.now()
    it = register.institution(code, asof)
    form = times.form_of(request.query_params)
    asked_for, errors = times.times_of(form, asof.valid_on)
    answered = form != c.TimesForm() and not errors
    return html(
        request,
        c.HistoryPage(
            here=here_of(request),
            site=site_of(request),
            institution=it,
            versions=register.history(code, asof)[::-1],
            form=form,
            errors=errors,
            answer=times.compared(register, code, asked_for) if answered else None,
        ),
        status=400 if errors else 200,
    )


def _from_memory(request: Req, code: str) -> Response[str]:
    """What somebody who scanned a code needs, from the last verified state; CannotAnswer when that is too old."""
    found, at = register_of(request).card(code)
    it = on_day(found, register_of(request).verification.find_today())
    return html(
        request,
        c.LandingPage(
            here=here_of(request),
            site=site_of(request),
            code=it.code,
            answered_at=at,
            institution=it,
            standing=standing_of(it),
            state_at=at,
        ),
        cache="no-store",
    )


@page("/q/{code:str}")
def landing(request: Req, code: FromPath[str]) -> Response[str]:
    """Where a QR code lands: no redirect, whatever way the code is written."""
    register = register_of(request)
    try:
        asof = register.now()
    except CannotAnswer:
        return _from_memory(request, code)
    here, site, now = here_of(request), site_of(request), state_instant(request)
    try:
        it = on_day(register.institution(code, asof), asof.valid_on)
    except InvalidCode:
        return html(
            request, c.LandingPage(here=here, site=site, code=code[:40], answered_at=now, mistyped=True), status=400
        )
    except NotFound:
        return html(request, c.LandingPage(here=here, site=site, code=code, answered_at=now), status=404)
    standing = standing_of(it, register.since(code, asof))
    return html(
        request,
        c.LandingPage(here=here, site=site, code=it.code, answered_at=now, institution=it, standing=standing),
    )


@page("/developers")
def developers(request: Req) -> Response[str]:
    """The interface's own document, readable without JavaScript."""
    reference = request.app.state.get("reference")
    if reference is None:
        try:
            document = request.app.openapi_schema.to_schema()
        except ImproperlyConfiguredException:  # an application without a document, in tests
            document = {}
        reference = request.app.state["reference"] = openapi.read(document)
    return html(
        request,
        c.DevelopersPage(
            here="/developers",
            site=site_of(request),
            reference=reference,
            document_url="/api/v1/openapi.json",
            reconcile_url=f"{register_of(request).settings.public_url.rstrip('/')}/reconcile",
            properties=PROPERTIES,
        ),
    )


@page("/about")
def about(request: Req) -> Response[str]:
    """What the register is."""
    return html(request, c.AboutPage(here="/about", site=site_of(request)))


@page("/static/{name:str}")
def static(name: FromPath[str]) -> Response[bytes]:
    """A style or an icon. Its address holds its content's hash, so it may be kept for a year."""
    path = render.assets().get(name)
    if path is None:
        raise NotFound(f"没有文件 {name[:80]}。", f"There is no file {name[:80]}.")
    media = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return Response(path.read_bytes(), media_type=media, headers={"Cache-Control": YEAR})


handlers: list[Router] = [
    Router(
        "/",
        route_handlers=[
            home,
            search,
            institution,
            history,
            landing,
            checking.check,
            checking.check_form,
            developers,
            publiclog.log,
            preview.preview,
            *editions.handlers,
            *receipt.handlers,
            uploads.check_list,
            about,
            static,
        ],
        exception_handlers={Exception: error_page},
    )
]
