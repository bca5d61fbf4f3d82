"""Institutions of realistic shape, as many as wanted, and the questions people would ask about them.

Names are put together the way real ones are: place + kind, university + 附属 + number, a brand of two or three
characters + kind, army units by number, a second name in brackets. No name and no address comes twice.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import NamedTuple

from bench.lists import list_districts
from registry.search import pinyin

_PUBLIC = (
    *(
        "人民医院",
        "第一人民医院",
        "第二人民医院",
        "第三人民医院",
        "第一医院",
        "第二医院",
        "中心医院",
        "总医院",
        "红十字医院",
    ),
    *("妇幼保健院", "妇女儿童医院", "妇产医院", "儿童医院", "中医医院", "中西医结合医院", "生殖医院"),
    *("计划生育服务中心", "妇幼保健计划生育服务中心"),
)
_PRIVATE = (
    *("医院", "妇产医院", "妇产医院有限公司", "妇女儿童医院", "妇儿医院（有限责任公司）"),
    *("生殖专科医院", "生殖医学医院有限公司", "不孕不育医院"),
)
_SCHOOLS = ("大学", "医科大学", "中医药大学", "医学院", "理工大学", "科技大学")
_FIRST = (
    "华安康宁和平光明新春建文解友胜红旗幸团前青滨永乐兴爱同济仁博协嘉佑瑞盛锦雅玛丽家圆菁"
    "恩德福美佳音泰达龙鼓楼毓璜顶邵逸夫湘禾贝悦慈弘远景天元安琪"
)
_STREETS = (
    "人民解放中山建设和平胜利文化友谊长江黄河五一新华东风迎宾滨河学府科技健康青年"
    "南京上海北京复兴光荣幸福团结前进工业朝阳红旗"
)
_TECHNIQUES = ("AIH", "AIH AID", "AIH IVF ICSI", "AIH AID IVF ICSI PGT", "AIH IVF ICSI PGT")


class MadeInstitution(NamedTuple):
    """One made-up institution: as a list would print it."""

    province: str
    city: str
    name: str
    address: str
    techniques: str


def make_institutions(number: int, seed: int = 1) -> Iterator[MadeInstitution]:
    """``number`` institutions, the same for the same seed."""
    chance = random.Random(seed)
    places = list_districts()
    seen: set[str] = set()
    while len(seen) < number:
        province, place = chance.choice(places)
        short = place.removeprefix(province) or place
        name = _make_name(chance, short, len(seen))
        if name in seen:
            name = f"{name[:2]}{_make_brand(chance)}{name[2:]}"
        if name in seen:
            continue
        seen.add(name)
        street = chance.choice(_STREETS) + chance.choice(_STREETS) + chance.choice("路街大道巷")
        address = f"{place}{street}{len(seen) % 1997 + 1}号{len(seen) // 1997 or ''}"
        yield MadeInstitution(province, short, name, address, chance.choice(_TECHNIQUES))


def _make_brand(chance: random.Random) -> str:
    return "".join(chance.sample(_FIRST, chance.choice((2, 2, 2, 3))))


def _make_name(chance: random.Random, place: str, number: int) -> str:
    kind = chance.random()
    if kind < 0.35:
        return f"{place}{chance.choice(('', _make_brand(chance)))}{chance.choice(_PUBLIC)}"
    if kind < 0.75:
        return f"{place[:2]}{_make_brand(chance)}{chance.choice(_PRIVATE)}"
    if kind < 0.9:
        school = f"{place[:2]}{_make_brand(chance)}{chance.choice(_SCHOOLS)}{chance.choice(('附属', ''))}"
        return f"{school}第{_make_ordinal(chance)}{chance.choice(('医院', '附属医院'))}"
    if kind < 0.95:
        return f"联勤保障部队第{number}医院"
    return f"{place}{_make_brand(chance)}医院（{place[:2]}{_make_brand(chance)}妇幼保健院）"


def _make_ordinal(chance: random.Random) -> str:
    return chance.choice("一二三四五六七八九") + chance.choice(("", "〇一", "十"))


# --- questions -------------------------------------------------------------------------------------------------------


class Question(NamedTuple):
    """What somebody asks, of which kind it is, and the name that was meant; None when none is or many are."""

    kind: str
    text: str
    meant: str | None


def make_questions(made: list[MadeInstitution], number: int, seed: int = 2) -> list[Question]:
    """Questions about institutions there are, and some that are not; kinds take turns."""
    chance = random.Random(seed)
    kinds = list(_ASKED.items())
    found = []
    for n in range(number):
        kind, ask = kinds[n % len(kinds)]
        one = chance.choice(made)
        found.append(Question(kind, ask(chance, one), None if kind in _NOBODY else one.name))
    return found


def _ask_plainly(made: MadeInstitution) -> str:
    return made.name.partition("（")[0].removesuffix("有限公司")


def _ask_by_part(_chance: random.Random, made: MadeInstitution) -> str:
    name = _ask_plainly(made)
    return name[2:] if len(name) > 6 else name


def _ask_shortened(chance: random.Random, made: MadeInstitution) -> str:
    """First characters of place, brand and kind, in order."""
    name = _ask_plainly(made)
    kept = sorted(chance.sample(range(1, len(name) - 2), min(3, len(name) - 3))) if len(name) > 4 else []
    return name[0] + "".join(name[at] for at in kept) + "院"


def _spell_sounds(name: str) -> list[str]:
    return [atom.split(".")[1] for atom in pinyin.to_atoms(name).split()]


def _ask_with_typo(chance: random.Random, made: MadeInstitution) -> str:
    name = _ask_plainly(made)
    at = chance.randrange(2, len(name) - 1) if len(name) > 4 else 0
    return name[:at] + chance.choice(_FIRST) + name[at + 1 :]


_ASKED: dict[str, Callable[[random.Random, MadeInstitution], str]] = {
    "exact": lambda _chance, made: made.name,
    "part": _ask_by_part,
    "short": _ask_shortened,
    "pinyin": lambda _chance, made: "".join(_spell_sounds(_ask_plainly(made))),
    "pinyin part": lambda _chance, made: " ".join(_spell_sounds(_ask_plainly(made))[2:]),
    "initials": lambda _chance, made: "".join(sound[0] for sound in _spell_sounds(_ask_plainly(made))),
    "typo": _ask_with_typo,
    "address": lambda _chance, made: made.address[-9:],
    "place and name": lambda _chance, made: f"{made.city[:2]} {_ask_plainly(made)[-6:]}",
    "place and technique": lambda _chance, made: f"{made.city} 三代试管",
    "not there": lambda chance, made: f"{made.city[:2]}圣玛莉亚{chance.choice(_FIRST)}国际医院",
    "typed so far": lambda chance, made: made.name[: chance.randrange(1, 5)],
}
#: Kinds in which no single institution is meant.
_NOBODY = frozenset({"place and technique", "not there", "typed so far", "part", "short", "initials", "address"})
