"""What a file says of a row beside its text is asked of a person, and nothing of it is imported or dropped unasked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pytest
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.styles import Font

from registry.importers.reading.list_file import FileAnswer, FileQuestion, ListFile
from registry.importers.reading.lists import read_list
from tests.unit.test_lists import SIX, a_csv

ROWS = [
    SIX,
    ["浙江省", "1", "测试甲医院", "浙江省杭州市拱墅区试验路1号", "夫精人工授精技术", "正式运行"],
    ["浙江省", "2", "测试乙医院", "浙江省杭州市上城区试验路2号", "常规体外受精-胚胎移植技术", "正式运行"],
    ["浙江省", "3", "测试丙医院", "浙江省宁波市海曙区试验路3号", "常规体外受精-胚胎移植技术", "试运行"],
]
LEAVE, TAKE = FileAnswer(choice="leave"), FileAnswer(choice="take")


def a_docx(path: Path, change: Callable[[Any], None], rows: list[list[str]] = ROWS) -> Path:
    document = docx.Document()
    table = document.add_table(rows=len(rows), cols=len(rows[0]))
    for i, row in enumerate(rows):
        for column, text in enumerate(row):
            table.cell(i, column).text = text
    change(table)
    document.save(str(path))
    return path


def an_xlsx(path: Path, change: Callable[[Any], None], rows: list[list[str]] = ROWS) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    change(sheet)
    book.save(path)
    return path


def run_of(table: Any, row: int, column: int) -> Any:
    return table.cell(row, column).paragraphs[0].runs[0]


def add_run(table: Any, text: str, mark: str) -> None:
    run = table.cell(2, 2).paragraphs[0].add_run(text)
    setattr(run.font, mark, True)


def strike_third(table: Any) -> None:
    for column in range(6):
        run_of(table, 3, column).font.strike = True


def strike_name(sheet: Any) -> None:
    sheet["C3"].font = Font(strike=True)


def hide_fourth(sheet: Any) -> None:
    sheet.row_dimensions[4].hidden = True


def filter_third(sheet: Any) -> None:
    sheet.auto_filter.ref = "A1:F4"
    sheet.row_dimensions[3].hidden = True


def delete_stage(table: Any) -> None:
    cell = table.cell(3, 5)._tc.get_or_add_tcPr()
    cell.append(parse_xml(f'<w:cellDel {nsdecls("w")} w:id="9" w:author="a"/>'))


def delete_third(table: Any) -> None:
    properties = table.rows[3]._tr.get_or_add_trPr()
    properties.append(OxmlElement("w:del"))


def put_private_character(table: Any) -> None:
    run_of(table, 2, 2).text = "王\ue5c2山医院"


def put_asterisk(table: Any) -> None:
    run_of(table, 2, 2).text = "测试乙医院*"


def add_footnote(table: Any) -> None:
    table.cell(2, 2).paragraphs[0].add_run()._r.append(parse_xml(f'<w:footnoteReference {nsdecls("w")} w:id="2"/>'))


def make_rich_name(sheet: Any) -> None:
    sheet["C3"] = CellRichText("测试乙医院", TextBlock(InlineFont(vertAlign="superscript"), "[1]"))


def a_footnote(text: str) -> FileQuestion:
    return FileQuestion(key="1.3.2", kind="footnote", choices=("text", "leave"), text=text, suggestion="测试乙医院")


#: A file, the question it raises, and the rows that stay without an answer, with "leave" and with the other answer.
CASES: dict[str, tuple[Callable[[Path], Path], FileQuestion, str]] = {
    "hidden_row.xlsx": (
        lambda path: an_xlsx(path, hide_fourth),
        FileQuestion(key="1.4", kind="row_hidden", choices=("take", "leave")),
        "测试丙医院",
    ),
    "filtered.xlsx": (
        lambda path: an_xlsx(path, filter_third),
        FileQuestion(key="1.3", kind="row_filtered", choices=("take", "leave")),
        "测试乙医院",
    ),
    "struck_row.xlsx": (
        lambda path: an_xlsx(path, strike_name),
        FileQuestion(key="1.3", kind="row_struck", choices=("take", "leave")),
        "测试乙医院",
    ),
    "struck_row.docx": (
        lambda path: a_docx(path, strike_third),
        FileQuestion(key="1.4", kind="row_struck", choices=("take", "leave")),
        "测试丙医院",
    ),
    "deleted_row.docx": (
        lambda path: a_docx(path, delete_third),
        FileQuestion(key="1.4", kind="row_deleted", choices=("take", "leave")),
        "测试丙医院",
    ),
    "hidden_text.docx": (
        lambda path: a_docx(path, lambda table: add_run(table, "（隐藏的批注）", "hidden")),
        FileQuestion(
            key="1.3.2",
            kind="hidden_text",
            choices=("text", "leave"),
            text="测试乙医院（隐藏的批注）",
            suggestion="测试乙医院",
        ),
        "测试乙医院",
    ),
    "superscript_note.docx": (
        lambda path: a_docx(path, lambda table: add_run(table, "[1]", "superscript")),
        a_footnote("测试乙医院[1]"),
        "测试乙医院",
    ),
    "superscript_note.xlsx": (
        lambda path: an_xlsx(path, make_rich_name),
        a_footnote("测试乙医院[1]"),
        "测试乙医院",
    ),
    "footnote.docx": (
        lambda path: a_docx(path, add_footnote),
        a_footnote("测试乙医院"),
        "测试乙医院",
    ),
    "asterisk_note.docx": (
        lambda path: a_docx(path, put_asterisk),
        a_footnote("测试乙医院*"),
        "测试乙医院",
    ),
    "pua.docx": (
        lambda path: a_docx(path, put_private_character),
        FileQuestion(
            key="1.3.2",
            kind="private_use",
            choices=("text", "leave"),
            text="王\ue5c2山医院",
            suggestion="王\ue5c2山医院",
        ),
        "王〓山医院",
    ),
    "cell_del.docx": (
        lambda path: a_docx(path, delete_stage),
        FileQuestion(key="1.4.5", kind="cell_deleted", choices=("text", "leave"), text="试运行", suggestion=""),
        "测试丙医院",
    ),
}


def names(found: ListFile) -> list[str]:
    return [listed.name for listed in found.institutions]


@pytest.mark.parametrize("name", CASES)
def test_what_a_file_says_beside_its_text_stops_the_import_at_a_question_by_row(tmp_path: Path, name: str) -> None:
    write, question, _ = CASES[name]
    found = read_list(write(tmp_path / name))
    assert [line.question for line in found.errors] == [question]
    assert found.errors[0].row == int(question.key.split(".")[1])
    assert found.changes == ()


@pytest.mark.parametrize("name", CASES)
def test_a_row_that_is_left_out_is_published_as_left_out(tmp_path: Path, name: str) -> None:
    write, question, _ = CASES[name]
    found = read_list(write(tmp_path / name), answers={question.row_key: LEAVE})
    assert found.errors == ()
    assert len(found.institutions) == 2
    assert [change.what for change in found.changes] == ["left_out"]


@pytest.mark.parametrize("name", CASES)
def test_a_row_is_imported_by_the_answer_and_the_change_is_published(tmp_path: Path, name: str) -> None:
    write, question, wanted = CASES[name]
    answer = TAKE
    if "text" in question.choices:
        text = "试运行" if question.kind == "cell_deleted" else wanted
        answer = FileAnswer(choice="text", text=text)
    found = read_list(write(tmp_path / name), answers={question.key: answer})
    assert found.errors == ()
    assert wanted in names(found)
    assert len(found.institutions) == 3
    unchanged = name in ("footnote.docx", "cell_del.docx")  # the words of the file were confirmed
    assert [change.what for change in found.changes] == (
        [] if unchanged else ["taken" if answer is TAKE else "corrected"]
    )


def test_a_private_use_character_is_asked_about_until_it_is_gone(tmp_path: Path) -> None:
    path = a_docx(tmp_path / "a.docx", put_private_character)
    found = read_list(path, answers={"1.3.2": FileAnswer(choice="text", text="王\ue5c2医院")})
    assert [line.question.kind for line in found.errors if line.question] == ["private_use"]


def test_rows_below_one_that_is_left_out_never_become_techniques_of_the_one_above(tmp_path: Path) -> None:
    rows = [
        SIX,
        ["浙江省", "1", "甲医院", "浙江省杭州市拱墅区试验路1号", "夫精人工授精技术", "正式运行"],
        ["", "2", "乙医院", "浙江省杭州市上城区试验路2号", "夫精人工授精技术", "正式运行"],
        ["", "", "", "", "供精人工授精技术", "正式运行"],
    ]

    def hide(sheet: Any) -> None:
        sheet.row_dimensions[3].hidden = True

    found = read_list(an_xlsx(tmp_path / "a.xlsx", hide, rows), answers={"1.3": LEAVE})
    assert [[a.technique for a in one.approvals] for one in found.institutions] == [["AIH"]]
    assert {line.row for line in found.errors} == {4}  # a row without a name: it is asked about, too


def test_a_name_struck_through_that_is_merged_downwards_is_struck_in_every_row(tmp_path: Path) -> None:
    rows = [*ROWS[:3], ["浙江省", "", "", "", "供精人工授精技术", "正式运行"]]

    def change(table: Any) -> None:
        for column in (1, 2, 3):
            table.cell(2, column).merge(table.cell(3, column))
        run_of(table, 2, 2).font.strike = True

    path = a_docx(tmp_path / "a.docx", change, rows)
    assert [line.question.key for line in read_list(path).errors if line.question] == ["1.3", "1.4"]
    assert names(read_list(path, answers={"1.3": LEAVE, "1.4": LEAVE})) == ["测试甲医院"]


def test_words_deleted_under_revision_are_told_beside_those_that_are_read(tmp_path: Path) -> None:
    def revise(table: Any) -> None:
        run = "<w:r><w:delText>旧名</w:delText></w:r>"
        table.cell(2, 2).paragraphs[0]._p.append(parse_xml(f"<w:del {nsdecls('w')}>{run}</w:del>"))

    found = read_list(a_docx(tmp_path / "a.docx", revise))
    assert found.errors == ()
    assert names(found)[1] == "测试乙医院"
    assert [line.message for line in found.audit if line.question] == [
        "表1第3行：有修订痕迹，按修订后的文字读取；修订前为“测试乙医院旧名”"
    ]


# --- cells that cannot be read ---------------------------------------------------------------------------------------


def test_a_technique_written_wrongly_is_corrected_by_the_suggestion_and_both_are_published(tmp_path: Path) -> None:
    rows = [row.copy() for row in ROWS]
    rows[1][4] = "夫精人工受精"
    path = a_csv(tmp_path / "a.csv", rows)
    question = read_list(path).errors[0].question
    assert question is not None
    assert (question.key, question.suggestion) == ("1.2.4", "夫精人工授精")
    found = read_list(path, answers={question.key: FileAnswer(choice="text", text=question.suggestion or "")})
    assert found.errors == ()
    assert [a.technique for a in found.institutions[0].approvals] == ["AIH"]
    change = found.changes[0]
    assert (change.before, change.after, change.what) == (
        "批准开展的技术 夫精人工受精",
        "夫精人工授精",
        "corrected",
    )


def test_a_wrong_total_of_a_province_is_accepted_with_a_reason_that_is_published(tmp_path: Path) -> None:
    rows = [row.copy() for row in ROWS]
    rows[1][0] = "浙江省（4家）"
    path = a_csv(tmp_path / "a.csv", rows)
    question = read_list(path).errors[0].question
    assert question == FileQuestion(key="1.2.count", kind="count", choices=("accept",))
    found = read_list(path, answers={"1.2.count": FileAnswer(choice="accept", reason="已向发文机关核实")})
    assert found.errors == ()
    assert "理由：已向发文机关核实" in next(line.message for line in found.audit if line.level == "warning")
    assert [(change.what, change.before, change.reason) for change in found.changes] == [
        ("accepted", "浙江省印有 4 家，实际读到 3 家", "已向发文机关核实")
    ]


@pytest.mark.parametrize("line", [["合计", "", "3家", "", "", ""], ["总计：3家", "", "", "", "", ""]])
def test_a_row_that_adds_up_is_checked_and_is_no_institution(tmp_path: Path, line: list[str]) -> None:
    found = read_list(a_csv(tmp_path / "a.csv", [*ROWS, line]))
    assert (found.errors, len(found.institutions)) == ((), 3)
    wrong = [cell.replace("3", "5") for cell in line]
    found = read_list(a_csv(tmp_path / "b.csv", [*ROWS, wrong]))
    assert [one.message for one in found.errors] == ["写明共 5 家，实际读到 3 家"]


def test_a_subtotal_is_checked_against_the_province_above_it(tmp_path: Path) -> None:
    found = read_list(a_csv(tmp_path / "a.csv", [*ROWS, ["小计", "", "2家", "", "", ""]]))
    assert [one.message for one in found.errors] == ["浙江省印有 2 家，实际读到 3 家"]


def test_an_identity_number_cannot_be_answered_away(tmp_path: Path) -> None:
    rows = [[*row, "备注" if i == 0 else "21030219900101123X"] for i, row in enumerate(ROWS)]
    found = read_list(a_csv(tmp_path / "a.csv", rows))
    assert {line.question for line in found.errors} == {None}


def test_a_hidden_column_is_asked_about_before_anybody_sees_it(tmp_path: Path) -> None:
    rows = [[*row, "备注" if i == 0 else f"内部意见{i}"] for i, row in enumerate(ROWS)]

    def hide(sheet: Any) -> None:
        sheet.column_dimensions["G"].hidden = True

    path = an_xlsx(tmp_path / "a.xlsx", hide, rows)
    question = FileQuestion(key="1.column6", kind="hidden_column", choices=("take", "leave"))
    assert [line.question for line in read_list(path).errors] == [question]
    found = read_list(path, answers={question.key: LEAVE})
    assert (found.errors, [listed.extra for listed in found.institutions]) == ((), [{}, {}, {}])
    assert [(change.what, change.before) for change in found.changes] == [("left_out", "备注")]
    found = read_list(path, answers={question.key: TAKE})
    assert (found.errors, found.institutions[0].extra) == ((), {"备注": "内部意见1"})
    assert [change.what for change in found.changes] == ["taken"]


def test_what_was_answered_is_told_with_its_question_so_that_it_can_be_taken_back(tmp_path: Path) -> None:
    path = a_csv(tmp_path / "a.csv", ROWS)
    answers = {"1.3": LEAVE, "1.4.2": FileAnswer(choice="text", text="测试丁医院"), "1.9": LEAVE}
    found = read_list(path, answers=answers)
    assert names(found) == ["测试甲医院", "测试丁医院"]
    assert [(line.level, line.message, line.question.key) for line in found.audit if line.question] == [
        ("info", "按答复没有导入：测试乙医院 浙江省杭州市上城区试验路2号", "1.3"),
        ("info", "按答复读作“测试丁医院”", "1.4.2"),
    ]
    assert "对 1.9 的答复没有用上" in "".join(line.message for line in found.audit if line.level == "warning")
