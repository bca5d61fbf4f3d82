"""An edition as a Word document in the shape of the national list's attachment, written as a stream.

Six columns, a row per technique, the first four cells merged downwards, the province with its count; then the five
columns of sperm banks. The XML is written as text: in a library's memory, a document of 300,000 rows would take
gigabytes. The zip file is the same bytes each time: members in order, one fixed time, one way to compress.
"""

import datetime as dt
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal
from xml.sax.saxutils import escape

from registry.editions import labels
from registry.editions.content import ApprovalLine, EditionInstitution, ListContent, Progress
from registry.editions.edition import Edition

#: How a cell joins those below it.
Merge = Literal["", "restart", "continue"]
#: The first instant a zip file can hold.
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
_NAMESPACES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
)
#: Twentieths of a point; A4 lying down, less two margins of 1,000.
_CENTRE_WIDTHS = (1500, 700, 4000, 4538, 2500, 1600)
_BANK_WIDTHS = (900, 4700, 5138, 2500, 1600)
_TOP_ROW = "<w:trPr><w:cantSplit/><w:tblHeader/></w:trPr>"
_BORDERS = "".join(
    f'<w:{side} w:val="single" w:sz="4" w:space="0" w:color="808080"/>'
    for side in ("top", "left", "bottom", "right", "insideH", "insideV")
)

#: The parts that are the same in every edition: types, relations, styles, the footer.
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml"

_CONTENT_TYPES = (
    f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/word/document.xml" ContentType="{_WORD}.document.main+xml"/>'
    f'<Override PartName="/word/styles.xml" ContentType="{_WORD}.styles+xml"/>'
    f'<Override PartName="/word/footer1.xml" ContentType="{_WORD}.footer+xml"/>'
    '<Override PartName="/docProps/core.xml" '
    'ContentType="application/vnd.openxmlformats-package.core-properties+xml"/></Types>'
)
_TOP_RELATIONS = (
    f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="word/document.xml"/>'
    f'<Relationship Id="rId2" Type="{_PACKAGE}/relationships/metadata/core-properties" Target="docProps/core.xml"/>'
    "</Relationships>"
)
_RELATIONS = (
    f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/styles" Target="styles.xml"/>'
    f'<Relationship Id="rId2" Type="{_OFFICE}/footer" Target="footer1.xml"/></Relationships>'
)
_STYLES = (
    f'{_HEAD}<w:styles xmlns:w="{_W}"><w:docDefaults><w:rPrDefault><w:rPr>'
    '<w:rFonts w:ascii="Times New Roman" w:hAnsi="Times New Roman" w:eastAsia="宋体"/><w:sz w:val="20"/>'
    '<w:lang w:val="en-US" w:eastAsia="zh-CN"/></w:rPr></w:rPrDefault></w:docDefaults>'
    '<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/></w:style>'
    '<w:style w:type="paragraph" w:styleId="Heading1"><w:name w:val="heading 1"/><w:basedOn w:val="Normal"/>'
    '<w:pPr><w:keepNext/><w:spacing w:before="240" w:after="160"/><w:jc w:val="center"/>'
    '<w:outlineLvl w:val="0"/></w:pPr>'
    '<w:rPr><w:rFonts w:eastAsia="黑体"/><w:b/><w:sz w:val="32"/></w:rPr></w:style></w:styles>'
)
_FOOTER = (
    f'{_HEAD}<w:ftr xmlns:w="{_W}"><w:p><w:pPr><w:jc w:val="center"/></w:pPr>'
    '<w:fldSimple w:instr=" PAGE "><w:r><w:t>1</w:t></w:r></w:fldSimple><w:r><w:t xml:space="preserve"> / </w:t></w:r>'
    '<w:fldSimple w:instr=" NUMPAGES "><w:r><w:t>1</w:t></w:r></w:fldSimple></w:p></w:ftr>'
)


def write(path: Path, edition: Edition, content: ListContent, progress: Progress | None = None) -> None:
    """Write the document."""
    created = edition.published.astimezone(dt.UTC)
    _write_zip(
        path,
        [
            ("[Content_Types].xml", [_CONTENT_TYPES]),
            ("_rels/.rels", [_TOP_RELATIONS]),
            ("docProps/core.xml", [_format_core_properties(escape(labels.remove_unprintable(edition.title)), created)]),
            ("word/document.xml", _render_document(edition, content, progress)),
            ("word/styles.xml", [_STYLES]),
            ("word/footer1.xml", [_FOOTER]),
            ("word/_rels/document.xml.rels", [_RELATIONS]),
        ],
    )


def _write_zip(path: Path, members: Iterable[tuple[str, Iterable[str]]]) -> None:
    """Write a zip file of (name, text in pieces), in that order."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, pieces in members:
            info = zipfile.ZipInfo(name, _ZIP_TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o600 << 16
            with archive.open(info, "w", force_zip64=True) as member:
                for piece in pieces:
                    member.write(piece.encode())


def _format_core_properties(title: str, created: dt.datetime) -> str:
    """Format the document's own properties; ``title`` is XML text already, ``created`` in UTC."""
    at = f"{created:%Y-%m-%dT%H:%M:%SZ}"
    return (
        f'{_HEAD}<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<dc:title>{title}</dc:title><dc:language>zh-CN</dc:language>"
        f'<dcterms:created xsi:type="dcterms:W3CDTF">{at}</dcterms:created>'
        f'<dcterms:modified xsi:type="dcterms:W3CDTF">{at}</dcterms:modified></cp:coreProperties>'
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
        for number, (institution, lines) in enumerate(content.read_centres(placeless=True), start=1):
            for position, line in enumerate(lines):
                yield _render_row(_make_merged_cells(number, institution, position, line), _BANK_WIDTHS)
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
    for done, (institution, lines) in enumerate(content.read_centres(), start=1):
        number = number + 1 if institution.province == province else 1  # numbers begin again with each province
        for position, line in enumerate(lines):
            begins = institution.province != province and position == 0
            cell: tuple[str, Merge] = (
                f"{institution.province}（{counts[institution.province]}家）",
                "restart" if begins else "continue",
            )
            yield _render_row([cell, *_make_merged_cells(number, institution, position, line)], _CENTRE_WIDTHS)
        province = institution.province
        if progress and done % 1000 == 0:
            progress(done)


def _render_banks(content: ListContent) -> Iterator[str]:
    for number, (institution, lines) in enumerate(content.read_banks(), start=1):
        own: list[tuple[str, Merge]] = [(str(number), ""), (institution.name, ""), (institution.address, "")]
        yield from (_render_row([*own, *_make_approval_cells(line)], _BANK_WIDTHS) for line in lines)


def _make_merged_cells(
    number: int, institution: EditionInstitution, position: int, line: ApprovalLine
) -> list[tuple[str, Merge]]:
    """Make number, name and address, merged over the rows of one institution, and the approval."""
    merge: Merge = "restart" if position == 0 else "continue"
    merged: list[tuple[str, Merge]] = [(text, merge) for text in (str(number), institution.name, institution.address)]
    return [*merged, *_make_approval_cells(line)]


def _make_approval_cells(line: ApprovalLine) -> list[tuple[str, Merge]]:
    return [(labels.format_technique(line), ""), (labels.format_stage(line), "")]


def _open_table(headings: tuple[str, ...], widths: tuple[int, ...], banner: str) -> Iterator[str]:
    """Render the beginning of a table; its first two rows stand on every page."""
    yield (
        '<w:tbl><w:tblPr><w:tblW w:w="0" w:type="auto"/><w:tblBorders>' + _BORDERS + "</w:tblBorders>"
        '<w:tblLayout w:type="fixed"/></w:tblPr><w:tblGrid>'
    )
    yield from (f'<w:gridCol w:w="{width}"/>' for width in widths)
    yield "</w:tblGrid>"
    across = f'<w:tcPr><w:tcW w:w="{sum(widths)}" w:type="dxa"/><w:gridSpan w:val="{len(widths)}"/></w:tcPr>'
    yield f"<w:tr>{_TOP_ROW}<w:tc>{across}{_render_paragraph(banner)}</w:tc></w:tr>"
    yield _render_row([(heading, "") for heading in headings], widths, top=True)


def _render_row(cells: list[tuple[str, Merge]], widths: tuple[int, ...], *, top: bool = False) -> str:
    parts = [_TOP_ROW if top else "<w:trPr><w:cantSplit/></w:trPr>"]
    for (text, merge), width in zip(cells, widths, strict=True):
        merge_mark = f'<w:vMerge w:val="{merge}"/>' if merge else ""
        content = "<w:p/>" if merge == "continue" else _render_paragraph(text)
        parts.append(f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/>{merge_mark}</w:tcPr>{content}</w:tc>')
    return f"<w:tr>{''.join(parts)}</w:tr>"


def _render_paragraph(text: str, style: str = "") -> str:
    if not text:
        return "<w:p/>"
    looks = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f'<w:p>{looks}<w:r><w:t xml:space="preserve">{escape(labels.remove_unprintable(text))}</w:t></w:r></w:p>'
