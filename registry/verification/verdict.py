"""The rules of law as small pure functions over what is known of one site on one day.

Source of every rule: 《人类辅助生殖技术管理办法》 (卫生部令第14号): only in approved institutions (art. 3), approval
per institution and technique, a trial year before formal operation, verification every two years.
"""

from __future__ import annotations

from collections.abc import Iterable

from registry import regions
from registry.model import Basis, Source, Status, Struct, TechniqueAnswer, VerdictWord
from registry.techniques import LAWFUL_STAGES, Stage, TechniqueCode

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


class KnownApproval(Struct, frozen=True):
    """One approval as known on the day, with what it rests on."""

    stage: Stage
    entry: int
    source: str | None


class Site(Struct, frozen=True):
    """One institution as known on one day."""

    code: str
    name: str
    address: str
    region: str | None
    status: Status
    approvals: dict[TechniqueCode, KnownApproval]
    entry: int
    source: str | None


def worst(verdicts: Iterable[VerdictWord]) -> VerdictWord:
    """The worst of several verdicts."""
    return max(verdicts, key=SEVERITY.index)


def of_stage(stage: Stage) -> VerdictWord:
    """Trial, formal, operating and rectification may treat; 筹建 is no permission; the others have stopped."""
    return "licensed" if stage in LAWFUL_STAGES else _STOPPED[stage]


def of_technique(site: Site, technique: TechniqueCode, sources: dict[str, Source]) -> TechniqueAnswer:
    """The verdict for one technique at one listed site.

    A technique the record does not have is `technique_not_licensed` only where a complete source speaks about it;
    otherwise nobody stated its absence and the answer is `unknown`.
    """
    approval = site.approvals.get(technique)
    if approval is None:
        return TechniqueAnswer(
            technique=technique,
            verdict="technique_not_licensed" if complete(technique, site.region, sources) else "unknown",
            basis=basis(site.entry, site.source, sources),
        )
    verdict = of_stage(approval.stage)
    if site.status == "suspended" and verdict == "licensed":
        verdict = "suspended"
    return TechniqueAnswer(
        technique=technique,
        verdict=verdict,
        stage=approval.stage,
        basis=basis(approval.entry, approval.source, sources),
    )


def of_institution(site: Site) -> VerdictWord:
    """With no technique claimed: whether it is an approved institution at all, by its best approval."""
    if site.status == "suspended":
        return "suspended"
    verdicts = [of_stage(approval.stage) for approval in site.approvals.values()]
    return min(verdicts, key=SEVERITY.index) if verdicts else "technique_not_licensed"


def complete(technique: TechniqueCode | None, region: str | None, sources: dict[str, Source]) -> Source | None:
    """The latest of ``sources`` that would name the institution, or its technique, if it were approved.

    It is complete for the place and speaks about the technique, so what it does not state is thereby denied. None:
    nobody denied it, and the answer is `unknown`.
    """
    covering = [
        s
        for s in sources.values()
        if s.scope != "partial"
        and (technique is None or technique in s.covers)
        and (s.scope == "national" or (region is not None and region.startswith(regions.prefix(s.scope))))
    ]
    return max(covering, key=lambda s: s.as_of, default=None)


def basis(entry: int, source: str | None, sources: dict[str, Source]) -> Basis | None:
    """What an answer rests on, or None when the fact has no source document."""
    stated = sources.get(source or "")
    return Basis(source=stated.title, as_of=stated.as_of, entry=entry) if stated else None
