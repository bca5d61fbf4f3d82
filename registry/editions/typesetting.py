"""Text set for paper: widths of characters, lines of Chinese, and the font that a PDF carries with it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

FONT = "WenQuanYiMicroHei"
_FILE = Path(__file__).with_name("fonts") / "wqy-microhei.ttc"
#: What no line begins with.
_NEVER_FIRST = frozenset("，。、；：？！）》」』】〉”’,.;:?!)]}%")


@cache
def load_font() -> TTFont:
    """The font, known to the library from now on. It holds 34,600 characters; a PDF carries those it uses."""
    made = TTFont(FONT, str(_FILE), subfontIndex=0)
    pdfmetrics.registerFont(made)
    return made


def replace_missing_glyphs(text: str) -> str:
    """The text with each character that the font lacks said by its number, which can still be looked up.

    >>> replace_missing_glyphs("鞍山市"), replace_missing_glyphs("\\U00030000医院")
    ('鞍山市', '〓(U+30000)医院')
    """
    glyphs = load_font().face.charToGlyph
    if all(ord(character) in glyphs for character in text):
        return text
    return "".join(one if ord(one) in glyphs else f"〓(U+{ord(one):04X})" for one in text)


@cache
def _measure_character(character: str) -> float:
    return pdfmetrics.stringWidth(character, load_font().fontName, 1000) / 1000


def measure_width(text: str, size: float) -> float:
    """How wide a text is, in points."""
    return sum(map(_measure_character, text)) * size


def wrap_lines(text: str, size: float, room: float) -> list[str]:
    """The text in lines no wider than ``room``; a run of Latin letters or digits stays whole where it fits a line.

    >>> wrap_lines("辽宁省鞍山市铁西区三道街115号", 10, 80)
    ['辽宁省鞍山市铁西', '区三道街115号']
    """
    found: list[str] = []
    line, used = "", 0.0
    for piece in _split_pieces(text):
        wide = measure_width(piece, size)
        if line and used + wide > room and piece[0] not in _NEVER_FIRST:
            found.append(line.rstrip())
            line, used = "", 0.0
            piece = piece.lstrip()  # noqa: PLW2901  a line does not begin with the space before it
            wide = measure_width(piece, size)
        for character in piece if wide > room else [piece]:
            more = measure_width(character, size)
            if line and used + more > room and character[:1] not in _NEVER_FIRST:
                found.append(line)
                line, used = "", 0.0
            line, used = line + character, used + more
    return [*found, line.rstrip()] if line else found or [""]


def _split_pieces(text: str) -> list[str]:
    """Single Chinese characters, and runs of ASCII letters and digits."""
    pieces: list[str] = []
    for character in text:
        joins = character.isascii() and character.isalnum()
        if joins and pieces and pieces[-1][-1].isascii() and pieces[-1][-1].isalnum():
            pieces[-1] += character
        else:
            pieces.append(character)
    return pieces
