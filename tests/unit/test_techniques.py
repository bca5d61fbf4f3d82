from __future__ import annotations

from itertools import product

import pytest

from registry.domain.techniques import (
    BY_CODE,
    LAWFUL_STAGES,
    STAGES,
    TECHNIQUES,
    find_printed_technique,
    find_stage,
    find_technique,
)

DASHES = ["-", "—", "－", "–", "‐", "―", "−", "——", " - "]
PRINTED = [
    ("夫精人工授精", "AIH"),
    ("供精人工授精", "AID"),
    ("卵胞浆内单精子显微注射", "ICSI"),
    ("卵泡浆内单精子显微注射", "ICSI"),
    ("植入前胚胎遗传学诊断", "PGT"),
    ("植入前胚胎遗传学检测", "PGT"),
]
SAID = [
    ("人工授精", "AIH"),
    ("人授", "AIH"),
    ("IUI", "AIH"),
    ("供精", "AID"),
    ("精子库人授", "AID"),
    ("试管婴儿", "IVF"),
    ("试管", "IVF"),
    ("一代试管", "IVF"),
    ("IVF-ET", "IVF"),
    ("二代试管", "ICSI"),
    ("单精子注射", "ICSI"),
    ("三代试管", "PGT"),
    ("PGD", "PGT"),
    ("PGS", "PGT"),
    ("PGT-A", "PGT"),
    ("PGT-M", "PGT"),
    ("PGT-SR", "PGT"),
    ("胚胎筛查", "PGT"),
    ("精子库", "SPERM_BANK"),
    ("精子银行", "SPERM_BANK"),
]
NOT_APPROVAL_ITEMS = ["冻卵", "冻胚", "供卵", "赠卵", "辅助孵化", "代孕", "试管婴儿代孕", "", " ", "医院", "IV F X"]


@pytest.mark.parametrize(("words", "code"), PRINTED)
@pytest.mark.parametrize("ending", ["", "技术", " 技术"])
def test_every_printed_variant_is_its_technique(words: str, code: str, ending: str) -> None:
    assert find_printed_technique(words + ending) == code
    assert find_technique(words + ending) == code


@pytest.mark.parametrize("dash", DASHES)
def test_every_dash_of_ivf_is_read(dash: str) -> None:
    for start, end in product(("", "常规"), ("", "技术")):
        assert find_printed_technique(f"{start}体外受精{dash}胚胎移植{end}") == "IVF"


@pytest.mark.parametrize("text", ["人类精子库", " 人类 精子库\n", "人类精子库技术"])
def test_a_sperm_bank_is_read(text: str) -> None:
    assert find_printed_technique(text) == "SPERM_BANK"


@pytest.mark.parametrize("code", list(BY_CODE))
def test_a_code_is_read_in_any_case_and_width(code: str) -> None:
    wide = "".join(chr(ord(c) + 0xFEE0) if c != "_" else "＿" for c in code)
    for text in (code, code.lower(), f" {code} ", wide):
        assert find_printed_technique(text) == find_technique(text) == code


@pytest.mark.parametrize(("words", "code"), SAID)
def test_what_people_say_is_understood_and_not_taken_for_print(words: str, code: str) -> None:
    assert find_technique(words) == code
    assert find_technique(words.lower()) == code
    if words not in BY_CODE:
        assert find_printed_technique(words) is None


@pytest.mark.parametrize("text", NOT_APPROVAL_ITEMS)
def test_what_is_no_approval_item_is_nothing(text: str) -> None:
    assert find_technique(text) is None
    assert find_printed_technique(text) is None


def test_no_word_means_two_techniques() -> None:
    words = [(word.upper(), t.code) for t in TECHNIQUES for word in {*t.printed, *t.said, t.code, t.official_zh}]
    assert len({word for word, _ in words}) == len(words)


def test_the_supervision_codes_are_those_of_the_standard() -> None:
    assert {t.code: t.supervision_code for t in TECHNIQUES} == {
        "AIH": "090302",
        "AID": "090301",
        "IVF": "090303",
        "ICSI": "090304",
        "PGT": "090305",
        "SPERM_BANK": "090306",
    }


@pytest.mark.parametrize(
    ("text", "stage"),
    [
        ("正式运行", "formal"),
        ("试运行", "trial"),
        ("限期整改", "rectification"),
        ("停业整改", "suspended"),
        ("筹建", "preparing"),
        (" 正式 运行 ", "formal"),
        ("FORMAL", "formal"),
        ("operating", "operating"),
        ("", None),
        ("运行", None),
        ("不详", None),
    ],
)
def test_stages_are_read_as_printed_and_never_guessed(text: str, stage: str | None) -> None:
    assert find_stage(text) == stage


def test_preparing_is_no_permission_to_treat() -> None:
    assert set(STAGES) - LAWFUL_STAGES == {"preparing", "suspended", "revoked", "lapsed"}


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("試管嬰兒", "IVF"),
        ("ＩＶＦ", "IVF"),
        ("试 管\u200b婴儿技术", "IVF"),
        ("体外受精胚胎移植", "IVF"),
        ("体外授精", "IVF"),
        ("IVF/ET", "IVF"),
        ("1代试管", "IVF"),
        ("试管婴儿（IVF-ET）", "IVF"),
        ("2代试管", "ICSI"),
        ("第Ⅱ代试管婴儿", "ICSI"),
        ("单精子卵胞浆内注射", "ICSI"),
        ("第3代试管婴儿技术", "PGT"),
        ("PGD/PGS", "PGT"),
        ("植入前遗传学检测", "PGT"),
        ("夫精人工授精(AIH)", "AIH"),
        ("人工授精术", "AIH"),
        ("供精（AID）", "AID"),
        ("sperm bank", "SPERM_BANK"),
    ],
)
def test_an_everyday_word_is_understood_however_it_is_written(written: str, code: str) -> None:
    assert find_technique(written) == code


@pytest.mark.parametrize(
    "written",
    [
        "供卵/试管婴儿",
        "非IVF",
        "不做IVF",
        "IVF+PGT",
        "试管婴儿（ICSI）",
        "IVF（不做）",
        "4代试管",
        "第四代",
        "一代二代",
        "技术",
        "/",
    ],
)
def test_a_word_for_two_things_or_for_none_is_no_technique(written: str) -> None:
    assert find_technique(written) is None
