"""Rare characters on paper: printed from a font inside the PDF and copied as themselves, or named by their number."""

from __future__ import annotations

import io
import itertools
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pypdf
import pytest
from reportlab.pdfgen.canvas import Canvas

from registry.receipts import paper_text
from registry.receipts.sheet_pdf import ReceiptSheet, render_pdf

#: Of names in use, beyond the basic plane (extensions B, C, E) or in extension A.
RARE = "𬭎𫖯𠙶𣲘𨱏𬇙㛃䶮"
NAME = f"示例市{RARE}医院"


def a_sheet(words: str, lang: str = "zh-CN") -> bytes:
    """A receipt's page with these words in it."""
    names = ("title", "meaning", "scan", "no_scan", "text_below", "no_text", "footer")
    texts: dict[str, Any] = {**dict.fromkeys(names, "说明"), "receipt": "e30.e30.e30", "pairs": [("名称", words)]}
    return render_pdf(ReceiptSheet(lang=lang, check_url="https://register.example/receipt", **texts))


def a_line(words: str) -> bytes:
    """A page as an edition has it, with these words in a line."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer)
    paper_text.draw_text(canvas, (50, 500), paper_text.replace_missing_glyphs(words), 10)
    canvas.save()
    return buffer.getvalue()


def read_page(pdf: bytes) -> tuple[str, dict[str, Any]]:
    """The text of the first page, and its fonts."""
    page: Any = pypdf.PdfReader(io.BytesIO(pdf)).pages[0]
    fonts = [one.get_object() for one in page["/Resources"]["/Font"].values()]
    named = {font["/BaseFont"].split("+")[-1].lstrip("/"): font for font in fonts}
    return page.extract_text().replace("\n", ""), named


def count_outlines(font: Any) -> int:
    """How many glyphs of an embedded TrueType font have an outline."""
    data = font["/FontDescriptor"]["/FontFile2"].get_data()
    tables = {data[at : at + 4]: struct.unpack_from(">LL", data, at + 8) for at in range(12, 12 + 16 * data[5], 16)}
    is_long = struct.unpack_from(">h", data, tables[b"head"][0] + 50)[0]
    start, size = tables[b"loca"]
    offsets = struct.unpack_from(f">{size // 4}L" if is_long else f">{size // 2}H", data, start)
    return sum(later > earlier for earlier, later in itertools.pairwise(offsets))


@pytest.mark.parametrize("make", [a_sheet, a_line])
def test_a_rare_character_is_printed_and_can_be_copied(make: Callable[[str], bytes]) -> None:
    text, fonts = read_page(make(NAME))
    assert NAME in text
    assert count_outlines(fonts["RareHan"]) >= len(RARE)


@pytest.mark.parametrize("make", [a_sheet, a_line])
def test_a_character_that_no_font_has_is_named_by_its_number(make: Callable[[str], bytes]) -> None:
    text, _ = read_page(make("示例\U00030000医院"))
    assert "示例〓（U+30000 无法印出）医院" in text


def test_it_is_named_in_english_on_an_english_page() -> None:
    text, _ = read_page(a_sheet("示例\U00030000", "en"))
    assert "示例〓 (U+30000 cannot be printed)" in text


def test_usual_names_load_no_second_font() -> None:
    _, fonts = read_page(a_line("示例市第一医院 A1（甲）"))
    assert "RareHan" not in fonts


def test_every_character_in_a_line_of_receipts_is_in_an_embedded_font() -> None:
    _, fonts = read_page(a_sheet(NAME))
    assert all("/FontFile2" in font["/FontDescriptor"] for name, font in fonts.items() if name != "Courier")


def test_the_licence_of_every_font_lies_beside_it() -> None:
    folder = Path(paper_text.__file__).with_name("fonts")
    assert sorted(path.name for path in folder.iterdir()) == [
        "LICENSE-rare-han.txt",
        "LICENSE.txt",
        "rare-han.ttf",
        "wqy-microhei.ttc",
    ]
