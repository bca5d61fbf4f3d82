"""The words names are made of, and how people shorten them: 吉林 大学 第一 医院 -> 吉大一院.

An abbreviation keeps the order of words: of each it takes the first character, or a few, or leaves the word out. Its
cost says how much was left out that would have told this institution from another.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Literal, NamedTuple

from registry.domain import regions
from registry.domain.normalise import fold_text

#: Words of the field with what leaving them out costs: the less they tell, the less.
_COSTS = {
    0.02: "第 有限公司 有限责任公司 股份 与 维吾尔 壮族 回族",
    0.03: "市 省 土家族 苗族",
    0.05: "区 县 州 地区 自治区 自治州 和",
    0.06: "附属",
    0.08: "人民",
    0.1: "保健 院 科 专科 集团 部队 联勤保障 服务 街道 特色",
    0.12: "保健院",
    0.15: "遗传 解放军 医疗",
    0.2: "医科 医学 学院 中心 中国 门诊部 科学 技术 结合 集团军",
    0.25: "大学",
    0.3: "医院 中医药 总 生殖 研究院 研究所 不孕 不育 交通 科技 师范 工业 理工",
    0.35: "中医",
    0.4: "妇幼 妇产 妇女 儿童 妇婴 妇儿 不孕不育 计划生育 中西医 军区",
    0.5: "红十字",
}
_GENERIC = {fold_text(word): cost for cost, words in _COSTS.items() for word in words.split()}
_PLACE, _NUMBER, _OWN = 0.5, 0.9, 0.8
_LONGEST = max(map(len, _GENERIC))


class NameWord(NamedTuple):
    """A word of a name, what leaving it out costs, and whether it is a place, a number, a common word or its own."""

    text: str
    weight: float
    kind: Literal["place", "number", "common", "own"]


@lru_cache(maxsize=65536)
def split_name(name: str) -> tuple[NameWord, ...]:
    """Split a name into words, longest known ones first from the left; what is unknown between them is one word."""
    places = {start: end for start, end, _ in reversed(regions.find_places(name))}
    words: list[NameWord] = []
    at = start = 0
    while at < len(name):
        word = _find_known_word(name, at, places)
        if word is None:
            at += 1
            continue
        if start < at:
            words.append(NameWord(name[start:at], _OWN, "own"))
        words.append(word)
        at = start = at + len(word.text)
    if start < at:
        words.append(NameWord(name[start:at], _OWN, "own"))
    return tuple(words)


@cache
def _load_folded_places() -> frozenset[str]:
    """Load the places whose names folding changes, folded: 4川, 3亚, 10堰."""
    return frozenset(
        folded for name in regions.list_place_names() if (folded := fold_text(name)) != name and len(folded) > 1
    )


def _find_known_word(name: str, at: int, places: dict[int, int]) -> NameWord | None:
    if name[at].isdigit():
        for length in range(min(8, len(name) - at), 1, -1):
            if name[at : at + length] in _load_folded_places():
                return NameWord(name[at : at + length], _PLACE, "place")
        end = at
        while end < len(name) and name[end].isdigit():
            end += 1
        return NameWord(name[at:end], _NUMBER, "number")
    if at in places:
        text = name[at : places[at]]
        if not (len(text) == 2 and text in _GENERIC):
            return NameWord(text, _PLACE, "place")
    for length in range(min(_LONGEST, len(name) - at), 0, -1):
        if (weight := _GENERIC.get(name[at : at + length])) is not None:
            return NameWord(name[at : at + length], weight, "common")
    return None


@lru_cache(maxsize=65536)
def compute_shortening(short: str, name: str) -> float | None:
    """Compute the cost of reading ``short`` as an abbreviation of ``name`` (0 costs nothing); None when it is none.

    >>> compute_shortening("吉大1院", "吉林大学第1医院") < compute_shortening("吉大1院", "吉林医药大学第1医院")
    True
    >>> compute_shortening("吉大2院", "吉林大学第1医院") is None
    True
    """
    rest = iter(name)
    if not all(character in rest for character in short):
        return None
    return _compute_cost(short, split_name(name))


def _compute_cost(short: str, words: tuple[NameWord, ...]) -> float | None:
    best: dict[int, float] = {0: 0.0}  # characters of the abbreviation used so far -> least cost
    for word in words:
        following: dict[int, float] = {}
        for used, cost in best.items():
            _keep_cheapest(following, used, cost + word.weight)
            for taken, price in _list_takings(short[used:], word):
                _keep_cheapest(following, used + taken, cost + price)
        best = following
    return best.get(len(short))


def _keep_cheapest(best: dict[int, float], used: int, cost: float) -> None:
    if cost < best.get(used, 99.0):
        best[used] = cost


def _list_takings(rest: str, word: NameWord) -> list[tuple[int, float]]:
    """List (characters taken, price): the whole word, its first characters, or its last (医院 -> 院)."""
    text = word.text
    takings = []
    if rest.startswith(text):
        return [(len(text), 0.0)]
    if not rest or text.isdigit():
        return []
    if rest[0] == text[0]:
        taken = 1
        for character in text[1:]:
            if taken < len(rest) and rest[taken] == character:
                taken += 1
        takings.append((taken, 0.05))
        if taken > 1:
            takings.append((1, 0.05))
    elif rest[0] == text[-1]:
        takings.append((1, 0.05 if word.kind != "own" else 0.4))
    elif word.kind == "own" and rest[0] in text:
        taken = 0
        for character in text:
            if taken < len(rest) and rest[taken] == character:
                taken += 1
        takings.append((taken, 0.5))
    return takings


_ORDINAL = re.compile(r"附?(\d+)附|附属?第?(\d+)")


def swap_ordinal(short: str) -> list[str]:
    """Return an abbreviation with its ordinal on the other side of 附, and without 附: all mean the same hospitals.

    >>> swap_ordinal("华西附2院")
    ['华西2附院', '华西2院']
    """
    match = _ORDINAL.search(short)
    if not match:
        return []
    before, after = short[: match.start()], short[match.end() :]
    number = match[1] or match[2]
    return [f"{before}附{number}{after}" if match[1] else f"{before}{number}附{after}", before + number + after]


#: What is said or left out as one likes, after a place or before a number: 长春(市)妇幼保健院, 解放军(第)105医院.
_OPTIONAL = re.compile("(?<=..)(?:[市省](?=..)|第(?=[0-9]))")


@lru_cache(maxsize=65536)
def strip_optional(name: str) -> str:
    """Remove what may be left out of a name: 长春市妇幼保健院 and 长春妇幼保健院 mean one hospital."""
    return _OPTIONAL.sub("", name)
