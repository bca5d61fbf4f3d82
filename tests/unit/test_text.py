from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.domain.normalise import convert_numerals, fold_text, normalise_width, simplify_script


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("二〇四", "204"),
        ("二○四", "204"),
        ("二零四", "204"),
        ("二0四", "204"),
        ("二◯四", "204"),
        ("２０４", "204"),
        ("九〇〇", "900"),
        ("九八七", "987"),
        ("四六0", "460"),
        ("七十三", "73"),
        ("十", "10"),
        ("十二", "12"),
        ("二十", "20"),
        ("一百", "100"),
        ("一百零一", "101"),
        ("一百二十三", "123"),
        ("一〇一", "101"),
    ],
)
def test_chinese_and_arabic_numerals_are_one(written: str, meant: str) -> None:
    assert fold_text(f"第{written}医院") == f"第{meant}医院"


def test_a_number_spaced_apart_is_one_number() -> None:
    assert fold_text("第 七 十 三 医院") == fold_text("第七\u200b十　三医院") == "第73医院"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("一百十", "110"),
        ("一百十五", "115"),
        ("一百五十", "150"),
        ("三百四", "340"),
        ("一百零", "100"),
        ("一百〇五", "105"),
        ("一百○五", "105"),
        ("2十3", "23"),
        ("1百2十3", "123"),
        ("一百05", "105"),
        ("一百12", "112"),
        ("3百4", "340"),
        ("12百", "1200"),
        ("204十", "2040"),
        ("0百", "0"),
        ("9" * 5000 + "十", "9" * 5000 + "0"),
    ],
)
def test_a_number_said_in_units_is_read_however_it_is_said(written: str, meant: str) -> None:
    assert convert_numerals(f"第{written}院") == f"第{meant}院"


@pytest.mark.parametrize(
    "run", ["百", "百一", "百十", "十十", "〇十", "零百五", "二十一三", "一二百", "二十12", "一百零五十"]
)
def test_a_run_that_is_no_number_stays_as_it_is(run: str) -> None:
    assert convert_numerals(run) == run


@pytest.mark.parametrize("text", ["百", "百色市人民医院", "零距离", "三百六十行门诊", "〇十〇", "十十", "百十"])
def test_a_numeral_word_that_is_no_number_is_still_one_thing(text: str) -> None:
    assert fold_text(text) == fold_text(fold_text(text))


def test_different_numbers_stay_different() -> None:
    chinese = "〇一二三四五六七八九"
    written = {f"第{a}{b}医院" for a in chinese[1:] for b in chinese}
    assert len({fold_text(name) for name in written}) == len(written)


def test_every_number_to_999_reads_the_same_digit_by_digit_and_in_words() -> None:
    digits = "〇一二三四五六七八九"
    for number in range(1, 1000):
        spelled = "".join(digits[int(d)] for d in str(number))
        assert fold_text(f"第{spelled}院") == f"第{number}院"


def test_a_number_in_words_is_the_number_in_digits() -> None:
    digits = "零一二三四五六七八九"
    for number in range(10, 100):
        tens, ones = divmod(number, 10)
        words = ("" if tens == 1 else digits[tens]) + "十" + (digits[ones] if ones else "")
        assert fold_text(f"第{words}院") == f"第{number}院", words


@pytest.mark.parametrize(
    ("traditional", "plain"),
    [
        ("瀋陽市婦嬰醫院", "沈阳市妇婴医院"),
        ("廣東省婦幼保健院", "广东省妇幼保健院"),
        ("復旦大學附屬中山醫院", "复旦大学附属中山医院"),
        ("臺州醫院", "台州医院"),
        ("鄭州大學第一附屬醫院", "郑州大学第一附属医院"),
    ],
)
def test_traditional_characters_are_the_simplified_ones(traditional: str, plain: str) -> None:
    assert simplify_script(traditional) == plain
    assert fold_text(traditional) == fold_text(plain)


@pytest.mark.parametrize(
    "written",
    [
        "示例医院（有限公司）",
        "示例医院(有限公司)",
        "示例医院 （ 有限公司 ）",
        "示例医院【有限公司】",
        "示例医院〔有限公司〕",
        "示例医院[有限公司]",
        "示例　医院（有限公司）",
        "示例\u200b医院（有限公司）",
        "示\u200c例\u200d医\u2060院\ufeff有限公司",
        "示例医\u00ad院-有限公司",
        "\u202a示例医院\u202c有限公司",
        "示例·医院，有限公司。",
        "示例医院\n有限公司\t",
        "示例医院\x00有限公司",
    ],
)
def test_brackets_spaces_and_what_nobody_sees_do_not_count(written: str) -> None:
    assert fold_text(written) == "示例医院有限公司"


def test_width_and_case_do_not_count() -> None:
    assert fold_text("ＡＢＣ示例ｘｙｚ医院１２３") == fold_text("abc示例XYZ医院123") == "abc示例xyz医院123"


def test_kangxi_radicals_and_compatibility_forms_are_ordinary_characters() -> None:
    assert fold_text("⼀⼆⼈民医院") == fold_text("一二人民医院")
    assert fold_text("㈱示例") == fold_text("(株)示例")


def test_radicals_that_come_out_of_pdf_are_ordinary_characters() -> None:
    assert fold_text("⻓春⻘⻛⻄⻢医院") == fold_text("长春青风西马医院")


def test_roman_and_formal_numerals_are_numbers_after_an_ordinal_word_only() -> None:
    assert {
        fold_text(f"示例第{n}医院") for n in ("Ⅲ", " Ⅲ ", "\u200bⅢ", "ⅲ", "III", "叁", "叄", "三", "3", "③", "㈢")
    } == {"示例第3医院"}
    assert {fold_text(f"示例第{n}医院") for n in ("Ⅻ", "拾贰", "壹拾贰", "十二")} == {"示例第12医院"}
    assert fold_text("示例第贰陆零医院") == fold_text("示例第二六〇医院")
    assert fold_text("陆军示例医院") != fold_text("六军示例医院") and fold_text("示例第陆军医院") != fold_text(
        "示例第六军医院"
    )
    assert fold_text("示例第X医院") != fold_text("示例第十医院") and fold_text("示例第IIA医院") != fold_text(
        "示例第2A医院"
    )
    assert fold_text("示例第ⅠⅠ医院") != fold_text("示例第十一医院") and fold_text("示例第Ⅱ医院") != fold_text(
        "示例第Ⅲ医院"
    )


def test_near_characters_are_not_merged() -> None:
    assert (
        len({fold_text(name) for name in ("妇婴医院", "妇幼医院", "妇儿医院", "妇产医院", "菁华医院", "精华医院")}) == 6
    )


def test_width_keeps_words_apart_at_line_breaks() -> None:
    assert normalise_width("示例\n医院\t一") == "示例 医院 一"


def test_numerals_leaves_text_without_them_alone() -> None:
    assert convert_numerals("鞍山市示例医院12") == "鞍山市示例医院12"


@given(st.text(max_size=40))
def test_a_fold_is_letters_and_digits_and_never_fails(text: str) -> None:
    folded = fold_text(text)
    assert folded == "" or folded.isalnum()


@given(st.text("鞍山市示例医院第一二三〇九十（）() ", max_size=20), st.sampled_from([" ", "\u200b", "　", "\ufeff"]))
def test_a_space_at_either_end_changes_nothing(text: str, space: str) -> None:
    assert fold_text(space + text + space) == fold_text(text)
