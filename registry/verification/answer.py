"""Answering a claim: who is meant, at which site, and what the rules say of it."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache, partial
from typing import Any

import msgspec

from registry.domain import ad_lexicon
from registry.domain import techniques as table
from registry.domain.answers import Answer, Basis, Claim, ContentFlag, Provider, TechniqueAnswer
from registry.domain.model import Struct
from registry.domain.techniques import TechniqueCode
from registry.errors import InvalidInput
from registry.records.asof import AsOf, to_milliseconds
from registry.texts import Message
from registry.verification import certificates, explain, mentions, people, sanctions, verdict
from registry.verification.claim_judgement import judge_provider
from registry.verification.verdict import Judgement
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
    return Moment(now=verified.at, day=view.find_today(size), size=size, age=int(verified.get_age()))


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
    named = _parse_techniques(tuple(claim.techniques))
    wording = read_wording(claim.text) if claim.text is not None else None
    techniques = tuple(dict.fromkeys([*named, *wording.techniques])) if wording else named
    offered = set(techniques).difference(named) if wording else set()
    known_at = at.now if claim.known_at is None else claim.known_at.astimezone(dt.UTC)
    findings: dict[str, Any] = {}
    with view.lock:
        size = at.size if claim.known_at is None else min(at.size, view.get_size_at(to_milliseconds(claim.known_at)))
        day = claim.on or at.day
        asof = _make_as_of(day, size, ahead=day > at.day)

        def ask(provider: Provider) -> tuple[Answer, Judgement]:
            if not is_remembered:
                return _make_answer(view, provider, list(techniques), asof, lang, at.day)
            make = partial(_make_answer, view, provider, list(techniques), asof, lang, at.day)
            # The day is part of the question: a sentence about a past day reads otherwise than one about today.
            return view.compute_once((provider, techniques, asof, lang, at.day), make)

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
        if view.sanctions and (found := sanctions.find_claimed(view, claim, answer.match, asof, lang)):
            findings["sanctions"] = found
    if wording is not None:
        findings |= {"content_flags": wording.flags, "content_against": wording.against}
        if offered:
            findings["techniques"] = _mark_from_text(answer.techniques, offered)
    return msgspec.structs.replace(answer, id=claim.id, known_at=known_at, state_age=at.age, **findings)


@lru_cache(maxsize=256)
def _make_as_of(day: dt.date, size: int, *, ahead: bool) -> AsOf:
    """Make the times of a question: for many questions about one day once."""
    return AsOf(valid_on=day, size=size, ahead=ahead)


def _make_answer(
    view: VerificationView,
    provider: Provider,
    techniques: list[TechniqueCode],
    asof: AsOf,
    lang: str,
    today: dt.date,
) -> tuple[Answer, Judgement]:
    """Make the answer for everybody who asks this today, with its judgement; id and instant are filled in after."""
    judgement = judge_provider(view, provider, techniques, asof)
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
    further = explain.describe_not_compared(judgement.compared, judgement.gap, lang) if judgement.compared else ""
    age = explain.describe_age(basis.as_of, day, lang) if basis is not None else ""
    if age and not any(answer.last_known for answer in judgement.techniques):  # which says its age
        further += age
    return explain.extend_sentence(sentence, further, lang) if further else sentence


def _mark_from_text(answers: list[TechniqueAnswer], offered: set[TechniqueCode]) -> list[TechniqueAnswer]:
    """Mark the techniques that only the text names."""
    return [
        msgspec.structs.replace(answer, from_text=True) if answer.technique in offered else answer for answer in answers
    ]


def is_same_answer(answer: dict[str, Any], other: dict[str, Any], *, with_basis: bool = False) -> bool:
    """Whether two answers (as JSON) say the same: verdicts, stages, who is meant, at which site and in which wording.

    Not compared are words and log; the source only ``with_basis``. An answer of an earlier version names no techniques
    that nobody claimed (there the verdict speaks for them), and perhaps nobody in a wording.
    """
    techniques = [_list_techniques(answer), _list_techniques(other)]
    if all(techniques) and techniques[0] != techniques[1]:
        return False
    if "mentions" in answer and "mentions" in other:
        mentions = [[_make_mention_key(one, with_basis) for one in each["mentions"]] for each in (answer, other)]
        if mentions[0] != mentions[1]:
            return False
    return _make_comparison_key(answer, with_basis) == _make_comparison_key(other, with_basis)


def _make_mention_key(mention: dict[str, Any], with_basis: bool) -> tuple[Any, ...]:
    techniques = mention["techniques"] if with_basis else []
    bases = [(one.get("basis") or {}) for one in techniques]
    # who may be meant where nobody is for certain; near names beside a verdict are nobody's
    meant = [one["code"] for one in mention["candidates"]] if mention["verdict"] == "ambiguous" else []
    meaning = mention["text"], mention["code"], mention["verdict"], sorted(meant)
    return *meaning, _list_techniques(mention), [(one.get("source"), str(one.get("as_of"))) for one in bases]


def _list_techniques(answer: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [(item["technique"], item["verdict"], item.get("stage")) for item in answer.get("techniques") or []]


def _make_comparison_key(answer: dict[str, Any], with_basis: bool) -> tuple[Any, ...]:
    findings = [(answer.get(field) or {}).get("verdict") for field in ("practitioner", "ad_certificate")]
    match, basis = answer.get("match") or {}, (answer.get("basis") or {}) if with_basis else {}
    site = match.get("code"), match.get("address")
    return answer["verdict"], site, findings, basis.get("source"), str(basis.get("as_of"))


@lru_cache(maxsize=1024)
def _parse_techniques(words: tuple[str, ...]) -> tuple[TechniqueCode, ...]:
    """Return the techniques of a claim, each once; most claims name the same few."""
    return tuple(dict.fromkeys([parse_technique(word) for word in words]))


def parse_technique(word: str) -> TechniqueCode:
    """Return the technique a claim names by code or everyday word; InvalidInput listing what there is."""
    code = table.find_technique(word)
    if code is None:
        codes = "、".join(technique.code for technique in table.TECHNIQUES)
        raise InvalidInput(Message("未知的技术“{word}”；可用：{codes}。", word=word[:40], codes=codes))
    return code
