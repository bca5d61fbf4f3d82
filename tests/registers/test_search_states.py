"""What a question gets: the institution it names, near ones that are said to be others, or not understood."""

from __future__ import annotations

import csv
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from registry.domain import name_alignment
from registry.institutions.result import SearchRequest, SearchResult
from registry.register import Register
from registry.search.embedded_engine import decode_document
from registry.storage.tables import search_documents
from tests.factories import DAY, LIST_2025
from tests.relevance.fit import make_up_names
from tests.relevance.measure import an_embedded_register

PRINTED = [row["name"] for row in csv.DictReader(LIST_2025.read_text("utf-8").splitlines())]
SHENGJING = "中国医科大学附属盛京医院"
XIANGYA = "中信湘雅生殖与遗传专科医院"


@pytest.fixture(scope="module")
def register() -> Iterator[Register]:
    with an_embedded_register() as opened:
        yield opened


def search(register: Register, question: str) -> SearchResult:
    return register.search_institutions(SearchRequest(q=question), register.make_as_of(DAY), limit=20)


def names(result: SearchResult) -> list[str]:
    return [item.institution.name for item in result.items]


# --- nobody else's name ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "question",
    [
        *("海南省人民医院", "温州市中心医院", "北京京民医院", "天津市人民医院", "鞍山市中心医院", "南阳市中医院"),
        *("新余市渝水区妇幼保健院", "天津市第一医院", "台州市中心医院", "郑州市中医院", "杭州拱墅区人民医院"),
        *("静安区中心医院", "昆明市第二人民医院", "河南大学第一附属医院", "朝阳区三环医院", "西南大学医院"),
        *("沈阳市红十字会医院", "北京大学医院", "浙江医院", "北海市妇幼保健院", "电子科技大学医院"),
    ],
)
def test_who_is_not_on_the_list_is_never_found_as_somebody_else(register: Register, question: str) -> None:
    result = search(register, question)
    assert result.state == "near", names(result)[:3]
    assert result.name_read == question


@pytest.mark.parametrize("question", ["人民医院", "第五人民医院", "市妇幼保健院", "妇产医院", "中医院"])
def test_a_name_that_very_many_have_names_nobody_and_nobody_is_said_to_be_missing(
    register: Register, question: str
) -> None:
    result = search(register, question)
    assert result.state == "not_understood"
    assert result.items


def test_of_names_that_were_made_up_hardly_any_is_found(register: Register) -> None:
    with register.database.reading() as connection:
        documents = [decode_document(bytes(row.body)) for row in connection.execute(sa.select(search_documents))]
    made_up = make_up_names(documents, 300, seed=11)
    wrong = [(name, names(result)[0]) for name in made_up if (result := search(register, name)).state == "found"]
    assert len(wrong) <= 6, wrong


@pytest.mark.parametrize(
    "question",
    [
        *(
            "上海市第一人民医院宝山分院",
            "莆田学院附属医院湄洲岛分院",
            "上海市第一人民医院（南部）",
            "东部战区总医院淮安医疗区",
        ),
        *("武汉大学人民医院（东院）", "北京大学第一医院丰台医院", "北京军区总医院附属八一儿童医院"),
    ],
)
def test_a_branch_or_who_belongs_to_a_hospital_is_not_found_as_it(register: Register, question: str) -> None:
    assert search(register, question).state != "found"


# --- names in other words --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "name", "rest"),
    [
        ("中信湘雅 林教授", XIANGYA, ("林教授",)),
        ("中山六院杨主任", "中山大学附属第六医院", ("杨主任",)),
        ("中信湘雅是公立还是私立", XIANGYA, ()),
        ("预约挂号 国妇婴 韩教授", "中国福利会国际和平妇幼保健院", ("韩教授",)),
        ("阿拉上海国妇婴", "中国福利会国际和平妇幼保健院", ()),
    ],
)
def test_words_around_a_name_do_not_hide_it_and_what_is_not_read_is_said(
    register: Register, question: str, name: str, rest: tuple[str, ...]
) -> None:
    result = search(register, question)
    assert (result.state, names(result)[:1], result.not_understood) == ("found", [name], rest)


def test_of_several_hospitals_in_one_question_each_is_found(register: Register) -> None:
    result = search(register, "上海九院和国妇婴哪个好")
    assert result.in_text
    assert {"上海交通大学医学院附属第九人民医院", "中国福利会国际和平妇幼保健院"} <= set(names(result))


def test_institutions_are_found_in_a_pasted_text(register: Register) -> None:
    text = (
        "转发：国家卫健委公布名单，我市的宝鸡市妇幼保健院也在其中，开展夫精人工授精、常规体外受精等技术，请广大群众到正规医疗"
        "机构就医，谨防上当受骗。另据介绍，中国医科大学附属盛京医院也能做试管婴儿，详情请向医院了解，不要轻信中介的说法。"
    )
    result = search(register, text)
    assert (result.state, result.in_text) == ("found", True)
    assert names(result) == ["宝鸡市妇幼保健院", SHENGJING]


@pytest.mark.parametrize(
    ("question", "place", "name"),
    [("黑龙江盛京医院", "黑龙江", SHENGJING), ("湖北省国妇婴", "湖北省", "中国福利会国际和平妇幼保健院")],
)
def test_a_name_in_a_wrong_province_is_near_and_the_place_is_said(
    register: Register, question: str, place: str, name: str
) -> None:
    result = search(register, question)
    assert (result.state, result.elsewhere, names(result)[:1]) == ("near", place, [name])


@pytest.mark.parametrize("question", ["阿里巴巴", "呵呵呵呵", "qwzxq", "今天天气怎么样"])
def test_what_is_no_name_is_not_understood(register: Register, question: str) -> None:
    result = search(register, question)
    assert (result.state, result.items) == ("not_understood", [])
    assert result.not_understood


# --- in English ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("Shengjing Hospital", SHENGJING),
        ("Shanghai Ninth People's Hospital", "上海交通大学医学院附属第九人民医院"),
        ("is Shengjing Hospital licensed?", SHENGJING),
        ("Third Hospital of Peking University", "北京大学第三医院"),
        ("Guangdong Women and Children Hospital", "广东省妇幼保健院"),
        ("Tongji Hospital Wuhan", "华中科技大学同济医学院附属同济医院"),
    ],
)
def test_an_english_name_finds_its_institution(register: Register, question: str, name: str) -> None:
    result = search(register, question)
    assert (result.state, names(result)[:1]) == ("found", [name])


@pytest.mark.parametrize(
    ("question", "place"),
    [("IVF hospital Shenyang", "沈阳市"), ("where can I do IVF in Dalian", "大连市"), ("Inner Mongolia IVF", None)],
)
def test_an_everyday_question_in_english_is_a_list(register: Register, question: str, place: str | None) -> None:
    result = search(register, question)
    assert result.state == "found" and result.items
    regions = [item.institution.region for item in result.items]
    assert all(region.city == place if place else region.province == "内蒙古自治区" for region in regions)


@pytest.mark.parametrize("question", ["Beijing Children's Hospital", "Mayo Clinic Hospital"])
def test_an_english_name_that_nobody_has_is_near(register: Register, question: str) -> None:
    assert search(register, question).state == "near"


# --- the weights -----------------------------------------------------------------------------------------------------


def test_every_feature_is_described_and_has_a_weight() -> None:
    weights = name_alignment.load_weights()
    assert len(weights) == len(name_alignment.FEATURES) > 0
    assert all(name_alignment.FEATURES.values())
    assert sum(weight != 0.0 for weight in weights) > len(weights) - 3


@pytest.mark.parametrize("name", PRINTED[::60])
def test_a_whole_name_is_surer_than_one_with_another_number_or_place(register: Register, name: str) -> None:
    first = search(register, name)
    assert (first.state, names(first)[0]) == ("found", name)
