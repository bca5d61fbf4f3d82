"""What a file says beside its text, further: styles that strike or hide, revisions, hidden sheets; files as sent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls

from registry.importers.reading.list_file import FileAnswer, FileQuestion
from registry.importers.reading.lists import read_list
from registry.storage.uploads.file_reader import read_tables
from registry.storage.uploads.limits import PAGE
from tests.unit.test_row_review import LEAVE, ROWS, TAKE, a_docx, names

FILES = Path(__file__).parents[1] / "data" / "imports"
#: Of each file the question that stops it: kind, place, and the text proposed.
QUESTIONS = {
    "asterisk_note.docx": ("footnote", "1.3.2", "测试乙医院"),
    "cell_del.docx": ("cell_deleted", "1.4.5", ""),
    "filtered.xlsx": ("row_filtered", "1.3", None),
    "hidden_row.xlsx": ("row_hidden", "1.4", None),
    "hidden_text.docx": ("hidden_text", "1.3.2", "测试乙医院"),
    "pua.docx": ("private_use", "1.2.2", "王\ue5c2山医院"),
    "struck_row.docx": ("row_struck", "1.4", None),
    "struck_row.xlsx": ("row_struck", "1.3", None),
    "superscript_note.docx": ("footnote", "1.3.2", "测试乙医院"),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_file_as_sent_stops_at_its_question_and_goes_on_with_an_answer(name: str) -> None:
    kind, key, suggestion = QUESTIONS[name]
    (line,) = read_list(FILES / name).errors
    assert line.question is not None
    assert (line.question.kind, line.question.key, line.question.suggestion) == (kind, key, suggestion)
    found = read_list(FILES / name, answers={line.question.row_key: LEAVE})
    assert (found.errors, [change.what for change in found.changes]) == ((), ["left_out"])


def add_style(table: Any, kind: Any, look: str, base: bool = False) -> str:
    styles = table.part.document.styles
    style = styles.add_style("示例样式", kind)
    setattr(style.font, look, True)
    if base:
        derived = styles.add_style("派生样式", kind)
        derived.base_style = style
        return "派生样式"
    return "示例样式"


def style_run(table: Any, look: str = "strike", *, base: bool = False, is_off: bool = False) -> None:
    run = table.cell(2, 2).paragraphs[0].runs[0]
    run.style = add_style(table, WD_STYLE_TYPE.CHARACTER, look, base)
    if is_off:
        setattr(run.font, look, False)


def style_paragraph(table: Any, look: str) -> None:
    table.cell(2, 2).paragraphs[0].style = add_style(table, WD_STYLE_TYPE.PARAGRAPH, look)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (style_run, "row_struck"),
        (lambda table: style_run(table, base=True), "row_struck"),
        (lambda table: style_run(table, "superscript"), "footnote"),
        (lambda table: style_paragraph(table, "double_strike"), "row_struck"),
        (lambda table: style_paragraph(table, "hidden"), "hidden_text"),
        (lambda table: style_run(table, is_off=True), None),
    ],
)
def test_a_style_strikes_and_hides_as_a_run_itself_does(
    tmp_path: Path, change: Callable[[Any], None], kind: str | None
) -> None:
    found = read_list(a_docx(tmp_path / "a.docx", change))
    assert [line.question.kind for line in found.errors if line.question] == ([kind] if kind else [])


def wrap_text(table: Any, row: int, tag: str) -> None:
    """Put every run of a row into a revision."""
    for cell in table.rows[row].cells:
        for paragraph in cell.paragraphs:
            wrapper = parse_xml(f'<w:{tag} {nsdecls("w")} w:id="7" w:author="a"/>')
            for run in [*paragraph._p.r_lst]:
                wrapper.append(run)
            paragraph._p.append(wrapper)


def move_row(table: Any) -> None:
    """The second row stands below the third now, as a revision nobody accepted."""
    wrap_text(table, 2, "moveFrom")
    row = table.add_row()
    for cell, text in zip(row.cells, ROWS[2], strict=True):
        cell.text = text
    wrap_text(table, 4, "moveTo")


def insert_row(table: Any) -> None:
    table.rows[3]._tr.get_or_add_trPr().append(OxmlElement("w:ins"))


def insert_cell(table: Any) -> None:
    table.cell(2, 2)._tc.get_or_add_tcPr().append(parse_xml(f'<w:cellIns {nsdecls("w")} w:id="9" w:author="a"/>'))


@pytest.mark.parametrize(
    ("change", "question"),
    [
        (move_row, FileQuestion(key="1.3", kind="row_moved", choices=("take", "leave"))),
        (insert_row, FileQuestion(key="1.4", kind="row_inserted", choices=("take", "leave"))),
        (
            lambda table: wrap_text(table, 3, "del"),
            FileQuestion(key="1.4", kind="row_deleted", choices=("take", "leave")),
        ),
        (
            lambda table: wrap_text(table, 3, "ins"),
            FileQuestion(key="1.4", kind="row_inserted", choices=("take", "leave")),
        ),
        (
            insert_cell,
            FileQuestion(
                key="1.3.2",
                kind="cell_inserted",
                choices=("text", "leave"),
                text="测试乙医院",
                suggestion="测试乙医院",
            ),
        ),
    ],
)
def test_a_revision_of_a_row_or_a_cell_is_a_question(
    tmp_path: Path, change: Callable[[Any], None], question: FileQuestion
) -> None:
    path = a_docx(tmp_path / "a.docx", change)
    assert [line.question for line in read_list(path).errors] == [question]


def test_a_row_that_was_moved_is_read_once_where_it_stands_now(tmp_path: Path) -> None:
    path = a_docx(tmp_path / "a.docx", move_row)
    found = read_list(path, answers={"1.3": LEAVE})
    assert (found.errors, sorted(names(found))) == ((), ["测试丙医院", "测试乙医院", "测试甲医院"])
    with path.open("rb") as source:  # where nobody can be asked, only there
        rows = [row.cells[2] for table in read_tables(source, PAGE) for row in table.rows]
    assert rows == ["医疗机构名称", "测试甲医院", "测试丙医院", "测试乙医院"]


def a_book(path: Path, rows: list[list[str]]) -> Path:
    """A workbook with the list of all but the last row, and a hidden sheet."""
    book = openpyxl.Workbook()
    sheet, hidden = book.active, book.create_sheet("旧稿")
    assert sheet is not None
    for row in ROWS[:-1]:
        sheet.append(row)
    for row in rows:
        hidden.append(row)
    hidden.sheet_state = "hidden"
    book.save(path)
    return path


def test_a_hidden_sheet_with_a_list_is_a_question(tmp_path: Path) -> None:
    path = a_book(tmp_path / "a.xlsx", [ROWS[0], ROWS[3]])
    question = FileQuestion(key="2.sheet", kind="hidden_sheet", choices=("take", "leave"))
    assert [line.question for line in read_list(path).errors] == [question]
    for answer, last, what in ((LEAVE, "测试乙医院", "left_out"), (TAKE, "测试丙医院", "taken")):
        found = read_list(path, answers={"2.sheet": answer})
        assert (found.errors, names(found)[-1]) == ((), last)
        assert [change.what for change in found.changes] == [what]


def test_a_hidden_sheet_without_a_list_is_no_question(tmp_path: Path) -> None:
    found = read_list(a_book(tmp_path / "a.xlsx", [["正式运行"], ["试运行"]]))
    assert found.errors == ()
    assert [line.message for line in found.audit if line.level == "warning"] == [
        "工作表“旧稿”第1行：隐藏的工作表，没有读取；其中没有名单"
    ]


def test_words_put_in_for_an_inserted_cell_are_published(tmp_path: Path) -> None:
    answer = FileAnswer(choice="text", text="测试丁医院")
    found = read_list(a_docx(tmp_path / "a.docx", insert_cell), answers={"1.3.2": answer})
    assert names(found)[1] == "测试丁医院"
    assert [(change.before, change.after) for change in found.changes] == [("医疗机构名称 测试乙医院", "测试丁医院")]
