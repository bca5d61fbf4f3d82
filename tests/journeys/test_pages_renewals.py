"""The yearly work in a real browser: two hundred approvals renewed with few clicks, and approved by another person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from registry.domain.model import Draft
from registry.proposals import approve, propose
from registry.records import asof
from registry.settings import Settings
from registry.storage.database import Database
from tests.desk import Staff
from tests.factories import an_institution, hash_of
from tests.forming import PDF
from tests.journeys.test_pages_forms import window
from tests.journeys.test_pages_staff import PHONE, faults_at_every_width
from tests.running import Cli, Server

NUMBER, MOST_CLICKS = 200, 6
TODAY = asof.read_today()
DUE = TODAY + dt.timedelta(days=30)
Arrive = Callable[..., Staff]


def an_institution_that_falls_due(number: int) -> Draft:
    approval = {"stage": "formal", "verification_due": DUE.isoformat(), "document_no": f"示文{number}号"}
    place = f"辽宁省鞍山市铁西区示例路{number}号"
    return an_institution(f"示例第{number}医院", place, source=None, **{"approvals.IVF": approval})


@pytest.fixture
def running(staffed: Cli, start: Callable[..., Server]) -> Server:
    """A seeded register in which NUMBER approvals fall due."""
    database = Database(Settings(data_dir=staffed.data_dir).get_database_url())
    drafts = [an_institution_that_falls_due(number) for number in range(NUMBER)]
    number = propose(database, drafts, by="editor", title="示例")
    approve(database, number, by="approver", seen=hash_of(database, number))
    database.close()
    return start(staffed.data_dir)


class Counter:
    """Clicks on a page, as a person makes them; what is typed is none."""

    def __init__(self, page: Page) -> None:
        self.page, self.clicks = page, 0

    def click(self, selector: str) -> None:
        self.page.click(selector)
        self.clicks += 1


def test_two_hundred_approvals_are_renewed_with_six_clicks_and_approved(
    browser: Browser, running: Server, arrive: Arrive, tmp_path: Path
) -> None:
    (tmp_path / "通知.pdf").write_bytes(PDF)
    editor = arrive(running, "editor").sign_in()
    context = window(browser, running, editor)
    page = context.new_page()
    counter = Counter(page)
    page.goto("/staff")
    counter.click('main a[href="/staff/renewals"]')
    page.select_option("#region", "210000")
    counter.click(".trail-filter button")
    assert page.locator('input[name="chosen"]:checked').count() == NUMBER
    counter.click("form.renewal > button")
    assert f"{NUMBER}家机构的{NUMBER}项" in page.locator("main").inner_text()
    assert faults_at_every_width(page) == []
    for field, value in {"doc_title": "关于校验的通知", "doc_number": "示卫〔1〕号", "doc_date": str(TODAY)}.items():
        page.fill(f"#{field}", value)
    page.set_input_files("#doc_file", tmp_path / "通知.pdf")
    counter.clicks += 2  # the chooser of files is opened and closed
    counter.click('button[value="propose"]')
    page.wait_for_url("**/staff/proposals/*")
    assert counter.clicks <= MOST_CLICKS
    number = page.url.rpartition("/")[2]
    context.close()
    second = window(browser, running, arrive(running, "approver").sign_in(), PHONE)
    decide = second.new_page()
    decide.goto(f"/staff/proposals/{number}")
    shown = decide.locator("main").inner_text()
    assert f"批准文件与校验期（{NUMBER}）" in shown
    assert shown.count(f"{DUE.year + 2}年") >= NUMBER
    lapse = DUE + dt.timedelta(days=1)
    assert f"{lapse.year}年{lapse.month}月{lapse.day}日起 已失效 → 已获批准" in shown
    assert faults_at_every_width(decide) == []
    decide.click('form[action$="/approve"] button')
    decide.wait_for_selector(".notice-tick")
    second.close()
    assert "示例第" not in editor.get("/staff/due?within=90&kind=verification")


def test_a_form_that_is_not_right_comes_back_as_it_was_filled_in(
    browser: Browser, running: Server, arrive: Arrive
) -> None:
    context = window(browser, running, arrive(running, "editor").sign_in(), PHONE)
    page = context.new_page()
    page.goto("/staff/renewals?region=210300")
    page.uncheck('input[name="chosen"] >> nth=0')
    page.click("form.renewal > button")
    page.fill("#doc_title", "关于校验的通知")
    page.click('button[value="propose"]')
    page.wait_for_selector(".error-summary")
    assert page.locator("#doc_title").input_value() == "关于校验的通知"
    page.click('button[value="back"]')
    assert page.locator('input[name="chosen"]:checked').count() == NUMBER - 1
    page.click("form.renewal > button")
    assert page.locator("#doc_title").input_value() == "关于校验的通知"
    assert faults_at_every_width(page) == []
    page.goto("/staff/renewals?region=999999")
    assert "没有行政区划代码" in page.locator(".error-summary").inner_text()
    context.close()
