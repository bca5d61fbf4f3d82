from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from registry.importers.matching.identity import pair_parties
from registry.importers.matching.organisations import Pairing, Party, may_share_city


def a_party(key: str, name: str, address: str, region: str | None = "210303", **more: Any) -> Party:
    return Party(key=key, name=name, address=address, region=region, **{"aliases": (), "campus": None, **more})


ROAD = "辽宁省鞍山市铁西区示例路{}号"


def told(pairing: Pairing) -> dict[str, tuple[str, str]]:
    return {str(p.known.key): (str(p.listed.key), p.why) for p in pairing.pairs}


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        (("鞍山示例医院", 1), ("鞍山示例医院", 1), "same_name"),
        (("鞍山示例医院", 1), ("鞍山示例医院", 99), "same_name"),
        (("鞍山示例医院", 1), ("鞍 山 示例醫院", 1), "same_name"),
        (("鞍山示例医院", 1), ("鞍山示例医院（鞍山示例妇幼保健院）", 99), "same_name_apart_from_brackets"),
        (("鞍山示例医院", 1), ("鞍山示例医院有限公司", 99), "same_name_apart_from_brackets"),
        (("鞍山示例医院有限公司", 1), ("鞍山示例医院（有限责任公司）", 99), "same_name_apart_from_brackets"),
        (("鞍山示例医院", 1), ("完全不同的示范中心", 1), "same_address"),
        (("鞍山市第一示例医院", 21), ("鞍山市第1示例医院", 99), "same_name"),
    ],
)
def test_one_institution_is_known_again(before: tuple[str, int], after: tuple[str, int], why: str) -> None:
    known = [a_party("a", before[0], ROAD.format(before[1]))]
    listed = [a_party("b", after[0], ROAD.format(after[1]))]
    assert told(pair_parties(known, listed)) == {"a": ("b", why)}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (("鞍山示例妇婴医院", 1), ("鞍山示例妇幼医院", 2)),
        (("鞍山第一示例医院", 1), ("鞍山第二示例医院", 2)),
        (("鞍山示例医院", 1), ("鞍山示例医院东院", 2)),
        (("鞍山示例医院", 1), ("鞍山示例医院分院", 11)),
        (("鞍山示例医院", 1), ("鞍山示例医院（东院区）", 2)),
        (("鞍山示例甲医院", 12), ("鞍山示范乙中心", 1)),
        (("鞍山示例甲医院", 1), ("鞍山示范乙中心", 12)),
    ],
)
def test_two_institutions_are_never_merged_for_being_alike(before: tuple[str, int], after: tuple[str, int]) -> None:
    campus = "东院区" if "东院区" in after[0] else None
    known = [a_party("a", before[0], ROAD.format(before[1]))]
    listed = [a_party("b", after[0], ROAD.format(after[1]), campus=campus)]
    pairing = pair_parties(known, listed)
    assert told(pairing) == {}
    assert ([p.key for p in pairing.new], [p.key for p in pairing.gone]) == (["b"], ["a"])


def test_two_sites_of_one_name_stay_apart_whatever_the_order() -> None:
    known = [a_party("a", "鞍山示例医院", ROAD.format(1)), a_party("b", "鞍山示例医院", ROAD.format(2))]
    listed = [a_party("x", "鞍山示例医院", ROAD.format(1)), a_party("y", "鞍山示例医院", ROAD.format(2))]
    for left in permutations(known):
        for right in permutations(listed):
            assert told(pair_parties(left, right)) == {"a": ("x", "same_name"), "b": ("y", "same_name")}


def test_where_two_could_be_meant_nobody_is() -> None:
    known = [a_party("a", "鞍山示例医院", ROAD.format(1))]
    listed = [a_party("x", "鞍山示例医院", ROAD.format(7)), a_party("y", "鞍山示例医院", ROAD.format(8))]
    pairing = pair_parties(known, listed)
    assert told(pairing) == {}
    assert {d.listed.key for d in pairing.doubts} == {"x", "y"}


def test_a_person_decides_what_no_rule_does() -> None:
    known = [a_party("a", "鞍山示例甲医院", ROAD.format(1))]
    listed = [a_party("x", "完全不同的示范中心", "辽宁省鞍山市铁东区示例街2号", "210302")]
    assert told(pair_parties(known, listed)) == {}
    assert told(pair_parties(known, listed, {"完全不同的示范中心": "鞍山示例甲医院"})) == {"a": ("x", "decided")}


def test_everybody_of_both_sides_is_told_once() -> None:
    known = [a_party(f"k{n}", f"鞍山示例{n}医院", ROAD.format(n)) for n in range(30)]
    listed = [a_party(f"l{n}", f"鞍山示例{n}医院", ROAD.format(n + 3)) for n in range(10, 40)]
    pairing = pair_parties(known, listed)
    assert sorted(str(p.key) for p in [*(p.known for p in pairing.pairs), *pairing.gone]) == sorted(
        str(p.key) for p in known
    )
    assert sorted(str(p.key) for p in [*(p.listed for p in pairing.pairs), *pairing.new]) == sorted(
        str(p.key) for p in listed
    )
    assert all(p.known.key[1:] == p.listed.key[1:] for p in pairing.pairs)  # type: ignore[index]


def test_cities_are_told_apart_as_far_as_they_are_known() -> None:
    anshan, district = a_party("a", "示例", "", "210300"), a_party("b", "示例", "", "210303")
    province, dalian = a_party("c", "示例", "", "210000"), a_party("d", "示例", "", "210202")
    nowhere = a_party("e", "示例", "", None)
    assert may_share_city(anshan, district)
    assert may_share_city(province, dalian)
    assert may_share_city(nowhere, dalian)
    assert not may_share_city(anshan, dalian)
    assert not may_share_city(district, dalian)
