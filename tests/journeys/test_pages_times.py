"""What was believed of a day and what is known of it now, in a real browser: phone and desk, without JavaScript."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.journeys.test_pages import (
    DESK,
    MAIN_CONTROLS,
    PHONE,
    Seen,
    heading,
    list_low,
    read_shape,
    same_address,
    text,
)
from tests.running import Server, serving
from tests.times import DATE, LATE, LISTED_AGAIN, NEW, STOP, a_corrected_register, name_of, printed

LATE_CODE, DATE_CODE, STOP_CODE, NEW_CODE = map(printed, (LATE, DATE, STOP, NEW))
NOT_TODAY, TODAY = "这不是今天的最新情况", "查看今天的情况"
Opened = Callable[..., Page]


@pytest.fixture(scope="module")
def times(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data_dir = tmp_path_factory.mktemp("times") / "var"
    a_corrected_register(data_dir).close()
    with serving(data_dir) as running:
        yield running


@pytest.fixture
def opened(browser: Browser, times: Server) -> Iterator[Opened]:
    """Opens a page without JavaScript unless told; at the end nothing had gone wrong in any."""
    met: list[tuple[Page, Seen]] = []

    def go(path: str, status: int = 200, **context: Any) -> Page:
        context = {"viewport": PHONE, "locale": "zh-CN", "java_script_enabled": False, **context}
        page = browser.new_context(**context, base_url=times.url).new_page()
        met.append((page, Seen(page, times.url)))
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == status, f"{path} -> {answer.status}"
        return page

    yield go
    for page, seen in met:
        assert seen.elsewhere == []
        assert [said for said in seen.errors if "the server responded with a status of" not in said] == []
        assert page.context.cookies() == []
        page.context.close()


def top(page: Page, selector: str) -> float:
    box = page.locator(selector).first.bounding_box()
    assert box is not None, selector
    return box["y"]


def ask(page: Page, on: str, known_at: str = "") -> None:
    """Fill the form as a person does, and send it."""
    page.locator("main input[name=on]").fill(on)
    page.locator("main input[name=known_at]").fill(known_at)
    page.locator("#day button").click()


# --- asking about a day ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("script", [False, True], ids=["without script", "with script"])
def test_a_person_asks_by_keyboard_alone_and_reads_what_counts_first(
    opened: Opened, times: Server, script: bool
) -> None:
    page = opened(f"/i/{STOP_CODE}", java_script_enabled=script)

    def tab_to(selector: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            focused = page.locator("*:focus")
            if focused.count() and focused.evaluate(f"e => e.matches({selector!r})"):
                assert focused.evaluate("e => parseFloat(getComputedStyle(e).outlineWidth)") >= 2
                return
        pytest.fail(f"no way to {selector} by keyboard")

    tab_to("main a[href$='/history#day']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/history#day")
    tab_to("main input[name=on]")
    page.keyboard.type("20241101")
    tab_to("main input[name=known_at]")
    page.keyboard.type("2025年2月9日")
    page.keyboard.press("Enter")
    page.wait_for_url("**/history?**")
    shown = text(page)
    assert "2024年11月1日的情况" in shown
    assert "自2024年10月1日起暂停，当日不得开展试管婴儿" in shown
    assert "名录在2025年2月9日时，对2024年11月1日的记载：" in shown
    assert "根据现在掌握的信息，那一天：" in shown
    assert "请以现在掌握的信息为准" in shown
    assert page.locator("main .verdict").count() == 1, "what is no longer believed never looks like an answer"
    assert page.locator(".verdict-stopped").count() == 1
    assert top(page, ".verdict") < top(page, ".sides") < top(page, "#day") < top(page, ".timeline")
    assert page.locator("main input[name=on]").input_value() == "20241101"
    assert page.locator("main input[name=known_at]").input_value() == "2025年2月9日"


def test_what_differs_stands_side_by_side_and_one_under_the_other_on_a_phone(opened: Opened) -> None:
    for viewport in (PHONE, DESK):
        page = opened(f"/i/{DATE_CODE}/history?on=2024-10-01", viewport=viewport)
        then, now = page.locator(".side").all()
        assert "名录在2024年10月1日时记载：" in then.inner_text()
        boxes = (then.bounding_box(), now.bounding_box())
        assert boxes[0] is not None
        assert boxes[1] is not None
        below = boxes[1]["y"] >= boxes[0]["y"] + boxes[0]["height"]
        beside = boxes[1]["x"] >= boxes[0]["x"] + boxes[0]["width"]
        assert (below, beside) == ((True, False) if viewport == PHONE else (False, True))


def test_a_difference_is_told_by_a_word_and_an_icon_and_only_differences_are(opened: Opened) -> None:
    page = opened(f"/i/{DATE_CODE}/history?on=2024-10-01")
    then, now = page.locator(".side").all()
    for side, value, word in ((then, "正式运行", "与现在不同"), (now, "撤销", "以此为准")):
        assert side.locator(".mark").count() == side.locator(".differs").count() == 1
        mark = side.locator(".differs")
        assert "试管婴儿" in mark.inner_text()
        assert value in mark.inner_text()
        assert word in mark.inner_text()
        assert mark.locator("svg").count() == 1
        assert name_of(DATE) in side.inner_text()
    assert "有1处不同" in text(page)


def test_when_then_and_now_agree_one_sentence_says_so(opened: Opened) -> None:
    page = opened(f"/i/{STOP_CODE}/history")
    ask(page, "2024-09-30")
    assert "名录在2024年9月30日时的记载，与现在掌握的信息一致。" in text(page)
    assert page.locator(".side").count() == 0
    assert "当日在登记地址获准开展试管婴儿" in text(page)


def test_no_record_then_is_said_to_be_no_record_and_not_a_refusal(opened: Opened) -> None:
    page = opened(f"/i/{NEW_CODE}/history")
    ask(page, "2025-01-01")
    shown = text(page)
    assert "名录在2025年1月1日时，还没有这家机构的记录。没有记录不等于未获批准" in shown
    assert "当日在登记地址获准开展试管婴儿" in shown
    ask(page, "2001-01-01")
    assert "该日期无记录" in text(page)
    assert "没有记录不等于未获批准，也不等于已获批准" in text(page)
    assert page.locator(".verdict-unlisted").count() == 1
    ask(page, "2024-12-31", "2024-12-31")
    assert "还没有这家机构的记录" in text(page)


def test_a_day_to_come_is_said_to_be_one(opened: Opened) -> None:
    page = opened(f"/i/{LATE_CODE}/history")
    ask(page, "2999-12-31")
    assert "那一天还没有到" in text(page)
    assert page.locator(".side").count() == 0
    page.goto(f"/i/{LATE_CODE}?on=2999-12-31")
    assert NOT_TODAY in text(page)
    assert "那一天还没有到" in text(page)


def test_wrong_dates_are_named_beside_their_fields_and_nothing_typed_is_lost(opened: Opened) -> None:
    page = opened(f"/i/{LATE_CODE}/history?on=2024-13-01&known_at=去年", status=400)
    links = page.locator("[role=alert] a")
    assert links.count() == 2
    assert all("请写成 2025-06-30 这样" in said for said in links.all_inner_texts())
    for name, typed in (("on", "2024-13-01"), ("known_at", "去年")):
        field = page.locator(f"main input[name={name}]")
        assert field.input_value() == typed
        assert field.get_attribute("aria-invalid") == "true"
        described = str(field.get_attribute("aria-describedby")).split()
        assert any(typed in page.locator(f"[id='{one}']").inner_text() for one in described)
    links.last.click()
    assert page.url.endswith("#known_at")
    assert page.locator(".timeline > li").count() == 3, "the history itself is still there"
    ask(page, "2024-12-31")
    assert page.locator("[role=alert]").count() == 0


# --- corrections in the timeline -------------------------------------------------------------------------------------


def test_a_correction_says_what_was_recorded_what_is_right_from_when_and_why(opened: Opened) -> None:
    page = opened(f"/i/{DATE_CODE}/history")
    corrected = page.locator(".timeline > li").first.inner_text()
    assert "2024年9月1日起" in corrected
    assert "更正" in corrected
    assert "试管婴儿（体外受精-胚胎移植）：原记载为“正式运行”，实为“撤销”，自2024年9月1日起。" in corrected
    assert "（2025年3月3日记入，理由：撤销决定书的日期录入错误）" in corrected
    assert page.locator(".timeline > li", has_text="更正").count() == 1
    page.goto(f"/i/{LATE_CODE}/history")
    learnt = page.locator(".timeline > li").first.inner_text()
    assert "三代试管（植入前胚胎遗传学检测）：原来没有记载，实为“试运行”，自2024年8月1日起。" in learnt
    assert "（2025年3月4日记入，理由：批准文件送达较晚）" in learnt


def test_what_was_only_recorded_late_is_not_called_a_correction(opened: Opened) -> None:
    page = opened(f"/i/{STOP_CODE}/history")
    assert "更正" not in page.locator(".timeline").inner_text()
    assert "理由：停业整改决定送达较晚。" in page.locator(".timeline").inner_text()
    assert "2025年2月10日 10:00（北京时间）录入" in page.locator(".timeline").inner_text()


# --- no old state without saying so ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "word", "told"),
    [
        ("on=2024-10-15", "已撤销", "本页是2024年10月15日的情况，按名录现在掌握的信息。"),
        ("on=2024-10-15&known_at=2025-01-31", "已获批准", "只按名录截至2025年1月31日掌握的信息"),
        ("on=2024年10月15日&known_at=20250131", "已获批准", "只按名录截至2025年1月31日掌握的信息"),
        (f"on=2024-10-15&known_at={LISTED_AGAIN}", "已获批准", "截至2025年1月20日 10:00（北京时间）掌握"),
        ("known_at=2024-11-30", "已获批准", "只按名录截至2024年11月30日掌握的信息"),
    ],
)
def test_an_institution_at_another_time_says_so_before_anything_else(
    opened: Opened, times: Server, query: str, word: str, told: str
) -> None:
    page = opened(f"/i/{DATE_CODE}?{query}")
    assert NOT_TODAY in text(page)
    assert told in text(page)
    assert word in page.locator(".verdict-word").inner_text()
    assert top(page, ".notice-warning") < top(page, ".verdict")
    assert page.locator("meta[name=robots]").get_attribute("content") == "noindex"
    assert page.locator("main img").count() == 0, "its QR code leads to today's state"
    assert "今天" not in page.locator(".verdict").inner_text()
    page.get_by_role("link", name=TODAY).click()
    assert page.url == f"{times.url}/i/{DATE_CODE}"
    assert NOT_TODAY not in text(page)
    assert "已撤销" in page.locator(".verdict-word").inner_text()
    assert page.locator("meta[name=robots]").count() == 0


def test_a_state_that_is_no_longer_believed_says_so_and_leads_to_what_is(opened: Opened) -> None:
    no_longer = "名录现在的记载与本页不同。请以现在掌握的信息为准。"
    page = opened(f"/i/{DATE_CODE}?on=2024-10-15&known_at=2025-01-31")
    assert no_longer in page.locator(".notice-warning").inner_text()
    page.locator(".notice-warning a[href*='/history']").click()
    assert "请以现在掌握的信息为准" in text(page)
    assert page.locator(".verdict-stopped").count() == 1
    for query in ("on=2024-10-15", "on=2024-08-15&known_at=2025-01-31", "on=2024-12-15&known_at=2025-01-31"):
        page.goto(f"/i/{DATE_CODE}?{query}")
        assert NOT_TODAY in text(page)
        assert no_longer not in text(page)


def test_todays_state_asked_for_by_its_day_is_todays_page(opened: Opened) -> None:
    page = opened(f"/i/{DATE_CODE}?on=&known_at=2999-01-01")
    assert NOT_TODAY not in text(page)


def test_from_the_comparison_to_either_side_in_full_and_back(opened: Opened) -> None:
    page = opened(f"/i/{DATE_CODE}/history?on=2024-10-01")
    page.get_by_role("link", name="查看当时记载的全部内容").click()
    assert "只按名录截至2024年10月1日掌握的信息" in text(page)
    assert "已获批准" in page.locator(".verdict-word").inner_text()
    page.get_by_role("link", name="对照当时的记载和现在掌握的信息").first.click()
    assert page.locator(".side").count() == 2
    page.get_by_role("link", name="查看那一天的全部内容").click()
    assert "按名录现在掌握的信息" in text(page)
    assert "已撤销" in page.locator(".verdict-word").inner_text()


def test_a_day_without_a_record_is_neither_approved_nor_refused(opened: Opened) -> None:
    for query, told in (
        ("on=2001-01-01", "名录没有这家机构在2001年1月1日的记录"),
        ("on=2024-10-01&known_at=2024-07-01", "名录在2024年7月1日时，还没有这家机构在2024年10月1日的记录"),
        ("known_at=2001-01-01T00:00:00Z", "名录在2001年1月1日 08:00（北京时间）时，还没有"),
    ):
        page = opened(f"/i/{LATE_CODE}?{query}", status=404)
        shown = text(page)
        assert heading(page) == name_of(LATE)
        assert told in shown
        assert "没有记录不等于未获批准，也不等于已获批准" in shown
        assert not any(word in shown for word in ("已获批准\n", "未获批此项", "未找到", "不得开展"))
        page.get_by_role("link", name=TODAY).click()
        assert "已获批准" in page.locator(".verdict-word").inner_text()
    assert "没有找到" in text(opened("/i/13NZ-C7GD?on=2001-01-01", status=404))


def test_a_time_that_cannot_be_read_is_refused_with_what_to_write(opened: Opened) -> None:
    for query in ("on=昨天", "known_at=2025", "on=2024-10-01&known_at=2024-10-01T00:00:00"):
        assert "请写成 2025-07-01 这样" in text(opened(f"/i/{LATE_CODE}?{query}", status=400))


def test_check_answers_by_what_was_known_then_and_says_so(opened: Opened) -> None:
    page = opened(f"/check?name={name_of(STOP)}&technique=IVF&on=2024-11-01&known_at=2025-02-09")
    assert "这不是现在的答复" in text(page)
    assert "只按名录截至2025年2月9日掌握的信息作答" in text(page)
    assert "已获批准" in page.locator(".verdict-word").inner_text()
    assert page.locator("main input[name=known_at]").input_value() == "2025-02-09"
    page.get_by_role("link", name="查看现在的答复").click()
    assert "这不是现在的答复" not in text(page)
    assert "已暂停" in page.locator(".verdict-word").inner_text()
    assert page.locator("main input[name=known_at]").count() == 0
    page = opened(f"/check?name={name_of(STOP)}&known_at=去年", status=400)
    assert page.locator("main input[name=known_at]").get_attribute("aria-invalid") == "true"


# --- whole at every width --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
def test_the_pages_are_whole_at_every_width_language_and_size(
    opened: Opened, tmp_path: Path, viewport: dict[str, int]
) -> None:
    page = opened("/", viewport=viewport)
    for path in (
        f"/i/{DATE_CODE}/history",
        f"/i/{DATE_CODE}/history?on=2024-10-01",
        f"/i/{DATE_CODE}/history?on=x&known_at=y",
        f"/i/{NEW_CODE}/history?on=2025-01-01",
        f"/i/{DATE_CODE}?on=2024-10-01&known_at=2024-10-01",
        f"/i/{DATE_CODE}?on=2001-01-01",
    ):
        for switches in ("", "lang=en", "size=large", "lang=en&size=large"):
            address = f"{path}{'&' if '?' in path else '?'}{switches}" if switches else path
            page.goto(address)
            shape = read_shape(page)
            assert shape["wider"] <= 0, address
            assert shape["h1"] == 1, address
            assert shape["lang"] == ("en" if "lang=en" in switches else "zh-CN"), address
            assert list_low(page, f"{MAIN_CONTROLS}, main a.tap") == [], address
        assert len(page.screenshot(path=tmp_path / "page.png", full_page=True)) > 10_000


def test_the_switches_and_the_form_keep_the_times_and_the_language(opened: Opened) -> None:
    page = opened(f"/i/{DATE_CODE}/history?on=2024-10-01&known_at=2025-01-31")
    before = page.url
    page.locator("header nav a[hreflang=en]").click()
    assert "What the register said on 31 January 2025 about 1 October 2024:" in text(page)
    assert "revoked" in page.locator(".side").last.inner_text()
    ask(page, "2024-12-15", "2025-01-31")
    assert page.locator("html").get_attribute("lang") == "en"
    assert "differs" not in page.locator(".notice").first.inner_text()
    page.go_back()
    page.locator("header nav a[hreflang=zh-CN]").click()
    assert same_address(page.url, before)
