"""Names near another one, and where in a text a name can stand: what memory holds of the characters of names."""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Iterable, Sequence
from functools import lru_cache
from operator import add

from rapidfuzz import fuzz, process

from registry.domain.name_alignment import is_spread

#: How near a name must be (0 to 100), and how near one is that contains the given name whole (盛京医院), or is
#: contained in it, however long.
NEAR, CONTAINS = 66.0, 75.0
#: Pairs are followed from the rarest until there are so many names to compare with; one that has very many only when
#: no rarer one had any, and then not all of them: so many, in the order of the alphabet; and none of a crowd.
_ENOUGH_NAMES, _MANY_NAMES, _NAME_LIMIT, _CROWD = 48, 128, 1024, 8192
_POSITION_TYPE = "I"
#: Names of which is remembered what was found for them.
_REMEMBERED = 4


class NearNameIndex:
    """Folded names by their pairs of neighbouring characters: those worth comparing with a name that nobody has.

    Comparing with every name costs more than all the rest of a question; the rarest pairs of a name (妇婴 rather than
    医院) lead to the few that can be meant. Which these are depends on the names, not on the order in which they came.
    """

    def __init__(self) -> None:
        self._keys: list[str] = []
        self._positions: dict[str, array[int]] = {}  # positions in _keys: four bytes instead of a whole object
        self._pairs: dict[str, list[str]] = {}  # those that hold a character
        self._counts: dict[str, int] = {}  # how many names hold a character
        # One name is asked about several times in a row, and what is left of it.
        self._last_selected: dict[str, list[str]] = {}
        self._last_longer: dict[str, list[str]] = {}

    def add_name(self, key: str) -> None:
        """Add a folded name; the caller adds each once."""
        position = len(self._keys)
        self._keys.append(key)
        self._last_selected, self._last_longer = {}, {}
        for pair in _split_pairs(key):
            positions = self._positions.get(pair)
            if positions is None:
                self._positions[pair] = array(_POSITION_TYPE, (position,))
                for character in set(pair):
                    self._pairs.setdefault(character, []).append(pair)
            else:
                positions.append(position)
        for character in set(key):
            self._counts[character] = self._counts.get(character, 0) + 1

    def remove_name(self, key: str) -> None:
        """Remove a name that nobody has any more; that takes a search, and hardly ever happens."""
        position = self._keys.index(key)
        self._last_selected, self._last_longer = {}, {}
        self._keys[position] = ""  # its place stays: the others keep theirs
        for pair in _split_pairs(key):
            self._positions[pair].remove(position)
        for character in set(key):
            self._counts[character] -= 1
            if not self._counts[character]:
                del self._counts[character]

    def score_names(self, key: str) -> dict[str, float]:
        """Score the names near a folded one (0 to 100)."""
        candidates = self._select_names(key)
        scores = score_similar(key, candidates, NEAR)
        # Whatever contains the whole name has its rarest pair, which was followed first.
        for name in candidates if len(key) >= 3 else ():
            if key in name:
                scores[name] = max(CONTAINS, scores.get(name, 0.0))
        return scores

    def list_longer_names(self, key: str) -> list[str]:
        """List the names that contain a folded one and more."""
        names = self._last_longer.get(key)
        if names is None:
            if len(self._last_longer) >= _REMEMBERED:
                self._last_longer = {}
            names = self._last_longer[key] = [name for name in self._select_names(key) if key in name and key != name]
        return names

    def find_rarest(self, text: str) -> str:
        """Find the character of a text that the fewest names have; empty where no name has one of them."""
        try:
            return min(text, key=self._counts.__getitem__)
        except KeyError:
            return ""

    def list_spread_names(self, texts: Iterable[str]) -> set[str]:
        """List the names that hold the characters of a text in their order, as an abbreviation of theirs would.

        The rarest character leads to them; where too many names have that one, too, none is an abbreviation.
        """
        found: set[str] = set()
        for text in texts:
            rarest = self.find_rarest(text)
            if rarest and self._counts[rarest] <= _NAME_LIMIT:
                last, keys = text[-2:-1], self._keys
                for pair in self._pairs[rarest]:
                    names = [keys[position] for position in self._positions[pair]]
                    found.update([name for name in names if last in name and is_spread(text, name)])
        return found

    def _select_names(self, key: str) -> list[str]:
        if (last := self._last_selected.get(key)) is not None:
            return last
        if len(self._last_selected) >= _REMEMBERED:
            self._last_selected = {}
        known = ((len(positions), pair) for pair in _split_pairs(key) if (positions := self._positions.get(pair)))
        chosen: set[int] = set()
        for _, pair in sorted(known):
            positions = self._positions[pair]
            if len(chosen) >= _ENOUGH_NAMES or (chosen and len(positions) > _MANY_NAMES) or len(positions) > _CROWD:
                break
            if len(positions) > _NAME_LIMIT:
                chosen.update(heapq.nsmallest(_NAME_LIMIT, positions, key=self._keys.__getitem__))
            else:
                chosen.update(positions)
        names = self._last_selected[key] = [self._keys[position] for position in chosen]
        return names


def _split_pairs(key: str) -> set[str]:
    return set(map(add, key, key[1:]))


def score_similar(key: str, names: Sequence[str], cutoff: float) -> dict[str, float]:
    """Score those of the names that are near a folded one (0 to 100), from ``cutoff`` on."""
    similar = process.extract(key, names, scorer=fuzz.ratio, score_cutoff=cutoff, limit=None)
    return {name: score for name, score, _ in similar}


class NameStarts:
    """How long the folded names are that begin with a pair of characters: where in a text one can stand.

    A bit for each length, so that it stays small however many names there are; the names themselves are looked up in
    the dictionary that is there. Names are added and never taken out.
    """

    def __init__(self) -> None:
        self._lengths: dict[str, int] = {}

    def add_name(self, key: str) -> None:
        """Add a folded name."""
        if _SHORTEST_NAME <= len(key) <= _LONGEST_NAME:
            pair = key[:2]
            self._lengths[pair] = self._lengths.get(pair, 0) | 1 << len(key)

    def list_lengths(self, pair: str) -> tuple[int, ...]:
        """List the lengths of the names that begin with a pair, the longest first."""
        return _list_bits(self._lengths.get(pair, 0))


#: Shorter ones are other words too (哈院); longer ones nobody writes in a sentence.
_SHORTEST_NAME, _LONGEST_NAME = 4, 60


@lru_cache(maxsize=4096)
def _list_bits(bits: int) -> tuple[int, ...]:
    return tuple(at for at in range(bits.bit_length() - 1, -1, -1) if bits >> at & 1)
