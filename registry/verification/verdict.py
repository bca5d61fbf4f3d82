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
from registry.domain.comparison import Compared
from registry.domain.model import (
    Approval,
    Basis,
    Candidate,
    Date,
    Match,
    MatchedOn,
    Source,
    Status,
    Struct,
    TechniqueAnswer,
    VerdictWord,
)
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
    """One approval as known on a day, with the entry and the source it rests on."""

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


class Judgement(Struct, frozen=True, gc=False):
    """The outcome of the rules for a claim before it is put into words, with all that its explanation may need."""

    verdict: VerdictWord
    techniques: list[TechniqueAnswer]
    candidates: list[Candidate]
    sources: dict[str, Source]
    site: Site | None = None
    match: Match | None = None
    compared: Compared | None = None
    partly_elsewhere: bool = False  # of several addresses one is the site's, and one is not
    count: int = 0
    contradiction: bool = False  # the claim names two institutions: one by name, another by number
    campus: bool = False  # the name fits but for its campus, and no address says which campus is meant
    by: MatchedOn | None = None  # by what several institutions fit, or the kind of number that nobody has
    list_basis: Basis | None = None
    since: dt.date | None = None  # the first day of what has stopped
    codes: tuple[str, ...] = ()  # the institutions that answered: where a person or a certificate has to belong
    each: tuple[tuple[Site, list[TechniqueAnswer]], ...] = ()  # each of these with the answers for its techniques
    nothing_known: bool = False  # the register held no entry at the time of knowing, of whatever day


def select_worst(verdicts: Iterable[VerdictWord]) -> VerdictWord:
    """Return the worst of several verdicts."""
    return max(verdicts, key=SEVERITY.index)


def judge_stage(stage: Stage) -> VerdictWord:
    """Return what a stage permits: trial (试运行), formal, operating and rectification (限期整改) may treat.

    筹建 is permission to build and not to treat; suspended (停业整改), revoked (撤销) and lapsed (失效) have stopped.
    """
    return "licensed" if stage in LAWFUL_STAGES else _STOPPED[stage]


def find_lapse_day(approval: SiteApproval | Approval) -> Date | None:
    """Return the first day an approval is void because its verification (校验) was due and none is recorded, or None.

    The certificate is verified every two years; without an application in time it is void. A verification is recorded
    with the next due day, so a due day that has passed means that none is known. The due day itself is still covered.
    """
    if approval.verification_due is None or approval.stage not in LAWFUL_STAGES:
        return None
    return approval.verification_due + dt.timedelta(days=1)


def find_stage_on(approval: SiteApproval | Approval, day: Date) -> Stage | None:
    """Return the stage of an approval on a day: None before it takes effect, lapsed once verification is overdue."""
    if approval.valid_from is not None and day < approval.valid_from and approval.stage in LAWFUL_STAGES:
        return None
    void = find_lapse_day(approval)
    return "lapsed" if void is not None and day >= void else approval.stage


def judge_technique(site: Site, technique: TechniqueCode, sources: dict[str, Source], day: Date) -> TechniqueAnswer:
    """Judge one technique at one listed site on a day: approval is per institution and technique.

    A technique the record does not have is `technique_not_licensed` only where a complete source speaks about it;
    otherwise nobody stated its absence and the answer is `unknown`. An approval that starts later is not licensed yet.
    A suspension of the whole institution stops what may be done and does not hide what was revoked.
    """
    approval = site.approvals.get(technique)
    if approval is None:
        denying = find_complete_source(technique, site.region, sources)
        source = sources.get(site.source or "")
        if denying is None or (source is not None and technique in source.covers and source.scope != "partial"):
            basis = find_basis(site.entry, site.source, sources)
        else:  # what names the institution does not speak of this technique: another list denies it
            basis = Basis(source=denying.title, as_of=denying.as_of, entry=denying.entry)
        return TechniqueAnswer(
            technique=technique, verdict="technique_not_licensed" if denying else "unknown", basis=basis
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
    """Judge an institution on a day with no technique claimed: by its best approval."""
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
    """Find the latest of ``sources`` that would name the institution, or its technique, if it were approved.

    It is complete for the place and speaks about the technique, so what it does not state is thereby denied. None:
    nobody denied it, and the answer is `unknown`.
    """
    covering = [
        source
        for source in sources.values()
        if source.scope != "partial"
        and (technique is None or technique in source.covers)
        and (source.scope == "national" or (region is not None and region.startswith(regions.get_prefix(source.scope))))
    ]
    return max(covering, key=lambda source: source.as_of, default=None)


def find_basis(entry: int, source: str | None, sources: dict[str, Source]) -> Basis | None:
    """Return what an answer rests on, or None when the fact has no source document."""
    document = sources.get(source or "")
    return Basis(source=document.title, as_of=document.as_of, entry=entry) if document else None
