from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import docx
import openpyxl
import pytest

from registry.errors import UnreadableFile
from registry.importers.reading.cells import (
    UNSTATED,
    parse_province,
    parse_stages,
    parse_techniques,
    parse_total,
    tidy_cell,
)
from registry.importers.reading.list_file import AuditLine, ListedInstitution, ListFile
from registry.importers.reading.lists import read_list

ROOT = Path(__file__).parents[2]
REAL_DOCX = ROOT / "tests" / "data" / "national-list-2025-06.docx"
REAL_CSV = ROOT / "seed_data" / "national-2025-06" / "national-list-2025-06.csv"
OLD_CSV = ROOT / "seed_data" / "national-2018-02" / "national-list-2018-02-partial.csv"

SIX = ["省份", "序号", "医疗机构名称", "地址", "批准开展的技术", "运行情况"]
FIVE = SIX[1:]
ONE = ["province", "name", "address", "techniques", "stages"]
A = ["辽宁省（2家）", "1", "甲医院", "辽宁省鞍山市铁西区一街1号"]
B = ["辽宁省（2家）", "2", "乙医院", "辽宁省鞍山市铁东区二街2号"]
AIH, IVF, BANK = "夫精人工授精", "常规体外受精-胚胎移植技术", "人类精子库"
FORMAL, TRIAL = "正式运行", "试运行"

Rows = list[list[str]]


def a_csv(path: Path, rows: Rows) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def of(tmp_path: Path, *rows: list[str]) -> ListFile:
    return read_list(a_csv(tmp_path / "list.csv", list(rows)))


def one(tmp_path: Path, *rows: list[str]) -> ListFile:
    return of(tmp_path, ONE, *rows)


def a_row(
    name: str = "甲医院", address: str = "辽宁省鞍山市铁西区一街1号", techniques: str = "AIH", stages: str = "formal"
) -> list[str]:
    return ["辽宁省", name, address, techniques, stages]


def a_docx(path: Path, *tables: Rows) -> Path:
    """Tables in the attachment's way: a text equal to the one above in the first four columns is merged with it."""
    document = docx.Document()
    for rows in tables:
        table = document.add_table(rows=len(rows), cols=len(rows[0]))
        for i, row in enumerate(rows):
            for column, text in enumerate(row):
                if i > 1 and column < len(row) - 2 and text and text == rows[i - 1][column]:
                    table.cell(i - 1, column).merge(table.cell(i, column))
                else:
                    table.cell(i, column).text = text
    document.save(str(path))
    return path


def lines(found: ListFile, level: str) -> list[AuditLine]:
    return [line for line in found.audit if line.level == level]


def messages(found: ListFile, level: str = "error") -> str:
    return "\n".join(line.message for line in lines(found, level))


def said(listed: ListedInstitution) -> dict[str, str]:
    return {approval.technique: approval.stage for approval in listed.approvals}


def facts(listed: ListedInstitution) -> tuple[object, ...]:
    return (listed.name, listed.address, listed.province, listed.region, listed.aliases, said(listed))


# --- the real lists --------------------------------------------------------------------------------------------------


def test_the_attachment_and_its_transcription_give_the_same_635_institutions() -> None:
    typeset, transcribed = read_list(REAL_DOCX), read_list(REAL_CSV)
    assert (typeset.rows, transcribed.rows) == (1839, 635)
    assert typeset.errors == transcribed.errors == ()
    assert len(typeset.institutions) == 635
    assert [facts(one) for one in typeset.institutions] == [facts(one) for one in transcribed.institutions]


def test_every_province_of_the_real_list_has_the_count_printed_beside_it() -> None:
    with REAL_CSV.open(encoding="utf-8-sig", newline="") as file:
        printed = {line["province"]: int(line["province_count"]) for line in csv.DictReader(file)}
    found = Counter(listed.province for listed in read_list(REAL_DOCX).institutions)
    assert len(found) == 31
    assert found == printed


def test_the_55_institutions_with_blank_stages_are_operating_and_reported() -> None:
    typeset = read_list(REAL_DOCX)
    blank = [one for one in typeset.institutions if "operating" in said(one).values()]
    assert len(blank) == 55
    assert {approval.note for one in blank for approval in one.approvals} == {UNSTATED}
    assert len([line for line in lines(typeset, "info") if line.cell == "运行情况"]) == 55
    assert [line.message for line in lines(typeset, "warning")] == [
        "共 55 家机构有未写明的运行情况，按“运行（试运行或正式运行）”登记"
    ]


def test_the_old_list_keeps_ownership_and_level() -> None:
    old = read_list(OLD_CSV)
    assert old.errors == ()
    assert len(old.institutions) == 325
    assert (old.institutions[0].ownership, old.institutions[0].level) == ("public", "三级甲等")  # type: ignore[attr-defined]
    assert sum("rectification" in said(one).values() for one in old.institutions) == 1


def test_a_hospital_at_two_addresses_is_two_institutions() -> None:
    twice = [one for one in read_list(REAL_DOCX).institutions if one.name == "大连市妇女儿童医疗中心（集团）"]
    assert len({one.address for one in twice}) == 2
    assert said(twice[0]) != said(twice[1])


# --- shapes ----------------------------------------------------------------------------------------------------------

ATTACHMENT = [SIX, [*A, AIH, FORMAL], [*A, IVF, TRIAL], [*B, AIH, FORMAL]]
BLANK_BELOW = [SIX, [*A, AIH, FORMAL], ["", "", "", "", IVF, TRIAL], ["", *B[1:], AIH, FORMAL]]
EXPECTED = [("甲医院", {"AIH": "formal", "IVF": "trial"}), ("乙医院", {"AIH": "formal"})]


def shape(found: ListFile) -> list[tuple[str, dict[str, str]]]:
    assert found.errors == ()
    assert {one.province for one in found.institutions} == {"辽宁省"}
    return [(one.name, said(one)) for one in found.institutions]


@pytest.mark.parametrize("rows", [ATTACHMENT, BLANK_BELOW], ids=["repeated", "blank below"])
def test_one_row_per_technique_is_gathered_from_csv(tmp_path: Path, rows: Rows) -> None:
    assert shape(of(tmp_path, *rows)) == EXPECTED


def test_one_row_per_technique_is_gathered_from_merged_docx_cells(tmp_path: Path) -> None:
    found = read_list(a_docx(tmp_path / "a.docx", ATTACHMENT))
    assert shape(found) == EXPECTED
    assert [one.row for one in found.institutions] == [2, 4]
    assert found.rows == 3


def test_one_row_per_technique_is_gathered_from_merged_xlsx_cells(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in [["名单 共2家"], *BLANK_BELOW]:
        sheet.append([text or None for text in row])
    for merge in ("A1:F1", "A3:A5", "B3:B4", "C3:C4", "D3:D4"):
        sheet.merge_cells(merge)
    book.save(tmp_path / "a.xlsx")
    assert shape(read_list(tmp_path / "a.xlsx")) == EXPECTED


def test_a_list_that_runs_on_over_pages_is_one_list(tmp_path: Path) -> None:
    first, *rest = ATTACHMENT[1:]
    again = read_list(a_docx(tmp_path / "again.docx", [SIX, first], [SIX, ["", "", "", "", *rest[0][4:]], rest[1]]))
    bare = read_list(a_docx(tmp_path / "bare.docx", [SIX, first], [["", "", "", "", *rest[0][4:]], rest[1]]))
    assert shape(again) == shape(bare) == EXPECTED


def test_headings_may_follow_banners_and_be_broken_and_printed_again(tmp_path: Path) -> None:
    broken = ["省 份", "序号", "医疗机构\n名称", "地　址", "批准开展\n的技术", "运行\n情况"]
    found = of(
        tmp_path, ["截至2025年6月30日 共2家"], ["附件"], broken, ATTACHMENT[1], SIX, *ATTACHMENT[2:], ["注：以上为名单"]
    )
    assert shape(found) == EXPECTED
    assert "按说明跳过：注：以上为名单" in messages(found, "info")


def test_sperm_banks_have_five_columns_and_no_province(tmp_path: Path) -> None:
    banks = [FIVE, ["1", "丙精子库", "湖南省长沙市岳麓区三街3号", BANK, FORMAL]]
    found = read_list(a_docx(tmp_path / "a.docx", ATTACHMENT, banks))
    assert found.errors == ()
    bank = found.institutions[-1]
    assert (bank.name, bank.province, bank.region, said(bank)) == ("丙精子库", None, "430104", {"SPERM_BANK": "formal"})
    assert "省份" not in messages(found, "warning")


def test_a_table_of_sperm_banks_may_leave_the_technique_out(tmp_path: Path) -> None:
    found = of(
        tmp_path, ["序号", "人类精子库名称", "地址", "运行情况"], ["1", "丙", "湖南省长沙市岳麓区三街3号", FORMAL]
    )
    assert found.errors == ()
    assert said(found.institutions[0]) == {"SPERM_BANK": "formal"}


def test_a_centre_that_also_has_a_sperm_bank_is_one_institution(tmp_path: Path) -> None:
    found = read_list(a_docx(tmp_path / "a.docx", ATTACHMENT, [FIVE, ["1", *A[2:], BANK, FORMAL]]))
    assert found.errors == ()
    assert len(found.institutions) == 2
    assert said(found.institutions[0]) == {"AIH": "formal", "IVF": "trial", "SPERM_BANK": "formal"}
    assert "同一机构" in messages(found, "info")


def test_a_list_without_provinces_is_warned_about_unless_it_is_of_sperm_banks(tmp_path: Path) -> None:
    found = of(tmp_path, ONE[1:], a_row()[1:], a_row(name="乙医院")[1:])
    assert found.errors == ()
    assert messages(found, "warning").count("省份") == 2
    assert found.institutions[0].region == "210303"


@pytest.mark.parametrize(
    "heads", [ONE, ["省份", "机构名称", "地址", "技术", "阶段"], ["省份", "名称", "地址", *SIX[4:]]]
)
def test_one_row_per_institution_has_headings_in_either_language(tmp_path: Path, heads: list[str]) -> None:
    found = of(tmp_path, heads, a_row(techniques="AIH IVF", stages="formal trial"))
    assert found.errors == ()
    assert said(found.institutions[0]) == {"AIH": "formal", "IVF": "trial"}


def test_unknown_columns_are_kept_under_their_headings(tmp_path: Path) -> None:
    found = of(tmp_path, [*ONE, "电话", "所有制", "等级", ""], [*a_row(), "0412-1", "公立", "三级甲等", "备注"])
    listed = found.institutions[0]
    assert listed.extra == {"电话": "0412-1", "列I": "备注"}
    assert (listed.ownership, listed.level) == ("公立", "三级甲等")  # type: ignore[attr-defined]


def test_names_are_taken_apart_and_kept_whole(tmp_path: Path) -> None:
    found = one(
        tmp_path, a_row(name=" 甲医院（鞍山市妇幼保健院） "), a_row(name="乙医院（东院区）"), a_row(name="丙（某某）")
    )
    first, second, _ = found.institutions
    assert (first.name, first.aliases) == ("甲医院（鞍山市妇幼保健院）", ("鞍山市妇幼保健院",))
    assert second.campus == "东院区"
    assert "某某" in messages(found, "info")


# --- the audit -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (a_row(techniques="AIH 冻卵"), "冻卵"),
        (a_row(techniques=""), "没有批准开展的技术"),
        (a_row(stages="运转良好"), "运转良好"),
        (a_row(techniques="AIH IVF ICSI", stages="formal trial"), "formal trial"),
        (a_row(techniques="AIH IVF", stages="1 formal + 2 trial"), "1 formal + 2 trial"),
        (a_row(name=""), "没有机构名称"),
        (a_row(address=""), "没有地址"),
        (a_row(techniques="AIH AIH", stages="formal trial"), "出现两次"),
        (["辽东省", *a_row()[1:]], "辽东省"),
        (["", *a_row()[1:]], "没有省份"),
    ],
)
def test_what_cannot_be_understood_is_an_error(tmp_path: Path, row: list[str], words: str) -> None:
    found = one(tmp_path, row)
    assert words in messages(found)
    assert all(line.row == 2 and line.cell and line.message_en for line in found.errors)


def test_an_audit_line_says_row_and_cell_as_a_person_counts_them(tmp_path: Path) -> None:
    csv_line = one(tmp_path, a_row(), a_row(name="乙医院", stages="？")).errors[0]
    assert (csv_line.row, csv_line.cell) == (3, "stages E3")
    docx_line = read_list(a_docx(tmp_path / "a.docx", [SIX, [*A, AIH, "？"], [*B, AIH, FORMAL]])).errors[0]
    assert (docx_line.row, docx_line.cell) == (2, "运行情况")
    assert docx_line.message.startswith("表1第2行：")
    assert docx_line.message_en.startswith("table 1, row 2:")


def test_all_errors_are_collected_up_to_two_hundred(tmp_path: Path) -> None:
    found = one(tmp_path, *(a_row(name=f"甲{n}", techniques="冻卵") for n in range(250)))
    assert len(found.errors) == 201
    assert found.errors[-1].message == "还有 50 条错误没有列出"


def test_the_printed_count_of_a_province_is_a_checksum(tmp_path: Path) -> None:
    found = of(tmp_path, *ATTACHMENT[:3])
    assert messages(found) == "辽宁省印有 2 家，实际读到 1 家"
    counted = of(tmp_path, [*ONE, "province_count"], [*a_row(), "1"], [*a_row(name="乙医院"), "1"])
    assert messages(counted) == "辽宁省印有 1 家，实际读到 2 家"


def test_the_total_in_a_banner_is_a_checksum(tmp_path: Path) -> None:
    assert messages(of(tmp_path, ["名单 共3家"], *ATTACHMENT)) == "写明共 3 家，实际读到 2 家"
    assert of(tmp_path, ["名单 共2家"], *ATTACHMENT).errors == ()


def test_a_missing_heading_is_named_with_those_found(tmp_path: Path) -> None:
    message = messages(of(tmp_path, ["省份", "名称", "技术"], ["辽宁省", "甲", "AIH"]))
    assert "缺少表头“地址”，现有表头：省份、名称、技术" in message
    assert "缺少表头“运行情况”" in message


def test_a_file_without_headings_or_without_rows_below_them_is_an_error(tmp_path: Path) -> None:
    assert "找不到表头" in messages(of(tmp_path, ["甲", "乙"], ["丙", "丁"]))
    assert "没有任何一行" in messages(of(tmp_path, ONE))


def test_a_heading_that_stands_for_two_columns_is_an_error(tmp_path: Path) -> None:
    assert "与另一列含义相同" in messages(of(tmp_path, [*ONE, "名称"], [*a_row(), "乙"]))


def test_a_table_beside_the_list_is_reported_and_not_read(tmp_path: Path) -> None:
    found = read_list(a_docx(tmp_path / "a.docx", [["填表说明", "x"]], ATTACHMENT))
    assert shape(found) == EXPECTED
    assert "没有读取" in messages(found, "warning")


def test_the_same_name_at_the_same_address_is_an_error_and_at_another_is_not(tmp_path: Path) -> None:
    twice = one(tmp_path, a_row(techniques="AIH IVF"), a_row(name="乙医院"), a_row(techniques="AIH IVF"))
    assert "与第2行的名称和地址都相同：甲医院" in messages(twice)
    assert one(tmp_path, a_row(), a_row(address="辽宁省鞍山市铁东区二街2号")).errors == ()


def test_two_rows_next_to_each_other_that_say_the_same_are_an_error(tmp_path: Path) -> None:
    twice = one(tmp_path, a_row(techniques="AIH"), a_row(techniques="AIH"))
    assert "与第2行重复" in messages(twice)
    table = of(tmp_path, SIX, [*A, AIH, FORMAL], ["", "", "", "", AIH, FORMAL])
    assert "出现两次" in messages(table)


def test_a_technique_written_twice_in_one_cell_is_a_warning(tmp_path: Path) -> None:
    found = one(tmp_path, a_row(techniques="AIH、夫精人工授精"))
    assert found.errors == ()
    assert "出现两次" in messages(found, "warning")
    assert len(found.institutions[0].approvals) == 1


def test_numbers_that_do_not_run_on_are_a_warning(tmp_path: Path) -> None:
    gap = [SIX, [*A, AIH, FORMAL], [B[0], "4", *B[2:], AIH, FORMAL]]
    assert "上一家是 1，这里是 4" in messages(of(tmp_path, *gap), "warning")
    other = ["吉林省(1家)", "1", "丙医院", "吉林省长春市朝阳区三街", AIH, FORMAL]
    assert messages(of(tmp_path, *ATTACHMENT, other), "warning") == ""


def test_an_address_outside_its_province_or_nowhere_is_a_warning(tmp_path: Path) -> None:
    found = one(tmp_path, a_row(address="吉林省长春市朝阳区三街"))
    assert "不在所列省份" in messages(found, "warning")
    nowhere = of(tmp_path, ONE[1:], a_row(address="三街3号")[1:])
    assert "看不出行政区划" in messages(nowhere, "warning")


def test_an_address_known_only_to_its_city_is_mentioned(tmp_path: Path) -> None:
    found = one(tmp_path, a_row(address="辽宁省鞍山市高新区1号"))
    assert found.institutions[0].region == "210300"
    assert "只能确定到“鞍山市”" in messages(found, "info")


def test_the_corps_of_xinjiang_is_listed_beside_the_provinces(tmp_path: Path) -> None:
    found = one(tmp_path, ["新疆生产建设兵团(1家)", "石河子医院", "石河子市北二路", "AIH", "formal"])
    assert found.errors == ()
    assert (found.institutions[0].province, found.institutions[0].region) == ("新疆生产建设兵团", "659001")


def test_an_unreadable_file_raises_and_progress_is_heard(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile):
        read_list(tmp_path / "none.csv")
    heard: list[int] = []
    read_list(REAL_DOCX, progress=heard.append)
    assert heard == [1000, 1841]


# --- single cells ----------------------------------------------------------------------------------------------------


def test_a_cell_is_trimmed_and_its_line_breaks_closed() -> None:
    assert tidy_cell(" 鞍山市\n妇儿医院　") == "鞍山市妇儿医院"
    assert tidy_cell("No. 1\nRoad") == "No. 1 Road"
    assert tidy_cell("厦门大学附属第一医院 （厦门市第一医院）") == "厦门大学附属第一医院 （厦门市第一医院）"


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("AIH IVF ICSI", ["AIH", "IVF", "ICSI"]),
        ("夫精人工授精、供精人工授精；PGT", ["AIH", "AID", "PGT"]),
        ("（常规）体外受精—胚胎移植技术", ["IVF"]),
        ("体外受精-胚胎\n移植", ["IVF"]),
        ("夫精人工授精\n卵胞浆内单精子显微注射", ["AIH", "ICSI"]),
        ("体外受精-胚胎移植（IVF-ET）", ["IVF"]),
        ("体外受精-胚胎移植（ICSI）", [None]),
        ("冻卵", [None]),
        (" ", []),
    ],
)
def test_techniques_are_read_from_a_cell(text: str, codes: list[str | None]) -> None:
    assert [code for _, code in parse_techniques(text)] == codes


@pytest.mark.parametrize(
    ("text", "count", "stages"),
    [
        ("formal", 2, ["formal", "formal"]),
        ("正式运行、试运行", 2, ["formal", "trial"]),
        ("1 formal + 2 trial", 3, ["operating"] * 3),
        ("1项正式运行+2项试运行", 3, ["operating"] * 3),
        ("正式运行1项、试运行2项", 3, ["operating"] * 3),
        ("3 formal", 3, ["formal"] * 3),
        ("", 2, ["operating"] * 2),
        ("1 formal + 1 suspended", 2, None),
        ("1 formal + 2 trial", 2, None),
        ("试运营", 1, None),
    ],
)
def test_stages_are_read_from_a_cell(text: str, count: int, stages: list[str] | None) -> None:
    found = parse_stages(text, count)
    assert (None if found is None else [stage for stage, _ in found]) == stages


def test_a_count_of_formal_and_trial_is_kept_as_a_note() -> None:
    assert parse_stages("1 formal + 1 trial", 2) == [("operating", "1 formal + 1 trial")] * 2


def test_a_province_cell_carries_its_count() -> None:
    assert (
        parse_province("辽宁省（22家）")
        == parse_province("辽宁省(22)")
        == parse_province("辽宁省 共22家")
        == ("辽宁省", 22)
    )
    assert parse_province("辽宁省") == ("辽宁省", None)
    assert parse_total("截至2025年6月30日 共635家") == 635
    assert parse_total("截至2025年6月30日") is None


@pytest.mark.parametrize("value", ["21030219900101123X", "210302 19900101 1236", "20192111021030219900101123X"])
def test_an_identity_number_in_any_column_of_a_list_is_refused_and_not_repeated(tmp_path: Path, value: str) -> None:
    found = of(tmp_path, [*ONE, "负责人"], [*a_row(), f"示例员 {value}"])
    (line,) = lines(found, "error")
    assert (line.row, line.cell) == (2, "负责人 F2")
    assert "身份证号" in line.message
    assert value not in line.message + line.message_en


def test_a_credit_code_and_a_telephone_of_an_institution_are_kept(tmp_path: Path) -> None:
    found = of(tmp_path, [*ONE, "统一社会信用代码", "电话"], [*a_row(), "912103199001011413", "0412-5550123"])
    assert lines(found, "error") == []
