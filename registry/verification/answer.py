"""From a claim to an answer: who is meant, at which site, and what the rules say of it."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Any

import msgspec

from registry.domain import techniques as table
from registry.domain.identifiers import format_code
from registry.domain.model import (
    Answer,
    Basis,
    Candidate,
    Claim,
    Date,
    Match,
    Provider,
    Source,
    Struct,
    TechniqueAnswer,
    VerdictWord,
)
from registry.domain.techniques import TechniqueCode
from registry.errors import InvalidInput
from registry.records.asof import AsOf, to_day, to_milliseconds
from registry.verification import addresses, adtext, certificates, explain, people, verdict
from registry.verification.judgement import Judgement
from registry.verification.matching import (
    SiteMatch,
    find_contradictions,
    find_number_kind,
    is_same_site,
    list_near_candidates,
    make_candidate,
    match_provider,
    select_by_address,
)
from registry.verification.verdict import Site
from registry.verification.view import VerificationView

#: Stands in a remembered answer for the instant of asking.
_NEVER = dt.datetime.min.replace(tzinfo=dt.UTC)


class Moment(Struct, frozen=True):
    """From which state of the register something is answered: many claims at one moment are answered alike.

    ``now``: the instant at which the state was verified, never that of the question; ``age``: seconds since then.
    """

    now: dt.datetime
    day: dt.date
    size: int
    age: int = 0


def take_moment(view: VerificationView) -> Moment:
    """The last state of the register that was verified; CannotAnswer when that is too long ago."""
    verified = view.require_fresh()
    size = view.size
    return Moment(now=verified.at, day=to_day(view.find_now(size)), size=size, age=int(verified.get_age()))


def answer_claim(view: VerificationView, claim: Claim, lang: str = "zh-CN", at: Moment | None = None) -> Answer:
    """The registry's answer; InvalidInput for a malformed claim, CannotAnswer when the register cannot be read.

    ``at`` is a moment taken before: what was appended to the log since does not change the answer, and nothing is
    remembered, since who asks much at one moment keeps what is asked again. Neither person nor certificate nor wording
    changes the verdict; a technique that the text offers is one more claim.
    """
    once = at is not None
    at = at or take_moment(view)
    named = [parse_technique(word) for word in claim.techniques]
    said = adtext.read_wording(claim.text) if claim.text is not None else None
    techniques = tuple(dict.fromkeys([*named, *said.techniques] if said else named))
    english = lang.startswith("en")
    known_at = at.now if claim.known_at is None else claim.known_at.astimezone(dt.UTC)
    with view.lock:
        size = at.size if claim.known_at is None else min(at.size, view.get_size_at(to_milliseconds(claim.known_at)))
        asof = AsOf(valid_on=claim.on or at.day, size=size)
        if once:
            told, judged = _make_answer(view, claim.provider, list(techniques), asof, english, at.day)
        else:
            # The day is part of the question: a sentence about a past day reads otherwise than one about today.
            question = (claim.provider, techniques, asof, english, at.day)
            ask = partial(_make_answer, view, claim.provider, list(techniques), asof, english, at.day)
            told, judged = view.compute_once(question, ask)
        if claim.practitioner is None and claim.ad_certificate is None and said is None:
            return msgspec.structs.replace(told, id=claim.id, known_at=known_at, state_age=at.age)
        beside = _answer_person_and_certificate(view, claim, judged, asof, lang)
    if said is not None:
        beside |= {"content_flags": said.flags, "content_against": said.against}
        if said.techniques:
            beside["techniques"] = _mark_from_text(told.techniques, named)
    return msgspec.structs.replace(told, id=claim.id, known_at=known_at, state_age=at.age, **beside)


def _answer_person_and_certificate(
    view: VerificationView, claim: Claim, judged: Judgement, asof: AsOf, lang: str
) -> dict[str, Any]:
    """What is answered beside the licence: the person and the certificate, when the claim names them."""
    told: dict[str, Any] = {}
    if claim.practitioner is not None:
        told["practitioner"] = people.answer_person(view, claim.practitioner, judged, asof, lang)
    if claim.ad_certificate is not None:
        told["ad_certificate"] = certificates.answer_certificate(view, claim.ad_certificate, judged, asof, lang)
    return told


def _make_answer(
    view: VerificationView,
    provider: Provider,
    techniques: list[TechniqueCode],
    asof: AsOf,
    english: bool,
    today: dt.date,
) -> tuple[Answer, Judgement]:
    """The answer to everybody who asks this today, and how it was judged; who asked, and when, is put in after."""
    judged = _judge_provider(view, provider, techniques, asof)
    basis = judged.techniques[0].basis if judged.techniques else None
    if basis is None and judged.site is not None:
        basis = verdict.find_basis(judged.site.entry, judged.site.source, judged.sources)
    if basis is None:
        basis = judged.list_basis
    told = Answer(
        id=None,
        verdict=judged.verdict,
        explanation=explain.describe_judgement(judged, asof.valid_on, today, english),
        techniques=judged.techniques,
        match=judged.match,
        candidates=judged.candidates,
        on=asof.valid_on,
        known_at=_NEVER,
        basis=basis,
        log=view.get_state(asof.size),
    )
    return told, judged


def _mark_from_text(answers: list[TechniqueAnswer], named: list[TechniqueCode]) -> list[TechniqueAnswer]:
    """The techniques with a mark on those that only the text names."""
    return [one if one.technique in named else msgspec.structs.replace(one, from_text=True) for one in answers]


def parse_technique(word: str) -> TechniqueCode:
    """The technique a claim names by code or everyday word; InvalidInput listing what there is."""
    found = table.find_technique(word)
    if found is None:
        codes = "、".join(t.code for t in table.TECHNIQUES)
        raise InvalidInput(
            f"未知的技术“{word[:40]}”；可用：{codes}。", f"Unknown technique “{word[:40]}”; there are {codes}."
        )
    return found


def _judge_provider(
    view: VerificationView, provider: Provider, techniques: list[TechniqueCode], asof: AsOf
) -> Judgement:
    sources = view.get_sources(asof)
    found = match_provider(view, provider, asof)
    chosen = select_by_address(found, provider.address)
    candidates = [make_candidate(f.site, 100) for f in found] if len(found) > 1 else []
    if not found:
        return _judge_no_match(view, provider, techniques, asof, sources)
    if not chosen:
        return _judge_site_mismatch(found, techniques, candidates, sources)
    if several := find_contradictions(view, provider, chosen, asof):
        return _judge_ambiguous(techniques, [make_candidate(f.site, 100) for f in several], sources, contradiction=True)
    if "campus" in [f.rule for f in chosen] and not is_same_site(chosen, provider.address):
        return _judge_ambiguous(techniques, [make_candidate(f.site, 99) for f in found], sources, campus=True)
    results = [(_apply_rules(f.site, techniques, sources, asof.valid_on), f) for f in chosen]
    if len(results) > 1 and not _is_unanimous(results):
        return _judge_ambiguous(techniques, candidates, sources, by=chosen[0].on)
    (word, answers), first = results[0]
    return Judgement(
        verdict=word,
        techniques=answers,
        candidates=candidates,
        sources=sources,
        site=first.site,
        match=_make_match(first),
        count=len(chosen),
        since=_find_stop_day(view, first.site, word, answers, asof),
        codes=tuple(f.site.code for f in chosen),
        each=tuple((f.site, told) for (_, told), f in results),
    )


def _is_unanimous(results: list[tuple[tuple[VerdictWord, list[TechniqueAnswer]], SiteMatch]]) -> bool:
    """Whether several institutions that may be meant are all listed, and alike in every technique."""
    verdicts = {tuple((t.technique, t.verdict) for t in answers) or word for (word, answers), _ in results}
    return len(verdicts) == 1 and all(f.site.status != "delisted" for _, f in results)


def _judge_ambiguous(
    techniques: list[TechniqueCode], candidates: list[Candidate], sources: dict[str, Source], **why: Any
) -> Judgement:
    each = [TechniqueAnswer(technique=t, verdict="ambiguous") for t in techniques]
    count = len(candidates)
    return Judgement(verdict="ambiguous", techniques=each, candidates=candidates, sources=sources, count=count, **why)


def _find_stop_day(
    view: VerificationView, site: Site, word: VerdictWord, answers: list[TechniqueAnswer], asof: AsOf
) -> Date | None:
    """From when all that the verdict says has held without a break; only for what has stopped."""
    if word not in ("suspended", "revoked", "lapsed"):
        return None
    stopped: list[TechniqueCode | None] = [a.technique for a in answers if a.verdict == word]
    days = [_find_technique_stop(view, site.code, word, technique, asof) for technique in stopped or [None]]
    known = [day for day in days if day is not None]
    return max(known) if len(known) == len(days) else None


def _find_technique_stop(
    view: VerificationView, code: str, word: VerdictWord, technique: TechniqueCode | None, asof: AsOf
) -> Date | None:
    def is_stopped(known: Site, day: Date) -> bool:
        if known.status == "delisted":
            return False
        if technique is None:
            return verdict.judge_institution(known, day) == word
        return verdict.judge_technique(known, technique, {}, day).verdict == word

    first = view.find_unbroken_span(code, asof, is_stopped)
    if first is None:
        return None
    begun = Date.fromisoformat(first.valid_from)
    if word != "lapsed":
        return begun
    # Nobody records the day a verification is missed: it is reckoned, and lies within the span.
    approvals = [held for of, held in first.site.approvals.items() if technique in (None, of)]
    return max([begun, *(void for held in approvals if (void := verdict.find_lapse_day(held)))])


def _apply_rules(
    site: Site, techniques: list[TechniqueCode], sources: dict[str, Source], day: Date
) -> tuple[VerdictWord, list[TechniqueAnswer]]:
    if site.status == "delisted":
        rest = verdict.find_basis(site.entry, site.source, sources)
        return "not_found", [TechniqueAnswer(technique=t, verdict="not_found", basis=rest) for t in techniques]
    answers = [verdict.judge_technique(site, technique, sources, day) for technique in techniques]
    if not answers:
        return verdict.judge_institution(site, day), []
    return verdict.select_worst(a.verdict for a in answers), answers


def _judge_site_mismatch(
    found: list[SiteMatch], techniques: list[TechniqueCode], candidates: list[Candidate], sources: dict[str, Source]
) -> Judgement:
    standing = [f for f in found if f.site.status != "delisted"]
    word: VerdictWord = "site_mismatch" if standing else "not_found"
    first = (standing or found)[0]
    return Judgement(
        verdict=word,
        techniques=[
            TechniqueAnswer(
                technique=t, verdict=word, basis=verdict.find_basis(first.site.entry, first.site.source, sources)
            )
            for t in techniques
        ],
        candidates=candidates,
        sources=sources,
        site=first.site,
        match=_make_match(first),
        count=len(found),
    )


def _judge_no_match(
    view: VerificationView, provider: Provider, techniques: list[TechniqueCode], asof: AsOf, sources: dict[str, Source]
) -> Judgement:
    """Nobody fits: `not_found` where a complete source covers the question on that day, else `unknown`."""
    region = addresses.split_address(provider.address)[0] if provider.address else None
    asked: list[TechniqueCode | None] = [*techniques] or [None]
    complete = {t: verdict.find_complete_source(t, region, sources) for t in asked}
    words: list[VerdictWord] = ["not_found" if source else "unknown" for source in complete.values()]
    answers = [
        TechniqueAnswer(
            technique=t, verdict="not_found" if complete[t] else "unknown", basis=_make_list_basis(complete[t])
        )
        for t in techniques
    ]
    return Judgement(
        verdict=verdict.select_worst(words),
        techniques=answers,
        candidates=list_near_candidates(view, provider.name, asof),
        sources=sources,
        list_basis=_make_list_basis(next((s for s in complete.values() if s), None)),
        nothing_known=asof.size == 0,
        by=find_number_kind(provider) if not provider.name else None,
    )


def _make_list_basis(source: Source | None) -> Basis | None:
    return Basis(source=source.title, as_of=source.as_of, entry=source.entry) if source else None


def _make_match(found: SiteMatch) -> Match:
    return Match(
        code=format_code(found.site.code),
        name=found.site.name,
        address=found.site.address,
        on=found.on,
        exact=found.exact,
        rule=found.rule,
    )
