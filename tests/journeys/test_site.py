"""The whole public site from outside: every link, both languages, narrow windows, and what programs fetch."""

from __future__ import annotations

import io
import json
import re
from collections import Counter, deque
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin, urlsplit

import httpx
import pytest
from lxml import etree
from playwright.sync_api import Browser
from pypdf import PdfReader

from tests.journeys.test_pages import overflow
from tests.running import PATIENCE, Server

ANSHAN, TWO_SITES = "7HV2-JKMV", "大连市妇女儿童医疗中心（集团）"
#: Pages of one kind that a walk looks at, in each language: there are 635 of some.
EACH = 4
#: Pages of every kind, to be shown in the narrowest window.
NARROW = (
    *("/", "/overview", "/data", "/check", "/search?q=大连", "/editions", "/log?entry=400", "/about", "/developers"),
    *(f"/i/{ANSHAN}", f"/i/{ANSHAN}/history", f"/q/{ANSHAN}", "/q/7HV2-JKMW", f"/check?name={TWO_SITES}&technique=AID"),
    *(
        "/check?text=包成功，代孕套餐",
        "/verify-offline",
        "/receipt",
        "/search?q=代孕",
        f"/i/{ANSHAN}?on=2019-01-01",
        "/nowhere",
    ),
)
#: What people come for: nothing in it moves while it loads.
VISITED = ("/", "/search?q=大连", f"/i/{ANSHAN}", f"/q/{ANSHAN}", "/overview")
#: Notes from the first byte on what moved, and how much had been painted.
WATCH = """
window.seen = {shift: 0, painted: 0};
new PerformanceObserver((list) => list.getEntries().forEach((one) => { seen.shift += one.value; }))
  .observe({type: "layout-shift", buffered: true});
new PerformanceObserver((list) => list.getEntries().forEach(() => { seen.painted += 1; }))
  .observe({type: "largest-contentful-paint", buffered: true});
"""
VOID = {"meta", "link", "input", "img", "br", "hr", "wbr"}
ATOM, MAP = "{http://www.w3.org/2005/Atom}", "{http://www.sitemaps.org/schemas/sitemap/0.9}"


class WalkedPage(HTMLParser):
    """The links of a page, its ids, and its Chinese sentences outside what is marked as Chinese or not to translate."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.chinese: list[str] = []
        self._open: list[tuple[str, bool]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        is_foreign = (
            given.get("lang") == "zh-CN" or given.get("translate") == "no" or tag in ("pre", "code", "script", "title")
        )
        self.ids.add(given.get("id") or "")
        self.links += [
            given[name] or "" for name in ("href", "src") if name in given and given.get("rel") != "canonical"
        ]
        if tag not in VOID:
            self._open.append((tag, is_foreign))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if re.search("[\u4e00-\u9fff].*[，。；]", data) and not any(foreign for _, foreign in self._open):
            self.chinese.append(data.strip()[:80])


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=PATIENCE) as made:
        yield made


def name_kind(path: str) -> str:
    """The route that serves a path, as far as a walk has to tell them apart."""
    return re.sub(r"/(i|q|p|badge|static|editions)/[^/?.]+", r"/\1/X", path.partition("?")[0])


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_every_link_of_the_site_is_answered_in_the_language_of_the_page(client: httpx.Client, lang: str) -> None:
    start = "/" if lang == "zh-CN" else "/?lang=en"
    waiting, known, seen = deque([start]), {start}, Counter[str]()
    pages: dict[str, set[str]] = {}
    anchors: list[tuple[str, str, str]] = []
    while waiting:
        address = waiting.popleft()
        seen[name_kind(address)] += 1
        if seen[name_kind(address)] > EACH:
            continue
        answer = client.get(address)
        assert answer.status_code == 200, address
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        assert answer.headers["content-language"] == lang, address
        page = WalkedPage(answer.text)
        pages[address] = page.ids
        if lang == "en":
            assert page.chinese == [], address
        for link in page.links:
            target, anchor = urldefrag(urljoin(address, link))
            if not target.startswith("/"):  # a number to call, or the address of the site as others see it
                assert target.startswith(("tel:", "https://register.example")), f"{address} -> {link}"
                continue
            if (("lang=en" in target) == (lang == "en")) or not is_page(target):
                anchors.append((address, target, anchor))
                if target not in known:
                    known.add(target)
                    waiting.append(target)
    assert {"/overview", "/data", "/i/X", "/i/X/history", "/log", "/badge/X.svg"} <= seen.keys()
    lost = [(a, t, n) for a, t, n in anchors if n and t in pages and n not in pages[t]]
    assert lost == []


def is_page(target: str) -> bool:
    return (
        not target.startswith(("/static/", "/api/", "/log/", "/.well-known/", "/badge/", "/favicon"))
        and "." not in urlsplit(target).path
    )


def test_a_window_of_320_pixels_is_wide_enough_for_every_kind_of_page(browser: Browser, server: Server) -> None:
    context = browser.new_context(
        viewport={"width": 320, "height": 640}, base_url=server.url, java_script_enabled=False
    )
    page, wide = context.new_page(), []
    for path in NARROW:
        for lang in ("", "en"):
            for size in ("", "large"):
                page.goto(f"{path}{'&' if '?' in path else '?'}lang={lang}&size={size}")
                if overflow(page) > 0:
                    wide.append((path, lang, size, overflow(page)))
    context.close()
    assert wide == []


def test_nothing_moves_while_a_page_loads(browser: Browser, server: Server) -> None:
    moved = {}
    for width in (390, 1280):
        context = browser.new_context(viewport={"width": width, "height": 844}, base_url=server.url, bypass_csp=True)
        page = context.new_page()
        page.add_init_script(WATCH)
        for path in VISITED:
            page.goto(path)
            page.wait_for_function("window.seen.painted > 0")
            page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
            moved[path, width] = page.evaluate("window.seen.shift")
        context.close()
    assert {key: shift for key, shift in moved.items() if shift} == {}


def test_an_institution_is_printed_on_one_page(browser: Browser, server: Server) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, base_url=server.url)
    page = context.new_page()
    for path in (f"/i/{ANSHAN}", f"/q/{ANSHAN}"):
        page.goto(path)
        assert len(PdfReader(io.BytesIO(page.pdf(format="A4"))).pages) == 1, path
    context.close()


def test_the_site_map_names_every_institution_once_in_each_language(client: httpx.Client) -> None:
    root = etree.fromstring(client.get("/sitemap.xml").content)
    places = [one.text or "" for one in root.iter(f"{MAP}loc")]
    assert len(places) == len(set(places)) and all(one.startswith("https://register.example/") for one in places)
    assert sum("/i/" in one and "lang=en" not in one for one in places) == 635
    assert client.get(urlsplit(places[-1]).path).status_code == 200
    robots = client.get("/robots.txt").text
    assert "Disallow: /staff" in robots and "Sitemap: https://register.example/sitemap.xml" in robots


def test_the_feed_of_changes_is_one_and_leads_to_histories(client: httpx.Client) -> None:
    answer = client.get("/changes.atom")
    assert answer.headers["content-type"].startswith("application/atom+xml")
    root = etree.fromstring(answer.content)
    entries = root.findall(f"{ATOM}entry")
    assert 0 < len(entries) <= 50 and root.find(f"{ATOM}updated") is not None
    link = entries[0].find(f"{ATOM}link")
    assert link is not None and client.get(urlsplit(link.get("href", "")).path).status_code == 200
    icons = client.get("/manifest.webmanifest").json()["icons"]
    assert [client.get(icon["src"]).status_code for icon in icons] == [200, 200]
    assert client.get("/favicon.ico").headers["content-type"] == "image/x-icon"


def test_an_institution_says_what_it_is_to_programs_and_share_previews(client: httpx.Client) -> None:
    html = client.get(f"/i/{ANSHAN}").text
    data = json.loads(html.split('<script type="application/ld+json">')[1].split("</script>")[0])
    assert (data["@type"], data["identifier"]) == ("MedicalClinic", ANSHAN)
    assert [one["alternateName"] for one in data["availableService"]] == ["夫精人工授精", "试管婴儿", "二代试管"]
    assert f'<link rel="canonical" href="https://register.example/i/{ANSHAN}">' in html
    assert re.search(r'<meta name="description" content="已获批准。[^"]+地址：[^"]+">', html)
    picture = client.get(f"/i/{ANSHAN}/card.png")
    assert picture.content[:8] == b"\x89PNG\r\n\x1a\n" and len(picture.content) < 60_000
    past = client.get(f"/i/{ANSHAN}?on=2025-07-01").text
    assert "application/ld+json" not in past and 'name="robots" content="noindex"' in past


def test_a_badge_says_the_standing_now_and_why_it_cannot(client: httpx.Client) -> None:
    badge = client.get(f"/badge/{ANSHAN}.svg")
    assert badge.headers["content-type"].startswith("image/svg+xml") and "set-cookie" not in badge.headers
    assert badge.headers["cache-control"] == "public, max-age=60" and "已获批准" in badge.text
    assert etree.fromstring(badge.content).get("role") == "img"
    for code, status, word in (("7HV2-JKMW", 400, "编码有误"), ("13NZ-C7GD", 404, "名录中未找到")):
        answer = client.get(f"/badge/{code}.svg")
        assert (answer.status_code, answer.headers["cache-control"]) == (status, "no-store") and word in answer.text


def test_two_sites_of_one_name_stand_side_by_side(client: httpx.Client) -> None:
    codes = [one["code"] for one in client.get("/api/v1/institutions", params={"q": TWO_SITES}).json()["items"][:2]]
    for own, other in (codes, codes[::-1]):
        html = client.get(f"/i/{own}").text
        assert "许可按地址逐一批准" in html and f'href="/i/{other}"' in html


def test_what_people_come_for_is_small_on_the_wire(client: httpx.Client) -> None:
    """Everything that a first visit fetches, compressed as browsers take it."""
    for path in VISITED:
        most = 20_000 if path.startswith("/q/") else 30_000
        html = client.get(path).text
        links = re.findall(
            r'<link rel="(?:stylesheet|icon)" href="([^"]+)"|<script src="([^"]+)"|<img src="([^"]+)"', html
        )
        parts = [path, *("".join(one) for one in links)]
        size = 0
        for part in parts:
            with client.stream("GET", part, headers={"Accept-Encoding": "gzip"}) as answer:
                size += len(b"".join(answer.iter_raw()))
        assert size < most, (path, size)
