"""Which institution of a list is which of the register: an inference that a person confirms by approving.

Rules from certain to doubtful, each only where exactly one of each side is left: the same code of this register or
number of a licence (of a legal person's code only beside the same name or site), the same name (a changed address is a
move), the same name but for a bracket, alias or company form, the former name that a bracket states, a name beside a
street and number that one had on any day, the same street and number (a changed name is a rename). A name that stands
only in a bracket proves nothing at another site: a hospital with two names may have become two. Those that are only
similar, or have an earlier name or address of another, are doubts: shown to a person and imported as two, because
merging two institutions could license what was never approved.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator

from registry.domain.normalise import fold_text
from registry.importers.matching import neighbours, organisations
from registry.importers.matching.organisations import (
    Doubt,
    DoubtRule,
    Pair,
    Pairing,
    Party,
    Rulings,
    Why,
    may_share_city,
)
from registry.verification import names

#: The former name that a bracket states: 示例医院（原示例妇婴医院）.
_FORMER = re.compile(r"[（(]\s*原\s*([^（()）]{4,})[)）]")
_Keys = Callable[[Party], list[Hashable]]
#: A second name that is a part of the institution: at another address it is another site.
_PART = re.compile("院区|分院|[东西南北新老]院|[东西南北新老]区")


def pair_parties(
    known: Iterable[Party],
    listed: Iterable[Party],
    decided: dict[str, str] | None = None,
    *,
    only_sure: bool = False,
    rulings: Rulings | None = None,
) -> Pairing:
    """Pair two sides; ``decided`` maps a listed name to the known name that a person found to be the same.

    ``rulings`` decide by keys who is one and who is two. ``only_sure`` stops after the rules on names and streets:
    nothing similar is paired or put in doubt.
    """
    run = _PairingRun(list(known), list(listed), rulings.apart if rulings else frozenset())
    for a, b in sorted(rulings.same, key=str) if rulings else ():
        if a in run.known and b in run.listed:
            run.add_pair(run.known[a], run.listed[b], "decided")
    if decided:
        by_name = {party.name: party for party in run.known.values()}
        for party in list(run.listed.values()):
            if (match := by_name.get(decided.get(party.name, ""))) is not None and match.key in run.known:
                run.add_pair(match, party, "decided")
    for kind in ("code:", "licence:"):
        run.pair_by_key(_make_code_keys(kind), "same_code", lambda _known, _listed: True)
    run.pair_by_key(_list_uscc_keys, "same_code", _is_same_of_uscc)
    run.crossed = _find_crossed_keys(run)
    run.pair_by_key(lambda p: [(p.province, p.name_key, p.site)], "same_name", may_share_city)
    run.pair_by_key(_list_full_name_keys, "same_name", organisations.is_surely_one_city)
    run.pair_by_key(_list_loose_name_keys, "same_name_apart_from_brackets", organisations.is_at_one_site)
    run.pair_by_key(_list_base_name_keys, "same_name_apart_from_brackets", _may_have_moved, alone=_list_loose_name_keys)
    run.pair_by_key(_list_all_name_keys, "former_name", _is_successor, alone=_list_all_name_keys)
    run.pair_by_key(_list_record_keys, "earlier_record", _has_stood_there)
    run.pair_by_key(
        lambda p: [(p.region, organisations.get_street(p))] if _has_street_number(p) else [],
        "same_address",
        _is_at_one_address,
    )
    run.pair_by_key(
        lambda p: [(p.province, organisations.get_street(p))] if _has_street_number(p) else [],
        "same_address",
        _is_at_one_address,
    )
    if only_sure:
        return Pairing(pairs=run.pairs, new=list(run.listed.values()), gone=list(run.known.values()), doubts=[])
    near = [
        pair
        for pair in neighbours.find_neighbours(run.known.values(), run.listed.values(), _list_all_name_keys)
        if not run.is_apart(pair.known, pair.listed)
    ]
    for pair in neighbours.select_sure_pairs(near):
        run.add_pair(pair.known, pair.listed, "similar_name_and_address")
    doubts = list(_find_earlier_doubts(run))
    seen = {(doubt.known.key, doubt.listed.key) for doubt in doubts}
    doubts += [
        neighbours.make_doubt(n)
        for n in near
        if n.known.key in run.known and n.listed.key in run.listed and (n.known.key, n.listed.key) not in seen
    ]
    return Pairing(pairs=run.pairs, new=list(run.listed.values()), gone=list(run.known.values()), doubts=doubts)


class _PairingRun:
    """What of the two sides is not paired yet, and the pairs so far."""

    def __init__(self, known: list[Party], listed: list[Party], apart: frozenset[tuple[int | str, int | str]]) -> None:
        self.known = {party.key: party for party in known}
        self.listed = {party.key: party for party in listed}
        self.apart = apart
        self.crossed: frozenset[int | str] = frozenset()
        self.pairs: list[Pair] = []

    def is_apart(self, known: Party, listed: Party) -> bool:
        return (known.key, listed.key) in self.apart

    def add_pair(self, known: Party, listed: Party, why: Why) -> None:
        self.pairs.append(Pair(known=known, listed=listed, why=why))
        del self.known[known.key], self.listed[listed.key]

    def pair_by_key(
        self,
        keys: Callable[[Party], list[Hashable]],
        why: Why,
        fits: Callable[[Party, Party], bool],
        *,
        alone: Callable[[Party], list[Hashable]] | None = None,
    ) -> None:
        """Pair those that share a key which exactly one of each side has, where ``fits``.

        With ``alone``, only those of which neither shares one of these keys with a third.
        """
        if not self.known or not self.listed:
            return
        sides = self.group_by_key(keys)
        exclusive = self._find_exclusive_pairs(alone) if alone else None
        for key, left in sides[0].items():
            right = sides[1].get(key, set())
            if len(left) == len(right) == 1:
                a, b = self.known.get(next(iter(left))), self.listed.get(next(iter(right)))
                if a is None or b is None or self.is_apart(a, b) or not fits(a, b):
                    continue
                if a.key in self.crossed or b.key in self.crossed:
                    continue
                if exclusive is None or (a.key, b.key) in exclusive:
                    self.add_pair(a, b, why)

    def group_by_key(self, keys: Callable[[Party], list[Hashable]]) -> tuple[dict[Hashable, set[int | str]], ...]:
        """The parties of each side by their keys."""
        sides = (defaultdict[Hashable, set[int | str]](set), defaultdict[Hashable, set[int | str]](set))
        for side, parties in zip(sides, (self.known, self.listed), strict=True):
            for party in parties.values():
                for key in keys(party):
                    side[key].add(party.key)
        return sides

    def _find_exclusive_pairs(self, keys: Callable[[Party], list[Hashable]]) -> set[tuple[int | str, int | str]]:
        """(known, listed) that share a key, where neither shares one with a third in its city."""
        left, right = self.group_by_key(keys)
        pairs = {
            (a, b)
            for key in left
            for a in left[key]
            for b in right.get(key, ())
            if may_share_city(self.known[a], self.listed[b])
        }
        counts = Counter([*((0, a) for a, _ in pairs), *((1, b) for _, b in pairs)])
        return {(a, b) for a, b in pairs if counts[0, a] == counts[1, b] == 1}


def _find_crossed_keys(run: _PairingRun) -> frozenset[int | str]:
    """The keys of those whose names were exchanged among their own sites, in pairs or rings.

    No rule can tell whether names or houses were exchanged.
    """
    by_name, by_house = run.group_by_key(_list_full_name_keys), run.group_by_key(_list_house_keys)
    leads: dict[int | str, tuple[int | str, int | str]] = {}  # known -> (known whose house its name has now, listed)
    for name, keys in by_name[0].items():
        others = by_name[1].get(name, set())
        if len(keys) != 1 or len(others) != 1:
            continue
        known, listed = next(iter(keys)), next(iter(others))
        for house in _list_house_keys(run.listed[listed]):
            residents = by_house[0].get(house, set()) - {known}
            if len(residents) == 1:
                leads[known] = (next(iter(residents)), listed)
    crossed: set[int | str] = set()
    for start in leads:
        ring = [start]
        while (following := leads[ring[-1]][0]) in leads and following not in ring:
            ring.append(following)
        if following == start:
            crossed.update(key for known in ring for key in (known, leads[known][1]))
    return frozenset(crossed)


def _make_code_keys(kind: str) -> _Keys:
    return lambda party: [code for code in party.codes if code.startswith(kind)]


def _list_uscc_keys(party: Party) -> list[Hashable]:
    return [party.uscc] if party.uscc else []


def _is_same_of_uscc(a: Party, b: Party) -> bool:
    """Of one legal person: the same where a name or the site is, since it may have another site."""
    return bool({*_list_all_name_keys(a)} & {*_list_all_name_keys(b)}) or organisations.is_at_one_site(a, b)


def _list_full_name_keys(party: Party) -> list[Hashable]:
    return [(party.province, party.name_key)]


def _list_house_keys(party: Party) -> list[Hashable]:
    return (
        [(party.city, organisations.get_street(party))]
        if _has_street_number(party) and organisations.has_known_city(party)
        else []
    )


def _has_street_number(party: Party) -> bool:
    return any(c.isdigit() for c in party.site) and len(party.site) >= 4


def _is_at_one_address(a: Party, b: Party) -> bool:
    """Other names at one street and number: only where nothing else of the addresses could differ."""
    return (
        may_share_city(a, b)
        and organisations.has_known_city(a)
        and organisations.has_known_city(b)
        and organisations.may_share_site(a, b)
    )


def _list_loose_name_keys(party: Party) -> list[Hashable]:
    loose = {key for key, rule in names.make_official_keys(party.name, party.campus) if rule != "campus"}
    loose |= {names.remove_company_form(fold_text(alias)) for alias in party.aliases}
    return [(party.province, key) for key in sorted(loose)]


def _list_base_name_keys(party: Party) -> list[Hashable]:
    """The whole name and what stands before its bracket; not the names in it."""
    return [
        (party.province, key) for key, rule in names.make_official_keys(party.name, party.campus) if rule != "campus"
    ]


def _list_former_names(party: Party) -> list[str]:
    return [names.remove_company_form(fold_text(name)) for name in _FORMER.findall(party.name)]


def _list_all_name_keys(party: Party) -> list[Hashable]:
    """Every name of the party, former ones included."""
    return [*_list_loose_name_keys(party), *((party.province, key) for key in _list_former_names(party))]


def _list_record_keys(party: Party) -> list[Hashable]:
    """Each of its names with each of its streets and numbers, those of other days included."""
    names_of_all = dict.fromkeys(key for one in party.variants for key in _list_loose_name_keys(one))
    streets = dict.fromkeys(organisations.get_street(one) for one in party.variants if _has_street_number(one))
    return [(name, street) for name in names_of_all for street in streets]


def _has_stood_there(a: Party, b: Party) -> bool:
    return any(organisations.is_at_one_site(one, b) for one in a.variants)


def _find_earlier_doubts(run: _PairingRun) -> Iterator[Doubt]:
    """Yield who has a name, or stands at an address, that another had on another day, or is called by people.

    A name may have been given to another, and somebody else may have moved in: no rule takes these for one.
    """
    seen: set[tuple[int | str, int | str]] = set()
    for rule, (known_keys, listed_keys) in _EARLIER_KEYS.items():
        holders: dict[Hashable, list[Party]] = defaultdict(list)
        for known in run.known.values():
            for key in dict.fromkeys(known_keys(known)):
                holders[key].append(known)
        for listed in run.listed.values():
            for known in (known for key in listed_keys(listed) for known in holders.get(key, ())):
                pair = (known.key, listed.key)
                if pair not in seen and may_share_city(known, listed) and not run.is_apart(known, listed):
                    seen.add(pair)
                    yield neighbours.make_rule_doubt(rule, known, listed)


def _list_earlier_names(party: Party) -> list[Hashable]:
    return [key for one in party.variants[1:] for key in _list_loose_name_keys(one)]


def _list_streets(parties: Iterable[Party]) -> list[Hashable]:
    return [(one.province, organisations.get_street(one)) for one in parties if _has_street_number(one)]


#: What one may be recognised by beside its present name and address, the surest first: keys of the register's side,
#: and of the list's.
_EARLIER_KEYS: dict[DoubtRule, tuple[_Keys, _Keys]] = {
    "same_uscc": (_list_uscc_keys, _list_uscc_keys),
    "earlier_name": (_list_earlier_names, _list_loose_name_keys),
    "earlier_address": (lambda party: _list_streets(party.variants[1:]), lambda party: _list_streets([party])),
    "known_as": (
        lambda party: [(party.province, fold_text(name)) for name in party.known_as],
        lambda party: [(party.province, party.name_key)],
    ),
}


def _may_have_moved(a: Party, b: Party) -> bool:
    """The same name but for its bracket at another address, where no bracket speaks of a part of it."""
    parts = [{alias for alias in party.aliases if _PART.search(alias)} for party in (a, b)]
    return organisations.is_surely_one_city(a, b) and parts[0] == parts[1]


def _is_successor(a: Party, b: Party) -> bool:
    """Whether the list states its former name, or the name in a bracket is that of one on the same road."""
    if not organisations.is_surely_one_city(a, b):
        return False
    shared_names = {(b.province, key) for key in _list_former_names(b)} & set(_list_loose_name_keys(a))
    return bool(shared_names) or organisations.is_on_one_road(a, b)
