"""What a question is understood as, and what the embedded search finds in the real lists."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator

import pytest

from registry.errors import InvalidInput
from registry.institutions.result import SearchRequest, SearchResult
from registry.register import Register
from registry.search.query import understand_question
from registry.settings import Settings
from tests.factories import the_real_lists

TODAY = dt.date(2025, 7, 1)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("沈阳市妇婴医院", "沈阳市妇婴医院"),
        ("北京家圆医院", "北京家圆医院"),
        ("二〇四医院", "204医院"),
        ("ＡＢＣ　医院", "abc医院"),
        ("瀋陽市婦嬰醫院", "沈阳市妇婴医院"),
    ],
)
def test_a_question_is_first_read_as_the_name_it_may_be(question: str, text: str) -> None:
    query = understand_question(question)
    plain = next(reading for reading in query.readings if reading.text)
    assert (plain.text, plain.regions, plain.techniques) == (text, (), ())
    assert not query.listing_first


@pytest.mark.parametrize(
    ("question", "regions", "techniques"),
    [
        ("郑州三代试管", ("410100",), ("PGT",)),
        ("厦门 试管婴儿", ("350200",), ("IVF",)),
        ("宁夏 供精", ("640000",), ("AID",)),
        ("大连哪些医院能做三代试管", ("210200",), ("PGT",)),
        ("辽宁省", ("210000",), ()),
    ],
)
def test_a_question_wholly_made_of_places_and_techniques_is_a_list(
    question: str, regions: tuple[str, ...], techniques: tuple[str, ...]
) -> None:
    query = understand_question(question)
    assert query.listing is not None
    assert query.listing_first
    assert set(regions) <= set(query.listing.regions)
    assert query.listing.techniques == techniques


@pytest.mark.parametrize("question", ["", "  ", "（）", "＊！😀"])
def test_a_question_without_a_letter_has_no_reading(question: str) -> None:
    query = understand_question(question)
    assert (query.readings, query.listing) == ((), None)
    assert query.is_meaningless is bool(question.strip())


def test_a_question_however_odd_is_understood_as_something() -> None:
    for question in ("%" * 500, '"', "*", "医院 OR 1=1", "\x00", "NEAR(a b)", "AND", "a" * 5000, "、，/？"):
        assert understand_question(question).raw == question


@pytest.fixture(scope="module")
def find() -> Iterator[Callable[..., SearchResult]]:
    database = the_real_lists()
    register = Register(Settings(database_url=str(database.url)))
    database.close()
    yield lambda q="", **told: register.search_institutions(
        SearchRequest(q=q, **told), register.make_as_of(TODAY), limit=50
    )
    register.close()


def names(found: SearchResult) -> list[str]:
    return [item.institution.name for item in found.items]


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("沈阳市妇婴医院", "沈阳市妇婴医院"),
        ("沈陽市婦嬰醫院", "沈阳市妇婴医院"),
        ("沈 阳 市 妇 婴 医 院", "沈阳市妇婴医院"),
        ("江苏省妇幼保健院", "江苏省人民医院（江苏省妇幼保健院）"),
        ("弋矶山医院", "皖南医学院弋矶山医院"),
        ("解放军总医院第6医学中心", "解放军总医院第六医学中心"),
        ("900医院", "联勤保障部队第九〇〇医院"),
        ("中山东路305号", "东部战区总医院"),
        ("浙大一院", "浙江大学医学院附属第一医院"),
        ("广东省计划生育专科医院", "广东省生殖医院"),
    ],
)
def test_the_institution_meant_comes_first(find: Callable[..., SearchResult], question: str, first: str) -> None:
    assert names(find(question))[0] == first


@pytest.mark.parametrize("question", ['"', "*", "'", "医院 OR 1=1", "NEAR(医 院)", "%", "\x00", "^", "a*", "(", "-"])
def test_no_question_breaks_the_search(find: Callable[..., SearchResult], question: str) -> None:
    found = find(question)
    assert found.total >= 0


def test_filters_and_words_are_the_same(find: Callable[..., SearchResult]) -> None:
    assert names(find("辽宁 供精")) == names(find(technique=("AID",), region="210000"))
    assert find("辽宁 供精").total > 0


@pytest.mark.parametrize("told", [{"region": "999999"}, {"technique": ("供卵",)}, {"stage": "open"}, {"status": "x"}])
def test_a_filter_that_does_not_exist_is_refused(find: Callable[..., SearchResult], told: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        find(**told)
