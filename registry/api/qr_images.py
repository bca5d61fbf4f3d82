"""QR images of an institution: what its page shows and what is printed for a wall."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from litestar import HttpMethod, Request, Response, route
from litestar.params import FromPath

from registry.api.guards import get_register
from registry.domain import qr

_KINDS = {"svg": "image/svg+xml", "png": "image/png"}


@lru_cache(maxsize=1024)
def _make_image(kind: str, text: str) -> bytes:
    return qr.render_svg(text) if kind == "svg" else qr.render_png(text)


def _make_response(request: Request[Any, Any, Any], code: str, kind: str) -> Response[bytes]:
    register = get_register(request)
    found = register.get_institution(code, register.make_as_of_now())
    image = _make_image(kind, qr.make_scan_url(register.settings.public_url, found.code))
    return Response(
        content=image,
        media_type=_KINDS[kind],
        headers={
            "Cache-Control": "public, max-age=86400",
            "Content-Disposition": f'inline; filename="{found.code}.{kind}"',
        },
    )


@route(
    "/i/{code:str}/qr.svg", http_method=[HttpMethod.GET, HttpMethod.HEAD], include_in_schema=False, sync_to_thread=True
)
def qr_svg(request: Request[Any, Any, Any], code: FromPath[str]) -> Response[bytes]:
    """The institution's QR code as SVG."""
    return _make_response(request, code, "svg")


@route(
    "/i/{code:str}/qr.png", http_method=[HttpMethod.GET, HttpMethod.HEAD], include_in_schema=False, sync_to_thread=True
)
def qr_png(request: Request[Any, Any, Any], code: FromPath[str]) -> Response[bytes]:
    """The institution's QR code as PNG."""
    return _make_response(request, code, "png")


handlers = [qr_svg, qr_png]
