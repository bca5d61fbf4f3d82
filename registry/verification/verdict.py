"""What a claim is answered, by small pure functions over what is in force at one site on one day.

What is in force is ``records.standing``'s to say. Here that becomes a verdict with its basis, and what no record states
is told apart: denied by a complete list, or stated by nobody.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import NamedTuple

from registry.domain import regions
from registry.domain.answers import Basis, Candidate, LastKnown, Match, MatchedOn, TechniqueAnswer, VerdictWord
from registry.domain.comparison import AddressGap, Compared
from registry.domain.model import ApprovalStanding, Date, Source, StandingWord, Struct
from registry.domain.techniques import TECHNIQUES, TechniqueCode
from registry.records import standing
from registry.records.site import Site, SiteApproval
from registry.records.standing import Later, SiteSpan, StandingOnDay

#: From best to worst: the verdict of a claim is the worst of its techniques'.
SEVERITY: tuple[VerdictWord, ...] = (
    "licensed",
    "partly_licensed",
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
_RANKS = {word: rank for rank, word in enumerate(SEVERITY)}
_APPROVAL_VERDICTS: dict[ApprovalStanding, VerdictWord] = {
    "in_force": "licensed",
    "not_yet": "technique_not_licensed",
    "unknown": "unknown",
    "preparing": "preparing",
    "suspended": "suspended",
    "lapsed": "lapsed",
    "revoked": "revoked",
}
#: The verdict on an institution as such. One that is recorded without any approval is licensed for nothing.
_INSTITUTION_VERDICTS: dict[StandingWord, VerdictWord] = {
    "approved": "licensed",
    "partly_approved": "partly_licensed",
    "preparing": "preparing",
    "suspended": "suspended",
    "lapsed": "lapsed",
    "revoked": "revoked",
    "delisted": "technique_not_licensed",
    "unknown": "unknown",
}
#: Every technique, in the order of the official table.
_ORDER = {technique.code: place for place, technique in enumerate(TECHNIQUES)}


class Situation(NamedTuple):
    """One site on the day asked about, with all that is known of before and after."""

    span: SiteSpan
    later: Later
    sources: Mapping[str, Source]
    """Every source known, also those of later days."""
    day: Date
    ahead: bool
    current: dict[str, Source] | None = None
    """The sources that speak of the day or one before, where somebody has selected them."""

    @property
    def site(self) -> Site:
        """The site as recorded on the day."""
        return self.span.site


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
    general: bool = False  # no technique was claimed: every recorded one is answered
    in_force: bool = False  # something may be done at the site, whether or not it is the one asked about
    at_address: bool = False  # an address was given, and it is that of each site that answered
    contradiction: bool = False  # the claim names two institutions: one by name, another by number
    gap: AddressGap | None = None  # what the address leaves open where it is not the site's for certain
    campus: bool = False  # the name fits but for its campus, and no address says which campus is meant
    foreign: bool = False  # the name asked has letters, and none of them is Chinese
    several: bool = False  # the name given is those of several institutions
    english: bool = False  # the name is the English one of every candidate
    by: MatchedOn | None = None  # by what several institutions fit, or the kind of number that nobody has
    list_basis: Basis | None = None
    since: dt.date | None = None  # the first day of what has stopped
    codes: tuple[str, ...] = ()  # the institutions that answered: where a person or a certificate has to belong
    each: tuple[tuple[Site, list[TechniqueAnswer]], ...] = ()  # each of these with the answers for its techniques
    successors: tuple[str, ...] = ()  # of a record that has ended: who bears its name now
    at_site: tuple[str, ...] = ()  # of the same: who else stands at its address, or the one asked about
    nothing_known: bool = False  # the register held no entry at the time of knowing, of whatever day

    @property
    def claim_answers(self) -> list[TechniqueAnswer]:
        """The answers for techniques that the claim names."""
        return [] if self.general else self.techniques


def select_worst(verdicts: Collection[VerdictWord]) -> VerdictWord:
    """Return the worst of several verdicts."""
    return next(iter(verdicts)) if len(verdicts) == 1 else max(verdicts, key=_RANKS.__getitem__)


def judge_technique(situation: Situation, technique: TechniqueCode) -> TechniqueAnswer:
    """Judge one technique at one site: approval is per institution and technique.

    A technique the record does not have is `technique_not_licensed` only where a complete source speaks about it;
    otherwise nobody stated its absence and the answer is `unknown`. An approval that starts later is not licensed yet.
    """
    span, later, sources, day, ahead, _ = situation
    approval = span.site.approvals.get(technique)
    if approval is None:
        return _judge_unrecorded(situation, technique)
    word = standing.judge_technique(span, later, technique, sources, day, ahead=ahead)
    basis = find_basis(approval.entry, approval.source, sources, day, approval)
    verdict = _APPROVAL_VERDICTS[word or "unknown"]
    if verdict == "unknown":
        last_known = LastKnown(stage=approval.stage, basis=basis)
        return TechniqueAnswer(technique=technique, verdict=verdict, basis=basis, last_known=last_known)
    # A suspension of the whole institution leaves each approval at its stage.
    stage = approval.stage if word == "suspended" else standing.find_stage(approval.stage, word or "unknown")
    return TechniqueAnswer(technique=technique, verdict=verdict, stage=stage, basis=basis)


def _judge_unrecorded(situation: Situation, technique: TechniqueCode) -> TechniqueAnswer:
    span, _, sources, day, ahead, current = situation
    site = span.site
    denying = find_complete_source(technique, site.region, current or select_sources_of(sources, day))
    source = sources.get(site.source or "")
    if denying is None or (source is not None and technique in source.covers and source.scope != "partial"):
        basis = find_basis(site.entry, site.source, sources, day)
    else:  # what names the institution does not speak of this technique: another list denies it
        basis = make_source_basis(denying, day)
    is_stale = denying is not None and ahead and day > standing.add_years(denying.as_of, standing.EVIDENCE_YEARS)
    word: VerdictWord = "technique_not_licensed" if denying and not is_stale else "unknown"
    return TechniqueAnswer(technique=technique, verdict=word, basis=basis)


def judge_institution(situation: Situation) -> tuple[VerdictWord, list[TechniqueAnswer]]:
    """Judge an institution with no technique claimed: every technique it has on record, and all of them together."""
    word, approvals = judge_situation(situation)
    answers = [judge_technique(situation, technique) for technique in sorted(approvals, key=_ORDER.__getitem__)]
    if word == "preparing" and "preparing" not in approvals.values():  # approved from a later day
        return "technique_not_licensed", answers
    return _INSTITUTION_VERDICTS[word], answers


def judge_situation(situation: Situation) -> StandingOnDay:
    """Return what is in force at a site."""
    span, later, sources, day, ahead, _ = situation
    return standing.judge_site(span, later, sources, day, ahead=ahead)


def is_in_force(situation: Situation) -> bool:
    """Whether anything may be done at a site."""
    return judge_situation(situation).word in ("approved", "partly_approved")


def select_sources_of(sources: Mapping[str, Source], day: Date) -> dict[str, Source]:
    """Select the sources that speak of a day or one before."""
    return {name: source for name, source in sources.items() if source.as_of <= day}


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


def find_basis(
    entry: int,
    source: str | None,
    sources: Mapping[str, Source],
    day: Date,
    approval: SiteApproval | None = None,
) -> Basis | None:
    """Return what an answer about a day rests on, or None when the fact has no source document."""
    document = sources.get(source or "")
    if document is None:
        return None
    return _make_basis(document, day, entry, approval)


def make_source_basis(source: Source, day: Date) -> Basis:
    """Make the basis of what a source denies by not stating it."""
    return _make_basis(source, day, source.entry, None)


def _make_basis(source: Source, day: Date, entry: int, approval: SiteApproval | None) -> Basis:
    return Basis(
        source=source.title,
        as_of=source.as_of,
        entry=entry,
        secondary=source.secondary,
        age_days=max((day - source.as_of).days, 0),
        document_no=approval.document_no if approval else None,
        authority=approval.authority if approval else None,
    )
