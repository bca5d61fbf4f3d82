"""Which institution of a list is which institution of the register. Inference that a person confirms by approving.

Rules from certain to doubtful, each only where exactly one of each side is left: the same name (a changed address is a
move), the same name but for a bracket, alias or company form, the same street and number (a changed name is a rename).
What is only similar is `undecided`: shown to a person and imported as two, because merging two institutions could
license what was never approved.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator

from rapidfuzz import fuzz, process

from registry.importers.distinctive import Named, sharing
from registry.importers.parties import Doubt, DoubtRule, Pair, Pairing, Party, Ruled, Why
from registry.model import Struct
from registry.text import fold
from registry.verification import names

__all__ = ["Doubt", "DoubtRule", "Pair", "Pairing", "Party", "Ruled", "Why", "pair", "same_city"]
#: How alike (0 to 100) two names must be to be put before a person.
ALIKE = 72.0
#: How alike two streets must be for a doubt, and how many doubts one institution may raise by each.
ALIKE_STREET, MOST_DOUBTS = 85.0, 5
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


def pair(
    known: Iterable[Party],
    listed: Iterable[Party],
    decided: dict[str, str] | None = None,
    *,
    surely: bool = False,
    ruled: Ruled | None = None,
) -> Pairing:
    """Pair two sides; ``decided`` maps a listed name to the known name that a person found to be the same.

    ``ruled`` says the same by keys, and which two are not one. ``surely`` stops after the rules on names and streets:
    nothing similar is paired or put in doubt.
    """
    work = _Work(list(known), list(listed), ruled.apart if ruled else frozenset())
    for a, b in sorted(ruled.same, key=str) if ruled else ():
        if a in work.known and b in work.listed:
            work.take(work.known[a], work.listed[b], "decided")
    if decided:
        by_name = {party.name: party for party in work.known.values()}
        for party in list(work.listed.values()):
            if (other := by_name.get(decided.get(party.name, ""))) is not None and other.key in work.known:
                work.take(other, party, "decided")
    work.match(lambda p: [(p.province, p.folded, p.site)], "same_name", same_city)
    work.match(lambda p: [(p.province, p.folded)], "same_name", same_city)
    work.match(_loose_names, "same_name_apart_from_brackets", same_city)
    work.match(lambda p: [(p.city, p.site)] if _has_number(p) and len(p.city) == 4 else [], "same_address")
    work.match(lambda p: [(p.province, p.site)] if _has_number(p) else [], "same_address", same_city)
    if surely:
        return Pairing(pairs=work.pairs, new=list(work.listed.values()), gone=list(work.known.values()), doubts=[])
    near = [
        n for n in _neighbours([*work.known.values()], [*work.listed.values()]) if not work.is_apart(n.known, n.listed)
    ]
    for both in _surely_alike(near):
        work.take(both.known, both.listed, "similar_name_and_address")
    doubts = [_doubt(n) for n in near if n.known.key in work.known and n.listed.key in work.listed]
    return Pairing(pairs=work.pairs, new=list(work.listed.values()), gone=list(work.known.values()), doubts=doubts)


def same_city(a: Party, b: Party) -> bool:
    """Whether nothing known of their regions says they lie in different cities."""
    return a.city.startswith(b.city) or b.city.startswith(a.city)


class _Work:
    """The two sides as they are used up."""

    def __init__(self, known: list[Party], listed: list[Party], apart: frozenset[tuple[int | str, int | str]]) -> None:
        self.known = {party.key: party for party in known}
        self.listed = {party.key: party for party in listed}
        self.apart = apart
        self.pairs: list[Pair] = []

    def is_apart(self, known: Party, listed: Party) -> bool:
        return (known.key, listed.key) in self.apart

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
                if a is not None and b is not None and fits(a, b) and not self.is_apart(a, b):
                    self.take(a, b, why)


def _has_number(party: Party) -> bool:
    return any(c.isdigit() for c in party.site) and len(party.site) >= 4


def _loose_names(party: Party) -> list[Hashable]:
    loose = {key for key, rule in names.keys(party.name, party.campus) if rule != "campus"}
    for alias in party.aliases:
        loose.add(names.without_suffix(fold(alias)))
    return [(party.province, key) for key in loose]


class _Near(Struct, frozen=True):
    """Two of those left over in what may be one city, alike (0 to 100) in name or in street, or by a ``word``."""

    known: Party
    listed: Party
    name: float
    street: float
    word: bool = False


def _neighbours(known: Iterable[Party], listed: Iterable[Party]) -> list[_Near]:
    """The pairs worth a look. Compared city by city: two wholly different lists of 100,000 must not take hours."""
    by_city: dict[str, list[Party]] = defaultdict(list)
    for party in known:
        by_city[party.city].append(party)
    found = []
    for party in listed:
        # A city is compared with itself, and with those of whom only the province is known.
        for city in {party.city, party.province} if len(party.city) == 4 else _cities(by_city, party.province):
            found += _near_one(party, by_city.get(city, []))
    return [*found, *_by_word(known, listed, {(n.known.key, n.listed.key) for n in found})]


def _by_word(
    known: Iterable[Party], listed: Iterable[Party], there: set[tuple[int | str, int | str]]
) -> Iterator[_Near]:
    """Pairs of one city whose names share a word of their own: 沈阳东方医疗集团菁华医院, 沈阳菁华医院有限公司."""
    sides = [{party.key: party for party in side if len(party.city) == 4} for side in (known, listed)]
    cities = [defaultdict[str, list[Named]](list) for _ in sides]
    for side, by_city in zip(sides, cities, strict=True):
        for party in side.values():
            by_city[party.city].append(Named(party.key, party.name, party.region))
    for city, named in cities[1].items():
        for pair_ in sharing(cities[0].get(city, []), named):
            if pair_ not in there:
                a, b = sides[0][pair_[0]], sides[1][pair_[1]]  # type: ignore[index]
                yield _Near(known=a, listed=b, name=0.0, street=0.0, word=True)


def _cities(by_city: dict[str, list[Party]], province: str) -> list[str]:
    return [city for city in by_city if city.startswith(province)]


def _near_one(party: Party, others: list[Party]) -> list[_Near]:
    names = process.extract(
        party.folded, [p.folded for p in others], scorer=fuzz.ratio, score_cutoff=ALIKE, limit=MOST_DOUBTS
    )
    streets = process.extract(
        party.site, [p.site for p in others], scorer=fuzz.ratio, score_cutoff=ALIKE, limit=MOST_DOUBTS
    )
    near = [
        _Near(
            known=others[i],
            listed=party,
            name=fuzz.ratio(party.folded, others[i].folded),
            street=_alike_streets(party.site, others[i].site),
        )
        for i in dict.fromkeys(position for _, _, position in [*names, *streets])
    ]
    return [n for n in near if n.name >= ALIKE or n.street >= ALIKE_STREET]


def _alike_streets(a: str, b: str) -> float:
    # 沙坪坝高滩岩正街30号 and 高滩岩正街30号: a district written short stays before the street
    shorter, longer = sorted((a, b), key=len)
    return 99.0 if len(shorter) >= 6 and longer.endswith(shorter) else fuzz.ratio(a, b)


def _surely_alike(near: list[_Near]) -> list[_Near]:
    found = [
        n
        for n in near
        if n.name >= SURELY_ALIKE_NAME
        and n.street >= SURELY_ALIKE_STREET
        and _numbers(n.known) == _numbers(n.listed)
        and _kind(n.known) == _kind(n.listed)
    ]
    return [n for n in found if sum(n.known is m.known or n.listed is m.listed for m in found) == 1]


def _numbers(party: Party) -> list[str]:
    return re.findall(r"\d+", party.folded) + re.findall(r"\d+", party.site)


def _kind(party: Party) -> list[str]:
    return [kind for kind in _KINDS if kind in party.name]


_DOUBTS: dict[DoubtRule, tuple[str, str]] = {
    "shared_word": ("名称中有相同的字号", "the names share a distinctive word"),
    "similar_name": ("名称相近，地址不同", "similar name, other address"),
    "similar_address": ("地址相近，名称不同", "similar address, other name"),
}


def _doubt(near: _Near) -> Doubt:
    rule: DoubtRule = "shared_word" if near.word else "similar_name" if near.name >= ALIKE else "similar_address"
    why, why_en = _DOUBTS[rule]
    return Doubt(known=near.known, listed=near.listed, rule=rule, why=why, why_en=why_en)
