"""Pictures made by this register for other people's pages: the share card (PNG) and the badge of an institution (SVG).

Both say the standing in a word beside its colour, and neither sets or reads anything of whoever looks at it.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from registry.receipts import paper_text

#: Pixels of a card, as share previews take it.
WIDTH, HEIGHT = 1200, 630
_EDGE = 72
#: The ground and the ink of each tone, as in light pages (tokens.css).
COLOURS = {
    "approved": ("#e9f4ed", "#17643a"),
    "limited": ("#fcf2df", "#7d4a00"),
    "stopped": ("#fceeec", "#a3211b"),
    "unlisted": ("#f1eff5", "#55486d"),
    "plain": ("#f3f6f5", "#0a5c63"),
}
_INK, _MUTED, _PAPER = "#18211f", "#4b5856", "#ffffff"


@lru_cache(maxsize=16)
def _load_font(name: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(paper_text.find_font_file(name)), size)


def _draw_line(draw: ImageDraw.ImageDraw, place: tuple[float, float], text: str, size: int, colour: str) -> None:
    x, y = place
    for name, piece in paper_text.split_runs(text):
        font = _load_font(name, size)
        draw.text((x, y), piece, font=font, fill=colour)
        x += font.getlength(piece)


@lru_cache(maxsize=256)
def render_card(title: str, word: str, tone: str, lines: Sequence[str], footer: str) -> bytes:
    """Render a card as PNG: at most three lines of title, the standing in its colours, lines below it, whose it is."""
    ground, ink = COLOURS[tone]
    image: Any = Image.new("RGB", (WIDTH, HEIGHT), _PAPER)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, WIDTH, 14), fill=COLOURS["plain"][1])
    room = WIDTH - 2 * _EDGE
    y = 64.0
    for line in paper_text.wrap_lines(title, 60, room)[:3]:
        _draw_line(draw, (_EDGE, y), line, 60, _INK)
        y += 82
    y += 16
    height = 132
    draw.rounded_rectangle((_EDGE, y, WIDTH - _EDGE, y + height), 14, fill=ground, outline=ink, width=3)
    _draw_mark(draw, tone, (_EDGE + 76, y + height / 2), ink)
    _draw_line(draw, (_EDGE + 148, y + 30), word, 60, ink)
    y += height + 30
    for text in lines:
        for line in paper_text.wrap_lines(text, 34, room)[:2]:
            if y < HEIGHT - 110:
                _draw_line(draw, (_EDGE, y), line, 34, _INK)
                y += 50
    _draw_line(draw, (_EDGE, HEIGHT - 72), footer, 28, _MUTED)
    buffer = io.BytesIO()
    image.quantize(32).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _draw_mark(draw: ImageDraw.ImageDraw, tone: str, middle: tuple[float, float], ink: str) -> None:
    """Draw the icon of a tone: a tick, a half circle, a bar, a dot; so that the colour is never alone."""
    x, y = middle
    draw.ellipse((x - 36, y - 36, x + 36, y + 36), outline=ink, width=6, fill=None if tone == "limited" else ink)
    if tone in ("approved", "plain"):
        draw.line(((x - 18, y), (x - 5, y + 14), (x + 18, y - 13)), fill=_PAPER, width=8, joint="curve")
    elif tone == "limited":
        draw.pieslice((x - 36, y - 36, x + 36, y + 36), 90, 270, fill=ink)
    elif tone == "stopped":
        draw.rectangle((x - 20, y - 5, x + 20, y + 5), fill=_PAPER)
    else:
        draw.ellipse((x - 7, y - 7, x + 7, y + 7), fill=_PAPER)


def measure_text(text: str) -> int:
    """Estimate the pixels of a text in a badge, whatever font is there; never less than they are.

    >>> measure_text("已获批准"), measure_text("approved")
    (56, 68)
    """
    return (
        sum(14 if ord(character) > 0x2E7F else 17 for character in text) if not text.isascii() else 17 * len(text) // 2
    )
