"""Which names are worth comparing with one that nobody has: an index of pairs of neighbouring characters.

Comparing with every name costs more than everything else a question needs, and with a million of them far more. The
rarest pairs of a name (妇婴 rather than 医院) lead to the few that can be meant.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from operator import add

from rapidfuzz import fuzz, process

#: How near a name must be (0 to 100).
NEAR = 66.0
#: A name that contains the asked one whole (盛京医院) is near however long it is.
CONTAINS = 75.0
#: Pairs are followed from the rarest until there are so many names to compare with; one that has very many only when
#: no rarer one had any, and then not all of them.
ENOUGH, MANY, ALL = 48, 128, 1024
#: Of names equally near only so many are kept: nobody reads more.
MOST = 20
_POSITION = "I"
_NONE = array(_POSITION)


class NearNameIndex:
    """Folded names by their pairs of characters. Names are added and never taken out: who asks drops those gone."""

    def __init__(self) -> None:
        self._keys: list[str] = []
        self._having: dict[str, array[int]] = {}  # positions in _keys: four bytes instead of a whole object

    def add_name(self, key: str) -> None:
        """Take in a folded name, once."""
        position = len(self._keys)
        self._keys.append(key)
        having = self._having
        for pair in _split_pairs(key):
            held = having.get(pair)
            if held is None:
                having[pair] = array(_POSITION, (position,))
            else:
                held.append(position)

    def score_names(self, key: str) -> dict[str, float]:
        """Names near a folded one, with how near they are."""
        lists = sorted((self._having.get(pair, _NONE) for pair in _split_pairs(key)), key=len)
        worth = [self._keys[position] for position in _select_positions(lists)]
        alike = process.extract(key, worth, scorer=fuzz.ratio, score_cutoff=NEAR, limit=MOST)
        found = {known: score for known, score, _ in alike}
        # Whatever contains the whole name has its rarest pair, which was followed first.
        around = [known for known in worth if key in known] if len(key) >= 3 else []
        for known in around[:MOST]:
            found[known] = max(CONTAINS, found.get(known, 0.0))
        return found


def _split_pairs(key: str) -> set[str]:
    return set(map(add, key, key[1:]))


def _select_positions(lists: Iterable[Sequence[int]]) -> Iterable[int]:
    chosen: set[int] = set()
    for having in lists:
        if len(chosen) >= ENOUGH or (chosen and len(having) > MANY):
            break
        chosen.update(having[:ALL])
    return chosen
