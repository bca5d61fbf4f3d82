"""Which institution of a list is which institution of the register. Inference that a person confirms by approving.

Rules from certain to doubtful, each only where exactly one of each side is left: the same name (a changed address is a
move), the same name but for a bracket, alias or company form, the same street and number (a changed name is a rename).
What is only similar is `undecided`: shown to a person and imported as two, because merging two institutions could
license what was never approved.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from functools import cached_property
from typing import Literal

from rapidfuzz import fuzz

from registry import regions
from registry.model import Struct
from registry.text import fold
from registry.verification import addresses, names

Why = Literal["same_name", "same_name_apart_from_brackets", "same_address", "similar_name_and_address", "decided"]
#: How alike (0 to 100) two names, or two streets, must be to be put before a person.
ALIKE = 72.0
#: How alike names and streets must be to be one institution written differently; numbers and kinds must agree too.
SURELY_ALIKE_NAME, SURELY_ALIKE_STREET = 85.0, 78.0
#: Words that make two institutions of one city different whatever else is alike.
_KINDS = (
    "妇婴",
    "妇幼",
    "妇产",
    "妇儿",
    "儿童",
    "中医",
    "口腔",
    "肿瘤",
    "分院",
    "院区",
    "东院",
    "西院",
    "南院",
    "北院",
    "中心",
)
_STREET = re.compile(r"^\D*?(?P<street>.*?\d+(?:至\d+)?号)")


class Party(Struct, frozen=True, dict=True):
    """One institution on either side of the comparison."""

    key: int | str  # position in the list, or subject in the register
    name: str
    aliases: tuple[str, ...]
    campus: str | None
    address: str
    region: str | None

    @property
    def province(self) -> str:
        """First two digits of its region; empty when unknown."""
        return (self.region or "")[:2]

    @property
    def city(self) -> str:
        """First four digits of its region, or what is known of them."""
        return (regions.prefix(self.region) if self.region else "")[:4]

    @cached_property
    def site(self) -> str:
        """Street and number, folded; or the whole rest of the address when there is no number."""
        rest = addresses.parts(self.address)[1]
        found = _STREET.match(rest)
        return found["street"] if found else rest

    @cached_property
    def folded(self) -> str:
        """The name's comparison key."""
        return fold(self.name)


class Pair(Struct, frozen=True):
    """One institution on both sides, and by which rule."""

    known: Party
    listed: Party
    why: Why


class Doubt(Struct, frozen=True):
    """Two that may be one: a person decides. ``why`` in Chinese and English."""

    known: Party
    listed: Party
    why: str
    why_en: str


class Pairing(Struct, frozen=True):
    """Every institution of both sides once: paired, new, or gone; doubts are among new and gone."""

    pairs: list[Pair]
    new: list[Party]
    gone: list[Party]
    doubts: list[Doubt]


def pair(known: Iterable[Party], listed: Iterable[Party], decided: dict[str, str] | None = None) -> Pairing:
    """Pair two sides; ``decided`` maps a listed name to the known name that a person found to be the same."""
    work = _Work(list(known), list(listed))
    if decided:
        by_name = {party.name: party for party in work.known.values()}
        for party in list(work.listed.values()):
            if (other := by_name.get(decided.get(party.name, ""))) is not None and other.key in work.known:
                work.take(other, party, "decided")
    work.match(lambda p: [(p.province, p.folded, p.site)], "same_name")
    work.match(lambda p: [(p.province, p.folded)], "same_name", same_city)
    work.match(_loose_names, "same_name_apart_from_brackets", same_city)
    work.match(lambda p: [(p.province, p.site)] if _has_number(p) else [], "same_address", same_city)
    for a, b in _surely_alike(work.known.values(), work.listed.values()):
        if a.key in work.known and b.key in work.listed:
            work.take(a, b, "similar_name_and_address")
    doubts = list(_doubts(work.known.values(), work.listed.values()))
    return Pairing(pairs=work.pairs, new=list(work.listed.values()), gone=list(work.known.values()), doubts=doubts)


def same_city(a: Party, b: Party) -> bool:
    """Whether nothing known of their regions says they lie in different cities."""
    return a.city.startswith(b.city) or b.city.startswith(a.city)


class _Work:
    """The two sides as they are used up."""

    def __init__(self, known: list[Party], listed: list[Party]) -> None:
        self.known = {party.key: party for party in known}
        self.listed = {party.key: party for party in listed}
        self.pairs: list[Pair] = []

    def take(self, known: Party, listed: Party, why: Why) -> None:
        self.pairs.append(Pair(known=known, listed=listed, why=why))
        del self.known[known.key], self.listed[listed.key]

    def match(
        self,
        keys: Callable[[Party], list[Hashable]],
        why: Why,
        fits: Callable[[Party, Party], bool] = lambda _a, _b: True,
    ) -> None:
        """Pair those that share a key which exactly one of each side has."""
        if not self.known or not self.listed:
            return
        sides = (defaultdict[Hashable, set[int | str]](set), defaultdict[Hashable, set[int | str]](set))
        for side, parties in zip(sides, (self.known, self.listed), strict=True):
            for party in parties.values():
                for key in keys(party):
                    side[key].add(party.key)
        for key, left in sides[0].items():
            right = sides[1].get(key, set())
            if len(left) == len(right) == 1:
                a, b = self.known.get(next(iter(left))), self.listed.get(next(iter(right)))
                if a is not None and b is not None and fits(a, b):
                    self.take(a, b, why)


def _has_number(party: Party) -> bool:
    return any(c.isdigit() for c in party.site) and len(party.site) >= 4


def _loose_names(party: Party) -> list[Hashable]:
    loose = {key for key, rule in names.keys(party.name, party.campus) if rule != "campus"}
    for alias in party.aliases:
        loose.add(names.without_suffix(fold(alias)))
    return [(party.province, key) for key in loose]


def _neighbours(known: Iterable[Party], listed: Iterable[Party]) -> Iterable[tuple[Party, Party, float, float]]:
    """(known, listed, likeness of names, likeness of streets) of those left over that may lie in one city."""
    by_province: dict[str, list[Party]] = defaultdict(list)
    for party in known:
        by_province[party.province].append(party)
    for party in listed:
        for other in by_province.get(party.province, []):
            if same_city(party, other):
                name = fuzz.ratio(party.folded, other.folded)
                yield other, party, name, _alike_streets(party.site, other.site)


def _alike_streets(a: str, b: str) -> float:
    # 沙坪坝高滩岩正街30号 and 高滩岩正街30号: a district written short stays before the street
    shorter, longer = sorted((a, b), key=len)
    return 99.0 if len(shorter) >= 6 and longer.endswith(shorter) else fuzz.ratio(a, b)


def _surely_alike(known: Iterable[Party], listed: Iterable[Party]) -> list[tuple[Party, Party]]:
    found = [
        (a, b)
        for a, b, name, site in _neighbours(known, listed)
        if name >= SURELY_ALIKE_NAME
        and site >= SURELY_ALIKE_STREET
        and _numbers(a) == _numbers(b)
        and _kind(a) == _kind(b)
    ]
    return [(a, b) for a, b in found if sum(a is x or b is y for x, y in found) == 1]


def _numbers(party: Party) -> list[str]:
    return re.findall(r"\d+", party.folded) + re.findall(r"\d+", party.site)


def _kind(party: Party) -> list[str]:
    return [kind for kind in _KINDS if kind in party.name]


def _doubts(known: Iterable[Party], listed: Iterable[Party]) -> Iterable[Doubt]:
    """Pairs left over that lie in one city and are alike in name or in street."""
    for other, party, name, site in _neighbours(known, listed):
        if name >= ALIKE:
            yield Doubt(known=other, listed=party, why="名称相近，地址不同", why_en="similar name, other address")
        elif site >= 85.0:
            yield Doubt(known=other, listed=party, why="地址相近，名称不同", why_en="similar address, other name")
