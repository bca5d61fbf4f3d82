"""List files that would end the process, lose rows or say what nobody sees."""

from __future__ import annotations

from pathlib import Path

import pytest
import xlsxwriter

from registry.errors import UnreadableFile
from registry.importers.people import people_file
from registry.importers.reading import headings, lists
from registry.importers.reading.cells import tidy_cell
from registry.importers.reading.file_tables import read_tables

HEADINGS = ("省份", "医疗机构名称", "地址", "批准开展的技术", "运行情况")
ROWS = [
    ("辽宁省", f"示例{c}医院", f"辽宁省沈阳市沈河区示例路{n}号", "AIH", "正式运行") for n, c in enumerate("甲乙丙", 1)
]


def a_book(path: Path, sheets: dict[str, list[tuple[str, ...]]], hide: str | None = None, far: bool = False) -> Path:
    with xlsxwriter.Workbook(path) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for n, row in enumerate(rows):
                sheet.write_row(n, 0, row)
            if name == hide:
                sheet.hide()
            if far:
                sheet.write(1_048_575, 16_383, "x")
    return path


def a_csv(path: Path, rows: list[tuple[str, ...]], tail: str = "") -> Path:
    path.write_text("\n".join(",".join(row) for row in [HEADINGS, *rows]) + "\n" + tail, encoding="utf-8")
    return path


def test_a_cell_in_the_last_row_and_column_is_refused_and_ends_no_process(tmp_path: Path) -> None:
    path = a_book(tmp_path / "far.xlsx", {"名单": [HEADINGS, *ROWS]}, far=True)
    with pytest.raises(UnreadableFile, match="很远处的单元格") as caught:
        list(read_tables(path))
    assert "far.xlsx" in caught.value.en


def test_a_quotation_mark_without_its_pair_is_named_by_row_and_swallows_no_institution(tmp_path: Path) -> None:
    path = a_csv(tmp_path / "quote.csv", ROWS[:1], '"辽宁省,示例己医院,辽宁省沈阳市沈河区示例路9号,AIH,正式运行\n')
    with pytest.raises(UnreadableFile, match="第3行"):
        lists.read_list(path)


def test_a_hidden_sheet_is_not_read_unasked(tmp_path: Path) -> None:
    path = a_book(tmp_path / "two.xlsx", {"名单": [HEADINGS, *ROWS[:2]], "旧稿": [HEADINGS, ROWS[2]]}, hide="旧稿")
    found = lists.read_list(path)
    assert [one.name for one in found.institutions] == ["示例甲医院", "示例乙医院"]
    assert [line.message for line in found.audit] == ["工作表“旧稿”第1行：隐藏的工作表中有名单，是否读取须由您决定"]
    assert [layout.tables for layout in headings.read_layouts(path).layouts] == [["工作表“名单”"]]


def test_rows_of_people_on_a_hidden_sheet_are_not_taken_but_still_searched_for_numbers(tmp_path: Path) -> None:
    head = ("机构名称", "姓名", "岗位")
    shown = [head, ("示例甲医院", "示例员", "医师")]
    secret = [head, ("示例甲医院", "示例二", "13800138000")]
    path = a_book(tmp_path / "people.xlsx", {"人员": shown, "旧": secret}, hide="旧")
    found = people_file.read_people_file(path, "practitioners")
    told = [(line.level, line.message) for line in found.audit.list_lines()]
    assert len([row for row in found.rows if row.stated.get("name") == "示例二"]) == 0
    assert any(level == "warning" and "隐藏" in message for level, message in told)
    assert any(level == "error" and "这一格像是" in message for level, message in told)
    assert "13800138000" not in str(told)


@pytest.mark.parametrize("unseen", ["\x07", "\x1b", "\x7f", "\x9b", "\u202e", "\u2066", "\u061c", "\u200b", "\ufeff"])
def test_what_nobody_sees_does_not_get_into_a_name(tmp_path: Path, unseen: str) -> None:
    path = a_csv(tmp_path / "unseen.csv", [("辽宁省", f"示例{unseen}甲医院", *ROWS[0][2:])])
    assert [one.name for one in lists.read_list(path).institutions] == ["示例甲医院"]
    assert tidy_cell(f"{unseen}甲{unseen}乙") == "甲乙"
