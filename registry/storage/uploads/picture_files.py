"""A picture drawn anew from its pixels, inside the process that reads it: nothing else of the file is left.

Where it was taken and by whose camera, comments, previews, and whatever was hidden behind the picture stay behind.
"""

import io
from typing import IO

from PIL import Image, ImageOps, JpegImagePlugin, MpoImagePlugin, PngImagePlugin, WebPImagePlugin

from registry.errors import TooLarge, UnreadableFile
from registry.storage.uploads.limits import FileLimits
from registry.texts import Message

#: The readers of what is read, which have to be loaded before the process is limited. That of a JPEG with several
#: pictures is called by that of JPEG, and is no format of its own.
_READERS = (
    *(JpegImagePlugin.JpegImageFile, PngImagePlugin.PngImageFile, WebPImagePlugin.WebPImageFile),
    MpoImagePlugin.MpoImageFile,
)
FORMATS = tuple(one.format for one in _READERS if one.format in Image.OPEN)
#: Pixels of a picture that is read, and the longest side of the one that is drawn.
MOST_PIXELS, LONGEST_SIDE = 60_000_000, 2_400
_QUALITY = 85


def draw_picture(source: IO[bytes], limits: FileLimits) -> tuple[bytes, int, int]:
    """Return a picture as JPEG of its pixels alone, and its width and height.

    UnreadableFile for what is no JPEG, PNG or WebP, TooLarge beyond the limits.
    """
    if source.seek(0, io.SEEK_END) > limits.packed:
        raise TooLarge(Message("每张图片最多{limit} MB。", limit=limits.packed // 1024**2), limit=limits.packed)
    source.seek(0)
    try:
        picture: Image.Image = Image.open(source, formats=FORMATS)
    except Exception as error:  # whatever a crafted file provokes in the library
        raise UnreadableFile(Message("图片无法读取：只接受 JPEG、PNG、WebP 格式，请换一张或截图后再传。")) from error
    if picture.width * picture.height > MOST_PIXELS:
        limit = MOST_PIXELS // 1_000_000
        raise TooLarge(Message("图片太大，最多{limit}百万像素，请截图或缩小后再传。", limit=limit), limit=MOST_PIXELS)
    picture.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))  # a large JPEG is read at half or a quarter of its size
    try:
        picture.load()
    except Exception as error:
        raise UnreadableFile(Message("图片已损坏，请换一张或截图后再传。")) from error
    picture = ImageOps.exif_transpose(picture)  # as the camera was held
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    drawn = Image.new("RGB", picture.size, "white")
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        drawn.paste(layer, mask=layer)
    else:
        drawn.paste(picture.convert("RGB"))
    out = io.BytesIO()
    drawn.save(out, "JPEG", quality=_QUALITY)
    return out.getvalue(), drawn.width, drawn.height
