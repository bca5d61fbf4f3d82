"""The page of receipts in a real browser, without JavaScript: what somebody does who was handed one."""

from __future__ import annotations

import pytest

from tests.journeys.test_pages import DESK, PHONE, Opened, opened, overflow, text
from tests.running import Server

__all__ = ["opened"]  # the fixture
HOSPITAL = "鞍山市妇儿医院（鞍山市妇幼保健院）"


def a_receipt(server: Server, name: str = HOSPITAL) -> str:
    return str(server.verify(provider={"name": name}, techniques=["IVF"], on="2025-07-01", receipt=True)["receipt"])


@pytest.mark.parametrize("window", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("begins", ["/check", "/developers"])
def test_a_pasted_receipt_is_answered_in_words(
    opened: Opened, server: Server, window: dict[str, int], begins: str
) -> None:
    page = opened(begins, viewport=window)
    page.locator("main a[href^='/receipt']").click()
    receipt = a_receipt(server)
    page.locator("textarea").fill("\n".join(receipt[at : at + 76] for at in range(0, len(receipt), 76)))
    page.locator("main button").click()
    shown = text(page)
    for told in ("回执真实", "今天的答复相同", HOSPITAL, "2025年7月1日", "已获批准", "试管婴儿", "北京时间", "根哈希"):
        assert told in shown, told
    assert overflow(page) <= 0
    page.get_by_role("link", name="English").click()
    shown = text(page)
    for told in ("Genuine", "answers the same today", "1 July 2025", "Approved"):
        assert told in shown, told


def test_a_receipt_that_nobody_is_on_the_list_is_as_good(opened: Opened, server: Server) -> None:
    page = opened(f"/receipt?receipt={a_receipt(server, '查无此院')}")
    assert "回执真实" in text(page) and "名录中未找到" in text(page)


@pytest.mark.parametrize("window", [PHONE, DESK], ids=["phone", "desk"])
def test_an_altered_receipt_is_not_genuine_and_nothing_in_it_is_shown(
    opened: Opened, server: Server, window: dict[str, int]
) -> None:
    receipt = a_receipt(server)
    for wrong, why in ((receipt[:-8], "改动过"), (receipt[:400], "不完整")):
        page = opened(f"/receipt?receipt={wrong}", viewport=window)
        shown = text(page)
        assert "回执不真实" in shown and why in shown and HOSPITAL not in shown and "已获批准" not in shown
        assert "这不说明其中提到的机构是否获准" in shown
        assert page.locator("textarea").input_value() == wrong
        assert overflow(page) <= 0


def test_what_is_no_receipt_is_told_beside_its_field_and_kept(opened: Opened) -> None:
    page = opened("/receipt?receipt=hello", status=400)
    assert "eyJ" in text(page) and "不真实" not in text(page)
    assert page.locator("textarea").input_value() == "hello"
    assert page.locator("textarea").get_attribute("aria-invalid") == "true"


def test_an_answer_of_the_check_form_has_its_receipt_and_its_page_of_paper(opened: Opened, server: Server) -> None:
    page = opened("/check")
    page.locator("input[name=name]").fill("沈阳市妇幼保健院")
    page.locator("select[name=technique]").select_option("IVF")
    page.locator("form.check-form:not(.upload) button").click()
    page.locator("main a[href^='/check/receipt']").click()
    shown = text(page)
    assert "回执真实" in shown and "未获批此项技术" in shown and "本站不留底" in shown
    receipt = page.locator("textarea").input_value()
    with page.expect_download() as download:
        page.locator("form[action^='/receipt.pdf'] button").click()
    assert download.value.suggested_filename.startswith("receipt-")
    again = opened(f"/receipt?receipt={receipt}")
    assert "今天的答复相同" in text(again) and overflow(again) <= 0


def test_a_receipt_cannot_be_had_for_a_question_that_cannot_be_asked(opened: Opened) -> None:
    page = opened("/check/receipt?name=&on=2025-13-01", status=400)
    assert page.url.endswith("/check?on=2025-13-01") and "2025-13-01" in text(page)


def test_a_receipt_too_long_for_an_address_can_be_pasted(opened: Opened, server: Server) -> None:
    page = opened("/receipt?lang=en")
    page.locator("textarea").fill(a_receipt(server) + "A" * 50_000)
    page.locator("main button").click()
    assert "Not genuine" in text(page)
    assert "lang=en" in page.url
    page.locator("textarea").fill("eyJ" * 100_000)
    page.locator("main button").click()
    assert "Too long" in text(page)
