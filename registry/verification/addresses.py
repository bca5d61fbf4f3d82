"""Telling sites apart: whether an address given in a claim is an institution's registered address."""

from __future__ import annotations

import re
from functools import cache, lru_cache

import msgspec

from registry.domain import regions
from registry.domain.address_model import (
    COUNTERS,
    Address,
    clean_address,
    is_nameless,
    is_nearby,
    parse_address,
    read_address,
)
from registry.domain.comparison import AddressGap
from registry.domain.normalise import convert_numerals, fold_text
from registry.verification.address_levels import (
    RANK,
    Comparison,
    compare_areas,
    compare_doors,
    compare_roads,
    compare_whole_paths,
    is_in_other_district,
    is_lettered_block,
    is_quarter,
    may_be_one_place,
)

__all__ = ["Comparison", "compare_addresses", "find_gap", "parse_address", "split_address", "split_addresses"]

#: Marks kept as letters in the key of a street and number, because folding drops punctuation: 8-7号 is not 87号.
_LIST = re.compile(r"(?<=\d)号?[、，,;；/及和](?=\d+号(?!楼))|(?<=\d)[、，,;；/及和](?=\d)")
_RANGE = re.compile(r"(?<=\d)(?:[^\w()\[\]【】〔〕]|_)+(?=\d)|(?<=\d号)[-‐-―−–—~.·+]+(?=\d)")
#: Words for one building of a site.
_BUILDING = re.compile("(?<=[0-9a-z])(?:号楼|栋|幢)")


@lru_cache(maxsize=16_384)
def split_address(address: str, province: str | None = None) -> tuple[str | None, str]:
    """Split an address into (region code, folded street and number).

    Numerals are read before marks: 一、二号 is not 12号.
    """
    resolved = regions.resolve_address(clean_address(address), province)
    rest = _RANGE.sub("至", _LIST.sub("及", convert_numerals(resolved.rest)))
    return resolved.code, _BUILDING.sub("栋", fold_text(rest))


# --- several in one field --------------------------------------------------------------------------------------------

_HARD_BREAK = re.compile(rf"[;；|{COUNTERS}]+|(?:(?<=[\s,，。、])|^)[(（]?\d{{1,2}}[.．、)）](?=[^\d\W])")
_SOFT_BREAK = re.compile(r"[、,，。/&]|以及|[及和与另]|(?<=\S)\s+(?=\S)")
_ANY_BREAK = re.compile(rf"[;；\n\r|{COUNTERS}、,，。/&及和与另]|\S\s+\S|(?:院区|[总分]院|本部)[:：]|\d[.．)）]|以及")
_PRINTED_NUMBER = re.compile("[\\d〇零一二三四五六七八九十百０-９][^、,，。/&及和与]{0,4}(?:号|號)")
_CITY = re.compile("[省市州盟]|自治区")
_CAMPUS = re.compile(r"(?<=[号院)）])\s*[、,，]?(?=[^\W\d]{1,8}(?:院区|[总分]院|本部)[:：])")


@lru_cache(maxsize=16_384)
def split_addresses(text: str) -> tuple[str, ...]:
    """Split a field into its addresses; a later one without a place of its own keeps the place of the first.

    >>> split_addresses("深圳市福田区红荔路2004号、福强路3012号")
    ('深圳市福田区红荔路2004号', '深圳市福田区福强路3012号')
    >>> split_addresses("北京市，海淀区，花园北路49号"), split_addresses("规划一号路1号、3号")
    (('北京市，海淀区，花园北路49号',), ('规划一号路1号、3号',))
    """
    if not _ANY_BREAK.search(text):
        return (text,)
    parts = [part for whole in _HARD_BREAK.split(text) for half in _CAMPUS.split(whole) for part in _split_softly(half)]
    found: list[str] = []
    place, has_address = "", False
    for part in (stripped for part in parts if (stripped := part.strip(" \t,，、。；;"))):
        cleaned = clean_address(part)
        address = read_address(cleaned)
        is_address = bool(address.codes or (address.roads and address.doors))
        if found and not is_address:  # a name or a telephone after a mark belongs to what stands before
            found[-1] = f"{found[-1]}；{part}" if cleaned else found[-1]
        elif has_address:
            found.append(place + cleaned if place and not address.codes else part)
        else:  # what stood before was a label
            found[:] = [part]
        has_address = is_address or has_address
        if address.codes:
            place = cleaned.removesuffix(regions.resolve_address(cleaned).rest)
    return tuple(found)


def _split_softly(text: str) -> list[str]:
    """Split at commas and at 和 between two whole addresses, which have a number each; not between two numbers."""
    parts: list[str] = []
    start = 0
    for mark in _SOFT_BREAK.finditer(text):
        before, after = text[start : mark.start()], text[mark.end() :]
        if "(" in before.replace("（", "(") and ")" not in before.replace("）", ")"):
            continue
        head = _SOFT_BREAK.split(after, maxsplit=1)[0]
        if (
            _is_another(head)
            if _PRINTED_NUMBER.search(before)
            else mark[0] not in "和与及" and _has_two_places(before, head)
        ):
            parts.append(before)
            start = mark.end()
    return [*parts, text[start:]]


def _is_another(head: str) -> bool:
    """Whether what follows a whole address is another: a road with a number, or a place with something in it."""
    address = read_address(clean_address(head))
    return bool(address.doors and any(road[-1:] in "路街道巷" for road in address.roads)) or _has_place(address)


def _has_two_places(before: str, head: str) -> bool:
    """Whether both name a place and something in it, as 甲市示例路，乙市示例街 do."""
    if not _CITY.search(head):
        return False
    return _has_place(read_address(clean_address(head))) and _has_place(read_address(clean_address(before)))


def _has_place(address: Address) -> bool:
    return bool(address.codes and (address.roads or address.doors or address.areas or address.rest))


# --- the whole -------------------------------------------------------------------------------------------------------

_SECOND_ADDRESS = re.compile("(?:[路街巷]|大道)[东南西北中]?\\d+号|[省市州][一-鿿]{1,9}?(?:[市县]|(?<![院校社小园])区)")
_BRACKETS = re.compile(r"[(\[【〔][^)\]】〕]*[)\]】〕]?")
#: What goes on with a door or a word, after a whole address: 1 of 871, 楼 of 87号楼, 附1号, -1, 路 of 示例路, 南段.
_GOES_ON = re.compile(
    r"(?:(?<=\d)[\da-z号]|(?<=号)[楼甲乙丙丁戊]|\W?[附增副之]|[至及和与]"
    r"|\W?[-‐-―−–—~·.+/&、，,](?=[\da-z甲乙丙丁])|[东南西北中]?[路街道巷段])"
)
#: At a distance, also said behind a place: 距大南街87号500米.
_DISTANCE = re.compile(r"([^\d]*?)距离?(.{3,}?)约?\d+米\w?$")
#: Beside a place, said before it: 毗邻大南街87号. What is whole before a mark may describe another address.
_BESIDE = re.compile(r"(?:毗邻|紧邻|邻近|临近|靠近|近邻|隔壁是|对面是)(?=[^,，、。;；]+$)")
_NUMBERED = re.compile(r"\d+号(?![楼门])")


@lru_cache(maxsize=16_384)
def compare_addresses(
    claimed: str, registered: str, registered_region: str | None, names: tuple[str, ...] = ()
) -> Comparison:
    """Compare the address of a claim with a registered one; ``names`` of the institution are no part of an address.

    Several addresses in one field get one word only where each gets it; else ask for each of :func:`split_addresses`.
    """
    if clean_address(claimed) == clean_address(registered) != "":
        return "same"
    nameless = _remove_names(claimed, names)
    if nameless != claimed and is_nearby(nameless) == "near":
        return "other"  # 甲医院对面: beside the site, said by its own name
    ours = split_addresses(nameless)
    theirs = _split_registered(registered, names)
    words = {
        min((_compare_one(part, site, registered_region, names) for site in theirs), key=RANK.__getitem__)
        for part in ours
    }
    if len(words) == 1:
        return words.pop()
    return "form" if words <= {"same", "form"} else "unreadable"


@lru_cache(maxsize=65_536)
def _split_registered(registered: str, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_remove_names(clean_address(part), names) for part in split_addresses(registered))


def _compare_one(claimed: str, printed: str, region: str | None, names: tuple[str, ...]) -> Comparison:
    text = _remove_names(clean_address(claimed), names)
    site = _read_registered(printed, region)
    if "米" in text[-2:] and (distance := _DISTANCE.match(text)):
        landmark = distance[1] + distance[2]
        address = msgspec.structs.replace(read_address(landmark, region, 0), nearby=distance[0])
        return _judge_nearby(_compare_one(landmark, printed, region, names), address, site)
    if before := _BESIDE.match(text):
        address = msgspec.structs.replace(read_address(text[before.end() :], region, 0), nearby=before[0])
        return _judge_nearby(_compare_one(text[before.end() :], printed, region, names), address, site)
    if printed and text.startswith(printed) and is_nearby(text[len(printed) :]) == "near":
        return "other"
    if printed and text.startswith(printed) and _is_inside(text, len(printed)):
        return "form" if site.doors or site.rest or text == printed else "region"
    word = _compare_readings(text, site, region)
    return "unreadable" if word == "other" and names and _is_place_of_name(text, region, names) else word


def _is_place_of_name(text: str, near: str | None, names: tuple[str, ...]) -> bool:
    """Whether an address is only a place that the institution is named after: 呈贡区 of a hospital's 呈贡医院."""
    if not is_place(text, near):
        return False
    region = regions.find_region(read_address(text, near).codes[-1])
    district = region.district if region else None
    return district is not None and any(form in name for form in regions.list_forms(district) for name in names)


def _compare_readings(text: str, site: Address, region: str | None) -> Comparison:
    """Compare the reading that fits best: 南开三马路 is 三马路 of 南开, or a road of that name."""
    address = read_address(text, region, 0)
    if region and not address.codes and _is_in_another_city(text, region, site):
        return "other"
    word = _compare_read(address, site)
    for shorts in (9, 1, 2) if region and word not in ("same", "form") else ():
        closer = read_address(text, region, shorts)
        if closer == address and shorts == 9:
            break
        word = min(word, _compare_read(closer, site), key=RANK.__getitem__)
    if word == "other" and _is_short_district(text, site):
        return "unreadable"
    return _judge_nearby(word, address, site)


def is_place(address: str, near: str | None) -> bool:
    """Whether an address names places and nothing in them, as somebody near a region would: 沈阳和平."""
    read = read_address(clean_address(address), near)
    return bool(read.codes) and not (read.areas or read.roads or read.doors or read.rest)


def _is_short_district(text: str, site: Address) -> bool:
    """Whether an address is a district without the word for its kind, of the site's city or of none that is named.

    和平 is also a street, a park and what people call half a city: it speaks for a site and never against one.
    """
    if not is_place(text, site.place):
        return False
    read = [region for code in read_address(text, site.place).codes if (region := regions.find_region(code))]
    short = [region for region in read if region.district and not text.endswith(region.district)]
    if text in regions.map_names_to_codes():  # no city is named before it
        return bool(short)
    home = regions.find_region(site.place or "")
    return home is not None and any((r.province, r.city) == (home.province, home.city) for r in short)


def _is_inside(text: str, end: int) -> bool:
    """Whether what follows a whole registered address lies inside: no other door, no other number, nothing near by."""
    following = text[end:]
    return not (_GOES_ON.match(text, end) or _NUMBERED.search(_BRACKETS.sub("", following)) or is_nearby(following))


def _is_in_another_city(text: str, region: str, site: Address) -> bool:
    """Whether an address begins with another city's name without 市, before a road or a zone: 大连大南街87号."""
    first = (site.roads or (site.rest,))[0]
    for length in (2, 3, 4):
        codes = _map_cities().get(text[:length], ())
        if codes and not any(regions.may_overlap(code, region) for code in codes):
            return not first.startswith(text[:length]) and not is_nameless(text[length:])
    return False


@cache
def _map_cities() -> dict[str, tuple[str, ...]]:
    names = regions.map_names_to_codes().items()
    return {name: cities for name, codes in names if (cities := tuple(c for c in codes if c.endswith("00")))}


@lru_cache(maxsize=65_536)
def _read_registered(printed: str, region: str | None) -> Address:
    address = read_address(printed, region, 0)
    return address if address.codes or region is None else msgspec.structs.replace(address, codes=(region,))


def _remove_names(text: str, names: tuple[str, ...]) -> str:
    for name in _clean_names(names):
        if name in text:
            text = text.replace(name, "").strip(" ,，、:-()[]【】") or text
    return text


@lru_cache(maxsize=65_536)
def _clean_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names as cleaned text, longest first, also without a second name in brackets."""
    cleaned = [clean_address(name) for name in names]
    every = {*names, *cleaned, *(_BRACKETS.sub("", name) for name in cleaned)}
    return tuple(sorted((name for name in every if len(name) >= 4), key=len, reverse=True))


def _compare_read(claimed: Address, site: Address) -> Comparison:
    if not may_be_one_place(claimed, site):
        return "unreadable" if _has_same_number(claimed, site) else "other"
    areas = compare_areas(claimed, site)
    if areas == "other" and not (claimed.roads and site.roads and claimed.doors and site.doors):
        return "other"
    if not (claimed.doors and site.doors):
        return _compare_without_number(claimed, site)
    if not (claimed.roads and site.roads):
        is_whole = not claimed.roads and not site.roads and claimed.place == site.place
        return compare_doors(claimed, site) if is_whole else "unreadable"
    return _compare_roads_and_numbers(claimed, site, areas)


def _compare_roads_and_numbers(claimed: Address, site: Address, areas: Comparison) -> Comparison:
    """Compare what both sides have; ``areas``: how what may be left out compares."""
    path = max(areas, compare_roads(claimed, site), key=RANK.__getitem__)
    if path == "other":
        path = compare_whole_paths(claimed, site)
        if path == "other" and is_lettered_block(site) and not is_lettered_block(claimed):
            return "unreadable"
    if path != "other" and is_quarter(site) != is_quarter(claimed):
        return "unreadable"  # a number on a street and a quarter of a town cannot be compared
    return max(path, compare_doors(claimed, site), _compare_inside(claimed, site), key=RANK.__getitem__)


def _has_same_number(claimed: Address, site: Address) -> bool:
    """Whether road and number are the same in two districts of one city, where people often name the wrong one."""
    if not (claimed.roads and site.roads and claimed.doors and site.doors and is_in_other_district(claimed, site)):
        return False
    return compare_roads(claimed, site) == compare_doors(claimed, site) == "form"


@lru_cache(maxsize=16_384)
def find_gap(claimed: str, registered: str, registered_region: str | None, names: tuple[str, ...] = ()) -> AddressGap:
    """Find what an address leaves open that compares as `region` or `unreadable`."""
    site = _read_registered(_split_registered(registered, names)[0], registered_region)
    text = _remove_names(clean_address(claimed), names)
    gaps = [_find_gap_of_reading(read_address(text, registered_region, shorts), site) for shorts in (0, 9)]
    return min(gaps, key=_GAPS.index)


_GAPS: tuple[AddressGap, ...] = ("other_writing", "none_registered", "none_given", "other_district", "other_road")


def _find_gap_of_reading(claimed: Address, site: Address) -> AddressGap:
    if not may_be_one_place(claimed, site):
        return "other_district"
    if claimed.roads and site.roads and not _may_share_road(claimed, site):
        return "other_road"
    if claimed.doors and site.doors:
        is_unlike = not site.roads and claimed.roads and compare_doors(claimed, site) == "other"
        return "other_road" if is_unlike else "other_writing"
    return "none_registered" if claimed.doors else "none_given"


def _may_share_road(claimed: Address, site: Address) -> bool:
    """Whether a road of one is a road of the other, however much stands before its name: 经一路 of 经一路东侧."""
    pairs = [(ours, theirs) for ours in claimed.roads for theirs in site.roads]
    return any(
        compare_roads(msgspec.structs.replace(claimed, roads=(ours,)), msgspec.structs.replace(site, roads=(theirs,)))
        != "other"
        for ours, theirs in pairs
    )


def _compare_inside(claimed: Address, site: Address) -> Comparison:
    """Compare what follows the number: two numbered buildings of one number are two sites, floors are not."""
    if not claimed.inside:
        return "form"
    if _SECOND_ADDRESS.search(_BRACKETS.sub("", claimed.inside)):
        return "unreadable"
    ours, theirs = claimed.buildings, site.buildings
    return "other" if ours and theirs and not ours & theirs else "form"


def _judge_nearby(word: Comparison, claimed: Address, site: Address) -> Comparison:
    """What is said to lie near a number is not that number, and may be any other: 87号对面."""
    if not claimed.nearby or (claimed.nearby, claimed.inside) == (site.nearby, site.inside):
        return word
    if not may_be_one_place(claimed, site):
        return "other"
    if claimed.nearby.startswith("…"):
        return "region" if word in ("same", "form") else word
    return "unreadable" if word in ("other", "unreadable") else "other"


def _compare_without_number(claimed: Address, site: Address) -> Comparison:
    if not claimed.roads and not claimed.doors and not claimed.rest and not claimed.areas:
        return "region" if claimed.codes else "unreadable"
    ours, theirs = _make_path_key(claimed), _make_path_key(site)
    if not site.doors and not claimed.doors:
        if ours == theirs:
            return "form"
        following = ours[len(theirs) :] if theirs and ours.startswith(theirs) else ""
        if following and not _NUMBERED.search(following):
            return "form" if site.rest else "region"
    if claimed.doors:
        return "unreadable"
    fits = set(claimed.roads) & set(site.roads) or (not claimed.roads and set(claimed.areas) & set(site.areas))
    is_begun = len(ours) >= 2 and theirs.startswith(ours)
    return "region" if fits or is_begun else "unreadable"


def _make_path_key(address: Address) -> str:
    """Areas left out unless there is nothing else."""
    key = "".join(address.roads) + address.rest
    return key or "".join(stem for _, stem in address.areas)
