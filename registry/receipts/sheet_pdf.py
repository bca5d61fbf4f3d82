"""A receipt on one page of paper: a PDF with its words, its text, and a QR code that leads to its check.

Its fonts are embedded, so that every reader shows a name with the same characters; what no font has is named by its
number.
"""

import io
from collections.abc import Sequence
from typing import Any

import qrcode
from qrcode.exceptions import DataOverflowError
from reportlab.lib.colors import HexColor, black
from reportlab.lib.enums import TA_LEFT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph

from registry.domain.model import Struct
from registry.receipts import paper_text

_CODE = "Courier"
_MARGIN, _LABEL, _GAP = 18 * mm, 42 * mm, 1.4 * mm
_QR = 92 * mm
#: A code with more modules than this is too fine to be scanned from paper at this size (half a millimetre a module).
_MODULE_LIMIT = 177
#: Characters of a receipt that fit below the words in print that can still be read.
_TEXT_LIMIT = 4200


class ReceiptSheet(Struct, frozen=True):
    """The content of the page: a title, what it means, (label, words) pairs, the receipt, and where its check is.

    ``in_code``: whether the QR code may carry the receipt.
    """

    lang: str
    title: str
    meaning: str
    pairs: Sequence[tuple[str, str]]
    receipt: str
    check_url: str
    scan: str
    no_scan: str
    text_below: str
    no_text: str
    footer: str
    in_code: bool = True


def render_pdf(sheet: ReceiptSheet) -> bytes:
    """Render the page as PDF; always one page of A4."""
    paper_text.load_font()
    buffer = io.BytesIO()
    font: Any = paper_text.FONT  # else the page names Helvetica; the stub takes the name for a number
    canvas = Canvas(buffer, pagesize=A4, pageCompression=1, lang=sheet.lang, initialFontName=font)
    canvas.setTitle(sheet.title)
    bottom = _draw_code_and_text(canvas, sheet)
    size = 10.5
    while _draw_words(None, sheet, size) < bottom and size > 4:
        size -= 0.5
    _draw_words(canvas, sheet, size)
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _draw_words(canvas: Canvas | None, sheet: ReceiptSheet, size: float) -> float:
    """Draw title, meaning and pairs from the top and return the y where they end. Without a canvas only measure."""
    y = A4[1] - _MARGIN
    width = A4[0] - 2 * _MARGIN
    y = _draw_text(canvas, sheet.title, size * 1.8, (_MARGIN, y, width)) - 2 * _GAP
    y = _draw_text(canvas, sheet.meaning, size, (_MARGIN, y, width)) - 3 * _GAP
    for label, words in sheet.pairs:
        words = paper_text.replace_missing_glyphs(words, sheet.lang)  # noqa: PLW2901 - as it can be printed
        left = _draw_text(canvas, label, size, (_MARGIN, y, _LABEL - _GAP), grey=True)
        right = _draw_text(canvas, words, size, (_MARGIN + _LABEL, y, width - _LABEL))
        y = min(left, right) - _GAP
    return y


def _draw_code_and_text(canvas: Canvas, sheet: ReceiptSheet) -> float:
    """Draw the QR code and the receipt's text at the foot of the page and return the height they take."""
    foot, width = _MARGIN, A4[0] - 2 * _MARGIN
    _draw_text(canvas, sheet.footer, 8, (_MARGIN, foot, width), grey=True)
    matrix = _make_qr_matrix(f"{sheet.check_url}?receipt={sheet.receipt}") if sheet.in_code else None
    has_receipt = matrix is not None
    _draw_matrix(canvas, matrix or _make_qr_matrix(sheet.check_url) or [], (_MARGIN, foot + 4 * mm))
    x, top = _MARGIN + _QR + 6 * mm, foot + 4 * mm + _QR
    column = width - _QR - 6 * mm
    y = _draw_text(canvas, sheet.scan if has_receipt else sheet.no_scan, 9, (x, top, column)) - _GAP
    y = _draw_text(canvas, sheet.check_url, 8, (x, y, column), code=True) - 2 * _GAP
    if len(sheet.receipt) > _TEXT_LIMIT:
        _draw_text(canvas, sheet.no_text, 8, (x, y, column), grey=True)
        return top + 4 * mm
    y = _draw_text(canvas, sheet.text_below, 8, (x, y, column), grey=True) - _GAP
    size = 6.0
    while _draw_text(None, sheet.receipt, size, (x, y, column), code=True) < foot + 4 * mm and size > 3:
        size -= 0.25
    _draw_text(canvas, sheet.receipt, size, (x, y, column), code=True)
    return top + 4 * mm


def _draw_text(
    canvas: Canvas | None,
    text: str,
    size: float,
    place: tuple[float, float, float],
    *,
    grey: bool = False,
    code: bool = False,
) -> float:
    """Draw text from the top left of ``place`` (x, y, width) downwards and return the y where it ends."""
    x, y, width = place
    style = ParagraphStyle(
        "sheet",
        fontName=_CODE if code else paper_text.FONT,
        fontSize=size,
        leading=size * (1.15 if code else 1.45),
        alignment=TA_LEFT,
        wordWrap="CJK",
        textColor=HexColor("#444444") if grey else black,
    )
    paragraph = Paragraph(paper_text.mark_runs(text), style)
    _, height = paragraph.wrap(width, A4[1])
    if canvas is not None:
        paragraph.drawOn(canvas, x, y - height)
    return float(y - height)


def _make_qr_matrix(text: str) -> list[list[bool]] | None:
    """Return the modules of a QR code, its quiet zone included; None for more than paper can carry."""
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_L, border=4)
    code.add_data(text, optimize=0)
    try:
        code.make(fit=True)
    except (DataOverflowError, ValueError):
        return None
    matrix: list[list[bool]] = [[bool(module) for module in row] for row in code.get_matrix()]
    return matrix if len(matrix) <= _MODULE_LIMIT + 8 else None


def _draw_matrix(canvas: Canvas, matrix: list[list[bool]], corner: tuple[float, float]) -> None:
    """Draw each row's runs of dark modules as rectangles, from the lower left ``corner``."""
    if not matrix:
        return
    module = _QR / len(matrix)
    for row, line in enumerate(matrix):
        start = None
        for column, dark in enumerate([*line, False]):
            if dark and start is None:
                start = column
            elif not dark and start is not None:
                y = corner[1] + (len(matrix) - 1 - row) * module
                canvas.rect(corner[0] + start * module, y, (column - start) * module, module, stroke=0, fill=1)
                start = None
