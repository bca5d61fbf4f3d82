"""The citizens' door in a real browser: phone and desk, with and without JavaScript, Chinese and English."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.running import Cli, Server

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
ANSHAN = "7HV2-JKMV"
MISTYPED, UNKNOWN = "7HV2-JKMW", "13NZ-C7GD"
#: (path, status) of every kind of page.
PAGES = (
    ("/", 200),
    ("/search", 200),
    ("/search?q=盛京", 200),
    ("/search?q=鞍山", 200),
    ("/search?q=示例虚构医院", 200),
    ("/search?technique=PGT&region=210000&stage=formal", 200),
    (f"/i/{ANSHAN}", 200),
    (f"/i/{ANSHAN}/history", 200),
    (f"/i/{MISTYPED}", 400),
    (f"/i/{UNKNOWN}", 404),
    (f"/q/{ANSHAN}", 200),
    (f"/q/{MISTYPED}", 400),
    (f"/q/{UNKNOWN}", 404),
    ("/check", 200),
    ("/check?name=沈阳市妇婴医院&technique=IVF", 200),
    ("/check?name=沈阳市妇幼保健院&technique=IVF", 200),
    ("/check?name=没有这家医院的名字", 200),
    ("/check?name=大连市妇女儿童医疗中心（集团）&technique=AID", 200),
    ("/check?name=", 400),
    ("/developers", 200),
    ("/about", 200),
    ("/nowhere", 404),
)
MAIN_CONTROLS = "main button, main input:not([type=hidden]), main select, main a.button, header nav a, header .brand"


class Seen:
    """What a browser met on the way: errors, requests to other origins."""

    def __init__(self, page: Page, origin: str) -> None:
        self.errors: list[str] = []
        self.elsewhere: list[str] = []
        page.on("console", lambda said: self.errors.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self._requested(request.url, origin))

    def _requested(self, url: str, origin: str) -> None:
        if not url.startswith((origin + "/", "data:")):
            self.elsewhere.append(url)


Opened = Callable[..., Page]


@pytest.fixture
def opened(browser: Browser, server: Server) -> Iterator[Opened]:
    """Opens a page in a browser of its own; at the end nothing had gone wrong in any."""
    met: list[tuple[Page, Seen]] = []

    def go(path: str, status: int | None = 200, at: Server = server, **context: Any) -> Page:
        context = {"viewport": PHONE, "locale": "zh-CN", "java_script_enabled": False, **context}
        page = browser.new_context(**context, base_url=at.url).new_page()
        met.append((page, Seen(page, at.url)))
        answer = page.goto(path)
        assert answer is not None
        assert status is None or answer.status == status, f"{path} -> {answer.status}"
        return page

    yield go
    for page, seen in met:
        assert seen.elsewhere == []
        # A browser reports the status of a page that is meant to be 404 as an error of its own.
        assert [text for text in seen.errors if "the server responded with a status of" not in text] == []
        assert page.context.cookies() == []
        page.context.close()


def overflow(page: Page) -> int:
    """How many pixels a page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def read_shape(page: Page) -> dict[str, Any]:
    """What a page is made of: its language and words, and how often it has what, in one question to the browser."""
    counted = ["h1", "main", "header.site-header", "img:not([alt])", "main input:not([type=hidden]):not([id])"]
    shape = page.evaluate(
        """counted => {
            const root = document.documentElement
            return {
              ...Object.fromEntries(counted.map(what => [what, document.querySelectorAll(what).length])),
              heading: document.querySelector('h1')?.innerText ?? '', title: document.title,
              lang: root.getAttribute('lang'), wider: root.scrollWidth - root.clientWidth,
            }
        }""",
        counted,
    )
    assert isinstance(shape, dict)
    return shape


def list_low(page: Page, controls: str) -> list[str]:
    """The controls that a page shows lower than 44 px, as far as a reader needs to find them."""
    low = page.evaluate(
        """controls => [...document.querySelectorAll(controls)]
           .filter(one => one.getClientRects().length && one.getBoundingClientRect().height < 44)
           .map(one => one.outerHTML.slice(0, 120))""",
        controls,
    )
    assert isinstance(low, list)
    return low


def heading(page: Page) -> str:
    return page.locator("h1").inner_text()


def text(page: Page) -> str:
    return page.locator("main").inner_text()


def same_address(one: str, other: str) -> bool:
    """Whether two addresses ask the same, in whatever order."""
    a, b = urlsplit(one), urlsplit(other)
    return (a.path, sorted(parse_qsl(a.query))) == (b.path, sorted(parse_qsl(b.query)))


# --- every page ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
def test_every_page_is_whole_at_every_width_language_and_size(opened: Opened, viewport: dict[str, int]) -> None:
    page = opened("/", viewport=viewport, java_script_enabled=True)
    titles: dict[str, set[str]] = {"": set(), "lang=en": set()}
    sideways = []
    for path, status in PAGES:
        for switches in ("", "lang=en", "size=large", "lang=en&size=large")[: 4 if viewport == PHONE else 2]:
            address = path + (("&" if "?" in path else "?") + switches if switches else "")
            answer = page.goto(address)
            assert answer is not None
            assert answer.status == status, f"{address} -> {answer.status}"
            shape = read_shape(page)
            assert shape["h1"] == shape["main"] == shape["header.site-header"] == 1, address
            assert shape["heading"].strip() and shape["title"].strip(), address
            assert shape["lang"] == ("en" if "lang=en" in switches else "zh-CN"), address
            if shape["wider"]:
                sideways.append(f"{address} by {shape['wider']} px")
            if switches in titles and status == 200:
                titles[switches].add(shape["title"])
            assert not shape["img:not([alt])"], address
            assert not shape["main input:not([type=hidden]):not([id])"], address
    assert sideways == []
    assert len(titles[""]) >= 10
    assert len(titles["lang=en"]) >= 10


@pytest.mark.parametrize(
    ("viewport", "script", "scheme"),
    [(PHONE, False, "dark"), (PHONE, True, "light"), (DESK, True, "dark"), (DESK, False, "light")],
    ids=["phone dark", "phone light with script", "desk dark with script", "desk light"],
)
def test_the_main_pages_can_be_pictured(
    opened: Opened, tmp_path: Path, viewport: dict[str, int], script: bool, scheme: str
) -> None:
    page = opened("/", viewport=viewport, java_script_enabled=script, color_scheme=scheme)
    grounds = set()
    for path in ("/", "/search?q=妇幼", f"/i/{ANSHAN}", f"/q/{ANSHAN}", f"/q/{UNKNOWN}"):
        for lang in ("", "en"):
            page.goto(path + (("&" if "?" in path else "?") + f"lang={lang}" if lang else ""))
            assert len(page.screenshot(path=tmp_path / "page.png", full_page=True)) > 10_000
            grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert len(grounds) == 1
    red, green, blue = (int(part) for part in grounds.pop().removeprefix("rgb(").rstrip(")").split(", "))
    assert (red + green + blue > 600) == (scheme == "light")


def test_the_main_controls_can_be_touched(opened: Opened) -> None:
    page = opened("/")
    for path in ("/", "/search?q=妇幼", f"/i/{ANSHAN}", f"/q/{UNKNOWN}", "/check", "/nowhere"):
        page.goto(path)
        controls = page.locator(MAIN_CONTROLS).all()
        assert controls
        for control in controls:
            if not control.is_visible():
                continue
            box = control.bounding_box()
            assert box is not None
            assert box["height"] >= 44, f"{path}: {control.evaluate('e => e.outerHTML')[:120]} is {box['height']} px"


# --- what citizens do ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("script", [False, True], ids=["without script", "with script"])
@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
def test_a_citizen_finds_shengjing_and_scans_its_code(
    opened: Opened, server: Server, viewport: dict[str, int], script: bool
) -> None:
    page = opened("/", viewport=viewport, java_script_enabled=script)
    assert "635" in text(page)
    assert "2025年6月30日" in text(page)
    page.locator("main input[name=q]").first.fill("盛京")
    page.locator("main form[role=search] button").first.click()
    assert page.url.startswith(f"{server.url}/search?")
    page.locator("main a", has_text="中国医科大学附属盛京医院").first.click()
    assert heading(page) == "中国医科大学附属盛京医院"
    shown = text(page)
    for words in ("已获批准", "三代试管", "正式运行", "辽宁省沈阳市铁西区滑翔路39号", "2025年6月30日"):
        assert words in shown
    code = page.url.rsplit("/", 1)[-1]
    picture = page.locator("main img[src*='qr.svg']").first
    picture.scroll_into_view_if_needed()
    assert picture.get_attribute("alt")
    answer = page.request.get(str(picture.get_attribute("src")))
    assert (answer.status, answer.headers["content-type"]) == (200, "image/svg+xml")
    landing = f"https://register.example/q/{code}"
    assert landing in text(page)
    page.goto(f"/q/{code}")
    assert heading(page) == "中国医科大学附属盛京医院"
    assert "已获批准" in text(page)
    assert "辽宁省沈阳市铁西区滑翔路39号" in text(page)


def test_anshan_shows_exactly_one_institution(opened: Opened) -> None:
    page = opened("/search?q=鞍山")
    assert page.locator("ol.cards > li").count() == 1
    assert "鞍山市妇儿医院（鞍山市妇幼保健院）" in text(page)
    page.goto("/search?region=210300")
    assert page.locator("ol.cards > li").count() == 1


def test_dalian_shows_two_institutions_with_their_addresses(opened: Opened) -> None:
    page = opened("/search?q=大连市妇女儿童医疗中心（集团）")
    cards = page.locator("ol.cards > li", has_text="大连市妇女儿童医疗中心（集团）")
    assert cards.count() == 2
    assert "白山路20号" in text(page)
    assert "规划一号路" in text(page)


def test_a_former_name_leads_to_the_institution_of_today(opened: Opened) -> None:
    page = opened("/search?q=原沈阳军区第202医院")
    page.locator("ol.cards a", has_text="北部战区总医院和平院区").first.click()
    assert "原沈阳军区第202医院" in text(page)
    page.locator("main a[href*='/history']").first.click()
    assert "原沈阳军区第202医院" in text(page)


def test_near_names_of_shenyang_are_told_apart_on_the_check_page(opened: Opened) -> None:
    page = opened("/check")
    for name, words, other in (
        ("沈阳市妇婴医院", "已获批准", "沈州路41号"),
        ("沈阳市妇幼保健院", "未获批此项技术", "大南街87号"),
    ):
        page.goto("/check")
        page.locator("main input[name=name]").fill(name)
        page.locator("main select[name=technique]").select_option("IVF")
        page.locator("main form.check-form:not(.upload) button").click()
        assert words in text(page)
        assert name in text(page)
        assert other not in text(page)


@pytest.mark.parametrize("path", ["/check?name=没有这家医院的名字", "/search?q=示例虚构医院"])
def test_not_found_says_what_it_means_and_where_to_report(opened: Opened, path: str) -> None:
    page = opened(path)
    assert "未在名录中的机构不得开展" in text(page)
    assert "2025年6月30日" in text(page)
    assert page.locator("main a[href='tel:12345']").count() >= 1


def test_an_unknown_code_is_nothing_to_trust(opened: Opened) -> None:
    page = opened(f"/q/{UNKNOWN}", status=404)
    assert "名录中未找到" in text(page)
    assert "请勿" in text(page)
    assert page.locator("main a[href='tel:12345']").count() >= 1


def test_a_mistyped_code_is_not_said_to_be_off_the_list(opened: Opened) -> None:
    for path in (f"/q/{MISTYPED}", f"/i/{MISTYPED}", f"/search?q={MISTYPED}", f"/check?name={MISTYPED}"):
        page = opened(path, status=400)
        assert "未在名录中" not in text(page)
        assert "名录中未找到" not in text(page)
        assert MISTYPED in page.content()


def test_a_code_typed_loosely_leads_to_its_institution(opened: Opened, server: Server) -> None:
    for typed in (ANSHAN, ANSHAN.lower().replace("-", "")):
        page = opened(f"/search?q={typed}")
        assert page.url == f"{server.url}/i/{ANSHAN}"
        page.goto(f"/i/{typed}")
        assert page.url == f"{server.url}/i/{ANSHAN}"
        page.goto(f"/q/{typed}")
        assert page.url == f"{server.url}/q/{typed}"  # a scan is never redirected
        assert "鞍山市妇儿医院" in heading(page)


def test_the_english_switch_keeps_the_page_and_the_question(opened: Opened, server: Server) -> None:
    for path in ("/", f"/i/{ANSHAN}", f"/q/{ANSHAN}", "/search?q=盛京", "/check?name=沈阳市妇婴医院&technique=IVF"):
        page = opened(path)
        before = page.url
        page.locator("header nav a[hreflang=en]").click()
        assert page.locator("html").get_attribute("lang") == "en"
        assert page.url.split("?")[0] == before.split("?")[0]
        page.locator("header nav a[hreflang=zh-CN]").click()
        assert same_address(page.url, before)
    page = opened("/?lang=en")
    page.locator("main input[name=q]").first.fill("盛京")
    page.locator("main form[role=search] button").first.click()
    assert page.locator("html").get_attribute("lang") == "en"
    page.locator("ol.cards a").first.click()
    assert page.locator("html").get_attribute("lang") == "en"
    assert "Approved" in text(page)


def test_large_text_is_larger_and_stays_on_the_way(opened: Opened) -> None:
    page = opened("/")
    size = "parseFloat(getComputedStyle(document.querySelector('main p')).fontSize)"
    normal = page.evaluate(size)
    page.get_by_role("link", name="大字版").click()
    assert page.evaluate(size) >= 1.3 * normal
    page.locator("main input[name=q]").first.fill("盛京")
    page.locator("main form[role=search] button").first.click()
    assert page.locator("html").get_attribute("data-size") == "large"
    page.locator("ol.cards a").first.click()
    assert page.locator("html").get_attribute("data-size") == "large"
    assert overflow(page) <= 0


@pytest.mark.parametrize("script", [False, True], ids=["without script", "with script"])
def test_the_keyboard_alone_reaches_the_first_result(opened: Opened, server: Server, script: bool) -> None:
    page = opened("/", java_script_enabled=script)

    def tab_until(selector: str) -> None:
        for _ in range(40):
            page.keyboard.press("Tab")
            focused = page.locator("*:focus")
            if focused.count() and focused.evaluate(f"e => e.matches({selector!r})"):
                outline = focused.evaluate("e => parseFloat(getComputedStyle(e).outlineWidth)")
                assert outline >= 2, "the focus cannot be seen"
                return
        pytest.fail(f"no way to {selector} by keyboard")

    page.keyboard.press("Tab")
    assert page.locator("*:focus").get_attribute("href") == "#main"
    tab_until("main input[name=q]")
    page.keyboard.type("盛京")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?**")
    tab_until("ol.cards a")
    page.keyboard.press("Enter")
    page.wait_for_url("**/i/*")
    assert heading(page) == "中国医科大学附属盛京医院"


def test_filters_and_the_pager_work_as_plain_links(opened: Opened) -> None:
    page = opened("/search?region=210000")
    expect(page.locator("ol.cards > li")).to_have_count(20)
    names = page.locator("ol.cards h3, ol.cards h2").all_inner_texts()
    page.locator("main a[href*='cursor=']").last.click()
    expect(page.locator("ol.cards > li")).to_have_count(2)
    assert set(names).isdisjoint(page.locator("ol.cards h3, ol.cards h2").all_inner_texts())
    page.goto("/search?region=210000")
    page.locator("#filters a[href*='technique=PGT']").click()
    assert "technique=PGT" in page.url
    assert "region=210000" in page.url
    assert all("三代试管" in card for card in page.locator("ol.cards > li").all_inner_texts())


def test_the_check_form_keeps_what_was_typed_beside_what_is_wrong(opened: Opened) -> None:
    page = opened("/check?name=&address=铁西区三道街115号&on=昨天", status=400)
    assert page.locator("[role=alert] a").count() == 2
    assert page.locator("input[name=address]").input_value() == "铁西区三道街115号"
    assert page.locator("input[name=on]").input_value() == "昨天"
    assert page.locator("input[name=name]").get_attribute("aria-invalid") == "true"


def test_a_text_and_a_certificate_are_checked_beside_the_licence(opened: Opened) -> None:
    page = opened("/check")
    page.locator("main input[name=name]").fill("沈阳市妇婴医院")
    page.locator("main details.more summary").click()
    page.locator("main textarea[name=text]").fill("三代试管\n包成功代孕套餐；打击代孕")
    page.locator("main input[name=ad_certificate]").fill("(京)中医广2007第01-30-10号")
    page.locator("main form.check-form:not(.upload) button").click()
    shown = text(page)
    assert "已获批准" in shown
    assert "广告内容：有被禁止的事项（代孕）" in shown
    assert shown.index("有被禁止的事项") < shown.index("已过期") < shown.index("已获批准")
    assert "2008年1月29日（推算，非登记）" in shown
    assert page.locator("#text-answer dt").count() == 5  # four kinds to look at, one in a sentence against it
    assert page.url.endswith("/check")
    assert page.locator("main textarea[name=text]").input_value().startswith("三代试管\n包成功")


def test_developers_lists_every_operation_and_its_examples(opened: Opened, server: Server) -> None:
    page = opened("/developers")
    shown = text(page)
    document = server.api("/openapi.json")
    for path, methods in document["paths"].items():
        for method in set(methods) & {"get", "post"}:
            assert f"{method.upper()} {path}" in shown.replace("\xa0", " "), f"{method} {path}"
            assert methods[method]["summary"].split(" / ")[0] in shown
    assert page.locator("pre").count() >= len(document["paths"])
    for identifier in ("post-api-v1-verify", "post-api-v1-verify-batch", "post-api-v1-watches"):
        section = page.locator(f"#{identifier}")
        assert section.locator("h4").all_inner_texts()[-2:] == ["请求内容", "应答"]
        assert "此密钥已被撤销。" in section.inner_text()
    page.locator("main a[href*='openapi.json']").first.click()
    assert page.url.endswith("/api/v1/openapi.json")


# --- when the register cannot look -----------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_without_a_database_a_page_says_it_cannot_check_or_from_when_its_answer_is(
    opened: Opened, start: Callable[..., Server], seeded: Cli, lang: str
) -> None:
    server = start(seeded.data_dir)
    database = seeded.data_dir / "register.sqlite"
    database.rename(database.with_name("away"))
    for path in ("/", "/search?q=盛京", f"/i/{ANSHAN}/history"):
        page = opened(f"{path}{'&' if '?' in path else '?'}lang={lang}", status=503, at=server)
        shown = text(page)
        assert ("这不代表该机构未获批准" in shown) == (lang == "zh-CN")
        assert ("does not mean" in shown) == (lang == "en")
        for words in ("未找到", "未获批此项", "不得开展", "Not found on", "may not offer"):
            assert words not in shown
        assert page.locator("h1").count() == 1
        assert overflow(page) <= 0
    for path in (f"/i/{ANSHAN}", f"/q/{ANSHAN}"):  # what somebody needs who scanned a code is answered from memory
        page = opened(f"{path}?lang={lang}", at=server)
        shown = text(page)
        assert ("目前无法确认此后是否有变更" in shown) == (lang == "zh-CN")
        assert ("whether anything changed since cannot be confirmed" in shown) == (lang == "en")
        assert "鞍山市妇儿医院" in shown
        assert overflow(page) <= 0
