"""Sample pages of a search: results and why they are there, nothing found, a warning. All of it is fictional (示例)."""

from __future__ import annotations

from functools import partial

import msgspec

from public_site import search_pages
from public_site.responses import PageContext
from public_site.search_pages import Count, Facets, Filters, SearchHit, SearchPage, WarningPage
from registry.domain import regions
from registry.search.readings import Understood
from registry.web.i18n import Language
from tests.pages.records import (
    ALL,
    ANSHAN,
    DELISTED,
    FULL,
    FUYING,
    FUYOU,
    LATER,
    LIST,
    PEOPLE,
    SITE,
    SUSPENDED,
    TRIAL,
    UNSOURCED,
)


def make_counts(codes: tuple[str, ...] | list[str], first: int) -> list[Count]:
    """Made-up figures for these codes, falling from the first one."""
    return [Count(code=code, count=max(1, first // (n + 1))) for n, code in enumerate(codes)]


def make_region_counts() -> list[Count]:
    """Made-up figures for every province."""
    return [
        Count(code=code, name=name, count=63 // (n % 7 + 1))
        for n, (code, name) in enumerate(regions.list_children(None))
    ]


def make_search_pages() -> dict[str, PageContext]:
    """Results with filters, the last page, nothing found, nothing fitting the filters."""
    facets = Facets(
        region=tuple(make_region_counts()),
        technique=tuple(make_counts(ALL, 21)),
        stage=tuple(make_counts(["formal", "operating", "trial"], 21)),
    )
    hits = [
        SearchHit(institution=ANSHAN, match="鞍山市妇儿医院"),
        *[SearchHit(institution=one) for one in (FUYING, FUYOU, FULL, TRIAL, SUSPENDED, DELISTED)],
        SearchHit(institution=UNSOURCED, similar=True),
    ]
    here = "/search?q=%E5%A6%87%E5%A9%B4"
    return {
        "search": SearchPage(
            site=SITE,
            today=LATER,
            here=here,
            query="妇婴",
            filters=Filters(),
            hits=hits,
            total=21,
            facets=facets,
            next="abc",
        ),
        "search-filtered": SearchPage(
            site=SITE,
            here=here,
            query="三代试管",
            hits=hits[3:],
            total=1,
            facets=facets,
            cursor="abc",
            filters=Filters(technique=("PGT", "IVF"), region="210000", region_name="辽宁省", stage="trial"),
            understood=("三代试管（植入前胚胎遗传学检测）",),
        ),
        "search-empty": SearchPage(
            site=SITE,
            here=here,
            query="示例二院",
            hits=[],
            total=0,
            filters=Filters(region="999999"),
            facets=Facets(),
        ),
        "search-nothing-fits": SearchPage(
            site=SITE, here="/search", query="", hits=[], total=0, filters=Filters(stage="lapsed"), facets=facets
        ),
        **_make_reason_pages(here, facets),
        **_make_empty_pages(here),
    }


def _make_reason_pages(here: str, facets: Facets) -> dict[str, PageContext]:
    """Why each is there, what it is not approved for, whom the question names; near names; a place; a warning."""
    hits = [
        SearchHit(institution=ANSHAN, why="former_name", match="鞍山市妇儿医院"),
        SearchHit(institution=FUYING, why="known_as", match="示例俗称医院"),
        *(SearchHit(institution=FUYOU, why=why) for why in ("pinyin", "initials", "abbreviation", "address", "typo")),
        SearchHit(institution=FULL, why="alias", match="示例市妇幼保健院", people=(PEOPLE[0],)),
        SearchHit(institution=TRIAL, lacks=("PGT",)),
    ]
    districts = tuple(Count(code=code, name=name, count=2) for code, name in regions.list_children("210300"))
    return {
        "search-reasons": SearchPage(
            site=SITE,
            here=here,
            query="fuying",
            hits=hits,
            total=300,
            at_least=True,
            facets=msgspec.structs.replace(facets, region=districts),
            filters=Filters(region="210300", region_name="辽宁省鞍山市"),
            path=(("210000", "辽宁省"), ("210300", "鞍山市")),
        ),
        "search-similar": SearchPage(
            site=SITE,
            here=here,
            query="示列市妇婴医院",
            hits=[SearchHit(institution=FUYING, why="typo"), SearchHit(institution=UNSOURCED, similar=True)],
            total=2,
            similar=True,
            did_you_mean="示例市妇婴医院",
            facets=Facets(),
            filters=Filters(),
        ),
        "search-warning": WarningPage(
            site=SITE,
            here=here,
            query="鞍山 代孕 供卵 选性别",
            words=("代孕", "供卵", "选性别"),
            kinds=("surrogacy", "gamete_trade", "sex_selection"),
            rest="鞍山",
        ),
    }


def _make_empty_pages(here: str) -> dict[str, PageContext]:
    """Nothing found because of the filters, because nothing can be read, because no such institution is approved."""
    nothing = SearchPage(site=SITE, here=here, query="妇婴", hits=[], total=0, facets=Facets(), filters=Filters())
    read = [
        Understood(text="鞍山", kind="region", value="210300"),
        Understood(text="军队医院", kind="category", value="military"),
        Understood(text="三代试管", kind="technique", value="PGT"),
    ]
    but = partial(msgspec.structs.replace, nothing)
    return {
        "search-filtered-out": but(unfiltered=3, filters=Filters(technique=("PGT",), region="210300")),
        "search-unreadable": but(query="？！", unreadable=True),
        "search-nothing-approved": but(
            site=msgspec.structs.replace(SITE, source=msgspec.structs.replace(LIST, scope="national")),
            query="鞍山军队医院三代试管",
            understood=search_pages.describe_understanding(read, Language()),
        ),
    }
