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


# --- how far a denial reaches ----------------------------------------------------------------------------------------


@given(st.sampled_from(AGAINST["before"]), st.sampled_from(["", "任何形式的", "一切"]), OFFERS, OFFERS)
def test_a_denial_reaches_its_word_and_those_listed_with_it(denial: str, between: str, one: str, other: str) -> None:
    assert flagged(f"{denial}{between}{one}") == []
    assert flagged(f"我院{denial}{between}{one}、{other}和{one}") == []


@given(
    st.sampled_from(AGAINST["before"]),
    OFFERS,
    st.sampled_from(["，", "。", " ", "！", "不如选", "但我们能", "而是", "请找正规", "，欢迎咨询", "和正规的"]),
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
