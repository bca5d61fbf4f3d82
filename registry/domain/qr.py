"""QR codes of ISO/IEC 18004 that carry the address a scan lands on, as SVG and PNG."""

from __future__ import annotations

import io
from typing import Any

import qrcode
from qrcode.image.pure import PyPNGImage
from qrcode.image.svg import SvgPathImage


def make_scan_url(public_url: str, code: str) -> str:
    """The address a scan opens, without a redirect; ``code`` in its printed form."""
    return f"{public_url.rstrip('/')}/q/{code}"


def _make_code(text: str, box: int) -> qrcode.QRCode[Any]:
    # Level Q: a quarter of the picture may be worn or covered on a wall and it still reads.
    code: qrcode.QRCode[Any] = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_Q, box_size=box, border=4)
    code.add_data(text)
    code.make(fit=True)
    return code


def render_svg(text: str) -> bytes:
    """The code as an SVG document with a white ground, so that it reads on a dark page."""
    image = _make_code(text, 10).make_image(image_factory=SvgPathImage)
    buffer = io.BytesIO()
    image.save(buffer)
    white = b'<rect width="100%" height="100%" fill="#fff"/><path'
    return buffer.getvalue().replace(b"<path", white, 1)


def render_png(text: str) -> bytes:
    """The code as a PNG, 10 pixels a module, large enough to print."""
    buffer = io.BytesIO()
    _make_code(text, 10).make_image(image_factory=PyPNGImage).save(buffer)
    return buffer.getvalue()
