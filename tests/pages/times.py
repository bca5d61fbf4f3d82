"""Sample pages of other times than now, and a history with every kind of correction. All of it is fictional (示例)."""

from __future__ import annotations

import datetime as dt

import msgspec

from public_site.check_pages import CheckForm, CheckPage
from public_site.institution_pages import HistoryPage, InstitutionPage, NoRecordPage
from public_site.page_times import Comparison, DayRecord, TimesForm
from public_site.responses import FieldError, PageContext
from registry.domain import answers, model
from registry.records.asof import get_day_end
from registry.web.record_changes import PageTimes
from registry.web.standing import make_standing
from tests.pages.records import (
    CLOSED,
    DELISTED,
    FULL,
    LIST,
    MIXED,
    NOTICE,
    REVOKED,
    SITE,
    SUSPENDED,
    TRIAL,
    VERSIONS,
    judge_on,
    make_approval,
    make_institution,
    make_version,
)

ON, LEARNT = dt.date(2025, 7, 1), dt.date(2025, 9, 1)
WRONG = make_institution("示例市示例更正医院", make_approval("IVF"), make_approval("ICSI"), source=LIST, level="三级")
RIGHT = msgspec.structs.replace(
    WRONG,
    approvals=[
        make_approval("IVF", "suspended"),
        make_approval("ICSI"),
        make_approval("PGT", "trial", valid_from=dt.date(2025, 5, 1)),
    ],
    level=None,
    source=NOTICE,
)
SINCE = {"approvals.IVF": dt.date(2025, 6, 1)}
_FORMAL, _SUSPENDED = {"stage": "formal"}, {"stage": "suspended"}
_DATED = {"stage": "formal", "valid_from": "2019-03-01", "document_no": "示卫批〔2019〕1号", "note": "1 formal"}
_REDATED = {
    "stage": "formal",
    "valid_from": "2018-03-01",
    "verification_due": "2026-03-01",
    "authority": "示例省卫生健康委",
}
CORRECTED = [
    make_version(
        1902,
        dt.date(2025, 6, 1),
        ("approvals.IVF", _FORMAL, _SUSPENDED),
        ("approvals.PGT", None, {"stage": "trial"}),
        ("level", "三级", None),
        reason="停业整改决定送达较晚。",
        source=NOTICE,
        corrects=True,
    ),
    make_version(1901, dt.date(2025, 6, 30), ("approvals.ICSI", _DATED, _REDATED), corrects=True),
    make_version(1402, dt.date(2018, 2, 21), ("name", None, WRONG.name), ("status", None, "listed"), corrects=True),
    make_version(1300, dt.date(2025, 3, 1), ("status", "suspended", "listed"), reason="整改合格，恢复列入。"),
    make_version(1250, dt.date(2024, 6, 30), ("name", None, WRONG.name), ("status", None, "suspended")),
]


def _make_day_record(it: model.Institution | None, since: dict[str, dt.date] | None = None) -> DayRecord:
    if it is None:
        return DayRecord()
    it = judge_on(it, since=since)
    return DayRecord(institution=it, standing=make_standing(it, since))


def _make_times(on: dt.date = ON, known: dt.date | None = ON, **more: bool) -> PageTimes:
    return PageTimes(on=on, known_at=get_day_end(known) if known else None, known_day=known, **more)


def make_history_pages() -> dict[str, PageContext]:
    """A history asked about one day: it differs, agrees, held nothing, holds nothing; a day to come; a wrong date."""
    known, nothing = _make_day_record(RIGHT, SINCE), DayRecord()
    instant = PageTimes(on=ON, known_at=dt.datetime(2025, 8, 1, 1, 30, tzinfo=dt.UTC))
    unsourced = _make_day_record(msgspec.structs.replace(WRONG, source=None))
    fewer = _make_day_record(
        msgspec.structs.replace(RIGHT, level="三级", approvals=[make_approval("IVF"), *RIGHT.approvals[1:]])
    )
    answers = {
        "differs": Comparison(times=_make_times(), known=known, believed=_make_day_record(WRONG)),
        "differs-later": Comparison(times=_make_times(known=LEARNT), known=known, believed=fewer),
        "differs-once": Comparison(
            times=instant,
            known=_make_day_record(WRONG),
            believed=_make_day_record(msgspec.structs.replace(WRONG, level="二级")),
        ),
        "agrees": Comparison(times=_make_times(), known=known, believed=known),
        "no-record": Comparison(times=_make_times(), known=unsourced, believed=nothing),
        "nothing": Comparison(times=_make_times(dt.date(2001, 1, 1)), known=nothing, believed=nothing),
        "withdrawn": Comparison(times=_make_times(), known=nothing, believed=_make_day_record(TRIAL)),
        "to-come": Comparison(times=_make_times(dt.date(2030, 1, 1), to_come=True), known=known),
    }
    page = HistoryPage(site=SITE, here=f"/i/{WRONG.code}/history", institution=WRONG, versions=CORRECTED)
    wrong = [
        FieldError(field="on", key="check.error_date", value="2025-13-01"),
        FieldError(field="known_at", key="check.error_date", value="去年"),
    ]
    form = TimesForm(on="2025-07-01", known_at="2025-09-01")
    return {
        **{f"history-{name}": msgspec.structs.replace(page, answer=it, form=form) for name, it in answers.items()},
        "history-corrected": page,
        "history-errors": msgspec.structs.replace(
            page, errors=tuple(wrong), form=TimesForm(on="2025-13-01", known_at="去年")
        ),
    }


def make_institution_pages() -> dict[str, PageContext]:
    """Institutions at another time than now, each saying so; and days without a record."""
    pages: dict[str, PageContext] = {}
    for name, sample, since, past in (
        ("past", FULL, {}, _make_times(known=None)),
        ("past-known", RIGHT, SINCE, _make_times(known=LEARNT)),
        ("past-delisted", DELISTED, {"status": dt.date(2025, 6, 30)}, _make_times(known=None)),
        ("past-mixed", MIXED, {}, _make_times(known=None)),
        ("past-suspended", SUSPENDED, {}, _make_times(known=None)),
        ("past-closed", CLOSED, {}, _make_times(known=None)),
        ("past-revoked", REVOKED, {"approvals.IVF": dt.date(2025, 8, 1)}, _make_times(known=None)),
        ("to-come", TRIAL, {}, _make_times(dt.date(2030, 1, 1), None, to_come=True)),
    ):
        it = judge_on(sample, since=since)
        pages[f"institution-{name}"] = InstitutionPage(
            site=SITE,
            here=f"/i/{it.code}?on={past.on}",
            institution=it,
            standing=make_standing(it, since),
            recent=VERSIONS[-1:],
            practitioners=[],
            qr="/static/qr.svg",
            public_url=f"https://register.example/q/{it.code}",
            as_of=past.on,
            past=past,
            superseded=it.code == RIGHT.code,
        )
    for name, past in (
        ("norecord", _make_times(dt.date(2001, 1, 1), None)),
        ("norecord-known", _make_times()),
        ("norecord-known-later", _make_times(known=LEARNT)),
    ):
        pages[name] = NoRecordPage(site=SITE, here=f"/i/{FULL.code}?on={past.on}", institution=FULL, past=past)
    return pages


def make_check_pages(answer: answers.Answer) -> dict[str, PageContext]:
    """An answer by what was known at another time, and a time that cannot be read."""
    form = CheckForm(name=WRONG.name, on="2025-07-01", known_at="2025-07-01")
    page = CheckPage(site=SITE, here="/check?name=x", form=form)
    wrong = FieldError(field="known_at", key="check.error_date", value="去年")
    return {
        "check-past": msgspec.structs.replace(page, answer=answer, past=_make_times()),
        "check-past-error": msgspec.structs.replace(
            page, form=msgspec.structs.replace(form, known_at="去年"), errors=(wrong,)
        ),
    }
