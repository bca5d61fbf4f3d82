"""`registry check`: a file of claims as people keep it, and the same rows with verdicts."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from tests.running import Cli

FUYING, FUYOU = "沈阳市妇婴医院", "沈阳市妇幼保健院"
ROWS = [["名称", "技术", "备注"], [FUYING, "IVF", "=1+1"], [FUYOU, "试管婴儿", "甲"], ["", "IVF", "乙"]]
VERDICTS = ["licensed", "technique_not_licensed", ""]


def a_csv(path: Path, encoding: str = "utf-8") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows(ROWS)
    return path


def an_xlsx(path: Path, rows: list[list[Any]] = ROWS) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append([f"'{cell}" if str(cell).startswith("=") else cell for cell in row])  # type: ignore[union-attr]
    book.save(path)
    return path


def sheet(path: Path) -> list[dict[str, Any]]:
    headings, *rows = openpyxl.load_workbook(path).active.iter_rows(values_only=True)  # type: ignore[union-attr]
    return [dict(zip(map(str, headings), row, strict=True)) for row in rows]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_csv_file_is_answered_row_by_row(reading: Cli, tmp_path: Path, encoding: str) -> None:
    out = tmp_path / "out.csv"
    said = reading.ok("check", a_csv(tmp_path / "claims.csv", encoding), "-o", out).out
    rows = list(csv.DictReader(io.StringIO(out.read_bytes().decode("utf-8-sig"), newline="")))
    assert [row["verdict"] for row in rows] == VERDICTS
    assert [row["备注"] for row in rows] == ["'=1+1", "甲", "乙"]
    assert rows[2]["error_code"] == "invalid_input"
    assert "3 行" in said
    assert said.strip().endswith("with errors 1")


def test_an_xlsx_file_comes_back_as_xlsx_in_which_nothing_is_a_formula(reading: Cli, tmp_path: Path) -> None:
    out = tmp_path / "out.xlsx"
    reading.ok("check", a_csv(tmp_path / "claims.csv"), "-o", out)
    assert [row["备注"] for row in sheet(out)] == ["=1+1", "甲", "乙"]
    cells = [cell for row in openpyxl.load_workbook(out).active.iter_rows() for cell in row]  # type: ignore[union-attr]
    assert {cell.data_type for cell in cells if cell.value is not None} == {"s"}
    again = tmp_path / "again.xlsx"
    reading.ok("check", out, "-o", again)
    assert [row["verdict"] or "" for row in sheet(again)] == VERDICTS
    assert list(sheet(again)[0]) == list(sheet(out)[0])


def test_dates_and_numbers_of_a_sheet_are_read_as_people_see_them(reading: Cli, tmp_path: Path) -> None:
    rows = [["编号", "机构名称", "日期"], [7, FUYING, dt.datetime(2025, 7, 1)], [8, FUYING, dt.datetime(2017, 1, 1)]]
    reading.ok("check", an_xlsx(tmp_path / "claims.xlsx", rows), "-o", tmp_path / "out.xlsx")
    told = sheet(tmp_path / "out.xlsx")
    assert [(row["编号"], row["日期"], row["verdict"]) for row in told] == [
        ("7", "2025-07-01", "licensed"),
        ("8", "2017-01-01", "unknown"),
    ]


def test_ndjson_goes_to_standard_output_and_the_count_to_the_other(reading: Cli, tmp_path: Path) -> None:
    path = tmp_path / "claims.ndjson"
    path.write_text(f'{{"id":"a","provider":{{"name":"{FUYING}"}}}}\n{{\n')
    ran = reading.ok("check", path)
    first, second = map(json.loads, ran.out.splitlines())
    assert (first["id"], first["verdict"], second["error"]["code"]) == ("a", "licensed", "invalid_input")
    assert ran.err.strip().endswith("with errors 1")


def test_without_an_out_file_a_sheet_is_shown_as_csv(reading: Cli, tmp_path: Path) -> None:
    ran = reading.ok("check", an_xlsx(tmp_path / "claims.xlsx"))
    assert [row["verdict"] for row in csv.DictReader(io.StringIO(ran.out.removeprefix("\ufeff")))] == VERDICTS


def far_off(path: Path) -> Path:
    book = openpyxl.Workbook()
    book.active["A1"], book.active["XFD1048576"] = "name", "x"  # type: ignore[index]
    book.save(path)
    return path


@pytest.mark.parametrize(
    "kind", ["empty.csv", "nobody.csv", "zip.xlsx", "old.xls", "far.xlsx", "empty.xlsx", "same", "missing"]
)
def test_a_file_that_cannot_be_read_is_refused_in_one_line_and_leaves_nothing(
    reading: Cli, tmp_path: Path, kind: str
) -> None:
    path, out = tmp_path / kind, tmp_path / "out.csv"
    if kind == "far.xlsx":
        far_off(path)
    elif kind == "empty.xlsx":
        openpyxl.Workbook().save(path)
    elif kind == "same":
        path = out = a_csv(tmp_path / "same.csv")
    elif kind != "missing":
        begin = {"zip.xlsx": b"PK\x03\x04xxxx", "old.xls": b"\xd0\xcf\x11\xe0xx", "nobody.csv": b"foo,bar\n1,2\n"}
        path.write_bytes(begin.get(kind, b""))
    before = sorted(tmp_path.iterdir())
    assert reading.refused("check", path, "-o", out).startswith("registry: ")
    assert sorted(tmp_path.iterdir()) == before


def test_answers_to_a_table_are_not_written_as_ndjson(reading: Cli, tmp_path: Path) -> None:
    assert ".xlsx" in reading.refused("check", a_csv(tmp_path / "a.csv"), "-o", tmp_path / "b.ndjson")


def a_workbook(path: Path, **sheets: list[list[Any]]) -> Path:
    """An xlsx file with these sheets; one whose name begins with hidden is hidden."""
    book = openpyxl.Workbook()
    book.remove(book.active)  # type: ignore[arg-type]
    for name, rows in sheets.items():
        page = book.create_sheet(name)
        page.sheet_state = "hidden" if name.startswith("hidden") else "visible"
        for row in rows:
            page.append(row)
    book.save(path)
    return path


HEADINGS = ["机构名称", "技术"]


@pytest.mark.parametrize(
    ("sheets", "number", "said"),
    [
        ({"甲": [HEADINGS, [FUYING, "IVF"]], "乙": [HEADINGS, [FUYOU, "IVF"]]}, 2, []),
        ({"甲": [HEADINGS, [FUYING, "IVF"]], "乙": [["机构名称", "日期"], [FUYOU, "2025-07-01"]]}, 1, ["乙"]),
        ({"甲": [HEADINGS, [FUYING, "IVF"]], "hidden": [HEADINGS, [FUYOU, "IVF"]]}, 1, ["hidden"]),
        ({"甲": [["广告监测线索表"], HEADINGS, [FUYING, "IVF"]]}, 1, ["列名之上的1行"]),
        ({"导出概要": [["此文稿由 Numbers 导出"]], "表 1": [["表格 1"], HEADINGS, [FUYING, "IVF"]]}, 1, ["导出概要"]),
    ],
    ids=["two sheets", "two sheets that differ", "a hidden sheet", "a title", "an export of Numbers"],
)
def test_every_sheet_is_answered_or_named(
    reading: Cli, tmp_path: Path, sheets: dict[str, list[list[Any]]], number: int, said: list[str]
) -> None:
    ran = reading.ok("check", a_workbook(tmp_path / "claims.xlsx", **sheets))
    rows = list(csv.DictReader(io.StringIO(ran.out.lstrip("\ufeff"), newline="")))
    assert [row["verdict"] for row in rows] == VERDICTS[:number]
    assert "已读的列：机构名称 = name、技术 = techniques。" in ran.err
    assert "Columns read: 机构名称 = name, 技术 = techniques." in ran.err
    assert all(word in ran.err for word in said)
    assert ("未读" in ran.err) == any(word in sheets for word in said)


def test_a_column_that_is_not_used_is_named_with_the_one_it_resembles(reading: Cli, tmp_path: Path) -> None:
    file = tmp_path / "claims.csv"
    file.write_text(f"编码,机构名\n7HV2-JKMV,{FUYING}\n", "utf-8")
    assert "未用的列：机构名（是否应为“机构名称”？）。" in reading.ok("check", file).err
