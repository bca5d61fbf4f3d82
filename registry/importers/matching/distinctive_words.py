"""What is left of an institution's name without places and the words that every hospital has: 菁华, 西囡, 恩泽.

A help to find whom a person should look at, never a reason to take two for one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Iterable
from functools import lru_cache
from typing import NamedTuple

from registry.domain import regions
from registry.domain.normalise import fold_text

#: Shorter is no word of its own; what more than so many share tells nobody apart.
SHORTEST, MOST_SHARING = 2, 5
_GENERIC = re.compile(
    "人类辅助生殖|辅助生殖|计划生育|计生委?|卫生|人口|人民|妇女|儿童|妇幼|妇婴|妇儿|妇产|妇科|产科|母婴|保健|健康|生殖|生育|不孕|不育|优生|优育|遗传|医学|医疗"
    "|医科|中医药?|中西医|结合|综合|专科|大学|学院|附属|直属|省立|市立|第[一二三四五六七八九十\\d]+|科学|技术|研究|服务|中心|总医院|医院|分院|院区|[东西南北]院|门诊部?|诊所"
    "|精子库|集团|股份|有限|责任|公司|解放军|联勤|保障|部队|军区|陆军|海军|空军|原|院|所|部|科|\\d+"
)
_LEVEL = re.compile("(?:省|市|区|县|旗|州|盟|自治[区州县旗]|特别行政区|地区)$")


class RegionalName(NamedTuple):
    """A name and where it is: what ``find_pairs_by_word`` compares."""

    key: Hashable
    name: str
    region: str | None


@lru_cache(maxsize=16_384)
def find_distinctive_word(name: str, region: str | None = None) -> str:
    """The distinctive part of a name, folded; empty when nothing is.

    >>> find_distinctive_word("沈阳东方医疗集团菁华医院", "210102"), find_distinctive_word("沈阳市妇婴医院", "210103")
    ('东方菁华', '')
    """
    word = fold_text(name)
    found = regions.find_region(region) if region else None
    for place in (found.province, found.city, found.district) if found else ():
        if place:
            word = word.replace(fold_text(place), "").replace(fold_text(_LEVEL.sub("", place)), "")
    word = _GENERIC.sub("", word)
    word = re.sub("[省市区县州]", "", word)
    return word if len(word) >= SHORTEST else ""


def find_pairs_by_word(
    known: Iterable[RegionalName], listed: Iterable[RegionalName]
) -> list[tuple[Hashable, Hashable]]:
    """(known, listed) keys whose distinctive parts are one inside the other, where few share it."""
    sides = [{one.key: find_distinctive_word(one.name, one.region) for one in side} for side in (known, listed)]
    found: dict[tuple[Hashable, Hashable], None] = {}
    for here, there in ((0, 1), (1, 0)):
        whole = defaultdict[str, list[Hashable]](list)
        for key, word in sides[there].items():
            if word:
                whole[word].append(key)
        for key, word in sides[here].items():
            for part in _list_substrings(word):
                others = whole.get(part, ())
                for other in others if len(others) <= MOST_SHARING else ():
                    found[(key, other) if here == 0 else (other, key)] = None
    return list(found)


def _list_substrings(word: str) -> set[str]:
    word = word[:16]
    return {word[i:j] for i in range(len(word)) for j in range(i + SHORTEST, len(word) + 1)}
