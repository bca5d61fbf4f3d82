"""The workspace in a real browser without JavaScript: by keyboard alone on a phone, and whole at every width."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from registry.records import asof
from tests.desk import FIRST, Staff
from tests.factories import a_list
from tests.journeys.test_pages import read_shape
from tests.running import PASSWORD, Cli, Server

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
NAME = "沈阳市示例增补医院"
LEAST = 44  # pixels of what a finger has to hit
Arrive = Callable[..., Staff]
#: (who, path, status) of every kind of page.
PAGES = (
    ("approver", "/staff", 200),
    ("approver", "/staff/due", 200),
    ("approver", "/staff/due?within=0&kind=certificate", 200),
    ("approver", "/staff/due?within=7", 400),
    ("approver", "/staff/measures?region=210300", 200),
    ("approver", "/staff/measures?from=x", 400),
    ("approver", "/staff/measures/figures/market-ads", 200),
    ("approver", "/staff/measures/records?kind=conference", 200),
    ("editor", "/staff/measures/records/new?kind=figure", 200),
    ("editor", "/staff/measures/records/new?kind=conference", 200),
    ("approver", "/staff/measures/contacts?region=210300", 200),
    ("editor", "/staff/measures/contacts/new", 200),
    ("approver", "/staff/suspend", 200),
    ("approver", "/staff/suspend?code={code}", 200),
    ("editor", "/staff/suspend?code=x", 400),
    ("approver", "/staff/proposals/3?leaf=2", 200),
    ("approver", "/staff/proposals/3?leaf=99", 400),
    ("approver", "/staff/proposals?state=returned", 200),
    ("approver", "/staff/proposals/7", 200),
    ("editor", "/staff/proposals/7", 200),
    ("approver", "/staff/proposals", 200),
    ("approver", "/staff/proposals?state=approved", 200),
    ("approver", "/staff/proposals?state=rejected", 200),
    ("approver", "/staff/proposals?state=none", 400),
    ("approver", "/staff/proposals/5", 200),
    ("approver", "/staff/proposals/1", 200),
    ("approver", "/staff/proposals/999", 404),
    ("approver", "/staff/trail", 403),
    ("approver", "/staff/account", 200),
    ("approver", "/staff/password", 200),
    ("admin", "/staff", 200),
    ("admin", "/staff/accounts", 200),
    ("admin", "/staff/accounts/editor", 200),
    ("admin", "/staff/accounts/nobody", 404),
    ("admin", "/staff/trail", 200),
    ("admin", "/staff/trail?account=nobody", 200),
    ("admin", "/staff/trail?since=yesterday", 400),
    ("half", "/staff/second", 200),
    ("new", "/staff/enrol", 200),
    ("nobody", "/staff/sign-in", 200),
    ("editor", "/staff/proposals/5", 200),
)


@pytest.fixture
def running(staffed: Cli, start: Callable[..., Server], tmp_path: Path) -> Server:
    """A seeded register in which proposal 5, by the editor, waits."""
    for name, role in (("admin", "administrator"), ("new", "auditor")):
        staffed.ok("user", "add", name, "--role", role, input=PASSWORD)
    path = a_list(tmp_path / "new.csv", [{"name": NAME, "address": "辽宁省沈阳市和平区示例路9号"}])
    outcome = staffed.ok("import", path, "--as-of", "2025-09-30", "--by", "editor", "--json").json
    assert outcome["proposal"] == 5
    code = staffed.ok("search", "鞍山市妇儿医院", "--json").json["items"][0]["institution"]["code"]
    stopped = staffed.ok("suspend", code, "--technique", "IVF", "--reason", "示例", "--by", "editor", "--json").json
    assert stopped["waiting"] == 7
    return start(staffed.data_dir)


def browsing(browser: Browser, server: Server, who: Staff | None, **more: object) -> BrowserContext:
    """A window of whoever is signed in (nobody with None)."""
    agent = "Desk/1"
    context = browser.new_context(base_url=server.url, user_agent=agent, java_script_enabled=False, **more)  # type: ignore[arg-type]
    if who is not None:
        cookie = who.client.cookies["staff_session"]
        context.add_cookies([{"name": "staff_session", "value": cookie, "url": f"{server.url}/staff"}])
    return context


def faults(page: Page) -> list[str]:
    """What is wrong with how a page stands in its window."""
    found = page.evaluate(
        """least => {
            const all = what => [...document.querySelectorAll(what)]
            const ids = all('[id]').map(one => one.id)
            return {
              wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
              small: all(
                'button, input:not([type=hidden], [hidden], [type=checkbox], [type=radio]), select, textarea, '
                + '.boxes label, .choices label, header a')
                .filter(one => one.getBoundingClientRect().height < least - 0.5).map(one => one.outerHTML.slice(0, 80)),
              unnamed: all('input:not([type=hidden], [hidden]), select, textarea')
                .filter(one => !one.labels.length).map(one => one.name),
              dead: all('a[href^="#"], [aria-describedby]')
                .flatMap(one => (one.getAttribute('aria-describedby') || one.hash.slice(1)).split(' '))
                .filter(id => id && !document.getElementById(id)),
              twice: ids.filter((id, n) => ids.indexOf(id) !== n),
            }
        }""",
        LEAST,
    )
    return [f"{what}: {value}" for what, value in found.items() if value]


def faults_at_every_width(page: Page) -> list[str]:
    """The same at the width of a phone and of a desk, of one page as it was loaded."""
    found = []
    for name, viewport in (("desk", DESK), ("phone", PHONE)):
        page.set_viewport_size(viewport)  # type: ignore[arg-type]
        found += [f"{name} {one}" for one in faults(page)]
    return found


def test_every_page_of_the_workspace_is_whole(browser: Browser, running: Server, arrive: Arrive) -> None:
    people: dict[str, Staff | None] = {"nobody": None, "new": arrive(running, "new")}
    people |= {name: arrive(running, name).sign_in() for name in ("admin", "approver", "editor")}
    half = arrive(running, "admin")
    for one in (half, people["new"]):
        assert one is not None
        assert one.show_password().status_code == 303
    people["half"] = half
    wrong: list[str] = []
    code = running.api("/institutions", q="鞍山市妇儿医院")["items"][0]["code"]
    for who, person in people.items():
        context = browsing(browser, running, person, viewport=PHONE)
        page = context.new_page()
        page.on("console", lambda said: wrong.append(said.text) if "responded with a status" not in said.text else None)
        for _, form, status in filter(lambda one, who=who: one[0] == who, PAGES):  # type: ignore[misc]
            path = form.format(code=code)
            for switch in ("", "lang=en", "size=large"):
                answer = page.goto(path + ("?&"["?" in path] + switch if switch else ""))
                assert answer is not None
                assert answer.status == status, f"{who} {path} -> {answer.status}"
                shape = read_shape(page)
                assert shape["h1"] == 1, path
                assert shape["lang"] == ("en" if "en" in switch else "zh-CN")
                wrong.extend(f"{who} {path} {switch} {one}" for one in faults_at_every_width(page))
        context.close()
    assert wrong == []


def press_to(page: Page, target: str, most: int = 60) -> None:
    """Tab until the element has the focus; where it is can be seen."""
    for _ in range(most):
        if page.locator(f"{target}:focus").count():
            width = page.locator(target).evaluate("one => parseFloat(getComputedStyle(one).outlineWidth)")
            assert width >= 3, f"the focus on {target} cannot be seen"
            return
        page.keyboard.press("Tab")
    pytest.fail(f"the keyboard never reached {target}")


def test_signing_in_and_approving_on_a_phone_by_keyboard_alone(
    browser: Browser, running: Server, arrive: Arrive
) -> None:
    known = arrive(running, "approver").sign_in()
    context = browsing(browser, running, None, viewport=PHONE)
    page = context.new_page()
    page.goto("/staff/proposals/5")
    assert page.url.endswith("/staff/sign-in?next=/staff/proposals/5")
    press_to(page, "#name")
    page.keyboard.type("approver")
    page.keyboard.press("Tab")
    page.keyboard.type("a wrong pass phrase")
    page.keyboard.press("Enter")
    page.wait_for_selector(".error-summary")
    assert page.locator("#name").input_value() == "approver"
    assert page.locator("#password").get_attribute("aria-invalid") == "true"
    assert page.locator("#password:focus").count() == 1
    page.keyboard.type(FIRST)
    page.keyboard.press("Enter")
    page.wait_for_url("**/staff/second*")
    press_to(page, "#code")
    page.keyboard.type(known.fresh_code())
    page.keyboard.press("Enter")
    page.wait_for_url("**/staff/proposals/5")
    assert NAME in page.locator("main").inner_text()
    press_to(page, 'form[action$="/approve"] button')
    page.keyboard.press("Enter")
    page.wait_for_selector(".notice-tick")
    assert "写入日志" in page.locator("main").inner_text()
    assert faults(page) == []
    context.close()
    hit = running.api("/institutions", q=NAME)["items"][0]
    assert hit["name"] == NAME


def test_a_table_is_sorted_by_its_headings_and_by_keyboard(
    browser: Browser, running: Server, arrive: Arrive, staffed: Cli, tmp_path: Path
) -> None:
    path = a_list(tmp_path / "more.csv", [{"name": "沈阳市示例又一医院", "address": "辽宁省沈阳市和平区示例路10号"}])
    staffed.ok("import", path, "--as-of", "2025-09-30", "--by", "editor", "--json")
    approver = arrive(running, "approver").sign_in()
    context = browser.new_context(base_url=running.url, user_agent="Desk/1", viewport=DESK)
    cookie = approver.client.cookies["staff_session"]
    context.add_cookies([{"name": "staff_session", "value": cookie, "url": f"{running.url}/staff"}])
    page = context.new_page()
    page.goto("/staff/proposals")
    numbers = page.locator("tbody td:first-child")
    assert numbers.all_inner_texts() == ["8", "7", "5"]
    press_to(page, "th:first-child a")
    page.keyboard.press("Enter")
    page.wait_for_url("**sort=id")
    assert numbers.all_inner_texts() == ["5", "7", "8"]
    assert page.locator("th:first-child").get_attribute("aria-sort") == "ascending"
    page.locator("th:nth-child(6) a").click()  # changes: 2, 1, 2
    page.wait_for_url("**sort=-items")
    assert numbers.all_inner_texts() == ["8", "5", "7"]
    page.locator("th:nth-child(6) a").click()
    page.wait_for_url("**sort=items")
    assert numbers.all_inner_texts() == ["7", "5", "8"]
    assert page.locator("th[aria-sort]").count() == 1
    context.close()


def test_a_first_sign_in_sets_up_the_authenticator_and_the_next_asks_for_a_code(
    browser: Browser, running: Server, staffed: Cli
) -> None:
    staffed.ok("user", "add", "first", "--role", "editor", input=PASSWORD)
    context = browsing(browser, running, None, viewport=PHONE)
    page = context.new_page()

    def show_password() -> None:
        page.goto("/staff")
        page.locator("#name").fill("first")
        page.locator("#password").fill(FIRST)
        page.get_by_role("button", name="下一步").click()

    show_password()
    page.wait_for_url("**/staff/enrol")
    assert page.locator(".qr svg").count() == 1
    secret = page.locator('input[name="secret"]').get_attribute("value")
    assert secret
    assert secret in page.locator("main").inner_text().replace(" ", "")
    page.locator("#code").fill("000000")
    page.get_by_role("button", name="完成设置").click()
    assert "验证码不对" in page.locator(".error-summary").inner_text()
    secret = page.locator('input[name="secret"]').get_attribute("value") or ""
    page.locator("#code").fill(pyotp.TOTP(secret).now())
    page.get_by_role("button", name="完成设置").click()
    recovery = page.locator(".codes li").all_inner_texts()
    assert len(recovery) == 10
    assert faults(page) == []
    page.get_by_role("link", name="我已保存").click()
    page.wait_for_url("**/staff")
    page.get_by_role("button", name="退出").click()
    page.wait_for_url("**/staff/sign-in*")
    show_password()
    page.wait_for_url("**/staff/second*")
    page.locator("#code").fill(recovery[0])
    page.get_by_role("button", name="登录").click()
    page.wait_for_url("**/staff")
    page.goto("/staff/account")
    assert re.search(r"剩余恢复码\s*9\b", page.locator("main").inner_text())
    context.close()


def test_a_site_is_found_by_name_and_stopped_whole_in_two_steps_and_its_page_gives_that_day(
    browser: Browser, running: Server, arrive: Arrive
) -> None:
    context = browsing(browser, running, arrive(running, "editor").sign_in(), viewport=PHONE)
    page = context.new_page()
    page.goto("/staff/suspend")
    page.fill("#code", "沈阳菁华医院")
    page.click("main form button")
    page.check('input[name="technique"][value="all"]')
    page.fill("#why", "现场检查发现严重问题")
    assert faults_at_every_width(page) == []
    page.click('form[action="/staff/suspend"][method="post"] button')
    page.wait_for_url("**/staff/proposals/*")
    today = asof.read_today()
    code = running.api("/institutions", q="沈阳菁华医院")["items"][0]["code"]
    page.goto(f"/i/{code}")
    shown = page.locator("main").inner_text()
    assert f"自{today.year}年{today.month}月{today.day}日起暂停" in shown
    assert "现场检查" not in shown
    context.close()
