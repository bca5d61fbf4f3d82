"""What the tests' own reads of a page promise: after a click they see the next page, and all of it."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser

from tests.published import serving_folder


def test_what_is_read_after_a_click_is_the_whole_next_page(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "first").write_text('<!doctype html><a href="next">next</a>')
    (tmp_path / "next").write_text("<!doctype html>" + " " * 5000 + "<title>next</title><p>here</p>")
    with serving_folder(tmp_path) as server:
        page = browser.new_page()
        for read in (
            lambda: page.locator("p").count() == 1,
            lambda: page.locator("p").is_visible(),
            lambda: page.locator("p").all_inner_texts() == ["here"],
            lambda: "here" in page.content(),
            lambda: page.title() == "next",
        ):
            page.goto(f"{server.url}/log/first")
            server.drip = 0.02
            page.click("a")
            assert read()
        page.close()
