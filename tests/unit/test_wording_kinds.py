"""Rules of the wording: how words are hidden, what they are made of, how far a denial reaches. Variations are drawn."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.domain import ad_lexicon
from registry.domain.ad_lexicon import AdFinding, find_flags

DATA: dict[str, Any] = tomllib.loads(Path(ad_lexicon.__file__).with_name("ad_lexicon.toml").read_text("utf-8"))
AGAINST = DATA["against"]
MASKED_KINDS = DATA["masking"]["more_kinds"]
WORDS = st.sampled_from([(kind, word) for kind in MASKED_KINDS for word in DATA["words"][kind]])
#: Short words for the same: offers that a sentence may stand against.
OFFERS = st.sampled_from(["代孕", "供卵", "买卖卵子", "选性别", "借腹生子", "包生男孩", "捐卵女孩"])
EMOJI = st.sampled_from(["🤱", "👶", "🈶", "🈲", "❤", "✅", "🌸", "👨‍👩‍👧", "🇨🇳", "\ufe0f"])
FIGURES = st.sampled_from(["1", "2", "69", "①", "x", "丨", "の", "丶"])
LETTERS = st.sampled_from(["a", "q", "ab", "Ｇ"])


def flagged(text: str) -> list[AdFinding]:
    return [one for one in find_flags(text) if not one.is_condemned]


def kinds(text: str) -> set[str]:
    return {one.kind for one in flagged(text)}


def list_parts(family: dict[str, Any]) -> list[list[str]]:
    return [DATA["parts"][part] if isinstance(part, str) else part for part in family["parts"]]


# --- hiding ----------------------------------------------------------------------------------------------------------


@given(st.data(), WORDS, st.one_of(EMOJI, FIGURES, LETTERS))
def test_emoji_figures_and_letters_between_its_characters_hide_no_word(
    data: st.DataObject, kind_and_word: tuple[str, str], mask: str
) -> None:
    kind, word = kind_and_word
    at = data.draw(st.integers(1, len(word) - 1))
    hidden = word[:at] + mask + word[at:]
    text = f"咨询{hidden}"
    some = [one for one in find_flags(text) if one.kind == kind]
    assert some, text
    assert all(text[one.start : one.end] == one.text for one in some)


@given(st.data(), st.sampled_from(["代孕", "供卵", "借卵", "代怀孕", "选性别", "买卖卵子"]))
def test_any_one_of_its_characters_may_be_spelt(data: st.DataObject, word: str) -> None:
    at = data.draw(st.sampled_from([i for i, c in enumerate(word) if c in DATA["sounds"]]))
    text = word[:at] + DATA["sounds"][word[at]] + word[at + 1 :]
    assert kinds(text) & {"surrogacy", "gamete_trade", "sex_selection"}, text


@pytest.mark.parametrize("picture", DATA["masking"]["pictures"])
@pytest.mark.parametrize("word", ["代孕", "供卵", "代怀孕套餐"])
def test_a_picture_stands_for_the_character_or_beside_it(picture: str, word: str) -> None:
    character = DATA["masking"]["pictures"][picture]
    if character in word:
        for text in (word.replace(character, picture), word.replace(character, picture + character)):
            assert kinds(text) & {"surrogacy", "gamete_trade"}, text


@pytest.mark.parametrize("text", ["d孕机构", "D孕 咨询", "代y公司", "包.生.男.孩", "代🈶孕", "代1孕"])
def test_shortened_words_are_found(text: str) -> None:
    assert kinds(text) & {"surrogacy", "sex_selection"}


# --- words made of parts ---------------------------------------------------------------------------------------------


@given(st.data(), st.sampled_from(DATA["families"]))
def test_every_choice_of_parts_is_a_word_of_its_kind(data: st.DataObject, family: dict[str, Any]) -> None:
    word = "".join(data.draw(st.sampled_from(words)) for words in list_parts(family))
    found = [one for one in find_flags(f"本店{word}") if one.kind == family["kind"]]
    assert found, word


@given(
    st.sampled_from(["捐卵", "捐精", "捐献卵子", "捐献精子"]),
    st.sampled_from(["", "志愿者", "女孩", "者"]),
    st.sampled_from(["有营养补偿", "，补偿5万起", "，报酬当天结", " 酬金8000元", "高薪", "，营养费三万"]),
)
def test_giving_for_pay_is_trade_and_giving_is_not(giving: str, who: str, pay: str) -> None:
    assert "gamete_trade" in kinds(giving + who + pay)
    assert "gamete_trade" not in kinds(giving + "须知")
    assert "gamete_trade" not in kinds(f"{giving}须遵守自愿无偿的原则")


@given(
    st.sampled_from(["", "检查", "取代", "替代", "第三代", "新时代", "现代", "维生素D"]),
    st.sampled_from(["孕酮", "孕激素", "孕产妇", "孕妇", "孕期", "孕囊", "孕周", "孕育"]),
    st.sampled_from(["", "制剂", "治疗", "检测"]),
)
def test_medical_words_beginning_alike_are_none_of_these(before: str, word: str, after: str) -> None:
    assert "surrogacy" not in kinds(before + word + after)


@pytest.mark.parametrize(
    "text",
    [
        *("无论男孩女孩都是宝", "生男孩还是女孩由父亲决定", "挑选男宝宝衣服", "检查男女双方", "保女儿健康"),
        *("孕妈招募令：孕妇瑜伽体验课", "志愿捐精，误工和交通补贴", "精益求精", "购买胚胎培养液", "加微量元素"),
        *("医保成功报销", "保证怀孕期间营养", "现代母亲健康课堂", "替代母乳", "后代母系", "卵子库建设", "不孕不育"),
    ],
)
def test_everyday_and_medical_sentences_are_not_flagged(text: str) -> None:
    assert flagged(text) == []


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        (
            "sex_selection",
            (
                "包抱男孩",
                "男女可定",
                "可指定宝宝性别",
                "挑选胎儿的性别",
                "三代筛XY",
                "帮您实现儿女双全",
                "保准男孩",
                "让您抱上大胖小子",
                "生儿子不是梦",
                "男宝女宝随您挑",
            ),
        ),
        (
            "gamete_trade",
            (
                "他卵助孕",
                "美女大学生卵源库",
                "精源基地",
                "卵源充足",
                "卵子任选",
                "美女卵子",
                "急需O型血女孩捐卵",
                "代🐣、供🥚",
            ),
        ),
        (
            "surrogacy",
            (
                "第三方孕母匹配",
                "国外合法孕母",
                "优质孕母",
                "孕母资源",
                "三方辅助生殖",
                "代🐣",
                "代🐥套餐",
                "替您怀胎十月",
                "有偿助孕",
                "急招助孕女性",
            ),
        ),
        (
            "endorsement",
            (
                "现身说法",
                "王女士在我院试管成功",
                "李先生夫妇来到我们医院，三个月怀上了",
                "好孕故事",
                "著名影星李某某倾情推荐",
            ),
        ),
        ("guarantee", ("百分百抱娃", "包到成功为止", "直到成功为止", "抱娃回家再付款", "先怀上后付款")),
        (
            "lure",
            *[
                (
                    "试管全免费",
                    "免费做试管",
                    "立减5000元",
                    "五折",
                    "8折起",
                    "送检查",
                    "老带新返现",
                    "不看结婚证",
                    "机票酒店全包",
                    "赠送术前检查",
                    "送价值3000元检查",
                )
            ],
        ),
    ],
)
def test_offers_are_found_by_what_they_are_made_of(kind: str, texts: tuple[str, ...]) -> None:
    assert [text for text in texts if kind not in kinds(text)] == []


@pytest.mark.parametrize(
    "text",
    [
        *("国家免费孕前优生健康检查", "其他卵泡", "骨折手术", "标本送检查科", "祝您儿女双全", "染色体决定孩子性别"),
        *(
            "健康孕母与高龄孕母的分娩",
            "新时代孕妈课堂",
            "多年波折",
            "直到怀孕为止",
            "帮您怀孕",
            "现代人怀孕难",
            "大学生精子质量调查",
            "急需捐血",
            "返现场",
            "男女可定期体检",
            "王女士来我院就诊",
            "夫妻双方到我院登记",
        ),
    ],
)
def test_what_is_like_them_is_not_flagged(text: str) -> None:
    assert flagged(text) == []


# --- how far a denial reaches ----------------------------------------------------------------------------------------


@given(st.sampled_from(AGAINST["before"]), st.sampled_from(["", "任何形式的", "一切"]), OFFERS, OFFERS)
def test_a_denial_reaches_its_word_and_those_listed_with_it(denial: str, between: str, one: str, other: str) -> None:
    assert flagged(f"{denial}{between}{one}") == []
    assert flagged(f"我院{denial}{between}{one}、{other}和{one}") == []


@given(
    st.sampled_from(AGAINST["before"]),
    OFFERS,
    st.sampled_from(
        [
            "，",
            "。",
            " ",
            "！",
            "不如选",
            "但我们能",
            "而是",
            "请找正规",
            "，欢迎咨询",
            "和正规的",
            "、可提供",
            "、另有",
            "和代办",
        ]
    ),
    OFFERS,
)
def test_a_denial_reaches_no_second_offer(denial: str, one: str, between: str, other: str) -> None:
    first = len(denial + one)
    text = denial + one + between + other
    assert [find.start >= first for find in flagged(text)] == [True], text


@given(OFFERS, OFFERS, st.sampled_from(["是违法的", "均属违法行为", "骗局", "被判刑", "业务我院一律不做"]))
def test_a_predicate_denies_the_list_before_it_and_nothing_behind_it(one: str, other: str, predicate: str) -> None:
    assert flagged(f"{other}、{one}{predicate}") == []
    assert len(flagged(f"{one}{predicate}，{other}套餐")) >= 1


@given(
    OFFERS,
    OFFERS,
    st.sampled_from(["合法吗？", "可以做吗？", "是合法的吗?", "在我国犯法吗？ ", "能做吗？答："]),
    st.sampled_from(["不合法", "违法", "犯法的", "当然违法", "不可以"]),
)
def test_a_question_is_denied_by_its_answer_and_by_itself_is_no_denial(
    one: str, other: str, question: str, answer: str
) -> None:
    assert flagged(f"{one}{question}{answer}。") == []
    assert flagged(f"{one}{question}{answer}！我院不提供也不介绍{other}服务") == []
    for text in (f"{one}{question}", f"{one}违法吗", f"{one}{question}{answer}的说法是谣言", f"{one}犯法吗？不犯法"):
        assert flagged(text) != [], text


@given(
    st.sampled_from(["拒绝", "抵制", "远离", "反对"]),
    st.sampled_from(["一切形式的", "任何形式的"]),
    st.sampled_from(["", "商业", "所谓"]),
    OFFERS,
    OFFERS,
)
def test_whoever_refuses_every_form_offers_none(denial: str, every: str, sort: str, one: str, other: str) -> None:
    assert flagged(f"{denial}{every}{sort}{one}与{other}！") == []
    assert flagged(f"{denial}{every}风险，{one}找我们") != []


@given(OFFERS, st.sampled_from(["我们合规", "✅我们合规", "，本公司能做", " 我司例外"]))
def test_whoever_calls_it_unlawful_but_for_himself_offers_it(word: str, foil: str) -> None:
    assert flagged(f"{word}违法{foil}") != []


@given(st.sampled_from(AGAINST["near"]), OFFERS)
def test_not_denies_the_next_word_only_and_not_where_it_asks(denial: str, word: str) -> None:
    assert flagged(f"本院{denial}{word}") == []
    assert flagged(f"{denial}错过的{word}") != []
    if len(denial) == 2 and denial[0] == "不":
        assert flagged(f"{denial[1]}{denial}{word}") != []


@given(
    st.sampled_from(AGAINST["not_offered"]),
    st.lists(st.sampled_from(["试管婴儿", "三代试管", "人工授精", "PGT"]), min_size=1, max_size=4, unique=True),
)
def test_techniques_that_are_not_offered_are_denied_together(denial: str, words: list[str]) -> None:
    assert flagged(f"我院{denial}{'、'.join(words)}") == []


@pytest.mark.parametrize(
    "text",
    [
        *(
            "对组织代孕的，依法追究刑事责任",
            "警惕“包成功”“包生男孩”等虚假宣传",
            "不能保证100%成功",
            "没有哪家医院能包成功",
        ),
        *("求助性供卵不得买卖", "任何单位和个人不得实施代孕", "三代试管不是用来选男女的", "代孕业务我院一律不做"),
    ],
)
def test_honest_warnings_and_denials_flag_nothing_forbidden(text: str) -> None:
    assert kinds(text) <= {"technique"}


@pytest.mark.parametrize(
    "text", ["代孕不是违法，合法合规", "代孕是违法的，代孕套餐", "我们不是代孕中介，我们是正规代孕机构"]
)
def test_the_contrary_of_a_denial_offers(text: str) -> None:
    assert "surrogacy" in kinds(text)


@given(st.text(max_size=60), OFFERS, st.text(max_size=60))
def test_flags_stand_in_the_text_as_given(before: str, word: str, after: str) -> None:
    text = before + word + after
    assert all(text[one.start : one.end] == one.text for one in find_flags(text))
