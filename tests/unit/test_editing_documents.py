"""Which files are taken as documents: by their content, whatever their name."""

from __future__ import annotations

import io
import zipfile

import pytest

from registry.errors import InvalidInput
from registry.staff.forms import documents


def packed(*names: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return held.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"%PDF-1.7\n", "pdf"),
        (b"\x89PNG\r\n\x1a\n....", "png"),
        (b"\xff\xd8\xff\xe0", "jpg"),
        (b"II*\x00", "tif"),
        (packed("word/document.xml"), "docx"),
        (packed("xl/workbook.xml"), "xlsx"),
        (packed("OFD.xml", "Doc_0/Document.xml"), "ofd"),
        ("关于示例机构的批复\n".encode() * 5000, "txt"),
        (b"\xef\xbb\xbfa < b\n", "txt"),
    ],
)
def test_what_staff_hold_is_taken(content: bytes, kind: str) -> None:
    assert documents.detect_file_type(io.BytesIO(content)) == kind


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<!DOCTYPE html><p>x",
        b"  <html>",
        b"<?xml version='1.0'?><svg/>",
        b"GIF89a<script>",
        b"hello <script>alert(1)</script>",
        b"#!/bin/sh\n",
        b"MZ\x90\x00",
        b"\x7fELF\x02",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",  # the old Office, which may hold macros
        packed("word/document.xml", "word/vbaProject.bin"),
        packed("anything.txt"),
        b"PK\x03\x04 broken",
        bytes(range(256)),
    ],
)
def test_what_could_run_or_cannot_be_looked_at_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidInput):
        documents.detect_file_type(io.BytesIO(content))
