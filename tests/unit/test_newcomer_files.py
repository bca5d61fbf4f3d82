"""Files as a newcomer sends them: read where that can be, else a sentence says what to do."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pytest

from registry.errors import UnreadableFile
from registry.importers.reading.lists import read_list
from tests.compound import compound, directory
from tests.unit.test_row_review import ROWS, names

HOSPITALS = ["测试甲医院", "测试乙医院", "测试丙医院"]
TWO_HEADS: list[list[Any]] = [
    ["省份", "序号", "机构信息", None, "批准情况", None],
    [None, None, "医疗机构名称", "地址", "批准开展的技术", "运行情况"],
    *ROWS[1:],
]


def a_workbook(sheets: dict[str, list[list[Any]]], merged: tuple[str, ...] = ()) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
        for cells in merged:
            sheet.merge_cells(cells)
    body = io.BytesIO()
    book.save(body)
    return body.getvalue()


def a_picture() -> bytes:
    """The smallest there is."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    parts = chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(bytes(2))), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def a_document_of_pictures() -> bytes:
    document, body = docx.Document(), io.BytesIO()
    document.add_heading("名单")
    document.add_table(1, 1).cell(0, 0).paragraphs[0].add_run().add_picture(io.BytesIO(a_picture()))
    document.save(body)
    return body.getvalue()


def as_text(encoding: str, separator: str = ",") -> bytes:
    return "\r\n".join(separator.join(row) for row in ROWS).encode(encoding)


READ: dict[str, Callable[[], bytes]] = {
    "the list on the last sheet": lambda: a_workbook(
        {"说明": [["填表说明"], ["一、本表由各省填写"]], "汇总": [["省份", "家数"], ["浙江省", 3]], "名单": ROWS}
    ),
    "merged headings in two rows": lambda: a_workbook({"名单": TWO_HEADS}, ("A1:A2", "B1:B2", "C1:D1", "E1:F1")),
    "csv in GBK": lambda: as_text("gbk"),
    "text in GB18030 with tabs": lambda: as_text("gb18030", "\t"),
    "csv in UTF-16": lambda: as_text("utf-16", "\t"),
}
REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "文件是空的"),
    "an empty sheet": (lambda: a_workbook({"名单": [[]]}), "请取得有表格的"),
    "pictures of tables": (a_document_of_pictures, "图片和扫描件不能读取"),
    "a password": (lambda: compound(directory(["EncryptionInfo", "EncryptedPackage"])), "请先去掉密码"),
    "a scan": (lambda: b"%PDF-1.4\n%%EOF", "请取得原来的"),
    "a photograph": (lambda: b"\xff\xd8\xff\xe0" + bytes(200), "这是图片"),
    "a page saved as xls": ("<html><table><tr><td>省份</td></tr></table></html>".encode, "另存为 docx"),
}


@pytest.mark.parametrize("kind", READ)
def test_it_is_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "list.bin"
    path.write_bytes(READ[kind]())
    found = read_list(path)
    assert (found.errors, names(found)) == ((), HOSPITALS)
    assert {one.province for one in found.institutions} == {"浙江省"}


@pytest.mark.parametrize("kind", REFUSED)
def test_the_sentence_says_what_to_do(tmp_path: Path, kind: str) -> None:
    make, sentence = REFUSED[kind]
    path = tmp_path / "list.bin"
    path.write_bytes(make())
    with pytest.raises(UnreadableFile, match=sentence):
        read_list(path)


def test_three_thousand_rows_are_read_and_headings_without_rows_are_named(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    rows = [["浙江省", str(n), f"测试{n}医院", f"浙江省杭州市拱墅区试验路{n}号", *ROWS[1][4:]] for n in range(1, 3001)]
    path.write_bytes(a_workbook({"名单": [ROWS[0], *rows]}))
    found = read_list(path)
    assert (found.errors, len(found.institutions)) == ((), 3000)
    path.write_bytes(a_workbook({"名单": [ROWS[0]]}))
    assert [line.message for line in read_list(path).errors] == ["表头下面没有任何一行"]
