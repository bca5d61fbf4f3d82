"""Files that were made to end, fill or hold up whatever reads them; each as bytes, made in pieces where it is large."""

from __future__ import annotations

import io
import random
import struct
import zipfile
from collections.abc import Callable, Iterator

_MIB = 1024 * 1024
_TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>{}</Types>'
)
_RELATIONSHIPS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{}</Relationships>'
)
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
HEADINGS = ("名称", "技术")
LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
)
BILLION_LAUGHS = f"{LAUGHS}]>", "&j;"
QUADRATIC = f'<!DOCTYPE x [<!ENTITY a "{"h" * 100_000}">]>', "&a;" * 5_000
Parts = dict[str, bytes | Iterator[bytes]]


def packed(parts: Parts, level: int = 6) -> bytes:
    """A zip file of parts."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for name, content in parts.items():
            with archive.open(name, "w", force_zip64=not isinstance(content, bytes)) as part:
                for piece in [content] if isinstance(content, bytes) else content:
                    part.write(piece)
    return held.getvalue()


def parts_of(content: bytes) -> Parts:
    """The parts of a zip file."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist() if not info.is_dir()}


def cell(text: str, reference: str = "") -> str:
    at = f' r="{reference}"' if reference else ""
    return f'<c{at} t="inlineStr"><is><t>{text}</t></is></c>'


def rows_of(*rows: tuple[str, ...]) -> str:
    return "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)


def sheet(inside: str, before: str = "", after: str = "") -> bytes:
    """The XML of a sheet with some rows."""
    made = f"<worksheet {_MAIN}><sheetData>{inside}</sheetData>{after}</worksheet>"
    return f'<?xml version="1.0" encoding="UTF-8"?>{before}{made}'.encode()


def xlsx(sheets: Parts | None = None, more: Parts | None = None, strings: bytes | None = None) -> bytes:
    """A workbook of sheets by the names of their parts (``worksheets/sheet1.xml``)."""
    sheets = sheets if sheets is not None else {"worksheets/sheet1.xml": sheet(rows_of(HEADINGS, ("示例医院", "IVF")))}
    rels = "".join(
        f'<Relationship Id="rId{n}" Type="{_OFFICE}/worksheet" Target="{name}"/>' for n, name in enumerate(sheets, 1)
    )
    listed = "".join(f'<sheet name="s{n}" sheetId="{n}" r:id="rId{n}"/>' for n in range(1, len(sheets) + 1))
    book = f'<workbook {_MAIN} xmlns:r="{_OFFICE}"><sheets>{listed}</sheets></workbook>'
    kinds = "".join(
        f'<Override PartName="/xl/{name}" ContentType='
        '"application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
        for name in sheets
    )
    top = f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
    parts: Parts = {
        "[Content_Types].xml": _TYPES.format(kinds).encode(),
        "_rels/.rels": _RELATIONSHIPS.format(top).encode(),
        "xl/workbook.xml": book.encode(),
        "xl/_rels/workbook.xml.rels": _RELATIONSHIPS.format(rels).encode(),
        **{f"xl/{name}": content for name, content in sheets.items()},
    }
    if strings is not None:
        parts["xl/sharedStrings.xml"] = strings
    return packed({**parts, **(more or {})})


def word(inside: str, before: str = "") -> bytes:
    """The XML of a text with one table of one cell."""
    table = f"<w:tbl><w:tr><w:tc><w:p><w:r><w:t>{inside}</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{before}<w:document {_W}><w:body>{table}</w:body></w:document>'.encode()
    )


def docx(document: bytes | Iterator[bytes] | None = None, more: Parts | None = None) -> bytes:
    """A Word file."""
    kind = (
        '<Override PartName="/word/document.xml" ContentType='
        '"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/>'
    )
    top = f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="word/document.xml"/>'
    return packed(
        {
            "[Content_Types].xml": _TYPES.format(kind).encode(),
            "_rels/.rels": _RELATIONSHIPS.format(top).encode(),
            "word/document.xml": document if document is not None else word("示例"),
            **(more or {}),
        }
    )


# --- sizes -----------------------------------------------------------------------------------------------------------


def long_text(size: int, thin: bool) -> Iterator[bytes]:
    """So many bytes of text; ``thin``: some of it by chance, so that it packs less than 400 times."""
    chance = random.Random(7)
    block = b"a" * 65_536
    for _ in range(0, size, len(block)):
        yield block[512:] + chance.randbytes(256).hex().encode() if thin else block


def framed(content: bytes, size: int, thin: bool) -> Iterator[bytes]:
    """XML with a long text where it says LONG."""
    before, _, after = content.partition(b"LONG")
    yield before
    yield from long_text(size, thin)
    yield after


def one_cell(size: int, thin: bool = False) -> bytes:
    """A sheet with so many bytes in one cell."""
    content = sheet(rows_of(HEADINGS, ("LONG", "IVF")))
    return xlsx({"worksheets/sheet1.xml": framed(content, size, thin)})


def one_word(size: int, thin: bool = False) -> bytes:
    """A Word file with so many bytes in one cell."""
    return docx(framed(word("LONG"), size, thin))


def lying(content: bytes, part: bytes, size: int) -> bytes:
    """The same zip file, whose directory says that a part unpacks to so many bytes only."""
    made = bytearray(content)
    at = made.find(b"PK\x01\x02")
    while at >= 0:
        length = struct.unpack_from("<H", made, at + 28)[0]
        if made[at + 46 : at + 46 + length] == part:
            struct.pack_into("<I", made, at + 24, size)
        at = made.find(b"PK\x01\x02", at + 4)
    return bytes(made)


def nested(levels: int, outside: Callable[[Parts], bytes]) -> bytes:
    """A file with a zip file in it, with a zip file in it, and so on."""
    inner = packed({"a.txt": b"x" * 1000})
    for _ in range(levels):
        inner = packed({"inner.zip": inner})
    return outside({"embeddings/inner.zip": inner})


def deep(levels: int) -> str:
    """XML elements inside one another."""
    return "<b>" * levels + "</b>" * levels


def shared_strings(cells: int, size: int, across: int = 100) -> bytes:
    """A text that many cells show, so many of them in a row: a few bytes that become many."""
    strings = f"<sst {_MAIN}><si><t>{'x' * size}</t></si></sst>".encode()
    row = "<row>" + '<c t="s"><v>0</v></c>' * across + "</row>"
    return xlsx({"worksheets/sheet1.xml": sheet(rows_of(HEADINGS) + row * (cells // across))}, strings=strings)


def utf16(content: bytes) -> bytes:
    """The same XML in UTF-16, where a search for bytes finds nothing."""
    return content.decode().replace("UTF-8", "UTF-16").encode("utf-16")


def many_sheets(number: int) -> bytes:
    """A workbook with so many sheets."""
    return xlsx({f"worksheets/sheet{n}.xml": sheet(rows_of(HEADINGS)) for n in range(number)})


def one_sheet_many_times(number: int) -> bytes:
    """A workbook that names one part so many times."""
    content = parts_of(xlsx())
    listed = "".join(f'<sheet name="s{n}" sheetId="{n}" r:id="rId1"/>' for n in range(1, number + 1))
    content["xl/workbook.xml"] = f'<workbook {_MAIN} xmlns:r="{_OFFICE}"><sheets>{listed}</sheets></workbook>'.encode()
    return packed(content)


def merged(times: int) -> bytes:
    """A sheet of a hundred thousand cells that are all merged, so many times over."""
    rows = "".join(f"<row>{'<c><v>1</v></c>' * 100}</row>" for _ in range(1000))
    merges = '<mergeCell ref="A1:CV1000"/>' * times
    return xlsx({"worksheets/sheet1.xml": sheet(rows_of(HEADINGS) + rows, after=f"<mergeCells>{merges}</mergeCells>")})
