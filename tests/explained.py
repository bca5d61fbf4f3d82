"""Made-up registers in which every reason for a verdict occurs, and the questions that meet them."""

from __future__ import annotations

import datetime as dt
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from stdnum.cn import uscc

from registry.domain.model import Draft
from registry.verification.view import VerificationView
from tests.factories import (
    DAY,
    a_certificate,
    a_change,
    a_database,
    a_person,
    a_source,
    a_view,
    an_erasure,
    an_institution,
    enter,
)
from tests.times import the_clock_at


def a_uscc(body: str) -> str:
    """A unified social credit code with its check character."""
    return body + str(uscc.calc_check_digit(body))


LATER = dt.date(2025, 8, 1)
FAR = dt.date(2026, 12, 1)
#: The present of these registers and of whoever asks them.
NOW = "2025-12-01T04:00:00Z"
USCC, OTHER_USCC = a_uscc("91210300MA0EXAM07"), a_uscc("91210300MA0EXAM17")
UNUSED_USCC = a_uscc("91210300MA0EXAM27")
LICENCE, DOMAIN = "PDY10001221030021A1001", "hospital.example"


def _at(number: int) -> str:
    return f"辽宁省鞍山市铁西区示例路{number}号"


FORMAL = an_institution("示例正式医院", _at(1), IVF="formal", uscc=USCC, practice_licence_no=LICENCE, domains=[DOMAIN])
STAGES = [
    an_institution(f"示例{zh}医院", _at(10 + n), IVF=stage, AIH="formal" if stage != "revoked" else "revoked")
    for n, (zh, stage) in enumerate(
        {
            "试行": "trial",
            "未详": "operating",
            "整改": "rectification",
            "筹办": "preparing",
            "停业": "suspended",
            "撤证": "revoked",
            "过期": "lapsed",
        }.items()
    )
]
PREPARING = an_institution("示例新建医院", _at(20), IVF="preparing")
PARTLY = [
    an_institution("示例双部医院", _at(70 + n), IVF="formal", AIH=s) for n, s in enumerate(("suspended", "revoked"))
]
DATED = [
    a_source("list-old", dt.date(2020, 1, 1)),
    an_institution("示例间断医院", _at(72), on=dt.date(2020, 1, 1), source="list-old"),
]
MANY = an_institution("示例多项医院", _at(21), IVF="formal", AIH="trial", PGT="revoked", ICSI="suspended")
OLD_AND_NEW = an_institution("示例新旧医院", _at(22), IVF="formal", source="list-0", on=dt.date(2024, 6, 30))
OVERDUE = an_institution(
    "示例逾期医院", _at(23), **{"approvals.IVF": {"stage": "formal", "verification_due": "2025-07-10"}}
)
BEGINS = an_institution("示例待生效医院", _at(24), **{"approvals.IVF": {"stage": "formal", "valid_from": "2026-12-01"}})
EMPTY = an_institution("示例无项医院", _at(25), IVF=None)
WHOLE = an_institution("示例全停医院", _at(26), IVF="formal", status="suspended")
RENAMED = an_institution("示例旧名医院", _at(27))
GONE, DECIDED = an_institution("示例退出医院", _at(28)), an_institution("示例决定医院", _at(29))
MERGED, ORDERED = an_institution("示例并入医院", _at(62)), an_institution("示例迁出医院", _at(63))
HEIRS = [
    an_institution("示例承接医院", _at(64), known_as=["示例并入医院"], name_en="Example Succession Hospital"),
    an_institution("示例留守医院", _at(63)),
]
RESUMED = an_institution("示例恢复医院", _at(35), IVF="suspended")
UNSOURCED = an_institution("示例补录医院", _at(30), source=None, IVF="formal")
TWINS = [an_institution("示例同名医院", _at(31), IVF="formal"), an_institution("示例同名医院", _at(32), IVF="trial")]
APART = [an_institution("示例异况医院", _at(33)), an_institution("示例异况医院", _at(34), IVF="suspended")]
SAME = {
    stage: [an_institution(f"示例双{zh}医院", _at(40 + 2 * n + side), IVF=stage) for side in (0, 1)]
    for n, (zh, stage) in enumerate({"筹": "preparing", "停": "suspended", "撤": "revoked", "过": "lapsed"}.items())
}
NOTHING = [an_institution("示例双无医院", _at(50 + side), IVF=None) for side in (0, 1)]
SHARED = [
    an_institution(f"示例共码{zh}院", _at(52 + n), uscc=OTHER_USCC, IVF=s)
    for n, (zh, s) in enumerate({"甲": "formal", "乙": "revoked"}.items())
]
SITES = [an_institution(f"示例共域{zh}院", _at(54 + n), domains=["sites.example"]) for n, zh in enumerate("甲乙")]
CAMPUS = an_institution("示例院区医院（东院区）", _at(56), campus="东院区")
ALIAS = an_institution("示例本名医院（示例别名医院）", _at(57), aliases=["示例别名医院"])
PEOPLE = an_institution("示例人员医院", _at(60), IVF="formal", AIH="suspended", PGT="formal")
UNSTATED = an_institution("示例删名医院", _at(61))

ERASED = a_person(UNSTATED, "示例员丁")
NUMBER = "(示)医广[2025]第07-15-001号"
ENTERED: list[Draft] = [
    a_source("list-0", dt.date(2024, 6, 30)),
    a_source(),
    a_source("list-2", LATER),
    a_source("local", LATER, scope="310000", covers=["SPERM_BANK"]),
    FORMAL,
    *STAGES,
    PREPARING,
    MANY,
    *PARTLY,
    *DATED,
    a_change(DATED[1], dt.date(2024, 6, 30), {"status": "delisted"}, "list-0"),
    OLD_AND_NEW,
    a_change(OLD_AND_NEW, DAY, {"approvals.AIH": {"stage": "trial"}}, "list-1"),
    OVERDUE,
    BEGINS,
    EMPTY,
    WHOLE,
    RENAMED,
    a_change(RENAMED, LATER, {"name": "示例新名医院"}, "list-2"),
    GONE,
    a_change(GONE, LATER, {"status": "delisted"}, "list-2"),
    DECIDED,
    a_change(DECIDED, LATER, {"status": "delisted"}),
    MERGED,
    a_change(MERGED, LATER, {"status": "delisted"}, "list-2"),
    ORDERED,
    a_change(ORDERED, LATER, {"status": "delisted"}),
    *HEIRS,
    RESUMED,
    a_change(RESUMED, LATER, {"approvals.IVF": {"stage": "formal"}}, "list-2"),
    UNSOURCED,
    *TWINS,
    *APART,
    *(draft for pair in SAME.values() for draft in pair),
    *NOTHING,
    *SHARED,
    *SITES,
    CAMPUS,
    ALIAS,
    PEOPLE,
    a_person(PEOPLE, "示例员甲", techniques=["IVF", "AIH"]),
    a_person(PEOPLE, "示例员乙", role=None, techniques=[]),
    a_person(PEOPLE, "示例员丙", techniques=["IVF"]),
    a_person(PEOPLE, "示例 员丙", techniques=["PGT"]),  # another person of the same name
    UNSTATED,
    ERASED,
    an_erasure(ERASED),
    a_person(STAGES[5], "示例员己", techniques=[]),
    a_certificate(PEOPLE, NUMBER),
    a_certificate(PEOPLE, "(示)医广[2025]第07-15-002号", valid_to=None),
    a_certificate(PEOPLE, "示例〔2025〕3号", valid_from=None, valid_to=None),
]


@cache
def view() -> VerificationView:
    """The register that holds all of it."""
    return _viewed(ENTERED)


@cache
def partial() -> VerificationView:
    """A register whose only list is incomplete, so that an absence from it means nothing."""
    return _viewed([a_source(scope="partial"), FORMAL])


@cache
def empty() -> VerificationView:
    """A register that holds nothing yet."""
    return _viewed([])


def _viewed(drafts: list[Draft]) -> VerificationView:
    with TemporaryDirectory() as folder, the_clock_at(NOW):
        database = a_database(Path(folder))
        if drafts:
            enter(database, *drafts)
        made = a_view(database)
        database.close()
    return made
