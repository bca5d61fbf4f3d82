"""Sample pages: every template with every option. ``python -m tests.pages.gallery OUTDIR`` writes them as files.

Institutions are fictional (示例) or taken from the published list; people belong to fictional institutions only.
"""

from __future__ import annotations

import datetime as dt
import sys
from functools import cache
from pathlib import Path
from typing import ClassVar, get_args

import jinja2
import msgspec
import qrcode
import qrcode.image.svg

from public_site import api_reference, responses
from public_site.check_pages import CheckForm, CheckPage
from public_site.institution_pages import HistoryPage, InstitutionPage, LandingPage
from public_site.list_upload import ListPage, ListRow
from public_site.notice_pages import NoticeEndPage
from public_site.offline_pages import OfflinePage
from public_site.pages import AboutPage
from public_site.responses import ErrorKind, ErrorPage, FieldError, PageContext, SiteFacts
from public_site.search_pages import Count, HomePage, SearchPage
from registry.domain import answers, model
from registry.records.history import Version
from registry.web import page_templates
from registry.web.i18n import Lang, Language, Size
from registry.web.standing import Standing, make_standing
from tests.pages import checks, departments, editions, findings, leads, log, previews, receipts, searches, site, times
from tests.pages.openapi_document import DOCUMENT
from tests.pages.records import (
    ALL,
    ANSHAN,
    AT,
    CLOSED,
    DELISTED,
    DELISTING,
    FULL,
    FUYING,
    FUYOU,
    LAPSED,
    LATER,
    LIST,
    MIXED,
    NARROW,
    NOTHING,
    NOTICE,
    PEOPLE,
    PREPARING,
    RECTIFY,
    REVOKED,
    SITE,
    SUSPENDED,
    TODAY,
    TRIAL,
    UNSOURCED,
    VERSIONS,
    judge_on,
)


class ComponentsPage(PageContext, frozen=True, kw_only=True):
    """Every component with its options; its template stands beside this module, and no address shows it."""

    template: ClassVar[str] = "components.html"
    noindex: ClassVar[bool] = True
    empty: list[SearchPage]
    institution: model.Institution
    standings: list[Standing]
    versions: list[Version]
    at: dt.datetime


def make_home_pages() -> dict[str, PageContext]:
    """The start page, full and before the first list."""
    full = HomePage(
        site=SITE,
        today=LATER,
        count=635,
        as_of=LIST.as_of,
        source=LIST,
        grid=site.GRID,
        provinces=searches.make_region_counts(),
        techniques=[*searches.make_counts(ALL, 612), Count(code="SPERM_BANK", count=None)],
        last_updated=AT,
    )
    return {
        "home": full,
        "home-empty": HomePage(
            count=0, as_of=None, source=None, grid=site.NO_GRID, provinces=[], techniques=[], last_updated=None
        ),
        **site.make_overview_pages(),
        **site.make_data_pages(),
    }


def make_institution_pages() -> dict[str, PageContext]:
    """Institutions in every standing, with their histories and what their QR codes show."""
    pages: dict[str, PageContext] = {}
    for name, sample, versions, since in (
        ("", FULL, VERSIONS, {}),
        ("-anshan", ANSHAN, VERSIONS[1:2], {}),
        ("-trial", TRIAL, [], {}),
        ("-suspended", SUSPENDED, [], {}),
        ("-delisted", DELISTED, DELISTING, {"status": DELISTING[0].valid_from}),
        ("-revoked", REVOKED, [], {"approvals.IVF": dt.date(2025, 8, 1)}),
        ("-lapsed", LAPSED, [], {}),
        ("-preparing", PREPARING, [], {}),
        ("-unsourced", UNSOURCED, [], {}),
        ("-mixed", MIXED, [], {}),
        ("-gone", DELISTED, [], {}),
    ):
        it = judge_on(sample, since=since)
        standing = make_standing(it, since)
        pages[f"institution{name}"] = InstitutionPage(
            site=SITE,
            here=f"/i/{it.code}",
            institution=it,
            standing=standing,
            recent=versions[:3],
            practitioners=PEOPLE if sample is FULL else [],
            **(site.make_surroundings(it, versions) if sample is FULL else {}),
            qr="/static/qr.svg",
            public_url=f"https://register.example/q/{it.code}",
            today=TODAY,
            as_of=dt.date(2025, 11, 22),
        )
        pages[f"landing{name}"] = LandingPage(
            site=SITE,
            here=f"/q/{it.code}",
            code=it.code,
            today=LATER,
            answered_at=AT,
            institution=it,
            standing=standing,
        )
        pages[f"history{name}"] = HistoryPage(
            site=SITE, here=f"/i/{it.code}/history", institution=it, versions=versions
        )
    pages["landing-old-state"] = LandingPage(site=SITE, here="/q/x", code="7K2M-9QX4", answered_at=AT, state_at=AT)
    pages["landing-unknown"] = LandingPage(site=SITE, here="/q/x", code="7K2M-9QX4", answered_at=AT)
    pages["landing-mistyped"] = LandingPage(site=SITE, here="/q/x", code="7K2M-9QX", answered_at=AT, mistyped=True)
    return pages


def _make_answer(verdict: answers.VerdictWord, explanation: str, **more: object) -> answers.Answer:
    values: dict[str, object] = {"techniques": [], "match": None, "candidates": [], "basis": None, **more}
    return answers.Answer(
        id=None,
        verdict=verdict,
        explanation=explanation,
        on=dt.date(2025, 7, 1),
        known_at=AT,
        log=answers.LogState(size=2000, root="00"),
        **values,  # type: ignore[arg-type]
    )


def make_check_pages() -> dict[str, PageContext]:
    """The check form: empty, wrong, and with answers."""
    basis = answers.Basis(source=LIST.title, as_of=LIST.as_of, entry=1234)
    match = answers.Match(code=FULL.code, name=FULL.name, address=FULL.address, on="alias", exact=False, rule="width")
    form = CheckForm(name="示例市妇幼保健院", technique="PGT", on="2025-07-01", address="示例路1号")
    trial = _make_answer(
        "licensed",
        "该机构在此地址获准开展三代试管（植入前胚胎遗传学检测），试运行。",
        match=match,
        basis=basis,
        techniques=[answers.TechniqueAnswer(technique="PGT", verdict="licensed", stage="trial", basis=basis)],
    )
    here = "/check?name=x"
    ways = get_args(answers.MatchedOn)
    near = [answers.Candidate(code=one.code, name=one.name, address=one.address, score=80) for one in (FUYING, FUYOU)]
    refused = _make_answer(
        "technique_not_licensed",
        "该机构在名录中，但未获准开展供精人工授精。",
        match=answers.Match(code=FULL.code, name=FULL.name, address=FULL.address, on="name", exact=True, rule="exact"),
        techniques=[answers.TechniqueAnswer(technique="AID", verdict="technique_not_licensed")],
        basis=basis,
    )
    matched = [
        _make_answer(
            "licensed",
            "该机构在获准开展人类辅助生殖技术的机构名录中。",
            candidates=[msgspec.structs.replace(one, name=FULL.name, score=100) for one in near],
            match=msgspec.structs.replace(match, on=on, exact=True),
        )
        for on in ways
    ]
    not_found = _make_answer(
        "not_found",
        "截至2025年6月30日的名录中没有这家机构。未在名录中的机构不得开展人类辅助生殖技术；如遇宣传，可拨打12345举报。",
    )
    return {
        "check": CheckPage(site=SITE, here="/check", form=CheckForm()),
        "check-licensed": CheckPage(site=SITE, here=here, form=form, answer=trial),
        "check-refused": CheckPage(site=SITE, here=here, form=form, answer=refused),
        "check-ambiguous": CheckPage(
            site=SITE,
            here=here,
            form=form,
            answer=_make_answer("ambiguous", "有2家机构名称相同或相近，请核对地址或编码。", candidates=near),
        ),
        "check-not-found": CheckPage(site=SITE, here=here, form=form, answer=not_found),
        **{
            f"check-by-{on}": CheckPage(site=SITE, here=here, form=form, answer=answer)
            for on, answer in zip(ways, matched, strict=True)
        },
        **_make_list_pages(trial, not_found),
        "check-errors": _make_check_with_errors(here),
        **times.make_check_pages(matched[0]),
        **checks.make_check_pages(CheckPage(site=SITE, here=here, form=form), trial),
        **findings.make_pages(refused, matched[0]),
    }


def _make_check_with_errors(here: str) -> CheckPage:
    errors = (
        FieldError(field="name", key="check.error_name"),
        FieldError(field="on", key="check.error_date", value="2025-13-01"),
        FieldError(field="technique", key="check.error_technique", value="冻卵"),
    )
    return CheckPage(site=SITE, here=here, form=CheckForm(technique="冻卵", on="2025-13-01"), errors=errors)


def _make_list_pages(trial: answers.Answer, not_found: answers.Answer) -> dict[str, PageContext]:
    rows = (
        ListRow(
            number=2,
            subject="示例市妇幼保健院",
            answer=trial,
            tone="limited",
            word="verdict.licensed.word",
            sentence=trial.explanation,
        ),
        ListRow(
            number=3,
            subject="示例市某某医院",
            answer=not_found,
            word="verdict.not_found.word",
            sentence=not_found.explanation,
        ),
        ListRow(number=4, subject="示例医院，冻卵", sentence="未知的技术“冻卵”；可用：AIH、AID、IVF。"),
    )
    answered = ListPage(
        site=SITE,
        here="/check/list",
        today=LATER,
        limit=5000,
        name="清单.xlsx",
        rows=rows,
        total=3,
        unanswered=1,
        counts=(("licensed", "approved", 1), ("not_found", "unlisted", 1)),
        known_at=AT,
        log_size=2000,
    )
    told = "这里一次最多 5,000 行，没有核验。请分成几份。"
    empty = ListPage(site=SITE, here="/check/list", limit=5000)
    wrong = msgspec.structs.replace(empty, error=told)
    return {"check-list": answered, "check-list-form": empty, "check-list-error": wrong}


def make_other_pages() -> dict[str, PageContext]:
    """Developers, about, errors, components."""
    empty = api_reference.read_document({})
    kinds: list[tuple[int, ErrorKind]] = [
        (404, "not_found"),
        (400, "invalid"),
        (405, "form_only"),
        (429, "too_many"),
        (503, "cannot_answer"),
    ]
    standings = [
        make_standing(one)
        for one in (FULL, TRIAL, RECTIFY, PREPARING, SUSPENDED, REVOKED, LAPSED, DELISTED, NOTHING, CLOSED, NARROW)
    ]
    return {
        **previews.make_developers_pages(api_reference.read_document(DOCUMENT), empty),
        **previews.make_pages(),
        "notice_end": NoticeEndPage(site=SITE, here="/notices/1-0a/end", path="/notices/1-0a/end"),
        "notice_ended": NoticeEndPage(site=SITE, here="/notices/1-0a/end", path="/notices/1-0a/end", done=True),
        "offline": OfflinePage(site=SITE, here="/verify-offline"),
        "about": AboutPage(
            site=SiteFacts(count=635, as_of=LIST.as_of, source=NOTICE, updated=AT, operator="示例省卫生健康委员会"),
            here="/about",
        ),
        "components": ComponentsPage(
            site=SITE,
            here="/components",
            institution=FULL,
            standings=standings,
            versions=VERSIONS,
            at=AT,
            empty=[
                one for one in searches.make_search_pages().values() if isinstance(one, SearchPage) and not one.hits
            ],
        ),
        "error-400-kept": ErrorPage(
            status=400,
            kind="invalid",
            sentence="编码“7K2M-9QX5”有误：校验位不符，很可能抄错了一位，请核对。",
            typed="7K2M-9QX5",
            here="/i/7K2M-9QX5",
            site=SITE,
        ),
        "error-503-not-done": ErrorPage(status=503, kind="not_done", sentence="磁盘已满，刚才的操作没有保存。"),
        "error-503-not-done-bare": ErrorPage(status=503, kind="not_done"),
        **{f"error-{status}": ErrorPage(status=status, kind=kind) for status, kind in kinds},
    }


@cache
def make_pages() -> dict[str, PageContext]:
    """Every sample page by the name of its file; made once, never changed."""
    return {
        **make_home_pages(),
        **searches.make_search_pages(),
        **make_institution_pages(),
        **times.make_history_pages(),
        **times.make_institution_pages(),
        **make_check_pages(),
        **receipts.make_pages(),
        **departments.make_pages(),
        **editions.make_pages(),
        **log.make_pages(),
        **leads.make_pages(),
        **make_other_pages(),
    }


@cache
def _build_components_environment(lang: Lang, size: Size) -> jinja2.Environment:
    return page_templates.bind_templates(Language(lang, size), Path(__file__).parent, responses.TEMPLATES)


def render_page(page: PageContext, lang: Lang = "zh-CN", size: Size = "normal") -> str:
    """Render any page of the gallery as HTML."""
    if isinstance(page, ComponentsPage):
        return _build_components_environment(lang, size).get_template(page.template).render(page=page)
    return responses.render_page(page, lang, size)


def write_pages(folder: Path) -> int:
    """Render every sample page in both languages and sizes into ``folder``, styles beside; how many files."""
    static = folder / "static"
    static.mkdir(parents=True, exist_ok=True)
    for address, name in page_templates.list_assets().items():
        (static / address).write_bytes(page_templates.read_asset(name))
    with (static / "qr.svg").open("wb") as file:
        qrcode.make("https://register.example/q/7K2M-9QX4", image_factory=qrcode.image.svg.SvgPathImage).save(file)
    made = 0
    for name, page in make_pages().items():
        for language in (Language("zh-CN"), Language("en"), Language("zh-CN", "large"), Language("en", "large")):
            html = render_page(page, language.lang, language.size).replace('"/static/', '"static/')
            (folder / f"{name}.{language.lang[:2]}{'.large' if language.size == 'large' else ''}.html").write_text(
                html, "utf-8"
            )
            made += 1
    return made


if __name__ == "__main__":
    print(f"{write_pages(Path(sys.argv[1]))} pages")
