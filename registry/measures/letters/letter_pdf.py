"""An evidence letter as PDF: pages of A4 with its words, the font embedded, the signed receipt attached as a file.

The same letter gives the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from reportlab.lib.colors import HexColor, black
from reportlab.lib.enums import TA_LEFT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfdoc
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph

from registry.measures.letters import letter_words
from registry.measures.letters.letter_text import Letter
from registry.receipts import paper_text
from registry.receipts.receipt_text import Receipt
from registry.texts import Message

_MARGIN, _LABEL, _GAP = 20 * mm, 40 * mm, 1.6 * mm
_SIZE, _FOOT = 10.5, 12 * mm
#: The name under which the receipt is attached.
ATTACHMENT = "letter.json"


def render_pdf(letter: Letter, receipts: Sequence[Receipt], receipt: str, public_url: str) -> bytes:
    """Render a letter; ``receipt`` is attached as it is."""
    paper_text.load_font()
    buffer = io.BytesIO()
    font: Any = paper_text.FONT  # else the page names Helvetica; the stub takes the name for a number
    canvas = Canvas(buffer, pagesize=A4, pageCompression=1, invariant=1, lang=letter.lang, initialFontName=font)
    canvas.setTitle(f"{letter_words.TITLE.to_text(letter.lang)} {letter.number}")
    canvas.setCreator("art-registry")
    pages = _Pages(canvas, letter, public_url)
    pages.draw_text(letter_words.TITLE.to_text(letter.lang), _SIZE * 1.8)
    pages.leave_space(2 * _GAP)
    pages.draw_text(letter_words.INTRO.to_text(letter.lang), _SIZE)
    for section in letter_words.describe_letter(letter, receipts):
        pages.leave_space(2 * _GAP)
        if section.heading:
            pages.draw_text(section.heading, _SIZE * 1.25, keep=30 * mm)
        for label, words in section.pairs:
            pages.draw_pair(label, words)
    pages.finish_page()
    _add_attachment(canvas, b'{"letter":"' + receipt.encode() + b'"}')
    canvas.save()
    return buffer.getvalue()


class _Pages:
    """Pages that are filled from the top; one that is full is ended and the next begun."""

    def __init__(self, canvas: Canvas, letter: Letter, public_url: str) -> None:
        self._canvas, self._letter, self._public_url = canvas, letter, public_url
        self._y, self._page = A4[1] - _MARGIN, 1

    def leave_space(self, height: float) -> None:
        """Leave some space, unless the page has just begun."""
        self._y -= height

    def draw_text(self, text: str, size: float, keep: float = 0.0) -> None:
        """Draw a paragraph over the whole width; on a new page if ``keep`` below it would not fit on this one."""
        paragraph, height = self._set(text, size, A4[0] - 2 * _MARGIN)
        self._require_room(height + keep)
        self._draw(paragraph, height, _MARGIN)
        self._y -= height + _GAP

    def draw_pair(self, label: str, words: str) -> None:
        """Draw a label, and its words beside it; a sentence without a label over the whole width."""
        if not label:
            self.draw_text(words, _SIZE * 0.95)
            return
        width = A4[0] - 2 * _MARGIN
        left, left_height = self._set(label, _SIZE, _LABEL - 2 * _GAP, grey=True)
        right, right_height = self._set(words, _SIZE, width - _LABEL)
        self._require_room(max(left_height, right_height))
        self._draw(left, left_height, _MARGIN)
        self._draw(right, right_height, _MARGIN + _LABEL)
        self._y -= max(left_height, right_height) + _GAP

    def finish_page(self) -> None:
        """Draw the foot of the page: the number of the letter, the page, where the register is."""
        words = Message(
            "{number} · 第{page}页 · {url}", number=self._letter.number, page=self._page, url=self._public_url
        )
        paper_text.draw_text(self._canvas, (_MARGIN, _FOOT), words.to_text(self._letter.lang), 8)
        self._canvas.showPage()
        self._page += 1
        self._y = A4[1] - _MARGIN

    def _require_room(self, height: float) -> None:
        if self._y - height < _MARGIN:
            self.finish_page()

    def _draw(self, paragraph: Paragraph, height: float, x: float) -> None:
        paragraph.drawOn(self._canvas, x, self._y - height)

    def _set(self, text: str, size: float, width: float, *, grey: bool = False) -> tuple[Paragraph, float]:
        style = ParagraphStyle(
            "letter",
            fontName=paper_text.FONT,
            fontSize=size,
            leading=size * 1.5,
            alignment=TA_LEFT,
            wordWrap="CJK",
            textColor=HexColor("#444444") if grey else black,
        )
        printable = paper_text.replace_missing_glyphs(text, self._letter.lang)
        paragraph = Paragraph(paper_text.mark_runs(printable), style)
        return paragraph, float(paragraph.wrap(width, A4[1])[1])


def _add_attachment(canvas: Canvas, content: bytes) -> None:
    """Attach a file to the document (ISO 32000-1, 7.11.4), uncompressed: what checks a letter reads it as it is."""
    document: Any = canvas._doc  # type: ignore[attr-defined]
    stream: Any = pdfdoc.PDFStream(content=content.decode(), filters=[])
    stream.dictionary["Type"] = pdfdoc.PDFName("EmbeddedFile")
    stream.dictionary["Params"] = pdfdoc.PDFDictionary({"Size": len(content)})
    embedded = document.Reference(stream)
    name = pdfdoc.PDFString(ATTACHMENT)
    specification = pdfdoc.PDFDictionary(
        {"Type": pdfdoc.PDFName("Filespec"), "F": name, "UF": name, "EF": pdfdoc.PDFDictionary({"F": embedded})}
    )
    files = pdfdoc.PDFDictionary({"Names": pdfdoc.PDFArray([name, document.Reference(specification)])})
    document.Catalog.Names = pdfdoc.PDFDictionary({"EmbeddedFiles": files})
