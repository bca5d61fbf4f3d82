"""Pictures that strangers send: which are drawn anew, and what is said of all else."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from registry.errors import UnreadableFile
from registry.storage.uploads.limits import PICTURE
from registry.storage.uploads.picture_files import draw_picture

SIZE = (40, 30)


def make_file(kind: str) -> bytes:
    file = io.BytesIO()
    more = {"save_all": True, "append_images": [Image.new("RGB", SIZE, "red")]} if kind == "MPO" else {}
    Image.new("RGB", SIZE, "blue").save(file, kind, **more)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "MPO"])
def test_a_picture_of_a_camera_is_drawn_anew(kind: str) -> None:
    drawn, *size = draw_picture(io.BytesIO(make_file(kind)), PICTURE)
    assert tuple(size) == SIZE
    assert Image.open(io.BytesIO(drawn)).format == "JPEG"


OTHERS = {
    "text": b"hello",
    "nothing": b"",
    "a page": b"<!DOCTYPE html><script>alert(1)</script>",
    "a drawing": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
    "an archive": b"PK\x03\x04" + bytes(200),
    "the head of a JPEG": make_file("JPEG")[:60],
    "the head of a PNG": make_file("PNG")[:40],
    "half a WebP": make_file("WEBP")[:30],
    "a damaged PNG": make_file("PNG").replace(b"IDAT", b"IDAX"),
    **{kind: make_file(kind) for kind in ("GIF", "BMP", "TIFF", "PPM", "ICO")},
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_such_picture_is_refused_in_words_about_pictures(name: str) -> None:
    with pytest.raises(UnreadableFile) as refusal:
        draw_picture(io.BytesIO(OTHERS[name]), PICTURE)
    assert "图片" in refusal.value.zh
    assert "docx" not in refusal.value.zh
    assert "picture" in refusal.value.en.lower()
