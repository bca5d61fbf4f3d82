"""How questions are read that are no plain names: everyday words, letters, nicknames, what is written for what."""

from __future__ import annotations

import pytest

from registry.domain import name_words
from registry.search import misspellings
from registry.search.query import understand_question


def filters(question: str) -> tuple[set[str], tuple[str, ...], str | None] | None:
    """(regions, techniques, stage) of a question that is wholly made of filters."""
    listing = understand_question(question).listing
    return None if listing is None else (set(listing.regions), listing.techniques, listing.stage)


@pytest.mark.parametrize(
    ("question", "regions", "techniques"),
    [
        ("娄底做试管婴儿去哪个医院", {"431300"}, ("IVF",)),
        ("在海口想做三代试管去哪", {"460100"}, ("PGT",)),
        ("合肥有供精的医院是哪几家", {"340100"}, ("AID",)),
        ("请问咸阳哪个医院有试管资质", {"610400"}, ("IVF",)),
        ("lasa shiguan", {"540100"}, ("IVF",)),
        ("wulumuqisandaishiguan", {"650100"}, ("PGT",)),
        ("沈阳 shiguan", {"210100"}, ("IVF",)),
        ("乌市试管", {"650100"}, ("IVF",)),
        ("内蒙三代试管", {"150000"}, ("PGT",)),
    ],
)
def test_an_everyday_question_in_characters_or_letters_is_a_list(
    question: str, regions: set[str], techniques: tuple[str, ...]
) -> None:
    assert filters(question) == (regions, techniques, None)
    assert understand_question(question).listing_first


@pytest.mark.parametrize(
    ("question", "techniques"),
    [
        ("沈阳 供精 人工授精", ("AID",)),
        ("贵阳用精子库的精子人授", ("AID",)),
        ("大连 三代 试管婴儿", ("PGT",)),
        ("大连 二代试管 试管", ("ICSI",)),
        ("大连 人工授精", ("AIH",)),
        ("大连 试管 人授", ("AIH", "IVF")),
        ("沈阳精子库", ("SPERM_BANK",)),
    ],
)
def test_a_general_word_beside_an_exact_one_asks_for_nothing_more(question: str, techniques: tuple[str, ...]) -> None:
    found = filters(question)
    assert found is not None and found[1] == techniques


@pytest.mark.parametrize(
    "question",
    ["十堰市太和和医院", "沈阳大学附属中心", "shengjing", "dalian daxue", "大连abc试管", "南京中大医院好不好吃"],
)
def test_what_leaves_something_over_is_no_list(question: str) -> None:
    assert understand_question(question).listing is None


def test_places_that_follow_at_once_must_lie_in_one_another() -> None:
    assert filters("辽宁沈阳铁西试管") == ({"210106"}, ("IVF",), None)
    assert filters("沈阳、大连试管") == ({"210100", "210200"}, ("IVF",), None)
    assert filters("沈阳大连试管") is None


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("第9O1医院", "第901医院"),
        ("联勤保障部队第九八O医院", "联勤保障部队第980医院"),
        ("第9oo医院", "第900医院"),
        ("新医大一付院", "新医大1附院"),
        ("大连医科大学付属第一医院", "大连医科大学附属第1医院"),
        ("乌市妇幼", "乌鲁木齐市妇幼"),
    ],
)
def test_what_is_commonly_written_for_something_else_is_read_as_that(question: str, text: str) -> None:
    assert understand_question(question).readings[0].text == text


@pytest.mark.parametrize("question", ["鞍山o医院", "oklahoma", "支付宝医院", "内蒙古医院", "大齐市"])
def test_and_not_where_it_is_something_else(question: str) -> None:
    said = {reading.text for reading in understand_question(question).readings if reading.text}
    heard = {"".join(piece.value[0] for piece in way) for r in understand_question(question).readings for way in r.ways}
    assert question in said or heard
    assert not any("0" in one or "附" in one or "齐齐" in one or "古古" in one for one in said | heard)


def test_what_is_asked_beside_a_name_is_no_part_of_it() -> None:
    for question in ("海口妇幼能做人工授精吗", "海口妇幼做人工授精怎么样", "请问海口妇幼可以做人授吗"):
        texts = {(reading.text, reading.techniques) for reading in understand_question(question).readings}
        assert ("海口妇幼", ("AIH",)) in texts, question


def test_the_place_before_a_name_that_begins_with_a_place_is_where_it_must_be() -> None:
    readings = understand_question("山东济南市妇幼保健院").readings
    assert any((r.text, r.regions) == ("济南市妇幼保健院", ("370000",)) for r in readings)


def test_an_army_hospital_is_asked_for_by_its_number_alone() -> None:
    readings = understand_question("解放军940医院").readings
    assert any((r.text, r.categories) == ("940医院", ("military",)) for r in readings)


def test_of_a_long_question_the_beginning_is_read_and_nothing_is_refused() -> None:
    assert (
        understand_question("盛京医院" + "，广告" * 4000).readings
        == understand_question(("盛京医院" + "，广告" * 4000)[:120]).readings
    )


# --- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "printed"),
    [
        ("长春市妇幼保健院", "长春妇幼保健院"),
        ("解放军105医院", "解放军第105医院"),
        ("吉林省肿瘤医院", "吉林肿瘤医院"),
    ],
)
def test_what_may_be_left_out_of_a_name_makes_no_difference(said: str, printed: str) -> None:
    assert name_words.strip_optional(said) == name_words.strip_optional(printed)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("第1医院", "第2医院"),
        ("沈阳市妇婴医院", "沈阳市妇幼保健院"),
        ("吉林大学第1医院", "吉林大学第2医院"),
        ("省人民医院", "市人民医院"),
    ],
)
def test_what_tells_hospitals_apart_is_never_left_out(one: str, other: str) -> None:
    assert name_words.strip_optional(one) != name_words.strip_optional(other)
    assert name_words.compute_shortening(one, other) is None


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("盛景医院", "盛京医院"),
        ("孙1仙纪念医院", "孙逸仙纪念医院"),  # 孙一仙
        ("海口马丽医院", "海口玛丽医院"),
        ("毫州市人民医院", "亳州市人民医院"),
        ("沈阳家圆医院", "沈阳家园医院"),
        ("10堰市太和和医院", "10堰市太和医院"),
        ("何纪贤念医院", "何贤纪念医院"),
    ],
)
def test_a_slip_costs_little(typed: str, meant: str) -> None:
    assert misspellings.measure_distance(typed, meant) <= 1.1


@pytest.mark.parametrize(
    ("typed", "other"), [("第2人民医院", "第1人民医院"), ("联勤保障部队第900医院", "联勤保障部队第901医院")]
)
def test_another_number_is_no_slip(typed: str, other: str) -> None:
    assert misspellings.measure_distance(typed, other) >= misspellings.TYPO
