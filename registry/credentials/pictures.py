"""QR codes in pictures: files, photographs, screenshots."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import zxingcpp
from PIL import Image, ImageOps, UnidentifiedImageError

from registry.errors import InvalidInput
from registry.texts import Message

#: Pixels of the largest picture that is read: more than any telephone takes.
_MOST_PIXELS = 120_000_000
#: A code whose modules are smaller than two pixels is read better when it is made larger.
_SMALL, _ENLARGED = 1200, 4


def is_picture(path: Path) -> bool:
    """Whether there is such a file, and not a text that only looks like the name of one."""
    try:
        return path.is_file()
    except OSError:  # a name longer than any file's
        return False


def read_codes(raw: bytes) -> list[str]:
    """Read the texts of all QR codes in a picture; InvalidInput for what is no picture, or holds none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(raw))
            if picture.width * picture.height > _MOST_PIXELS:
                raise InvalidInput(Message("图片过大，最多 1.2 亿像素。"))
            grey = _flatten(picture)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InvalidInput(Message("文件不是可以读取的图片。")) from error
    formats = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
    for prepared in _list_preparations(grey):
        texts = [code.text for code in zxingcpp.read_barcodes(prepared, formats=formats)]
        if texts:
            return list(dict.fromkeys(texts))
    raise InvalidInput(Message("图片中没有找到二维码，请靠近、对正后重拍。"))


def _flatten(picture: Image.Image) -> Image.Image:
    """Return the picture upright and grey, what is transparent in it white."""
    upright = ImageOps.exif_transpose(picture)
    if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
        ground = Image.new("RGBA", upright.size, "white")
        upright = Image.alpha_composite(ground, upright.convert("RGBA"))
    return upright.convert("L")


def _list_preparations(grey: Image.Image) -> list[Image.Image]:
    """As it is, with a white edge around it, and enlarged with more contrast."""
    framed = ImageOps.expand(grey, max(8, grey.width // 10), 255)
    if max(grey.size) > _SMALL:
        return [grey, framed]
    size = (framed.width * _ENLARGED, framed.height * _ENLARGED)
    return [grey, framed, ImageOps.autocontrast(framed.resize(size, Image.Resampling.BICUBIC))]
