"""A question about institutions and its result: filters, a page of hits and why each is there, the next page."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Literal, get_args

import msgspec

from registry.domain import regions
from registry.domain.model import Institution, Practitioner, StandingWord, Struct
from registry.domain.techniques import BY_CODE, LAWFUL_STAGES, STAGES, TechniqueCode
from registry.errors import InvalidInput
from registry.records.selection import IN_FORCE, InstitutionFilter
from registry.records.stats import Stats
from registry.search.readings import Hit, MatchKind, QueryReading, SearchQuery, Understood
from registry.search.stages import SearchStage
from registry.texts import Listing, Message
from registry.verification.answer import parse_technique


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


#: ``found``: these are what was asked for. ``near``: a name was read whole and nobody has it; the items, if any, are
#: other institutions. ``not_understood``: no name was read whole, so nothing can be said of who is on the list.
SearchState = Literal["found", "near", "not_understood"]


class SearchResult(Struct, frozen=True):
    """One page of institutions; ``next`` is the cursor of the following page, on the same log size.

    ``total`` is how many fit. With ``at_least`` so many fit a question that only the first were ranked and counted;
    more of them follow, and ``facets`` are left out. ``name_read`` is what was read as a name, as it was typed;
    ``not_understood`` the words that were read as nothing. ``in_text``: the names were found inside a longer text.
    ``elsewhere`` is the place that was typed, when the institutions found do not lie there.
    """

    items: list[InstitutionHit]
    total: int
    next: str | None
    log_size: int
    understood: tuple[Understood, ...]
    at_least: bool = False
    facets: Stats | None = None
    warning: Warned | None = None
    state: SearchState = "found"
    name_read: str | None = None
    not_understood: tuple[str, ...] = ()
    in_text: bool = False
    elsewhere: str | None = None
    did_you_mean: str | None = None  # the name the question may have meant to write, when it is only near

    @property
    def similar(self) -> bool:
        """Whether there are items and all of them are other institutions than the one asked for."""
        return self.state != "found" and bool(self.items)


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


STANDINGS: tuple[str, ...] = get_args(StandingWord)
#: Delisted institutions are found by name, and are in no list of institutions unless asked for.
EVERY_STATUS = ("listed", "suspended", "delisted")


class SearchRequest(Struct, frozen=True):
    """The question and filters of a list as the pages and the API give them, not yet checked."""

    q: str = ""
    technique: tuple[str, ...] = ()
    region: str | None = None
    stage: str | None = None
    status: str | None = None
    standing: tuple[str, ...] = ()


def make_filter(request: SearchRequest, reading: QueryReading | None = None) -> InstitutionFilter:
    """Make the filter of a request, with the filters a reading is made of; InvalidInput for one that is none."""
    reading = reading or QueryReading()
    techniques = dict.fromkeys([*(parse_technique(word) for word in request.technique), *reading.techniques])
    stage = request.stage or reading.stage
    if stage is not None and stage not in STAGES:
        raise InvalidInput(Message("未知的阶段“{stage}”；可用：{stages}。", stage=stage, stages=Listing(STAGES)))
    if request.region is not None and regions.find_region(request.region) is None:
        raise InvalidInput(
            Message("未知的行政区划代码“{region}”，须为6位 GB/T 2260 代码，如 210300。", region=request.region)
        )
    return InstitutionFilter(
        techniques=tuple(code for code in techniques if code in BY_CODE),
        regions=(request.region,) if request.region else reading.regions,
        stage=stage,
        statuses=_select_statuses(request),
        standings=_select_standings(request, stage),
    )


def make_name_filter(request: SearchRequest) -> InstitutionFilter:
    """Make the same for institutions meant by name: also those delisted or not yet approved, unless asked otherwise."""
    return msgspec.structs.replace(make_filter(request), standings=request.standing)


def _select_statuses(request: SearchRequest) -> tuple[str, ...]:
    if request.status in (None, "all"):
        return ()
    if request.status not in EVERY_STATUS:
        raise InvalidInput(
            Message("未知的状态“{status}”。", status=request.status, every_status=", ".join(EVERY_STATUS))
        )
    return (request.status,)


def _select_standings(request: SearchRequest, stage: str | None) -> tuple[str, ...]:
    """Select what is in force, unless the request asks for a standing, a status, or a stage at which nobody treats."""
    if unknown := set(request.standing) - set(STANDINGS):
        word, words = min(unknown)[:40], Listing(STANDINGS)
        raise InvalidInput(Message("未知的现行状态“{standing}”；可用：{standings}。", standing=word, standings=words))
    if request.standing:
        return request.standing
    return () if request.status is not None or (stage and stage not in LAWFUL_STAGES) else IN_FORCE
