"""Printed codes as telephones see them: small, turned, blurred, dirty; read by two programs of other people."""

from __future__ import annotations

import io
import random
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pypdf
import pytest
from PIL import Image, ImageDraw, ImageFilter
from pyzbar import pyzbar

from registry.credentials import images, placards
from registry.credentials.images import QUIET
from registry.credentials.pictures import read_codes
from registry.credentials.placard import LANGUAGES, PAPERS, SMALL, Placard, make_badges
from registry.errors import InvalidInput, NotFound
from registry.log import signing_keys
from registry.register import Register
from tests.factories import a_person, a_register, a_source, the_real_lists
from tests.scanning import CODE, IT, PUBLIC_URL, issue, open_register
from tests.thoroughness import THOROUGH

INSTITUTIONS = 635


@pytest.fixture(scope="module")
def register(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Register]:
    folder = tmp_path_factory.mktemp("printed")
    signing_keys.create_key_file(folder / "signing.key")
    the_real_lists(folder).close()
    register = open_register(folder)
    assert len(issue(register)) == INSTITUTIONS
    yield register
    register.database.close()


@pytest.fixture(scope="module")
def placard_pairs(register: Register) -> list[tuple[Placard, Placard]]:
    """The long and the short code of each institution, or of some of them, others each time."""
    codes = register.credentials.list_holders()
    assert len(codes) == INSTITUTIONS
    both = zip(
        register.credentials.list_placards(codes), register.credentials.list_placards(codes, short=True), strict=True
    )
    return random.sample(list(both), INSTITUTIONS if THOROUGH else 30)


def photograph(png: bytes, chance: random.Random, *, dirt: float) -> Image.Image:
    """A printed code as somebody's telephone takes it: on a wall, turned, out of focus, with stains."""
    picture = Image.open(io.BytesIO(png)).convert("L")
    brush = ImageDraw.Draw(picture)
    width = picture.width
    stained = 0.0
    while stained < dirt:  # not over the three corners that say where a code is: no code survives that
        size = chance.uniform(0.02, 0.06)
        left, top = chance.uniform(0.35, 0.65), chance.uniform(0.35, 0.85)
        box = (left * width, top * width, (left + size) * width, (top + size) * width)
        brush.ellipse(box, fill=chance.choice((40, 200)))
        stained += size * size
    wall = Image.new("L", (width * 3 // 2, width * 3 // 2), 225)
    wall.paste(picture, (width // 4, width // 4))
    turned = wall.rotate(chance.uniform(-180, 180), Image.Resampling.BICUBIC, fillcolor=225)
    return turned.filter(ImageFilter.GaussianBlur(chance.uniform(0, width / 500)))


def read_with_zbar(picture: Image.Image) -> list[str]:
    return [code.data.decode() for code in pyzbar.decode(picture, symbols=[pyzbar.ZBarSymbol.QRCODE])]


def to_png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def test_short_codes_are_read_at_every_size(placard_pairs: list[tuple[Placard, Placard]]) -> None:
    for _, placard in placard_pairs:
        side = images.make_code(placard.text, placard.level).size + 2 * QUIET
        pixels = random.randint(side, 10 * side)
        png = images.render_png(placard.text, placard.level, pixels)
        assert read_codes(png) == [placard.text], pixels
        grey = Image.open(io.BytesIO(png)).convert("L")
        assert read_with_zbar(grey.resize((grey.width * 4, grey.height * 4))) == [placard.text], pixels


def test_codes_are_read_turned_blurred_and_dirty(placard_pairs: list[tuple[Placard, Placard]]) -> None:
    chance = random.Random()
    missed = 0
    for long, short in placard_pairs:
        for placard, pixels, dirt in ((short, 410, 0.01), (long, 840, 0.004)):
            picture = photograph(images.render_png(placard.text, placard.level, pixels), chance, dirt=dirt)
            assert read_codes(to_png(picture)) == [placard.text]
            missed += placard.text not in read_with_zbar(picture)
    # zbar, the elder of both, misses some of those that are out of focus
    assert missed <= len(placard_pairs) // 10


def test_all_placards_make_one_document_with_its_fonts(register: Register) -> None:
    codes = register.credentials.list_holders()
    chosen = register.credentials.list_placards(codes if THOROUGH else codes[:30])
    raw = placards.render_pdf(chosen, "a4", "both", PUBLIC_URL)
    document = pypdf.PdfReader(io.BytesIO(raw))
    assert len(document.pages) == len(chosen)
    page = document.pages[0]
    fonts = [font.get_object() for font in page["/Resources"]["/Font"].values()]
    assert fonts and all("/FontFile2" in font["/FontDescriptor"] for font in fonts)
    text = page.extract_text()
    assert chosen[0].credential.name[:6] in text.replace("\n", "")
    assert "register.example" in text and "毫米" in text
    assert read_drawn_code(page) == chosen[0].text


def read_drawn_code(page: pypdf.PageObject) -> str:
    """The text of the code that a page draws, from the rectangles of its dark modules."""
    drawn = re.findall(r"(?<!\S)(\d+) (\d+) (\d+) 1 re", page.get_contents().get_data().decode("latin-1"))
    runs = [[int(number) for number in run] for run in drawn]
    side = max(row for _, row, _ in runs) + 1
    picture = Image.new("L", (side + 8, side + 8), 255)
    for column, row, length in runs:
        picture.paste(0, (column + 4, row + 4, column + 4 + length, row + 5))
    (code,) = read_codes(to_png(picture.resize((picture.width * 4, picture.height * 4))))
    return code


@pytest.mark.parametrize("paper", PAPERS)
def test_every_paper_fits_on_its_page_in_every_language(register: Register, paper: str) -> None:
    longest = sorted(register.credentials.list_all(), key=lambda one: -len(one.name + one.address))[:3]
    codes = [one.institution for one in longest]
    for languages in LANGUAGES:
        chosen = register.credentials.list_placards(codes, short=paper in SMALL)
        document = pypdf.PdfReader(io.BytesIO(placards.render_pdf(chosen, paper, languages, PUBLIC_URL)))
        for page, placard in zip(document.pages, chosen, strict=True):
            assert read_drawn_code(page) == placard.text
            heights: list[float] = []

            def note_height(text: str, _cm: object, matrix: list[float], *_: object, at: Any = heights) -> None:
                if text.strip():
                    at.append(matrix[5])

            page.extract_text(visitor_text=note_height)
            assert min(heights) > 0, (paper, languages)


def test_each_person_of_an_institution_has_a_badge(tmp_path: Path) -> None:
    signing_keys.create_key_file(tmp_path / "signing.key")
    a_register(tmp_path, a_source(), IT, a_person(IT, "示例员甲"), a_person(IT, "示例员乙")).close()
    register = open_register(tmp_path)
    issue(register)
    asof = register.make_as_of_now()
    chosen = register.credentials.list_placards([CODE], short=True)
    badges = make_badges(chosen, lambda code: register.list_practitioners(code, asof))
    register.database.close()
    pages = pypdf.PdfReader(io.BytesIO(placards.render_pdf(badges, "badge", "zh", PUBLIC_URL))).pages
    assert sorted(one.person or "" for one in badges) == sorted(("示例员甲", "示例员乙"))
    assert all((one.person or "-") in page.extract_text() for one, page in zip(badges, pages, strict=True))


def test_a_zip_holds_a_folder_for_each_institution(register: Register) -> None:
    codes = register.credentials.list_holders("210000")
    chosen = register.credentials.list_placards(codes)
    raw = placards.render_zip(chosen[:3], ["sticker"], "zh", PUBLIC_URL)
    names = zipfile.ZipFile(io.BytesIO(raw)).namelist()
    assert len(names) == 9 and all(name.split("/")[1] in ("code.svg", "code.png", "sticker.pdf") for name in names)


def test_what_cannot_be_printed_is_refused(register: Register) -> None:
    with pytest.raises(NotFound):
        register.credentials.list_placards(["7K2M9QXF"])
    for pixels in (40, 9000):
        with pytest.raises(InvalidInput):
            images.render_png(f"{PUBLIC_URL}/q/7HV2-JKMV", "Q", pixels)
    with pytest.raises(InvalidInput):
        images.make_code("x" * 5000, "L")
    for raw in (b"", b"GIF89a", to_png(Image.new("L", (50, 50), 255))):
        with pytest.raises(InvalidInput):
            read_codes(raw)
