"""What is published as csv, xlsx and docx is read by our own importer as the same list, whatever the list holds."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pypdf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import html as lxml_html

from registry.domain.answers import LogState
from registry.domain.identifiers import make_code
from registry.domain.model import Change, Draft
from registry.domain.techniques import Stage, TechniqueCode
from registry.editions import docx as word
from registry.editions import labels, pdf, store, text_formats, xlsx
from registry.editions.content import ListContent
from registry.editions.edition import Edition
from registry.importers.reading.lists import read_list
from registry.receipts import paper_text
from registry.records.asof import AsOf
from registry.storage.database import Database
from tests.factories import DAY, a_database, a_register, a_source, an_institution, enter
from tests.thoroughness import count_examples

#: Everything a list may print of a stage.
STAGES: tuple[Stage, ...] = ("formal", "trial", "operating", "rectification", "suspended", "preparing")
CENTRES: tuple[TechniqueCode, ...] = ("AIH", "AID", "IVF", "ICSI", "PGT")
PROVINCES = {
    "210303": "辽宁省鞍山市铁西区",
    "110108": "北京市海淀区",
    "650000": "新疆维吾尔自治区",
    "440305": "广东省深圳市南山区",
}
WORDS = st.text("示例省市妇幼保健人民中医院一二三四五六七八九十东西南北·ABC", min_size=2, max_size=12)
BRACKETS = st.sampled_from(
    ["", "（有限责任公司）", "（示例市妇幼保健院）", "（东院区）", "（原示例医院）", "(示例集团)"]
)


@st.composite
def an_entry(draw: st.DrawFn, position: int = 0) -> Draft:
    code = draw(st.sampled_from(sorted(PROVINCES)))
    name = f"{draw(WORDS)}医院{position}{draw(BRACKETS)}"
    address = f"{PROVINCES[code]}{draw(WORDS)}路{draw(st.integers(1, 999))}号"
    chosen = draw(st.sets(st.sampled_from(CENTRES)))
    bank = draw(st.booleans()) or not chosen
    stages = {f"approvals.{t}": {"stage": draw(st.sampled_from(STAGES))} for t in sorted(chosen)}
    if bank:
        stages["approvals.SPERM_BANK"] = {"stage": draw(st.sampled_from(STAGES))}
    extra = {"ownership": draw(st.sampled_from([None, "公立", "民营"])), "level": draw(st.sampled_from([None, "三级"]))}
    return Draft(
        subject=f"institution:{make_code(f'{name}|{address}')}",
        change=Change(
            kind="institution",
            set={
                **{"name": name, "address": address, "region": code, "status": "listed"},
                **stages,
                **{field: value for field, value in extra.items() if value},
            },
        ),
        valid_from=DAY,
        source="list-1",
    )


LISTS = st.integers(1, 6).flatmap(lambda n: st.tuples(*(an_entry(position) for position in range(n))))


def an_edition(size: int = 1, **more: Any) -> Edition:
    told: dict[str, Any] = {
        "title": "示例名单",
        "as_of": DAY,
        "scope": "national",
        "institutions": 1,
        "techniques": {},
        "log": LogState(size=size, root="0" * 64),
        "published": dt.datetime(2025, 7, 1, 1, tzinfo=dt.UTC),
        "withdrawn": None,
        "page": "https://register.example/editions/1",
        "entry": size + 1,
        "proposal": 1,
    }
    return Edition(id="1", number=1, **{**told, **more})


def content(database: Database, on: dt.date = DAY) -> ListContent:
    return ListContent(database, AsOf(valid_on=on, size=10**6), "national")


def write_all(folder: Path, found: ListContent, edition: Edition | None = None) -> None:
    one = edition or an_edition()
    text_formats.write_csv(folder / "list.csv", found)
    text_formats.write_json(folder / "list.json", one, found)
    xlsx.write(folder / "list.xlsx", one, found)
    word.write(folder / "list.docx", one, found)
    pdf.write(folder / "list.pdf", one, found)
    text_formats.write_html(folder / "list.html", one, found)


def read(path: Path) -> dict[tuple[str, str], dict[str, str]]:
    found = read_list(path)
    assert not found.errors, [line.message for line in found.errors]
    return {(one.name, one.address): {a.technique: a.stage for a in one.approvals} for one in found.institutions}


def map_stages(found: ListContent) -> dict[tuple[str, str], dict[str, str]]:
    return {(one.name, one.address): {line.technique: line.stage for line in one.lines} for one in found.read_list()}


@settings(max_examples=count_examples(40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(LISTS)
def test_every_list_comes_back_as_it_was_published(drafts: tuple[Draft, ...]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        database = a_register(folder, a_source(), *{draft.subject: draft for draft in drafts}.values())
        with content(database) as found:
            if not found.totals.institutions:
                database.close()
                return
            write_all(folder, found)
            expected = map_stages(found)
            owned = {one.name: (one.ownership, one.level) for one in found.read_list()}  # type: ignore[attr-defined]
        database.close()
        for name in ("list.csv", "list.xlsx", "list.docx"):
            assert read(folder / name) == expected, name
        for name in ("list.csv", "list.xlsx"):
            back = read_list(folder / name).institutions
            assert {one.name: (one.ownership, one.level) for one in back} == owned  # type: ignore[attr-defined]
            assert all({"编码", "行政区划代码"}.isdisjoint(one.extra) for one in back)  # else every one "changed"
        items = json.loads((folder / "list.json").read_bytes())["items"]
        assert {(one["name"], one["address"]) for one in items} == expected.keys()
        told = "".join(page.extract_text() for page in pypdf.PdfReader(folder / "list.pdf").pages).replace("\n", "")
        assert all(code in told for code in (one["code"] for one in items))


@pytest.fixture
def small(tmp_path: Path) -> Callable[..., Database]:
    opened: list[Database] = []

    def made(*drafts: Draft) -> Database:
        opened.append(a_register(tmp_path, a_source(), *drafts))
        return opened[-1]

    yield made  # type: ignore[misc]
    for one in opened:
        one.close()


def test_the_same_content_gives_the_same_bytes_at_another_time(small: Callable[..., Database], tmp_path: Path) -> None:
    database = small(an_institution(), an_institution("示例精子库", SPERM_BANK="formal", IVF="trial"))
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
        with content(database) as found:
            write_all(folder, found)
        time.sleep(2.1)  # a zip file counts in steps of two seconds
    for path in folders[0].iterdir():
        assert path.read_bytes() == (folders[1] / path.name).read_bytes(), path.name


def test_a_suspended_institution_is_never_listed_as_operating(small: Callable[..., Database], tmp_path: Path) -> None:
    small(an_institution("示例停业医院", IVF="formal", AIH="trial", status="suspended"))
    database = Database(f"sqlite:///{tmp_path / 'register.sqlite'}")
    with content(database) as found:
        write_all(tmp_path, found)
    database.close()
    for name in ("list.csv", "list.xlsx", "list.docx"):
        assert set(next(iter(read(tmp_path / name).values())).values()) == {"suspended"}, name
    item = json.loads((tmp_path / "list.json").read_bytes())["items"][0]
    assert {one["stage"] for one in item["approvals"]} == {"suspended"}
    assert "正式运行" not in (tmp_path / "list.csv").read_text("utf-8-sig")


def test_what_is_revoked_delisted_lapsed_or_only_prepared_is_no_part_of_the_figure(
    small: Callable[..., Database],
) -> None:
    database = small(
        an_institution("示例甲医院", IVF="formal", PGT="revoked"),
        an_institution("示例乙医院", IVF="revoked"),
        an_institution("示例丙医院", IVF="preparing"),
        an_institution("示例丁医院", IVF="formal", status="delisted"),
        an_institution("示例戊医院", **{"approvals.IVF": {"stage": "formal", "verification_due": "2024-01-01"}}),
    )
    with content(database) as found:
        assert map_stages(found) == {("示例甲医院", "辽宁省鞍山市铁西区示例路1号"): {"IVF": "formal"}}
        assert found.totals.institutions == 1
        assert found.left_out == ["示例戊医院"]


def test_an_institution_of_no_known_place_stands_in_a_table_of_its_own(
    small: Callable[..., Database], tmp_path: Path
) -> None:
    database = small(an_institution("示例甲医院"), an_institution("示例无址医院", "示例路1号", region=None))
    with content(database) as found:
        assert (found.totals.centres, found.totals.placeless) == (1, 1)
        write_all(tmp_path, found)
        expected = map_stages(found)
    assert read(tmp_path / "list.docx") == read(tmp_path / "list.xlsx") == expected


def test_no_cell_of_a_published_file_is_a_formula(small: Callable[..., Database], tmp_path: Path) -> None:
    database = small(an_institution('=HYPERLINK("x")医院', "@示例路1号"), an_institution("+示例医院"))
    with content(database) as found:
        write_all(tmp_path, found)
    rows = list(csv.reader(io.StringIO((tmp_path / "list.csv").read_text("utf-8-sig"))))
    assert {row[2] for row in rows[1:]} == {'\'=HYPERLINK("x")医院', "'+示例医院"}
    book = openpyxl.load_workbook(tmp_path / "list.xlsx")
    assert all(cell.data_type != "f" for sheet in book for row in sheet for cell in row)


def test_the_document_has_the_shape_of_the_national_list(small: Callable[..., Database], tmp_path: Path) -> None:
    database = small(
        an_institution("示例甲医院", IVF="formal", ICSI="trial"),
        an_institution("示例乙医院", "辽宁省鞍山市铁西区示例路2号", AIH="operating", SPERM_BANK="formal"),
    )
    with content(database) as found:
        word.write(tmp_path / "list.docx", an_edition(), found)
    centres, banks = docx.Document(str(tmp_path / "list.docx")).tables
    assert [cell.text for cell in centres.rows[1].cells] == list(labels.CENTRES)
    assert {row.cells[0].text for row in centres.rows[2:]} == {"辽宁省（2家）"}  # merged over every row
    first = next(row for row in centres.rows[2:] if row.cells[2].text == "示例甲医院")
    assert [cell.text for cell in first.cells][3:] == ["辽宁省鞍山市铁西区示例路1号", "体外受精-胚胎移植", "正式运行"]
    assert [cell.text for cell in banks.rows[1].cells] == list(labels.BANKS)
    assert [cell.text for cell in banks.rows[2].cells][1] == "示例乙医院"
    assert centres.rows[0].cells[0].text == "截至2025年6月30日 共2家"


def test_every_font_of_the_pdf_is_inside_it_and_its_text_can_be_read(
    small: Callable[..., Database], tmp_path: Path
) -> None:
    many = [an_institution(f"示例第{n}医院", f"辽宁省鞍山市铁西区示例路{n}号") for n in range(60)]
    rare = an_institution("示例\U00030000医院", "辽宁省鞍山市铁西区罕见字路1号")
    database = small(*many, rare)
    with content(database) as found:
        pdf.write(tmp_path / "list.pdf", an_edition(), found)
    reader = pypdf.PdfReader(tmp_path / "list.pdf")
    fonts: dict[str, Any] = {}
    for page in reader.pages:
        for held in page["/Resources"]["/Font"].values():
            font = held.get_object()
            fonts[font["/BaseFont"]] = font["/FontDescriptor"]
    assert fonts
    assert all("/FontFile2" in descriptor for descriptor in fonts.values())
    texts = [page.extract_text() for page in reader.pages]
    assert len(texts) > 1
    assert all("医疗机构名称" in text and f"第{n}页" in text for n, text in enumerate(texts, start=1))
    for told in (
        "示例名单",
        "截至2025年6月30日",
        "第1期",
        "共公布61家机构",
        "辽宁省（61家）",
        "示例第59医院",
        "〓（U+30000 无法印出）",
    ):
        assert any(told in text.replace("\n", "") for text in texts), told
    assert reader.trailer["/Root"]["/Lang"] == "zh-CN"
    assert reader.outline[0]["/Title"] == "辽宁省（61家）"  # type: ignore[index,call-overload]


def test_a_title_of_marks_breaks_no_file(small: Callable[..., Database], tmp_path: Path) -> None:
    database = small(an_institution("示例<甲>&“医院”"))
    with content(database) as found:
        write_all(tmp_path, found, an_edition(title="<示例>&名单]]>"))
    assert read(tmp_path / "list.docx").keys() == read(tmp_path / "list.csv").keys()
    with zipfile.ZipFile(tmp_path / "list.docx") as archive:
        assert archive.testzip() is None
    assert docx.Document(str(tmp_path / "list.docx")).core_properties.title == "<示例>&名单]]>"


def test_lines_of_text_keep_words_whole_and_no_stop_begins_one() -> None:
    room = 80.0
    for text in ("示例市ABCDEF123456号，示例路。" * 4, "ABCDEFGHIJKLMNOPQRSTUVWXYZ" * 3, ""):
        found = paper_text.wrap_lines(text, 10, room)
        assert "".join(found) == text
        assert all(line[:1] not in "，。" for line in found if line)
        assert all(paper_text.measure_width(line, 10) <= room + 20 for line in found)


def test_an_edition_is_read_at_its_own_log_size(tmp_path: Path) -> None:
    database = a_database(tmp_path)
    _, size = enter(database, a_source(), an_institution("示例甲医院"))
    enter(database, an_institution("示例乙医院"))
    with ListContent(database, AsOf(valid_on=DAY, size=size), "national") as found:
        assert [one.name for one in found.read_list()] == ["示例甲医院"]
    assert store.compute_root(database, size) != store.compute_root(database, size + 1)
    database.close()


def test_the_page_holds_every_institution_by_province_and_nothing_of_it_is_markup(tmp_path: Path) -> None:
    hostile = an_institution(
        "<script>alert(1)</script>医院", '辽宁省鞍山市铁西区"示例"路1号&', IVF="trial", AIH="operating"
    )
    database = a_register(tmp_path, a_source(), hostile, an_institution())
    with content(database) as found:
        text_formats.write_html(tmp_path / "list.html", an_edition(title="<b>示例</b>&名单"), found)
        total = found.totals.institutions
    database.close()
    text = (tmp_path / "list.html").read_text("utf-8")
    page = lxml_html.fromstring(text)
    assert "<script" not in text
    assert page.xpath("//h1")[0].text_content() == "<b>示例</b>&名单"
    rows = page.xpath("//tbody/tr")
    assert len(rows) == total == 2
    first = next(row for row in rows if "alert" in row.text_content())
    assert "夫精人工授精，运行（未写明试运行或正式运行）" in first.text_content()
    assert {one.get("href").removeprefix("#") for one in page.xpath("//nav//a")} == {
        one.get("id") for one in page.xpath("//h2")
    }
    assert not page.xpath("//link | //img | //*[@src]")  # it needs nothing else
