"""The page that checks QR codes without the register once it was visited, and the worker that keeps it on a device."""

from __future__ import annotations

import hashlib
from typing import ClassVar

import msgspec
from litestar import Response
from markupsafe import Markup

from public_site import responses
from public_site.responses import PageContext, PageRequest, make_frame, make_page_response
from registry.web import page_templates
from registry.web.page_templates import make_asset_url
from registry.web.routes import route_get

#: The policy of every page, and one word more: the reader of pictures is WebAssembly, of our own.
_POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self' 'wasm-unsafe-eval'; "
    "object-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_PAGE, _BUNDLE = "/verify-offline", "/status-lists/bundle.json"
_ASSETS = (
    "favicon.svg",
    "tokens.css",
    "site.css",
    "credential.js",
    "offline.js",
    "zxing_reader.js",
    "zxing_reader.wasm",
)


class OfflinePage(PageContext, frozen=True, kw_only=True):
    """Check a QR code without the register; ``bundle``: the keys and lists themselves, in a site of files."""

    template: ClassVar[str] = "offline.html"
    section: ClassVar[str] = "check"
    bundle: Markup = Markup()


@route_get(_PAGE, "verify_offline")
def show_offline_page(request: PageRequest) -> Response[str]:
    """Show the page; it is the same for everybody, and shows nothing of the register."""
    frame = {**make_frame(request), "site": responses.find_site_facts(request)}
    page = OfflinePage(bundle=_encode_bundle(request), **frame)
    response = make_page_response(request, page)
    response.headers["Content-Security-Policy"] = _POLICY
    return response


def _encode_bundle(request: PageRequest) -> Markup:
    """Return keys and lists for a page in a folder, which may fetch nothing; empty on a server."""
    if responses.find_static_edition(request) is None:
        return Markup()
    bundle = responses.get_register(request).credentials.find_bundle()
    return Markup(msgspec.json.encode(bundle).decode().replace("<", "\\u003c"))  # noqa: S704  base64, names, dates


@route_get("/verify-offline.js", "verify_offline_worker")
def get_worker() -> Response[bytes]:
    """Return the worker with the addresses of all that it keeps; it changes when one of them does."""
    pages = [_PAGE, *(f"{_PAGE}?{query}" for query in ("lang=en", "size=large", "lang=en&size=large"))]
    files = [*pages, _BUNDLE, *map(make_asset_url, _ASSETS)]
    listed = msgspec.json.encode(files).decode()
    text = (page_templates.STATIC / "offline_worker.js").read_text("utf-8")
    version = hashlib.sha256((listed + text).encode()).hexdigest()[:12]
    body = f'const FILES = {listed};\nconst VERSION = "{version}";\n{text}'
    return Response(body.encode(), media_type="text/javascript", headers={"Cache-Control": "public, no-cache"})
