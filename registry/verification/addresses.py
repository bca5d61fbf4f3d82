"""Telling sites apart: whether an address somebody gives can be an institution's registered address."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from registry import regions
from registry.text import fold, simplified, width

#: `same`: the same site; `region`: only a region or a street was given, and it fits; `other`: not this site.
Comparison = Literal["same", "region", "other"]
_NUMBER = re.compile(r"\d")
#: Kept as letters, because folding drops punctuation: 8-7号 and 8、7号 are not 87号.
_RANGE = re.compile(r"(?<=\d)\s*[-‐-―－—–−~～]+\s*(?=\d)")
_LIST = re.compile(r"(?<=\d)\s*[、，,;；/及和]\s*(?=\d)")
#: Words for one building of a site.
_BUILDING = re.compile("(?<=[0-9a-z])(?:号楼|栋|幢)")
#: What makes another door of a house number: 87号附1号, 87号之一, 87号增2号, 87甲号, 87A号 ...
_OTHER_DOOR = re.compile(r"号?(?:(?:附|之|增|副)\d|[甲乙丙丁戊a-z](?:号|$))")
#: ... and of one that breaks off at its digits: 870号, 87-1号, 87、89号, 87栋.
_OTHER_NUMBER = re.compile(r"[\d至及栋]")
_DOORS = re.compile(r"\d+(?:及\d+)+")


@lru_cache(maxsize=16_384)
def parts(address: str, province: str | None = None) -> tuple[str | None, str]:
    """(region code, folded rest) of an address."""
    resolved = regions.resolve(simplified(address), province)
    rest = _LIST.sub("及", _RANGE.sub("至", width(resolved.rest)))
    return resolved.code, _BUILDING.sub("栋", fold(rest))


@lru_cache(maxsize=16_384)
def compare(given: str, registered: str, registered_region: str | None) -> Comparison:
    """How an address given by an asker relates to a registered one.

    Two addresses are the same site when their regions do not contradict each other and one's street and number begin
    the other's, at a border: 大南街8号 is not 大南街87号, and 87号附1号 is not 87号.
    """
    given_code, given_rest = parts(given)
    code, rest = parts(registered)
    code = registered_region or code
    place = regions.get(code or "")
    if given_code is None and given_rest and place is not None:
        # 铁西区 alone is a district of several cities: read it in the registered city, then compare.
        given_code, given_rest = parts(f"{place.province or ''}{place.city or ''}{given}")
    if not _compatible(given_code, code):
        return "other"
    if not given_rest:
        return "region" if given_code else "other"
    if any(_same_street(given_rest, door) for door in _doors(rest)):
        return "same"
    # A street without its number, or a number without its 附1号, fits no more and no less than a city.
    vague = len(given_rest) >= 2 and not _NUMBER.search(given_rest) and rest.startswith(given_rest)
    return "region" if vague or _less_exact(given_rest, rest) else "other"


def _compatible(a: str | None, b: str | None) -> bool:
    if a is None or b is None:
        return True
    return a.startswith(regions.prefix(b)) or b.startswith(regions.prefix(a))


def _doors(rest: str) -> list[str]:
    """The address as it is printed, and with each number of a list alone: 521、523号 is 521号 and 523号."""
    found = _DOORS.search(rest)
    if found is None:
        return [rest]
    return [rest, *(rest[: found.start()] + door + rest[found.end() :] for door in found[0].split("及"))]


def _same_street(a: str, b: str) -> bool:
    shorter, longer = sorted((a, b), key=len)
    if not longer.startswith(shorter):
        return False
    if shorter == longer:
        return True
    # A number must be whole on both sides, and a street without any number proves no site.
    following = longer[len(shorter) :]
    broken = shorter[-1].isdigit() and _OTHER_NUMBER.match(following)
    return bool(_NUMBER.search(shorter)) and not broken and not _OTHER_DOOR.match(following)


def _less_exact(given: str, registered: str) -> bool:
    """Whether only the last door was left out: 138号 of 138号增2号."""
    following = registered[len(given) :] if registered.startswith(given) else ""
    return given.endswith("号") and bool(_OTHER_DOOR.match(following))
