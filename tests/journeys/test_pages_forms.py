"""Forms of the workspace in a real browser: by keyboard alone on a phone, kept while typing, two on one record."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog

from tests.desk import Staff
from tests.forming import DOCUMENT, PDF, approved, drafted, fill, proposed
from tests.journeys.test_pages_staff import DESK, PHONE, faults, faults_at_every_width, press_to
from tests.running import PASSWORD, Cli, Server, eventually

Arrive = Callable[..., Staff]
DEMO = "示例市第一示例医院"
NAME, ADDRESS = "鞍山市示例增补医院", "辽宁省鞍山市铁西区示例路9号"


@pytest.fixture
def running(staffed: Cli, start: Callable[..., Server]) -> Server:
    """A seeded register with the fictional city and a second editor."""
    staffed.ok("seed", "--demo")
    staffed.ok("user", "add", "second.editor", "--role", "editor", input=PASSWORD)
    return start(staffed.data_dir)


@pytest.fixture
def editor(running: Server, arrive: Arrive) -> Staff:
    return arrive(running, "editor").sign_in()


@pytest.fixture
def code(editor: Staff) -> str:
    found = re.search(r"/staff/records/([0-9A-Z]{4}-[0-9A-Z]{4})", editor.get(f"/staff/records?q={DEMO}"))
    assert found
    return found[1]


def window(
    browser: Browser, server: Server, who: Staff, viewport: dict[str, int] = DESK, scripts: bool = False
) -> BrowserContext:
    """A window in which somebody is signed in."""
    context = browser.new_context(
        base_url=server.url,
        user_agent="Desk/1",
        java_script_enabled=scripts,
        viewport=viewport,  # type: ignore[arg-type]
    )
    cookie = {"name": "staff_session", "value": who.client.cookies["staff_session"], "url": f"{server.url}/staff"}
    context.add_cookies([cookie])  # type: ignore[list-item]
    return context


def edit(code: str) -> str:
    return f"/staff/forms/institution?subject=institution:{code.replace('-', '')}"


def test_every_page_of_the_forms_is_whole(
    browser: Browser, running: Server, editor: Staff, arrive: Arrive, code: str
) -> None:
    other, approver = arrive(running, "second.editor").sign_in(), arrive(running, "approver").sign_in()
    subject = f"institution:{code.replace('-', '')}"
    mine = drafted(editor, edit(code), name="示例市第一示例医院（示例院）", uscc="12210300MB0000028N", level="三级甲等")
    alike = {"name": "沈阳市妇婴医院分院", "address": "辽宁省沈阳市沈河区大南街87号", "stage__IVF": "formal"}
    like = drafted(editor, "/staff/forms/institution", **alike)
    theirs = proposed(other, drafted(other, edit(code), name="示例市第一示例总医院", campus="示例院区"))
    person = drafted(
        editor, f"/staff/forms/practitioner?institution={code}", name="示例员", role="护士", techniques=["IVF"]
    )
    returned = proposed(editor, person)
    page = f"/staff/proposals/{returned}"
    approver.send(f"{page}/reject", on=page, reason="岗位与批文不符")
    wrong_form = fill(editor, "/staff/forms/sanction", effective="2025-02-30", summary="示例")
    unclear = fill(editor, "/staff/forms/institution", name=NAME, address=ADDRESS, region="铁西")
    pages = [
        "/staff/records",
        f"/staff/records?q={DEMO}",
        "/staff/search?q=示例",
        "/staff/records?q=没有这样的名称",
        f"/staff/records/{code}",
        "/staff/forms/institution",
        f"/staff/forms/approval?subject={subject}&technique=PGT",
        f"/staff/forms/practitioner?institution={code}",
        f"/staff/forms/ad_certificate?institution={code}",
        f"/staff/forms/sanction?institution={code}",
        "/staff/forms/sanction",
        "/staff/drafts",
        mine,
        f"{mine}?said=saved",
        f"{mine}/check",
        f"{like}/check",
        f"{wrong_form.draft}/check",
        f"{wrong_form.draft}?step=basis&back=check",
        *(f"{like}?step={step}" for step in ("approvals", "basis", "more", "approval-IVF")),
        f"{edit(code)}&field=address",
        f"{unclear.draft}?step=site&back=check",
        "/staff/drafts/999",
    ]
    wrong: list[str] = []
    context = window(browser, running, editor, PHONE)
    shown = context.new_page()
    shown.on("console", lambda said: wrong.append(said.text) if "responded with a status" not in said.text else None)

    def look(paths: list[str]) -> None:
        for path in paths:
            for switch in ("", "lang=en", "size=large"):
                shown.goto(path + ("?&"["?" in path] + switch if switch else ""))
                assert shown.locator("h1").count() == 1, path
                wrong.extend(f"{path} {switch} {one}" for one in faults_at_every_width(shown))

    look(pages)
    approved(approver, theirs)
    look([mine, f"{mine}/check"])  # the record has moved
    context.close()
    assert wrong == []


def test_a_change_by_keyboard_alone_on_a_phone_and_its_approval_by_another_to_the_public_page(
    browser: Browser, running: Server, editor: Staff, arrive: Arrive
) -> None:
    context = window(browser, running, editor, PHONE)
    page = context.new_page()
    page.goto("/staff/records")
    press_to(page, "#q")
    page.keyboard.type(DEMO)
    page.keyboard.press("Enter")
    page.wait_for_url("**/staff/records?*q=*")
    press_to(page, ".browsed tbody tr:first-child a")
    page.keyboard.press("Enter")
    page.wait_for_url("**/staff/records/*")
    code = page.url.rpartition("/")[2]
    press_to(page, "main summary")
    page.keyboard.press("Enter")
    press_to(page, 'a[href$="field=level"]')
    page.keyboard.press("Enter")
    page.wait_for_url("**/staff/forms/institution?*")
    press_to(page, "#level")
    page.keyboard.type("三级甲等")
    press_to(page, "#effective")
    page.keyboard.type("11010026")  # a year that is too early, as the browser's language orders a day
    press_to(page, 'button[value="next"]')
    page.keyboard.press("Enter")
    page.wait_for_selector(".error-summary:focus")  # read first, and its links lead on
    press_to(page, ".error-summary a")
    page.keyboard.press("Enter")
    assert page.locator("#effective:focus").count() == 1  # where it has to be put right
    assert page.locator("#level").input_value() == "三级甲等"
    page.keyboard.type("11012026")
    press_to(page, 'button[value="next"]')
    page.keyboard.press("Enter")
    page.wait_for_url("**/check")
    assert "三级甲等" in page.locator(".stacked mark").inner_text()
    assert faults(page) == []
    press_to(page, 'form[action$="/propose"] button')
    page.keyboard.press("Enter")
    page.wait_for_url("**/staff/proposals/*")
    number = page.url.rpartition("/")[2]
    context.close()
    second = window(browser, running, arrive(running, "approver").sign_in(), PHONE)
    decide = second.new_page()
    decide.goto(f"/staff/proposals/{number}")
    press_to(decide, 'form[action$="/approve"] button')
    decide.keyboard.press("Enter")
    decide.wait_for_selector(".notice-tick")
    decide.goto(f"/i/{code}")
    assert "三级甲等" in decide.locator("main").inner_text()
    second.close()


def test_a_new_institution_with_its_document_goes_through_the_browser_to_the_public_page_and_the_verdict(
    browser: Browser, running: Server, editor: Staff, arrive: Arrive, tmp_path: Path
) -> None:
    (tmp_path / "批复.pdf").write_bytes(PDF)
    context = window(browser, running, editor)
    page = context.new_page()
    page.goto("/staff/forms/institution")
    approval = {"authority": "辽宁省卫生健康委", "document_no": "示卫〔2025〕1号"}
    days = {"valid_from": "2025-10-20", "verification_due": "2099-10-19"}
    seen = [page.url]
    page.on("framenavigated", lambda frame: seen.append(frame.url))
    steps: tuple[dict[str, str], ...] = ({"name": NAME, "address": ADDRESS}, approval, {**DOCUMENT, **days})
    for step in steps:
        for field, value in step.items():
            page.fill(f"#{field}", value)
        if "authority" in step:
            page.select_option('[id="stage.IVF"]', "formal")
        if "doc_date" in step:
            page.set_input_files("#doc_file", tmp_path / "批复.pdf")
        page.click('button[value="next"]')
    page.wait_for_url("**/check")
    assert len(seen) == 4  # the measure: from the form's first page to what is proposed
    checked = page.locator("main").inner_text()
    for value in ("批复.pdf", "辽宁省卫生健康委", "示卫〔2025〕1号", "2025年10月20日", "2099年10月19日"):
        assert value in checked, value
    page.click('form[action$="/propose"] button')
    page.wait_for_url("**/staff/proposals/*")
    number = int(page.url.rpartition("/")[2])
    context.close()
    assert running.verify(provider={"name": NAME})["verdict"] == "not_found"
    approver = arrive(running, "approver").sign_in()
    second = window(browser, running, approver, PHONE)
    decide = second.new_page()
    decide.goto(f"/staff/proposals/{number}")
    shown = decide.locator("main").inner_text()
    for value in (NAME, ADDRESS, "辽宁省卫生健康委", "示卫〔2025〕1号", "2025年10月20日", "2099年10月19日"):
        assert value in shown, value
    assert "名录中未找到 → 已获批准" in shown  # what a check answers, and from which day
    assert faults_at_every_width(decide) == []
    second.close()
    approved(approver, number)
    claim = {"provider": {"name": NAME, "address": ADDRESS}, "techniques": ["IVF"]}
    assert eventually(lambda: bool(running.verify(**claim)["verdict"] == "licensed"))


def test_what_is_typed_is_kept_by_itself_and_found_again_in_another_browser(
    browser: Browser, running: Server, editor: Staff
) -> None:
    context = window(browser, running, editor, scripts=True)
    page = context.new_page()
    page.goto("/staff/forms/institution")
    page.fill("#name", NAME)
    asked: list[str] = []

    def told(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", told)
    page.locator("#name").press("End")  # a browser asks only after somebody did something
    with page.expect_event("dialog"):
        page.close(run_before_unload=True)
    page.locator("#autosaved", has_text="自动保存").wait_for()
    assert asked == ["beforeunload"]
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.fill("#address", ADDRESS)
    context.close()
    again = window(browser, running, editor, PHONE)
    found = again.new_page()
    found.goto("/staff/drafts")
    assert found.locator('main a[href^="/staff/drafts/"]').count() == 1
    found.click('main a[href^="/staff/drafts/"]')
    assert (found.locator("#name").input_value(), found.locator("#address").input_value()) == (NAME, ADDRESS)
    again.close()


def test_two_browsers_on_one_record_the_second_is_told_and_loses_nothing(
    browser: Browser, running: Server, editor: Staff, arrive: Arrive, code: str
) -> None:
    first = window(browser, running, editor)
    second = window(browser, running, arrive(running, "second.editor").sign_in(), PHONE)
    one, two = first.new_page(), second.new_page()
    one.goto(f"{edit(code)}&step=details")
    one.fill("#level", "三级甲等")
    one.click('button[value="save"]')
    two.goto(f"{edit(code)}&step=details")
    assert "editor 自" in two.locator(".notice-warning").inner_text()
    two.fill("#level", "二级甲等")
    two.fill("#ownership", "公立")
    two.click('button[value="save"]')
    draft = two.url.partition("?")[0]
    one.click('button[value="check"]')
    one.click('form[action$="/propose"] button')
    one.wait_for_url("**/staff/proposals/*")
    approved(arrive(running, "approver").sign_in(), int(one.url.rpartition("/")[2]))
    two.click('button[value="check"]')
    two.wait_for_url("**/check")
    said = two.locator("table").inner_text()
    assert "三级甲等" in said
    assert "二级甲等" in said
    assert faults(two) == []
    two.check('input[name="take-level"][value="theirs"]')
    two.click('form[action$="/join"] button')
    two.wait_for_url(f"{draft}*said=joined")
    assert (two.locator("#level").input_value(), two.locator("#ownership").input_value()) == ("三级甲等", "公立")
    two.click('button[value="check"]')
    two.click('form[action$="/propose"] button')
    two.wait_for_url("**/staff/proposals/*")
    first.close()
    second.close()
