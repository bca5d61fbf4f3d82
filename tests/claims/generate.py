"""Claims of our own, made by rule from the two editions: each with the one verdict it must get, and whom it means.

The rules are those of ``honest`` and ``near`` applied to names drawn by hash, and what the editions themselves say:
techniques held and not held, addresses, names of 2018, names people use. No list of claims is kept: it is made anew.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import NamedTuple

from tests.claims import honest, near
from tests.claims.lists import TECHNIQUES, Listed, draw, in_use, is_somebodys, now, plain, somebodys, then

NOW, THEN = dt.date(2025, 7, 1), dt.date(2018, 6, 1)
NEVER_LICENSED = frozenset({"near", "address", "in use", "before"})


class Made(NamedTuple):
    """One claim: what is asked, which verdicts are right, whom it must match (None: nobody in particular)."""

    category: str
    name: str
    technique: str
    address: str | None
    on: dt.date
    verdicts: frozenset[str]
    matched: str | None

    @property
    def honest(self) -> bool:
        """Whether it names a listed institution, however written."""
        return self.category not in NEVER_LICENSED


def _drawn(rows: list[Listed], salt: str, one_in: int) -> list[Listed]:
    return [one for one in rows if draw(one.name, one.address, salt) % one_in == 0]


def _once() -> set[str]:
    """Plain names of one site only: the others need an address."""
    names = [plain(one.name) for one in now()]
    return {name for name in names if names.count(name) == 1}


def claims() -> Iterator[Made]:
    """Every claim, in the same order each time."""
    yield from _exact()
    yield from _written_otherwise()
    yield from _near()
    yield from _addresses()
    yield from _of_2018()
    yield from _in_use()


def _exact() -> Iterator[Made]:
    once = _once()
    for one in _drawn(now(), "exact", 4):
        for technique in TECHNIQUES:
            word = "licensed" if technique in one.techniques else "technique_not_licensed"
            address = None if plain(one.name) in once else one.address
            yield Made("exact", one.name, technique, address, NOW, frozenset({word}), one.name)


def _written_otherwise() -> Iterator[Made]:
    once = _once()
    for how in honest.VARIATIONS:
        for one in _drawn(now(), how, 12):
            if plain(one.name) in once:
                forms = honest.written(how, one)
                written = forms[draw(one.name, how, "form") % len(forms)]
                yield Made(how, written, one.techniques[0], None, NOW, frozenset({"licensed"}), one.name)


def _near() -> Iterator[Made]:
    wrong = frozenset({"not_found", "ambiguous", "site_mismatch"})
    for how in near.NEAR:
        for one in _drawn(now(), how, 10):
            forms = near.changed(how, one)
            if not forms:
                continue
            name, address = forms[draw(one.name, how, "form") % len(forms)]
            if address is not None or (not is_somebodys(name) and plain(name) != plain(one.name)):
                yield Made("near", name, one.techniques[0], address, NOW, wrong, None)


def _addresses() -> Iterator[Made]:
    rows = now()
    for one in _drawn(rows, "address", 6):
        yield Made("own address", one.name, one.techniques[0], one.address, NOW, frozenset({"licensed"}), one.name)
        other = rows[draw(one.name, "far") % len(rows)]
        if other.province != one.province:
            verdicts = frozenset({"site_mismatch"})
            yield Made("address", one.name, one.techniques[0], other.address, NOW, verdicts, one.name)


def _of_2018() -> Iterator[Made]:
    names = [one.name for one in then()]
    for one in _drawn(then(), "2018", 4):
        if names.count(one.name) == 1:
            yield Made("of 2018", one.name, one.techniques[0], None, THEN, frozenset({"licensed"}), None)
            before = dt.date(2018, 1, 1)
            yield Made("before", one.name, one.techniques[0], None, before, frozenset({"unknown"}), None)


def _in_use() -> Iterator[Made]:
    for _, name in in_use():
        if plain(name) not in somebodys() and draw(name, "use") % 3 == 0:
            yield Made("in use", name, "IVF", None, NOW, frozenset({"not_found"}), None)
