"""QR codes of ISO/IEC 18004 to print: SVG and PNG by size, error correction and quiet zone."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

import zxingcpp
from PIL import Image

from registry.credentials.placard import Level
from registry.domain.model import Struct
from registry.errors import InvalidInput
from registry.texts import Message

#: Modules around a code that the standard asks to be white.
QUIET = 4
#: A telephone held in front of a wall reads modules of this width (mm) and more.
SMALLEST_MODULE = 0.5
_LARGEST = 8192


class QrCode(Struct, frozen=True):
    """The modules of a code, row by row, dark ones 1; without its quiet zone."""

    rows: tuple[bytes, ...]

    @property
    def size(self) -> int:
        """Modules on a side."""
        return len(self.rows)

    def list_runs(self) -> list[tuple[int, int, int]]:
        """List the runs of dark modules as (row, first column, length)."""
        runs = []
        for number, row in enumerate(self.rows):
            column = 0
            for piece in row.split(b"\0"):
                if piece:
                    runs.append((number, column, len(piece)))
                column += len(piece) + 1
        return runs


@lru_cache(maxsize=256)
def make_code(text: str, level: Level) -> QrCode:
    """Make the code of a text with as few modules as its error correction allows; InvalidInput for too long a text."""
    try:
        barcode = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level=level)
    except (ValueError, RuntimeError) as error:
        raise InvalidInput(Message("内容过长，放不进二维码。")) from error
    picture: Any = barcode.to_image(scale=1, add_quiet_zones=False)
    side = picture.shape[0]
    dark = bytes(memoryview(picture)).translate(_TO_MODULES)
    return QrCode(rows=tuple(dark[start : start + side] for start in range(0, side * side, side)))


_TO_MODULES = bytes(1 if grey < 128 else 0 for grey in range(256))


def render_svg(text: str, level: Level, quiet: int = QUIET, module: float = 1.0) -> bytes:
    """Render a code as SVG on a white ground; ``module``: the width of one in mm."""
    code = make_code(text, level)
    side = code.size + 2 * quiet
    path = "".join(f"M{x + quiet} {y + quiet}h{length}v1h-{length}z" for y, x, length in code.list_runs())
    width = f"{side * module:g}mm"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{width}" viewBox="0 0 {side} {side}">'
        f'<path fill="#fff" d="M0 0h{side}v{side}H0z"/><path d="{path}"/></svg>'
    ).encode()


def render_png(text: str, level: Level, pixels: int, quiet: int = QUIET) -> bytes:
    """Render a code as PNG of at most ``pixels`` on a side, whole pixels a module; InvalidInput where that is none."""
    code = make_code(text, level)
    side = code.size + 2 * quiet
    if not side <= pixels <= _LARGEST:
        raise InvalidInput(
            Message("图片边长须在 {least} 至 {most} 像素之间。", least=side, most=_LARGEST), field="pixels"
        )
    picture = Image.new("L", (side, side), 255)
    modules = Image.frombytes("L", (code.size, code.size), b"".join(code.rows)).point(lambda dark: 0 if dark else 255)
    picture.paste(modules, (quiet, quiet))
    scale = pixels // side
    buffer = io.BytesIO()
    picture.resize((side * scale, side * scale), Image.Resampling.NEAREST).convert("1").save(buffer, "PNG")
    return buffer.getvalue()
