"""An edition as a Word document in the shape of the national list's attachment, written as a stream.

Six columns, a row per technique, the first four cells merged downwards, the province with its count; then the five
columns of sperm banks. The XML is written as text: held by a library, a document of 300,000 rows would take gigabytes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal
from xml.sax.saxutils import escape

from registry.editions import labels, packed
from registry.editions.content import ApprovalLine, ListContent
from registry.editions.docx_parts import CONTENT_TYPES, FOOTER, RELATIONS, STYLES, TOP_RELATIONS, format_core_properties
from registry.editions.edition import Edition

Merge = Literal["", "restart", "continue"]
Progress = Callable[[int], None]
_NAMESPACES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
)
#: Twentieths of a point; A4 lying down, less two margins of 1,000.
_CENTRE_WIDTHS = (1500, 700, 4000, 4538, 2500, 1600)
_BANK_WIDTHS = (900, 4700, 5138, 2500, 1600)
_BORDERS = "".join(
    f'<w:{side} w:val="single" w:sz="4" w:space="0" w:color="808080"/>'
    for side in ("top", "left", "bottom", "right", "insideH", "insideV")
)


def write(path: Path, edition: Edition, content: ListContent, progress: Progress | None = None) -> None:
    """The document."""
    made = edition.published.astimezone(dt.UTC)
    packed.write_zip(
        path,
        [
            ("[Content_Types].xml", [CONTENT_TYPES]),
            ("_rels/.rels", [TOP_RELATIONS]),
            ("docProps/core.xml", [format_core_properties(escape(labels.remove_unprintable(edition.title)), made)]),
            ("word/document.xml", _render_document(edition, content, progress)),
            ("word/styles.xml", [STYLES]),
            ("word/footer1.xml", [FOOTER]),
            ("word/_rels/document.xml.rels", [RELATIONS]),
        ],
    )


def _render_document(edition: Edition, content: ListContent, progress: Progress | None) -> Iterator[str]:
    totals = content.totals
    yield f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<w:document {_NAMESPACES}><w:body>'
    yield _render_paragraph(edition.title, "Heading1")
    yield _render_paragraph(f"{labels.describe_publication(edition)}。{labels.describe_totals(totals)}")
    if totals.centres or not totals.banks + totals.placeless:
        yield from _open_table(labels.CENTRES, _CENTRE_WIDTHS, labels.format_banner(edition, totals.centres))
        yield from _render_centres(content, progress)
        yield "</w:tbl>"
        yield _render_paragraph(labels.UNSTATED)
    if totals.placeless:
        yield _render_paragraph(labels.PLACELESS_TITLE, "Heading1")
        yield from _open_table(labels.PLACELESS, _BANK_WIDTHS, labels.format_banner(edition, totals.placeless))
        yield from _render_placeless(content)
        yield "</w:tbl>"
    if totals.banks:
        yield _render_paragraph(labels.BANKS_TITLE, "Heading1")
        yield from _open_table(labels.BANKS, _BANK_WIDTHS, labels.format_banner(edition, totals.banks))
        yield from _render_banks(content)
        yield "</w:tbl>"
    yield _render_paragraph(f"核对：{edition.page}" if edition.page else "")
    yield (
        '<w:sectPr><w:footerReference w:type="default" r:id="rId2"/>'
        '<w:pgSz w:w="16838" w:h="11906" w:orient="landscape"/>'
        '<w:pgMar w:top="1000" w:right="1000" w:bottom="1000" w:left="1000" '
        'w:header="500" w:footer="500" w:gutter="0"/>'
        "</w:sectPr></w:body></w:document>"
    )


def _render_centres(content: ListContent, progress: Progress | None) -> Iterator[str]:
    counts = {name: centres for name, centres, _ in content.totals.provinces}
    province, number = "", 0
    for done, one in enumerate((one for one in content.read_list() if one.centre_lines and one.province), start=1):
        number = number + 1 if one.province == province else 1  # numbers begin again with each province
        for position, line in enumerate(one.centre_lines):
            begins = one.province != province and position == 0
            first: Merge = "restart" if begins else "continue"
            again: Merge = "restart" if position == 0 else "continue"
            said = f"{one.province}（{counts[one.province]}家）"
            yield _render_row(
                [
                    (said, first),
                    (str(number), again),
                    (one.name, again),
                    (one.address, again),
                    *_make_approval_cells(line),
                ],
                _CENTRE_WIDTHS,
            )
        province = one.province
        if progress and done % 1000 == 0:
            progress(done)


def _render_placeless(content: ListContent) -> Iterator[str]:
    """Centres of no province: in a table that has no column for one."""
    for number, one in enumerate(
        (one for one in content.read_list() if one.centre_lines and not one.province), start=1
    ):
        for position, line in enumerate(one.centre_lines):
            again: Merge = "restart" if position == 0 else "continue"
            yield _render_row(
                [(str(number), again), (one.name, again), (one.address, again), *_make_approval_cells(line)],
                _BANK_WIDTHS,
            )


def _render_banks(content: ListContent) -> Iterator[str]:
    for number, one in enumerate((one for one in content.read_list() if one.bank_lines), start=1):
        for line in one.bank_lines:
            yield _render_row(
                [(str(number), ""), (one.name, ""), (one.address, ""), *_make_approval_cells(line)], _BANK_WIDTHS
            )


def _make_approval_cells(line: ApprovalLine) -> list[tuple[str, Merge]]:
    return [(labels.format_technique(line), ""), (labels.format_stage(line), "")]


def _open_table(headings: tuple[str, ...], widths: tuple[int, ...], banner: str) -> Iterator[str]:
    """The beginning of a table; its first two rows stand on every page."""
    yield (
        '<w:tbl><w:tblPr><w:tblW w:w="0" w:type="auto"/><w:tblBorders>' + _BORDERS + "</w:tblBorders>"
        '<w:tblLayout w:type="fixed"/></w:tblPr><w:tblGrid>'
    )
    yield from (f'<w:gridCol w:w="{width}"/>' for width in widths)
    yield "</w:tblGrid>"
    across = f'<w:tcPr><w:tcW w:w="{sum(widths)}" w:type="dxa"/><w:gridSpan w:val="{len(widths)}"/></w:tcPr>'
    yield f"<w:tr>{_TOP}<w:tc>{across}{_render_paragraph(banner)}</w:tc></w:tr>"
    yield _render_row([(heading, "") for heading in headings], widths, top=True)


_TOP = "<w:trPr><w:cantSplit/><w:tblHeader/></w:trPr>"


def _render_row(cells: list[tuple[str, Merge]], widths: tuple[int, ...], *, top: bool = False) -> str:
    made = [_TOP if top else "<w:trPr><w:cantSplit/></w:trPr>"]
    for (text, merge), width in zip(cells, widths, strict=True):
        joined = f'<w:vMerge w:val="{merge}"/>' if merge else ""
        shown = "<w:p/>" if merge == "continue" else _render_paragraph(text)
        made.append(f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/>{joined}</w:tcPr>{shown}</w:tc>')
    return f"<w:tr>{''.join(made)}</w:tr>"


def _render_paragraph(text: str, style: str = "") -> str:
    if not text:
        return "<w:p/>"
    looks = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f'<w:p>{looks}<w:r><w:t xml:space="preserve">{escape(labels.remove_unprintable(text))}</w:t></w:r></w:p>'
