"""Comparing two addresses level by level: place, areas, road and number."""

from __future__ import annotations

import re
from typing import Literal

from registry.domain import regions
from registry.domain.address_model import Address, Door

#: `same`: the same letters; `form`: the same place written otherwise, or with its floor, or without its district;
#: `region`: only a place, a road or a number without its last door was given, and it fits; `unreadable`: no road and
#: number on one side, and nothing contradicts; `other`: another place, road or number.
Comparison = Literal["same", "form", "region", "unreadable", "other"]
RANK: dict[Comparison, int] = {"same": 0, "form": 1, "region": 2, "unreadable": 3, "other": 4}

#: Words at the end of a road that say a side or a section of it, which people leave out: 解放路西, 新建路东段.
_SIDE = re.compile("(?<=[路街道])(?:[东南西北中]段?|\\d+段)$")
#: Such a side with the kind of the road before it, and 路 after it, which is then said twice.
_SIDE_LAST = re.compile("(?<=..)(大道(?=.路?$)|大?[路街](?=.$))([东南西北中])路?$")
#: A road that has no name but its side and its kind: 北路, 小南街.
_SIDE_ONLY = re.compile("[东南西北中大小新老]{1,2}\\d*(?:大道|大街|马路|[路街道巷])?")
#: The kind of a road with a word for the main one of its name.
_KIND = re.compile("[正主]?(?:大道|大街|马路|[路街道巷])$")
#: Behind a landmark, before a road: 中央大街旁地段街, 大东门东北大马路.
_LANDMARK_ENDS = "门口旁"
_LANDMARK = re.compile(f"^[{_LANDMARK_ENDS}](?=...)")
#: Words for kinds of areas, which people leave out or exchange inside a longer path.
_AREA_WORD = re.compile("街道办事处|街道办|街道(?!$)|办事处|村委会|居委会|社区|小组|[镇乡村]")
#: Characters of the shortest path of areas that a longer one may go on from.
_SHORTEST_PATH = 3
#: What makes another door of a number.
_SUB_DOOR = tuple("之-附增副")
#: Numbers of the longest range that is read as one.
_SPAN = 30


def may_be_one_place(claimed: Address, registered: Address) -> bool:
    """Whether the places of two addresses do not exclude each other."""
    if not claimed.codes or not registered.codes:
        return True
    return any(regions.may_overlap(claimed.codes[-1], code) for code in registered.codes) or any(
        regions.may_overlap(code, registered.codes[0]) for code in claimed.codes[1:]
    )


def compare_areas(claimed: Address, registered: Address) -> Comparison:
    """Compare what may be left out: another town of one county has its own 人民路, a street office has not."""
    for level in ("town", "village", "office"):
        ours = {stem for kind, stem in claimed.areas if kind == level}
        theirs = {stem for kind, stem in registered.areas if kind == level}
        if ours and theirs and not ours & theirs:
            return "region" if level == "office" else "other"
    return "form"


def is_in_other_district(claimed: Address, registered: Address) -> bool:
    """Whether both name districts of one city, which share its roads; a county has its own."""
    ours, theirs = (regions.find_region(address.place or "") for address in (claimed, registered))
    if ours is None or theirs is None or (ours.province, ours.city) != (theirs.province, theirs.city):
        return False
    return all((region.district or "").endswith("区") for region in (ours, theirs))


def compare_roads(claimed: Address, registered: Address) -> Comparison:
    """Compare the roads that carry the numbers, and those before them."""
    ours, theirs = (_LANDMARK.sub("", road) for road in (claimed.roads[-1], registered.roads[-1]))
    if ours == theirs:
        before, after = claimed.roads[:-1], registered.roads[:-1]
        return "region" if before and after and not set(before) & set(after) else "form"
    twins = {road.removesuffix("大道").removesuffix("路") for road in (*claimed.roads[-2:], *registered.roads[-2:])}
    if len(twins) == 1 and (set(claimed.roads) & set(registered.roads)):
        return "form"  # printed twice: 船山大道船山路
    if _make_road_key(ours) == _make_road_key(theirs):
        return "form"
    is_without_side = _SIDE.sub("", ours) == _SIDE.sub("", theirs) and (ours in theirs or theirs in ours)
    is_without_kind = ours == _KIND.sub("", theirs)  # 高滩岩30号 for 高滩岩正街30号
    if ours in registered.roads or theirs in claimed.roads or is_without_side or is_without_kind:
        return "region"
    return _compare_tails(*_strip_areas(ours, theirs, claimed, registered), claimed, registered)


def _strip_areas(ours: str, theirs: str, claimed: Address, registered: Address) -> tuple[str, str]:
    """Strip what the other side has as an area from before a road: 万江 of 万江万道路南, beside 万江区."""
    for stems, is_ours in ((registered.areas, True), (claimed.areas, False)):
        road = ours if is_ours else theirs
        stem = next((stem for _, stem in stems if len(stem) > 1 and road.startswith(stem)), "")
        ours, theirs = (road[len(stem) :], theirs) if is_ours else (ours, road[len(stem) :])
    return ours, theirs


def _make_road_key(road: str) -> str:
    """Put the side of a road before its kind: 解放路西 is 解放西路, 人民大道南路 is 人民大道南."""
    return _SIDE_LAST.sub(r"\2\1", road)


def _compare_tails(ours: str, theirs: str, claimed: Address, registered: Address) -> Comparison:
    """Compare two roads of which one has more before its name: a landmark (袁家岗友谊路), an office, another city."""
    shorter, longer = sorted((ours, theirs), key=len)
    before = longer[: -len(shorter)]
    if not longer.endswith(shorter) or len(shorter) < 3 or _is_side_of(before, shorter):
        return "other"
    if not before:
        return "region"
    if len(before) < 2 and before not in _LANDMARK_ENDS:
        return "other"
    # what the register prints before its road is no other city: 新城王府大街 of 赤峰
    codes = regions.map_names_to_codes().get(before, ()) if longer == ours or _has_zone(claimed) else ()
    if (
        claimed.codes and longer == ours
    ):  # nor is a name that is none in the city which was named: 下关嘉士伯大道 of 大理市
        codes = tuple(
            code for code in codes if any(regions.may_overlap(code, _find_city(own)) for own in claimed.codes)
        )
    elsewhere = codes and not any(regions.may_overlap(code, registered.place) for code in codes)
    if elsewhere:
        return "other"
    return "form" if before in [stem for _, stem in (*claimed.areas, *registered.areas)] else "region"


def _has_zone(address: Address) -> bool:
    return any(kind == "zone" for kind, _ in address.areas)


def _find_city(code: str) -> str:
    """Return the city of a code; a city's or a province's own as it is."""
    return code if code.endswith("00") else f"{code[:4]}00"


def _is_side_of(before: str, road: str) -> bool:
    """Whether a road may be a part of another name: 北路 of 花园北路, but not 新村路, nor 南门仓 of 东四十条南门仓."""
    return bool(_SIDE_ONLY.fullmatch(road)) and before[-1:] not in "条弄"


def compare_whole_paths(claimed: Address, registered: Address) -> Comparison:
    """Compare areas and road as one text without the words for their kinds: 雁田村镇田北路 is 雁田镇田北路.

    `region` where the claim leaves out what comes before the road, or the last part of a village.
    """
    ours, theirs = _make_whole_path(claimed), _make_whole_path(registered)
    if ours == theirs:
        return "form"
    is_begun = theirs.startswith(ours) and len(ours) >= _SHORTEST_PATH and not _has_street(registered)
    return "region" if is_begun or ours == _AREA_WORD.sub("", registered.roads[-1]) else "other"


def _make_whole_path(address: Address) -> str:
    return _AREA_WORD.sub("", "".join((*(stem for _, stem in address.areas), *address.roads)))


def _has_street(address: Address) -> bool:
    return address.roads[-1][-1] in "路街道巷同"


def is_lettered_block(address: Address) -> bool:
    """Whether only a building is named, which may have another number on a street: 鼎富广场A座."""
    return all(door.main[:1].isalpha() and door.main.endswith("栋") for door in address.doors)


def is_quarter(address: Address) -> bool:
    """Whether the number is that of a quarter, not of a house: 北二路32小区."""
    return any(door.main.endswith("小区") for door in address.doors)


def _expand_range(door: Door) -> tuple[int, int] | None:
    """The ends of 94-96号; None for a door such as 601-1号."""
    if door.sub[:1] != "-" or not (door.main.isdigit() and door.sub[1:].isdigit()):
        return None
    first, last = int(door.main), int(door.sub[1:])
    return (first, last) if 0 < last - first <= _SPAN else None


def compare_doors(claimed: Address, registered: Address) -> Comparison:
    """Compare the numbers, which may be several."""
    return _compare_door_lists(*_make_doors(claimed, registered))


def _compare_door_lists(claimed: tuple[Door, ...], registered: tuple[Door, ...]) -> Comparison:
    ours, theirs = set(claimed), set(registered)
    if len(ours) < len(claimed):
        return "other"  # no list of numbers names one twice
    if ours <= theirs:
        return "form"
    if len(ours) == len(theirs) == 1:
        return _compare_two_doors(claimed[0], registered[0])
    if ours & theirs and len(ours) > 1:
        return "other"
    single, listed = (claimed[0], registered) if len(claimed) == 1 else (registered[0], claimed)
    ends = _expand_range(single)
    numbers = [int(door.main) for door in listed if door.main.isdigit() and not door.sub]
    if ends and len(numbers) == len(listed) and (min(numbers), max(numbers)) == ends:
        return "form"  # 1-3号 for 1号、3号
    return "region" if any(_compare_two_doors(a, b) in ("form", "region") for a in ours for b in theirs) else "other"


def _make_doors(claimed: Address, site: Address) -> tuple[tuple[Door, ...], tuple[Door, ...]]:
    """The doors of both; a house of an estate, which has no street, is printed as 6号楼 and called 6号."""
    ours, theirs = claimed.doors, site.doors
    is_other = claimed.inside.startswith(_SUB_DOOR) or any(door.sub or door.main.endswith("栋") for door in ours)
    if ours == theirs or is_other or (site.roads and _has_street(site)):
        return ours, theirs
    return ours, tuple(Door(door.main.removesuffix("栋"), door.sub) for door in theirs)


def _compare_two_doors(ours: Door, theirs: Door) -> Comparison:
    if (ends := _expand_range(theirs)) and ours.main.isdigit() and not ours.sub:
        number = int(ours.main)
        return "form" if number in ends else "region" if ends[0] < number < ends[1] else "other"
    if ours.main != theirs.main:
        return "other"
    if not ours.sub:
        return "region"  # the last door was left out
    is_alike = (
        bool(theirs.sub)
        and ours.sub[1:] == theirs.sub[1:]
        and ours.sub[0] in "-之附增副"
        and theirs.sub[0] in "-之附增副"
    )
    return "region" if is_alike else "other"
