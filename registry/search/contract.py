"""The search port in our own words: what is asked, what comes back. Engines are behind it.

Search returns keys (subjects) and why each fits; facts always come from records, so a stale index can miss a hit but
never show an old licence status.
"""

from __future__ import annotations

from typing import Literal

from registry.model import Struct
from registry.techniques import Stage, TechniqueCode

MatchKind = Literal["name", "alias", "former_name", "abbreviation", "address", "code", "similar", "filter"]


class Understood(Struct, frozen=True):
    """A piece of the question read as something other than a name."""

    text: str
    kind: Literal["region", "technique", "stage"]
    value: str


class SearchQuery(Struct, frozen=True):
    """A question as understood. ``text`` is what is left to look for in names and addresses, folded; may be empty."""

    raw: str
    text: str
    regions: tuple[str, ...] = ()
    techniques: tuple[TechniqueCode, ...] = ()
    stage: Stage | None = None
    understood: tuple[Understood, ...] = ()
    otherwise: SearchQuery | None = None  # how to read the question when this reading finds nothing

    @property
    def means_nothing(self) -> bool:
        """Something was asked in which there is no letter, digit or word to look for."""
        return bool(self.raw.strip()) and not self.text and not self.understood


class Document(Struct, frozen=True):
    """What the index holds of one institution: folded names and place, nothing that is a fact about its licence."""

    subject: str
    name: str
    aliases: tuple[str, ...]
    former: tuple[str, ...]
    place: str
    region: str
    listed: bool


class Hit(Struct, frozen=True):
    """One institution that fits, and by what."""

    subject: str
    match: MatchKind
