"""Words for what nobody may offer: found however they are masked, and not found where they are other words."""

from __future__ import annotations

import csv
import time
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.domain import ad_lexicon
from registry.domain.ad_lexicon import WORDS, find_flags, find_forbidden_words
from registry.domain.techniques import TECHNIQUES, Technique

DATA = tomllib.loads(Path(ad_lexicon.__file__).with_name("ad_lexicon.toml").read_text("utf-8"))
LISTS = sorted((Path(__file__).parents[2] / "seed_data").rglob("*.csv"))
#: What people put between the characters of a word; none of it is a letter, a digit or a character of its own.
BETWEEN = st.text(" *·.-_/|~!、。（）【】★☆❤\u3000\u200b\u200c\u200e\ufeff", max_size=3)


def kinds(text: str) -> list[str]:
    return [one.kind for one in find_forbidden_words(text)]


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
    assert find_forbidden_words(text) == []


@pytest.mark.parametrize("file", LISTS, ids=lambda path: path.parent.name)
def test_no_institution_of_the_national_lists_is_taken_for_such_a_word(file: Path) -> None:
    rows = list(csv.reader(file.read_text("utf-8-sig").splitlines()))
    cells = [cell for row in rows for cell in row]
    assert len(cells) > 10
    assert [cell for cell in cells if find_forbidden_words(cell)] == []


@given(
    st.data(),
    st.sampled_from([word for words in WORDS.values() for word in words]),
    st.sampled_from(["", "沈阳", "有没有"]),
)
def test_what_is_put_between_its_characters_hides_no_word_and_the_find_says_where_it_stands(
    data: st.DataObject, word: str, before: str
) -> None:
    masked = word[0] + "".join(data.draw(BETWEEN) + character for character in word[1:])
    found = find_forbidden_words(before + masked + "吗")
    assert found, masked
    assert (found[0].start, found[-1].end) == (len(before), len(before) + len(masked))
    assert all(one.text == (before + masked + "吗")[one.start : one.end] for one in found)


@given(st.text(max_size=300))
def test_any_text_is_read_and_finds_never_overlap(text: str) -> None:
    found = find_forbidden_words(text)
    assert all(text[one.start : one.end] == one.text for one in found)
    assert all(one.end <= other.start for one, other in pairwise(found))


def test_the_longest_word_is_the_find_and_each_is_found_once() -> None:
    assert [one.text for one in find_forbidden_words("找代孕妈妈，供卵试管，包代生")] == [
        "代孕妈妈",
        "供卵试管",
        "包代生",
    ]


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
    assert find_forbidden_words(text)[-1].is_condemned is condemned


def test_a_very_long_text_is_read_too() -> None:
    text = "代" * 5000 + "daidaidai" * 500 + "代孕"
    assert find_forbidden_words(text)[-1].text == "代孕"


# --- every kind ------------------------------------------------------------------------------------------------------


def flagged(text: str) -> list[tuple[str, str]]:
    return [(one.kind, one.text) for one in find_flags(text) if not one.is_condemned]


@pytest.mark.parametrize(
    ("text", "found"),
    [  # texts that were fined
        ("生男生女随你所愿", [("sex_selection", "生男生女")]),
        (
            "包成功代孕套餐、普通选性别代孕套餐",
            [
                *[("guarantee", "包成功"), ("surrogacy", "代孕"), ("lure", "套餐")],
                *[("sex_selection", "选性别"), ("surrogacy", "代孕"), ("lure", "套餐")],
            ],
        ),
        (
            "想要皮夹克还是贴心小棉袄，从评估到落地，我们一站式服务",
            [("sex_selection", "皮夹克"), ("sex_selection", "小棉袄")],
        ),
        ("体检预约服务 三甲专家亲诊 无效退款", [("endorsement", "三甲专家亲诊"), ("guarantee", "无效退款")]),
    ],
)
def test_texts_that_were_fined_are_flagged(text: str, found: list[tuple[str, str]]) -> None:
    assert flagged(text) == found


@pytest.mark.parametrize(
    ("text", "kind", "word"),
    [
        ("成功率85%以上", "guarantee", "成功率85%"),
        ("成功率高达72.5%，100家医院", "guarantee", "成功率高达72.5%"),
        ("成功率超过八成", "guarantee", "成功率超过八成"),
        ("１００％成功", "guarantee", "１００％成功"),
        ("成功率85%，100%成功", "guarantee", "100%成功"),
        ("零*風*險", "guarantee", "零*風*險"),
        ("全国排名第一", "endorsement", "排名"),
        ("解放军部队医院", "endorsement", "部队医院"),
        ("不需要结婚证", "lure", "不需要结婚证"),
        ("加V：abc123", "lure", "加V"),
        ("加 v x 咨询", "lure", "加 v x"),
        ("海外试管", "lure", "海外试管"),
        ("供卵试管", "technique", "试管"),
        ("本中心试管", "technique", "试管"),
        ("冻卵", "technique", "冻卵"),
        ("做 PGT-A", "technique", "PGT-A"),
        ("ＩＣＳＩ治疗", "technique", "ＩＣＳＩ"),
    ],
)
def test_promises_praise_lures_and_techniques_are_flagged_as_they_stand(text: str, kind: str, word: str) -> None:
    assert (kind, word) in flagged(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "排名不分先后",
            "采血试管",
            "离心试管",
            "试管架",
            "本人授权",
            "他人授予",
            "first aid",
            "AIDS",
            "he said",
            "三代同堂",
        ),
        *(
            "第二代身份证",
            "参加vr体验",
            "添加vip",
            "成功率是多少",
            "一次成功率",
            "医院地址：示例路100号",
            "pick a id card",
        ),
    ],
)
def test_ordinary_words_are_not_flagged(text: str) -> None:
    assert find_flags(text) == []


@pytest.mark.parametrize(
    ("text", "techniques"),
    [
        ("试管婴儿、三代试管、第二代试管", ["IVF", "PGT", "ICSI"]),
        ("人工授精与供精人工授精", ["AIH", "AID"]),
        ("体外受精—胚胎移植技术", ["IVF"]),
        ("卵胞浆内单精子显微注射", ["ICSI"]),
        ("人类精子库", ["SPERM_BANK"]),
        ("第 三 代 試 管 嬰 兒", ["PGT"]),
        ("冻卵", [None]),
        ("IVF and ICSI", ["IVF", "ICSI"]),
    ],
)
def test_a_technique_named_in_a_text_is_known_by_its_longest_word(text: str, techniques: list[str | None]) -> None:
    assert [one.technique for one in find_flags(text) if one.kind == "technique"] == techniques


@pytest.mark.parametrize("technique", TECHNIQUES, ids=lambda one: one.code)
def test_every_printed_wording_of_a_technique_is_found_in_a_sentence(technique: Technique) -> None:
    for word in technique.printed:
        found = [one for one in find_flags(f"我院开展{word}，欢迎咨询") if one.kind == "technique"]
        assert [(one.technique, one.text) for one in found] == [(technique.code, word)]


@pytest.mark.parametrize(
    ("text", "condemned"),
    [
        ("代孕绝不违法", False),
        ("代孕不犯法", False),
        ("没有风险的代孕", False),
        ("禁止代孕？我们能做", False),
        ("严厉打击买卖卵子、代孕等行为", True),
        ("本院不开展三代试管婴儿", True),
        ("告别没有痛苦的试管婴儿", False),
        ("拒绝等待，试管婴儿一站式", False),
        ("本机构不承诺包成功", True),
    ],
)
def test_whether_a_sentence_is_against_what_it_names(text: str, condemned: bool) -> None:
    assert {one.is_condemned for one in find_flags(text)} == {condemned}


@pytest.mark.parametrize("after", ["abc", "AA69", "e", "nan", "fu"])
def test_letters_behind_a_word_of_characters_hide_nothing(after: str) -> None:
    assert flagged(f"代孕{after}")[0] == ("surrogacy", "代孕")


@pytest.mark.parametrize("file", LISTS, ids=lambda path: path.parent.name)
def test_no_name_or_address_of_the_national_lists_is_flagged(file: Path) -> None:
    rows = csv.DictReader(file.read_text("utf-8-sig").splitlines())
    cells = [row.get(column) or "" for row in rows for column in ("name", "address", "known_as", "from", "to")]
    assert len(cells) > 10
    odd = {cell for cell in cells for one in find_flags(cell) if one.kind != "technique"}
    assert odd == set()


LEXICON = st.sampled_from(sorted({word for words in DATA["words"].values() for word in words}))


@given(st.lists(st.one_of(st.text(max_size=12), LEXICON), max_size=12).map("".join))
def test_any_text_gives_flags_that_say_where_they_stand_and_never_overlap_within_a_kind(text: str) -> None:
    found = find_flags(text)
    assert all(text[one.start : one.end] == one.text and one.start < one.end <= len(text) for one in found)
    for kind in {one.kind for one in found}:
        some = [one for one in found if one.kind == kind]
        assert all(one.end <= other.start for one, other in pairwise(some))


@given(LEXICON)
def test_every_word_of_the_lexicon_is_flagged_by_itself(word: str) -> None:
    assert any(one.start == 0 for one in find_flags(word)), word


@pytest.mark.parametrize(
    "piece",
    [
        "代",
        "dai",
        "供卵试管代孕",
        "a",
        "试管",
        "成功率高达",
        "包保",
        "禁止代孕",
        "8",
        "100%",
        "加v",
        "\u200b",
        "👩‍👩",
        "﷽",
        "捐卵",
        "生男孩",
        "验血查",
        "不代孕",
        "单身女性",
        "打击代孕、",
        "d孕",
        "🤰",
        "包选",
        "想要儿子",
        "代1",
        "违法代孕",
        "招募孕妈",
        "营养费",
    ],
)
def test_hostile_texts_take_time_as_they_are_long_and_no_more(piece: str) -> None:
    def seconds(length: int) -> float:
        text = (piece * length)[:length]
        taken = []
        for _ in range(2):
            started = time.process_time()
            find_flags(text)
            taken.append(time.process_time() - started)
        return min(taken)

    seconds(1000)
    assert seconds(20_000) < 10 * seconds(5_000) + 0.1
