"""The rules of law as small pure functions over what is known of one site on one day.

Source of every rule: 《人类辅助生殖技术管理办法》 (卫生部令第14号, in force 2001-08-01) and, with the same rhythm,
《人类精子库管理办法》: only in approved institutions, approval per institution and technique, a trial year before
formal operation, the certificate verified (校验) every two years. A penalty or a blacklist record does not by itself
end an approval: the authority that ends or suspends one says so, and that is a stage or a status from a day.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from registry.domain import regions
from registry.domain.model import Approval, Basis, Date, Source, Status, Struct, TechniqueAnswer, VerdictWord
from registry.domain.techniques import LAWFUL_STAGES, Stage, TechniqueCode

#: From best to worst: the verdict of a claim is the worst of its techniques'.
SEVERITY: tuple[VerdictWord, ...] = (
    "licensed",
    "unknown",
    "ambiguous",
    "technique_not_licensed",
    "preparing",
    "suspended",
    "lapsed",
    "revoked",
    "site_mismatch",
    "not_found",
)
_STOPPED: dict[str, VerdictWord] = {
    "preparing": "preparing",
    "suspended": "suspended",
    "revoked": "revoked",
    "lapsed": "lapsed",
}


class SiteApproval(Struct, frozen=True, array_like=True, gc=False):
    """One approval as known on the day, with what it rests on."""

    stage: Stage
    entry: int
    source: str | None
    valid_from: Date | None = None
    verification_due: Date | None = None


class Site(Struct, frozen=True, array_like=True, gc=False):
    """One institution as known on one day."""

    code: str
    name: str
    address: str
    region: str | None
    status: Status
    approvals: dict[TechniqueCode, SiteApproval]
    entry: int
    source: str | None


def select_worst(verdicts: Iterable[VerdictWord]) -> VerdictWord:
    """The worst of several verdicts."""
    return max(verdicts, key=SEVERITY.index)


def judge_stage(stage: Stage) -> VerdictWord:
    """What a stage permits: trial (试运行), formal, operating and rectification (限期整改) may treat.

    筹建 is permission to build and not to treat; suspended (停业整改), revoked (撤销) and lapsed (失效) have stopped.
    """
    return "licensed" if stage in LAWFUL_STAGES else _STOPPED[stage]


def find_lapse_day(approval: SiteApproval | Approval) -> Date | None:
    """The first day an approval is void because its verification (校验) was due and none is recorded; else None.

    The certificate is verified every two years; without an application in time it is void. A verification that took
    place is recorded with the next due day, so a due day that has passed means that none is known. The due day itself
    is still covered.
    """
    if approval.verification_due is None or approval.stage not in LAWFUL_STAGES:
        return None
    return approval.verification_due + dt.timedelta(days=1)


def find_stage_on(approval: SiteApproval | Approval, day: Date) -> Stage | None:
    """The stage an approval is at on a day: None before it takes effect, lapsed once its verification is overdue."""
    if approval.valid_from is not None and day < approval.valid_from and approval.stage in LAWFUL_STAGES:
        return None
    void = find_lapse_day(approval)
    return "lapsed" if void is not None and day >= void else approval.stage


def judge_technique(site: Site, technique: TechniqueCode, sources: dict[str, Source], day: Date) -> TechniqueAnswer:
    """The verdict for one technique at one listed site on a day: approval is per institution and technique.

    A technique the record does not have is `technique_not_licensed` only where a complete source speaks about it;
    otherwise nobody stated its absence and the answer is `unknown`. One approved from a later day on is not licensed
    yet. A suspension of the whole institution stops what may be done and does not hide what was revoked.
    """
    approval = site.approvals.get(technique)
    if approval is None:
        denying = find_complete_source(technique, site.region, sources)
        stated = sources.get(site.source or "")
        if denying is None or (stated is not None and technique in stated.covers and stated.scope != "partial"):
            rest = find_basis(site.entry, site.source, sources)
        else:  # what names the institution does not speak of this technique: another list denies it
            rest = Basis(source=denying.title, as_of=denying.as_of, entry=denying.entry)
        return TechniqueAnswer(
            technique=technique, verdict="technique_not_licensed" if denying else "unknown", basis=rest
        )
    stage = find_stage_on(approval, day)
    verdict: VerdictWord = judge_stage(stage) if stage else "technique_not_licensed"
    if site.status == "suspended" and verdict == "licensed":
        verdict = "suspended"
    return TechniqueAnswer(
        technique=technique,
        verdict=verdict,
        stage=stage,
        basis=find_basis(approval.entry, approval.source, sources),
    )


def judge_institution(site: Site, day: Date) -> VerdictWord:
    """With no technique claimed: whether it is an approved institution at all on a day, by its best approval."""
    if site.status == "suspended":
        return "suspended"
    stages = (find_stage_on(approval, day) for approval in site.approvals.values())
    return judge_best_stage(stage for stage in stages if stage)


def judge_best_stage(stages: Iterable[Stage]) -> VerdictWord:
    """Return the verdict of the best of an institution's approvals; technique_not_licensed without any."""
    return min(map(judge_stage, stages), key=SEVERITY.index, default="technique_not_licensed")


def find_complete_source(
    technique: TechniqueCode | None, region: str | None, sources: dict[str, Source]
) -> Source | None:
    """The latest of ``sources`` that would name the institution, or its technique, if it were approved.

    It is complete for the place and speaks about the technique, so what it does not state is thereby denied. None:
    nobody denied it, and the answer is `unknown`.
    """
    covering = [
        s
        for s in sources.values()
        if s.scope != "partial"
        and (technique is None or technique in s.covers)
        and (s.scope == "national" or (region is not None and region.startswith(regions.get_prefix(s.scope))))
    ]
    return max(covering, key=lambda s: s.as_of, default=None)


def find_basis(entry: int, source: str | None, sources: dict[str, Source]) -> Basis | None:
    """What an answer rests on, or None when the fact has no source document."""
    stated = sources.get(source or "")
    return Basis(source=stated.title, as_of=stated.as_of, entry=entry) if stated else None
