"""Placards to hang up and stick on: what is approved, the code, the official address in words, and how to check."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

from reportlab.lib.colors import HexColor, black, white
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.pdfgen.pathobject import PDFPathObject

from registry.credentials import images
from registry.credentials.credential import Credential
from registry.credentials.images import QrCode
from registry.credentials.placard import SMALL, Languages, Paper, Placard
from registry.domain.model import Struct
from registry.domain.techniques import BY_CODE
from registry.receipts import paper_text
from registry.texts import Listing, Message

_TAGS: dict[Languages, tuple[str, ...]] = {"zh": ("zh-CN",), "en": ("en",), "both": ("zh-CN", "en")}
_NAME = Message("人类辅助生殖技术机构名录")
_APPROVED = Message("本机构经批准开展：{techniques}")
_CHECK = Message("怎样核对：用手机扫码，看浏览器地址栏里的网址是不是 {domain}；再看页面上的名称、地址与本处是否一致。")
_NOT = Message("列入名录是许可，不是推荐。许可可能变更，以扫码所见为准。")
_ASK = Message("网址不符，或名称、地址不一致的，请拨打 12345。")
_DATES = Message("签发于 {issued}，有效期至 {expires}。编码 {code}。")
_SIZE = Message("二维码边长 {side} 毫米（每格 {module} 毫米）；复印后每格不得小于 {least} 毫米。")
_PERSON = Message("本人的执业授权，以扫码所见页面为准。")
_LEADING = 1.4
_BLUE, _GREY = HexColor("#14447a"), HexColor("#444444")


class PaperSizes(Struct, frozen=True):
    """Measures of a paper in mm: its sides, the margin, the code with its quiet zone, and sizes of type in points."""

    width: float
    height: float
    margin: float
    code: float
    title: float
    name: float
    body: float


_LAYOUTS: dict[Paper, PaperSizes] = {
    "a4": PaperSizes(width=210, height=297, margin=18, code=110, title=20, name=30, body=13),
    "a5": PaperSizes(width=148, height=210, margin=12, code=78, title=14, name=21, body=9.5),
    "sticker": PaperSizes(width=90, height=60, margin=4, code=34, title=8, name=10, body=5.5),
    "badge": PaperSizes(width=85.6, height=54, margin=4, code=30, title=7.5, name=12, body=6),
}


def render_pdf(placards: Iterable[Placard], paper: Paper, languages: Languages, public_url: str) -> bytes:
    """Render placards as one PDF, a page each, fonts embedded."""
    paper_text.load_font()
    layout = _LAYOUTS[paper]
    buffer = io.BytesIO()
    font: Any = paper_text.FONT
    size = (layout.width * mm, layout.height * mm)
    canvas = Canvas(buffer, pagesize=size, pageCompression=1, lang=_TAGS[languages][0], initialFontName=font)
    canvas.setTitle(_NAME.to_text(_TAGS[languages][0]))
    for placard in placards:
        _Page(canvas, layout, _TAGS[languages], urlsplit(public_url).netloc).draw(placard, is_small=paper in SMALL)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


class _Page:
    """One page being drawn, downwards from ``y`` (points from the bottom)."""

    def __init__(self, canvas: Canvas, layout: PaperSizes, tags: Sequence[str], domain: str) -> None:
        self._canvas, self._layout, self._tags, self._domain = canvas, layout, tags, domain
        self._left = layout.margin * mm
        self._room = (layout.width - 2 * layout.margin) * mm
        self._y = layout.height * mm

    def draw(self, placard: Placard, *, is_small: bool) -> None:
        code = images.make_code(placard.text, placard.level)
        self._draw_head()
        if is_small:
            self._draw_small(placard, code)
        else:
            self._draw_large(placard, code)

    def _draw_head(self) -> None:
        """The name of the register, white on blue, and below it the official address in words."""
        layout = self._layout
        band = layout.title * (1.7 + 1.5 * len(self._tags))
        self._canvas.setFillColor(_BLUE)
        self._canvas.rect(0, self._y - band, layout.width * mm, band, stroke=0, fill=1)
        y = self._y - layout.title * 1.5
        for tag in self._tags:
            self._put(_NAME.to_text(tag), y, layout.title if tag != "en" else layout.title * 0.8, white)
            y -= layout.title * 1.35
        self._put(self._domain, y + layout.title * 0.2, layout.title * 0.75, white)
        self._y -= band + layout.margin * 0.6 * mm

    def _put(self, text: str, y: float, size: float, color: Any) -> None:
        while size > 4 and paper_text.measure_width(text, size) > self._room:
            size -= 0.5
        self._canvas.setFillColor(color)
        paper_text.draw_text(self._canvas, (self._left, y), text, size)

    def _write(self, text: str, size: float, color: Any = black, room: float = 0) -> None:
        """Write a text in lines, and move down."""
        self._canvas.setFillColor(color)
        for line in paper_text.wrap_lines(paper_text.replace_missing_glyphs(text), size, room or self._room):
            self._y -= size * _LEADING
            paper_text.draw_text(self._canvas, (self._left, self._y), line, size)

    def _draw_large(self, placard: Placard, code: QrCode) -> None:
        layout, one = self._layout, placard.credential
        size = layout.name
        while size > layout.body and len(paper_text.wrap_lines(one.name, size, self._room)) > 2:
            size -= 1
        self._write(one.name, size)
        self._write(one.address, layout.body * 1.15)
        self._y -= layout.body * 0.6
        for tag in self._tags:
            self._write(
                _APPROVED.fill_in(techniques=_list_techniques(one, tag)).to_text(tag), layout.body * 1.15, _BLUE
            )
        foot = self._list_foot(one, layout)
        lines = sum(len(paper_text.wrap_lines(text, size, self._room)) * size * _LEADING for text, size, _ in foot)
        least = lines + layout.body * (3.4 + 0.3 * len(foot)) + layout.margin * 0.5 * mm
        side = min(layout.code * mm, self._y - least)
        self._y -= layout.body
        self._draw_code(code, (layout.width * mm - side) / 2, self._y - side, side)
        self._y -= side
        for text, size, color in [*foot, *self._list_sizes(code, side / mm, layout)]:
            self._y -= layout.body * 0.3
            self._write(text, size, color)

    def _list_foot(self, credential: Credential, layout: PaperSizes) -> list[tuple[str, float, Any]]:
        """List the texts below the code, each with its size and colour."""
        body = layout.body
        notices = (
            (_CHECK.fill_in(domain=self._domain), body, black),
            (_ASK, body, black),
            (_NOT, body * 0.85, _GREY),
            (_make_dates(credential), body * 0.85, _GREY),
        )
        return [(message.to_text(tag), size, color) for message, size, color in notices for tag in self._tags]

    def _list_sizes(self, code: QrCode, side: float, layout: PaperSizes) -> list[tuple[str, float, Any]]:
        """List what says how wide the code and its modules are printed (mm)."""
        module = side / (code.size + 2 * images.QUIET)
        values = {"side": f"{side:.0f}", "module": f"{module:.2f}", "least": f"{images.SMALLEST_MODULE:g}"}
        return [(_SIZE.fill_in(**values).to_text(tag), layout.body * 0.7, _GREY) for tag in self._tags]

    def _draw_small(self, placard: Placard, code: QrCode) -> None:
        layout = self._layout
        side = layout.code * mm
        right = layout.width * mm - layout.margin * mm * 0.5 - side
        self._draw_code(code, right, self._y - side, side)
        room = right - self._left - 2 * mm
        texts, least = self._list_small(placard, layout), layout.margin * 0.6 * mm
        scale = 1.0
        while scale > 0.4 and self._y - self._measure(texts, scale, room) < least:
            scale -= 0.05
        for text, size, color in texts:
            self._write(text, size * scale, color, room)

    def _measure(self, texts: list[tuple[str, float, Any]], scale: float, room: float) -> float:
        """Return the height of texts at a scale (points)."""
        sizes = ((text, size * scale) for text, size, _ in texts)
        return sum(len(paper_text.wrap_lines(text, size, room)) * size * _LEADING for text, size in sizes)

    def _list_small(self, placard: Placard, layout: PaperSizes) -> list[tuple[str, float, Any]]:
        """List the texts of a small print, each with its size and colour."""
        one, body = placard.credential, layout.body
        if placard.person is not None:
            texts = [(placard.person, layout.name, black), (placard.role or "", body * 1.2, black)]
            texts += [(one.name, body * 1.2, black), *((_PERSON.to_text(tag), body, _GREY) for tag in self._tags)]
        else:
            texts = [(one.name, layout.name, black), (one.address, body, black)]
            texts += [(_list_techniques(one, tag), body, _BLUE) for tag in self._tags]
        asks = [(_ASK.to_text(tag), body * 0.9, _GREY) for tag in self._tags[:1]]
        return [*texts, (one.code, body * 1.4, black), *asks]

    def _draw_code(self, code: QrCode, left: float, bottom: float, side: float) -> None:
        """Draw the code with its quiet zone in a square."""
        self._canvas.setFillColor(white)
        self._canvas.rect(left, bottom, side, side, stroke=0, fill=1)
        module = side / (code.size + 2 * images.QUIET)
        self._canvas.saveState()
        self._canvas.setFillColor(black)
        self._canvas.translate(left + images.QUIET * module, bottom + side - images.QUIET * module)
        self._canvas.scale(module, -module)
        squares = [f"{column} {row} {length} 1 re" for row, column, length in code.list_runs()]
        self._canvas.drawPath(PDFPathObject(code=squares), stroke=0, fill=1)
        self._canvas.restoreState()


def _list_techniques(credential: Credential, tag: str) -> str:
    names = (BY_CODE[technique].get_official_name(tag) for technique in credential.techniques)
    return Listing(names).to_text(tag)


def _make_dates(credential: Credential) -> Message:
    issued = credential.issued.date().isoformat()
    return _DATES.fill_in(issued=issued, expires=credential.expires.isoformat(), code=credential.code)


def render_zip(
    placards: Iterable[Placard], papers: Sequence[Paper], languages: Languages, public_url: str, pixels: int = 1000
) -> bytes:
    """Render a ZIP with a folder for each institution: the code as SVG and PNG, and its placards as PDF."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for placard in placards:
            folder = f"{placard.credential.code}-{placard.credential.number}"
            svg = images.render_svg(placard.text, placard.level)
            png = images.render_png(placard.text, placard.level, pixels)
            files = {"code.svg": svg, "code.png": png}
            for paper in papers:
                files[f"{paper}.pdf"] = render_pdf([placard], paper, languages, public_url)
            for name, content in files.items():
                archive.writestr(zipfile.ZipInfo(f"{folder}/{name}"), content)
    return buffer.getvalue()
