"""From a claim to an answer: who is meant, at which site, and what the rules say of it."""

from __future__ import annotations

import datetime as dt

from registry import techniques as table
from registry.errors import InvalidInput
from registry.identifiers import format_code
from registry.model import (
    Answer,
    Basis,
    Candidate,
    Claim,
    Match,
    Source,
    Struct,
    TechniqueAnswer,
    VerdictWord,
)
from registry.records.asof import AsOf, milliseconds, today
from registry.techniques import LAWFUL_STAGES, TechniqueCode
from registry.verification import addresses, explain, verdict
from registry.verification.matching import Found, at_address, candidate, contradicted, find, is_same_site, near
from registry.verification.verdict import Site
from registry.verification.view import VerificationView


class Moment(Struct, frozen=True):
    """When and from how much of the log something is answered: many claims at one moment are answered alike."""

    now: dt.datetime
    day: dt.date
    size: int


def moment(view: VerificationView) -> Moment:
    """This instant, and the log as the view has it; CannotAnswer when the register cannot be read."""
    view.require_fresh()
    return Moment(now=dt.datetime.now(dt.UTC), day=today(), size=view.size)


def answer(view: VerificationView, claim: Claim, lang: str = "zh-CN", at: Moment | None = None) -> Answer:
    """The registry's answer; InvalidInput for a malformed claim, CannotAnswer when the register cannot be read.

    ``at`` is a moment taken before: what was appended to the log since does not change the answer.
    """
    at = at or moment(view)
    techniques = [technique_of(word) for word in dict.fromkeys(claim.techniques)]
    with view.lock:
        known_at = (claim.known_at or at.now).astimezone(dt.UTC)
        size = at.size if claim.known_at is None else min(at.size, view.size_at(milliseconds(claim.known_at)))
        asof = AsOf(valid_on=claim.on or at.day, size=size)
        judged = _judge(view, claim, list(dict.fromkeys(techniques)), asof)
        state = view.state(size)
    basis = judged.techniques[0].basis if judged.techniques else None
    if basis is None and judged.site is not None:
        basis = verdict.basis(judged.site.entry, judged.site.source, judged.sources)
    if basis is None:
        basis = judged.list_basis
    return Answer(
        id=claim.id,
        verdict=judged.verdict,
        explanation=explain.sentence(judged, asof.valid_on, lang),
        techniques=judged.techniques,
        match=judged.match,
        candidates=judged.candidates,
        on=asof.valid_on,
        known_at=known_at,
        basis=basis,
        log=state,
    )


def technique_of(word: str) -> TechniqueCode:
    """The technique a claim names by code or everyday word; InvalidInput listing what there is."""
    found = table.from_words(word)
    if found is None:
        codes = "、".join(t.code for t in table.TECHNIQUES)
        raise InvalidInput(
            f"未知的技术“{word[:40]}”；可用：{codes}。", f"Unknown technique “{word[:40]}”; there are {codes}."
        )
    return found


def _judge(view: VerificationView, claim: Claim, techniques: list[TechniqueCode], asof: AsOf) -> explain.Judged:
    sources = {key: s for key, s in view.sources_at(asof.size).items() if s.as_of <= asof.valid_on}
    found = find(view, claim, asof)
    chosen = at_address(found, claim.provider.address)
    candidates = [candidate(f.site, 100) for f in found] if len(found) > 1 else []
    if not found:
        return _nobody(view, claim, techniques, asof, sources)
    if not chosen:
        return _site_mismatch(found, techniques, candidates, sources)
    if several := contradicted(view, claim, chosen, asof):
        return _ambiguous(techniques, [candidate(f.site, 100) for f in several], sources, contradiction=True)
    if any(f.rule == "campus" for f in chosen) and not is_same_site(chosen, claim.provider.address):
        return _ambiguous(techniques, [candidate(f.site, 99) for f in found], sources)
    results = [(_rules(f.site, techniques, sources), f) for f in chosen]
    verdicts = {tuple((t.technique, t.verdict) for t in answers) or word for (word, answers), _ in results}
    if len(verdicts) > 1 or (len(chosen) > 1 and any(f.site.status == "delisted" for f in chosen)):
        return _ambiguous(techniques, candidates, sources)
    (word, answers), first = results[0]
    return explain.Judged(
        verdict=word,
        techniques=answers,
        candidates=candidates,
        sources=sources,
        site=first.site,
        match=_match(first),
        count=len(chosen),
        since=_since(view, first.site, word, answers, asof),
    )


def _ambiguous(
    techniques: list[TechniqueCode],
    candidates: list[Candidate],
    sources: dict[str, Source],
    contradiction: bool = False,
) -> explain.Judged:
    return explain.Judged(
        verdict="ambiguous",
        techniques=[TechniqueAnswer(technique=t, verdict="ambiguous") for t in techniques],
        candidates=candidates,
        sources=sources,
        count=len(candidates),
        contradiction=contradiction,
    )


def _since(
    view: VerificationView, site: Site, word: VerdictWord, answers: list[TechniqueAnswer], asof: AsOf
) -> dt.date | None:
    """From when what the verdict says has held without a break; only for what has stopped."""
    if word not in ("suspended", "revoked", "lapsed"):
        return None
    technique = next((a.technique for a in answers if a.verdict == word), None)
    if technique is None or site.approvals[technique].stage in LAWFUL_STAGES:
        return view.since(site.code, asof, lambda known: known.status == site.status)
    stage = site.approvals[technique].stage
    return view.since(
        site.code, asof, lambda known: (held := known.approvals.get(technique)) is not None and held.stage == stage
    )


def _rules(
    site: Site, techniques: list[TechniqueCode], sources: dict[str, Source]
) -> tuple[VerdictWord, list[TechniqueAnswer]]:
    if site.status == "delisted":
        rest = verdict.basis(site.entry, site.source, sources)
        return "not_found", [TechniqueAnswer(technique=t, verdict="not_found", basis=rest) for t in techniques]
    answers = [verdict.of_technique(site, technique, sources) for technique in techniques]
    if not answers:
        return verdict.of_institution(site), []
    return verdict.worst(a.verdict for a in answers), answers


def _site_mismatch(
    found: list[Found], techniques: list[TechniqueCode], candidates: list[Candidate], sources: dict[str, Source]
) -> explain.Judged:
    standing = [f for f in found if f.site.status != "delisted"]
    word: VerdictWord = "site_mismatch" if standing else "not_found"
    first = (standing or found)[0]
    return explain.Judged(
        verdict=word,
        techniques=[
            TechniqueAnswer(
                technique=t, verdict=word, basis=verdict.basis(first.site.entry, first.site.source, sources)
            )
            for t in techniques
        ],
        candidates=candidates,
        sources=sources,
        site=first.site,
        match=_match(first),
        count=len(found),
    )


def _nobody(
    view: VerificationView, claim: Claim, techniques: list[TechniqueCode], asof: AsOf, sources: dict[str, Source]
) -> explain.Judged:
    """Nobody fits: `not_found` where a complete source covers the question on that day, else `unknown`."""
    region = addresses.parts(claim.provider.address)[0] if claim.provider.address else None
    asked: list[TechniqueCode | None] = [*techniques] or [None]
    complete = {t: verdict.complete(t, region, sources) for t in asked}
    words: list[VerdictWord] = ["not_found" if source else "unknown" for source in complete.values()]
    answers = [
        TechniqueAnswer(technique=t, verdict="not_found" if complete[t] else "unknown", basis=_list_basis(complete[t]))
        for t in techniques
    ]
    return explain.Judged(
        verdict=verdict.worst(words),
        techniques=answers,
        candidates=near(view, claim.provider.name, asof),
        sources=sources,
        list_basis=_list_basis(next((s for s in complete.values() if s), None)),
        nothing_known=asof.size == 0,
    )


def _list_basis(source: Source | None) -> Basis | None:
    return Basis(source=source.title, as_of=source.as_of, entry=source.entry) if source else None


def _match(found: Found) -> Match:
    return Match(
        code=format_code(found.site.code),
        name=found.site.name,
        address=found.site.address,
        on=found.on,
        exact=found.exact,
        rule=found.rule,
    )
