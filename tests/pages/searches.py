"""Sample pages of a search: results and why they are there, nothing found, a warning. All of it is fictional (示例)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import msgspec

from public_site import search_pages
from public_site.responses import PageContext
from public_site.search_pages import Count, Facets, Filters, SearchPage, WarningPage
from registry.domain import regions
from registry.institutions.result import InstitutionHit, SearchResult
from registry.search.readings import MatchKind, Understood
from registry.web.i18n import Language
from tests.pages.records import (
    ALL,
    ANSHAN,
    DELISTED,
    FULL,
    FUYING,
    FUYOU,
    LAPSED,
    LATER,
    LIST,
    PEOPLE,
    REVOKED,
    SITE,
    SUSPENDED,
    TRIAL,
    UNSOURCED,
)

HERE = "/search?q=%E5%A6%87%E5%A9%B4"
NATIONAL = msgspec.structs.replace(SITE, source=msgspec.structs.replace(LIST, scope="national"))
#: Ways in which a name is not written as it is printed.
REASONS: tuple[MatchKind, ...] = ("pinyin", "initials", "abbreviation", "address", "typo", "similar")
READ = (
    Understood(text="鞍山", kind="region", value="210300"),
    Understood(text="军队医院", kind="category", value="military"),
    Understood(text="武警医院", kind="category", value="armed_police"),
    Understood(text="三代试管", kind="technique", value="PGT"),
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


def find(*items: InstitutionHit, **more: object) -> SearchResult:
    """A result of these, which are all that fit unless ``total`` says otherwise."""
    values: dict[str, object] = {"total": len(items), "next": None, "log_size": 2000, "understood": (), **more}
    return SearchResult(items=list(items), **values)  # type: ignore[arg-type]


def make_search_pages() -> dict[str, PageContext]:
    """Results with filters, the last page, nothing found, nothing fitting the filters."""
    facets = Facets(
        region=tuple(make_region_counts()),
        technique=tuple(make_counts(ALL, 21)),
        stage=tuple(make_counts(["formal", "operating", "trial"], 21)),
    )
    hits = [
        InstitutionHit(institution=ANSHAN, match="alias", by="鞍山市妇儿医院"),
        *[InstitutionHit(institution=one, match="name") for one in (FUYING, FUYOU, FULL, TRIAL, SUSPENDED, DELISTED)],
    ]
    page = partial(SearchPage, site=NATIONAL, here=HERE, facets=facets)
    none = partial(page, query="", filters=Filters(stage="lapsed"), result=find())
    chosen = Filters(technique=("PGT", "IVF"), region="210000", region_name="辽宁省", stage="trial")
    listed = [InstitutionHit(institution=hit.institution, match="technique") for hit in hits[3:]]
    return {
        "search": page(today=LATER, query="妇婴", filters=Filters(), result=find(*hits, total=21, next="abc")),
        "search-filtered": page(
            query="三代试管",
            filters=chosen,
            result=find(*listed, total=21),
            cursor="abc",
            understood=("三代试管（植入前胚胎遗传学检测）",),
        ),
        "search-nothing-fits": none(),
        "search-nothing-fits-in-place": none(query="示例", filters=chosen, result=find(understood=READ)),
        **_make_reason_pages(facets),
        **_make_found_pages(partial(page, filters=Filters(), facets=Facets())),
        **_make_absent_pages(partial(page, filters=Filters(), facets=Facets())),
        "search-warning": WarningPage(
            site=SITE,
            here=HERE,
            query="鞍山 代孕 供卵 选性别",
            words=("代孕", "供卵", "选性别"),
            kinds=("surrogacy", "gamete_trade", "sex_selection"),
            rest="鞍山",
        ),
    }


def _make_reason_pages(facets: Facets) -> dict[str, PageContext]:
    """Why each is there, what it is not approved for, whom the question names; a place."""
    hits = [
        InstitutionHit(institution=ANSHAN, match="former_name", by="鞍山市妇儿医院"),
        InstitutionHit(institution=FUYING, match="known_as", by="示例俗称医院"),
        *(InstitutionHit(institution=FUYOU, match=match) for match in REASONS),
        InstitutionHit(institution=FULL, match="alias", by="示例市妇幼保健院", practitioners=(PEOPLE[0],)),
        InstitutionHit(institution=TRIAL, match="name", lacks=("PGT",)),
    ]
    districts = tuple(Count(code=code, name=name, count=2) for code, name in regions.list_children("210300"))
    page = SearchPage(
        site=SITE,
        here=HERE,
        query="fuying",
        result=find(*hits, total=300, at_least=True),
        facets=msgspec.structs.replace(facets, region=districts),
        filters=Filters(region="210300", region_name="辽宁省鞍山市"),
        path=(("210000", "辽宁省"), ("210300", "鞍山市")),
    )
    listed = InstitutionHit(institution=ANSHAN, match="filter")
    return {
        "search-reasons": page,
        "search-many": msgspec.structs.replace(page, query="", result=find(listed, total=300, at_least=True)),
    }


def _make_found_pages(page: Callable[..., SearchPage]) -> dict[str, PageContext]:
    """One institution found by its name, in every colour; several; some in a text; none of the words understood."""
    one = InstitutionHit(institution=FUYING, match="name")
    written = [
        InstitutionHit(institution=institution, match="name", by=by)
        for institution, by in (
            (ANSHAN, "鞍山市妇儿医院"),
            (SUSPENDED, None),
            (REVOKED, "示例撤销医院"),
            (LAPSED, None),
        )
    ]
    return {
        "search-one": page(query="沈阳市妇婴医院", result=find(one)),
        "search-one-not-for-this": page(
            query="沈阳市妇婴医院 供精", result=find(msgspec.structs.replace(one, lacks=("AID",)))
        ),
        "search-one-stopped": page(query="示例", result=find(InstitutionHit(institution=REVOKED, match="name"))),
        "search-one-elsewhere": page(
            query="黑龙江 妇婴医院 林教授", result=find(one, elsewhere="黑龙江", not_understood=("林教授",))
        ),
        "search-several-elsewhere": page(
            query="黑龙江 妇幼", result=find(one, InstitutionHit(institution=FUYOU, match="name"), elsewhere="黑龙江")
        ),
        "search-in-text": page(query="广告：鞍山市妇儿医院与示例撤销医院联合", result=find(*written, in_text=True)),
    }


def _make_absent_pages(page: Callable[..., SearchPage]) -> dict[str, PageContext]:
    """Nobody of the name, with and without others; nothing understood; nobody because of the filters; nobody at all."""
    near = [InstitutionHit(institution=FUYING, match="typo"), InstitutionHit(institution=UNSOURCED, match="similar")]
    nobody = page(query="示例二院", result=find(state="near"))
    return {
        "search-near": page(
            query="示列市妇婴医院 三代试管",
            result=find(*near, state="near", name_read="示列市妇婴医院", did_you_mean="示例市妇婴医院"),
        ),
        "search-near-elsewhere": page(
            query="黑龙江妇婴医院", result=find(near[0], state="near", name_read="黑龙江妇婴医院", elsewhere="黑龙江")
        ),
        "search-near-nobody": nobody,
        "search-near-incomplete": msgspec.structs.replace(nobody, site=SITE, filters=Filters(region="999999")),
        "search-not-understood": page(query="林教授", result=find(state="not_understood", not_understood=("林教授",))),
        "search-not-understood-perhaps": page(query="林教授妇婴", result=find(*near, state="not_understood")),
        "search-filtered-out": page(
            query="妇婴", result=find(), unfiltered=3, filters=Filters(technique=("PGT",), region="210300")
        ),
        "search-unreadable": page(query="？！", result=find()),
        "search-nothing-approved": page(
            query="鞍山军队医院三代试管",
            result=find(understood=READ),
            understood=search_pages.describe_understanding(READ, Language()),
        ),
    }
