"""Answering a claim: who is meant, at which site, and what the rules say of it."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Any

import msgspec

from registry.domain import ad_lexicon
from registry.domain import techniques as table
from registry.domain.identifiers import format_code
from registry.domain.model import (
    Answer,
    Basis,
    Candidate,
    Claim,
    ContentFlag,
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
from registry.records import standing
from registry.records.asof import AsOf, is_ahead, to_day, to_milliseconds
from registry.records.site import Site
from registry.texts import Message
from registry.verification import addresses, certificates, explain, mentions, people, verdict
from registry.verification.candidates import (
    list_beginning_candidates,
    list_candidates,
    make_candidate,
)
from registry.verification.name_match import SiteMatch, is_same_site
from registry.verification.site_match import (
    compare_provider,
    find_contradictions,
    find_number_kind,
    is_partly_elsewhere,
    match_provider,
    select_by_address,
)
from registry.verification.verdict import Judgement, Situation
from registry.verification.view import VerificationView

#: Stands in a remembered answer for the instant of knowing, which each claim has of its own.
_UNKNOWN_INSTANT = dt.datetime.min.replace(tzinfo=dt.UTC)


class Moment(Struct, frozen=True):
    """The state of the register something is answered from: many claims at one moment are answered alike.

    ``now``: the instant at which the state was verified, never that of the question; ``age``: seconds since then.
    """

    now: dt.datetime
    day: dt.date
    size: int
    age: int = 0


class AdWording(Struct, frozen=True):
    """The wording of an advertisement.

    ``flags`` ask for a look by a person; ``against`` stand in sentences against what they name; ``techniques`` are
    offered.
    """

    flags: list[ContentFlag]
    against: list[ContentFlag]
    techniques: list[TechniqueCode]


def take_moment(view: VerificationView) -> Moment:
    """Return the last state of the register that was verified; CannotAnswer when that is too long ago."""
    verified = view.require_fresh()
    size = view.size
    return Moment(now=verified.at, day=to_day(view.find_now(size)), size=size, age=int(verified.get_age()))


def read_wording(text: str) -> AdWording:
    """Find the words of a text that need a look, and the techniques it offers.

    Naming a technique is flagged (医疗广告管理办法 art. 7(1)) and claims it; denying one is not offering it:
    本院不开展三代试管.
    """
    flags: list[ContentFlag] = []
    against: list[ContentFlag] = []
    for find in ad_lexicon.find_flags(text) if text else ():
        flag = ContentFlag(kind=find.kind, text=find.text, start=find.start, end=find.end, technique=find.technique)
        (against if find.is_condemned else flags).append(flag)
    offered = [flag.technique for flag in flags if flag.technique]
    return AdWording(flags=flags, against=against, techniques=list(dict.fromkeys(offered)))


def answer_claim(view: VerificationView, claim: Claim, lang: str = "zh-CN", at: Moment | None = None) -> Answer:
    """Return the registry's answer; InvalidInput for a malformed claim, CannotAnswer when the register cannot be read.

    ``at`` is a moment taken before: entries appended since do not change the answer, and nothing is remembered, since
    callers with many claims at one moment remember answers themselves. Neither person nor certificate nor wording
    changes the verdict; a technique that the text offers is one more claim.
    """
    is_remembered = at is None
    at = at or take_moment(view)
    named = [parse_technique(word) for word in claim.techniques]
    wording = read_wording(claim.text) if claim.text is not None else None
    techniques = tuple(dict.fromkeys([*named, *wording.techniques] if wording else named))
    offered = set(techniques) - set(named)
    known_at = at.now if claim.known_at is None else claim.known_at.astimezone(dt.UTC)
    findings: dict[str, Any] = {}
    with view.lock:
        size = at.size if claim.known_at is None else min(at.size, view.get_size_at(to_milliseconds(claim.known_at)))
        ahead = is_ahead(claim.on, at.day, claim.known_at)
        asof = AsOf(valid_on=claim.on or at.day, size=size, ahead=ahead)

        def ask(provider: Provider) -> tuple[Answer, Judgement]:
            make = partial(_make_answer, view, provider, list(techniques), asof, lang, at.day)
            # The day is part of the question: a sentence about a past day reads otherwise than one about today.
            question = (provider, techniques, asof, lang, at.day)
            return view.compute_once(question, make) if is_remembered else make()

        answer, judgement = ask(claim.provider)
        if claim.text:
            mentioned = mentions.answer_mentions(view, claim, asof, lang, ask)
            if not claim.provider.is_named:
                answer, judgement = mentions.answer_text(mentioned, mentions.make_nobody(answer, techniques), lang)
            else:
                mentioned = mentions.drop_own(mentioned, claim, judgement)
            findings["mentions"] = [
                msgspec.structs.replace(m, techniques=_mark_from_text(m.techniques, offered)) for m, *_ in mentioned
            ]
        if claim.practitioner is not None:
            findings["practitioner"] = people.answer_person(view, claim.practitioner, judgement, asof, lang)
        if claim.ad_certificate is not None:
            findings["ad_certificate"] = certificates.answer_certificate(
                view, claim.ad_certificate, judgement, asof, lang
            )
    if wording is not None:
        findings |= {"content_flags": wording.flags, "content_against": wording.against}
        if offered:
            findings["techniques"] = _mark_from_text(answer.techniques, offered)
    return msgspec.structs.replace(answer, id=claim.id, known_at=known_at, state_age=at.age, **findings)


def _make_answer(
    view: VerificationView,
    provider: Provider,
    techniques: list[TechniqueCode],
    asof: AsOf,
    lang: str,
    today: dt.date,
) -> tuple[Answer, Judgement]:
    """Make the answer for everybody who asks this today, with its judgement; id and instant are filled in after."""
    judgement = _judge_provider(view, provider, techniques, asof)
    basis = judgement.techniques[0].basis if judgement.techniques else None
    if basis is None and judgement.site is not None:
        basis = verdict.find_basis(judgement.site.entry, judgement.site.source, judgement.sources, asof.valid_on)
    if basis is None:
        basis = judgement.list_basis
    answer = Answer(
        id=None,
        verdict=judgement.verdict,
        explanation=_explain(judgement, basis, asof.valid_on, today, lang),
        techniques=judgement.techniques,
        match=judgement.match,
        candidates=judgement.candidates,
        on=asof.valid_on,
        known_at=_UNKNOWN_INSTANT,
        basis=basis,
        log=view.get_state(asof.size),
        compared=judgement.compared,
    )
    return answer, judgement


def _explain(judgement: Judgement, basis: Basis | None, day: dt.date, today: dt.date, lang: str) -> str:
    sentence = explain.describe_judgement(judgement, day, today, lang)
    further = explain.describe_not_compared(judgement.compared, lang) if judgement.compared else ""
    if basis is not None and not any(answer.last_known for answer in judgement.techniques):  # which says its age
        further += explain.describe_age(basis.as_of, day, lang)
    return explain.extend_sentence(sentence, further, lang) if further else sentence


def _mark_from_text(answers: list[TechniqueAnswer], offered: set[TechniqueCode]) -> list[TechniqueAnswer]:
    """Mark the techniques that only the text names."""
    return [
        msgspec.structs.replace(answer, from_text=True) if answer.technique in offered else answer for answer in answers
    ]


def is_same_answer(answer: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two answers (as JSON) say the same: verdicts, stages and who is meant; not words, basis or log."""
    return _make_comparison_key(answer) == _make_comparison_key(other)


def _make_comparison_key(answer: dict[str, Any]) -> tuple[Any, ...]:
    techniques = [(item["technique"], item["verdict"], item.get("stage")) for item in answer.get("techniques") or []]
    findings = [(answer.get(field) or {}).get("verdict") for field in ("practitioner", "ad_certificate")]
    return answer["verdict"], techniques, (answer.get("match") or {}).get("code"), findings


def parse_technique(word: str) -> TechniqueCode:
    """Return the technique a claim names by code or everyday word; InvalidInput listing what there is."""
    code = table.find_technique(word)
    if code is None:
        codes = "、".join(technique.code for technique in table.TECHNIQUES)
        raise InvalidInput(Message("未知的技术“{word}”；可用：{codes}。", word=word[:40], codes=codes))
    return code


def _judge_provider(
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
        return msgspec.structs.replace(judgement, compared=compare_provider(view, provider, matches[0], asof))
    if doubt := _find_doubt(view, provider, techniques, matches, chosen, asof):
        return doubt
    results = [(_apply_rules(view, match.site, techniques, asof), match) for match in chosen]
    if len(results) > 1 and not _is_unanimous(results, general=not techniques):
        return _judge_ambiguous(techniques, candidates, sources, by=chosen[0].on)
    (word, answers), first = results[0]
    if not techniques:  # what each of them has is answered for all only where they agree
        others = [site_answers for (_, site_answers), _ in results[1:]]
        answers = [a for a in answers if all(_has_same_verdict(a, site_answers) for site_answers in others)]
    if first.site.status == "delisted":  # perhaps it goes on under another name
        candidates = list_candidates(view, provider.name or first.site.name, asof, provider.address)
    return Judgement(
        verdict=word,
        techniques=answers,
        candidates=candidates,
        sources=sources,
        site=first.site,
        match=_make_match(first),
        compared=compare_provider(view, provider, first, asof),
        count=len(chosen),
        general=not techniques,
        at_address=is_same_site(chosen, provider.address),
        since=_find_stop_day(view, first.site, word, answers if techniques else [], asof),
        codes=tuple(match.site.code for match in chosen),
        each=tuple((match.site, site_answers) for (_, site_answers), match in results),
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
    several: list[SiteMatch] = find_contradictions(view, provider, chosen, asof)
    score, details = 100, {"contradiction": True}
    if not several and is_partly_elsewhere(chosen, provider.address):
        several, details = chosen, {"partly_elsewhere": True}
    is_campus = "campus" in [match.rule for match in chosen] and not is_same_site(chosen, provider.address)
    if not several and is_campus:
        several, score, details = matches, 99, {"campus": True}
    if not several:
        return None
    candidates = [make_candidate(match.site, score) for match in several]
    return _judge_ambiguous(techniques, candidates, view.get_sources(asof), **details)


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
    view: VerificationView, site: Site, techniques: list[TechniqueCode], asof: AsOf
) -> tuple[VerdictWord, list[TechniqueAnswer]]:
    situation = view.find_situation(site.code, asof)
    if situation is None or site.status == "delisted":
        basis = verdict.find_basis(site.entry, site.source, view.get_sources(asof), asof.valid_on)
        return "not_found", [TechniqueAnswer(technique=t, verdict="not_found", basis=basis) for t in techniques]
    if not techniques:
        return verdict.judge_institution(situation)
    answers = [verdict.judge_technique(situation, technique) for technique in techniques]
    return verdict.select_worst(a.verdict for a in answers), answers


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
    situation = view.find_situation(first.site.code, asof)
    return Judgement(
        verdict=word,
        techniques=[TechniqueAnswer(technique=t, verdict=word, basis=basis) for t in techniques],
        candidates=candidates,
        sources=sources,
        site=first.site,
        match=_make_match(first),
        count=len(matches),
        in_force=situation is not None and verdict.is_in_force(situation),
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
