"""Samples of what belongs to the whole site: pictures, open data, files for crawlers, cards and badges."""

from __future__ import annotations

from typing import Any, get_args

import msgspec

from public_site import badge_pages, schema_org
from public_site.badge_pages import Badge
from public_site.data_pages import DataPage
from public_site.institution_pages import InstitutionPage
from public_site.overview_pages import EditionLine, OverviewPage
from public_site.pictures import Bar, make_bars, make_tile_grid, make_year_line
from public_site.responses import PageContext, StaticEdition
from public_site.site_files import ChangeFeed, FeedEntry, SiteMap
from public_site.static_search import StaticSearchPage, group_rows, list_technique_words, make_row
from registry.domain import model
from registry.records.history import Version
from registry.records.snapshot import AdCertificate
from registry.records.supervision import Sanction, Supervision
from registry.web.i18n import Language
from registry.web.standing import make_standing
from tests.pages import editions
from tests.pages.records import ANSHAN, AT, FULL, LATER, LIST, SITE, TODAY, judge_on

GRID, NO_GRID = make_tile_grid({"210000": 22, "440000": 64, "540000": 1, "630000": 0}), make_tile_grid({})


def make_overview_pages() -> dict[str, PageContext]:
    """The pictures: with published lists, the first of which has nothing before it, and before the first list."""
    edition = editions.make_edition(2)
    lines = [
        EditionLine(edition=edition, total=Bar("2", 635, 100), new=16, gone=3, new_width=100, gone_width=18.8),
        EditionLine(edition=editions.make_edition(1, institutions=622), total=Bar("1", 622, 98)),
    ]
    empty = OverviewPage(
        count=0, as_of=None, source=None, grid=NO_GRID, provinces=[], techniques=[], stages=[], editions=[]
    )
    full = OverviewPage(
        site=SITE,
        here="/overview",
        today=LATER,
        count=635,
        as_of=LIST.as_of,
        source=LIST,
        grid=GRID,
        provinces=make_bars([("210000", 22), ("440000", 64), ("540000", 1)]),
        techniques=make_bars([("AIH", 635), ("IVF", 479), ("SPERM_BANK", None)]),
        stages=make_bars([("formal", 600), ("trial", 35), ("operating", 55)]),
        editions=lines,
    )
    return {"overview": full, "overview-empty": empty}


def make_surroundings(it: model.Institution, versions: list[Version]) -> dict[str, Any]:
    """What stands on an institution's page besides its record: other sites, certificates, sanctions, a picture."""
    other = msgspec.structs.replace(judge_on(ANSHAN), name=it.name)
    certificate = AdCertificate(
        code="7K2M-9QX4",
        institution=it.code,
        number="(示)医广[2025]第07-15-001号",
        valid_from=TODAY,
        valid_to=LATER,
        source=LIST,
        entry=1205,
    )
    sanction = Sanction(
        code="7K2M-9QX4",
        institution=it.code,
        organisation=None,
        kind=None,
        authority="示例市场监督管理局",
        document_no="示市监处〔2025〕1号",
        decided_on=TODAY,
        summary="示例：发布未经审查的医疗广告",
        source=LIST,
        entry=1206,
    )
    full = msgspec.structs.replace(
        sanction,
        **{"kind": "penalty", "violation": "示例类型", "measure": "罚款", "fine": "30000", "confiscated": "120.5"},
        **{"revokes": ["IVF"], "suspends": ["AIH"], "legal_basis": "示例条例第一条", "public_until": LATER},
    )
    language, standing = Language(), make_standing(it)
    return {
        "others": (other,),
        "about": (certificate, msgspec.structs.replace(certificate, valid_from=None)),
        "supervision": (*make_supervision(it), full, sanction, msgspec.structs.replace(sanction, kind="blacklist")),
        "line": make_year_line(versions, TODAY),
        "description": schema_org.describe_institution(language, it, standing),
        "linked_data": schema_org.encode_institution(language, it, "https://register.example"),
    }


def make_supervision(it: model.Institution) -> list[Supervision]:
    """A self-inspection without a finding, and an inspection with one that was put right."""
    nothing: dict[str, Any] = dict.fromkeys(Supervision.__struct_fields__)
    common = {**nothing, "code": "7K2M-9QX4", "institution": it.code, "held_on": TODAY, "entry": 1207}
    found = {"summary": "示例：登记簿不全", "rectify_by": LATER, "rectified_on": LATER, "authority": "示例卫生健康委"}
    kinds = get_args(model.InspectionKind)
    return [
        *(Supervision(**{**common, "kind": "inspection", "inspection_kind": kind}) for kind in kinds),
        Supervision(
            **{**common, "kind": "self_inspection", "period_from": TODAY, "period_to": LATER, "result": "no_problem"}
        ),
        Supervision(
            **{**common, "kind": "inspection", "inspection_kind": "special", "result": "problems_found", **found}
        ),
    ]


def make_files() -> dict[str, PageContext]:
    """What is no page: a badge, the site map, the feed."""
    entry = FeedEntry(
        number=7, at=AT, kind="institution", name="示例机构", path="/i/7K2M-9QX4/history", lines=["名称：示例机构"]
    )
    others = [msgspec.structs.replace(entry, kind=kind, name="") for kind in ("source", "edition")]
    return {
        "badge.svg": Badge(state="licensed", tone="approved", code="7K2M-9QX4"),
        "sitemap.xml": SiteMap(paths=("/", "/i/7K2M-9QX4"), origin="https://register.example"),
        "sitemaps.xml": SiteMap(files=(1, 2), origin="https://register.example"),
        **make_static_pages(),
        "feed.xml": ChangeFeed(entries=[entry, *others], updated=AT, origin="https://register.example"),
    }


def make_static_pages() -> dict[str, PageContext]:
    """The list of a site of files, and an institution's page in it whose people are left out."""
    static = StaticEdition(size=1000, root="8f" * 32, at=AT, origin="https://register.example")
    it = judge_on(FULL)
    groups = group_rows([make_row(it), msgspec.structs.replace(make_row(it), region="")])
    institution = InstitutionPage(
        **{"site": SITE, "here": f"/i/{it.code}", "institution": it, "standing": make_standing(it), "static": static},
        **{"practitioners": [], "recent": [], "qr": "/static/qr.svg", "public_url": "", "as_of": TODAY},
        people_withheld="static",
    )
    return {
        "static-search.html": StaticSearchPage(
            site=SITE, static=static, count=2, groups=groups, words=list_technique_words(), places="示例=21"
        ),
        "static-institution.html": institution,
    }


def draw_cards() -> list[bytes]:
    """The share cards of an institution in both languages."""
    it = judge_on(FULL)
    return [badge_pages.draw_institution_card(Language(lang), it, make_standing(it)) for lang in ("zh-CN", "en")]


def make_data_pages() -> dict[str, PageContext]:
    """Open data, with a published list and before the first."""
    return {
        "data": DataPage(site=SITE, here="/data", today=LATER, latest=editions.make_edition(2), log_size=1000),
        "data-empty": DataPage(here="/data", latest=None, log_size=1),
    }
