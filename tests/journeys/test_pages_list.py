"""A list uploaded at /check, in a browser without JavaScript: shown, handed back as a file, refused with what to do."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from playwright.sync_api import Browser, Page

from tests.running import Server

FUYING, FUYOU = "沈阳市妇婴医院", "沈阳市妇幼保健院"
LIST = f"名称,技术,备注\r\n{FUYING},IVF,=1+1\r\n{FUYOU},IVF,甲\r\n{FUYOU},冻卵,乙\r\n从来没有的医院,IVF,丙\r\n"
Opened = Callable[..., Page]


@pytest.fixture
def opened(browser: Browser, server: Server) -> Iterator[Opened]:
    made = []

    def open_page(address: str = "/check", width: int = 390, **options: Any) -> Page:
        viewport: Any = {"width": width, "height": 844}
        context = browser.new_context(viewport=viewport, java_script_enabled=False, base_url=server.url, **options)
        made.append(context)
        page = context.new_page()
        page.goto(address)
        return page

    yield open_page
    for context in made:
        context.close()


def a_list(folder: Path, text: str = LIST, name: str = "清单.csv", encoding: str = "gb18030") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_a_list_is_answered_on_the_page(opened: Opened, tmp_path: Path, width: int, lang: str) -> None:
    page = opened(f"/check?lang={lang}", width)
    page.set_input_files("#file", a_list(tmp_path))
    page.click("button[value=page]")
    assert page.locator("html").get_attribute("lang") == lang
    rows = page.locator(".answered tbody tr")
    assert rows.count() == 4
    words = ["已获批准", "未获批此项技术", "没有核验", "名录中未找到"]
    if lang == "zh-CN":
        assert [word in rows.nth(at).inner_text() for at, word in enumerate(words)] == [True] * 4
        assert "不代表这些机构未获批准" in page.locator("main").inner_text()
    assert page.locator(".tally li").count() == 4
    assert len(page.screenshot(path=tmp_path / "list.png", full_page=True)) > 10_000
    table = page.locator(".answered").bounding_box()
    assert table is not None
    assert table["x"] + table["width"] <= width


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_the_buttons_hand_back_the_whole_list_as_a_file(opened: Opened, tmp_path: Path, form: str) -> None:
    page = opened()
    page.set_input_files("#file", a_list(tmp_path))
    with page.expect_download() as waiting:
        page.click(f"button[value={form}]")
    assert waiting.value.suggested_filename == f"核验结果.{form}"
    path = tmp_path / f"out.{form}"
    waiting.value.save_as(path)
    if form == "csv":
        assert path.read_bytes().startswith(b"\xef\xbb\xbf")
        rows: list[dict[str, Any]] = list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"), newline="")))
    else:
        headings, *cells = openpyxl.load_workbook(path).active.iter_rows(values_only=True)  # type: ignore[union-attr]
        rows = [dict(zip(map(str, headings), row, strict=True)) for row in cells]
    verdicts = [row["verdict"] or "" for row in rows]
    assert verdicts == ["licensed", "technique_not_licensed", "", "not_found"]
    assert rows[0]["备注"] == ("'=1+1" if form == "csv" else "=1+1")
    assert "冻卵" in rows[2]["error"]


def test_an_xlsx_list_is_answered_like_a_csv_one(opened: Opened, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in csv.reader(io.StringIO(LIST.replace("=1+1", "x"))):
        book.active.append(row)  # type: ignore[union-attr]
    book.save(tmp_path / "清单.xlsx")
    page = opened()
    page.set_input_files("#file", tmp_path / "清单.xlsx")
    page.click("button[value=page]")
    assert page.locator(".answered tbody tr").count() == 4


def test_the_page_says_which_columns_it_read_and_which_not(server: Server) -> None:
    file = ("清单.csv", "广告监测线索表\n机构名称,所称地\n沈阳市妇婴医院,沈阳\n".encode(), "text/csv")
    for lang, words in (
        (
            "zh-CN",
            ["已读的列：机构名称 = name。", "未用的列：所称地（是否应为“所称地址”？）。", "列名之上的1行未核验。"],
        ),
        ("en", ["Columns read:", "did you mean", "Rows above the headings, not checked: 1."]),
    ):
        page = server.client.post("/check/list", params={"lang": lang}, files={"file": file}, data={"as": "page"}).text
        assert all(word in page for word in words), page
    answer = server.client.post("/check/list", files={"file": file}, data={"as": "csv"})
    assert answer.headers["x-rows-skipped"] == "1"


@pytest.mark.parametrize(
    ("text", "word", "status"),
    [
        ("名称\n" + "x\n" * 5_001, "5,000", 413),
        ("名称,备注\n" + f"x,{'长' * 600_000}\n" * 6, "5 MB", 413),
        ("备注\nx\n", "名称", 400),
        ("", "列名", 400),
        ("PK\x03\x04", "xlsx", 400),
    ],
)
def test_a_list_that_cannot_be_taken_is_told_why_and_nothing_is_answered(
    opened: Opened, server: Server, tmp_path: Path, text: str, word: str, status: int
) -> None:
    path = a_list(tmp_path, text)
    page = opened()
    page.set_input_files("#file", path)
    page.click("button[value=page]")
    assert word in page.locator(".error-summary").inner_text()
    assert page.locator(".answered").count() == 0
    for form in ("page", "csv", "xlsx"):
        with path.open("rb") as file:
            answer = server.client.post("/check/list", files={"file": (path.name, file)}, data={"as": form})
        assert answer.status_code == status
        assert answer.headers["cache-control"] == "no-store"


def test_no_file_at_all_is_told_so(server: Server) -> None:
    for sent in ({"files": {"as": (None, "page")}}, {"files": {"file": ("", b"")}}, {"files": {"file": (None, "x")}}):
        answer = server.client.post("/check/list", **sent)  # type: ignore[arg-type]
        assert answer.status_code == 400, answer.text[:500]
        assert "请先选择" in answer.text
