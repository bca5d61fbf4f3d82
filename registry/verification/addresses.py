"""Telling sites apart: whether an address given in a claim can be an institution's registered address."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from registry.domain import regions
from registry.domain.model import Region
from registry.domain.normalise import convert_numerals, fold_text, normalise_width, simplify_script

#: `same`: the same site; `region`: only a region or a street was given, and it fits; `other`: not this site.
Comparison = Literal["same", "region", "other"]
#: A house number, which a numeral in the name of a street is not: 五一路, 规划一号路.
_HOUSE = re.compile(r"\d(?!\d|号?(?:[东南西北中]?[路街道巷条段环]|大[路道街]|马路|十字|字|村))")
#: What forms and letters put before an address: a label, a postcode, the country.
_BEFORE = re.compile(
    r"^(?:\W+|(?:详细|医院|单位|机构|联系)?地址(?=\W)|邮编(?=\W)|\d{6}(?!\d)"
    r"|(?:中国|中华人民共和国)(?=\W*[一-鿿]{2,7}(?:省|市|自治区)))+"
)
#: Marks between the levels of a place: 北京市，海淀区-花园北路.
_BETWEEN = re.compile(r"(?<=[省市区县州旗盟])\W+(?=[一-鿿])")
#: Marks kept as letters, because folding drops punctuation: 8-7号 and 8、7号 are not 87号, nor is 55号-1 the same as
#: 55号 with a floor after it.
_LIST = re.compile(r"(?<=\d)号?[、，,;；/及和](?=\d+号(?!楼))|(?<=\d)[、，,;；/及和](?=\d)")
_RANGE = re.compile(r"(?<=\d)(?:[^\w()\[\]【】〔〕]|_)+(?=\d)|(?<=\d号)[-‐-―−–—~.·+]+(?=\d)")
_SPACES = re.compile(r"\s+")
#: Words for one building of a site.
_BUILDING = re.compile("(?<=[0-9a-z])(?:号楼|栋|幢)")
#: What makes another door of a house number: 87号附1号, 87号之一, 87号增2号, 87甲号, 87A号, 87号-1 ...
_OTHER_DOOR = re.compile(r"号?(?:(?:附|之|增|副)[\da-z甲乙丙丁戊]|[甲乙丙丁戊a-z](?:号|$)|至\d+(?![\d栋楼层室座单]))")
#: ... and of one that breaks off at its digits: 870号, 87-1号, 87、89号, 87栋; or belongs to a street: 五一 of 五一路.
_OTHER_NUMBER = re.compile(r"[\d至及栋]|号?(?:[东南西北中]?[路街道巷条段环]|大[路道街]|马路)")
#: What only lies near it: 87号附近, 87号对面, 87号向东200米.
_NEARBY = re.compile(
    r"号?院?[的之]?(?:附近|周边|周围|旁|隔壁|毗?邻|斜?对[面过门]|左侧|右侧|步行|[前后](?:面|方|\d+米)|约?\d+米"
    r"|[以向往][东南西北]|[东南西北]{1,2}(?:侧|面|边|方|约?\d+米))"
)
#: A second number or place after the first: another address, or a number the registered address does not have.
_SECOND = re.compile(r"\d+号(?![线门口馆厅院窗]|[一-鿿]{0,4}[楼厦])|[省市区州]\w{1,9}?[市区县]")
_DOORS = re.compile(r"\d+(?:及\d+)+")


@lru_cache(maxsize=16_384)
def split_address(address: str, province: str | None = None) -> tuple[str | None, str]:
    """Split an address into (region code, folded street and number)."""
    resolved = regions.resolve_address(_strip_labels(address), province)
    return resolved.code, _fold_street(resolved.rest)


def _strip_labels(address: str) -> str:
    """Remove what stands before an address on a form, and marks between the levels of its place."""
    return _BETWEEN.sub("", _BEFORE.sub("", simplify_script(normalise_width(address))))


def _fold_street(rest: str) -> str:
    """Return the key of a street and number. Numerals first, then marks: 一、二号 is not 12号."""
    rest = convert_numerals(_SPACES.sub("", rest))
    return _BUILDING.sub("栋", fold_text(_RANGE.sub("至", _LIST.sub("及", rest))))


@lru_cache(maxsize=16_384)
def compare_addresses(claimed: str, registered: str, registered_region: str | None) -> Comparison:
    """Compare the address of a claim with a registered one.

    Two addresses are the same site when their regions do not contradict each other and one's street and number begin
    the other's, at a border: 大南街8号 is not 大南街87号, 87号附1号 is not 87号, and 87号对面 only lies near it.
    """
    code, street = split_address(registered)
    code = registered_region or code
    claimed_code, claimed_street = _split_near(claimed, regions.find_region(code or ""))
    if not regions.overlap(claimed_code, code):
        return "other"
    if not claimed_street:
        return "region" if claimed_code else "other"
    doors = _list_doors(street)
    if any(_is_same_street(claimed_street, door) for door in doors):
        return "same"
    # A street without its number, or a number without its 附1号, fits no more and no less than a city.
    is_vague = len(claimed_street) >= 2 and not _HOUSE.search(claimed_street) and street.startswith(claimed_street)
    is_finer = any(not _HOUSE.search(door) and _is_more_exact(claimed_street, door) for door in doors)
    return "region" if is_vague or is_finer or _is_less_exact(claimed_street, street) else "other"


def _split_near(claimed: str, place: Region | None) -> tuple[str | None, str]:
    """Split an address; a district that several cities have (铁西区, 河北省新华区) is the registered city's."""
    code, rest = split_address(claimed)
    if place is None or not rest or (code is not None and not code.endswith("0000")):
        return code, rest
    city = f"{place.province or ''}{place.city or ''}"
    if code is None:
        return split_address(f"{city}{_strip_labels(claimed)}")
    if code[:2] != (place.code or "")[:2]:
        return code, rest
    closer = split_address(f"{city}{regions.resolve_address(_strip_labels(claimed)).rest}")
    return closer if closer[1] != rest else (code, rest)


def _list_doors(rest: str) -> list[str]:
    """List the address as printed, and with each number of a list alone: 521、523号 is 521号 and 523号."""
    numbers = _DOORS.search(rest)
    if numbers is None:
        return [rest]
    return [rest, *(rest[: numbers.start()] + door + rest[numbers.end() :] for door in numbers[0].split("及"))]


def _is_same_street(claimed: str, registered: str) -> bool:
    if claimed == registered:
        return True
    shorter, longer = sorted((claimed, registered), key=len)
    # A number must be whole on both sides, and a street without any number proves no site.
    if not longer.startswith(shorter) or not _HOUSE.search(shorter):
        return False
    following = longer[len(shorter) :]
    broken = shorter[-1].isdigit() and _OTHER_NUMBER.match(following)
    if broken or _OTHER_DOOR.match(following):
        return False
    return longer is registered or _is_more_exact(claimed, registered)


def _is_more_exact(claimed: str, registered: str) -> bool:
    """Whether a given address holds all of a registered one and then nothing that is elsewhere."""
    if not registered or not claimed.startswith(registered):
        return False
    following = claimed[len(registered) :]
    return not _NEARBY.match(following) and not _SECOND.search(following)


def _is_less_exact(claimed: str, registered: str) -> bool:
    """Whether only the last door was left out: 138号 of 138号增2号."""
    following = registered[len(claimed) :] if registered.startswith(claimed) else ""
    return claimed.endswith("号") and bool(_OTHER_DOOR.match(following))
