"""Steps of a form at a real server: left and taken up again, mended from the answers, saved whatever happens."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import html
from playwright.sync_api import Browser

from registry.settings import Settings
from tests.desk import Staff, let_sessions_run_out
from tests.forming import DOCUMENT, PDF, action_of, answers_of, errors_in, fields_of, fill, form_of
from tests.journeys.test_pages_staff import DESK
from tests.running import Server, serving

NAME, ADDRESS = "鞍山市示例增补医院", "辽宁省鞍山市铁西区示例路9号"
FORM = "/staff/forms/institution"


@pytest.fixture(scope="module")
def data_dir(staffed_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(staffed_dir, tmp_path_factory.mktemp("steps") / "var"))


@pytest.fixture(scope="module")
def running(data_dir: Path) -> Iterator[Server]:
    """A server in which nothing is approved: every test has drafts of its own."""
    with serving(data_dir) as server:
        yield server


@pytest.fixture(scope="module")
def editor(running: Server) -> Iterator[Staff]:
    one = Staff(running, "editor").sign_in()
    yield one
    one.client.close()


def come_back(running: Server, known: Staff) -> Staff:
    """The same person, signed in once more."""
    again = Staff(running, known.name)
    again.secret, again.recovery = known.secret, known.recovery
    return again.sign_in()


def send_step(one: Staff, page: str, action: str = "next", **typed: str) -> str:
    """Fill in the step at ``page`` and press a button; where that leads."""
    shown = one.get(page)
    path = action_of(shown)
    files = {"doc_file": ("批复.pdf", PDF, "application/pdf")} if "doc_title" in typed else {}
    answer = one.client.post(path, data={**fields_of(shown, path), **typed, "action": action}, files=files)
    assert answer.status_code == 303, errors_in(answer.text)
    return str(answer.headers["location"])


def test_a_form_is_left_at_a_step_and_taken_up_there(editor: Staff) -> None:
    second = send_step(editor, FORM, name=NAME, address=ADDRESS)
    assert second.endswith("?step=approvals")
    assert "第 2 步，共 4 步" in editor.get(second)
    send_step(editor, second, "save", document_no="示卫〔2025〕1号")
    draft = second.partition("?")[0]
    assert f'href="{draft}"' in editor.get("/staff/drafts")
    shown = editor.get(draft)
    assert "第 2 步，共 4 步" in shown
    assert fields_of(shown, draft)["document_no"] == "示卫〔2025〕1号"
    assert send_step(editor, draft, "back", authority="示例委").endswith("?step=site")
    kept = answers_of(editor, draft)
    assert (kept["name"], kept["document_no"], kept["authority"]) == (NAME, "示卫〔2025〕1号", "示例委")


#: Each job: the form, what is filled in besides the document, and the pages up to the button that proposes.
JOBS = {
    "new institution": (FORM, {"name": NAME, "address": ADDRESS, "stage.IVF": "formal"}, 4),
    "suspension": ("{approval}", {"stage": "suspended", "document_no": "示卫决〔2025〕31号"}, 2),
    "next stage": ("{approval}", {"stage": "trial", "document_no": "示卫批〔2025〕31号"}, 3),
    "correction": ("{record}&field=name", {"name": "示例医院", "effective": "2025-06-30", "reason": "誊录有误"}, 2),
    "change of no legal fact": ("{record}&field=level", {"level": "三级甲等"}, 2),
    "person": (
        "/staff/forms/practitioner?institution={code}",
        {"name": "示例员", "role": "护士", "techniques": "IVF"},
        3,
    ),
    "certificate": ("/staff/forms/ad_certificate?institution={code}", {"number": "（示）医广【2025】第1101002号"}, 2),
    "sanction": (
        "/staff/forms/sanction?institution={code}",
        {"authority": "示例局", "document_no": "示罚1号", "decided_on": "2025-10-18", "summary": "示例"},
        5,
    ),
    "inspection": (
        "/staff/forms/supervision?institution={code}",
        {
            **{"kind": "inspection", "held_on": "2025-10-18", "inspection_kind": "special"},
            **{"authority": "示例局", "result": "no_problem"},
        },
        4,
    ),
}


@pytest.mark.parametrize("job", JOBS)
def test_a_job_takes_its_pages_and_no_more(running: Server, editor: Staff, job: str) -> None:
    address, typed, pages = JOBS[job]
    code = running.api("/institutions", q="鞍山市妇儿医院")["items"][0]["code"]
    record = f"institution:{code.replace('-', '')}"
    at = address.format(
        code=code,
        record=f"{FORM}?subject={record}",
        approval=f"/staff/forms/approval?subject={record}&technique=IVF",
    )
    seen, waiting = 1, {**DOCUMENT, **typed}
    while not at.endswith("/check"):
        names = fields_of(editor.get(at), action_of(editor.get(at)))
        asked = {name for name in waiting if name in names or (name == "techniques" and "role" in names)}
        at = send_step(editor, at, **{name: waiting.pop(name) for name in asked})
        seen += 1
    assert seen == pages
    assert set(waiting) <= (set() if "field=level" not in address else {*DOCUMENT})
    assert 'action="' + at.removesuffix("/check") + '/propose"' in editor.get(at)


def test_an_answer_is_changed_from_the_last_page_and_leads_back_to_it(editor: Staff) -> None:
    typed = {"name": NAME, "address": ADDRESS, "stage__IVF": "formal", "uscc": "123", "verification_due": "2099-10-19"}
    done = fill(editor, FORM, document=PDF, **DOCUMENT, **typed)
    assert (done.status_code, any("现有3位" in one for one in errors_in(done.text))) == (400, True)
    check = f"{done.draft}/check"
    page = editor.get(check, 400)
    assert "提交审批" not in page  # there is something to mend first
    links = {
        str(link.get("href")).partition("#")[2]: str(link.get("href")) for link in html.fromstring(page).xpath("//a")
    }
    step = editor.get(links["uscc"])  # of the summary of errors, and of the answer itself
    assert 'id="uscc-error"' in step
    assert send_step(editor, links["uscc"], uscc="") == check
    page = editor.get(check)
    assert form_of(page, f"{done.draft}/propose") is not None
    assert "无法回答" in page or "→" in page  # what checks will answer, by day
    for answer in (NAME, ADDRESS, "正式运行", "2099年10月19日", DOCUMENT["doc_title"], "批复.pdf"):
        assert answer in page
    assert send_step(editor, links["address"], address="辽宁省鞍山市铁东区示例路9号") == check
    assert "辽宁省鞍山市铁东区" in editor.get(check)


def test_one_technique_with_another_document_has_answers_of_its_own(editor: Staff) -> None:
    typed = {
        "stage__IVF": "formal",
        "stage__PGT": "trial",
        "document_no": "示卫〔2025〕1号",
        "valid_from": "2025-10-20",
    }
    own = {"document_no__PGT": "示卫〔2025〕2号", "verification_due__PGT": "2025-10-01"}
    done = fill(editor, FORM, document=PDF, **DOCUMENT, name=NAME, address=ADDRESS, **typed, **own)
    assert any("2025-10-01 不能早于" in one for one in errors_in(done.text))
    at = f"{done.draft}?step=approval-PGT&back=check"
    assert 'id="verification_due.PGT-error"' in editor.get(at)
    check = editor.get(send_step(editor, at, **{"verification_due.PGT": "2026-10-19"}))
    rows = {"".join(one[0].itertext()): "".join(one[2].itertext()) for one in html.fromstring(check).iter("tr")}
    assert "示卫〔2025〕1号" in rows["试管婴儿（体外受精-胚胎移植）"]
    assert "示卫〔2025〕2号" in rows["三代试管（植入前胚胎遗传学检测）"]
    assert "2025年10月20日" in rows["三代试管（植入前胚胎遗传学检测）"]  # what is stated of all


def test_a_place_is_chosen_by_its_name_without_a_script(editor: Staff) -> None:
    assert editor.client.get("/staff/regions", params={"q": "鞍山铁西"}).json() == {"items": ["辽宁省鞍山市铁西区"]}
    assert editor.client.get("/staff/regions", params={"address": ADDRESS}).json() == {"items": ["辽宁省鞍山市铁西区"]}
    unclear = fill(editor, FORM, name=NAME, address="示例路9号", region="铁西")
    assert any("可能是几个地方" in one for one in errors_in(unclear.text))
    at = f"{unclear.draft}?step=site"
    offered = html.fromstring(editor.get(at)).xpath('//input[@name="region"]/@value')
    assert offered == ["辽宁省沈阳市铁西区", "辽宁省鞍山市铁西区", "吉林省四平市铁西区", "", "铁西"]
    send_step(editor, at, region="辽宁省鞍山市铁西区")
    shown = editor.get(at)
    assert fields_of(shown, unclear.draft)["region"] == "辽宁省鞍山市铁西区"
    assert "210303" not in shown
    unknown = fill(editor, FORM, name=NAME, address=ADDRESS, region="亚特兰蒂斯")
    assert any("没有名为“亚特兰蒂斯”的" in one for one in errors_in(unknown.text))


def test_an_institution_is_named_by_its_name_and_chosen_where_several_may_be_meant(
    running: Server, editor: Staff
) -> None:
    found = running.api("/institutions", q="鞍山市妇儿医院")["items"][0]
    page = "/staff/forms/sanction"
    second = send_step(editor, page, "save", institution=found["name"])
    draft = second.partition("?")[0]
    assert fields_of(editor.get(draft), draft)["institution"].replace("-", "") == found["code"].replace("-", "")
    assert found["address"] in editor.get(draft)
    unclear = fill(editor, page, institution="沈阳市妇婴", document_no="示罚1号")
    assert any("没有唯一叫这个名称的机构" in one for one in errors_in(unclear.text))
    offered = html.fromstring(editor.get(f"{unclear.draft}?step=case")).xpath('//input[@name="institution"]/@value')
    assert len(offered) > 2
    send_step(editor, f"{unclear.draft}?step=case", "save", institution=offered[0])
    assert "没有唯一叫" not in editor.get(f"{unclear.draft}?step=case&back=check")


def test_what_destroys_says_so_before_the_button(editor: Staff) -> None:
    saved = fill(editor, FORM, action="save", name=NAME, document=PDF)
    at = f"{saved.draft}?step=basis"
    page = html.fromstring(editor.get(at))
    for action in (page.xpath('//button[@value="remove_file"]'), page.xpath('//form[contains(@action, "/discard")]')):
        (asked,) = action[0].xpath("ancestor::details")
        assert "不能恢复" in asked.text_content()
    assert "批复.pdf" in editor.get(at)
    send_step(editor, at, "remove_file")
    assert "批复.pdf" not in editor.get(at)


def test_what_was_typed_in_a_session_that_ran_out_is_there_after_the_next_sign_in(
    running: Server, data_dir: Path, editor: Staff
) -> None:
    one = Staff(running, "approver").sign_in()  # may have no drafts
    shown = come_back(running, editor)
    page = shown.get(FORM)
    sent = {**fields_of(page, FORM), "name": NAME, "address": ADDRESS, "action": "next"}
    for name in ("editor", "approver"):
        let_sessions_run_out(Settings(data_dir=data_dir), name)
    late = shown.client.post(FORM, data=sent, files={"doc_file": ("批复.pdf", PDF, "application/pdf")})
    assert late.headers["location"].startswith("/staff/sign-in?next=/staff/drafts/")
    told = shown.client.post(FORM, data={**sent, "campus": "甲院区", "action": "autosave"}).json()
    assert told["sign_in"] == f"/staff/sign-in?next={told['path']}"
    draft = late.headers["location"].partition("next=")[2]
    for path in (draft, FORM, "/staff", f"{draft}/check"):  # it shows nothing, and does nothing else
        assert shown.client.get(path).headers["location"].startswith("/staff/sign-in")
    for path in (f"{draft}/discard", f"{draft}/propose"):
        assert shown.client.post(path, data=sent).headers["location"].startswith("/staff/sign-in")
    forged = shown.client.post(FORM, data={**sent, "form_token": "0" * 64})
    assert forged.status_code == 403
    refused = one.client.post(FORM, data=sent)
    assert refused.status_code in (303, 403)
    assert "drafts" not in refused.headers.get("location", "")
    again = come_back(running, shown)
    kept = answers_of(again, draft)
    assert (kept["name"], kept["address"]) == (NAME, ADDRESS)
    assert answers_of(again, told["path"])["campus"] == "甲院区"
    for person in (one, shown, again):
        person.client.close()


def test_saving_by_itself_is_told_with_its_time_and_so_is_what_to_do_when_it_fails(
    browser: Browser, running: Server, data_dir: Path, editor: Staff
) -> None:
    one = come_back(running, editor)
    context = browser.new_context(base_url=running.url, user_agent="Desk/1", viewport=DESK)  # type: ignore[arg-type]
    cookie = {"name": "staff_session", "value": one.client.cookies["staff_session"], "url": f"{running.url}/staff"}
    context.add_cookies([cookie])  # type: ignore[list-item]
    page = context.new_page()
    page.goto(FORM)
    page.locator("#region").press_sequentially("鞍山市铁西")
    page.locator("#region-places option[value='辽宁省鞍山市铁西区']").wait_for(state="attached")
    told = page.locator("#autosaved")
    told.filter(has_text="自动保存为草稿").wait_for()
    assert ":" in told.inner_text()
    context.set_offline(True)
    page.fill("#name", NAME)
    told.filter(has_text="不要关闭本页").wait_for()
    context.set_offline(False)
    let_sessions_run_out(Settings(data_dir=data_dir), "editor")
    page.fill("#campus", "甲院区")
    link = told.locator("a")
    link.wait_for()
    assert "登录已到期" in told.inner_text()
    link.click()
    page.wait_for_url("**/staff/sign-in?next=/staff/drafts/*")
    draft = page.url.partition("next=")[2]
    context.close()
    again = come_back(running, one)
    kept = answers_of(again, draft)
    assert (kept["name"], kept["campus"]) == (NAME, "甲院区")
    for person in (one, again):
        person.client.close()
