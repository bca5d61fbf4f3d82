"""What a phone shows without scrolling, measured in a browser on sample pages: no figure hangs on the day it runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from public_site.check_pages import CheckPage
from public_site.search_pages import SearchPage
from tests.journeys.test_pages import PHONE, Opened, opened, overflow, text
from tests.pages import gallery

__all__ = ["opened"]
PAGES = gallery.make_pages()
ANSWERED = [name for name, page in PAGES.items() if isinstance(page, CheckPage) and page.answer and not page.past]
#: Where an old list is said with what to do.
OLD = ("home", "search", "landing", "check-old", "check-partly", "check-unlawful", "check-list", "edition")
SEARCHES = [name for name, page in PAGES.items() if isinstance(page, SearchPage)]
#: Pixels from the top.
FINDINGS_BY = 600
SEARCH_FINDING_BY = 300


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every sample page as a file."""
    made = tmp_path_factory.mktemp("gallery")
    gallery.write_pages(made)
    return made


@pytest.fixture
def phone(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport=PHONE, locale="zh-CN", java_script_enabled=False)
    yield context
    context.close()


def span(page: Page, selector: str) -> tuple[float, float]:
    """(top, bottom) of the first element that fits, in pixels from the top of the page."""
    box = page.locator(selector).first.bounding_box()
    assert box is not None, selector
    return box["y"], box["y"] + box["height"]


@pytest.mark.parametrize("size", ["", ".large"], ids=["normal", "large"])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_findings_begin_in_the_upper_part_of_a_phone(folder: Path, phone: BrowserContext, lang: str, size: str) -> None:
    page = phone.new_page()
    for name in ANSWERED:
        page.goto((folder / f"{name}.{lang}{size}.html").as_uri())
        top, bottom = span(page, ".headline, .panel")
        assert top < FINDINGS_BY, f"{name}: {top} px"
        assert size or span(page, ".panel .verdict-word")[0] < FINDINGS_BY, name
        assert span(page, "main form")[0] > bottom, name
        assert overflow(page) <= 0, name


@pytest.mark.parametrize("size", ["", ".large"], ids=["normal", "large"])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_what_a_search_found_is_the_first_thing_below_its_box(
    folder: Path, phone: BrowserContext, lang: str, size: str
) -> None:
    page = phone.new_page()
    for name in SEARCHES:
        page.goto((folder / f"{name}.{lang}{size}.html").as_uri())
        assert span(page, ".finding h2")[0] < SEARCH_FINDING_BY, name
        assert span(page, ".finding")[0] > span(page, "main form")[1], name
        assert overflow(page) <= 0, name


@pytest.mark.parametrize("size", ["", ".large"], ids=["normal", "large"])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_age_of_an_old_list_is_on_the_first_screen(
    folder: Path, phone: BrowserContext, lang: str, size: str
) -> None:
    page = phone.new_page()
    for name in OLD:
        page.goto((folder / f"{name}.{lang}{size}.html").as_uri())
        bottom = span(page, ".list-age-old")[1]
        assert bottom <= PHONE["height"], f"{name}: {bottom} px"


def test_the_three_panels_are_equally_wide_and_side_by_side_on_a_desk(folder: Path, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, java_script_enabled=False)
    page = context.new_page()
    page.goto((folder / "check-unlawful.zh.html").as_uri())
    boxes = [one.bounding_box() for one in page.locator(".panel").all()]
    assert len(boxes) == 3 and all(boxes)
    sizes = {(round(box["y"]), round(box["width"]), round(box["height"])) for box in boxes if box}
    assert len(sizes) == 1
    context.close()


def test_the_switches_keep_an_answer_that_was_posted(opened: Opened) -> None:
    page = opened("/check")
    page.locator("main input[name=name]").fill("沈阳市妇婴医院")
    page.locator("main details.more summary").click()
    page.locator("main textarea[name=text]").fill("三代试管，代孕套餐")
    page.locator("main form.check-form:not(.upload) button").click()
    assert "有被禁止的事项（代孕）" in text(page)
    page.get_by_role("button", name="English").click()
    assert page.locator("html").get_attribute("lang") == "en"
    assert "Mentions what is forbidden (surrogacy)" in text(page)
    page.get_by_role("button", name="Large text").click()
    assert page.locator("html").get_attribute("data-size") == "large"
    assert page.locator("main textarea[name=text]").input_value() == "三代试管，代孕套餐"
    assert page.locator(".panel").first.get_attribute("data-subject") == "wording"
    for control in page.locator(".switches button").all():
        box = control.bounding_box()
        assert box is not None and box["height"] >= 44


def test_a_kept_address_of_a_list_leads_back_to_its_form(opened: Opened) -> None:
    page = opened("/check/list")
    assert "请选择要核验的文件" in text(page)
    assert page.locator("input[type=file]").count() == 1


def test_a_web_address_in_the_search_box_is_answered_with_what_it_is_worth(opened: Opened) -> None:
    page = opened("/")
    page.locator("main input[name=q]").first.fill("https://www.nobody.example/page")
    page.locator("main form[role=search] button").first.click()
    assert "/check?" in page.url
    assert "nobody.example" in page.locator("main input[name=name]").input_value()
    assert "网站域名" in text(page)
