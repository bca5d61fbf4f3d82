"""The search port in our own words: what is asked, what an engine is told to fetch, what comes back.

Search returns keys (subjects) and why each fits; facts always come from records, so a stale index can miss a hit but
never show an old licence status. An engine knows nothing of names, pinyin or places: it holds documents with their
tokens, and fetches those whose tokens satisfy an expression. Understanding is ``query``, order is ``rank``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, Protocol, TypeAlias

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


class NameForm(Struct, frozen=True):
    """One name of an institution as the index holds it: folded, and its characters with how each is read.

    ``atoms`` is `` 盛.sheng 京.jing 长.chang.zhang `` (a space before and after each, see ``pinyin.to_atoms``).
    """

    text: str
    atoms: str


class SearchDocument(Struct, frozen=True):
    """What the index holds of one institution: its names and its place, nothing that is a fact about its licence.

    ``place`` is the address with the names of its region, folded; ``region`` the GB/T 2260 code of the address, empty
    when none is known; ``listed`` is false for an institution in no list any more.
    """

    subject: str
    names: tuple[NameForm, ...]  # as printed, and without what stands in brackets at its end
    aliases: tuple[NameForm, ...] = ()
    known_as: tuple[NameForm, ...] = ()
    former: tuple[NameForm, ...] = ()
    place: str = ""
    region: str = ""
    listed: bool = True


# --- what an engine is told ------------------------------------------------------------------------------------------


class TokenTerm(Struct, frozen=True, cache_hash=True, tag="word"):
    """Documents that hold this token."""

    token: str


class PrefixTerm(Struct, frozen=True, cache_hash=True, tag="start"):
    """Documents that hold a token which begins so."""

    token: str


class AllOf(Struct, frozen=True, cache_hash=True, tag="all"):
    """Documents that satisfy every part; there is at least one."""

    parts: tuple[Expression, ...]


class AnyOf(Struct, frozen=True, cache_hash=True, tag="some"):
    """Documents that satisfy at least one part; there is at least one."""

    parts: tuple[Expression, ...]


Expression: TypeAlias = TokenTerm | PrefixTerm | AllOf | AnyOf


class ExpressionSyntax(Struct, frozen=True):
    """How an engine is told an expression: a token, the beginning of one, and what joins parts."""

    word: str  # with {} for the token
    start: str
    all: str
    some: str
    quoted: Callable[[str], str] = str

    def format_expression(self, expression: Expression) -> str:
        """The expression in this language."""
        match expression:
            case TokenTerm(token=token):
                return self.word.format(self.quoted(token))
            case PrefixTerm(token=token):
                return self.start.format(self.quoted(token))
            case AllOf(parts=parts):
                return f"({self.all.join(map(self.format_expression, parts))})"
            case AnyOf(parts=parts):
                return f"({self.some.join(map(self.format_expression, parts))})"


class FetchResult(Struct, frozen=True):
    """Documents that satisfy an expression. Not ``complete``: there are more than were asked for."""

    documents: list[SearchDocument]
    complete: bool


class EngineUnavailable(Exception):
    """The search engine outside cannot be asked: the embedded one is asked instead, so that nobody sees this."""


class Engine(Protocol):
    """Fetches candidates. ``size`` is the log size its documents rest on."""

    name: str

    def fetch(self, expressions: Sequence[Expression], limit: int) -> list[FetchResult]:
        """For each expression at most ``limit`` of its documents; EngineUnavailable when it cannot be asked."""
        ...


# --- what is asked and answered --------------------------------------------------------------------------------------


class QueryReading(Struct, frozen=True):
    """One way to read a question: what is left to look for in names and addresses, and what was read as something else.

    Characters are in ``text`` (folded; ``parts`` are its words when there were several). A question with letters has
    ``ways`` to hear them, or ``letters`` as initials, instead. ``regions`` are where the institution must be.
    ``cost`` is what this reading presumes.
    """

    text: str = ""
    parts: tuple[str, ...] = ()
    ways: tuple[tuple[SoundPiece, ...], ...] = ()
    letters: str = ""
    regions: tuple[str, ...] = ()
    techniques: tuple[TechniqueCode, ...] = ()
    stage: Stage | None = None
    categories: tuple[str, ...] = ()
    understood: tuple[Understood, ...] = ()
    cost: float = 0.0

    @property
    def is_listing(self) -> bool:
        """Nothing is looked for in names: the question is made of places, techniques, stages and kinds."""
        return not (self.text or self.ways or self.letters)


class SearchQuery(Struct, frozen=True):
    """A question as understood: readings, the plainest first.

    ``listing`` is the reading in which every word is a filter, ``listing_first`` when that is what is meant before any
    name (大连, 郑州三代试管; but 博爱医院 is a hospital before it is the hospitals of 博爱 county).
    """

    raw: str
    readings: tuple[QueryReading, ...] = ()
    listing: QueryReading | None = None
    listing_first: bool = False

    @property
    def may_be_a_name(self) -> bool:
        """Whether a question of filters only reads like a name too: 太原市中心医院 试管婴儿."""
        return any(reading.text.endswith(_HOSPITALS) for reading in self.readings)

    @property
    def is_meaningless(self) -> bool:
        """Something was asked in which there is no letter, digit or word to look for."""
        return bool(self.raw.strip()) and not self.readings and self.listing is None


class Hit(Struct, frozen=True):
    """One institution that fits: by what, at what cost, and the name that fitted, folded.

    A cost of 0 is best; from ``rank.WEAK`` on the name is only alike.
    """

    subject: str
    match: MatchKind
    cost: float
    fitted: str
    reading: QueryReading
