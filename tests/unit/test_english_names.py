"""An institution's name in English: what may be one, what rests on it, and where it is shown."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from registry.domain.fields import BY_NAME, NO_BASIS, check_english_name
from registry.domain.model import Draft
from registry.editions import text_formats
from registry.errors import InvalidInput
from registry.importers.reading.lists import read_list
from registry.records import lookup
from registry.records.asof import make_as_of
from registry.staff.forms import checks
from registry.staff.forms.forms import make_empty_form
from registry.storage.database import Database
from registry.web.i18n import Language
from registry.web.page_templates import bind_templates
from tests.factories import DAY, a_change, a_database, a_source, an_institution, enter, propose
from tests.pages.records import FULL, UNSOURCED
from tests.unit.test_edition_formats import an_edition, content

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
