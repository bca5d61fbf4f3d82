from __future__ import annotations

import pytest

from registry.verification.names import find_base_name, list_cores, make_official_keys, remove_company_form


@pytest.mark.parametrize("form", ["有限公司", "有限责任公司", "股份有限公司"])
def test_a_company_form_that_is_printed_may_be_left_out(form: str) -> None:
    assert remove_company_form(f"鞍山示例医院{form}") == "鞍山示例医院"
    assert ("鞍山示例医院", "company_suffix") in list(make_official_keys(f"鞍山示例医院{form}", None))


@pytest.mark.parametrize(
    "added",
    [
        *("有限公司", "有限责任公司", "股份有限公司", "集团", "集团有限公司", "医疗集团", "生殖医学科", "生殖中心"),
        *("不孕不育科", "生殖医学中心", "门诊部", "国际医疗部", "东院区", "第2分院", "西院"),
    ],
)
def test_a_company_form_or_a_part_that_is_added_is_taken_off_to_see_whose_it_may_be(added: str) -> None:
    assert list_cores(f"鞍山示例医院{added}") == ["鞍山示例医院"]


@pytest.mark.parametrize("added", ["驻沈阳办事处", "vip服务中心", "健康管理有限公司", "专家团队", "转诊中心"])
def test_what_hangs_on_to_a_name_is_nobodys_part(added: str) -> None:
    assert "鞍山示例医院" not in list_cores(f"鞍山示例医院{added}")


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
