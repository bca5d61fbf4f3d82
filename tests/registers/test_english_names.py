"""An institution's name in English: what may be one, what rests on it, and where it is shown."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from registry.domain.english_places import find_english_name
from registry.domain.fields import BY_NAME, NO_BASIS, check_english_name
from registry.domain.model import Draft
from registry.domain.regions import find_region
from registry.editions import text_formats
from registry.errors import InvalidInput
from registry.importers.reading.lists import read_list
from registry.importers.seed import common_names
from registry.log import store
from registry.records import lookup
from registry.records.asof import make_as_of
from registry.records.selection import InstitutionFilter, select_subjects
from registry.staff.forms import checks
from registry.staff.forms.forms import make_empty_form
from registry.storage.database import Database
from registry.web.i18n import Language
from registry.web.page_templates import bind_templates
from tests import english_names, english_places
from tests.factories import DAY, SEEDED, a_change, a_database, a_source, an_institution, enter, propose, the_real_lists
from tests.pages.records import FULL, UNSOURCED
from tests.registers.test_edition_formats import an_edition, content

NAME = "Example People's Hospital (East Campus)"
HOSPITAL = an_institution()


@pytest.fixture
def small(tmp_path: Path) -> Callable[..., Database]:
    def make(*drafts: Draft) -> Database:
        database = a_database(tmp_path)
        enter(database, a_source(), *drafts)
        return database

    return make


@pytest.mark.parametrize("text", [NAME, "Women’s Hospital", "Hôpital N° 900", "Shanghai Ji Ai – Genetics & IVF"])
def test_a_name_in_latin_letters_may_be_recorded(text: str) -> None:
    assert check_english_name(text.replace("°", "o")) is None


@pytest.mark.parametrize(
    "text",
    [
        "示例医院",
        "Example医院",
        "Example（East）",
        "Example　Hospital",
        "A",
        "900",
        " Example",
        "Больница",
        "a\nb",
        "a" * 201,
    ],
)
def test_any_other_text_is_refused_with_what_to_do(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        propose(a_database(tmp_path), a_source(), an_institution(name_en=text))
    assert "请填写机构自用的英文名称" in refusal.value.zh
    assert "leave it empty" in refusal.value.en
    typed = {**make_empty_form("institution", True), "name_en": text}
    found = checks.check_form("institution", True, typed, DAY)
    assert {one.level for one in found if one.field == "name_en"} == {"error"}


def test_a_list_with_a_column_of_english_names_is_read_and_a_chinese_one_is_an_error_at_its_cell(
    tmp_path: Path,
) -> None:
    path = tmp_path / "list.csv"
    rows = [["province", "name", "address", "techniques", "stages", "英文名称"]]
    for name, name_en in (("甲院", NAME), ("乙院", "乙")):
        rows.append(["辽宁省", name, "辽宁省鞍山市铁西区一街1号", "AIH", "formal", name_en])
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    found = read_list(path)
    assert found.institutions[0].name_en == NAME  # type: ignore[attr-defined]
    (wrong,) = found.errors
    assert "英文名称" in str(wrong.cell) and "“乙”" in wrong.message


def test_a_name_given_later_is_shown_and_the_record_still_rests_on_the_list(small: Callable[..., Database]) -> None:
    later = a_change(HOSPITAL, DAY, {"name_en": NAME, BY_NAME["name_en"].sources: "示例网站"}, source="list-2")
    database = small(HOSPITAL)
    with database.reading() as connection:
        (before,) = lookup.read_institutions(connection, [HOSPITAL.subject], make_as_of(connection))
    enter(database, a_source("list-2"), later)
    with database.reading() as connection:
        (after,) = lookup.read_institutions(connection, [HOSPITAL.subject], make_as_of(connection))
    assert (before.name_en, after.name_en) == (None, NAME)
    assert (after.source, after.entry) == (before.source, before.entry)
    assert {"name_en", "extra.英文名称依据"} <= NO_BASIS


def test_editions_have_a_column_of_english_names_where_there_is_one_and_else_their_first_bytes(
    small: Callable[..., Database], tmp_path: Path
) -> None:
    database = small(HOSPITAL)
    for name_en in (None, NAME):
        if name_en:
            enter(database, a_change(HOSPITAL, DAY, {"name_en": name_en}))
        with content(database) as found:
            text_formats.write_csv(tmp_path / "list.csv", found)
            text_formats.write_json(tmp_path / "list.json", an_edition(), found)
        (row,) = csv.DictReader((tmp_path / "list.csv").read_text("utf-8-sig").splitlines())
        (item,) = json.loads((tmp_path / "list.json").read_text("utf-8"))["items"]
        assert (row.get("英文名称"), item.get("name_en")) == (name_en, name_en)
        assert ("英文名称" in row, "name_en" in item) == (bool(name_en), bool(name_en))
    (listed,) = read_list(tmp_path / "list.csv").institutions
    assert listed.name_en == NAME  # type: ignore[attr-defined]


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_the_english_name_stands_under_the_chinese_one_and_nothing_where_there_is_none(lang: str) -> None:
    environment = bind_templates(Language("en" if lang == "en" else "zh-CN"))
    show = environment.from_string("{% import 'parts/data.html' as data %}{{ data.english_name(it) }}").render
    assert f">{FULL.name_en}</p>" in show(it=FULL)
    assert ('lang="en"' in show(it=FULL)) == (lang != "en")
    assert show(it=UNSOURCED).strip() == ""


# --- the shipped names -----------------------------------------------------------------------------------------------


def test_every_institution_of_the_list_has_an_english_name_and_translations_follow_from_their_rules() -> None:
    rows = english_names.read_rows()
    assert len(rows) == 635 and len({(row["name"], row["address"]) for row in rows}) == 635
    assert english_names.make_rows(rows) == rows
    assert [row["name_en"] for row in rows if check_english_name(row["name_en"])] == []
    names: dict[str, set[str]] = {}
    for row in rows:
        names.setdefault(row["name_en"], set()).add(row["name"])
    assert [name for name, holders in names.items() if len(holders) > 1] == []


def test_every_english_name_says_what_it_rests_on() -> None:
    rows = english_names.read_rows()
    kinds = Counter(row["kind"] for row in rows)
    assert kinds.keys() == {"official", "translated"} and kinds["official"] >= 150
    assert all("自用英文名" in row["source"] for row in rows if row["kind"] == "official")


@pytest.mark.parametrize(
    ("name", "english"),
    [
        ("荆州市第一人民医院", "The First People's Hospital of Jingzhou"),
        ("广西壮族自治区妇幼保健院", "The Maternal and Child Health Hospital of Guangxi Zhuang Autonomous Region"),
        ("佛山市顺德区妇幼保健院", "Foshan Shunde District Maternal and Child Health Hospital"),
        ("山东省立医院", "Shandong Provincial Hospital"),
        ("鄂尔多斯妇产医院", "Ordos Maternity Hospital"),
        ("沈阳安联妇婴医院有限公司", "Shenyang Anlian Women and Infants Hospital Co., Ltd."),
        ("联勤保障部队第九六二医院", "The 962nd Hospital of the Joint Logistics Support Force"),
    ],
)
def test_a_name_is_translated_part_by_part(name: str, english: str) -> None:
    assert english_names.translate(name) == english


def test_a_name_that_is_not_all_parts_is_not_translated() -> None:
    with pytest.raises(ValueError, match="某某"):
        english_names.translate("荆州市某某医院")


def test_english_names_are_seeded_by_proposal_and_approval() -> None:
    database = the_real_lists()
    with database.reading() as connection:
        asof = make_as_of(connection)
        found = lookup.read_institutions(
            connection, sorted(select_subjects(connection, InstitutionFilter(), asof)), asof
        )
        pages = list(store.read_entries(connection, SEEDED - 635, SEEDED))
    database.close()
    expected = Counter(row["name_en"] for row in english_names.read_rows())
    assert Counter(one.name_en for one in found) == expected
    entries = [entry for page in pages for entry in page]
    assert {entry.source for entry in entries} == {"name-en"} and len(entries) == 635
    assert all(entry.proposer != entry.approver for entry in entries)


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        ("鞍山市示例医院,,示例,official,a", "第2行"),
        ("鞍山市示例医院,,Example Hospital,official,", "依据"),
        ("没有的医院,,Example Hospital,official,a", "没有这家机构"),
        (f"鞍山市示例医院,,{NAME},official,a\n鞍山市示例医院,,{NAME},official,a", "第2行"),
        ("鞍山市示例医院,别处,Example Hospital,official,a,more", "没有这家机构"),
    ],
)
def test_a_file_of_english_names_is_refused_with_the_line_that_is_wrong(
    small: Callable[..., Database], tmp_path: Path, row: str, wrong: str
) -> None:
    path = tmp_path / "names.csv"
    path.write_text(f"name,address,name_en,kind,source\n{row}\n", "utf-8")
    with pytest.raises(InvalidInput, match=wrong) as refusal:
        common_names.compare_file(small(HOSPITAL), path)
    assert "。。" not in refusal.value.zh


# --- places ----------------------------------------------------------------------------------------------------------


def test_every_division_has_the_english_name_that_its_rules_make() -> None:
    assert dict(english_places.make_rows()) == {code: find_english_name(code) for code, _ in english_places.make_rows()}
    assert all(name.isprintable() and not re.search("[\u4e00-\u9fff]", name) for _, name in english_places.make_rows())


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("610000", "Shaanxi"),
        ("140000", "Shanxi"),
        ("150100", "Hohhot"),
        ("230100", "Harbin"),
        ("650100", "Urumqi"),
        ("540100", "Lhasa"),
        ("610100", "Xi'an"),
        ("820000", "Macao"),
        ("340300", "Bengbu"),
        ("340100", "Hefei"),
        ("140400", "Changzhi"),
        ("411100", "Luohe"),
        ("350200", "Xiamen"),
        ("210303", "Tiexi District"),
    ],
)
def test_places_have_their_usual_english_names(code: str, name: str) -> None:
    assert find_english_name(code) == name


def test_a_page_names_places_in_its_language() -> None:
    region = find_region("210303")
    assert region is not None
    assert Language("en").format_region(region) == "Tiexi District, Anshan, Liaoning"
    assert Language().format_region(region) == "辽宁省鞍山市铁西区"
    assert Language("en").format_region(FULL.region).striptags() == "示例省示例市示例区"
    assert Language("en").format_place("110000", "北京市") == "Beijing"
