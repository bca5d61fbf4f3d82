"""The start page and the search: from what a person typed to the register's words, and from its results to a page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any, ClassVar

import msgspec
from litestar import Response
from litestar.response import Redirect

from public_site import responses
from public_site.overview_pages import make_grid
from public_site.page_memory import keep_page
from public_site.pictures import TileGrid
from public_site.responses import PageContext, PageRequest, get_register, make_frame, make_page_response, read_language
from registry.domain import regions
from registry.domain.answers import SanctionFinding
from registry.domain.identifiers import find_web_domain, format_code, is_code, parse_code
from registry.domain.model import Date, Institution, Practitioner, SourceRef, Struct
from registry.domain.normalise import fold_text
from registry.domain.techniques import find_technique
from registry.institutions.result import InstitutionHit, SearchRequest, SearchResult
from registry.records.stats import Stats
from registry.search.readings import Understood
from registry.web.i18n import Language
from registry.web.labels import get_stage_label
from registry.web.rate_limit import make_people_budget
from registry.web.routes import route_get

PER_PAGE = 20
#: Of results that a search index behind the log gave: a moment later there may be others.
_BEHIND = "public, max-age=5"
#: Matches a page explains in words; that a name or a filter fits needs none.
_OTHER_NAMES = ("alias", "former_name", "known_as")
_EXPLAINED = (*_OTHER_NAMES, "pinyin", "initials", "abbreviation", "address", "typo")


class Count(Struct, frozen=True, kw_only=True):
    """One line of a list with counts. ``name`` is null where the catalogue has the words (techniques, stages);
    ``count`` where the list has no figure."""

    code: str
    count: int | None
    name: str | None = None


class HomePage(PageContext, frozen=True, kw_only=True):
    """The start page."""

    template: ClassVar[str] = "home.html"
    section: ClassVar[str] = "home"
    count: int
    as_of: Date | None
    source: SourceRef | None
    grid: TileGrid
    provinces: list[Count]
    techniques: list[Count]
    last_updated: dt.datetime | None


class SearchHit(Struct, frozen=True, kw_only=True):
    """One result. ``why``: how it fitted, when not by its name (a key below ``search.why``); ``match``: the other name
    that fitted; ``similar``: nothing fitted exactly, and near names are different institutions; ``lacks``: techniques
    asked for beside a name for which it is not approved; ``people`` of it whom the question names."""

    institution: Institution
    why: str | None = None
    match: str | None = None
    similar: bool = False
    lacks: tuple[str, ...] = ()
    people: tuple[Practitioner, ...] = ()


class Facets(Struct, frozen=True, kw_only=True):
    """Filters with the number of institutions each would leave."""

    region: tuple[Count, ...] = ()
    technique: tuple[Count, ...] = ()
    stage: tuple[Count, ...] = ()


class Filters(Struct, frozen=True, kw_only=True):
    """The filters as given; ``region_name`` when the register knows the code."""

    technique: tuple[str, ...] = ()
    region: str | None = None
    region_name: str | None = None
    stage: str | None = None


class WarningPage(PageContext, frozen=True, kw_only=True):
    """Something was asked for that nobody may offer: ``kinds`` are keys below ``warning_page.law``; ``rest`` is the
    question without it."""

    template: ClassVar[str] = "warning.html"
    section: ClassVar[str] = "home"
    noindex: ClassVar[bool] = True
    query: str
    words: tuple[str, ...]
    kinds: tuple[str, ...]
    rest: str


class SearchPage(PageContext, frozen=True, kw_only=True):
    """Results of a search. ``cursor``: of this page; ``path``: the chosen region with those it lies in, widest first;
    ``unfiltered``: how many would be found without the filters, where nobody is with them; ``sanctions``: of whom the
    question names exactly."""

    template: ClassVar[str] = "search.html"
    section: ClassVar[str] = "home"
    noindex: ClassVar[bool] = True
    query: str
    filters: Filters
    result: SearchResult
    facets: Facets
    understood: tuple[str, ...] = ()
    cursor: str | None = None
    path: tuple[tuple[str, str], ...] = ()
    unfiltered: int = 0
    people_withheld: str | None = None
    sanctions: tuple[SanctionFinding, ...] = ()

    @property
    def hits(self) -> list[SearchHit]:
        """The institutions found, each with why it is there."""
        text = self.query if self.result.in_text and self.result.state == "found" else ""
        return [make_hit(hit, text) for hit in self.result.items]


@route_get("/", "home")
@keep_page
def show_home(request: PageRequest) -> Response[str]:
    """Show the start page."""
    stats = responses.get_stats(request)
    page = HomePage(
        here="/",
        site=responses.save_site_facts(request, stats),
        count=stats.total,
        as_of=stats.as_of,
        source=stats.source,
        grid=make_grid(stats),
        provinces=[Count(code=row.code, name=row.name, count=row.count) for row in stats.by_region],
        techniques=[Count(code=row.technique, count=row.count) for row in stats.by_technique],
        last_updated=stats.updated,
    )
    return make_page_response(request, page)


@route_get("/search", "search")
@keep_page
def show_search(request: PageRequest) -> Response[Any]:
    """Show results, by relevance with a question and by region without; a code redirects to its institution, and a web
    address to its check."""
    register, language = get_register(request), read_language(request)
    asof = register.make_as_of_now()
    choice = read_search_request(request.query_params)
    if is_code(choice.q):  # parse_code raises InvalidCode when it is mistyped: that is not "not found"
        address = language.make_link(f"/i/{format_code(parse_code(choice.q))}")
        return Redirect(address, status_code=302, headers={"Cache-Control": responses.PAGE_CACHE})
    if domain := find_web_domain(choice.q):  # the check page says whose it is, and what that is worth
        address = language.make_link("/check", name=domain)
        return Redirect(address, status_code=302, headers={"Cache-Control": responses.PAGE_CACHE})
    cursor = request.query_params.get("cursor") or None
    budget = make_people_budget(request)
    result = register.search_institutions(
        choice, asof, limit=PER_PAGE, cursor=cursor, facets=True, may_look=budget.may_look
    )
    if (warning := result.warning) is not None:
        page = WarningPage(
            query=choice.q, words=warning.words, kinds=warning.kinds, rest=warning.rest, **make_frame(request)
        )
        return make_page_response(request, page)
    bare = None
    if _is_nobody_found(result) and (unfiltered := remove_filters(choice)) is not None:
        bare = register.search_institutions(unfiltered, asof, limit=1, may_look=budget.may_look)
    return make_page_response(
        request,
        SearchPage(
            query=choice.q,
            filters=Filters(
                technique=choice.technique,
                region=choice.region,
                region_name=_find_region_name(choice.region) if choice.region else None,
                stage=choice.stage,
            ),
            result=result,
            facets=make_facets(result.facets),
            understood=describe_understanding(result.understood, language),
            cursor=cursor,
            path=list_region_path(choice.region),
            unfiltered=0 if bare is None or _is_nobody_found(bare) else bare.total,
            sanctions=tuple(register.find_written_sanctions(choice.q, asof, language.lang)) if choice.q else (),
            people_withheld=budget.make_refusal().get_text(language.lang) if budget.refused else None,
            **make_frame(request),
        ),
        cache=_BEHIND
        if result.log_size < asof.size
        else responses.choose_cache_control(any(hit.practitioners for hit in result.items), budget),
    )


#: Characters of a pasted text in which names are found. Percent-encoded they stay below the line a proxy takes.
LONGEST_TEXT = 600


def read_search_request(query: Any) -> SearchRequest:
    """Read the question and filters of an address; a technique may be given by any of its words."""
    techniques = [find_technique(word) or word for word in query.getall("technique", []) if word]
    return SearchRequest(
        q=query.get("q", "").strip()[:LONGEST_TEXT],
        technique=tuple(dict.fromkeys(techniques)),
        region=query.get("region") or None,
        stage=query.get("stage") or None,
    )


def remove_filters(choice: SearchRequest) -> SearchRequest | None:
    """The question alone; None when there is none, or no filter beside it."""
    is_filtered = bool(choice.technique or choice.region or choice.stage)
    return msgspec.structs.replace(choice, technique=(), region=None, stage=None) if is_filtered and choice.q else None


def _is_nobody_found(result: SearchResult) -> bool:
    return result.state != "found" or not result.total


def _find_region_name(code: str) -> str | None:
    region = regions.find_region(code)
    if region is None:
        return None
    return "".join(dict.fromkeys(level for level in (region.province, region.city, region.district) if level))


def make_hit(hit: InstitutionHit, text: str = "") -> SearchHit:
    """Make a result with why it fitted, and the name that did when it was another than the one shown; of a text that
    holds this name, that it is written so there."""
    is_written = bool(text) and (hit.by is None or fold_text(hit.by) in fold_text(text))
    why = "written" if is_written else hit.match if hit.match in _EXPLAINED else None
    is_named_otherwise = why == "written" or why in _OTHER_NAMES
    return SearchHit(
        institution=hit.institution,
        why=why if hit.by or why not in _OTHER_NAMES else None,
        match=hit.by if is_named_otherwise else None,
        similar=hit.match == "similar",
        lacks=hit.lacks,
        people=hit.practitioners,
    )


def list_region_path(code: str | None) -> tuple[tuple[str, str], ...]:
    """(code, name) of a region and those it lies in, widest first; nothing for one the register does not know.

    >>> list_region_path("210303")
    (('210000', '辽宁省'), ('210300', '鞍山市'), ('210303', '铁西区'))
    """
    region = regions.find_region(code) if code else None
    if code is None or region is None:
        return ()
    levels = ((code[:2] + "0000", region.province), (code[:4] + "00", region.city), (code, region.district))
    path: dict[str, str] = {}
    for level, name in levels:
        if name and name not in path.values():
            path[level if regions.find_region(level) else code] = name
    return tuple(path.items())


def make_facets(stats: Stats | None) -> Facets:
    """Make filters with their counts; those that would leave nothing are left out."""
    if stats is None:
        return Facets()
    return Facets(
        region=tuple(Count(code=row.code, name=row.name, count=row.count) for row in stats.by_region if row.count),
        technique=tuple(Count(code=row.technique, count=row.count) for row in stats.by_technique if row.count),
        stage=tuple(Count(code=row.stage, count=row.count) for row in stats.by_stage if row.count),
    )


def describe_understanding(pieces: Iterable[Understood], language: Language) -> tuple[str, ...]:
    """Describe the pieces of a question that were read as a place, a category, a technique or a stage."""
    return tuple(dict.fromkeys(_describe_piece(piece, language) for piece in pieces))


def _describe_piece(piece: Understood, language: Language) -> str:
    if piece.kind == "region":
        region = regions.find_region(piece.value)
        return language.format_region(region) if region else language.mark_chinese(piece.value)
    if piece.kind == "category":
        return language.translate(f"search.category.{piece.value}")
    if piece.kind == "technique":
        return language.format_technique(piece.value)
    return get_stage_label(language, piece.value)
