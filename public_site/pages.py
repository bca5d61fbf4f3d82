"""The citizens' door: every page as a thin handler over ``registry.register.Register``. Reads only."""

from __future__ import annotations

import mimetypes
from typing import ClassVar

from litestar import Response, Router
from litestar.params import FromPath

from public_site import (
    api_reference,
    check_pages,
    edition_pages,
    institution_pages,
    list_upload,
    log_pages,
    receipt_pages,
    reconcile_preview,
    search_pages,
)
from public_site.responses import PageContext, PageRequest, find_site_facts, make_page_response, render_error_page
from registry.errors import NotFound
from registry.texts import Message
from registry.web import page_templates
from registry.web.routes import route_get

__all__ = ["handlers", "render_error_page"]

YEAR = "public, max-age=31536000, immutable"


class AboutPage(PageContext, frozen=True, kw_only=True):
    """What the register is, where its data comes from, what its words mean."""

    template: ClassVar[str] = "about.html"
    section: ClassVar[str] = "about"


@route_get("/about", "about")
def show_about(request: PageRequest) -> Response[str]:
    """Show what the register is."""
    return make_page_response(request, AboutPage(here="/about", site=find_site_facts(request)))


@route_get("/static/{name:str}", "static")
def get_static_file(name: FromPath[str]) -> Response[bytes]:
    """Return a style or an icon. Its address holds its content's hash, so it may be cached for a year."""
    path = page_templates.list_assets().get(name)
    if path is None:
        raise NotFound(Message("没有文件 {name}。", name=name[:80]))
    media = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return Response(path.read_bytes(), media_type=media, headers={"Cache-Control": YEAR})


handlers: list[Router] = [
    Router(
        "/",
        route_handlers=[
            *search_pages.handlers,
            *institution_pages.handlers,
            *check_pages.handlers,
            *list_upload.handlers,
            *receipt_pages.handlers,
            *edition_pages.handlers,
            *log_pages.handlers,
            *reconcile_preview.handlers,
            *api_reference.handlers,
            show_about,
            get_static_file,
        ],
        exception_handlers={Exception: render_error_page},
    )
]
