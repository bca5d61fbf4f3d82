from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import docx
import msoffcrypto
import openpyxl
import pytest
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls
from msoffcrypto.format.ooxml import OOXMLFile
from openpyxl.cell.cell import MergedCell

from registry.errors import UnreadableFile
from registry.importers.reading.file_tables import read_tables
from registry.storage.uploads.tables import TableRow

REAL = Path(__file__).parents[1] / "data" / "national-list-2025-06.docx"


def rows_of(path: Path) -> list[TableRow]:
    return [row for table in read_tables(path) for row in table.rows]


def cells_of(path: Path) -> list[tuple[str, ...]]:
    return [row.cells for row in rows_of(path)]


def refusal(path: Path) -> UnreadableFile:
    with pytest.raises(UnreadableFile) as caught:
        rows_of(path)
    assert path.name in caught.value.zh
    assert path.name in caught.value.en
    assert caught.value.code == "unreadable_file"
    return caught.value


def a_docx(path: Path, rows: list[list[str]], change: Callable[[docx.table.Table], None] | None = None) -> Path:
    document = docx.Document()
    table = document.add_table(rows=len(rows), cols=len(rows[0]))
    for row, texts in zip(table.rows, rows, strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
    if change is not None:
        change(table)
    document.save(str(path))
    return path


def an_xlsx(path: Path, rows: list[list[object]], merges: tuple[str, ...] = ()) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    for merge in merges:
        sheet.merge_cells(merge)
    book.save(path)
    return path


# --- docx ------------------------------------------------------------------------------------------------------------


def test_a_docx_cell_merged_downwards_repeats_its_text_and_a_blank_one_does_not(tmp_path: Path) -> None:
    def merge(table: docx.table.Table) -> None:
        table.cell(0, 0).merge(table.cell(1, 0))

    path = a_docx(tmp_path / "a.docx", [["甲", "x"], ["", ""], ["", "z"]], merge)
    first, second, third = rows_of(path)
    assert (first.cells, first.merged_columns) == (("甲", "x"), frozenset())
    assert (second.cells, second.merged_columns) == (("甲", ""), frozenset({0}))
    assert (third.cells, third.merged_columns) == (("", "z"), frozenset())
    assert [row.number for row in (first, second, third)] == [1, 2, 3]


def test_a_docx_cell_merged_sideways_keeps_later_columns_in_place(tmp_path: Path) -> None:
    def merge(table: docx.table.Table) -> None:
        table.cell(0, 0).merge(table.cell(0, 1))

    path = a_docx(tmp_path / "a.docx", [["横", "", "c"], ["a", "b", "c"]], merge)
    first, second = rows_of(path)
    assert first.cells == ("横", "", "c")
    assert first.has_spanning_cell
    assert not second.has_spanning_cell


def test_docx_breaks_tabs_and_paragraphs_are_kept_apart(tmp_path: Path) -> None:
    path = a_docx(tmp_path / "a.docx", [["一\n二\t三"]], lambda table: table.cell(0, 0).add_paragraph("四"))
    assert cells_of(path) == [("一\n二\t三\n四",)]


def test_docx_words_deleted_under_revision_are_not_read(tmp_path: Path) -> None:
    def revise(table: docx.table.Table) -> None:
        paragraph = table.cell(0, 0).paragraphs[0]._p
        for tag, word, text in (("ins", "t", "新"), ("del", "delText", "旧"), ("moveFrom", "t", "移走")):
            paragraph.append(parse_xml(f"<w:{tag} {nsdecls('w')}><w:r><w:{word}>{text}</w:{word}></w:r></w:{tag}>"))
        properties = OxmlElement("w:trPr")
        properties.append(OxmlElement("w:del"))
        table.rows[1]._tr.insert(0, properties)

    path = a_docx(tmp_path / "a.docx", [["原"], ["整行删去"], ["末"]], revise)
    assert [(row.number, row.cells) for row in rows_of(path)] == [(1, ("原新",)), (3, ("末",))]


def test_a_table_inside_a_docx_cell_is_text_of_that_cell(tmp_path: Path) -> None:
    def nest(table: docx.table.Table) -> None:
        table.cell(0, 0).add_table(1, 1).cell(0, 0).text = "内"

    path = a_docx(tmp_path / "a.docx", [["外", "b"], ["c", "d"]], nest)
    assert [len(cells) for cells in cells_of(path)] == [2, 2]
    assert "内" in cells_of(path)[0][0]


def test_docx_tables_are_numbered_and_each_counts_its_rows_from_one(tmp_path: Path) -> None:
    document = docx.Document()
    for text in ("甲", "乙"):
        document.add_paragraph("段")
        document.add_table(1, 1).cell(0, 0).text = text
    document.save(str(tmp_path / "a.docx"))
    found = [
        (table.name, [(row.number, row.cells) for row in table.rows]) for table in read_tables(tmp_path / "a.docx")
    ]
    assert found == [("表1", [(1, ("甲",))]), ("表2", [(1, ("乙",))])]


def test_a_table_whose_rows_nobody_read_is_passed_over(tmp_path: Path) -> None:
    document = docx.Document()
    for text in ("甲", "乙"):
        document.add_table(2, 1).cell(0, 0).text = text
    document.save(str(tmp_path / "a.docx"))
    assert [table.name for table in read_tables(tmp_path / "a.docx") if list(table.rows)] == ["表1", "表2"]


# --- xlsx ------------------------------------------------------------------------------------------------------------


def test_an_xlsx_cell_merged_downwards_repeats_its_text_and_a_blank_one_does_not(tmp_path: Path) -> None:
    path = an_xlsx(tmp_path / "a.xlsx", [["甲", "x"], [None, "y"], [None, "z"]], ("A1:A2",))
    first, second, third = rows_of(path)
    assert (second.cells, second.merged_columns) == (("甲", "y"), frozenset({0}))
    assert (third.cells, third.merged_columns) == (("", "z"), frozenset())
    assert not first.has_spanning_cell


def test_an_xlsx_cell_merged_sideways_is_across(tmp_path: Path) -> None:
    path = an_xlsx(tmp_path / "a.xlsx", [["共2家", None], ["a", "b"]], ("A1:B1",))
    assert [row.has_spanning_cell for row in rows_of(path)] == [True, False]
    assert isinstance(openpyxl.load_workbook(path).worksheets[0]["B1"], MergedCell)


def test_xlsx_numbers_and_dates_are_written_as_people_write_them(tmp_path: Path) -> None:
    import datetime as dt

    path = an_xlsx(tmp_path / "a.xlsx", [[1, 2.0, 2.5, dt.date(2025, 6, 30), dt.datetime(2025, 6, 30), None, "字"]])
    assert cells_of(path) == [("1", "2", "2.5", "2025-06-30", "2025-06-30", "", "字")]


def test_xlsx_rows_and_columns_count_from_the_corner_of_the_sheet(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active["C4"] = "甲"
    book.active["C5"] = "乙"
    book.active.merge_cells("C5:C6")
    book.save(tmp_path / "a.xlsx")
    assert [(row.number, row.cells[:3]) for row in rows_of(tmp_path / "a.xlsx")][:2] == [
        (4, ("", "", "甲")),
        (5, ("", "", "乙")),
    ]


def test_sheets_have_names_only_when_there_are_several_filled_ones(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active["A1"] = "甲"
    book.create_sheet("空")
    book.save(tmp_path / "one.xlsx")
    book.create_sheet("第二")["A1"] = "乙"
    book.save(tmp_path / "two.xlsx")
    assert [table.name for table in read_tables(tmp_path / "one.xlsx") if list(table.rows)] == [""]
    assert [table.name for table in read_tables(tmp_path / "two.xlsx") if list(table.rows)] == [
        "工作表“Sheet”",
        "工作表“第二”",
    ]


# --- csv -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_csv_is_read_in_any_usual_encoding_and_separator(tmp_path: Path, encoding: str, delimiter: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(f"名称{delimiter}地址\r\n甲{delimiter}乙\r\n".encode(encoding))
    assert cells_of(path) == [("名称", "地址"), ("甲", "乙")]


def test_csv_rows_count_blank_and_broken_lines_as_a_spreadsheet_does(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('a,b\n\n"c\nd",e\nf,g\n', encoding="utf-8")
    assert [(row.number, row.cells) for row in rows_of(path)] == [
        (1, ("a", "b")),
        (3, ("c\nd", "e")),
        (4, ("f", "g")),
    ]


# --- content decides -------------------------------------------------------------------------------------------------


def test_a_file_is_told_by_its_content_and_not_by_its_name(tmp_path: Path) -> None:
    a_docx(tmp_path / "a.docx", [["甲"]]).rename(tmp_path / "a.csv")
    an_xlsx(tmp_path / "b.xlsx", [["乙"]]).rename(tmp_path / "b.docx")
    (tmp_path / "c.xlsx").write_text("丙,丁\n", encoding="utf-8")
    assert cells_of(tmp_path / "a.csv") == [("甲",)]
    assert cells_of(tmp_path / "b.docx") == [("乙",)]
    assert cells_of(tmp_path / "c.xlsx") == [("丙", "丁")]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"", "空的"),
        ("a.csv", b"\xef\xbb\xbf \r\n", "空的"),
        ("a.pdf", b"%PDF-1.7\n...", "PDF"),
        ("a.png", b"\x89PNG\r\n\x1a\n\x00\x00", "图片"),
        ("a.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF", "图片"),
        ("a.doc", b"{\\rtf1\\ansi}", "RTF"),
        ("a.xls", b"<html><table><tr><td>1</td></tr></table></html>", "另存为"),
        ("a.bin", bytes(range(256)) * 8, "另存为"),
        ("a.docx", b"PK\x03\x04 and then nothing of the kind", "损坏"),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 short", "损坏"),
    ],
)
def test_what_is_no_list_is_refused_with_a_reason(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert words in refusal(tmp_path / name).zh


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    assert "找不到" in refusal(tmp_path / "none.csv").zh
    assert "文件夹" in refusal(tmp_path).zh


def test_a_file_without_rows_is_refused(tmp_path: Path) -> None:
    docx.Document().save(str(tmp_path / "a.docx"))
    openpyxl.Workbook().save(tmp_path / "a.xlsx")
    (tmp_path / "a.csv").write_text(",,\n,,\n", encoding="utf-8")
    for name in ("a.docx", "a.xlsx", "a.csv"):
        assert "没有任何" in refusal(tmp_path / name).zh


def test_a_password_protected_file_asks_for_the_password_to_be_removed(tmp_path: Path) -> None:
    plain = an_xlsx(tmp_path / "plain.xlsx", [["甲" * 50] * 20] * 20)
    locked = tmp_path / "locked.xlsx"
    with plain.open("rb") as source, locked.open("wb") as target:
        OOXMLFile(source).encrypt("secret", target)
    with locked.open("rb") as check:
        assert msoffcrypto.OfficeFile(check).is_encrypted()
    assert "密码" in refusal(locked).zh
    assert "password" in refusal(locked).en


def test_an_encrypted_zip_asks_for_the_password_to_be_removed(tmp_path: Path) -> None:
    path = an_xlsx(tmp_path / "a.xlsx", [["甲"]])
    raw = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = raw.find(signature)
        while at >= 0:
            raw[at + offset] |= 1
            at = raw.find(signature, at + 4)
    path.write_bytes(bytes(raw))
    assert "密码" in refusal(path).zh


def test_a_file_cut_short_anywhere_is_refused_as_damaged(tmp_path: Path) -> None:
    whole = REAL.read_bytes()
    for part in (0.1, 0.5, 0.9, 0.999):
        (tmp_path / "cut.docx").write_bytes(whole[: int(len(whole) * part)])
        assert "损坏" in refusal(tmp_path / "cut.docx").zh


def a_zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_a_damaged_member_is_refused_as_damaged(tmp_path: Path) -> None:
    assert "损坏" in refusal(a_zip(tmp_path / "a.docx", {"word/document.xml": b"<w:document><w:body>"})).zh
    assert "损坏" in refusal(a_zip(tmp_path / "b.docx", {"word/document.xml": b"not xml"})).zh
    assert "损坏" in refusal(a_zip(tmp_path / "c.xlsx", {"xl/workbook.xml": b"not xml"})).zh
    buffer = io.BytesIO(REAL.read_bytes())
    raw = bytearray(buffer.getvalue())
    with zipfile.ZipFile(buffer) as archive:
        start = archive.getinfo("word/document.xml").header_offset
    raw[start + 5000 : start + 5200] = bytes(200)
    (tmp_path / "d.docx").write_bytes(bytes(raw))
    assert "损坏" in refusal(tmp_path / "d.docx").zh


def test_another_zip_is_refused(tmp_path: Path) -> None:
    assert "另存为" in refusal(a_zip(tmp_path / "a.zip", {"readme.txt": b"hello"})).zh
    assert "另存为" in refusal(a_zip(tmp_path / "a.xlsb", {"xl/workbook.bin": b"hello"})).zh


def test_a_file_that_unpacks_to_an_absurd_size_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "bomb.docx"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("word/document.xml", "w", force_zip64=True) as member,
    ):
        for _ in range(300):
            member.write(bytes(1024 * 1024))
    assert "巨大" in refusal(path).zh


def test_entities_are_not_expanded_and_no_outside_file_is_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("机密", encoding="utf-8")
    body = (
        f'<!DOCTYPE w [<!ENTITY x SYSTEM "{secret.as_uri()}">]><w:document {nsdecls("w")}><w:body><w:tbl><w:tr><w:tc>'
        "<w:p><w:r><w:t>&x;</w:t></w:r></w:p></w:tc></w:tr></w:tbl></w:body></w:document>"
    )
    assert "DTD" in refusal(a_zip(tmp_path / "a.docx", {"word/document.xml": body.encode()})).zh


def test_progress_hears_the_rows_about_every_thousand(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("甲,乙\n" * 2500, encoding="utf-8")
    heard: list[int] = []
    for table in read_tables(path, heard.append):
        assert len(list(table.rows)) == 2500
    assert heard == [1000, 2000, 2500]


def test_the_real_attachment_has_one_table_of_six_columns() -> None:
    rows = rows_of(REAL)
    assert len(rows) == 1841
    assert {len(row.cells) for row in rows} == {6}
    assert rows[0].has_spanning_cell
    assert rows[0].cells[0] == "截至2025年6月30日 共635家"
