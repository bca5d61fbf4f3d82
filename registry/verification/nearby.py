"""Which names are worth comparing with one that nobody has: an index of pairs of neighbouring characters.

Comparing with every name costs more than everything else a question needs, and with a million of them far more. The
rarest pairs of a name (妇婴 rather than 医院) lead to the few that can be meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set

from rapidfuzz import fuzz, process

#: How near a name must be (0 to 100).
NEAR = 66.0
#: A name that contains the asked one whole (盛京医院) is near however long it is.
CONTAINS = 75.0
#: Pairs are followed from the rarest until there are so many names to compare with; one that has very many only when
#: no rarer one had any, and then not all of them.
ENOUGH, MANY, ALL = 48, 128, 4096
#: Of names equally near only so many are kept: nobody reads more.
MOST = 20


class NearIndex:
    """Folded names by their pairs of characters. Names are added and never taken out: who asks drops those gone."""

    def __init__(self) -> None:
        self._having: dict[str, list[str]] = {}

    def add(self, key: str) -> None:
        """Take in a folded name, once."""
        for pair in _pairs(key):
            self._having.setdefault(pair, []).append(key)

    def scores(self, key: str) -> dict[str, float]:
        """Names near a folded one, with how near they are."""
        having = self._having
        lists = sorted((having.get(pair, []) for pair in _pairs(key)), key=len)
        alike = process.extract(key, _enough(lists), scorer=fuzz.ratio, score_cutoff=NEAR, limit=MOST)
        found = {known: score for known, score, _ in alike}
        # Whatever contains the whole name has its rarest pair.
        around = [known for known in lists[0][:ALL] if key in known] if lists and len(key) >= 3 else []
        for known in around[:MOST]:
            found[known] = max(CONTAINS, found.get(known, 0.0))
        return found


def _pairs(key: str) -> Set[str]:
    return {key[i : i + 2] for i in range(len(key) - 1)}


def _enough(lists: Iterable[Sequence[str]]) -> list[str]:
    chosen: dict[str, None] = {}
    for having in lists:
        if len(chosen) >= ENOUGH or (chosen and len(having) > MANY):
            break
        chosen.update(dict.fromkeys(having[:ALL]))
    return list(chosen)
