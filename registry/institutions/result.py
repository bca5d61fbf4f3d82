"""The result of a question: a page of institutions, why each is there, and where the next page begins."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

import msgspec

from registry.domain.model import Institution, Practitioner, Struct
from registry.domain.techniques import TechniqueCode
from registry.errors import InvalidInput
from registry.records.stats import Stats
from registry.search.readings import Hit, MatchKind, SearchQuery, Understood
from registry.search.stages import SearchStage
from registry.texts import Message


class InstitutionHit(Struct, frozen=True):
    """One institution of a result and why it fits."""

    institution: Institution
    match: MatchKind
    by: str | None = None  # the name that fitted, as printed, when it was not the institution's own
    lacks: tuple[TechniqueCode, ...] = ()  # techniques the question named for which this institution is not approved
    practitioners: tuple[Practitioner, ...] = ()  # its authorised people whom the question names


class Warned(Struct, frozen=True):
    """Something nobody may offer was asked for. ``rest`` is the question without it; may be empty."""

    kinds: tuple[str, ...]
    words: tuple[str, ...]
    rest: str


class SearchResult(Struct, frozen=True):
    """One page of institutions; ``next`` is the cursor of the following page, on the same log size.

    ``total`` is how many fit. With ``at_least`` so many fit a question that only the first were ranked and counted;
    more of them follow, and ``facets`` are left out.
    """

    items: list[InstitutionHit]
    total: int
    next: str | None
    log_size: int
    understood: tuple[Understood, ...]
    at_least: bool = False
    facets: Stats | None = None
    warning: Warned | None = None
    similar: bool = False  # nothing fits what was written; these are near names, which are different institutions
    did_you_mean: str | None = None  # the name the question may have meant to write, when it is only similar


class SearchExplanation(Struct, frozen=True):
    """How a question was understood and what came of it, for debugging a search."""

    query: SearchQuery
    engine: str
    stages: tuple[SearchStage, ...]
    hits: list[Hit]


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """Where a page begins: after ``offset`` ranked hits, after a (region, subject) of a list, or after a document."""

    size: Annotated[int, msgspec.Meta(ge=0)]
    offset: Annotated[int, msgspec.Meta(ge=0)] = 0
    after: tuple[str, str] | None = None
    beyond: Annotated[int, msgspec.Meta(ge=0)] | None = None

    def encode(self) -> str:
        """Encode it as a page's address carries it."""
        return base64.urlsafe_b64encode(msgspec.json.encode(self)).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> Cursor:
        """Decode the cursor of a page; InvalidInput for one the register did not give."""
        try:
            return msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=cls)
        except (msgspec.DecodeError, binascii.Error, ValueError) as error:
            raise InvalidInput(Message("cursor 无效，请从第一页重新开始。")) from error
