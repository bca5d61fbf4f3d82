"""Names as people shorten them: of each word its first character, the kind of hospital as 院."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.claims.lists import Listed

_PLACE_KIND = re.compile("(?<=[一-鿿]{2})[省市县]")
_SCHOOL = re.compile("^([一-鿿]{2,3}?)(医科|中医药|医药|医)?(大学|学院)(?:医学院)?附属(第[一二三四五六七八九])?医院$")
_WORDS = {"医科": "医", "中医药": "中医", "医药": "医", "医": "医", "大学": "大", "学院": "院", None: ""}
_ORDINAL = re.compile("第([一二三四五六七八九])(?:人民)?医院$")


def shorten_name(one: Listed) -> Iterator[str]:
    """The ways in which people may shorten a name; none for a name of another build."""
    if found := _SCHOOL.match(one.name):
        place, kind, school, ordinal = found.groups()
        for begin in (place[0], place):
            short = begin + _WORDS[kind] + _WORDS[school]
            yield from (f"{short}{(ordinal or '')[1:]}附院", f"{short}附{(ordinal or '')[1:]}院")
    if _ORDINAL.search(one.name):
        yield _ORDINAL.sub(r"\1院", _PLACE_KIND.sub("", one.name, count=1))
    if one.name.endswith("妇幼保健院"):
        yield one.name.removesuffix("保健院")
