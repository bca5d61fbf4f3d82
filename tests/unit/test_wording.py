"""Words for what nobody may offer: found however they are masked, and not found where they are other words."""

from __future__ import annotations

import csv
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.wording import WORDS, forbidden

LISTS = sorted((Path(__file__).parents[2] / "seed_data").rglob("*.csv"))
#: What people put between the characters of a word; none of it is a letter, a digit or a character of its own.
BETWEEN = st.text(" *·.-_/|~!、。（）【】★☆❤\u3000\u200b\u200c\u200e\ufeff", max_size=3)


def kinds(text: str) -> list[str]:
    return [one.kind for one in forbidden(text)]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("代孕", "surrogacy"),
        ("北京代怀孕多少钱", "surrogacy"),
        ("代*孕", "surrogacy"),
        ("代 孕", "surrogacy"),
        ("代x孕", "surrogacy"),
        ("代○孕", "surrogacy"),
        ("dai孕", "surrogacy"),
        ("代yun", "surrogacy"),
        ("DAIYUN", "surrogacy"),
        ("dai yun", "surrogacy"),
        ("zhao dai yun", "surrogacy"),
        ("daiyunjigou", "surrogacy"),
        ("ｄａｉ孕", "surrogacy"),
        ("代\u200b孕", "surrogacy"),
        ("帶孕", "surrogacy"),
        ("代懷孕", "surrogacy"),
        ("找代妈", "surrogacy"),
        ("找代妈妈", "surrogacy"),
        ("包代生", "surrogacy"),
        ("代理孕母", "surrogacy"),
        ("借腹生子", "surrogacy"),
        ("助孕公司", "surrogacy"),
        ("供卵试管", "gamete_trade"),
        ("gongluan", "gamete_trade"),
        ("供luan", "gamete_trade"),
        ("高价求卵", "gamete_trade"),
        ("卵妹", "gamete_trade"),
        ("提供卵子 卖卵", "gamete_trade"),
        ("三代选性别", "sex_selection"),
        ("选 性 别", "sex_selection"),
        ("包男孩", "sex_selection"),
        ("生男生女随你所愿", "sex_selection"),
        ("想要皮夹克", "sex_selection"),
    ],
)
def test_a_word_is_found_however_it_is_written(text: str, kind: str) -> None:
    assert kinds(text) == [kind]


@pytest.mark.parametrize(
    "text",
    [
        *("新生代妈妈", "现代妈妈", "时代妈妈", "替代妈妈", "新时代生殖医院", "第三代生殖技术", "现代生活", "后代生育"),
        *("现代孕妇学校", "新时代孕婴", "三代孕前检查", "替代产品", "时代怀念", "提供卵泡监测", "提供卵巢检查"),
        *("生男生女都一样", "生男生女由谁决定", "dai yunnan", "xiandai yunfu", "试管婴儿", "三代试管", "供精人工授精"),
        *("人类精子库", "鞍山市妇儿医院", "shengjing", "", "   ", "😀"),
    ],
)
def test_an_ordinary_word_is_not(text: str) -> None:
    assert forbidden(text) == []


@pytest.mark.parametrize("file", LISTS, ids=lambda path: path.parent.name)
def test_no_institution_of_the_national_lists_is_taken_for_such_a_word(file: Path) -> None:
    rows = list(csv.reader(file.read_text("utf-8-sig").splitlines()))
    cells = [cell for row in rows for cell in row]
    assert len(cells) > 10
    assert [cell for cell in cells if forbidden(cell)] == []


@given(
    st.data(),
    st.sampled_from([word for words in WORDS.values() for word in words]),
    st.sampled_from(["", "沈阳", "有没有"]),
)
def test_what_is_put_between_its_characters_hides_no_word_and_the_find_says_where_it_stands(
    data: st.DataObject, word: str, before: str
) -> None:
    masked = word[0] + "".join(data.draw(BETWEEN) + character for character in word[1:])
    found = forbidden(before + masked + "吗")
    assert found, masked
    assert (found[0].start, found[-1].end) == (len(before), len(before) + len(masked))
    assert all(one.text == (before + masked + "吗")[one.start : one.end] for one in found)


@given(st.text(max_size=300))
def test_any_text_is_read_and_finds_never_overlap(text: str) -> None:
    found = forbidden(text)
    assert all(text[one.start : one.end] == one.text for one in found)
    assert all(one.end <= other.start for one, other in pairwise(found))


def test_the_longest_word_is_the_find_and_each_is_found_once() -> None:
    assert [one.text for one in forbidden("找代孕妈妈，供卵试管，包代生")] == ["代孕妈妈", "供卵试管", "包代生"]


@pytest.mark.parametrize(
    ("text", "condemned"),
    [
        ("严厉打击代孕", True),
        ("禁止任何形式的代孕行为", True),
        ("代孕是违法的", True),
        ("本院不开展代孕、供卵", True),
        ("代孕套餐包成功", False),
        ("禁止代孕？我们能做代孕", False),
        ("供卵试管多少钱", False),
    ],
)
def test_a_sentence_against_it_is_told_from_an_offer(text: str, condemned: bool) -> None:
    assert forbidden(text)[-1].condemned is condemned


def test_a_very_long_text_is_read_too() -> None:
    text = "代" * 5000 + "daidaidai" * 500 + "代孕"
    assert forbidden(text)[-1].text == "代孕"
