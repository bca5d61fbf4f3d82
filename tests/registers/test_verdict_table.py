"""Every combination of what the rules of law look at, beside an independent statement of what follows."""

from __future__ import annotations

import datetime as dt
from itertools import product
from typing import Any

import pytest

from registry.domain.model import Source
from registry.domain.techniques import STAGES
from registry.records.site import Site, SiteApproval
from registry.records.standing import find_lapse_day, judge_approval
from registry.verification import verdict
from registry.verification.verdict import SEVERITY, find_complete_source
from tests.factories import DAY, situate

ONE = dt.timedelta(days=1)
MAY_TREAT = {"trial", "formal", "operating", "rectification"}
DAYS = (None, DAY - ONE, DAY, DAY + ONE)
SCOPES = ("national", "210000", "210300", "210200", "partial", None)


def a_site(status: Any, stage: Any, begins: dt.date | None, due: dt.date | None) -> Site:
    approvals: dict[Any, SiteApproval] = {}
    if stage is not None:
        approvals["IVF"] = SiteApproval(stage=stage, entry=7, source="s", valid_from=begins, verification_due=due)
    return Site(
        code="7K2M9QX4",
        name="鞍山市示例医院",
        address="辽宁省鞍山市铁西区示例路1号",
        region="210303",
        status=status,
        approvals=approvals,
        entry=2,
        source="s",
    )


def sources(scope: str | None, covers: bool) -> dict[str, Source]:
    if scope is None:
        return {}
    return {"s": Source(id="s", title="示例", as_of=DAY, scope=scope, covers=["IVF"] if covers else ["AIH"])}


def expected(status: str, stage: str | None, begins: Any, due: Any, denied: bool) -> str:
    """The rules said once more, in the order a lawyer would ask."""
    if stage is None:
        return "technique_not_licensed" if denied else "unknown"
    if stage not in MAY_TREAT:
        return stage  # preparing, suspended, revoked and lapsed are called as they are, whatever else is wrong
    if begins is not None and begins > DAY:
        return "technique_not_licensed"
    if due is not None and due < DAY:
        return "lapsed"
    return "suspended" if status == "suspended" else "licensed"


@pytest.mark.parametrize("status", ["listed", "suspended"])
def test_every_combination_of_stage_days_and_sources_has_its_verdict(status: str) -> None:
    tried = 0
    for stage, begins, due, scope, covers in product((None, *STAGES), DAYS, DAYS, SCOPES, (True, False)):
        known = sources(scope, covers)
        denied = covers and scope in ("national", "210000", "210300")
        site = a_site(status, stage, begins, due)
        answer = verdict.judge_technique(situate(site, known, DAY), "IVF")
        told = (status, stage, begins, due, scope, covers)
        assert answer.verdict == expected(status, stage, begins, due, denied), told
        assert (answer.basis is not None) == bool(known), told
        if stage is not None and answer.basis is not None:
            assert answer.basis.entry == 7, told
        if answer.verdict == "licensed":
            assert answer.stage in MAY_TREAT, told
        assert (find_complete_source("IVF", "210303", known) is not None) == denied, told
        tried += 1
    assert tried == 9 * 4 * 4 * 6 * 2


def test_without_a_technique_every_pair_of_approvals_is_judged_together() -> None:
    for first, second, status in product((None, *STAGES), (None, *STAGES), ("listed", "suspended")):
        one = a_site(status, first, None, None)
        other = {"AIH": SiteApproval(stage=second, entry=1, source=None)} if second else {}
        site = Site(
            **{f: getattr(one, f) for f in one.__struct_fields__ if f != "approvals"},
            approvals={**one.approvals, **other},
        )  # type: ignore[arg-type]
        lawful = "suspended" if status == "suspended" else "licensed"
        words = {lawful if s in MAY_TREAT else s for s in (first, second) if s}
        due = max(words, key=SEVERITY.index) if words else "technique_not_licensed"
        if not words and status == "suspended":
            due = "suspended"
        if "licensed" in words and len(words) > 1:
            due = "partly_licensed"
        word, answers = verdict.judge_institution(situate(site, {}, DAY))
        assert word == due
        assert {answer.technique for answer in answers} == set(site.approvals)


@pytest.mark.parametrize("stage", sorted(MAY_TREAT))
def test_an_approval_ends_the_day_after_its_verification_was_due(stage: Any) -> None:
    approval = SiteApproval(stage=stage, entry=1, source=None, verification_due=DAY)
    assert [judge_approval(approval, "listed", day) for day in (DAY, DAY + ONE)] == ["in_force", "lapsed"]
    assert find_lapse_day(approval) == DAY + ONE


@pytest.mark.parametrize("stage", sorted(set(STAGES) - MAY_TREAT))
def test_what_has_stopped_or_not_begun_does_not_lapse_as_well(stage: Any) -> None:
    approval = SiteApproval(stage=stage, entry=1, source=None, verification_due=DAY, valid_from=DAY + ONE)
    assert judge_approval(approval, "listed", DAY + 2 * ONE) == judge_approval(approval, "listed", DAY) == stage
    assert find_lapse_day(approval) is None


def test_a_worse_list_of_words_cannot_be_forgotten() -> None:
    from typing import get_args

    from registry.domain.answers import VerdictWord

    assert set(SEVERITY) == set(get_args(VerdictWord))
