"""Questions of an import in a real browser without JavaScript: answered row by row, or all of a kind at once."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from tests.factories import a_list
from tests.journeys.test_pages_imports import GO_ON, Arrive, read_when_done, running, upload
from tests.journeys.test_pages_staff import DESK, PHONE, browsing, faults, faults_at_every_width
from tests.running import Cli, Server
from tests.unit.test_lists import SIX
from tests.unit.test_row_review import an_xlsx

__all__ = ["running"]
STAY = 'button[name="then"][value="stay"]'
ROWS = [
    SIX,
    ["辽宁省（5家）", "1", "鞍山市示例甲医院", "辽宁省鞍山市铁西区试验路1号", "夫精人工受精", "正式运行"],
    ["辽宁省（5家）", "2", "鞍山市示例乙医院*", "辽宁省鞍山市铁西区试验路2号", "夫精人工授精技术", "正式运行"],
    ["辽宁省（5家）", "3", "鞍山市示例丙医院", "辽宁省鞍山市铁西区试验路3号", "夫精人工授精技术", "正式运行"],
    ["辽宁省（5家）", "4", "鞍山市示例丁医院", "辽宁省鞍山市铁西区试验路4号", "夫精人工授精技术", "正式运行"],
]


def hide_rows(sheet: Any) -> None:
    sheet.auto_filter.ref = "A1:F5"
    sheet.row_dimensions[4].hidden = sheet.row_dimensions[5].hidden = True


def go_to_audit(page: Page, file: Path) -> str:
    upload(page, file, "partial")
    read_when_done(page)
    page.click('form.columns-form > button[type="submit"]')
    return read_when_done(page)


def look_at_changes(page: Page, cli: Cli, file: Path) -> list[str]:
    """Look at what was imported otherwise than the file has it: as the approver does, and as everybody does."""
    page.click('main a[href^="/staff/proposals/"]')
    page.goto(re.sub(r"[?#].*", "", page.url) + "/report?part=changes")
    changes = page.locator("main").inner_text()
    assert "“批准开展的技术 夫精人工受精”改为“夫精人工授精”" in changes
    assert "没有导入（鞍山市示例丙医院" in changes
    assert "改为“鞍山市示例甲专科医院”" in changes
    assert "理由：印错" in changes
    assert hashlib.sha256(file.read_bytes()).hexdigest() in changes
    wrong = faults_at_every_width(page)
    number, size = re.findall(r"proposals/(\d+)", page.url)[0], cli.log_size()
    cli.ok("approve", number, "--by", "approver")
    page.goto(f"/log?entry={size + 1}")  # whoever looks sees how it differs from the file
    assert "改为“夫精人工授精”" in page.locator("main").inner_text()
    assert "理由：印错" in page.locator("main").inner_text()
    wrong += faults_at_every_width(page)
    return wrong


def test_an_editor_answers_what_a_file_leaves_open_and_the_reasons_are_published(
    browser: Browser, running: Server, cli: Cli, arrive: Arrive, tmp_path: Path
) -> None:
    context = browsing(browser, running, arrive(running, "editor").sign_in(), viewport=DESK)
    page = context.new_page()
    shown = go_to_audit(page, an_xlsx(tmp_path / "a.xlsx", hide_rows, ROWS))
    assert all(word in shown for word in ("还有5处没有答复", "有2行被筛选隐藏", "夫精人工受精", "印有 5 家"))
    wrong = faults_at_every_width(page)
    assert page.input_value('[id="text-1.2.4"]') == "夫精人工授精"  # as suggested
    page.locator('[id="question-1.2.4"] input[value="text"]').check()
    page.locator('[id="question-1.3.2"] input[value="text"]').check()
    page.check('input[name="kind-row_filtered"][value="leave"]')
    page.locator('[id="question-1.2.count"] input[value="accept"]').check()
    page.click(STAY)  # without a reason: the others are kept
    assert "理由会公布" in page.locator(".error-summary").inner_text()
    assert "用“夫精人工授精”" in page.locator('[id="question-1.2.4"]').inner_text()
    assert "没有答复" in page.locator("main").inner_text()
    wrong += faults(page)
    page.fill('textarea[id="reason-1.2.count"]', "已向发文机关核实，印错")
    page.click(STAY)
    assert "各处都已答复" in page.locator("main").inner_text()
    wrong += faults_at_every_width(page)
    page.click(GO_ON)
    assert "2家机构" in read_when_done(page)
    page.goto(re.sub(r"[?#].*", "", page.url) + "?tab=audit")
    wrong += faults_at_every_width(page)
    page.click("summary:has-text('改正别的格')")
    page.fill("#words", "鞍山市示例甲专科医院")
    page.locator("form:has(#words) button").click()
    assert "请填写行号" in page.locator(".error-summary").inner_text()
    wrong += faults_at_every_width(page)
    page.fill("#row", "2")
    page.select_option("#column", label="医疗机构名称")
    page.locator("form:has(#words) button").click()
    assert "改用“鞍山市示例甲专科医院”" in page.locator("main").inner_text()
    page.locator('[id="question-1.2.count"] button[name="undo"]').click()  # and taken again after the comparison
    page.fill('textarea[id="reason-1.2.count"]', "印错")  # which needs no choice
    page.click(GO_ON)
    read_when_done(page)
    page.click('form[action$="/propose"] button')
    assert "已提交" in read_when_done(page)
    wrong += look_at_changes(page, cli, tmp_path / "a.xlsx")
    context.close()
    assert wrong == []


def test_questions_are_whole_on_a_phone_and_in_english(
    browser: Browser, running: Server, arrive: Arrive, tmp_path: Path
) -> None:
    context = browsing(browser, running, arrive(running, "editor").sign_in(), viewport=PHONE)
    page = context.new_page()
    go_to_audit(page, an_xlsx(tmp_path / "a.xlsx", hide_rows, ROWS))
    wrong = []
    for switch in ("", "?lang=en", "?size=large"):
        page.goto(re.sub(r"[?#].*", "", page.url) + switch)
        wrong += faults_at_every_width(page)
    context.close()
    assert wrong == []


def test_the_list_is_taken_in_several_conflicts_for_one_reason(
    browser: Browser, running: Server, cli: Cli, arrive: Arrive, tmp_path: Path
) -> None:
    rows = []
    for name in ("鞍山市妇儿医院", "大连市妇女儿童医疗中心"):
        hospital = cli.ok("search", name, "--json").json["items"][0]["institution"]
        told = ("--from", "2025-03-01", "--reason", "示例撤销决定", "--by", "editor", "--json")
        revoked = [f'approvals.{one["technique"]}={{"stage":"revoked"}}' for one in hospital["approvals"]]
        cli.ok("approve", cli.ok("correct", hospital["code"], *revoked, *told).json["proposal"], "--by", "approver")
        techniques = " ".join(one["technique"] for one in hospital["approvals"])
        rows.append({**{key: hospital[key] for key in ("name", "address")}, "techniques": techniques})
    context = browsing(browser, running, arrive(running, "editor").sign_in(), viewport=DESK)
    page = context.new_page()
    go_to_audit(page, a_list(tmp_path / "list.csv", rows))
    page.goto(re.sub(r"[?#].*", "", page.url) + "?tab=conflicts")
    count = page.locator(".pair").count()
    assert count > 2
    wrong = faults_at_every_width(page)
    for box in page.locator('.pair input[value="list"]').all()[:2]:
        box.check()
    page.click(STAY)
    assert "理由会公布" in page.locator(".error-summary").inner_text()
    page.click("#several summary")
    page.fill("#taking-several", "见示卫医〔2025〕9号恢复执业")
    page.click(STAY)
    assert page.locator(".pair:has-text('公布的理由：见示卫医〔2025〕9号恢复执业')").count() == 2
    wrong += faults_at_every_width(page)
    page.click("#several summary")
    page.fill("#taking-several", "同上")
    kind = page.locator("#kind option").first.inner_text()
    page.click('button[value="kind"]')
    assert page.locator(".pair:has-text('公布的理由：同上')").count() == int(kind.split()[-1])
    context.close()
    assert wrong == []


def test_a_name_that_is_only_spelt_otherwise_keeps_the_spelling_of_the_register(
    browser: Browser, running: Server, cli: Cli, arrive: Arrive, tmp_path: Path
) -> None:
    rows = []
    for name in ("鞍山市妇儿医院", "大连市妇女儿童医疗中心"):
        hospital = cli.ok("search", name, "--json").json["items"][0]["institution"]
        rows.append({"name": f"{hospital['name'][:3]} {hospital['name'][3:]}", "address": hospital["address"]})
    context = browsing(browser, running, arrive(running, "editor").sign_in(), viewport=PHONE)
    page = context.new_page()
    shown = go_to_audit(page, a_list(tmp_path / "list.csv", rows))
    assert "更名 0" in shown and "写法不同 2" in shown  # unless somebody says otherwise
    page.goto(re.sub(r"[?#].*", "", page.url) + "?tab=spelling")
    wrong = faults_at_every_width(page)
    page.locator('button[name="same"][value="yes"]').first.click()
    assert "判断为同一机构（editor）" in page.locator("main").inner_text()
    page.click('form[action$="/compare"] button')
    shown = read_when_done(page)
    assert "更名 1" in shown and "写法不同 1" in shown
    page.goto(re.sub(r"[?#].*", "", page.url) + "?tab=spelling")
    page.click('button[name="spelling"]')
    page.click('form[action$="/compare"] button')
    assert "更名 2" in read_when_done(page)
    page.goto(re.sub(r"[?#].*", "", page.url) + "?tab=all")
    wrong += faults_at_every_width(page)
    page.click('button[name="spelling"]')
    page.click('form[action$="/compare"] button')
    assert "更名 1" in read_when_done(page)
    context.close()
    assert wrong == []


def test_rows_outside_the_region_of_an_editor_are_set_aside_all_at_once(
    browser: Browser, running: Server, arrive: Arrive, tmp_path: Path
) -> None:
    places = ("鞍山市铁西区", "大连市中山区", "沈阳市沈河区")
    rows = [{"name": f"{place[:3]}示例医院", "address": f"辽宁省{place}示例路1号"} for place in places]
    context = browsing(browser, running, arrive(running, "anshan").sign_in(), viewport=PHONE)
    page = context.new_page()
    shown = go_to_audit(page, a_list(tmp_path / "list.csv", rows))
    assert "有2家不在您账号的行政区划内" in shown
    wrong = faults_at_every_width(page)
    page.check('input[name="kind-outside"][value="leave"]')
    page.click(STAY)
    assert page.locator(".question:has-text('留给所在省，不在这次导入')").count() == 2
    page.click(GO_ON)
    assert "1家机构" in read_when_done(page)
    wrong += faults_at_every_width(page)
    table = context.request.get(page.get_attribute('a[href$="/aside.csv"]', "href") or "").text()
    assert [row["医疗机构名称"] for row in csv.DictReader(io.StringIO(table.lstrip("\ufeff")))][::2] == [
        "大连市示例医院",
        "沈阳市示例医院",
    ]
    context.close()
    assert wrong == []
