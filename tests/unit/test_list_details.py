"""What lists print of an approval besides its stage, and the codes by which institutions are matched."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from registry.domain.model import Draft
from registry.importers.reading.list_file import ListFile
from registry.importers.reading.lists import read_list
from registry.importers.wizard.list_import import ImportOutcome, ImportRequest, import_list
from registry.records import lookup
from registry.records.asof import make_as_of
from registry.storage.database import Database
from tests.factories import a_change, a_database, a_source, an_institution, approve, enter
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


# --- beside what is recorded -----------------------------------------------------------------------------------------

HOSPITAL = ("鞍山市示例医院", "辽宁省鞍山市铁西区示例路1号")
FIRST, NEXT = dt.date(2024, 6, 30), dt.date(2026, 6, 30)
HEADINGS = ["机构名称", "地址", "技术", "运行情况"]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = a_database(tmp_path)
    yield database
    database.close()


def bring(
    database: Database,
    tmp_path: Path,
    *,
    on: dt.date = NEXT,
    name: str = HOSPITAL[0],
    address: str = HOSPITAL[1],
    **more: str,
) -> ImportOutcome:
    """Import a list of one row with further columns, and have it approved."""
    path = a_csv(tmp_path / f"{on}.csv", [[*HEADINGS, *more], [name, address, "IVF", "formal", *more.values()]])
    request = ImportRequest(path=path, as_of=on, scope="partial", title=f"示例名单{on}")
    outcome = import_list(database, request, by="editor.a")
    approve(database, outcome.proposal or 0)
    return outcome


def read_approval(database: Database, on: dt.date) -> Any:
    with database.reading() as connection:
        subject = an_institution(*HOSPITAL).subject
        return lookup.read_values(connection, subject, make_as_of(connection, on))["approvals.IVF"]


def enter_hospital(database: Database, **approval: str) -> Draft:
    hospital = an_institution(*HOSPITAL, on=FIRST, **{"approvals.IVF": {"stage": "formal", **approval}})
    enter(database, a_source(as_of=FIRST), hospital)
    return hospital


def test_a_later_list_renews_the_verification_that_an_earlier_list_stated(database: Database, tmp_path: Path) -> None:
    enter_hospital(database, verification_due="2026-03-31", document_no="甲号")
    outcome = bring(database, tmp_path, 校验有效期至="2028-03-31")
    assert outcome.difference["conflicts"] == []
    assert read_approval(database, NEXT) == {
        "stage": "formal",
        "verification_due": "2028-03-31",
        "document_no": "甲号",
    }


def test_a_list_that_prints_no_new_day_does_not_revive_what_ran_out(database: Database, tmp_path: Path) -> None:
    enter_hospital(database, verification_due="2026-03-31")
    assert len(bring(database, tmp_path, 批准文号="乙号").difference["conflicts"]) == 1


def test_a_list_never_outranks_a_day_that_was_decided(database: Database, tmp_path: Path) -> None:
    hospital = enter_hospital(database)
    document = a_source("doc-1", dt.date(2026, 3, 1), "partial", title="示例校验决定", covers=["IVF"])
    decided = {"stage": "formal", "verification_due": "2026-12-31"}
    enter(database, document, a_change(hospital, dt.date(2026, 3, 1), {"approvals.IVF": decided}, "doc-1"))
    conflict = bring(database, tmp_path, 校验有效期至="2029-12-31").difference["conflicts"][0]
    assert (conflict["field"], conflict["choice"]) == ("approvals.IVF", "decision")
    assert conflict["listed"] == {"stage": "formal", "verification_due": "2029-12-31"}
    assert read_approval(database, NEXT) == decided


def test_one_with_the_code_of_this_register_is_the_same_whatever_its_name_and_address(
    database: Database, tmp_path: Path
) -> None:
    code = enter_hospital(database).subject.partition(":")[2]
    difference = bring(
        database, tmp_path, name="大连市别名医院", address="辽宁省大连市中山区示例街9号", 名录编码=code
    ).difference
    assert (difference["new"], difference["renamed"][0]["why"]) == ([], "same_code")


def test_one_with_the_number_of_the_licence_is_the_same(database: Database, tmp_path: Path) -> None:
    enter(database, a_source(as_of=FIRST), an_institution(*HOSPITAL, on=FIRST, practice_licence_no="MB0000027210303"))
    difference = bring(
        database,
        tmp_path,
        name="大连市别名医院",
        address="辽宁省大连市中山区示例街9号",
        执业许可证登记号="MB0000027-210303",
    ).difference
    assert (difference["new"], difference["moved"][0]["why"]) == ([], "same_code")


def test_one_of_the_same_legal_person_at_another_site_under_another_name_is_a_doubt(
    database: Database, tmp_path: Path
) -> None:
    enter(database, a_source(as_of=FIRST), an_institution(*HOSPITAL, on=FIRST, uscc="12210300MB0000027N"))
    other = {"name": "鞍山市另一医院", "address": "辽宁省鞍山市铁东区另一街9号"}
    difference = bring(database, tmp_path, **other, 统一社会信用代码="12210300MB0000027N").difference
    assert (len(difference["new"]), [line["to"] for line in difference["undecided"]]) == (1, ["鞍山市另一医院"])
    renamed = {"name": "鞍山市改名医院", "address": HOSPITAL[1]}
    difference = bring(
        database, tmp_path, **renamed, 统一社会信用代码="12210300MB0000027N", on=dt.date(2026, 7, 1)
    ).difference
    assert difference["new"] == []
