"""Every page of the workspace with a year's work on it: by the rules of axe, and one job by keyboard alone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from registry.settings import Settings
from registry.storage.database import Database
from tests.desk import Staff
from tests.factories import code_of
from tests.journeys.test_pages_staff import DESK, PHONE, faults, press_to
from tests.running import Server
from tests.worked import AGENT, OPEN, PERSON, Worked, open_session, work_a_year

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
#: What axe is asked: everything of WCAG 2.2 up to AA, and what it calls good practice.
_RUN = """async () => {
    const told = await axe.run(document)
    return [told.passes.length, told.violations.map(
        one => `${one.id}: ${one.nodes.map(node => node.html.slice(0, 120)).slice(0, 3).join(' | ')}`)]
}"""
#: Rules that hold on every page: fewer, and axe did not look.
_RULES = 15
_UNFOLD = """() => document.querySelectorAll('details').forEach(one => { one.open = true })"""
#: Pages by whoever reads them.
PAGES = {
    "approver": (
        *("/staff", "/staff/records", "/staff/records?kind=practitioner", "/staff/records?kind=ad_certificate"),
        *("/staff/records?kind=sanction", "/staff/records?q=示例&state=future", "/staff/records?state=x"),
        *("/staff/records?region=110000&state=revoked&q=没有", "/staff/search", "/staff/search?q=示例"),
        *("/staff/due?within=366", "/staff/proposals?state=all", "/staff/proposals?q=没有"),
        *("/staff/editions", "/staff/account", "/staff/suspend", "/staff/suspend?code={code}"),
        *("/staff/records/{code}", "/staff/records/{person}", "/staff/proposals/{pending}"),
        *("/staff/proposals/{returned}", "/staff/proposals/{rejected}", "/staff/proposals/{emergency}"),
        *("/staff/proposals/3", "/staff/proposals/1", "/staff/proposals/1/report", "/staff/accounts"),
        *("/staff/calendar", "/staff/qr", "/staff/qr?code={code}", "/staff/password"),
        *("/staff/letters", "/staff/notices"),
    ),
    "second": (
        *("/staff", "/staff/drafts", "/staff/drafts/{draft}", "/staff/drafts/{draft}/check", "/staff/renewals"),
        *("/staff/imports", "/staff/forms/institution", "/staff/forms/sanction?institution={code}"),
        *("/staff/forms/practitioner?institution={code}", "/staff/forms/ad_certificate?institution={code}"),
        *("/staff/imports/new?kind=list", "/staff/imports/new?kind=practitioners", "/staff/qr?code={code}"),
        *("/staff/drafts/{draft}?step=names", "/staff/drafts/{draft}?step=details", "/staff/drafts/{draft}?step=basis"),
        *(
            "/staff/forms/institution?subject={subject}&field=level",
            "/staff/forms/approval?subject={subject}&technique=IVF",
        ),
        "/staff/forms/practitioner?subject={person_subject}",
    ),
    "anshan": ("/staff/records", "/staff/renewals"),
    "auditor": ("/staff/trail", "/staff/trail?since=yesterday"),
    "publisher": ("/staff/editions/new",),
    "admin": ("/staff/accounts", "/staff/accounts/anshan", "/staff/accounts/changes/1"),
    "": ("/staff/sign-in",),  # nobody is signed in
}


class Workspace(NamedTuple):
    """A running server, what its register holds, and the token of everybody who is signed in."""

    server: Server
    worked: Worked
    tokens: dict[str, str]


@pytest.fixture(scope="module")
def workspace(staffed_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    data_dir = tmp_path_factory.mktemp("worked") / "var"
    shutil.copytree(staffed_dir, data_dir)
    database = Database(Settings(data_dir=data_dir).get_database_url())
    worked = work_a_year(database)
    tokens = {name: open_session(database, name) for name in PAGES if name}
    database.close()
    server = Server(data_dir)
    yield Workspace(server, worked, tokens)
    server.end()


def open_window(browser: Browser, workspace: Workspace, who: str) -> BrowserContext:
    """A window of somebody who is signed in."""
    context = browser.new_context(base_url=workspace.server.url, user_agent=AGENT, viewport=DESK)  # type: ignore[arg-type]
    if who:
        value = workspace.tokens[who]
        context.add_cookies([{"name": "staff_session", "value": value, "url": f"{workspace.server.url}/staff"}])
    context.add_init_script(path=AXE)
    return context


def list_violations(page: Page) -> list[str]:
    """What axe finds on a page, and what is wrong with how it stands in its window."""
    page.evaluate(_UNFOLD)
    passes, found = page.evaluate(_RUN)
    assert passes >= _RULES
    return [*found, *faults(page)]


@pytest.mark.parametrize("who", PAGES)
def test_no_page_breaks_a_rule_of_axe_in_either_language_at_either_width(
    browser: Browser, workspace: Workspace, who: str
) -> None:
    context = open_window(browser, workspace, who)
    page = context.new_page()
    wrong = []
    for form in PAGES[who]:
        path = form.format(**workspace.worked._asdict(), subject=OPEN.subject, person_subject=PERSON.subject)
        for lang in ("", "lang=en"):
            page.goto(path + ("?&"["?" in path] + lang if lang else ""))
            for viewport in (DESK, PHONE):
                page.set_viewport_size(viewport)  # type: ignore[arg-type]
                wrong += [f"{path} {lang} {viewport['width']}: {one}" for one in list_violations(page)]
    context.close()
    assert wrong == [], "\n".join(wrong)


def sign_in_by_keyboard(page: Page, person: Staff) -> None:
    """Sign in as people do, with the keys alone."""
    page.goto("/staff/sign-in")
    press_to(page, "#name")
    page.keyboard.type(person.name)
    page.keyboard.press("Tab")
    page.keyboard.type(person.password)
    page.keyboard.press("Enter")
    page.wait_for_url("**/staff/second*")
    press_to(page, "#code")
    page.keyboard.type(person.fresh_code())
    page.keyboard.press("Enter")
    page.wait_for_url("**/staff")


def test_one_finds_and_suspends_and_another_confirms_with_the_keys_alone(
    browser: Browser, workspace: Workspace
) -> None:
    windows = []
    pages = {}
    for name in ("editor", "approver"):
        person = Staff(workspace.server, name).sign_in()
        person.client.close()
        windows.append(browser.new_context(base_url=workspace.server.url, viewport=DESK))  # type: ignore[arg-type]
        pages[name] = windows[-1].new_page()
        sign_in_by_keyboard(pages[name], person)
    page = pages["editor"]
    press_to(page, "#site-q")
    page.keyboard.type(str(OPEN.change.set["name"]))
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/staff/records/{workspace.worked.code}")
    press_to(page, 'main a[href^="/staff/suspend"]')
    page.keyboard.press("Enter")
    press_to(page, 'input[name="technique"]')
    page.keyboard.press("Space")
    press_to(page, "#why")
    page.keyboard.type("示例原因")
    press_to(page, 'form[method="post"] button:has-text("暂停")')
    page.keyboard.press("Enter")
    page.wait_for_url("**/staff/proposals/*")
    number = page.url.rpartition("/")[2]
    page = pages["approver"]
    press_to(page, "#site-q")
    page.keyboard.type(number)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/staff/proposals/{number}")
    press_to(page, 'form[action$="/approve"] button', most=120)
    page.keyboard.press("Enter")
    page.wait_for_selector(".notice-tick")
    press_to(page, f'main a[href="/staff/records/{code_of(OPEN)}"]')
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/staff/records/{code_of(OPEN)}")
    assert "停业整改" in page.locator("main").inner_text()
    for window in windows:
        window.close()
