"""Every sample page, in both languages and sizes, is sound HTML that works with a screen reader and without scripts."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise, product

import pytest

from registry.web import page_templates
from registry.web.i18n import Lang, Size
from tests.pages import gallery

VOID = {"meta", "link", "input", "img", "br", "hr", "wbr"}
SVG_VOID = {"path", "circle", "rect"}
PAGES = gallery.make_pages()
VOICES: list[tuple[Lang, Size]] = list(product(("zh-CN", "en"), ("normal", "large")))  # type: ignore[arg-type]


class Document(HTMLParser):
    """Tags with their attributes, and every way in which they are not balanced."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if len(dict(attrs)) != len(attrs):
            self.wrong.append(f"<{tag}> repeats an attribute")
        if tag == "p" and "p" in self.open:
            self.wrong.append("<p> inside <p>")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID | SVG_VOID:
            self.wrong.append(f"<{tag}/>")
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}>")

    def of(self, *names: str) -> list[dict[str, str | None]]:
        return [attrs for tag, attrs in self.tags if tag in names]


@cache
def page(name: str, lang: Lang = "zh-CN", size: Size = "normal") -> tuple[str, Document]:
    html = gallery.render_page(PAGES[name], lang, size)
    return html, Document(html)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_sound_and_accessible(name: str) -> None:
    for lang, size in VOICES:
        check_sound(name, lang, size)


def check_sound(name: str, lang: Lang, size: Size) -> None:
    html, found = page(name, lang, size)
    assert html.startswith("<!DOCTYPE html>") and not found.wrong and not found.open
    assert found.of("html")[0]["lang"] == lang
    assert (found.of("html")[0].get("data-size") == "large") == (size == "large")
    counts = Counter(tag for tag, _ in found.tags)
    assert (counts["h1"], counts["main"], counts["header"], counts["footer"]) == (1, 1, 1, 1)
    assert (html.split("</head>")[0].count("<title>"), counts["title"]) == (1, 1 + counts["desc"])  # and each picture's
    assert all("aria-label" in nav or "aria-labelledby" in nav for nav in found.of("nav"))
    assert "undefined" not in html.lower()

    ids = [attrs["id"] for _, attrs in found.tags if attrs.get("id")]
    assert len(ids) == len(set(ids)) or name == "components"
    labelled = {attrs.get("for") for attrs in found.of("label")}
    for control in found.of("input", "select", "textarea"):
        assert control.get("type") == "hidden" or control["id"] in labelled
    for _, attrs in found.tags:
        for reference in ("aria-labelledby", "aria-describedby"):
            assert set((attrs.get(reference) or "").split()) <= set(ids)
    assert all(attrs.get("scope") in ("col", "row") for attrs in found.of("th"))
    assert counts["table"] == counts["caption"]
    assert all(attrs.get("alt") for attrs in found.of("img"))


@pytest.mark.parametrize("name", PAGES)
def test_a_page_needs_no_script_and_obeys_a_strict_policy(name: str) -> None:
    for lang, size in VOICES:
        check_policy(name, lang, size)


def check_policy(name: str, lang: Lang, size: Size) -> None:
    _, found = page(name, lang, size)
    assert not found.of("style", "iframe", "object", "base")
    for script in found.of("script"):  # our own: suggestions at the search box, what a scanned code is worth
        if script.get("type") == "application/ld+json":
            assert set(script) == {"type"}
            continue
        assert re.fullmatch(r"/static/(suggest|credential|offline)\.[0-9a-f]{10}\.js", script["src"] or "")
        assert "defer" in script
    for tag, attrs in found.tags:
        assert not any(attr == "style" or attr.startswith("on") for attr in attrs)
        for address in (attrs.get("href"), attrs.get("src"), attrs.get("action")):
            assert address is None or re.match(r"/|#|tel:(12345|\+861068797979)$", address), f"{tag} {address}"
    # A person's name, a long text, a receipt, a file and a report stand in no address; all else that is asked does. And
    # what changes something is posted: the end of a subscription.
    posts = [form for form in found.of("form") if form["method"] != "get"]
    places = ("/check", "/receipt", "/leads", "/notices")
    assert all(form["method"] == "post" and (form["action"] or "").startswith(places) for form in posts)


@pytest.mark.parametrize("name", PAGES)
def test_links_and_forms_keep_language_and_size(name: str) -> None:
    _, found = page(name, "en", "large")
    switches = 0
    for attrs in found.of("a"):
        href = attrs["href"] or ""
        if href.startswith("/") and not href.startswith(("/api/", "/log/", "/x", "/static/", "/.well-known/")):
            kept = ("lang=en" in href, "size=large" in href)
            switches += kept in ((True, False), (False, True))
            assert any(kept), href
    # A form that posts keeps them in its address; what was sent in a body is sent again by the switches.
    posted = [form["action"] or "" for form in found.of("form") if form["method"] == "post"]
    for action in posted:
        kept = ("lang=en" in action, "size=large" in action)
        switches += kept in ((True, False), (False, True))
        assert any(kept), action
    assert switches == 2, "the two switches, and only they, drop one of them"
    forms = len(found.of("form")) - len(posted)
    hidden = Counter(one.get("name") for one in found.of("input") if one.get("type") == "hidden")
    assert (hidden["lang"], hidden["size"]) == (forms, forms)


@pytest.mark.parametrize("name", PAGES)
def test_headings_never_skip_a_level(name: str) -> None:
    html, _ = page(name)
    levels = [int(level) for level in re.findall(r"<h([1-6])", html.split("<main", 1)[1])]
    levels = levels[levels.index(1) :]
    assert all(after <= before + 1 for before, after in pairwise(levels)), levels


def test_chinese_names_are_marked_as_chinese_on_an_english_page() -> None:
    html, _ = page("institution", "en")
    main = re.sub(r'<(span|bdi|code) lang="zh-CN">[^<]*</\1>', "", html.split("<main", 1)[1].split("</main>")[0])
    main = re.sub(r'alt="[^"]*"', "", main)
    assert not re.findall(r"[\u4e00-\u9fff]+", main)


def test_static_files_have_their_content_in_their_address() -> None:
    links = [attrs["href"] or "" for attrs in page("home")[1].of("link")]
    addresses = [one for one in links if one.startswith("/static/")]
    assert {re.sub(r"\.[0-9a-f]{10}\.", ".", one) for one in addresses} == {
        "/static/favicon.svg",
        "/static/icon-180.png",
        "/static/pages.css",
    }
    assert all(one.rsplit("/", 1)[1] in page_templates.list_assets() for one in addresses)
