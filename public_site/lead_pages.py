"""The pages of leads: a form by which anybody reports something, and the state of a report for whoever has its number.

Neither is ever cached: the form carries a token of its own. Nothing of a report stands in an address but its number.
"""

from __future__ import annotations

import io
import re
import secrets
from collections.abc import Mapping
from typing import IO, Any, ClassVar

import msgspec
from litestar import Response
from litestar.concurrency import sync_to_thread
from litestar.datastructures import FormMultiDict, UploadFile
from litestar.params import FromPath
from litestar.response import Redirect

from public_site import responses
from public_site.responses import FieldError, PageContext, PageRequest, get_register, make_page_response, read_language
from registry.domain.identifiers import parse_code
from registry.domain.model import Struct
from registry.errors import InvalidCode, NotFound, RegistryError
from registry.measures.leads.intake import LeadReport
from registry.measures.leads.model import LONGEST, MOST_PICTURES, PICTURE_BYTES, REPORT_KINDS, PublicLead
from registry.web import body_limits, error_status
from registry.web.forms import hold_upload_place, read_form, refuse_other_sites
from registry.web.i18n import Language
from registry.web.routes import route_get, route_post

_INSTITUTION = re.compile(r"/(?:i|q)/([0-9A-Za-z-]{8,9})(?:[/?].*)?")
#: A field that nobody sees: whatever fills it in is no person.
TRAP = "website"
_NO_STORE = "no-store"


class LeadForm(Struct, frozen=True, kw_only=True):
    """The form, as typed. ``token``: of this form, so that what is sent twice is one report."""

    kind: str = "illegal_offer"
    what: str = ""
    who: str = ""
    where: str = ""
    link: str = ""
    contact: str = ""
    about: str = ""
    token: str = ""

    @property
    def institution(self) -> str:
        """The code of the institution whose page it was opened from; "" for none."""
        match = _INSTITUTION.fullmatch(self.about)
        try:
            return parse_code(match[1]) if match else ""
        except InvalidCode:
            return ""

    def list_values(self) -> tuple[tuple[str, str], ...]:
        """(field, value) of what was filled in, for the switches of language and size, which show the form again."""
        return (*((name, value) for name in self.__struct_fields__ if (value := getattr(self, name))), ("show", "1"))


class LeadPage(PageContext, frozen=True, kw_only=True):
    """The form; ``subject``: the name of the institution it is about; ``minutes``: until it may be sent again, where
    too many came."""

    template: ClassVar[str] = "lead.html"
    section: ClassVar[str] = "leads"
    noindex: ClassVar[bool] = True
    form: LeadForm
    subject: str | None = None
    errors: tuple[FieldError, ...] = ()
    minutes: int | None = None
    had_pictures: bool = False
    kinds: tuple[str, ...] = REPORT_KINDS
    most_pictures: int = MOST_PICTURES
    megabytes: int = PICTURE_BYTES // 1024 // 1024


class LeadStatePage(PageContext, frozen=True, kw_only=True):
    """The state of one report, or what is wrong with the number that was typed."""

    template: ClassVar[str] = "lead_state.html"
    section: ClassVar[str] = "leads"
    noindex: ClassVar[bool] = True
    lead: PublicLead | None = None
    is_new: bool = False
    typed: str = ""
    error: str | None = None


def read_lead_form(fields: Mapping[str, Any]) -> LeadForm:
    """Read a form; a text too long is left whole, to be refused and not cut."""
    values: dict[str, str] = {}
    for name in LeadForm.__struct_fields__:
        value = fields.get(name)
        if isinstance(value, str):
            values[name] = value.replace("\x00", "").replace("\r\n", "\n").strip()[: 4 * LONGEST.get(name, 50)]
    return LeadForm(**values)


@route_get("/leads", "leads")
def show_lead_form(request: PageRequest) -> Response[str]:
    """Show the form, about the page it was opened from."""
    form = read_lead_form({name: request.query_params.get(name) for name in ("kind", "about")})
    kind = form.kind if form.kind in REPORT_KINDS else REPORT_KINDS[0]
    return _render_form(request, msgspec.structs.replace(form, kind=kind))


@route_post("/leads", "lead_form", body_limits.PICTURES, opt={"lane": "slow"}, sync_to_thread=None)
async def submit_lead(request: PageRequest) -> Response[Any]:
    """Take in a report and lead to its state; whatever is wrong, the form comes back filled in."""
    refuse_other_sites(request)
    sent = await read_form(request)
    try:
        form = read_lead_form(dict(sent.items()))
        files = [one for one in sent.getall("pictures", []) if isinstance(one, UploadFile) and one.filename]
        if sent.get("show"):
            return await sync_to_thread(_render_form, request, form)
        if sent.get(TRAP):
            error = FieldError(field=TRAP, key="lead.trap_error")
            return await sync_to_thread(_render_form, request, form, (error,), 400, had_pictures=bool(files))
        if not files:
            return await sync_to_thread(_store, request, form, [])
        async with hold_upload_place():
            return await sync_to_thread(_store, request, form, [one.file for one in files])
    except RegistryError as error:  # there was no place for its pictures
        return await sync_to_thread(_render_refusal, request, _read_again(sent), error)
    finally:
        await _close_files(sent)


def _read_again(sent: FormMultiDict) -> LeadForm:
    return read_lead_form(dict(sent.items()))


async def _close_files(sent: FormMultiDict) -> None:
    for one in sent.getall("pictures", []):
        if isinstance(one, UploadFile):
            await one.close()


def _store(request: PageRequest, form: LeadForm, files: list[IO[bytes]]) -> Response[Any]:
    values = {name: getattr(form, name) for name in form.__struct_fields__}
    address = request.client.host if request.client else "-"
    try:
        report = LeadReport(**values, institution=_find_institution(request, form)[0])
        lead = get_register(request).leads.receive_report(report, [_reset_file(file) for file in files], address)
    except RegistryError as error:
        return _render_refusal(request, form, error, had_pictures=bool(files))
    return Redirect(read_language(request).make_link(f"/leads/{lead.number}", new=1), status_code=303)


def _reset_file(file: IO[bytes]) -> IO[bytes]:
    file.seek(0, io.SEEK_SET)
    return file


def _render_refusal(
    request: PageRequest, form: LeadForm, error: RegistryError, *, had_pictures: bool = False
) -> Response[str]:
    """Render the form with what is wrong with it, or with when to try again and other ways."""
    sentence = error.get_text(read_language(request).lang)
    field = str(error.details.get("field", ""))
    status, retry = error_status.get_status(error), error.details.get("retry_after")
    minutes = -(-int(retry or 60) // 60) if status in (429, 503) else None
    found = FieldError(field=field or "what", sentence=sentence)
    response = _render_form(request, form, (found,), status, minutes=minutes, had_pictures=had_pictures)
    response.headers.update(error_status.make_headers(error))
    return response


def _render_form(
    request: PageRequest, form: LeadForm, errors: tuple[FieldError, ...] = (), status: int = 200, **more: Any
) -> Response[str]:
    form = form if form.token else msgspec.structs.replace(form, token=secrets.token_urlsafe(24))
    posted = form.list_values() if request.method == "POST" else ()
    here = Language().make_link("/leads", about=form.about, kind=form.kind) if not posted else "/leads"
    page = LeadPage(
        here=here,
        posted=posted,
        site=responses.find_site_facts(request),
        form=form,
        subject=_find_institution(request, form)[1],
        errors=errors,
        **more,
    )
    return make_page_response(request, page, status=status, cache=_NO_STORE)


def _find_institution(request: PageRequest, form: LeadForm) -> tuple[str, str | None]:
    """Find (code, name) of the institution whose page the form was opened from; ("", None) where there is none."""
    try:
        return form.institution, get_register(request).get_institution_from_memory(form.institution)[0].name
    except RegistryError:
        return "", None


@route_get("/leads/follow", "lead_follow")
def follow_lead(request: PageRequest) -> Response[Any]:
    """Lead from a number that was typed to its page."""
    typed = request.query_params.get("number", "").strip()[:60]
    return _render_state(request, typed)


@route_get("/leads/{number:str}", "lead_state")
def show_lead_state(request: PageRequest, number: FromPath[str]) -> Response[Any]:
    """Show the state of the report of a number, and nothing else of it."""
    return _render_state(request, number[:60])


def _render_state(request: PageRequest, typed: str) -> Response[Any]:
    frame: dict[str, Any] = {"here": "/leads/follow", "site": responses.find_site_facts(request)}
    try:
        lead = get_register(request).leads.find_state(typed)
    except (InvalidCode, NotFound) as error:
        page = LeadStatePage(typed=typed, error=error.get_text(read_language(request).lang), **frame)
        return make_page_response(request, page, status=error_status.get_status(error), cache=_NO_STORE)
    if request.url.path != f"/leads/{lead.number}":
        return Redirect(read_language(request).make_link(f"/leads/{lead.number}"), status_code=303)
    frame["here"] = f"/leads/{lead.number}"
    page = LeadStatePage(lead=lead, is_new="new" in request.query_params, **frame)
    return make_page_response(request, page, cache=_NO_STORE)
