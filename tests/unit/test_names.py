from __future__ import annotations

import pytest

from registry.verification.names import find_base_name, make_lookup_keys, make_official_keys, remove_company_form


@pytest.mark.parametrize("form", ["有限公司", "有限责任公司", "股份有限公司"])
def test_a_company_form_at_the_end_does_not_count(form: str) -> None:
    assert remove_company_form(f"鞍山示例医院{form}") == "鞍山示例医院"
    assert ("鞍山示例医院", "company_suffix") in list(make_lookup_keys(f"鞍山示例医院（{form}）"))


@pytest.mark.parametrize(
    "name", ["有限公司", "甲有限公司", "示例院有限公司", "鞍山有限公司示例医院", "鞍山示例医院集团"]
)
def test_a_name_is_not_cut_to_nothing_nor_in_the_middle(name: str) -> None:
    assert remove_company_form(name) == name


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("示例医院（示例市妇幼保健院）", "示例医院"),
        ("示例医院 (示例市妇幼保健院) ", "示例医院"),
        ("示例医院【东院区】", "示例医院"),
        ("示例医院", None),
        ("（示例）医院", None),
        ("示例（集团）医院", None),
        ("（示例医院）", None),
    ],
)
def test_the_name_before_a_trailing_bracket(name: str, base: str | None) -> None:
    assert find_base_name(name) == base


def test_an_official_name_answers_with_and_without_its_bracket() -> None:
    assert dict(make_official_keys("示例市第一医院（示例市妇幼保健院）", None)) == {
        "示例市第1医院示例市妇幼保健院": "company_suffix",
        "示例市第1医院": "without_brackets",
    }


def test_without_its_campus_a_name_is_half_of_who_is_meant() -> None:
    assert ("示例市立医院", "campus") in list(make_official_keys("示例市立医院（东院区）", "东院区"))
    assert ("示例市立医院", "campus") not in list(make_official_keys("示例市立医院（东院区）", None))


def test_an_asked_name_is_not_cut_at_its_bracket() -> None:
    # whoever writes 示例医院（分院） means something; the bracket is never dropped from the question
    assert [key for key, _ in make_lookup_keys("示例医院（分院）")] == ["示例医院分院"]
