"""Sample pages of published editions: none, several, every part of a difference, withdrawn, being made, by province."""

from __future__ import annotations

import datetime as dt
from typing import Any

from public_site.edition_pages import EditionPage, EditionRows, EditionsPage
from public_site.responses import PageContext
from registry.domain.answers import LogState
from registry.domain.fields import IN_EDITIONS
from registry.domain.model import Institution
from registry.editions.content import ApprovalLine, EditionInstitution
from registry.editions.difference import EditionDifference, InstitutionRef, StageChange, TechniqueChange, ValueChange
from registry.editions.edition import Edition, Withdrawal
from registry.editions.manifest import File, Manifest, Province
from tests.pages.records import ANSHAN, AT, FULL, LATER, LIST, SITE, SUSPENDED, TODAY, TRIAL

ROOT = "8f775c224fee36cfc539c7aa8ea8e0cd486f5301e91fa47c3b22bc6d4695bad0"
TITLE = "经批准开展人类辅助生殖技术的医疗机构名单"
GONE = Withdrawal(at=AT, reason="示例理由：一家机构的地址有误", entry=1003)


def make_edition(number: int, **more: Any) -> Edition:
    """One edition."""
    told: dict[str, Any] = {
        "title": TITLE,
        "as_of": dt.date(2025, 6, 30),
        "scope": "national",
        "institutions": 635,
        "techniques": {"IVF": 479},
        "log": LogState(size=1000, root=ROOT),
        "published": AT,
        "withdrawn": None,
        "page": f"https://register.example/editions/{number}",
        "entry": 1000 + number,
        "proposal": 7,
        "supervision": 3,
    }
    return Edition(id=str(number), number=number, **{**told, **more})


def _make_listed_institution(one: Institution) -> EditionInstitution:
    return EditionInstitution(
        code=one.code,
        name=one.name,
        address=one.address,
        province=one.region.province or "",
        region=one.region.code or "",
        lines=tuple(ApprovalLine(approval.technique, approval.stage) for approval in one.approvals),
        **dict.fromkeys(field.name for field in IN_EDITIONS),
    )


def _make_difference(**parts: Any) -> EditionDifference:
    empty: dict[str, Any] = {name: [] for name in ("new", "gone", "renamed", "moved", "gained", "lost", "stage")}
    return EditionDifference(**{"since": "1", "institutions": 635, "before": 634, **empty, **parts})


_NAMED = InstitutionRef(code=FULL.code, name=FULL.name, address=FULL.address)
CHANGED = _make_difference(
    new=[_NAMED] * 3,
    gone=[_NAMED],
    renamed=[ValueChange(code=ANSHAN.code, name=ANSHAN.name, before="鞍山市妇儿医院", after=ANSHAN.name)],
    moved=[ValueChange(code=FULL.code, name=FULL.name, before="示例路1号", after="示例路2号")],
    gained=[TechniqueChange(code=FULL.code, name=FULL.name, techniques=["IVF", "PGT"])],
    lost=[TechniqueChange(code=FULL.code, name=FULL.name, techniques=["AID"])],
    stage=[StageChange(code=FULL.code, name=FULL.name, technique="ICSI", before="trial", after="formal")] * 6,
)
PROVINCES = [
    Province(code="210000", name="辽宁省", institutions=22),
    Province(code="220000", name="吉林省", institutions=12),
    Province(code="000000", name="—", institutions=1),
]
MANIFEST = Manifest(
    format=1,
    issuer="register.example/log",
    edition={},
    log=LogState(size=1000, root=ROOT),
    provinces=PROVINCES,
    files=[File(name="list.csv", size=298694, sha256=ROOT), File(name="list.pdf", size=289048, sha256=ROOT)],
)


def _make_page(edition: Edition, **more: Any) -> EditionPage:
    return EditionPage(site=SITE, here=f"/editions/{edition.id}", edition=edition, **more)


def make_pages() -> dict[str, PageContext]:
    """Every state of the two pages."""
    first, second = make_edition(1), make_edition(2)
    withdrawn = make_edition(3, withdrawn=GONE)
    city = make_edition(4, scope="210300", institutions=1)
    whole = {"manifest": MANIFEST, "difference": CHANGED}
    rows = EditionRows(
        province=PROVINCES[0],
        first=201,
        total=600,
        items=[_make_listed_institution(one) for one in (ANSHAN, FULL, TRIAL, SUSPENDED)],
        before=1,
        after=401,
    )
    every = [city, withdrawn, second, first]
    days = {edition.id: LIST.as_of for edition in (second, first)}
    return {
        "editions": EditionsPage(
            site=SITE, here="/editions", editions=every, latest=second, list_days=days, today=TODAY
        ),
        "editions-none": EditionsPage(site=SITE, here="/editions", editions=[], latest=None),
        "editions-withdrawn": EditionsPage(site=SITE, here="/editions", editions=[withdrawn], latest=None),
        "edition": _make_page(second, **whole, list_day=LIST.as_of, today=LATER),
        "edition-many": _make_page(second, **whole, limit=2),
        "edition-first": _make_page(
            first, manifest=MANIFEST, difference=_make_difference(since=None, before=None), newer=second
        ),
        "edition-same": _make_page(city, manifest=MANIFEST, difference=_make_difference()),
        "edition-rows": _make_page(second, **whole, rows=rows),
        "edition-withdrawn": _make_page(withdrawn, newer=city),
        "edition-making": _make_page(second),
    }
