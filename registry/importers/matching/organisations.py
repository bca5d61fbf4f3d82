"""The two sides of a comparison: institutions by what tells them apart, and pairs, doubts and decisions about them."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Literal

from registry.domain import regions
from registry.domain.model import Struct
from registry.domain.normalise import fold_text
from registry.verification import addresses

Why = Literal[
    "same_name", "same_name_apart_from_brackets", "former_name", "same_address", "similar_name_and_address", "decided"
]
DoubtRule = Literal["similar_name", "similar_address", "shared_word"]
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
        """The first two digits of its region; empty when unknown."""
        return (self.region or "")[:2]

    @property
    def city(self) -> str:
        """The first four digits of its region, or as many as are known."""
        return (regions.get_prefix(self.region) if self.region else "")[:4]

    @cached_property
    def site(self) -> str:
        """Street and number, folded; or the whole rest of the address when there is no number."""
        rest = addresses.split_address(self.address)[1]
        match = _STREET.match(rest)
        return match["street"] if match else rest

    @cached_property
    def name_key(self) -> str:
        """The comparison key of the name."""
        return fold_text(self.name)


class Pair(Struct, frozen=True):
    """One institution on both sides, and the rule that pairs them."""

    known: Party
    listed: Party
    why: Why


class Doubt(Struct, frozen=True):
    """Two institutions that may be one, which a person decides; ``why`` in Chinese and English."""

    known: Party
    listed: Party
    rule: DoubtRule
    why: str
    why_en: str


class Rulings(Struct, frozen=True):
    """Decisions of a person by keys (known, listed), whatever a rule says: one and the same, or two."""

    same: frozenset[tuple[int | str, int | str]] = frozenset()
    apart: frozenset[tuple[int | str, int | str]] = frozenset()


class Pairing(Struct, frozen=True):
    """Every institution of both sides once: paired, new or gone. Those of ``doubts`` are among new and gone too."""

    pairs: list[Pair]
    new: list[Party]
    gone: list[Party]
    doubts: list[Doubt]
