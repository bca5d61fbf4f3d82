"""The page of receipts in a real browser, without JavaScript: what somebody does who was handed one."""

from __future__ import annotations

from urllib.parse import unquote

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
    page.locator("textarea").fill("eyJ" * 600_000)
    page.locator("main button").click()
    assert "Too long" in text(page)


ADVERTISEMENT = "示例医院三代试管，包成功！我院不开展供精人工授精。"
PERSON, NUMBER = "示例员甲", "(辽)医广[2023]第07-15-001号"


@pytest.mark.parametrize("window", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize(
    ("filled", "told"),
    [
        ({"practitioner": PERSON}, ["所问医务人员", PERSON, "不代表此人未获授权"]),
        ({"ad_certificate": NUMBER}, ["所问医疗广告审查证明", NUMBER, "已过期", "仅按文号推算"]),
        ({"text": ADVERTISEMENT}, ["所问广告内容", ADVERTISEMENT, "保证效果或宣称成功率", "包成功", "没有计入"]),
        (
            {"practitioner": PERSON, "ad_certificate": NUMBER, "text": ADVERTISEMENT + "好" * 300},
            [PERSON, NUMBER, "包成功", "全文（325 字）"],
        ),
    ],
)
def test_an_answer_about_person_certificate_or_text_has_its_receipt_too(
    opened: Opened, server: Server, window: dict[str, int], filled: dict[str, str], told: list[str]
) -> None:
    page = opened("/check", viewport=window)
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    page.locator("input[name=name]").fill(HOSPITAL)
    page.locator("details.more summary").click()
    for field, value in filled.items():
        page.locator(f"[name={field}]").fill(value)
    page.locator("form.check-form:not(.upload) button").click()
    assert page.get_by_role("link", name="取得签名回执").count() == 0
    page.get_by_role("button", name="取得签名回执").click()
    shown = text(page)
    for word in ("回执真实", "本站不留底", HOSPITAL, *told):
        assert word in shown, word
    assert overflow(page) <= 0
    receipt = page.locator("textarea").input_value()
    with page.expect_download() as download:
        page.locator("form[action^='/receipt.pdf'] button").click()
    assert download.value.suggested_filename.startswith("receipt-")
    page.get_by_role("button", name="English").click()
    assert page.url.split("?")[0].endswith("/check/receipt") and "lang=en" in page.url
    assert "Genuine" in text(page)
    again = opened("/receipt")
    again.on("request", lambda request: addresses.append(request.url))
    again.locator("textarea").fill(receipt)
    again.locator("main button").click()
    for word in ("今天的答复相同", *told):
        assert word in text(again), word
    assert not any(value in unquote(address) for value in filled.values() for address in addresses)
    if "practitioner" in filled:
        again.get_by_role("button", name="English").click()
        assert "Genuine" in text(again)
        assert not any(receipt[:200] in address for address in addresses), "a receipt holds the name as base64"


def test_what_cannot_be_asked_is_told_beside_its_field_by_the_receipts_button_too(server: Server) -> None:
    for form in ({"name": "", "practitioner": PERSON}, {"name": HOSPITAL, "practitioner": "·"}):
        answer = server.client.post("/check/receipt", data=form)
        assert answer.status_code == 400 and "回执真实" not in answer.text
        assert form["practitioner"] in answer.text
    long = server.client.post("/check/receipt", data={"name": HOSPITAL, "text": "字" * 20_001})
    assert long.status_code == 400 and "20000" in long.text


def test_an_english_receipt_says_it_in_english(server: Server) -> None:
    form = {"name": HOSPITAL, "practitioner": PERSON, "ad_certificate": NUMBER, "text": ADVERTISEMENT}
    answer = server.client.post("/check/receipt?lang=en", data=form)
    assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store"
    for word in (
        "Person asked about",
        "Certificate asked about",
        "Wording asked about",
        "does not mean that the person",
    ):
        assert word in answer.text, word
