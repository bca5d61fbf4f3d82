"""A Word document written as a stream: its package, and paragraphs and tables as text.

The XML is written as text: in a library's memory, a document of 300,000 rows would take gigabytes. The zip file is the
same bytes each time: members in order, one fixed time, one way to compress.
"""

import datetime as dt
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal
from xml.sax.saxutils import escape

from registry.editions.labels import remove_unprintable

#: How a cell joins those below it.
Merge = Literal["", "restart", "continue"]
#: The first instant a zip file can hold.
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
_NAMESPACES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
)
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

#: The end of every document: A4 lying down, with page numbers.
_SECTION = (
    '<w:sectPr><w:footerReference w:type="default" r:id="rId2"/>'
    '<w:pgSz w:w="16838" w:h="11906" w:orient="landscape"/>'
    '<w:pgMar w:top="1000" w:right="1000" w:bottom="1000" w:left="1000" '
    'w:header="500" w:footer="500" w:gutter="0"/>'
    "</w:sectPr></w:body></w:document>"
)


def write_document(path: Path, title: str, created: dt.datetime, body: Iterable[str]) -> None:
    """Write a document from what its body holds, paragraphs and tables in their order."""
    _write_zip(
        path,
        [
            ("[Content_Types].xml", [_CONTENT_TYPES]),
            ("_rels/.rels", [_TOP_RELATIONS]),
            ("docProps/core.xml", [_format_core_properties(escape(remove_unprintable(title)), created)]),
            ("word/document.xml", _wrap_body(body)),
            ("word/styles.xml", [_STYLES]),
            ("word/footer1.xml", [_FOOTER]),
            ("word/_rels/document.xml.rels", [_RELATIONS]),
        ],
    )


def _wrap_body(body: Iterable[str]) -> Iterator[str]:
    yield f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<w:document {_NAMESPACES}><w:body>'
    yield from body
    yield _SECTION


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


def open_table(headings: tuple[str, ...], widths: tuple[int, ...], banner: str) -> Iterator[str]:
    """Render the beginning of a table; its first two rows stand on every page."""
    yield (
        '<w:tbl><w:tblPr><w:tblW w:w="0" w:type="auto"/><w:tblBorders>' + _BORDERS + "</w:tblBorders>"
        '<w:tblLayout w:type="fixed"/></w:tblPr><w:tblGrid>'
    )
    yield from (f'<w:gridCol w:w="{width}"/>' for width in widths)
    yield "</w:tblGrid>"
    across = f'<w:tcPr><w:tcW w:w="{sum(widths)}" w:type="dxa"/><w:gridSpan w:val="{len(widths)}"/></w:tcPr>'
    yield f"<w:tr>{_TOP_ROW}<w:tc>{across}{render_paragraph(banner)}</w:tc></w:tr>"
    yield render_row([(heading, "") for heading in headings], widths, top=True)


def render_row(
    cells: list[tuple[str, Merge]], widths: tuple[int, ...], *, top: bool = False, by_line: bool = False
) -> str:
    """Render a row of cells, each with how it joins those below it; ``top``: on every page again; ``by_line``: every
    line of a cell is a paragraph."""
    parts = [_TOP_ROW if top else "<w:trPr><w:cantSplit/></w:trPr>"]
    for (text, merge), width in zip(cells, widths, strict=True):
        merge_mark = f'<w:vMerge w:val="{merge}"/>' if merge else ""
        paragraphs = text.split("\n") if by_line else [text]
        content = "<w:p/>" if merge == "continue" else "".join(map(render_paragraph, paragraphs))
        parts.append(f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/>{merge_mark}</w:tcPr>{content}</w:tc>')
    return f"<w:tr>{''.join(parts)}</w:tr>"


def render_paragraph(text: str, style: str = "") -> str:
    """Render a paragraph; an empty one for no text."""
    if not text:
        return "<w:p/>"
    looks = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f'<w:p>{looks}<w:r><w:t xml:space="preserve">{escape(remove_unprintable(text))}</w:t></w:r></w:p>'
