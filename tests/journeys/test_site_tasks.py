"""The ten things that people come for, on a phone and at a desk, with and without script; and without any server."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from public_site.static_site import locate_page
from tests.running import Cli, Server

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
WAYS = [(PHONE, True, False), (PHONE, False, False), (DESK, True, False), (DESK, False, False)]
STATIC_WAYS = [(PHONE, True, True), (DESK, False, True)]
NAMES = ["phone with script", "phone", "desk with script", "desk", "files with script", "files"]
ORIGIN = "https://register.example"
ANSHAN, TWO_SITES = "7HV2-JKMV", "大连市妇女儿童医疗中心（集团）"
ADVERT = "鞍山市妇儿医院三代试管，包成功，无效退款，代孕套餐"


@pytest.fixture(scope="module")
def files(reading: Cli, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as files."""
    target = tmp_path_factory.mktemp("files") / "site"
    Cli(reading.data_dir, new=True).ok("export-site", str(target), REGISTRY_PUBLIC_URL=ORIGIN)
    return target


class Visit:
    """Somebody at the site, on a server or as files; ``keep`` a picture of what is seen."""

    def __init__(self, page: Page, base: str, script: bool, pictures: Path) -> None:
        self.page, self.base, self.script, self.pictures = page, base, script, pictures
        self.is_static = base.startswith("file:")

    def open(self, address: str) -> None:
        path, _, query = address.partition("?")
        file = f"/{locate_page(path, '')}" if self.is_static else path
        self.page.goto(f"{self.base}{file}{'?' if query else ''}{query}")

    def read(self) -> str:
        return self.page.locator("main").inner_text()

    def search(self, question: str) -> None:
        """Search from the start page, and open the first that is found; without script files are a list to look in."""
        self.open("/")
        self.page.fill("#q", question)
        self.page.press("#q", "Enter")
        self.page.wait_for_url("**/search**")
        if self.is_static and not self.script:
            self.page.locator("summary", has_text="辽宁省").click()
            self.page.locator("main h3 a", has_text=question).first.click()
        else:
            self.page.locator("main h3 a:visible").first.click()

    def keep(self, name: str) -> None:
        self.page.screenshot(path=self.pictures / f"{name}.png")


@pytest.fixture(params=[*WAYS, *STATIC_WAYS], ids=NAMES)
def visit(
    request: pytest.FixtureRequest, browser: Browser, server: Server, files: Path, tmp_path: Path
) -> Iterator[Visit]:
    viewport, script, is_static = request.param
    context = browser.new_context(viewport=viewport, java_script_enabled=script, offline=is_static)
    opened, errors, asked = context.new_page(), list[str](), list[str]()
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    opened.on("request", lambda sent: asked.append(sent.url))
    pictures = Path(os.environ.get("REGISTRY_TESTS_PICTURES") or tmp_path) / request.node.callspec.id.replace(" ", "-")
    pictures.mkdir(parents=True, exist_ok=True)
    yield Visit(opened, f"file://{files}" if is_static else server.url, script, pictures)
    context.close()
    assert errors == []
    assert not is_static or all(url.startswith(("file://", "data:")) for url in asked)


def test_the_first_five_of_the_ten_commonest_tasks(visit: Visit) -> None:
    page = visit.page
    visit.search("鞍山市妇儿医院")  # 1: a hospital by its name
    assert "已获批准" in visit.read() and "许可" in visit.read()
    visit.keep("1-institution")

    visit.open("/")
    page.locator('svg.tiles a[href*="region=210000"]').click()  # 2: what there is in my province
    assert "22" in page.locator(".results-count, #result:not(:empty), summary:has-text('辽宁省')").last.inner_text()
    visit.keep("2-province")
    visit.open("/search?region=210000&technique=PGT")  # 3: and for this technique
    if visit.is_static and not visit.script:
        page.locator("summary", has_text="辽宁省").click()
    assert page.locator("main li.card:visible").count() > 0 and "三代试管" in visit.read()
    visit.keep("3-technique")

    visit.open("/")
    page.fill("#code", "7hv2jkmv")  # 4: a code typed from a wall
    page.press("#code", "Enter")
    page.wait_for_url("**/search/index.html?**" if visit.is_static else "**/check?**")
    if not visit.is_static or visit.script:
        assert "鞍山市妇儿医院" in visit.read()
    visit.keep("4-code")

    visit.open(f"/q/{ANSHAN}")  # 5: a code scanned
    top = page.locator(".landing").inner_text()
    order = [
        top.index(words) for words in ("鞍山市妇儿医院", "三道街115号", "截至2025年", "已获批准", "本页不说明", "12345")
    ]
    assert order == sorted(order)
    visit.keep("5-scanned")


def test_the_other_five(visit: Visit) -> None:
    page = visit.page
    visit.open("/")
    if visit.is_static:  # 6: an advertisement, and 7: another day, are for the live site
        assert (page.locator(".way .button").get_attribute("href") or "").startswith(f"{ORIGIN}/check")
        visit.open(f"/i/{ANSHAN}/history")
        assert page.locator(f'.static-note a[href="{ORIGIN}/i/{ANSHAN}/history"]').count() == 1
        assert "2018年2月21日" in visit.read()
    else:
        page.click("text=核对广告")
        if not page.locator("#text").is_visible():
            page.locator("details.more summary").click()
        page.fill("#text", ADVERT)
        page.locator("main form.check-form button[type=submit]").first.click()
        assert "代孕" in visit.read()
        visit.keep("6-advertisement")
        visit.open(f"/i/{ANSHAN}")
        page.fill("#on", "2019年1月1日")
        page.press("#on", "Enter")
        page.wait_for_url("**on=**")
        assert "2019年1月1日" in visit.read()
    visit.keep("7-day")

    visit.search(TWO_SITES)  # 8: two sites of one name
    assert "许可按地址逐一批准" in page.locator("#sites").inner_text() and page.locator("#sites .side").count() >= 2
    visit.keep("8-sites")

    visit.open("/")
    page.click("footer >> text=开放数据")  # 9: the data
    assert page.locator('a[href$="/api/v1/snapshot"]').count() == 1
    visit.keep("9-data")

    visit.open("/")  # 10: in English, how to report
    page.locator("header a[hreflang=en]").click()
    assert page.locator('main a[href="tel:12345"]').count() == 1 and "12345" in visit.read()
    visit.keep("10-english")


def find_in_files(page: Page, question: str) -> list[str]:
    """The names that the search of the site as files shows."""
    page.fill("#q", question)
    page.press("#q", "Enter")
    page.wait_for_function("question => new URLSearchParams(location.search).get('q') === question", arg=question)
    page.wait_for_load_state()
    return page.locator("li[data-key]:not([hidden]) h3").all_text_contents()


def test_the_search_of_files_knows_places_techniques_and_near_names(browser: Browser, files: Path) -> None:
    for name in ("", "en"):  # the whole list with what the script looks for
        assert len(gzip.compress((files / name / "search" / "index.html").read_bytes())) < 150_000
    context = browser.new_context(viewport=PHONE, offline=True)
    page = context.new_page()
    page.goto(f"file://{files}/search/index.html")
    assert find_in_files(page, "鞍山") == find_in_files(page, "Anshan") == ["鞍山市妇儿医院（鞍山市妇幼保健院）"]
    assert len(find_in_files(page, "辽宁")) == len(find_in_files(page, "辽宁省")) == 22
    assert find_in_files(page, "鞍山试管婴儿") == find_in_files(page, "鞍山妇儿医院") == find_in_files(page, ANSHAN)
    assert find_in_files(page, "鞍山道") == ["天津医科大学总医院"]
    assert any("盛京医院" in one for one in find_in_files(page, "盛京"))
    assert find_in_files(page, "没有这样的名字呀") == []
    assert "不等于未获批准" in page.locator("#result").inner_text()
    page.locator("header a[hreflang=en]").click()
    assert "Static edition" in page.locator("main").inner_text()
    context.close()


def test_the_files_check_a_code_without_a_server(browser: Browser, files: Path) -> None:
    context = browser.new_context(viewport=PHONE, offline=True)
    page = context.new_page()
    page.goto(f"file://{files}/index.html")
    page.click("text=离线核验二维码")
    expect(page.locator("[data-part=age]")).to_be_visible()
    page.fill("#scan-text", f"{ORIGIN}/q/{ANSHAN}")
    page.click("[data-part=check]")
    expect(page.locator("#offline [data-word=unsigned]")).to_be_visible()
    context.close()
