"""Who a claim is about, and what the rules say of it there: from the parts of a claim to a judgement."""

from __future__ import annotations

from typing import Any

import msgspec

from registry.domain.answers import Basis, Candidate, Match, Provider, TechniqueAnswer, VerdictWord
from registry.domain.identifiers import compact_code, format_code
from registry.domain.model import Date, Source
from registry.domain.techniques import TechniqueCode
from registry.records import standing
from registry.records.asof import AsOf
from registry.records.site import Site
from registry.verification import addresses, verdict
from registry.verification.candidates import (
    CANDIDATE_LIMIT,
    list_beginning_candidates,
    list_candidates,
    list_english_candidates,
    list_several,
    make_candidate,
)
from registry.verification.english_names import is_latin
from registry.verification.name_match import SiteMatch, is_same_site
from registry.verification.site_match import (
    DOUBTS,
    compare_provider,
    find_common_gap,
    find_contradictions,
    find_number_kind,
    has_number,
    is_partly_elsewhere,
    match_provider,
    select_by_address,
)
from registry.verification.successors import find_successors
from registry.verification.verdict import Judgement, Situation
from registry.verification.view import VerificationView


def judge_provider(
    view: VerificationView, provider: Provider, techniques: list[TechniqueCode], asof: AsOf
) -> Judgement:
    """Find the institutions a claim names and judge them; a contradiction or several of them make it ambiguous."""
    sources = view.get_sources(asof)
    matches = match_provider(view, provider, asof)
    chosen = select_by_address(matches, provider.address)
    candidates = [make_candidate(match.site, 100) for match in matches] if len(matches) > 1 else []
    if not matches:
        return _judge_no_match(view, provider, techniques, asof, sources)
    if not chosen:
        judgement = _judge_site_mismatch(view, matches, techniques, candidates, asof)
        judgement = msgspec.structs.replace(judgement, compared=compare_provider(view, provider, matches[0], asof))
        return _add_successors(view, provider, judgement, matches, asof)
    if doubt := _find_doubt(view, provider, techniques, matches, chosen, asof):
        return doubt
    results = [(_apply_rules(view, match, techniques, asof), match) for match in chosen]
    if len(results) > 1 and not _is_unanimous(results, general=not techniques):
        return _judge_ambiguous(techniques, candidates, sources, by=chosen[0].on)
    (word, answers), first = results[0]
    gap = find_common_gap(chosen, provider.address) if provider.address else None
    if gap in DOUBTS and word in ("licensed", "partly_licensed"):
        doubtful = [make_candidate(match.site, 99) for match in chosen]
        return _judge_ambiguous(techniques, doubtful, sources, gap=gap, site=first.site)
    if not techniques:  # what each of them has is answered for all only where they agree
        others = [site_answers for (_, site_answers), _ in results[1:]]
        answers = [a for a in answers if all(_has_same_verdict(a, site_answers) for site_answers in others)]
    judgement = Judgement(
        verdict=word,
        techniques=answers,
        candidates=candidates,
        sources=sources,
        site=first.site,
        match=_make_match(first),
        compared=compare_provider(view, provider, first, asof),
        count=len(chosen),
        general=not techniques,
        gap=gap,
        at_address=is_same_site(chosen, provider.address),
        since=_find_stop_day(view, first.site, word, answers if techniques else [], asof),
        codes=tuple([match.site.code for match in chosen]),
        each=tuple([(match.site, site_answers) for (_, site_answers), match in results]),
    )
    return _add_successors(view, provider, judgement, matches, asof)


def _add_successors(
    view: VerificationView, provider: Provider, judgement: Judgement, matches: list[SiteMatch], asof: AsOf
) -> Judgement:
    """Add to a judgement on records that have ended who goes on for them, and who may: both are candidates.

    It is `ambiguous` who is meant where one of the former goes on, unless an address is given, and none has that; a
    number means the record that has ended, and nobody else.
    """
    if judgement.site is None or judgement.site.status != "delisted":
        return judgement
    spans = [match.span for match in matches]
    found = find_successors(view, spans, provider.name, asof, provider.address)
    candidates = {span.site.code: make_candidate(span.site, 99) for span in (*found.by_name, *found.at_site)}
    for candidate in list_candidates(view, provider.name or judgement.site.name, asof, provider.address):
        candidates.setdefault(compact_code(candidate.code), candidate)
    ranked = list(candidates.values())[:CANDIDATE_LIMIT]
    has_number = bool(provider.code) or find_number_kind(provider) is not None
    if not has_number and found.may_be_at(provider.address):
        techniques = [answer.technique for answer in judgement.claim_answers]
        judgement = _judge_ambiguous(techniques, ranked, judgement.sources, site=judgement.site)
    return msgspec.structs.replace(
        judgement,
        candidates=ranked,
        successors=tuple([span.site.name for span in found.by_name]),
        at_site=tuple([span.site.name for span in found.at_site]),
    )


def _find_doubt(
    view: VerificationView,
    provider: Provider,
    techniques: list[TechniqueCode],
    matches: list[SiteMatch],
    chosen: list[SiteMatch],
    asof: AsOf,
) -> Judgement | None:
    """Judge a claim whose parts do not fit one institution at one site; None where nothing speaks against that."""
    is_campus = _is_campus(chosen)
    if provider.address is None and not is_campus and not has_number(provider):
        return None  # as of nearly every claim: a name alone has no other part
    several: list[SiteMatch] = find_contradictions(view, provider, chosen, asof)
    score, details = 100, {"contradiction": True}
    if not several and is_partly_elsewhere(chosen, provider.address):
        several, details = chosen, {"partly_elsewhere": True}
    if not several and is_campus and not is_same_site(chosen, provider.address):
        several, score, details = matches, 99, {"campus": True}
    if not several:
        return None
    candidates = [make_candidate(match.site, score) for match in several]
    return _judge_ambiguous(techniques, candidates, view.get_sources(asof), **details)


def _is_campus(chosen: list[SiteMatch]) -> bool:
    for match in chosen:  # noqa: SIM110 - nearly always one: quicker than a generator
        if match.rule == "campus":
            return True
    return False


def _is_unanimous(results: list[tuple[tuple[VerdictWord, list[TechniqueAnswer]], SiteMatch]], *, general: bool) -> bool:
    """Return whether several institutions that may be meant are all listed, and alike in every technique claimed."""
    verdicts = {word if general else tuple((t.technique, t.verdict) for t in answers) for (word, answers), _ in results}
    return len(verdicts) == 1 and all(f.site.status != "delisted" for _, f in results)


def _has_same_verdict(answer: TechniqueAnswer, others: list[TechniqueAnswer]) -> bool:
    return (answer.technique, answer.verdict) in [(other.technique, other.verdict) for other in others]


def _judge_ambiguous(
    techniques: list[TechniqueCode], candidates: list[Candidate], sources: dict[str, Source], **details: Any
) -> Judgement:
    each = [TechniqueAnswer(technique=t, verdict="ambiguous") for t in techniques]
    count = len(candidates)
    return Judgement(
        verdict="ambiguous", techniques=each, candidates=candidates, sources=sources, count=count, **details
    )


def _find_stop_day(
    view: VerificationView, site: Site, word: VerdictWord, answers: list[TechniqueAnswer], asof: AsOf
) -> Date | None:
    """Return since when everything the verdict says has held without a break; only for what has stopped."""
    if word not in ("suspended", "revoked", "lapsed"):
        return None
    stopped: list[TechniqueCode | None] = [a.technique for a in answers if a.verdict == word]
    days = [_find_technique_stop(view, site.code, word, technique, asof) for technique in stopped or [None]]
    known = [day for day in days if day is not None]
    return max(known) if len(known) == len(days) else None


def _find_technique_stop(
    view: VerificationView, code: str, word: VerdictWord, technique: TechniqueCode | None, asof: AsOf
) -> Date | None:
    def is_stopped(known: Situation) -> bool:
        if known.site.status == "delisted":
            return False
        if technique is None:
            return verdict.judge_institution(known)[0] == word
        return verdict.judge_technique(known, technique).verdict == word

    first = view.find_unbroken_span(code, asof, is_stopped)
    if first is None:
        return None
    start = Date.fromisoformat(first.valid_from)
    if word != "lapsed":
        return start
    # Nobody records the day a verification is missed: it is reckoned, and lies within the span.
    approvals = [approval for key, approval in first.site.approvals.items() if technique in (None, key)]
    return max([start, *(day for approval in approvals if (day := standing.find_lapse_day(approval)))])


def _apply_rules(
    view: VerificationView, match: SiteMatch, techniques: list[TechniqueCode], asof: AsOf
) -> tuple[VerdictWord, list[TechniqueAnswer]]:
    site = match.site
    if site.status == "delisted":
        basis = verdict.find_basis(site.entry, site.source, view.get_sources(asof), asof.valid_on)
        return "not_found", [TechniqueAnswer(technique=t, verdict="not_found", basis=basis) for t in techniques]
    situation = view.make_situation(match.span, asof.valid_on, asof)
    if not techniques:
        return verdict.judge_institution(situation)
    answers = [verdict.judge_technique(situation, technique) for technique in techniques]
    if len(answers) == 1:
        return answers[0].verdict, answers
    return verdict.select_worst([answer.verdict for answer in answers]), answers


def _judge_site_mismatch(
    view: VerificationView,
    matches: list[SiteMatch],
    techniques: list[TechniqueCode],
    candidates: list[Candidate],
    asof: AsOf,
) -> Judgement:
    listed = [match for match in matches if match.site.status != "delisted"]
    word: VerdictWord = "site_mismatch" if listed else "not_found"
    first = (listed or matches)[0]
    sources = view.get_sources(asof)
    basis = verdict.find_basis(first.site.entry, first.site.source, sources, asof.valid_on)
    return Judgement(
        verdict=word,
        techniques=[TechniqueAnswer(technique=t, verdict=word, basis=basis) for t in techniques],
        candidates=candidates,
        sources=sources,
        site=first.site,
        match=_make_match(first),
        count=len(matches),
        in_force=verdict.is_in_force(view.make_situation(first.span, asof.valid_on, asof)),
    )


def _judge_no_match(
    view: VerificationView, provider: Provider, techniques: list[TechniqueCode], asof: AsOf, sources: dict[str, Source]
) -> Judgement:
    """Judge a claim that nobody fits: `not_found` where a complete source covers it that day, else `unknown`.

    `ambiguous` where several institutions' names begin with the one asked. Of a number alone `unknown`: the register
    need not hold every number.
    """
    if beginning := list_beginning_candidates(view, provider.name, asof, provider.address):
        return _judge_ambiguous(techniques, beginning, sources)
    if several := list_several(view, provider.name, asof):
        return _judge_ambiguous(techniques, several, sources, several=True)
    if translated := list_english_candidates(view, provider.name, asof, provider.address):
        return _judge_ambiguous(techniques, translated, sources, english=True)
    by = find_number_kind(provider) if not provider.name else None
    region = addresses.split_address(provider.address)[0] if provider.address else None
    claimed: list[TechniqueCode | None] = [*techniques] or [None]
    complete = {t: _find_denying_source(t, region, sources, asof) for t in claimed}
    words: dict[TechniqueCode | None, VerdictWord] = {
        t: "not_found" if source and by is None else "unknown" for t, source in complete.items()
    }
    answers = [
        TechniqueAnswer(technique=t, verdict=words[t], basis=_make_list_basis(complete[t], asof.valid_on))
        for t in techniques
    ]
    return Judgement(
        verdict=verdict.select_worst(words.values()),
        techniques=answers,
        candidates=list_candidates(view, provider.name, asof, provider.address),
        sources=sources,
        list_basis=_make_list_basis(next((s for s in complete.values() if s), None), asof.valid_on),
        nothing_known=asof.size == 0,
        by=by,
        foreign=bool(provider.name) and is_latin(provider.name or ""),
    )


def _find_denying_source(
    technique: TechniqueCode | None, region: str | None, sources: dict[str, Source], asof: AsOf
) -> Source | None:
    """Find the complete source that denies a claim by not stating it; one too old speaks of no day ahead."""
    source = verdict.find_complete_source(technique, region, sources)
    is_old = source is not None and asof.valid_on > standing.add_years(source.as_of, standing.EVIDENCE_YEARS)
    return None if is_old and asof.ahead else source


def _make_list_basis(source: Source | None, day: Date) -> Basis | None:
    return verdict.make_source_basis(source, day) if source else None


def _make_match(match: SiteMatch) -> Match:
    site = match.site
    return Match(
        code=format_code(site.code),
        name=site.name,
        address=site.address,
        on=match.on,
        exact=match.exact,
        rule=match.rule,
    )
