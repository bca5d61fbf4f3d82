"""How a question may be read, and what fits a reading.

Search returns keys (subjects) and why each fits; facts always come from records, so a stale index can miss a hit but
never show an old licence status.
"""

from __future__ import annotations

from typing import Literal

from registry.domain.model import Struct
from registry.domain.techniques import Stage, TechniqueCode
from registry.search.pinyin import SoundPiece

MatchKind = Literal[
    "name",
    "alias",
    "former_name",
    "known_as",
    "pinyin",
    "initials",
    "abbreviation",
    "address",
    "typo",
    "similar",
    "technique",
    "filter",
    "code",
]
#: How names of institutions end.
_HOSPITALS = ("院", "中心", "研究所", "门诊部")


class Understood(Struct, frozen=True):
    """A piece of the question read as something other than a name."""

    text: str
    kind: Literal["region", "technique", "stage", "category"]
    value: str


class QueryReading(Struct, frozen=True):
    """One way to read a question: what is left to look for in names and addresses, and what was read as something else.

    Characters are in ``text`` (folded; ``parts`` are its words when there were several). A question with letters has
    ``ways`` to hear them, ``letters`` as initials, or words in ``english``, instead. ``regions`` are where the
    institution must be. ``cost`` is what this reading presumes. ``whole`` is the text with the places that were taken
    out of it.
    """

    text: str = ""
    whole: str = ""
    parts: tuple[str, ...] = ()
    ways: tuple[tuple[SoundPiece, ...], ...] = ()
    letters: str = ""
    english: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    techniques: tuple[TechniqueCode, ...] = ()
    stage: Stage | None = None
    categories: tuple[str, ...] = ()
    understood: tuple[Understood, ...] = ()
    cost: float = 0.0

    @property
    def is_listing(self) -> bool:
        """Whether nothing is looked for in names: the question is made of places, techniques, stages and kinds."""
        return not (self.text or self.ways or self.letters or self.english)


class SearchQuery(Struct, frozen=True):
    """A question as understood: readings, the plainest first.

    ``listing`` is the reading in which every word is a filter, ``listing_first`` when that is more likely meant than a
    name (大连, 郑州三代试管; but 博爱医院 is a hospital before it is the hospitals of 博爱 county). ``is_name`` when it
    is written like the whole name of one institution and nothing else (鞍山市中心医院); ``has_name`` when a word of it
    is (卢湾区 瑞金医院); ``is_sentence`` when it has words that no name has. ``is_part`` when it stands in a longer
    question, so that nobody is still typing it.
    """

    raw: str
    readings: tuple[QueryReading, ...] = ()
    listing: QueryReading | None = None
    listing_first: bool = False
    is_name: bool = False
    has_name: bool = False
    is_sentence: bool = False
    is_part: bool = False

    @property
    def may_be_a_name(self) -> bool:
        """Whether a question of filters only reads like a name too: 太原市中心医院 试管婴儿."""
        return any(reading.text.endswith(_HOSPITALS) for reading in self.readings)

    @property
    def is_meaningless(self) -> bool:
        """Whether the question has no letter, digit or word to look for."""
        return bool(self.raw.strip()) and not self.readings and self.listing is None


class Hit(Struct, frozen=True):
    """One institution that fits: by what, at what cost, and the name that fitted, folded; its region where known.

    A cost of 0 is best; from ``name_alignment.WEAK`` on the name is only alike.
    """

    subject: str
    match: MatchKind
    cost: float
    fitted: str
    reading: QueryReading
    region: str = ""
