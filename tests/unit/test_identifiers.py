from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.domain.identifiers import (
    ALPHABET,
    compact_certificate,
    compact_code,
    compact_domain,
    compact_licence,
    compact_uscc,
    format_code,
    make_code,
    may_be_code,
    parse_certificate,
    parse_code,
    parse_uscc,
)
from registry.errors import InvalidCode, InvalidInput

CODES = [make_code(f"示例医院{n}|示例路{n}号") for n in range(60)]
USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def is_valid(code: str) -> bool:
    try:
        return parse_code(code) == code
    except InvalidCode:
        return False


def a_uscc(body: str) -> str:
    """GB 32100-2015: seventeen characters and their check, weights 3^i mod 31."""
    total = sum(USCC_ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(body))
    return body + USCC_ALPHABET[-total % 31]


def test_every_single_wrong_character_of_a_code_is_caught() -> None:
    for code in CODES:
        for i, right in enumerate(code):
            for wrong in ALPHABET:
                if wrong != right:
                    assert not is_valid(code[:i] + wrong + code[i + 1 :])


def test_nearly_every_swap_of_neighbours_is_caught() -> None:
    swaps = [
        code[:i] + code[i + 1] + code[i] + code[i + 2 :]
        for code in (make_code(str(n)) for n in range(2000))
        for i in range(7)
        if code[i] != code[i + 1]
    ]
    missed = sum(is_valid(swapped) for swapped in swaps)
    assert missed / len(swaps) < 0.005


@pytest.mark.parametrize("written", ["{0}", "{1}", " {1} ", "{1}\n"])
def test_a_code_is_read_with_and_without_dash_in_any_case(written: str) -> None:
    for code in CODES:
        for text in (written.format(code, format_code(code)), written.format(code, format_code(code)).lower()):
            assert parse_code(text) == code


@pytest.mark.parametrize("dash", ["-", "－", "–", "—", " ", "‐"])
def test_any_dash_is_the_dash(dash: str) -> None:
    code = CODES[0]
    assert parse_code(code[:4] + dash + code[4:]) == code


def test_letters_that_look_like_digits_are_read_as_digits() -> None:
    assert compact_code("oOiI-lL01") == "00111101"
    code = next(code for code in (make_code(str(n)) for n in range(1000)) if "0" in code and "1" in code)
    for looks in ("O", "o"):
        for one in ("I", "i", "L", "l"):
            assert parse_code(code.replace("0", looks).replace("1", one)) == code


@pytest.mark.parametrize(
    "text", ["", "-", "7K2M", "7K2M-9QX42", "7K2M-9QXU", "医院医院-医院医院", "7K2M_9QX4", "７K2M-9QX"]
)
def test_what_has_another_shape_is_no_code(text: str) -> None:
    with pytest.raises(InvalidCode):
        parse_code(text)


def test_a_mistyped_code_says_so_in_both_languages() -> None:
    code = CODES[0]
    wrong = code[:-1] + ALPHABET[(ALPHABET.index(code[-1]) + 1) % 32]
    with pytest.raises(InvalidCode) as refusal:
        parse_code(wrong)
    assert format_code(wrong) in refusal.value.zh
    assert format_code(wrong) in refusal.value.en
    assert refusal.value.code == "invalid_code"


@given(st.text(max_size=20))
def test_any_text_is_a_code_or_a_refusal(text: str) -> None:
    try:
        assert len(parse_code(text)) == 8
    except InvalidCode as refusal:
        assert refusal.zh
        assert refusal.en


def test_made_codes_are_valid_stable_and_spread() -> None:
    made = [make_code(f"示例{n}") for n in range(20_000)]
    assert made == [make_code(f"示例{n}") for n in range(20_000)]
    assert all(is_valid(code) for code in made[:2000])
    assert len(set(made)) == len(made)
    for position in range(8):
        counted = Counter(code[position] for code in made)
        assert set(counted) == set(ALPHABET)
        assert max(counted.values()) < 2 * len(made) / 32


def test_another_attempt_gives_another_code() -> None:
    assert len({make_code("示例医院|示例市", attempt) for attempt in range(100)}) == 100


def test_near_names_have_unrelated_codes() -> None:
    shared = sum(a == b for a, b in zip(make_code("示例医院|1号"), make_code("示例医院|2号"), strict=True))
    assert shared < 6


def test_what_looks_like_a_code_has_eight_characters_and_a_digit() -> None:
    assert may_be_code("7k2m-9qxo")
    assert not may_be_code("HOSPITAL")
    assert not may_be_code("示例医院")
    assert not may_be_code("204")


@pytest.mark.parametrize("body", ["91210300MA0EXAMP7", "12210000000000000", "52210300MJ0000000"])
def test_a_credit_code_with_its_check_character_is_valid(body: str) -> None:
    code = a_uscc(body)
    assert parse_uscc(code) == code
    assert parse_uscc(f" {code[:6].lower()}-{code[6:]} ") == code


def test_a_credit_code_whose_sum_is_zero_ends_in_zero() -> None:
    bodies = [f"9121030{n:010d}" for n in range(200)]
    zero = [code for code in map(a_uscc, bodies) if code.endswith("0")]
    assert zero
    for code in zero:
        assert parse_uscc(code) == code


def test_every_check_character_can_occur_and_is_accepted() -> None:
    codes = [a_uscc(f"9121030{n:010d}") for n in range(200)]
    assert {code[-1] for code in codes} == set(USCC_ALPHABET)
    for code in codes:
        assert parse_uscc(code) == code


def test_every_single_wrong_character_of_a_credit_code_is_caught() -> None:
    code = a_uscc("91210300MA0EXAMP7")
    for i, right in enumerate(code):
        for wrong in USCC_ALPHABET:
            if wrong != right:
                with pytest.raises(InvalidInput):
                    parse_uscc(code[:i] + wrong + code[i + 1 :])


@pytest.mark.parametrize(
    "text", ["", "91210300", "9121030OMA0EXAMP7X", "9121030000000000000", "示例示例示例示例示例示例示例示例示例"]
)
def test_what_is_no_credit_code_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        parse_uscc(text)
    assert refusal.value.zh
    assert refusal.value.en


def test_licence_and_credit_numbers_lose_their_separators() -> None:
    assert compact_licence(" pdy 1234-5 ") == "PDY12345"
    assert compact_uscc("9121 0300-ma0e xamp") == "91210300MA0EXAMP"


def test_numbers_are_read_in_full_width_and_with_what_nobody_sees() -> None:
    number = a_uscc("12210300MB0000027")
    wide = "".join(chr(ord(c) + 0xFEE0) for c in number)
    for written in (
        wide,
        wide.lower(),
        f"\ufeff{number}",
        f"{number[:8]}\u200b{number[8:]}",
        f"{number[:8]}\u3000{number[8:]}",
    ):
        assert parse_uscc(written) == number
    assert compact_licence("ＭＢ00000192103\u200b03110Ａ1001") == "MB0000019210303110A1001"
    code = CODES[0]
    assert parse_code("".join(chr(ord(c) + 0xFEE0) for c in code)) == code


@pytest.mark.parametrize(
    ("written", "domain"),
    [
        ("http://other.example\\@clinic.example/", "other.example"),
        ("http://clinic.example@other.example", "other.example"),
        ("other.example#@clinic.example", "other.example"),
        ("other.example／clinic.example", "other.example"),
        ("ｃｌｉｎｉｃ．ｅｘａｍｐｌｅ", "clinic.example"),
        ("https：//clinic.example\u200b", "clinic.example"),
        ("cliniс.example", "xn--clini-5ye.example"),  # a Cyrillic letter: another domain
    ],
)
def test_the_host_of_an_address_is_the_one_a_browser_goes_to(written: str, domain: str) -> None:
    assert compact_domain(written) == domain


@pytest.mark.parametrize(
    "label",
    [
        "审查证明号 ",
        "广告审查批准文号：",
        "医疗广告审查证明文号 ",
        "医疗广告审查证明",
        "医广审证：",
        "文号:",
        "证号：",
        "“",
    ],
)
def test_a_certificate_number_may_have_its_label_before_it(label: str) -> None:
    for number in ("(辽)医广[2023]第07-15-001号", "辽医广【2023】第0715-001号", "（辽）中医广2023第07-15-001号"):
        assert compact_certificate(label + number) == compact_certificate(number)
        assert parse_certificate(f"{label.strip('“')}{number}") == parse_certificate(number)
