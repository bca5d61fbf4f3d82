"""Supervision in a browser without JavaScript: a penalty and what it does, its end at every door, a file, a look-up."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from playwright.sync_api import Browser

from registry.records import asof
from tests.desk import Staff
from tests.forming import approved, drafted, proposed
from tests.journeys.test_pages_imports import read_when_done, upload
from tests.journeys.test_pages_staff import DESK, PHONE, browsing, faults_at_every_width
from tests.running import Cli, Server, eventually

Arrive = Callable[..., Staff]
HOSPITAL, OTHER = "示例市第二示例医院", "示例市示例妇幼保健院"
AGENCY = "示例助孕健康咨询有限公司"
TODAY = asof.read_today()
DAY = TODAY.isoformat()
PENALTY = {
    **{"kind": "penalty", "authority": "示例省卫生健康委", "document_no": "示卫罚〔2026〕7号", "decided_on": DAY},
    **{"summary": "超出批准范围（示例）", "violation": "超范围", "fine": "30000", "revokes": "AIH", "effective": DAY},
}


@pytest.fixture
def running(staffed: Cli, start: Callable[..., Server]) -> Server:
    staffed.ok("seed", "--demo")
    return start(staffed.data_dir)


def code_of(running: Server, name: str = HOSPITAL) -> str:
    return str(running.api("/institutions", q=name)["items"][0]["code"])


def verdict_on(running: Server, code: str, day: str, technique: str = "AIH") -> str:
    return str(running.verify(provider={"code": code}, techniques=[technique], on=day)["verdict"])


def test_a_penalty_changes_the_verdict_from_its_day_and_its_end_leaves_every_door(
    browser: Browser, running: Server, arrive: Arrive
) -> None:
    editor, approver = (arrive(running, name).sign_in() for name in ("editor", "approver"))
    code = code_of(running)
    assert (verdict_on(running, code, DAY), verdict_on(running, code, "2025-12-01")) == ("licensed", "licensed")
    form = f"/staff/forms/sanction?institution={code}"
    until = TODAY.replace(year=TODAY.year + 3).isoformat()
    draft = drafted(editor, form, **PENALTY, public_until=until, doc_date=DAY)
    check = editor.get(f"{draft}/check")
    assert "30000" in check
    assert "撤销" in check
    number = proposed(editor, draft)
    seen = approver.get(f"/staff/proposals/{number}")
    assert "示卫罚〔2026〕7号" in seen
    approved(approver, number)
    assert eventually(lambda: verdict_on(running, code, DAY) == "revoked")
    assert verdict_on(running, code, "2025-12-01") == "licensed"
    assert verdict_on(running, code, DAY, "IVF") == "suspended"
    answer = running.verify(provider={"code": code}, techniques=["IVF"])
    assert [one["document_no"] for one in answer["sanctions"]] == ["示卫罚〔2026〕7号"]
    shown = running.api(f"/institutions/{code}/supervision")
    assert [one["revokes"] for one in shown["sanctions"]] == [["AIH"]]
    assert [one["kind"] for one in shown["supervisions"]] == ["inspection"]
    page = running.get(f"/i/{code}").text
    assert "示卫罚〔2026〕7号" in page
    assert "罚款30000元" in page
    assert "示卫罚〔2026〕7号" not in running.get(f"/i/{code}?on=2025-12-01").text
    subject = "sanction:" + next(
        one["code"] for one in shown["sanctions"] if one["document_no"] == "示卫罚〔2026〕7号"
    ).replace("-", "")
    _take_out(editor, approver, subject)
    assert eventually(lambda: running.api(f"/institutions/{code}/supervision")["sanctions"] == [])
    assert eventually(lambda: running.verify(provider={"code": code})["sanctions"] == [])
    assert running.api("/sanctions", name=HOSPITAL)["items"] == []
    for path in (f"/i/{code}", f"/check?name={code}", f"/search?q={HOSPITAL}"):
        shown_now = running.get(path).text
        assert not any(word in shown_now for word in ("超出批准范围（示例）", "罚款30000元", "处罚或黑名单记录"))
    assert "示卫罚〔2026〕7号" not in json.dumps(running.api("/snapshot")["sanctions"], ensure_ascii=False)
    assert "示卫罚〔2026〕7号" in json.dumps(running.api("/changes", since=0, limit=5000), ensure_ascii=False)
    assert verdict_on(running, code, DAY) == "revoked"  # the end of publicity gives nothing back


def _take_out(editor: Staff, approver: Staff, subject: str) -> None:
    form = f"/staff/forms/sanction?subject={subject}&field=removed_on"
    typed = {"removed_on": DAY, "removal": "信用修复（示例）", "effective": DAY, "reason": "信用修复", "doc_date": DAY}
    approved(approver, proposed(editor, drafted(editor, form, **typed)))


def test_the_blacklist_is_looked_up_exactly_and_said_beside_the_licence(
    browser: Browser, running: Server, arrive: Arrive
) -> None:
    for asked in ({"name": AGENCY}, {"domain": "zhuyun.example"}, {"account": "示例公众号:示例助孕"}):
        (item,) = running.api("/sanctions", **asked)["items"]
        assert item["sanction"]["document_no"] == "示卫列〔2025〕3号"
    assert running.api("/sanctions", name="示例助孕")["items"] == []
    assert running.api("/sanctions", name="示例丁")["items"] == []
    assert len(running.api("/sanctions", name="示例丁", institution=AGENCY)["items"]) == 1
    assert running.client.get("/api/v1/sanctions").status_code == 400
    answer = running.verify(provider={"name": AGENCY})
    assert (answer["verdict"], len(answer["sanctions"])) == ("not_found", 1)
    batch = running.client.post(
        "/api/v1/verify/batch", content=f"name\n{AGENCY}\n".encode(), headers={"content-type": "text/csv"}
    )
    assert "blacklist=示卫列〔2025〕3号" in batch.text
    context = browser.new_context(base_url=running.url, java_script_enabled=False, viewport=DESK)
    page = context.new_page()
    for path in (f"/check?name={AGENCY}", f"/search?q={AGENCY}", "/check?name=zhuyun.example"):
        page.goto(path)
        assert "黑名单" in page.locator("main").inner_text()
        assert "示例丁" not in page.content()
    page.goto(f"/search?q={AGENCY}&lang=en")
    assert "on the blacklist" in page.locator("main").inner_text()
    context.close()


def test_a_template_is_filled_in_imported_and_handed_over(
    browser: Browser, running: Server, arrive: Arrive, tmp_path: Path
) -> None:
    editor, approver = (arrive(running, name).sign_in() for name in ("editor", "approver"))
    template = editor.client.get("/staff/imports/templates/sanctions")
    book = openpyxl.load_workbook(io.BytesIO(template.content))
    titles = [cell.value for cell in book["填写"][1]]
    row: dict[str, Any] = {
        **{"机构名称": OTHER, "种类": "行政处罚", "机关": "示例市卫生健康委员会"},
        **{"决定书文号": "示卫罚〔2026〕8号", "决定日期": DAY, "摘要": "示例事由", "罚款（元）": "5000"},
    }
    book["填写"].append([row.get(str(title), "") for title in titles])
    path = tmp_path / "处罚.xlsx"
    book.save(path)
    context = browsing(browser, running, editor, viewport=PHONE)
    page = context.new_page()
    upload(page, path, kind="sanctions")
    assert "示卫罚〔2026〕8号" in read_when_done(page)
    assert faults_at_every_width(page) == []
    page.click('form[action$="/propose"] button')
    assert "已提交" in read_when_done(page)
    page.click('main a[href^="/staff/proposals/"]')
    approved(approver, int(page.url.rsplit("/", 1)[-1]))
    assert eventually(lambda: running.api("/sanctions", name=OTHER)["items"] != [])
    for kind in ("sanction", "supervision"):
        page.goto(f"/staff/records?kind={kind}")
        assert faults_at_every_width(page) == []
    page.goto(f"/staff/handover?first={DAY}&last={DAY}")
    assert "共1项" in page.locator("main").inner_text()
    assert faults_at_every_width(page) == []
    context.close()
    rows = editor.client.get("/staff/handover/file", params={"first": DAY, "last": DAY, "format": "json"}).json()
    assert [one["行政处罚决定书文号"] for one in rows] == ["示卫罚〔2026〕8号"]
    book = openpyxl.load_workbook(
        io.BytesIO(editor.client.get("/staff/handover/file", params={"first": DAY, "last": DAY}).content)
    )
    assert [cell.value for cell in book.worksheets[0][1]][:4] == [*rows[0]][:4]
