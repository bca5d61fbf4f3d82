"""The pages of one institution: today or as of other times, its history, where its QR code lands,
and its card for other people's pages."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from litestar import Response
from litestar.params import FromPath
from litestar.response import Redirect
from markupsafe import Markup

from public_site import page_times, responses, schema_org
from public_site.page_memory import keep_page
from public_site.page_times import Comparison, TimesForm
from public_site.pictures import YearLine, make_year_line
from public_site.responses import PageContext, PageRequest, get_register, make_frame, make_page_response
from registry.clients.service import PeopleBudget
from registry.domain.identifiers import compact_code, format_code
from registry.domain.model import Date, Institution, Practitioner
from registry.errors import CannotAnswer, InvalidCode, InvalidInput, NotFound, PeopleLimit
from registry.records.asof import AsOf
from registry.records.history import Version
from registry.records.snapshot import AdCertificate
from registry.records.supervision import Sanction, Supervision
from registry.texts import FixedText
from registry.web import error_status
from registry.web.rate_limit import make_people_budget
from registry.web.record_changes import PageTimes, choose_recent
from registry.web.routes import route_get
from registry.web.standing import Standing, State, make_standing


class InstitutionPage(PageContext, frozen=True, kw_only=True):
    """One institution. ``recent``: its latest versions, newest first; ``qr``: the address of the QR image; ``past``:
    the times shown when they are not today with everything known now, which the page must say; ``superseded``: the
    register by now says otherwise of that day; ``others``: what else bears its name, each at its own address;
    ``about``: certificates; ``supervision``: inspections and penalties, newest first; ``line``: its history as a
    picture; ``description``, ``linked_data``: for other people's pages and programs."""

    template: ClassVar[str] = "institution.html"
    section: ClassVar[str] = "home"
    institution: Institution
    standing: Standing
    practitioners: list[Practitioner]
    recent: list[Version]
    qr: str
    public_url: str
    as_of: Date
    past: PageTimes | None = None
    superseded: bool = False
    people_withheld: str | None = None
    others: tuple[Institution, ...] = ()
    about: tuple[AdCertificate, ...] = ()
    supervision: tuple[Sanction | Supervision, ...] = ()
    line: YearLine | None = None
    description: str = ""
    linked_data: Markup | None = None


class NoRecordPage(PageContext, frozen=True, kw_only=True):
    """An institution of which nothing is, or was, recorded for the day asked about; ``institution`` is today's."""

    template: ClassVar[str] = "norecord.html"
    section: ClassVar[str] = "home"
    noindex: ClassVar[bool] = True
    institution: Institution
    past: PageTimes


class HistoryPage(PageContext, frozen=True, kw_only=True):
    """Every version of one institution, newest first, and the answer about one day once it was asked."""

    template: ClassVar[str] = "history.html"
    section: ClassVar[str] = "home"
    institution: Institution
    versions: list[Version]
    form: TimesForm = TimesForm()
    errors: tuple[responses.FieldError, ...] = ()
    answer: Comparison | None = None


class LandingPage(PageContext, frozen=True, kw_only=True):
    """Where a QR code lands. Without an institution the code was ``mistyped`` or belongs to none."""

    template: ClassVar[str] = "landing.html"
    noindex: ClassVar[bool] = True
    code: str
    answered_at: dt.datetime
    institution: Institution | None = None
    standing: Standing | None = None
    mistyped: bool = False


@route_get("/i/{code:str}", "institution")
@keep_page
def show_institution(request: PageRequest, code: FromPath[str]) -> Response[Any]:
    """Show one institution, today or as of other times; what is not today's state says so."""
    if redirect := _make_canonical_redirect(request, code):
        return redirect
    register = get_register(request)
    form = page_times.read_times_form(request.query_params)
    try:
        asof, past = page_times.choose_as_of(register, form)
    except CannotAnswer:
        if form != TimesForm():
            raise
        return _render_from_memory(request, code)
    try:
        institution = register.get_institution(code, asof)
    except NotFound:
        if past is None:
            raise
        return _render_no_record(request, code, past)
    budget = make_people_budget(request)
    practitioners, withheld = _list_people(request, code, asof, budget)
    versions = register.list_versions(code, asof, asof.valid_on if past else None, with_refused=False)[::-1]
    standing = make_standing(institution, register.read_first_days(code, asof))
    certificates, supervision = register.list_records_about(institution.code, asof)
    language, public_url = responses.read_language(request), register.settings.public_url.rstrip("/")
    page = InstitutionPage(
        institution=institution,
        standing=standing,
        practitioners=practitioners,
        people_withheld=withheld,
        recent=choose_recent(versions, 3),
        qr=f"/i/{institution.code}/qr.svg",
        public_url=f"{public_url}/q/{institution.code}",
        as_of=asof.valid_on,
        past=past,
        superseded=page_times.is_superseded(register, code, institution, past),
        others=tuple(register.list_other_sites(institution, asof)),
        about=tuple(certificates),
        supervision=tuple(supervision),
        line=make_year_line(versions, asof.valid_on),
        description=schema_org.describe_institution(language, institution, standing),
        linked_data=None if past else schema_org.encode_institution(language, institution, public_url),
        **make_frame(request),
    )
    return make_page_response(request, page, cache=responses.choose_cache_control(bool(practitioners), budget))


def _list_people(
    request: PageRequest, code: str, asof: AsOf, budget: PeopleBudget
) -> tuple[list[Practitioner], str | None]:
    """List the people of an institution, or say why they are not shown; a site of files would be a list of all."""
    register = get_register(request)
    if responses.find_static_edition(request):
        return [], "static" if register.list_practitioners(code, asof) else None
    try:
        return register.list_practitioners(code, asof, budget.require_look), None
    except PeopleLimit as error:  # the page says so in their place
        return [], error.get_text(responses.read_language(request).lang)


@route_get("/i/{code:str}/history", "history")
@keep_page
def show_history(request: PageRequest, code: FromPath[str]) -> Response[Any]:
    """Show every version of one institution; asked about a day, also what was believed of it then and is known now."""
    if redirect := _make_canonical_redirect(request, code, "/history"):
        return redirect
    register = get_register(request)
    asof = register.make_as_of_now()
    institution = register.get_institution(code, asof)
    form = page_times.read_times_form(request.query_params)
    times, errors = page_times.parse_times(form, asof.valid_on)
    is_asked = form != TimesForm() and not errors
    page = HistoryPage(
        institution=institution,
        versions=register.list_versions(code, asof)[::-1],
        form=form,
        errors=errors,
        answer=page_times.compare_then_and_now(register, code, times) if is_asked else None,
        **make_frame(request),
    )
    return make_page_response(request, page, status=400 if errors else 200)


@route_get("/q/{code:str}", "landing")
@keep_page
def show_landing(request: PageRequest, code: FromPath[str]) -> Response[str]:
    """Show where a QR code lands: no redirect, whatever way the code is written."""
    register = get_register(request)
    try:
        asof = register.make_as_of_now()
    except CannotAnswer:
        return _render_from_memory(request, code)
    frame = {**make_frame(request), "answered_at": responses.get_state_instant(request)}
    try:
        institution = register.get_institution(code, asof)
    except InvalidCode:
        return make_page_response(request, LandingPage(code=code[:40], mistyped=True, **frame), status=400)
    except NotFound:
        return make_page_response(request, LandingPage(code=code, **frame), status=404)
    standing = make_standing(institution, register.read_first_days(code, asof))
    page = LandingPage(code=institution.code, institution=institution, standing=standing, **frame)
    return make_page_response(request, page)


def _make_canonical_redirect(request: PageRequest, code: str, suffix: str = "") -> Redirect | None:
    """Redirect a code typed in lower case, without its dash or with O for 0 to its address; None when it is there."""
    printed = format_code(compact_code(code))
    if code == printed or len(printed) != 9:
        return None
    query = request.scope["query_string"].decode("latin-1")
    address = f"/i/{printed}{suffix}" + (f"?{query}" if query else "")
    return Redirect(address, status_code=301, headers={"Cache-Control": responses.PAGE_CACHE})


def _render_no_record(request: PageRequest, code: str, past: PageTimes) -> Response[str]:
    """Answer 404 in words that do not read as "not approved"; NotFound for a code that nobody has today either."""
    register = get_register(request)
    institution = register.get_institution(code, register.make_as_of_now())
    page = NoRecordPage(institution=institution, past=past, **make_frame(request))
    return make_page_response(request, page, status=404)


def _render_from_memory(request: PageRequest, code: str) -> Response[str]:
    """Show what somebody who scanned a code needs from the last verified state; CannotAnswer when that is too old."""
    remembered, at = get_register(request).get_institution_from_memory(code)
    institution = remembered
    page = LandingPage(
        here=responses.get_page_address(request),
        site=responses.find_site_facts(request),
        code=institution.code,
        answered_at=at,
        institution=institution,
        standing=make_standing(institution),
        state_at=at,
    )
    return make_page_response(request, page, cache="no-store")


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
    page = PreviewPage(here=responses.get_page_address(request), **content)
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
