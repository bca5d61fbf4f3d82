"""The ten things that people come for, on a phone and at a desk, with and without script; and without any server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.running import Cli, Server

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
WAYS = [(PHONE, True), (PHONE, False), (DESK, True), (DESK, False)]
ANSHAN, TWO_SITES = "7HV2-JKMV", "大连市妇女儿童医疗中心（集团）"
ADVERT = "鞍山市妇儿医院三代试管，包成功，无效退款，代孕套餐"


@pytest.fixture(scope="module")
def files(reading: Cli, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as files."""
    target = tmp_path_factory.mktemp("files") / "site"
    Cli(reading.data_dir, new=True).ok("export-site", str(target))
    return target


@pytest.fixture(params=WAYS, ids=["phone with script", "phone", "desk with script", "desk"])
def page(request: pytest.FixtureRequest, browser: Browser, server: Server) -> Iterator[Page]:
    viewport, script = request.param
    context = browser.new_context(viewport=viewport, java_script_enabled=script, base_url=server.url)
    opened, errors = context.new_page(), list[str]()
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    yield opened
    context.close()
    assert errors == []


def read_text(page: Page) -> str:
    return page.locator("main").inner_text()


def search(page: Page, question: str) -> None:
    page.fill("#q", question)
    page.press("#q", "Enter")
    page.wait_for_url("**/search**")


def test_the_ten_commonest_tasks(page: Page) -> None:
    page.goto("/")
    search(page, "鞍山市妇儿医院")  # 1: a hospital by its name
    page.locator("main h3 a").first.click()
    assert "已获批准" in read_text(page) and "许可" in read_text(page)

    page.goto("/")
    page.locator('svg.tiles a[href="/search?region=210000"]').click()  # 2: what there is in my province
    assert "22" in page.locator(".results-count").inner_text()
    page.goto("/search?region=210000&technique=PGT")  # 3: and for this technique
    assert page.locator("main li.card").count() > 0 and "三代试管" in read_text(page)

    page.goto("/")
    page.fill("#code", "7hv2jkmv")  # 4: a code typed from a wall
    page.press("#code", "Enter")
    page.wait_for_url("**/check?**")
    assert "鞍山市妇儿医院" in read_text(page)

    page.goto(f"/q/{ANSHAN}")  # 5: a code scanned
    top = page.locator(".landing").inner_text()
    order = [
        top.index(words) for words in ("鞍山市妇儿医院", "三道街115号", "名录截至", "已获批准", "本页不说明", "12345")
    ]
    assert order == sorted(order)

    page.goto("/")
    page.click("text=核对广告")  # 6: an advertisement
    if not page.locator("#text").is_visible():
        page.locator("details.more summary").click()
    page.fill("#text", ADVERT)
    page.locator("main form.check-form button[type=submit]").first.click()
    assert "代孕" in read_text(page)

    page.goto(f"/i/{ANSHAN}")
    page.fill("#on", "2019年1月1日")  # 7: another day
    page.press("#on", "Enter")
    page.wait_for_url("**on=**")
    assert "2019年1月1日" in read_text(page)

    page.goto("/")
    search(page, TWO_SITES)  # 8: two sites of one name
    page.locator("main h3 a").first.click()
    assert "许可按地址逐一批准" in page.locator("#sites").inner_text() and page.locator("#sites .side").count() >= 2

    page.goto("/")
    page.click("footer >> text=开放数据")  # 9: the data
    assert page.locator('a[href="/api/v1/snapshot"]').count() == 1

    page.goto("/")  # 10: in English, how to report
    page.locator("header a[hreflang=en]").click()
    assert page.locator('main a[href="tel:12345"]').count() == 1 and "12345" in read_text(page)


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without"])
def test_the_site_of_files_answers_without_a_server(browser: Browser, files: Path, script: bool) -> None:
    context = browser.new_context(viewport=PHONE, java_script_enabled=script, offline=True)
    page, asked = context.new_page(), list[Any]()
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"file://{files}/index.html")
    page.locator("svg.tiles a").nth(2).click()
    page.wait_for_url("**/search/index.html?**")
    if script:
        assert page.locator("#result").inner_text() == "找到 22 家机构"
        for question, name in (("鞍山 试管婴儿", "鞍山市妇儿医院"), (ANSHAN, "鞍山市妇儿医院"), ("盛京", "盛京医院")):
            page.fill("#q", question)
            page.press("#q", "Enter")
            page.wait_for_function(
                "question => new URLSearchParams(location.search).get('q') === question", arg=question
            )
            page.wait_for_load_state()
            assert any(name in one for one in page.locator("li[data-key]:not([hidden]) h3").all_inner_texts())
        page.fill("#q", "没有这样的名字呀")
        page.press("#q", "Enter")
        page.wait_for_function("document.querySelector('#result').textContent.includes('不等于未获批准')")
        page.goto(f"file://{files}/search/index.html")
    page.locator("summary", has_text="辽宁省").click()
    page.locator("li[data-key] a", has_text="鞍山市妇儿医院").first.click()
    assert "已获批准" in read_text(page) and "静态版" in read_text(page)
    page.locator("header a[hreflang=en]").click()
    assert "Static edition" in read_text(page)
    context.close()
    assert all(url.startswith(("file://", "data:")) for url in asked)
