"""An edition as PDF: the list by province, headings on every page, its font embedded, a QR code to its page."""

from pathlib import Path
from typing import Any

import qrcode
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from registry.editions import labels
from registry.editions.content import EditionInstitution, ListContent, Progress
from registry.editions.edition import Edition
from registry.receipts import paper_text
from registry.texts import write_bilingual
from registry.verification.phrases import format_date

PAGE = landscape(A4)
_MARGIN, _PAD, _LEAD = 14 * mm, 1.2 * mm, 1.4
_SIZE, _QR = 8.5, 26 * mm
_HEADINGS = ("序号", "医疗机构名称", "地址", "运行情况：批准开展的技术", "编码")
_WIDTHS = (13 * mm, 70 * mm, 76 * mm, 86 * mm, 24 * mm)
_GREY, _BAND, _LINE = HexColor("#444444"), HexColor("#e8eef0"), HexColor("#9aa5a8")


def write(path: Path, edition: Edition, content: ListContent, progress: Progress | None = None) -> None:
    """Write the document, drawn row by row: pages are compressed as they are done."""
    paper_text.load_font()
    # Else every page names Helvetica, which no file carries; the stub takes the name for a number.
    font: Any = paper_text.FONT
    canvas = Canvas(str(path), pagesize=PAGE, pageCompression=1, invariant=1, lang="zh-CN", initialFontName=font)
    canvas.setTitle(paper_text.replace_missing_glyphs(edition.title))
    canvas.setSubject(labels.describe_publication(edition))
    canvas.setAuthor(write_bilingual("人类辅助生殖技术机构名录"))
    canvas.setCreator("art-registry")
    layout = _PageLayout(canvas, edition)
    layout.draw_cover(labels.describe_totals(content.totals))
    counts = {name: count for name, _, count in content.totals.provinces}
    province: str | None = None
    number = 0
    for done, institution in enumerate(content.read_list(), start=1):
        number = number + 1 if institution.province == province else 1
        cells = _make_cells(number, institution)
        if institution.province != province:
            province = institution.province
            layout.draw_province(f"{province or labels.PLACELESS_TITLE}（{counts[province]}家）", first_row=cells)
        layout.draw_row(cells)
        if progress and done % 1000 == 0:
            progress(done)
    layout.finish_document()
    canvas.save()


def _make_cells(number: int, institution: EditionInstitution) -> list[list[str]]:
    """Make the lines of each cell of one institution."""
    stages = dict.fromkeys(line.stage for line in institution.lines)
    names = {stage: [labels.format_technique(a) for a in institution.lines if a.stage == stage] for stage in stages}
    approvals = [f"{labels.describe_stage(stage)}：{'、'.join(techniques)}" for stage, techniques in names.items()]
    texts = [[str(number)], [institution.name], [institution.address], approvals, [institution.code]]
    return [  # one character's room is left for what no line begins with
        [line for text in cell for line in _wrap_text(text, _SIZE, width - 2 * _PAD - _SIZE)]
        for cell, width in zip(texts, _WIDTHS, strict=True)
    ]


def _wrap_text(text: str, size: float, width: float) -> list[str]:
    return paper_text.wrap_lines(paper_text.replace_missing_glyphs(text), size, width)


class _PageLayout:
    """The next free place on the pages of one document."""

    def __init__(self, canvas: Canvas, edition: Edition) -> None:
        self._canvas, self._edition = canvas, edition
        self._y, self._number = 0.0, 0
        self._province = ""

    def draw_cover(self, figure: str) -> None:
        """Draw the head of the first page: title, day, number, figure, and the QR code."""
        top = PAGE[1] - _MARGIN
        width = PAGE[0] - 2 * _MARGIN - (_QR + 8 * mm if self._edition.page else 0)
        y = top
        facts = [
            labels.describe_scope(self._edition.scope),
            f"截至{format_date(self._edition.as_of, lang='zh-CN')}",
            labels.describe_publication(self._edition),
        ]
        lines = ["　".join(facts), figure, f"核对与下载：{self._edition.page}" if self._edition.page else ""]
        for text, size in [(self._edition.title, 18.0), *((line, 10.0) for line in lines)]:
            for line in _wrap_text(text, size, width) if text else ():
                y -= size * _LEAD
                self._draw_text(_MARGIN, y, line, size)
            y -= 1.5 * mm
        if self._edition.page:
            self._draw_qr_code(PAGE[0] - _MARGIN - _QR, top - _QR)
            y = min(y, top - _QR)
        self._y = y - 3 * mm
        self._number = 1
        self._draw_headings()

    def draw_province(self, text: str, first_row: list[list[str]]) -> None:
        """Draw the name of a province, never alone at the foot of a page, and bookmark it."""
        height = _SIZE * _LEAD + 2 * _PAD
        if self._y - height - _measure_height(first_row) < _MARGIN + 6 * mm:
            self._start_page()
        self._province = ""
        key = f"province-{self._number}-{int(self._y)}"
        self._canvas.bookmarkPage(key)
        self._canvas.addOutlineEntry(text, key, level=0)
        self._draw_cells(height, [[text], [], [], [], []], _BAND)
        self._province = text

    def draw_row(self, cells: list[list[str]]) -> None:
        """Draw one institution, whole on one page."""
        height = _measure_height(cells)
        if self._y - height < _MARGIN + 6 * mm:
            self._start_page()
        self._draw_cells(height, cells)

    def finish_document(self) -> None:
        """Draw the foot of the last page."""
        self._draw_footer()
        self._canvas.showPage()

    def _start_page(self) -> None:
        self._draw_footer()
        self._canvas.showPage()
        self._number += 1
        self._y = PAGE[1] - _MARGIN
        self._draw_headings()
        if self._province:
            self._draw_cells(_SIZE * _LEAD + 2 * _PAD, [[f"{self._province}（续）"], [], [], [], []], _BAND)

    def _draw_headings(self) -> None:
        self._draw_cells(_SIZE * _LEAD + 2 * _PAD, [[heading] for heading in _HEADINGS], _BAND)

    def _draw_cells(self, height: float, cells: list[list[str]], background: Color | None = None) -> None:
        canvas, x = self._canvas, _MARGIN
        if background is not None:
            canvas.setFillColor(background)
            canvas.rect(x, self._y - height, sum(_WIDTHS), height, stroke=0, fill=1)
        for lines, width in zip(cells, _WIDTHS, strict=True):
            for position, line in enumerate(lines):
                self._draw_text(x + _PAD, self._y - _PAD - _SIZE - position * _SIZE * _LEAD, line, _SIZE)
            x += width
        self._y -= height
        canvas.setStrokeColor(_LINE)
        canvas.setLineWidth(0.4)
        canvas.line(_MARGIN, self._y, _MARGIN + sum(_WIDTHS), self._y)

    def _draw_footer(self) -> None:
        left = (
            f"{self._edition.title}　截至{format_date(self._edition.as_of, lang='zh-CN')}　第{self._edition.number}期"
        )
        self._draw_text(_MARGIN, _MARGIN - 2 * mm, _wrap_text(left, 8, 220 * mm)[0], 8, grey=True)
        right = f"第{self._number}页"
        self._draw_text(PAGE[0] - _MARGIN - paper_text.measure_width(right, 8), _MARGIN - 2 * mm, right, 8, grey=True)

    def _draw_text(self, x: float, y: float, text: str, size: float, *, grey: bool = False) -> None:
        self._canvas.setFillColor(_GREY if grey else HexColor("#000000"))
        paper_text.draw_text(self._canvas, (x, y), text, size)

    def _draw_qr_code(self, x: float, y: float) -> None:
        code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=2)
        code.add_data(self._edition.page)
        code.make(fit=True)
        matrix: list[list[bool]] = code.get_matrix()
        side = _QR / len(matrix)
        self._canvas.setFillColor(HexColor("#000000"))
        for row, line in enumerate(matrix):
            for column, dark in enumerate(line):
                if dark:
                    top = y + (len(matrix) - 1 - row) * side
                    self._canvas.rect(x + column * side, top, side, side, stroke=0, fill=1)


def _measure_height(cells: list[list[str]]) -> float:
    return max(1, *(len(lines) for lines in cells)) * _SIZE * _LEAD + 2 * _PAD
