"""Searching in a real browser: suggestions by keyboard and finger, on bad networks, and without a script."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from tests.journeys.test_pages import DESK, PHONE, Opened, heading, opened, overflow, text
from tests.running import eventually

__all__ = ["opened"]
SHENGJING = "中国医科大学附属盛京医院"


def suggesting(opened: Opened, **context: object) -> Page:
    return opened("/", java_script_enabled=True, **context)


def asked_of(route: Route) -> str:
    return parse_qs(urlsplit(route.request.url).query)["q"][0]


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
def test_half_a_syllable_suggests_and_the_keyboard_alone_goes_there(opened: Opened, viewport: dict[str, int]) -> None:
    page = suggesting(opened, viewport=viewport)
    box = page.get_by_role("combobox")
    expect(box).to_have_attribute("aria-expanded", "false")
    box.press_sequentially("shengjin")
    options = page.get_by_role("option")
    expect(options.first).to_contain_text(SHENGJING)
    expect(box).to_have_attribute("aria-expanded", "true")
    expect(page.locator(".search-field [role=status]")).to_contain_text(str(options.count()))
    box.press("ArrowDown")
    expect(box).to_have_attribute("aria-activedescendant", options.first.get_attribute("id") or "")
    expect(options.first).to_have_attribute("aria-selected", "true")
    box.press("End")
    expect(options.last).to_have_attribute("aria-selected", "true")
    box.press("Home")
    assert overflow(page) == 0
    box.press("Enter")
    page.wait_for_url("**/i/*")
    assert heading(page) == SHENGJING


def test_escape_closes_the_suggestions_and_enter_asks_what_was_typed(opened: Opened) -> None:
    page = suggesting(opened)
    box = page.get_by_role("combobox")
    box.press_sequentially("盛京")
    expect(page.get_by_role("option").first).to_be_visible()
    box.press("Escape")
    expect(page.get_by_role("option")).to_have_count(0)
    expect(box).to_have_value("盛京")
    box.press("Enter")
    page.wait_for_url("**/search?*")
    assert SHENGJING in text(page)


def test_a_finger_chooses_a_suggestion_as_large_as_one_and_language_and_size_stay(opened: Opened) -> None:
    page = opened("/?lang=en&size=large", java_script_enabled=True, has_touch=True)
    page.get_by_role("combobox").press_sequentially("盛京")
    first = page.get_by_role("option").first
    expect(first).to_be_visible()
    measured = first.bounding_box()
    assert measured is not None and measured["height"] >= 44
    first.tap()
    page.wait_for_url("**/i/*")
    assert {"lang=en", "size=large"} <= set(urlsplit(page.url).query.split("&"))


def test_nothing_is_asked_while_characters_are_being_composed(opened: Opened) -> None:
    page = suggesting(opened)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/suggest" in request.url else None)
    box = page.get_by_role("combobox")
    box.dispatch_event("compositionstart")
    box.press_sequentially("sheng'jing")
    page.wait_for_timeout(500)
    assert asked == []
    box.fill("盛京")
    box.dispatch_event("compositionend")
    expect(page.get_by_role("option").first).to_contain_text(SHENGJING)
    assert len(asked) == 1


def test_a_slow_answer_never_replaces_a_later_one(opened: Opened) -> None:
    page = suggesting(opened)
    held: list[Route] = []
    page.route(
        "**/api/v1/suggest?*", lambda route: held.append(route) if asked_of(route) == "大连" else route.continue_()
    )
    box = page.get_by_role("combobox")
    box.press_sequentially("大连")
    assert eventually(lambda: page.wait_for_timeout(50) or bool(held))
    assert len(held) == 1
    box.fill("盛京")
    expect(page.get_by_role("option").first).to_contain_text(SHENGJING)
    late = {"code": "0000-0000", "name": "示例迟到医院", "region": {"province": "示例省"}, "match": "name"}
    held[0].fulfill(body=json.dumps({"items": [late]}), content_type="application/json")
    page.wait_for_timeout(300)
    expect(page.get_by_role("option").first).to_contain_text(SHENGJING)


def test_when_suggestions_cannot_be_had_the_search_works_as_ever(opened: Opened) -> None:
    page = suggesting(opened)
    page.route("**/api/v1/suggest?*", lambda route: route.fulfill(status=503, body="{}"))
    box = page.get_by_role("combobox")
    with page.expect_response(lambda answer: answer.status == 503):
        box.press_sequentially("盛京")
    expect(page.get_by_role("option")).to_have_count(0)
    box.press("Enter")
    page.wait_for_url("**/search?*")
    assert SHENGJING in text(page)


def test_without_a_script_the_box_is_a_plain_form(opened: Opened) -> None:
    page = opened("/")
    assert page.get_by_role("combobox").count() == 0
    page.get_by_role("searchbox").fill("盛京")
    page.get_by_role("searchbox").press("Enter")
    page.wait_for_url("**/search?*")
    assert SHENGJING in text(page)


# --- pages -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("question", ["代孕", "鞍山 代 孕", "dai孕", "供卵试管", "三代选性别", "包生男孩"])
def test_what_nobody_may_offer_leads_to_a_warning_and_to_no_institution(opened: Opened, question: str) -> None:
    page = opened(f"/search?q={question}")
    assert heading(page) == "这是任何机构都不得提供的"
    assert page.locator("main a[href^='/i/']").count() == 0
    assert page.locator(".verdict-approved, .cards, .filter").count() == 0
    assert page.locator("main a[href='tel:12345']").count() == 1
    assert overflow(page) == 0


def test_the_rest_of_a_forbidden_question_can_be_asked_alone(opened: Opened) -> None:
    page = opened("/search?q=鞍山 代孕")
    page.get_by_role("link", name="只查“鞍山”").click()
    assert "鞍山市妇儿医院" in text(page)


def test_a_misspelt_name_asks_whether_another_was_meant_and_says_it_is_another(opened: Opened) -> None:
    page = opened("/search?q=盛景医院")
    assert "名录中没有名为“盛景医院”的机构" in text(page)
    assert "下面是名称相近或同在当地的其他机构，不是您问的那一家" in text(page)
    page.locator(".finding").get_by_role("link", name=SHENGJING).click()
    assert "找到了您问的机构" in text(page)
    assert SHENGJING in text(page)


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("shengjing", "按拼音相符"),
        ("盛京医院", None),
        ("301医院", "俗称：301医院"),
        ("第四军医大学唐都医院", "俗称：第四军医大学唐都医院"),
        ("吉大一院", "按简称相符"),
        ("滑翔路39号", "按地址相符"),
    ],
)
def test_a_card_says_why_it_is_there(opened: Opened, question: str, reason: str | None) -> None:
    page = opened(f"/search?q={question}")
    card = page.locator(".card").first.inner_text()
    assert (reason in card) if reason else ("按" not in card)


def test_a_hospital_that_is_not_approved_for_what_was_asked_says_so_on_its_card(opened: Opened) -> None:
    page = opened("/search?q=鞍山市妇儿医院 三代试管")
    assert "未获批此项技术：三代试管" in page.locator(".card").first.inner_text()


def test_regions_are_walked_down_and_up_again(opened: Opened) -> None:
    page = opened("/search?technique=PGT")
    page.locator(".filter").get_by_role("link", name="辽宁省").click()
    assert page.locator(".region-path li").all_inner_texts() == ["全国", "辽宁省"]
    page.locator(".filter").get_by_role("link", name="沈阳市").click()
    assert page.locator(".region-path li").all_inner_texts() == ["全国", "辽宁省", "沈阳市"]
    page.locator(".region-path").get_by_role("link", name="辽宁省").click()
    page.locator(".region-path").get_by_role("link", name="全国").click()
    assert page.locator(".region-path").count() == 0


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("/search?q=圣玛丽国际生殖中心", "名录中没有名为“圣玛丽国际生殖中心”的机构"),
        ("/search?q=盛京&region=110000", "去掉筛选条件后，有 1 家机构相符"),
        ("/search?q=？！", "没有可以查的文字"),
        ("/search?q=西藏三代试管", "扩大地区，或换一项技术再查"),
    ],
)
def test_an_empty_page_says_what_it_means_and_what_to_do(opened: Opened, address: str, says: str) -> None:
    page = opened(address)
    assert says in text(page)
    assert page.locator(".cards").count() == 0
    assert overflow(page) == 0


def test_what_was_not_found_can_be_checked_and_reported(opened: Opened) -> None:
    page = opened("/search?q=圣玛丽国际生殖中心")
    assert page.locator("main a[href='tel:12345']").count() >= 1
    page.get_by_role("link", name="按名称和地址核验").click()
    assert page.locator("#name").input_value() == "圣玛丽国际生殖中心"
