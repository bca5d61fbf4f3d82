"""Made-up answers as a page leads with them: what is grave, what is old, whom a text names, whose a website is."""

from __future__ import annotations

import datetime as dt

import msgspec

from public_site.check_pages import CheckForm, CheckPage, WebAddress
from public_site.responses import PageContext
from registry.domain import answers
from tests.pages import checks
from tests.pages.records import FULL, LATER, LIST, NARROW, SITE

BASIS = answers.Basis(source=LIST.title, as_of=LIST.as_of, entry=1234, age_days=518)
MATCH = answers.Match(code=NARROW.code, name=NARROW.name, address=NARROW.address, on="name", exact=True, rule="exact")
EACH = [
    answers.TechniqueAnswer(technique="AIH", verdict="licensed", stage="formal", basis=BASIS),
    answers.TechniqueAnswer(technique="IVF", verdict="licensed", stage="formal", basis=BASIS),
    answers.TechniqueAnswer(technique="PGT", verdict="suspended", stage="suspended", basis=BASIS),
]
PARTLY = (
    "该机构部分获批：获准开展夫精人工授精、试管婴儿；不得开展三代试管；所依据的资料截至2025年6月30日，"
    "距所问之日已有17个月。"
)


def make_pages(refused: answers.Answer, licensed: answers.Answer) -> dict[str, PageContext]:
    """Pages by what weighs most; ``refused`` and ``licensed``: any such answers."""
    now = msgspec.structs.replace(licensed, on=LATER, match=MATCH, basis=BASIS, candidates=[], techniques=EACH[:2])
    named = CheckForm(name=NARROW.name)
    page = CheckPage(site=SITE, here="/check?name=x", today=LATER, form=named, answer=now)
    partly = msgspec.structs.replace(now, verdict="partly_licensed", techniques=EACH, explanation=PARTLY)
    told = msgspec.structs.replace
    written = CheckForm(name=NARROW.name, text=checks.TEXT, ad_certificate=checks.NUMBER)
    unlawful = told(
        now,
        content_flags=checks.make_flags(condemned=False),
        ad_certificate=checks.make_certificate_answer("valid"),
    )
    expired = told(now, ad_certificate=checks.make_certificate_answer("expired"))
    return {
        "check-old": page,
        "check-fresh": told(page, today=LIST.as_of + dt.timedelta(days=9), answer=told(now, on=dt.date(2025, 7, 9))),
        "check-partly": told(page, answer=partly),
        "check-unlawful": told(page, here="/check", form=written, posted=written.list_values(), answer=unlawful),
        "check-expired": told(page, form=told(written, text=""), answer=expired),
        "check-lured": told(page, form=told(written, text="预约"), answer=_make_lured(now)),
        "check-restricted": told(page, form=written, answer=told(now, content_flags=_list_restricted())),
        "check-clear": told(page, form=CheckForm(name=NARROW.name, text="体检预约"), answer=now),
        "check-refused-offer": told(page, form=written, answer=told(refused, content_flags=unlawful.content_flags)),
        **_make_text_pages(page, now),
        **_make_unknown_pages(page, now),
        **_make_web_pages(page, now),
    }


def _make_lured(answer: answers.Answer) -> answers.Answer:
    flag = answers.ContentFlag(kind="lure", text="套餐", start=0, end=2)
    return msgspec.structs.replace(answer, content_flags=[flag])


def _list_restricted() -> list[answers.ContentFlag]:
    return [one for one in checks.make_flags(condemned=False) if one.kind in ("technique", "guarantee", "endorsement")]


def _make_text_pages(page: CheckPage, answer: answers.Answer) -> dict[str, PageContext]:
    """Text alone: institutions are named in it, or nobody is."""
    candidate = answers.Candidate(code=FULL.code, name=FULL.name, address=FULL.address, score=70)
    certain, unsure = checks.make_mentions()
    named = [
        msgspec.structs.replace(certain, code=FULL.code, name=FULL.name, techniques=EACH[2:], verdict="suspended"),
        msgspec.structs.replace(unsure, candidates=[candidate]),
    ]
    form = CheckForm(text=checks.TEXT)
    about = msgspec.structs.replace(
        answer,
        verdict="suspended",
        techniques=EACH[2:],
        explanation="文中提到2家机构，其中示例医院的答复最不利：现已暂停，不得开展三代试管。",
        content_flags=checks.make_flags(condemned=False),
        mentions=named,
    )
    nobody = msgspec.structs.replace(
        about,
        verdict="unknown",
        match=None,
        basis=None,
        techniques=[answers.TechniqueAnswer(technique="PGT", verdict="unknown", from_text=True)],
        explanation="文字中没有认出名录中的机构名称，无法回答由谁开展；请填写机构名称再核验。",
        mentions=[],
    )
    but = msgspec.structs.replace
    posted = form.list_values()
    return {
        "check-text-alone": but(
            page, here="/check", form=form, posted=posted, answer=about, mentioned={FULL.code: FULL}
        ),
        "check-text-nobody": but(page, here="/check", form=form, posted=posted, answer=nobody),
    }


def _make_unknown_pages(page: CheckPage, answer: answers.Answer) -> dict[str, PageContext]:
    """Nothing is recorded of the day; or what is has grown too old to answer with."""
    but = msgspec.structs.replace
    day = dt.date(2001, 1, 1)
    early = but(
        answer,
        verdict="unknown",
        on=day,
        match=None,
        basis=None,
        techniques=[],
        explanation="名录没有2001年1月1日或更早的记录，无法回答该日的情况。",
    )
    last = answers.LastKnown(stage="formal", basis=BASIS)
    old = but(
        answer,
        verdict="unknown",
        on=dt.date(2028, 1, 1),
        techniques=[
            answers.TechniqueAnswer(technique="IVF", verdict="unknown", last_known=last),
            answers.TechniqueAnswer(
                technique="PGT", verdict="unknown", last_known=answers.LastKnown(stage="trial", basis=None)
            ),
        ],
        explanation="关于试管婴儿，名录最近的记载截至2025年6月30日，距所问之日已超过两年，其后没有资料可以确认，无法回答。",
    )
    form = CheckForm(name=NARROW.name, on="2001-01-01")
    return {"check-unrecorded": but(page, form=form, answer=early), "check-too-old": but(page, answer=old)}


def _make_web_pages(page: CheckPage, answer: answers.Answer) -> dict[str, PageContext]:
    """A website that the register holds, and one below such."""
    but, form = msgspec.structs.replace, CheckForm(name="ivf.hospital.example")
    unknown = but(
        answer,
        verdict="unknown",
        match=None,
        techniques=[],
        explanation="截至2025年6月30日的名录中没有登记该网站域名的机构，请再按名称核验。",
    )
    below = WebAddress(domain=form.name, parent="hospital.example", holders=(MATCH,))
    return {
        "check-web": but(page, form=CheckForm(name="hospital.example"), web=WebAddress(domain="hospital.example")),
        "check-web-below": but(page, form=form, answer=unknown, web=below),
    }
