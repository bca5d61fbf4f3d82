"""All pages of the citizens' door, and the three that stand alone: the public log, about, static files."""

from __future__ import annotations

import mimetypes
from typing import Any, ClassVar

from litestar import Response, Router
from litestar.params import FromPath

from public_site import (
    api_reference,
    badge_pages,
    check_pages,
    data_pages,
    department_pages,
    edition_pages,
    institution_pages,
    lead_pages,
    list_upload,
    notice_pages,
    offline_pages,
    overview_pages,
    responses,
    search_pages,
    site_files,
)
from public_site.responses import FieldError, PageContext, PageRequest, get_register, make_frame, make_page_response
from registry.domain.identifiers import format_code
from registry.domain.model import Entry, PublicLog
from registry.errors import NotFound
from registry.records.history import FieldChange, Version
from registry.texts import Message
from registry.web import page_templates
from registry.web.routes import list_handlers, route_get

YEAR = "public, max-age=31536000, immutable"


class AboutPage(PageContext, frozen=True, kw_only=True):
    """What the register is, where its data comes from, what its words mean."""

    template: ClassVar[str] = "about.html"
    section: ClassVar[str] = "about"


@route_get("/about", "about")
def show_about(request: PageRequest) -> Response[str]:
    """Show what the register is."""
    return make_page_response(request, AboutPage(here="/about", site=responses.find_site_facts(request)))


@route_get("/static/{name:str}", "static")
def get_static_file(name: FromPath[str]) -> Response[bytes]:
    """Return a style or an icon. Its address holds its content's hash, so it may be cached for a year."""
    file = page_templates.list_assets().get(name)
    if file is None:
        raise NotFound(Message("没有文件 {name}。", name=name[:80]))
    media = mimetypes.guess_type(file)[0] or "application/octet-stream"
    return Response(page_templates.read_asset(file), media_type=media, headers={"Cache-Control": YEAR})


class LogPage(PageContext, frozen=True, kw_only=True):
    """The public log. ``log`` is null before the first checkpoint; ``entry`` once a number was asked for and exists;
    ``edition``: the id of the edition it is about, once that has a page."""

    template: ClassVar[str] = "log.html"
    section: ClassVar[str] = "log"
    log: PublicLog | None
    typed: str = ""
    entry: Entry | None = None
    code: str | None = None
    says: Version | None = None
    edition: str | None = None
    bytes: str = ""
    errors: tuple[FieldError, ...] = ()


@route_get("/log", "log")
def show_log(request: PageRequest) -> Response[str]:
    """Show the public log, and with ``entry`` what one of its entries says."""
    register = get_register(request)
    register.make_as_of_now()  # refuses while the database is not the log that was published
    typed = request.query_params.get("entry", "").strip()[:40]
    frame: dict[str, Any] = {**make_frame(request), "log": register.find_public_log(), "typed": typed}
    if not typed:
        return make_page_response(request, LogPage(**frame))
    number = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 19 else None
    if number is None:
        error = FieldError(field="entry", key="log.error_number", value=typed)
        return make_page_response(request, LogPage(errors=(error,), **frame), status=400)
    try:
        entry, body = register.get_entry(number)
    except NotFound:
        error = FieldError(field="entry", key="log.error_missing", value=typed)
        return make_page_response(request, LogPage(errors=(error,), **frame), status=404)
    kind, _, code = entry.subject.partition(":")
    is_public = kind == "edition" and any(edition.id == code for edition in register.editions.list_public())
    page = LogPage(
        entry=entry,
        code=format_code(code) if kind == "institution" else None,
        says=to_version(entry) if kind == "institution" else None,
        bytes=body,
        edition=code if is_public else None,
        **frame,
    )
    return make_page_response(request, page)


def to_version(entry: Entry) -> Version:
    """Convert an entry to one version of a history in which nothing came before it."""
    changes = [FieldChange(field=path, from_=None, to=value) for path, value in entry.change.set.items()]
    return Version(
        entry=entry.number, recorded_at=entry.recorded_at, valid_from=entry.valid_from, changes=changes, source=None
    )


_MODULES = (
    *(search_pages, overview_pages, badge_pages, site_files, data_pages, institution_pages),
    *(check_pages, list_upload, edition_pages, offline_pages, api_reference, department_pages, lead_pages),
    notice_pages,
)
HANDLERS = [*list_handlers(*_MODULES), show_log, show_about, get_static_file]
router = Router(
    "/",
    route_handlers=HANDLERS,
    exception_handlers={Exception: responses.render_error_page},
)
