from __future__ import annotations

import csv
from pathlib import Path

import pytest

from registry.importers.reading.name_parts import NameParts, split_name

SEED = Path(__file__).parents[2] / "seed_data"


@pytest.mark.parametrize(
    ("name", "base", "aliases"),
    [
        ("鞍山市妇儿医院（鞍山市妇幼保健院）", "鞍山市妇儿医院", ("鞍山市妇幼保健院",)),
        ("厦门大学附属第一医院 （厦门市第一医院）", "厦门大学附属第一医院", ("厦门市第一医院",)),
        ("西北妇女儿童医院(陕西省妇幼保健院)", "西北妇女儿童医院", ("陕西省妇幼保健院",)),
        ("重庆医科大学附属第三医院（捷尔医院）", "重庆医科大学附属第三医院", ("捷尔医院",)),
        ("延边大学附属医院（延边医院）", "延边大学附属医院", ("延边医院",)),
        ("山西白求恩医院（山西医学科学院）", "山西白求恩医院", ("山西医学科学院",)),
        ("杭州市丁桥医院（杭州市中医院丁桥院区）", "杭州市丁桥医院", ("杭州市中医院丁桥院区",)),
        (
            "浙江大学医学院附属妇产医院吉林医院（长春妇产医院、长春妇幼保健院）",
            "浙江大学医学院附属妇产医院吉林医院",
            ("长春妇产医院", "长春妇幼保健院"),
        ),
    ],
)
def test_a_second_name_becomes_an_alias(name: str, base: str, aliases: tuple[str, ...]) -> None:
    assert split_name(name) == NameParts(name=name, base=base, aliases=aliases)


@pytest.mark.parametrize(
    ("inside", "field"),
    [
        ("有限责任公司", "ownership_form"),
        ("集团", "ownership_form"),
        ("普通合伙", "ownership_form"),
        ("民营", "ownership_form"),
        ("东院区", "campus"),
        ("滨江院区", "campus"),
        ("本部", "campus"),
        ("西区", "campus"),
        ("地区卫生健康服务中心", "unclassified"),
        ("妇幼保健院", "unclassified"),
        ("人民医院", "unclassified"),
        ("市第一人民医院", "unclassified"),
        ("吉林省产科质量控制中心", "unclassified"),
        ("原沈阳军区第202医院", "unclassified"),
        ("筹", "unclassified"),
    ],
)
def test_what_is_no_second_name_is_kept_apart(inside: str, field: str) -> None:
    split = split_name(f"某某医院（{inside}）")
    assert (split.base, split.aliases) == ("某某医院", ())
    assert getattr(split, field) == inside
    assert sum(value is not None for value in (split.ownership_form, split.campus, split.unclassified)) == 1


def test_several_brackets_are_read_in_print_order() -> None:
    split = split_name("甲医院（鞍山市妇幼保健院）（东院区）（有限公司）")
    assert split.base == "甲医院"
    assert split.aliases == ("鞍山市妇幼保健院",)
    assert (split.campus, split.ownership_form) == ("东院区", "有限公司")


def test_brackets_inside_a_name_belong_to_it() -> None:
    assert split_name("树兰（杭州）医院") == NameParts(name="树兰（杭州）医院", base="树兰（杭州）医院")
    assert split_name("（杭州）") == NameParts(name="（杭州）", base="（杭州）")


def test_a_name_without_brackets_is_itself() -> None:
    assert split_name(" 原沈阳军区第202医院 ") == NameParts(name="原沈阳军区第202医院", base="原沈阳军区第202医院")


def test_a_bracket_that_repeats_the_name_is_no_second_name() -> None:
    assert split_name("鞍山市妇儿医院（鞍山市妇儿医院）").aliases == ()


def test_only_two_brackets_of_the_real_lists_stay_unclassified() -> None:
    names = []
    for file in ("national-2025-06/national-list-2025-06.csv", "national-2018-02/national-list-2018-02-partial.csv"):
        with (SEED / file).open(encoding="utf-8-sig", newline="") as lines:
            names += [split_name(line["name"]) for line in csv.DictReader(lines)]
    assert {split.unclassified for split in names} == {None, "吉林省产科质量控制中心", "地区卫生健康服务中心"}
    assert {split.campus for split in names} == {None, "东院区"}
    assert {split.ownership_form for split in names} == {None, "集团", "有限责任公司"}
    assert sum(bool(split.aliases) for split in names) == 32
