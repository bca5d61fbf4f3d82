"""The words names are made of, and how people shorten them: 吉林 大学 第一 医院 -> 吉大一院.

An abbreviation keeps the order of words: of each it takes the first character, or a few, or leaves the word out. Its
cost says how much was left out that would have told this institution from another.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from registry.domain import regions
from registry.domain.normalise import fold_text
from registry.domain.word_lengths import index_lengths

_DATA = tomllib.loads(Path(__file__).with_name("name_words.toml").read_text("utf-8"))
#: Words of the field, and kinds of others, with what leaving them out costs: the less they tell, the less.
_GENERIC: dict[str, float] = {fold_text(word): cost for cost, words in _DATA["words"] for word in words.split()}
_KINDS: dict[str, float] = _DATA["kinds"]
#: What taking a word in part costs.
_PARTS: dict[str, float] = _DATA["parts"]
#: How long the words are that begin with a character, the longest first.
_LENGTHS = index_lengths(_GENERIC)
#: Words that begin no abbreviation in part: 医大 is no 医科大学 without its place, nor 大医 a 大学医院.
_NEVER_FIRST = frozenset(_DATA["never_first"].split())
#: Places that are called by their last character, as those named by a quarter are: 川大, 昌大, 莞; 北医 is not in 河北.
_CALLED_BY_THEIR_END = frozenset(_DATA["called_by_their_end"].split())
#: Behind what 医 is short for 医院.
_BEFORE_SHORT = re.compile("[0-9省市县区州旗附]")
#: The characters of the shortest end of a word that is its end and not something within it; and how places end.
_LEAST, PLACE_KINDS = 2, "市省区县州"


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
            words.append(NameWord(name[start:at], _KINDS["own"], "own"))
        words.append(word)
        at = start = at + len(word.text)
    if start < at:
        words.append(NameWord(name[start:at], _KINDS["own"], "own"))
    return tuple(words)


def list_common_words() -> list[str]:
    """List the words that many names have, folded."""
    return list(_GENERIC)


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
                return NameWord(name[at : at + length], _KINDS["place"], "place")
        end = at
        while end < len(name) and name[end].isdigit():
            end += 1
        return NameWord(name[at:end], _KINDS["number"], "number")
    if at in places:
        text = name[at : places[at]]
        if not (len(text) == 2 and text in _GENERIC):
            return NameWord(text, _KINDS["place"], "place")
    for length in _LENGTHS.get(name[at], ()):
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
    found = find_takings(short, split_name(name))
    return None if found is None else found[0]


class Taking(NamedTuple):
    """How a word of a name was taken (``whole``, ``start``, ``end``, ``inside``, ``left``): how many characters."""

    word: NameWord
    how: str
    taken: int


def find_takings(
    text: str, words: tuple[NameWord, ...], is_inside: bool = False
) -> tuple[float, tuple[Taking, ...]] | None:
    """Align a text with words: (the least cost, how each word was taken).

    None when a character of the text belongs to no word. ``is_inside``: the place before it was taken out of the text,
    so that it may begin with any word.
    """
    best: dict[int, _Step] = {0: (0.0, None, 0, "")}
    for word in words:
        following: dict[int, _Step] = {}
        for used, step in best.items():
            # Of equal ones the alignment that begins later: 南方医院 is the end of 南方医科大学南方医院.
            options = [
                (0, word.weight + (_PARTS["left_later"] if used else 0), "left"),
                *(_list_takings(text[used:], word) if _may_take(text, used, word, is_inside) else ()),
            ]
            for taken, price, how in options:
                end, total = used + taken, step[0] + price
                if end not in following or total < following[end][0]:
                    following[end] = (total, step, taken, how)
        best = following
    last = best.get(len(text))
    return None if last is None else (last[0], _list_path(words, last))


#: The cost so far, the step before, and how many characters were taken and how.
_Step = tuple[float, Any, int, str]


def _list_path(words: tuple[NameWord, ...], last: _Step) -> tuple[Taking, ...]:
    path = []
    for word in reversed(words):
        _, before, taken, how = last
        path.append(Taking(word, how, taken))
        last = before
    return tuple(reversed(path))


def _may_take(typed: str, used: int, word: NameWord, is_inside: bool) -> bool:
    """Whether an abbreviation may go on with what it takes of a word, or begin so.

    医 is 医院 only behind a number or an office (市一医, 省医, 附医); else it is 医科 or 医学.
    """
    if word.text == "医院" and typed[used : used + 1] == "医" and not typed.startswith(word.text, used):
        return used > 0 and _BEFORE_SHORT.match(typed, used - 1) is not None
    return bool(used) or is_inside or _may_begin(typed, word)


def _may_begin(typed: str, word: NameWord) -> bool:
    text, first = word.text, typed[:_LEAST]
    if text[0] == typed[0]:
        return text not in _NEVER_FIRST or typed.startswith(text)
    if word.kind == "place":
        return text in _CALLED_BY_THEIR_END or text[0] in "东南西北" or typed[0] in PLACE_KINDS  # 市立医院
    return text not in _NEVER_FIRST and (word.kind != "own" or (first in text and first not in _NEVER_FIRST))


def _list_takings(rest: str, word: NameWord) -> list[tuple[int, float, str]]:
    """List (characters taken, price, how) of a word: whole, its first characters, its last, or some within it."""
    text = word.text
    short = text[:-1] if word.kind == "place" and text[-1] in PLACE_KINDS and len(text) > _LEAST else text
    if rest.startswith(short):
        return [(len(text if rest.startswith(text) else short), 0.0, "whole")]
    if not rest or rest[0].isdigit() or text.isdigit():  # a number is typed whole, also that in 6安
        return []
    if rest[0] == text[0]:
        run = next(length for length in range(len(text), 0, -1) if rest.startswith(text[:length]))
        taken = _count_in_order(rest, text)
        takings = [(length, _PARTS["start"], "start") for length in dict.fromkeys((1, run))]
        return [*takings, (taken, _PARTS["from_start"], "inside")] if taken > run else takings
    if rest[0] == text[-1]:
        return [(1, _PARTS["own_last" if word.kind == "own" else "last"], "start" if text == "医院" else "inside")]
    if word.kind == "own" and rest[0] in text:
        tail = text[text.index(rest[0]) :]
        is_end = len(tail) >= _LEAST and rest.startswith(tail)
        taken, how = (len(tail), "end") if is_end else (_count_in_order(rest, text), "inside")
        return [(taken, _PARTS[how], how)]
    return []


def _count_in_order(rest: str, text: str) -> int:
    taken = 0
    for character in text:
        if taken < len(rest) and rest[taken] == character:
            taken += 1
    return taken


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


#: Places by what people there call them, at the beginning of a word.
_NICKNAMES = {
    **{"乌市": "乌鲁木齐市", "呼市": "呼和浩特市", "齐市": "齐齐哈尔市", "内蒙": "内蒙古", "版纳": "西双版纳"},
    **{
        "巴州": "巴音郭楞蒙古自治州",
        "博州": "博尔塔拉蒙古自治州",
        "克州": "克孜勒苏柯尔克孜自治州",
        "锡盟": "锡林郭勒盟",
    },
}
_NICKNAMED = re.compile(rf"(?:(?<!\S)|(?<=[在到去住是,，]))(?:{'|'.join(_NICKNAMES)})(?![古区])")
#: 付 is written for 附 more often than any other character is for another one, also where the name is shortened.
_ATTACHED = re.compile("付(?=属|院|[一二三四五六七八九十0-9])|(?<=[一二三四五六七八九十0-9])付")


def expand_nicknames(text: str) -> str:
    """Replace the short names people use for places by the full ones, and 付 by 附 where it is written for it.

    >>> expand_nicknames("乌市妇幼"), expand_nicknames("内蒙古试管"), expand_nicknames("新医大一付院")
    ('乌鲁木齐市妇幼', '内蒙古试管', '新医大一附院')
    """
    return _ATTACHED.sub("附", _NICKNAMED.sub(lambda found: _NICKNAMES[found[0]], text))
