"""Names in sentences, in English and in pinyin: who is meant, and nobody who is not written there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from registry.domain import english_words
from registry.institutions.result import SearchRequest, SearchResult
from registry.register import Register
from registry.search import english
from registry.search.query import understand_question
from tests.factories import DAY
from tests.relevance.measure import an_embedded_register

CHONGQING, WANZHOU = "重庆市妇幼保健院", "重庆市万州区妇幼保健院"


@pytest.fixture(scope="module")
def register() -> Iterator[Register]:
    with an_embedded_register() as opened:
        opened.follow_log()
        yield opened


def search(register: Register, question: str) -> SearchResult:
    return register.search_institutions(SearchRequest(q=question), register.make_as_of(DAY), limit=20)


def names(result: SearchResult) -> list[str]:
    return [item.institution.name for item in result.items]


# --- sentences -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "meant"),
    [
        ("我想去郑大一附院做试管，那里有资质吗", "郑州大学第一附属医院"),
        ("医生建议我转到湘雅二医院", "中南大学湘雅二医院"),
        ("打算年后到邵逸夫做三代", "浙江大学医学院附属邵逸夫医院"),
        ("我要投诉沈阳安联妇婴", "沈阳安联妇婴医院有限公司"),
        ("弋矶山的生殖科几点上班", "皖南医学院弋矶山医院"),
        ("我家住襄阳，想知道市中心医院能做试管不", "襄阳市中心医院"),
        ("国际和平妇幼保健院", "中国福利会国际和平妇幼保健院"),
        ("成都妇儿中心", "成都市妇女儿童中心医院"),
        ("恩施州中心医院", "恩施土家族苗族自治州中心医院"),
    ],
)
def test_words_before_and_behind_a_name_hide_it_from_nobody(register: Register, question: str, meant: str) -> None:
    result = search(register, question)
    assert (result.state, names(result)[:1]) == ("found", [meant])


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("医生推荐徐州市妇幼保健院", {"徐州市妇幼保健院"}),
        ("湘潭中心和株洲中心都能做供精吗", {"湘潭市中心医院", "株洲市中心医院"}),
        ("我是湖北人，省妇幼和武汉大学中南医院该选谁", {"湖北省妇幼保健院", "武汉大学中南医院"}),
        ("西安做试管：唐都、交大一附院", {"空军军医大学第二附属医院", "西安交通大学第一附属医院"}),
        ("科普：什么是三代试管？作者单位：昆明安琪儿妇产医院", {"昆明安琪儿妇产医院"}),
    ],
)
def test_a_text_names_whom_it_names_in_its_own_place_and_nobody_else(
    register: Register, text: str, meant: set[str]
) -> None:
    assert set(names(search(register, text))) == meant


@pytest.mark.parametrize("text", ["国际医院的试管婴儿中心是不是都是骗人的", "医生说科普很重要", "省妇幼九龙湖"])
def test_a_text_that_names_nobody_finds_nobody(register: Register, text: str) -> None:
    assert search(register, text).items == []


@pytest.mark.parametrize(
    "question", ["银川哪家比较好，还是附属医院", "医生建议我转到某某医院", "昆明西昌路295号是哪家医院"]
)
def test_a_sentence_is_never_said_to_be_a_name_that_nobody_has(register: Register, question: str) -> None:
    assert search(register, question).state != "near"


@pytest.mark.parametrize(
    ("question", "place", "meant"),
    [
        ("上海无锡妇幼保健院", "上海", "无锡市妇幼保健院"),
        ("河南十堰太和医院", "河南", "十堰市太和医院"),
        ("北京石家庄妇产医院", "北京", "石家庄市妇产医院"),
    ],
)
def test_a_wrong_province_before_a_name_with_its_place_is_said(
    register: Register, question: str, place: str, meant: str
) -> None:
    result = search(register, question)
    assert (result.state, result.elsewhere, names(result)) == ("near", place, [meant])


@pytest.mark.parametrize(
    ("question", "meant"),
    [
        ("兵团一师医院", "新疆生产建设兵团第一师医院"),
        ("太和县医院", "太和县人民医院"),
        ("文山州医院", "文山壮族苗族自治州人民医院"),
    ],
)
def test_who_was_most_likely_meant_is_asked_for_before_anybody_is_said_to_be_missing(
    register: Register, question: str, meant: str
) -> None:
    result = search(register, question)
    assert names(result)[:1] == [meant]
    assert result.state == "found" or result.did_you_mean == meant


@pytest.mark.parametrize(
    ("question", "meant"),
    [
        ("滑翔街39号", "中国医科大学附属盛京医院"),
        ("石家庄东岗街89号", "河北医科大学第一医院"),
        ("昆明西昌路295号医院", "昆明医科大学第一附属医院呈贡医院"),
    ],
)
def test_a_road_taken_for_a_street_is_found_with_its_number(register: Register, question: str, meant: str) -> None:
    assert meant in names(search(register, question))[:2]


@pytest.mark.parametrize(
    ("question", "meant"),
    [
        ("恁知道郑大三附院不，俺想做试管", "郑州大学第三附属医院"),
        ("想在广州做三代，中山一院行吗", "中山大学附属第一医院"),
        ("合肥安医一附院高新院区怎么挂号", "安徽医科大学第一附属医院"),
        ("苏州市立本部", "苏州市立医院"),
        ("陆军总院附近的家圆医院靠谱不", "北京家圆医院"),
        ("沈阳滑翔路39号那个医院", "中国医科大学附属盛京医院"),
        ("俺想打听打听济南省妇幼能做试管不", "山东省妇幼保健院"),
        ("武汉省妇幼试管咋样撒", "湖北省妇幼保健院"),
        ("我住北京，郑大一附院能做吗", "郑州大学第一附属医院"),
    ],
)
def test_whatever_stands_around_a_name_it_is_found(register: Register, question: str, meant: str) -> None:
    result = search(register, question)
    assert (result.state, names(result)[:1]) == ("found", [meant])


@pytest.mark.parametrize(
    ("question", "region"),
    [
        ("我家住大连，想做试管，去哪个医院靠谱", "大连市"),
        ("想知道新疆乌鲁木齐哪家医院可以做供精", "乌鲁木齐市"),
        ("我在拉萨工作，西藏有做试管的医院吗", "拉萨市"),
        ("我在内蒙包头，哪个医院能做试管", "包头市"),
        ("My friend lives in Shenyang, is there any hospital for IVF", "沈阳市"),
    ],
)
def test_a_sentence_with_a_place_and_a_technique_is_the_list_of_that_place(
    register: Register, question: str, region: str
) -> None:
    result = search(register, question)
    assert {item.institution.region.city for item in result.items} == {region}
    assert {item.match for item in result.items} == {"technique"}
    assert (result.state, result.not_understood) == ("found", ())


@pytest.mark.parametrize(
    ("question", "unread", "first"),
    [
        ("昆明哪里可以做三代试管，好孕来国际靠谱吗", "好孕来国际", "昆明医科大学第二附属医院"),
        ("哈尔滨菁华上德老好了，整试管行不", "哈尔滨菁华上德老好", "黑龙江菁华上德生殖妇产医院"),
    ],
)
def test_who_may_be_meant_is_shown_beside_what_was_not_read(
    register: Register, question: str, unread: str, first: str
) -> None:
    result = search(register, question)
    assert (result.state, result.not_understood, names(result)[0]) == ("not_understood", (unread,), first)


# --- short names -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "question",
    [
        *("华西医院", "川大华西", "West China Hospital"),  # the listed one has a number
        *("医大一院", "医大一院 沈阳", "医大四院", "大医二院"),  # no place before what a school is called
        *("北医二院", "山大三院"),  # that of 北京, of 山东
        *("昆明二院", "温州二院"),  # that of the city, not of a school in it
        *("首医大宣武", "Anzhen hospital", "Huashan Hospital"),  # who has a branch or a name of old elsewhere
        "安琪儿医院 长沙",
    ],
)
def test_a_short_name_of_somebody_else_is_nobodys(register: Register, question: str) -> None:
    assert search(register, question).state != "found"


@pytest.mark.parametrize(
    ("question", "meant"),
    [
        ("大医一院", "大连医科大学附属第一医院"),
        ("贵医", "贵州医科大学附属医院"),
        ("浙大二院", "杭州市滨江医院（浙江大学医学院附属第二医院滨江院区）"),
        ("中山三院", "中山大学附属第三医院"),
        ("河北省二院", "河北医科大学第二医院"),
        ("昌大一附院", "南昌大学第一附属医院"),
        ("西囡医院", "四川锦欣西囡妇女儿童医院"),
        ("Changhai Hospital Shanghai", "海军军医大学第一附属医院"),
        ("Zhejiang University Second hospital", "杭州市滨江医院（浙江大学医学院附属第二医院滨江院区）"),
        ("huaxi er yuan chengdu", "四川大学华西第二医院"),
        ("zhongshan yi yuan guangzhou", "中山大学附属第一医院"),
    ],
)
def test_a_short_name_is_that_of_its_place_and_school(register: Register, question: str, meant: str) -> None:
    result = search(register, question)
    assert (result.state, names(result)[:1]) == ("found", [meant])


def test_a_city_in_pinyin_is_not_heard_within_a_word(register: Register) -> None:
    assert search(register, "chizhou").items == []


def test_a_name_elsewhere_goes_before_a_slip(register: Register) -> None:
    result = search(register, "山西西京医院")
    assert (result.state, result.elsewhere, names(result)) == ("near", "山西", ["空军军医大学第一附属医院"])


# --- records that have ended, warnings -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "now", "then"),
    [
        ("丽水市人民医院", "丽水市人民医院东城院区", "丽水市人民医院"),
        ("听说成都西囡妇科医院就是以前那家", "四川锦欣西囡妇女儿童医院", "成都西囡妇科医院"),
    ],
)
def test_who_goes_on_stands_before_the_record_that_has_ended(
    register: Register, question: str, now: str, then: str
) -> None:
    assert names(search(register, question)) == [now, then]


@pytest.mark.parametrize("question", ["代孕多少钱", "？？？。。"])
def test_nothing_is_found_by_what_nobody_may_offer_or_by_marks(register: Register, question: str) -> None:
    assert search(register, question).state == "not_understood"


def test_who_warns_of_what_nobody_may_offer_is_not_warned(register: Register) -> None:
    result = search(register, "警惕代孕。盛京医院提醒")
    assert (result.warning, names(result)) == (None, ["中国医科大学附属盛京医院"])


# --- English and pinyin ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("city", ["Lanzhou", "Wenzhou", "Xining", "Hengyang", "Zhangzhou", "Zhanjiang", "Hefei"])
def test_a_city_is_no_slip_for_another_city_in_english(register: Register, city: str) -> None:
    result = search(register, f"{city} Maternal and Child Health Hospital")
    assert result.state == "near", names(result)


@pytest.mark.parametrize(
    ("question", "meant"),
    [
        ("Chongqing Maternal and Child Health Hospital", CHONGQING),
        ("Chongqing maternity and child hospital", CHONGQING),
        ("Chongqing Wanzhou District Maternal and Child Health Hospital", WANZHOU),
        ("Nanjing maternity hospital", "南京市妇幼保健院"),
        ("Beijing Maternal and Child Health Care Hospital", "首都医科大学附属北京妇产医院"),
        ("Zhuzhou Maternal and Child Health Hospital", "株洲市妇幼保健院"),
        ("Xiangyang Central Hospital", "襄阳市中心医院"),
        ("HKU Shenzhen hospital", "香港大学深圳医院"),
        ("Tongji hospital Wuhan reproductive center", "华中科技大学同济医学院附属同济医院"),
        ("Tangdu hospital xi'an", "空军军医大学第二附属医院"),
        ("Tibet Fukang hospital", "西藏阜康医院"),
        ("Citic Xiangya", "中信湘雅生殖与遗传专科医院"),
        ("tongji wuhan", "华中科技大学同济医学院附属同济医院"),
        ("renjiyiyuan shanghai", "上海交通大学医学院附属仁济医院"),
    ],
)
def test_english_and_pinyin_find_whom_they_translate_or_spell(register: Register, question: str, meant: str) -> None:
    result = search(register, question)
    assert (result.state, names(result)[:1]) == ("found", [meant])


@pytest.mark.parametrize(
    "question",
    [
        "First Hospital of China Medical University",
        "Shenzhen Third People's Hospital",
        "Foshan Central Maternity Clinic",
        "dalian zhongxin yiyuan",
        "xining zhongxin yiyuan",
    ],
)
def test_who_is_not_on_the_list_is_not_found_in_english_or_pinyin(register: Register, question: str) -> None:
    assert search(register, question).state != "found"


def test_a_hospital_of_a_district_is_not_that_of_its_city() -> None:
    words = english_words.split_words("Chongqing Maternal and Child Health Hospital")
    assert english.find_places(words) == ["500000"]
    (first, *_) = understand_question("Chongqing Maternal and Child Health Hospital").readings
    assert first.english == ("chongqing", "maternal", "child", "health", "hospital")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("I had my IVF cycle at Shanghai Jiahui International Hospital last spring.", {"上海嘉会国际医院"}),
        ("My wife did IVF at Peking University Third Hospital and it worked", {"北京大学第三医院"}),
        ("we went to renji hospital in shanghai for ivf", {"上海交通大学医学院附属仁济医院"}),
        (
            "A colleague recommended Sichuan Jinxin Xinan Women and Children's Hospital, but another one said that "
            "West China Second University Hospital is the only public one with PGT.",
            {"四川锦欣西囡妇女儿童医院", "四川大学华西第二医院"},
        ),
    ],
)
def test_names_in_english_sentences_are_found(register: Register, text: str, meant: set[str]) -> None:
    result = search(register, text)
    assert (result.state, set(names(result))) == ("found", meant)


def test_an_english_sentence_is_never_said_to_be_a_name_that_nobody_has(register: Register) -> None:
    result = search(register, "I was treated at Xyz Miracle Clinic, are they legal?")
    assert result.state == "not_understood"
