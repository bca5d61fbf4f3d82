"""Text set for paper: widths of characters, lines of Chinese, and the font that a PDF embeds."""

from __future__ import annotations

import re
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from registry.texts import Message

#: The font of papers, and the one of the rare characters that it lacks.
FONT, _RARE = "WenQuanYiMicroHei", "RareHan"
_FILES = {FONT: "wqy-microhei.ttc", _RARE: "rare-han.ttf"}
#: What no line begins with.
_NOT_FIRST = frozenset("，。、；：？！）》」』】〉”’,.;:?!)]}%")
_BEYOND_BASIC_PLANE = re.compile("<([0-9A-F]{5,6})>")


class _EmbeddedFont(TTFont):
    """A font whose text can be copied from a PDF, also what is beyond the basic plane: the library writes such
    characters into its table by their number, where the format wants UTF-16 (ISO 32000-1, 9.10.3).
    """

    def addObjects(self, doc: Any) -> None:
        super().addObjects(doc)
        for name, stream in doc.idToObject.items():
            if name.startswith("toUnicodeCMap:"):
                stream.content = _BEYOND_BASIC_PLANE.sub(_to_utf16, stream.content)


def _to_utf16(number: re.Match[str]) -> str:
    return f"<{chr(int(number[1], 16)).encode('utf-16-be').hex().upper()}>"


def find_font_file(name: str = FONT) -> Path:
    """Find the file of a font, for what draws with it elsewhere."""
    return Path(__file__).with_name("fonts") / _FILES[name]


@cache
def load_font(name: str = FONT) -> TTFont:
    """Load a font and register it with the library. A PDF embeds the characters that it uses."""
    font = _EmbeddedFont(name, str(find_font_file(name)), subfontIndex=0)
    pdfmetrics.registerFont(font)
    return font


@cache
def _choose_font(character: str) -> str | None:
    """The font that has a character; None where no one does. The rare one is loaded when it is first wanted."""
    return next((name for name in _FILES if ord(character) in load_font(name).face.charToGlyph), None)


def replace_missing_glyphs(text: str, lang: str = "zh-CN") -> str:
    """Replace each character that no font has by its number, which can still be looked up.

    >>> replace_missing_glyphs("鞍山市𬭎"), replace_missing_glyphs("\\U00030000医院")
    ('鞍山市𬭎', '〓（U+30000 无法印出）医院')
    """
    glyphs = load_font().face.charToGlyph
    if all(ord(character) in glyphs for character in text):
        return text
    return "".join(c if _choose_font(c) or not c.isprintable() else _name_missing(c, lang) for c in text)


def _name_missing(character: str, lang: str) -> str:
    return Message("〓（U+{number} 无法印出）", number=f"{ord(character):04X}").to_text(lang)


def split_runs(text: str) -> list[tuple[str, str]]:
    """Split a text into (font, piece) by the fonts that have its characters.

    >>> [piece for _, piece in split_runs("示例𬭎医院")]
    ['示例', '𬭎', '医院']
    """
    return [(font, "".join(piece)) for font, piece in groupby(text, lambda c: _choose_font(c) or FONT)]


def mark_runs(text: str) -> str:
    """Mark a text up for the library's paragraphs, which are set in FONT: runs of another font are named."""
    pieces = ((font, escape(piece)) for font, piece in split_runs(text))
    return "".join(piece if font == FONT else f'<font name="{font}">{piece}</font>' for font, piece in pieces)


def draw_text(canvas: Canvas, place: tuple[float, float], text: str, size: float) -> None:
    """Draw a line of text from ``place`` (x, y) to the right."""
    x, y = place
    for font, piece in split_runs(text):
        canvas.setFont(font, size)
        canvas.drawString(x, y, piece)
        x += measure_width(piece, size)


@cache
def _measure_character(character: str) -> float:
    font = load_font(_choose_font(character) or FONT)
    return pdfmetrics.stringWidth(character, font.fontName, 1000) / 1000


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
