"""The measures' report in a real browser: an event is entered and confirmed by two people, its figure leads to it, and
the files hold what the page shows."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable
from pathlib import Path

import docx
import openpyxl
from playwright.sync_api import Browser, Page

from registry.measures.figure_table import FIGURES
from registry.records import asof
from tests.desk import Staff
from tests.journeys.test_pages_forms import window
from tests.journeys.test_pages_staff import PHONE, faults_at_every_width
from tests.running import Cli, Server

TODAY = asof.read_today().isoformat()
PLACE = "辽宁省鞍山市铁西区"
Arrive = Callable[..., Staff]


def enter(page: Page, kind: str, **fields: str) -> str:
    """Fill in the form of a kind and save it; the address of the record."""
    page.goto(f"/staff/measures/records/new?kind={kind}")
    assert faults_at_every_width(page) == []
    for name, value in fields.items():
        page.fill(f"#{name}", value)
    page.click("form.check-form > button")
    page.wait_for_selector("ol.said")
    return "/staff" + page.url.partition("/staff")[2]


def test_an_event_is_entered_confirmed_counted_and_published(
    browser: Browser, staffed: Cli, start: Callable[..., Server], arrive: Arrive, tmp_path: Path
) -> None:
    running = start(staffed.data_dir)
    context = window(browser, running, arrive(running, "editor").sign_in())
    page = context.new_page()
    event = enter(page, "publicity", title="识别非法宣传", since=TODAY, place="示例广场", region=PLACE, people="300")
    enter(page, "training", title="依法执业", since=TODAY, place="示例会议室", region=PLACE, people="")
    page.goto("/staff/measures")
    assert "另有1条待第二人确认" in page.locator("#health").inner_text()
    second = window(browser, running, arrive(running, "approver").sign_in(), PHONE)
    decide = second.new_page()
    decide.goto(event)
    assert faults_at_every_width(decide) == []
    decide.click('button[value="confirm"]')
    decide.wait_for_selector("ol.said li >> nth=1")
    decide.goto("/departments/health")
    assert "识别非法宣传" in decide.locator("#events").inner_text()
    assert "依法执业" not in decide.locator("#events").inner_text()
    second.close()

    page.goto("/staff/measures?region=210300")
    assert faults_at_every_width(page) == []
    row = page.locator('tr:has(a[href*="/figures/health-publicity-people?"])')
    assert "300 人" in row.inner_text()
    blank = page.locator('tr:has(a[href*="/figures/health-trainings?"]) td.number')
    assert blank.inner_text().startswith("另有1条") and "0" not in blank.inner_text()
    row.locator("a").click()
    page.wait_for_selector(".figure-value")
    assert faults_at_every_width(page) == []
    page.click('.entries a:text("识别非法宣传")')
    page.wait_for_selector("ol.said")
    assert page.url.endswith(event)
    page.goto("/staff/measures?region=210300")
    for suffix in ("json", "xlsx", "docx"):
        with page.expect_download() as download:
            page.click(f'a[href*="/staff/measures/file/{suffix}"]')
        download.value.save_as(tmp_path / f"report.{suffix}")
    context.close()
    check_files(tmp_path)


def check_files(folder: Path) -> None:
    """What the three files hold of the same report."""
    report = json.loads((folder / "report.json").read_bytes())
    found = {one["code"]: one for department in report["departments"] for one in department["figures"]}
    assert found.keys() == {one.code for one in FIGURES}
    assert (found["health-publicity"]["value"], found["health-publicity-people"]["value"]) == (1, 300)
    assert found["health-trainings"]["value"] is None and found["market-cases"]["value"] is None
    document = docx.Document(str(folder / "report.docx"))
    rows = [[cell.text for cell in row.cells] for row in document.tables[0].rows]
    assert rows[1] == ["责任部门", "具体措施", "完成时限", "整治成效"]
    assert rows[2][0] == rows[6][0] == "卫生健康部门"
    assert "6. 宣传覆盖人数：300人" in rows[2][3] and "7. 专题培训次数：＿＿次" in rows[2][3]
    assert next(row[1:3] for row in rows if row[0] == "网信办") == ["1. 移交巡查和举报中的线索", "10月底"]
    book = openpyxl.load_workbook(io.BytesIO((folder / "report.xlsx").read_bytes()))
    table = [list(row) for row in book["数据"].iter_rows(min_row=5, values_only=True)]
    values = {row[2]: row[3] for row in table if row[0] == "卫生健康部门"}
    assert values["宣传覆盖人数"] == 300 and values["专题培训次数"] is None
    entries = [row[5] for row in book["记录"].iter_rows(min_row=5, values_only=True) if row[0] == "health-publicity"]
    assert entries == ["识别非法宣传"]
    assert [row[0].value for row in book["任务清单"].iter_rows(min_row=4, max_row=5)] == ["责任部门", "卫生健康部门"]


def test_the_shell_prints_the_report_and_writes_it(staffed: Cli, tmp_path: Path) -> None:
    days = ("report", "--from", "2025-07-01", "--to", "2025-09-30")
    printed = staffed.ok(*days).out
    assert "已公布的获批机构数：＿＿家" in printed
    found = json.loads(staffed.ok(*days, "--region", "鞍山市", "--format", "json").out)
    assert (found["since"], found["region"], found["place"]) == ("2025-07-01", "210300", "辽宁省鞍山市")
    staffed.ok(*days, "--out", str(tmp_path / "report.docx"))
    assert docx.Document(str(tmp_path / "report.docx")).tables
    with contextlib.chdir(tmp_path):
        shown = staffed.ok(*days, "--region", "210300", "--format", "xlsx").out.strip()
        assert shown == f"measures-{days[2]}-{days[4]}-210300.xlsx"
        assert openpyxl.load_workbook(shown).sheetnames
    assert "铁西区" in staffed.refused(*days, "--region", "铁西区")
