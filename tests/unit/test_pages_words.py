"""The catalogue: complete in both languages, nothing missing, nothing left over, nothing impolite."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from string import Formatter

import pytest

from public_site import responses
from registry import texts
from registry.web import i18n, page_templates
from registry.web.i18n import Language
from tests.pages import gallery, site
from tests.translation import list_page_keys

LITERAL = re.compile(r"""\b(?:t|translate)\(\s*"([a-z_.0-9]+)"\s*[,)]""")
FOLDERS = [Path(module.__file__).parent for module in (responses, page_templates)]
SOURCES = [path for folder in FOLDERS for pattern in ("templates/**/*.html", "*.py") for path in folder.glob(pattern)]
CODE = "\n".join(path.read_text("utf-8") for path in SOURCES)


def load_catalogue() -> dict[str, dict[str, str]]:
    """The texts of the citizens' pages, by key and language."""
    found = {}
    for key in list_page_keys(workspace=False):
        one, many = (texts.find_text(key, "en", count) for count in (1, 2))
        found[key] = {"zh": texts.find_text(key), "en": many} | ({"en_one": one} if one != many else {})
    return found


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_every_string_has_both_languages_with_the_same_blanks() -> None:
    for key, entry in load_catalogue().items():
        assert set(entry) <= {"zh", "en", "en_one"}, key
        assert entry["zh"].strip() and entry["en"].strip(), key
        assert fields(entry["zh"]) == fields(entry["en"]) == fields(entry.get("en_one", entry["en"])), key


def test_every_key_a_template_or_module_names_exists() -> None:
    named = set(LITERAL.findall(CODE))
    assert len(named) > 100
    assert named <= set(list_page_keys())


def test_every_key_in_the_catalogue_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    used: set[str] = set()

    find_text = texts.find_text

    def record(key: str, lang: str, count: object = None) -> str:
        used.add(key)
        return find_text(key, lang, count)

    monkeypatch.setattr(texts, "find_text", record)
    gallery.make_pages.cache_clear()  # some words are looked up when a page is made
    for page in gallery.make_pages().values():
        for size in ("normal", "large"):
            gallery.render_page(page, "zh-CN", size)  # type: ignore[arg-type]
    for file in site.make_files().values():
        gallery.render_page(file)
    site.draw_cards()
    monkeypatch.undo()
    assert set(load_catalogue()) - used == set()


def test_no_string_shouts_or_asks_for_patience() -> None:
    for key, entry in load_catalogue().items():
        for text in entry.values():
            assert not set(text) & set("!！"), key
            assert "耐心" not in text and "请您" not in text, key


def test_dates_codes_and_instants_are_written_as_people_read_them() -> None:
    zh, en = Language(), Language("en")
    day, at = dt.date(2025, 6, 30), dt.datetime(2025, 6, 30, 16, 5, tzinfo=dt.UTC)
    assert zh.format_day(day) == '<time datetime="2025-06-30">2025年6月30日</time>'
    assert ">30 June 2025<" in en.format_day(day)
    assert ">2025年7月1日 00:05（北京时间）<" in zh.format_instant(at)
    assert ">7K2M-9QX4<" in zh.format_public_code("7k2m9qx4")


def test_a_technique_is_its_everyday_word_with_the_official_name_after_it() -> None:
    assert Language().format_technique("IVF") == "试管婴儿（体外受精-胚胎移植）"
    assert Language().format_technique("AIH") == "夫精人工授精"
    assert Language().format_technique("SPERM_BANK") == "精子库"
    assert Language("en").format_technique("IVF").startswith("test-tube baby (IVF) [")


def test_values_are_escaped_and_a_count_of_one_has_its_own_english() -> None:
    assert "&lt;b&gt;" in Language().translate("empty.title", query="<b>")
    assert Language("en").translate("search.found", count=1) == "1 institution found"
    assert Language("en").translate("search.found", count=2) == "2 institutions found"


def test_links_keep_language_and_size_and_drop_what_is_empty() -> None:
    both = Language("en", "large")
    assert both.make_link("/") == "/?lang=en&size=large"
    assert Language().make_link("/search", q="", region=None, technique=[]) == "/search"
    assert both.switch_to(lang="zh-CN").make_link("/search?q=a") == "/search?q=a&size=large"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ("zh-CN", "normal")),
        ({"lang": "EN-gb", "size": "large"}, ("en", "large")),
        ({"lang": "fr"}, ("zh-CN", "normal")),
    ],
)
def test_the_address_decides_language_and_size(query: dict[str, str], expected: tuple[str, str]) -> None:
    assert i18n.read_preferences(query) == expected
