"""QR images of an institution: what its page shows and what is printed for a wall."""

from __future__ import annotations

from functools import lru_cache

from litestar import Response
from litestar.params import FromPath

from registry.api.requests import AnyRequest, get_register
from registry.domain import qr
from registry.web.routes import route_get


@route_get("/i/{code:str}/qr.svg", "qr_svg")
def get_qr_svg(request: AnyRequest, code: FromPath[str]) -> Response[bytes]:
    """Return the institution's QR code as SVG."""
    return _make_response(request, code, "svg", "image/svg+xml")


@route_get("/i/{code:str}/qr.png", "qr_png")
def get_qr_png(request: AnyRequest, code: FromPath[str]) -> Response[bytes]:
    """Return the institution's QR code as PNG."""
    return _make_response(request, code, "png", "image/png")


@lru_cache(maxsize=1024)
def _make_image(kind: str, text: str) -> bytes:
    return qr.render_svg(text) if kind == "svg" else qr.render_png(text)


def _make_response(request: AnyRequest, code: str, kind: str, media_type: str) -> Response[bytes]:
    register = get_register(request)
    printed = register.get_institution(code, register.make_as_of_now()).code
    image = _make_image(kind, qr.make_scan_url(register.settings.public_url, printed))
    headers = {
        "Cache-Control": "public, max-age=86400",
        "Content-Disposition": f'inline; filename="{printed}.{kind}"',
    }
    return Response(content=image, media_type=media_type, headers=headers)


handlers = [get_qr_svg, get_qr_png]
