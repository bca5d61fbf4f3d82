"""Text set for paper: widths of characters, lines of Chinese, and the font that a PDF embeds."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

FONT = "WenQuanYiMicroHei"
_FILE = Path(__file__).with_name("fonts") / "wqy-microhei.ttc"
#: What no line begins with.
_NOT_FIRST = frozenset("，。、；：？！）》」』】〉”’,.;:?!)]}%")


@cache
def load_font() -> TTFont:
    """Load the font and register it with the library. It holds 34,600 characters; a PDF embeds those it uses."""
    font = TTFont(FONT, str(_FILE), subfontIndex=0)
    pdfmetrics.registerFont(font)
    return font


def replace_missing_glyphs(text: str) -> str:
    """Replace each character that the font lacks by its number, which can still be looked up.

    >>> replace_missing_glyphs("鞍山市"), replace_missing_glyphs("\\U00030000医院")
    ('鞍山市', '〓(U+30000)医院')
    """
    glyphs = load_font().face.charToGlyph
    if all(ord(character) in glyphs for character in text):
        return text
    return "".join(c if ord(c) in glyphs else f"〓(U+{ord(c):04X})" for c in text)


@cache
def _measure_character(character: str) -> float:
    return pdfmetrics.stringWidth(character, load_font().fontName, 1000) / 1000


def measure_width(text: str, size: float) -> float:
    """Measure the width of a text in points."""
    return sum(map(_measure_character, text)) * size


def wrap_lines(text: str, size: float, room: float) -> list[str]:
    """Wrap a text into lines no wider than ``room``; a run of Latin letters or digits stays whole where it fits a line.

    >>> wrap_lines("辽宁省鞍山市铁西区三道街115号", 10, 80)
    ['辽宁省鞍山市铁西', '区三道街115号']
    """
    lines: list[str] = []
    line, used = "", 0.0
    for piece in _split_pieces(text):
        piece_width = measure_width(piece, size)
        if line and used + piece_width > room and piece[0] not in _NOT_FIRST:
            lines.append(line.rstrip())
            line, used = "", 0.0
            piece = piece.lstrip()  # noqa: PLW2901  a line does not begin with the space before it
            piece_width = measure_width(piece, size)
        for character in piece if piece_width > room else [piece]:
            width = measure_width(character, size)
            if line and used + width > room and character[:1] not in _NOT_FIRST:
                lines.append(line)
                line, used = "", 0.0
            line, used = line + character, used + width
    return [*lines, line.rstrip()] if line else lines or [""]


def _split_pieces(text: str) -> list[str]:
    """Split into single Chinese characters, and runs of ASCII letters and digits."""
    pieces: list[str] = []
    for character in text:
        joins = character.isascii() and character.isalnum()
        if joins and pieces and pieces[-1][-1].isascii() and pieces[-1][-1].isalnum():
            pieces[-1] += character
        else:
            pieces.append(character)
    return pieces
