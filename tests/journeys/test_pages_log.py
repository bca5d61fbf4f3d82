"""The page of the public log in a real browser: what a person does with the number an answer names."""

from __future__ import annotations

import pytest

from registry.log import note
from tests.journeys.test_pages import DESK, PHONE, Opened, opened, overflow, text
from tests.running import Server

__all__ = ["opened"]  # the fixture
HOSPITAL = "鞍山市妇儿医院（鞍山市妇幼保健院）"


@pytest.mark.parametrize("window", [PHONE, DESK], ids=["phone", "desk"])
def test_the_page_says_what_was_signed_last(opened: Opened, server: Server, window: dict[str, int]) -> None:
    page = opened("/log", viewport=window)
    shown = text(page)
    signed = note.parse_checkpoint(note.parse_note(server.get("/log/checkpoint").content).text)
    for told in (signed.origin, str(signed.size), signed.root.hex(), server.get("/log/vkey").text.strip()):
        assert told in shown
    assert overflow(page) <= 0
    page.locator("main a[href='/log/checkpoint']").click()
    assert page.url.endswith("/log/checkpoint")


def test_the_number_an_answer_names_leads_to_what_was_written(opened: Opened, server: Server) -> None:
    entry = server.verify(provider={"name": HOSPITAL}, techniques=["IVF"])["basis"]["entry"]
    page = opened("/")
    page.locator("footer a[href^='/log']").click()
    page.locator("input[name=entry]").fill(str(entry))
    page.keyboard.press("Enter")
    page.wait_for_url(f"**entry={entry}")
    shown = text(page)
    for told in (f"第{entry}条", HOSPITAL, "7HV2-JKMV", "2025年6月30日", "正式运行", "批准"):
        assert told in shown
    page.locator("details summary").click()
    assert '"number":' in text(page)
    assert page.locator(f"a[href='/log/proof/{entry}.tlog-proof']").count() == 1
    page.locator("main a[href='/i/7HV2-JKMV']").click()
    assert HOSPITAL in text(page)


@pytest.mark.parametrize(
    ("asked", "status", "says"),
    [
        ("四二一", 400, "不是编号"),
        ("-1", 400, "不是编号"),
        ("0", 404, "没有第0条"),
        ("99999999", 404, "没有第99999999条"),
    ],
)
def test_a_number_that_is_none_is_told_and_kept(opened: Opened, asked: str, status: int, says: str) -> None:
    page = opened(f"/log?entry={asked}", status=status)
    assert says in text(page)
    assert page.locator("input[name=entry]").input_value() == asked
    assert page.locator("input[name=entry]").get_attribute("aria-invalid") == "true"


def test_the_page_speaks_english_too(opened: Opened) -> None:
    page = opened("/log?lang=en&entry=421")
    assert "Proposed and approved" in text(page)
    page.locator("main form button").click()
    assert "lang=en" in page.url
