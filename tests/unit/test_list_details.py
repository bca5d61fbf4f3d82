"""What lists print of an approval besides its stage, and of an institution's codes."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import openpyxl
import pytest

from registry.importers.reading.list_file import ListFile
from registry.importers.reading.lists import read_list
from tests.unit.test_lists import SIX, a_csv

DETAILS = ["批准文号", "批准机关", "批准日期", "校验有效期至", "统一社会信用代码", "执业许可证登记号"]
ROW = ["辽宁省", "1", "甲医院", "辽宁省鞍山市铁西区一街1号", "夫精人工授精", "正式运行"]
VALUES = ["辽卫医〔2024〕3号", "辽宁省卫生健康委", "2024年6月3日", "2026.6.2", "12210300MB0000027N", "mb0000027-210303"]


def read_details(tmp_path: Path, *values: str, row: list[str] = ROW) -> ListFile:
    return read_list(a_csv(tmp_path / "a.csv", [[*SIX, *DETAILS], [*row, *values]]))


def test_document_authority_days_and_codes_have_columns_of_their_own(tmp_path: Path) -> None:
    listed = read_details(tmp_path, *VALUES).institutions[0]
    approval = listed.approvals[0]
    assert (approval.document_no, approval.authority) == ("辽卫医〔2024〕3号", "辽宁省卫生健康委")
    assert (approval.valid_from, approval.verification_due) == (dt.date(2024, 6, 3), dt.date(2026, 6, 2))
    assert (listed.uscc, listed.practice_licence_no) == ("12210300MB0000027N", "MB0000027210303")  # type: ignore[attr-defined]
    assert listed.extra == {}


def test_days_as_a_spreadsheet_counts_them_are_days(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append([*SIX, "批准日期", "校验有效期至"])
    sheet.append([*ROW, 45446, dt.date(2026, 6, 2)])
    book.save(tmp_path / "a.xlsx")
    approval = read_list(tmp_path / "a.xlsx").institutions[0].approvals[0]
    assert (approval.valid_from, approval.verification_due) == (dt.date(2024, 6, 3), dt.date(2026, 6, 2))


@pytest.mark.parametrize("text", ["2024年6月", "2024-02-30", "见附件", "0", "99999999"])
def test_a_day_that_cannot_be_read_is_a_question_and_no_guess(tmp_path: Path, text: str) -> None:
    found = read_details(tmp_path, "", "", text, "", "", "")
    assert [line.question.key for line in found.errors if line.question] == ["1.2.8"]


def test_one_value_is_of_all_techniques_of_a_row_and_as_many_are_one_each(tmp_path: Path) -> None:
    row = [*ROW[:4], "夫精人工授精、供精人工授精", "正式运行"]
    listed = read_details(tmp_path, "甲号、乙号", "", "2024-06-03", "", "", "", row=row).institutions[0]
    assert [(one.document_no, one.valid_from) for one in listed.approvals] == [
        ("甲号", dt.date(2024, 6, 3)),
        ("乙号", dt.date(2024, 6, 3)),
    ]


def test_a_verification_before_the_approval_is_an_error(tmp_path: Path) -> None:
    found = read_details(tmp_path, "", "", "2024-06-03", "2023-06-03", "", "")
    assert [line.message for line in found.errors] == ["校验有效期早于批准日期"]


def test_a_credit_code_of_another_length_stops_and_a_doubtful_check_character_warns(tmp_path: Path) -> None:
    assert [line.cell for line in read_details(tmp_path, *VALUES[:4], "1221", "").errors] == ["统一社会信用代码 K2"]
    found = read_details(tmp_path, *VALUES[:4], "12210300MB00000270", "")
    assert found.errors == ()
    assert "校验码不符" in "".join(line.message for line in found.audit if line.level == "warning")
