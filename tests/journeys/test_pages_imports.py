"""Imports in a real browser without JavaScript: a national list from its file to the public page, and people."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from playwright.sync_api import Browser, Page

from tests.desk import Staff
from tests.factories import LIST_2018, a_list
from tests.journeys.test_pages_staff import DESK, PHONE, browsing, faults, faults_at_every_width, press_to
from tests.running import PASSWORD, Cli, Server, eventually

Arrive = Callable[..., Staff]
DATA = Path(__file__).parents[1] / "data"
GO_ON = 'button[name="then"][value="on"]'
DOCX = DATA / "national-list-2025-06.docx"


@pytest.fixture
def running(cli: Cli, start: Callable[..., Server]) -> Server:
    """A register that knows the partial edition of 2018 and nothing else."""
    cli.ok("init")
    cli.staff()
    cli.ok("user", "add", "anshan", "--role", "editor", "--region", "210300", input=PASSWORD)
    told = ("--as-of", "2018-02-21", "--scope", "partial", "--by", "editor", "--json")
    number = cli.ok("import", LIST_2018, *told).json["proposal"]
    cli.ok("approve", number, "--by", "approver")
    return start(cli.data_dir)


def upload(page: Page, file: Path | dict[str, object], scope: str = "national", kind: str = "list") -> None:
    page.goto(f"/staff/imports/new?kind={kind}")
    page.set_input_files("#file", file)  # type: ignore[arg-type]
    page.fill("#as_of", "2025-06-30")
    if kind == "list":
        page.fill("#title", "示例名单")
        page.check(f'input[name="scope"][value="{scope}"]')
    page.click('form[enctype] button[type="submit"]')


def read_when_done(page: Page) -> str:
    """Wait while a process works: the page renews itself."""
    page.wait_for_url(re.compile(r"/staff/imports/\d+"))
    page.wait_for_selector('main:not(:has([role="status"].lead))')
    return page.locator("main").inner_text()


def section(page: Page, name: str) -> str:
    """The text of every page of a section."""
    page.goto(re.sub(r"[?#].*", "", page.url) + f"?tab={name}")
    told = page.locator("main").inner_text()
    while page.locator('a[rel="next"]').count():
        page.click('a[rel="next"]')
        told += page.locator("main").inner_text()
    return told


def decide_everything(page: Page, same: set[tuple[str, str]]) -> int:
    """Go through every pair as a person would, page by page; return the number of pages."""
    number = 0
    page.goto(re.sub(r"[?#].*", "", page.url) + "?tab=pairs")
    while True:
        number += 1
        for doubt in page.locator('.pair:has(.icon-question):has-text("规则不能判断")').all():
            cells = doubt.locator("tbody tr").first.locator("td").all_inner_texts()
            answer = "yes" if (cells[0], cells[1]) in same else "no"
            doubt.locator(f'input[value="{answer}"]').check()
        if page.locator('input[name="rest"]').count():
            page.check('input[name="rest"]')
        is_last = not page.locator('a[rel="next"]').count()
        page.click(GO_ON)
        if is_last:
            return number


def test_the_2025_list_over_the_2018_edition_with_every_pair_decided(
    browser: Browser, running: Server, arrive: Arrive
) -> None:
    with (DATA / "renames-2018-2025.csv").open(encoding="utf-8", newline="") as file:
        renames = list(csv.DictReader(file))
    editor = arrive(running, "editor").sign_in()
    context = browsing(browser, running, editor, viewport=DESK)
    page = context.new_page()
    upload(page, DOCX)
    assert "认出了表头" in read_when_done(page)
    assert page.locator("select option:checked").all_inner_texts() == [
        "省份",
        "序号",
        "医疗机构名称",
        "地址",
        "批准开展的技术",
        "运行情况",
    ]
    page.click('form.columns-form > button[type="submit"]')
    assert "635家机构" in read_when_done(page)
    assert page.locator('form[action$="/propose"]').count() == 0
    assert decide_everything(page, {(row["from"], row["to"]) for row in renames}) < 10
    assert "可以提交" in read_when_done(page)
    assert page.locator('.tabs a[href$="tab=renamed"]').inner_text() == "更名 58"
    shown = section(page, "renamed") + section(page, "spelling")
    assert [row["to"] for row in renames if row["from"] not in shown or row["to"].split()[0] not in shown] == []
    page.click('form[action$="/propose"] button')
    assert "已提交" in read_when_done(page)
    page.click('main a[href^="/staff/proposals/"]')
    number = int(page.url.rsplit("/", 1)[-1])
    context.close()
    approver = arrive(running, "approver").sign_in()
    seen = re.search(r'id="seen" value="(\w+)"', approver.get(f"/staff/proposals/{number}"))
    assert seen
    assert approver.send(f"/staff/proposals/{number}/approve", on=f"/staff/proposals/{number}").status_code == 200
    assert eventually(lambda: running.api("/institutions", q="北部战区总医院和平院区")["items"] != [])
    hit = running.api("/institutions", q="北部战区总医院和平院区")["items"][0]
    assert [former["name"] for former in hit["former_names"]] == ["原沈阳军区第202医院"]
    public = running.get(f"/i/{hit['code']}").text
    assert "原沈阳军区第202医院" in public
    two: dict[str, Any] = {}

    def said() -> dict[str, str]:
        for name in ("沈阳市妇婴医院", "沈阳市妇幼保健院"):
            two[name] = running.verify(provider={"name": name}, techniques=["IVF"])
        return {name: str(one["verdict"]) for name, one in two.items()}

    wanted = {
        "沈阳市妇婴医院": "licensed",
        "沈阳市妇幼保健院": "technique_not_licensed",
    }
    assert eventually(lambda: said() == wanted), said()
    assert len({one["match"]["code"] for one in two.values()}) == 2


ROWS = [
    {"name": "鞍山示例生殖专科医院", "address": "辽宁省鞍山市铁西区三道街115号"},
    {"name": "鞍山市示例医院", "address": "辽宁省鞍山市铁东区示例路9号"},
]


def test_every_page_of_an_import_is_whole(browser: Browser, running: Server, arrive: Arrive, tmp_path: Path) -> None:
    context = browsing(browser, running, arrive(running, "editor").sign_in(), viewport=PHONE)
    page, wrong = context.new_page(), []

    def look(*paths: str) -> None:
        for path in paths:
            for switch in ("", "lang=en", "size=large"):
                page.goto(path + ("?&"["?" in path] + switch if switch else ""))
                assert page.locator("h1").count() == 1, path
                wrong.extend(f"{path} {switch} {one}" for one in faults_at_every_width(page))

    look(
        "/staff/imports",
        "/staff/imports/new",
        "/staff/imports/new?kind=practitioners",
        "/staff/imports/new?kind=ad_certificates",
    )
    page.goto("/staff/imports/new")
    page.click('form[enctype] button[type="submit"]')
    assert "请选择文件" in page.locator(".error-summary").inner_text()
    wrong.extend(faults(page))
    upload(page, {"name": "甲.csv", "mimeType": "text/csv", "buffer": "甲,乙,丙\n1,2,3\n".encode()})
    read_when_done(page)
    look(page.url)
    page.click('form.columns-form > button[type="submit"]')
    assert "没有任何要导入的栏目" in page.locator(".error-summary").inner_text()
    wrong.extend(faults(page))
    upload(page, a_list(tmp_path / "wrong.csv", [{**ROWS[0], "techniques": "克隆"}]))
    read_when_done(page)
    page.click('form.columns-form > button[type="submit"]')
    assert "没有导入任何内容" in read_when_done(page)
    look(page.url)
    upload(page, a_list(tmp_path / "list.csv", ROWS), "partial")
    read_when_done(page)
    page.click('form.columns-form > button[type="submit"]')
    read_when_done(page)
    one = page.url
    look(
        *(
            f"{one}?tab={name}"
            for name in ("all", "pairs", "new", "renamed", "gained", "stage", "other", "spelling", "audit")
        )
    )
    page.goto(one)
    page.click("details.confirmation summary")
    page.click('form[action$="/cancel"] button')
    assert "已取消" in page.locator("main").inner_text()
    look(one)
    context.close()
    assert wrong == []


def test_deciding_pairs_on_a_phone_by_keyboard_alone(
    browser: Browser, running: Server, arrive: Arrive, tmp_path: Path
) -> None:
    context = browsing(browser, running, arrive(running, "editor").sign_in(), viewport=PHONE)
    page = context.new_page()
    upload(page, a_list(tmp_path / "list.csv", ROWS), "partial")
    read_when_done(page)
    page.click('form.columns-form > button[type="submit"]')
    assert "还有1对" in read_when_done(page)
    press_to(page, 'input[value="yes"]')
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    press_to(page, 'button[value="stay"]')
    page.keyboard.press("Enter")
    page.wait_for_selector('input[value="undo"]')
    assert "判断为两家机构（editor）" in page.locator(".pair").inner_text()
    press_to(page, 'input[value="no"]')
    for _ in range(2):
        page.keyboard.press("ArrowUp")
    press_to(page, GO_ON)
    page.keyboard.press("Enter")
    assert "可以提交" in read_when_done(page)
    context.close()


def test_a_list_that_would_undo_a_revocation_is_a_question_with_both_documents(
    browser: Browser, running: Server, cli: Cli, arrive: Arrive, tmp_path: Path
) -> None:
    hospital = cli.ok("search", "鞍山市妇儿医院", "--json").json["items"][0]["institution"]
    row = {"name": hospital["name"], "address": hospital["address"], "techniques": "IVF", "stages": "formal"}
    told = ("--from", "2025-03-01", "--reason", "示例撤销决定", "--by", "editor", "--json")
    revoked = 'approvals.IVF={"stage":"revoked","document_no":"示卫医〔2025〕3号","authority":"示例卫生健康委"}'
    number = cli.ok("correct", hospital["code"], revoked, *told).json["proposal"]
    cli.ok("approve", number, "--by", "approver")
    context = browsing(browser, running, arrive(running, "editor").sign_in(), viewport=DESK)
    page = context.new_page()
    upload(page, a_list(tmp_path / "list.csv", [row]), "partial")
    read_when_done(page)
    page.click('form.columns-form > button[type="submit"]')
    assert "名单与决定不一致 1" in read_when_done(page)
    wrong = []
    for switch in ("", "&lang=en"):
        page.goto(re.sub(r"[?#].*", "", page.url) + f"?tab=conflicts{switch}")
        wrong += faults_at_every_width(page)
    page.goto(re.sub(r"[?#].*", "", page.url) + "?tab=conflicts")
    shown = page.locator(".pair").inner_text()
    assert all(
        word in shown
        for word in ("撤销", "正式运行", "示卫医〔2025〕3号", "示例卫生健康委", "示例撤销决定", "保留决定")
    )
    page.fill('textarea[name^="taking-"]', "恢复执业")
    page.click(GO_ON)  # what is kept has no reason
    assert "请选择以名单为准" in page.locator(".error-summary").inner_text()
    page.fill('textarea[name^="taking-"]', "")
    page.check('.pair input[value="list"]')
    page.click(GO_ON)  # without a reason
    assert "理由会公布" in page.locator(".error-summary").inner_text()
    wrong += faults(page)
    page.fill('textarea[name^="taking-"]', "见示卫医〔2025〕9号恢复执业")
    page.click('button[value="stay"]')
    assert "公布的理由：见示卫医〔2025〕9号恢复执业" in page.locator(".pair").inner_text()
    page.check('.pair input[value="decision"]')
    page.click(GO_ON)
    page.click('form[action$="/propose"] button')  # nothing differs from what was compared
    assert "已提交" in read_when_done(page)
    page.click('main a[href^="/staff/proposals/"]')
    number = int(page.url.rsplit("/", 1)[-1])
    assert "名单与决定不一致" in page.locator("main").inner_text()
    assert "示卫医〔2025〕3号" in page.locator("section:has(#conflicts)").inner_text()
    wrong += faults_at_every_width(page)
    page.goto(f"/staff/proposals/{number}/report?part=conflicts")
    wrong += faults_at_every_width(page)
    context.close()
    cli.ok("approve", number, "--by", "approver")
    name = {"name": hospital["name"]}
    assert eventually(lambda: running.verify(provider=name, techniques=["IVF"])["verdict"] == "revoked")
    assert wrong == []


def test_an_editor_of_a_region_is_refused_before_hours_of_work(
    browser: Browser, running: Server, arrive: Arrive, tmp_path: Path
) -> None:
    context = browsing(browser, running, arrive(running, "anshan").sign_in(), viewport=DESK)
    page = context.new_page()
    page.goto("/staff/imports/new")
    assert page.locator('input[name="scope"][value="national"]').count() == 0, "it is not even offered"
    upload(page, DOCX, "region")
    read_when_done(page)
    page.click('form.columns-form > button[type="submit"]')
    assert "不在您账号的行政区划（210300）内" in read_when_done(page)
    context.close()


# --- people ----------------------------------------------------------------------------------------------------------

HOSPITAL = "鞍山市妇儿医院"


def filled_in(body: bytes, rows: list[dict[str, str]]) -> bytes:
    """A template with rows below its example."""
    book = openpyxl.load_workbook(io.BytesIO(body))
    sheet = book.worksheets[0]
    titles = [cell.value for cell in sheet[1]]
    for number, row in enumerate(rows, start=3):
        for title, value in row.items():
            sheet.cell(number, titles.index(title) + 1, value)
    held = io.BytesIO()
    book.save(held)
    return held.getvalue()


def test_people_come_in_by_the_template_and_their_file_does_not_stay(
    browser: Browser, running: Server, arrive: Arrive
) -> None:
    editor = arrive(running, "editor").sign_in()
    template = editor.client.get("/staff/imports/templates/practitioners").content
    person = {"机构名称": HOSPITAL, "姓名": "示例甲乙", "职务": "临床医师", "体外受精-胚胎移植": "是"}
    rows = [{**person, "证书种类": "医师执业证书", "证书编号": "110210000001234", "有效期自": "2025-01-01"}]
    context = browsing(browser, running, editor, viewport=PHONE)
    page = context.new_page()
    wrong = {
        "name": "p.xlsx",
        "mimeType": "application/zip",
        "buffer": filled_in(template, [{**rows[0], "职务": "13800138000"}]),
    }
    upload(page, wrong, kind="practitioners")
    told = read_when_done(page)
    assert "电话号码" in told and "F3" in told
    assert "13800138000" not in page.content()
    upload(page, {**wrong, "buffer": filled_in(template, rows)}, kind="practitioners")
    told = read_when_done(page)
    assert "示例甲乙" in told and "***********1234" in told and "110210000001234" not in page.content()
    assert faults(page) == []
    page.click('form[action$="/propose"] button')
    assert "已提交" in read_when_done(page)
    one = page.url
    page.click('main a[href^="/staff/proposals/"]')
    number = int(page.url.rsplit("/", 1)[-1])
    assert "示例甲乙" not in editor.get(one.removeprefix(running.url))
    context.close()
    approver = arrive(running, "approver").sign_in()
    assert approver.send(f"/staff/proposals/{number}/approve", on=f"/staff/proposals/{number}").status_code == 200
    code = running.api("/institutions", q=HOSPITAL)["items"][0]["code"]
    assert [one["name"] for one in running.api(f"/institutions/{code}/practitioners")["items"]] == ["示例甲乙"]
