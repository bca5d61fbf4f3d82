"""A lead's whole way: reported with pictures on a phone without scripts, dealt with by staff, followed by a number."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from registry.records import asof
from tests.desk import Staff
from tests.journeys.test_pages_staff import DESK, PHONE, browsing, faults_at_every_width
from tests.receipts import opened_by_another
from tests.running import PASSWORD, PATIENCE, Cli, Server

Arrive = Callable[..., Staff]
WORDS = "金丝雀示例：朋友圈广告称鞍山市妇儿医院可以做三代试管，包成功"
CONTACT = "13900000000 金丝雀女士"
CANARIES = ("金丝雀", "13900000000", "canary-exif")


@pytest.fixture
def running(staffed: Cli, start: Callable[..., Server]) -> Server:
    for role in ("auditor", "publisher"):
        staffed.ok("user", "add", role, "--role", role, input=PASSWORD)
    return start(staffed.data_dir)


@pytest.fixture
def phone(browser: Browser, running: Server) -> Iterator[Page]:
    """A citizen's phone, without scripts."""
    context = browser.new_context(base_url=running.url, viewport=PHONE, java_script_enabled=False)  # type: ignore[arg-type]
    yield context.new_page()
    context.close()


def a_photograph(folder: Path, name: str = "photo.jpg") -> Path:
    """A picture that says where it was taken."""
    exif = Image.Exif()
    exif[0x010E] = "canary-exif"
    exif.get_ifd(0x8825)[2] = (41.0, 7.0, 12.0)
    Image.effect_noise((900, 600), 80).save(folder / name, exif=exif)
    return folder / name


def press(page: Page, action: str, **fields: str) -> None:
    """Take a step with the lead that is shown: open its form, fill it in, send it."""
    form = page.locator(f"details#{action}")
    assert form.count() == 1, page.locator("main").inner_text()
    if form.get_attribute("open") is None:
        form.locator("summary").click()
    for name, value in fields.items():
        field = form.locator(f"#{action}-{name}")
        kind = field.evaluate("one => one.type")
        if kind == "select-one":
            field.select_option(value)
        elif kind == "checkbox":
            field.check()
        else:
            field.fill(value)
    form.locator("button").click()


def files_of(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        assert opened.testzip() is None
        return {name: opened.read(name) for name in opened.namelist()}


def report(phone: Page, folder: Path) -> str:
    """Report something from an institution's page, and return the number."""
    phone.goto("/search?q=鞍山市妇儿医院")
    phone.locator(".cards a").first.click()
    phone.get_by_role("contentinfo").get_by_role("link", name="在线反映").click()
    assert "鞍山市妇儿医院" in phone.locator("main").inner_text()
    assert faults_at_every_width(phone) == []
    phone.get_by_role("button", name="提交").click()  # nothing written yet
    phone.locator("#who").fill("示例机构")
    phone.locator("#contact").fill(CONTACT)
    phone.locator("#what").fill("试管")
    phone.locator("#pictures").set_input_files(a_photograph(folder))
    phone.get_by_role("button", name="提交").click()
    assert "至少5个字" in phone.locator(".error-summary").inner_text()
    assert phone.locator("#contact").input_value() == CONTACT  # nothing typed is lost
    assert "图片须重新选择" in phone.locator("main").inner_text()
    assert faults_at_every_width(phone) == []
    phone.locator("#what").fill(WORDS)
    phone.locator("#who").fill("鞍山市妇儿医院")
    phone.locator("#where").fill("辽宁省鞍山市铁西区")
    phone.locator("#link").fill("https://ivf.example/baochenggong")
    phone.locator("#pictures").set_input_files([a_photograph(folder), a_photograph(folder, "second.png")])
    phone.get_by_role("button", name="提交").click()
    number = phone.locator(".lead-number").inner_text()
    assert re.fullmatch("[0-9A-Z]{4}(-[0-9A-Z]{4}){3}", number)
    assert faults_at_every_width(phone) == []
    return number


def state_of(phone: Page, number: str) -> str:
    """The state that somebody who typed the number is shown."""
    phone.goto("/leads")
    phone.locator("#number").fill(number.lower().replace("-", " "))
    phone.locator(".lead-form button").click()
    assert phone.url.endswith(f"/leads/{number}")
    return phone.locator(".lead-state").inner_text()


def test_a_lead_from_a_phone_to_its_end(
    browser: Browser, running: Server, arrive: Arrive, phone: Page, tmp_path: Path, staffed: Cli
) -> None:
    number = report(phone, tmp_path)
    assert state_of(phone, number) == "已收到，等待处理"
    editor, approver = (arrive(running, name).sign_in() for name in ("editor", "approver"))
    with (
        browsing(browser, running, editor, viewport=DESK) as desk,
        browsing(browser, running, approver, viewport=DESK) as other,
    ):
        page, second = desk.new_page(), other.new_page()
        page.goto("/staff/leads")
        assert faults_at_every_width(page) == []
        page.locator("td a").first.click()
        assert WORDS in page.locator("main").inner_text()
        assert CONTACT not in page.content()
        pictures = page.locator(".lead-pictures img").all()
        assert [one.evaluate("one => one.naturalWidth") for one in pictures] == [900, 900]
        assert faults_at_every_width(page) == []
        page.get_by_role("button", name="查看联系方式").click()
        assert CONTACT in page.locator("main").inner_text()
        page.goto("/staff/leads/1")
        press(page, "triage", kind="advertisement", urgency="urgent", region="鞍山市")
        press(page, "assign", department="market", region="鞍山铁西", due="2999-01-04", note="请核查这条广告")
        page.wait_for_load_state()
        press(page, "dispute", other_department="police", other_region="鞍山铁东", note="疑涉刑事，应由公安管辖")
        press(page, "act_first", note="先行固定证据")
        press(page, "refer", note="协商不成")
        assert "辽宁省鞍山市" in page.locator(".timeline li").first.inner_text()
        assert faults_at_every_width(page) == []
        second.goto("/staff/leads/1")
        press(second, "designate", department="market", region="210303", note="由市场监管部门管辖")
        second.goto("/staff/leads/1")
        press(second, "supervise", until="2999-02-01", note="重点案件")
        page.goto("/staff/leads/1")
        press(page, "hand_over", message="请依法核查", with_contact="yes")
        with page.expect_download() as waiting:
            page.get_by_role("link", name="下载移交文件").click()
        archive = Path(waiting.value.path()).read_bytes()
        assert state_of(phone, number) == "已转有关部门办理"
        press(page, "answer", result="case_opened", note="已立案查处")
        press(page, "request_closing", outcome="penalised", note="已罚款")
        page.goto("/staff/leads/1")
        assert page.locator("details#close").count() == 0  # an editor does not
        second.goto("/staff/leads/1")
        press(second, "lift", note="已督办完成")
        press(second, "close")
        assert faults_at_every_width(second) == []
        second.goto("/staff/leads?state=closed")
        assert "已办结" in second.locator("table").inner_text()
    check_handover(archive, running, tmp_path, staffed, number)
    assert state_of(phone, number) == "已办结"
    text = phone.locator("main").inner_text()
    assert "已依法处罚" in text
    assert not any(word in phone.content() for word in (*CANARIES, "市场监督", "示例", "固定证据"))
    check_privacy(running, staffed, arrive(running, "auditor").sign_in(), number)


def check_handover(archive: bytes, running: Server, folder: Path, cli: Cli, number: str) -> None:
    """Verify a hand-over file with nothing of the product: hashes, JSON, JWS; then ask register and shell."""
    files = files_of(archive)
    sums = dict(line.split("  ")[::-1] for line in files["SHA256SUMS"].decode().splitlines())
    assert sums == {name: hashlib.sha256(body).hexdigest() for name, body in files.items() if name != "SHA256SUMS"}
    lead = json.loads(files["lead.json"])
    assert (lead["number"], lead["department"]["code"], lead["region"]["code"]) == (number, "market", "210303")
    [said] = lead["reports"]
    assert (said["what"], said["contact"]) == (WORDS, CONTACT)
    for picture in said["pictures"]:
        body = files[picture["file"]]
        assert hashlib.sha256(body).hexdigest() == picture["sha256"]
        assert not Image.open(io.BytesIO(body)).getexif()
    assert len(said["pictures"]) == 2
    assert files["lead.pdf"].startswith(b"%PDF-")
    keys = running.client.get("/.well-known/jwks.json").json()
    assert [answer["verdict"] for answer in lead["answers"]] == ["licensed", "unknown"]
    for answer in lead["answers"]:
        text = files[answer["receipt"]].decode()
        signed: dict[str, Any] = opened_by_another(text, keys)
        assert signed["answer"]["verdict"] == answer["verdict"]
        assert signed["question"]["on"] == answer["on"] == asof.read_today().isoformat()
        checked = running.client.post("/api/v1/receipts/check", json={"receipt": text}).json()
        assert (checked["valid"], checked["still_true"]) == (True, True)
        path = folder / "receipt.txt"
        path.write_text(text)
        assert cli.ok("receipt", path, "--json").json["genuine"]


def check_privacy(running: Server, cli: Cli, auditor: Staff, number: str) -> None:
    """What was reported, and by whom, is in no public page, feed, index, metric, log line, file or backup."""
    backup = cli.data_dir.parent / "register.backup"
    cli.ok("backup", backup)
    paths = ("/", "/changes.atom", "/sitemap.xml", "/log", "/about", "/robots.txt", "/api/v1/stats", "/api/v1/changes")
    texts = {path: running.client.get(path).text for path in paths}
    texts["search"] = running.client.get("/search", params={"q": "朋友圈广告称"}).text
    texts["suggest"] = running.client.get("/api/v1/suggest", params={"q": "ivf.example"}).text
    published = cli.ok("publish", "--title", "示例名录", "--by", "publisher", "--json").json["proposal"]
    cli.ok("approve", published, "--by", "approver")
    texts["edition"] = running.get_made("/api/v1/editions/latest/list.csv").text
    assert "鞍山市妇儿医院" in texts["edition"]
    texts["metrics"], texts["trail"] = running.metrics(), auditor.get("/staff/trail.csv")
    texts["errors"] = running.errors.read_text()
    assert [(name, word) for name, text in texts.items() for word in (*CANARIES, number) if word in text] == []
    assert "lead_close" in texts["trail"]
    held = [path for path in (*cli.data_dir.rglob("*"), backup) if path.is_file()]
    needles = [word.encode() for word in CANARIES]
    assert [(path.name, one) for path in held for one in needles if one in path.read_bytes()] == []


def test_the_page_is_whole_without_scripts_and_says_no_more_than_it_should(running: Server) -> None:
    answer = running.client.get("/leads")
    assert answer.headers["cache-control"] == "no-store"
    assert '<meta name="robots" content="noindex">' in answer.text
    assert "set-cookie" not in answer.headers
    assert "<script" not in answer.text


def send(running: Server, client: httpx.Client | None = None, **fields: str) -> httpx.Response:
    sent = {"kind": "illegal_offer", "what": WORDS, "token": "x" * 32, **fields}
    return (client or running.client).post("/leads", data=sent)


def test_sent_twice_it_is_one_lead_and_a_program_or_another_site_gets_none(running: Server) -> None:
    first, again = send(running), send(running)
    assert (first.status_code, first.headers["location"]) == (303, again.headers["location"])
    trapped = send(running, website="https://spam.example")
    assert trapped.status_code == 400
    assert "请把“请勿填写此栏”" in trapped.text
    assert WORDS in trapped.text
    for header in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        with httpx.Client(base_url=running.url, headers=header, timeout=PATIENCE) as other:
            assert send(running, other).status_code == 403
            assert other.post("/api/v1/leads", json={"what": WORDS}).status_code == 403
    large = {"pictures": ("large.jpg", bytes(9 << 20), "image/jpeg")}
    refused = running.client.post("/leads", data={"what": WORDS}, files=large)
    assert refused.status_code in (400, 413)
    assert WORDS in refused.text
    assert "每张图片最多8 MB" in refused.text
    shown = send(running, show="1")
    assert (shown.status_code, WORDS in shown.text) == (200, True)


def test_too_many_are_told_when_to_come_again_and_other_ways(staffed: Cli, start: Callable[..., Server]) -> None:
    running = start(staffed.data_dir, REGISTRY_LEADS_LIMIT="1")
    assert send(running).status_code == 303
    refused = send(running, what=WORDS + "，又一条")
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    assert all(way in refused.text for way in ("12345", "010-68797979", "辽宁政务服务网", "辽事通", "分钟后再试"))
    assert WORDS + "，又一条" in refused.text
    answer = running.client.post("/api/v1/leads", json={"what": WORDS})
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")


def test_a_program_reports_and_follows_and_a_wrong_number_says_which_kind_of_wrong(running: Server) -> None:
    body = {"what": WORDS, "where": "鞍山市铁西区", "token": "a program's own"}
    first = running.client.post("/api/v1/leads", json=body)
    assert first.status_code == 200
    assert running.client.post("/api/v1/leads", json=body).json() == first.json()
    number = first.json()["number"]
    state = running.client.get(f"/api/v1/leads/{number.lower()}")
    assert state.json() == {**first.json(), "state": "received"}
    assert (state.headers["cache-control"], state.headers["x-robots-tag"]) == ("no-store", "noindex")
    wrong = number[:-1] + ("0" if number[-1] != "0" else "1")
    assert running.client.get(f"/api/v1/leads/{wrong}").json()["code"] == "invalid_code"
    assert running.client.get(f"/leads/{wrong}").status_code == 400
    assert running.client.get("/leads/7K2M-9QX4-0000-000W").status_code == 404
    for refused in ({"what": WORDS, "where": "x" * 201}, {"what": "短"}, {"what": WORDS, "unknown": "x"}, {}):
        assert running.client.post("/api/v1/leads", json=refused).status_code == 400
    unknown = running.client.post("/api/v1/leads", json={"what": WORDS, "institution": "7K2M-9QX0"})
    assert unknown.status_code in (400, 404)
