"""Telling sites apart: whether an address somebody gives can be an institution's registered address."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from registry import regions
from registry.text import fold, simplified

#: `same`: the same site; `region`: only a region or a street was given, and it fits; `other`: not this site.
Comparison = Literal["same", "region", "other"]
_NUMBER = re.compile(r"\d")
#: Kept as a letter, because folding drops punctuation and 8-7号 is not 87号.
_RANGE = re.compile(r"(?<=[0-9０-９])\s*[-‐-―－—–−~～]+\s*(?=[0-9０-９])")


@lru_cache(maxsize=65536)
def parts(address: str, province: str | None = None) -> tuple[str | None, str]:
    """(region code, folded rest) of an address."""
    resolved = regions.resolve(simplified(address), province)
    return resolved.code, fold(_RANGE.sub("至", resolved.rest))


@lru_cache(maxsize=65536)
def compare(given: str, registered: str, registered_region: str | None) -> Comparison:
    """How an address given by an asker relates to a registered one.

    Two addresses are the same site when their regions do not contradict each other and one's street and number begin
    the other's, at a border: 大南街8号 is not 大南街87号.
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
    if _same_street(given_rest, rest):
        return "same"
    # A street without its number fits no more and no less than a city without its street.
    vague = len(given_rest) >= 2 and not _NUMBER.search(given_rest) and rest.startswith(given_rest)
    return "region" if vague else "other"


def _compatible(a: str | None, b: str | None) -> bool:
    if a is None or b is None:
        return True
    return a.startswith(regions.prefix(b)) or b.startswith(regions.prefix(a))


def _same_street(a: str, b: str) -> bool:
    shorter, longer = sorted((a, b), key=len)
    if not longer.startswith(shorter):
        return False
    if shorter == longer:
        return True
    # A number must be whole on both sides, and a street without any number proves no site.
    following = longer[len(shorter)]
    return bool(_NUMBER.search(shorter)) and not (shorter[-1].isdigit() and (following.isdigit() or following == "至"))
