"""Whether a person is authorised at the institution that was matched, for the claimed techniques, on that day.

An authorisation is person x institution x role x techniques x period. The answer speaks of the name asked about and of
nobody else: not who works there, not where somebody went, not since when somebody no longer is there. A name that was
erased is never matched; where one might hide behind it, the answer is `unknown`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

from registry.domain.answers import (
    Answer,
    Person,
    PersonAnswer,
    PersonTechnique,
    PersonWord,
    TechniqueAnswer,
    VerdictWord,
)
from registry.domain.model import Struct
from registry.domain.techniques import TechniqueCode
from registry.errors import InvalidInput
from registry.records.asof import AsOf
from registry.texts import Message
from registry.verification.people_index import RecordSpan, make_loose_key, make_name_key
from registry.verification.phrases import ASSISTED_REPRODUCTION, format_date, format_technique, join_words
from registry.verification.verdict import Judgement
from registry.verification.view import VerificationView

#: From best to worst: a person's answer is the worst of the techniques'.
SEVERITY: tuple[PersonWord, ...] = (
    "authorised",
    "unknown",
    "ambiguous",
    "not_for_technique",
    "institution_not_licensed",
    "not_authorised",
)
_SENTENCES: dict[str, Message] = {
    "authorised": Message("此姓名的人员{day}在该机构有执业授权记载{role}{techniques}。"),
    "not_for_technique": Message("此姓名的人员{day}在该机构有授权记载，但不含{techniques}。"),
    "not_authorised": Message("名录中{day}在该机构获授权的人员里没有此姓名。"),
    "institution_not_licensed": Message(
        "此姓名的人员在该机构有授权记载，但机构本身{day}未获准开展{techniques}，人员不得在此开展。"
    ),
    "ambiguous": Message("{day}该名称下有不止一处机构或不止一名同名人员，授权记载不一致，无法确定。"),
    "none_recorded": Message("名录没有该机构{day}的人员授权记载，无法回答；这不代表此人未获授权。"),
    "withheld": Message("该机构{day}有姓名已依法删除或未公布的人员，无法确认也无法排除此姓名；这不代表此人未获授权。"),
    "nobody_matched": Message("未能确定是哪一家机构（或地址不符），因此没有核对人员；这不代表此人未获授权。"),
    "not_stated": Message(
        "此姓名的人员{day}在该机构有授权记载，但记载或机构的许可没有说明{techniques}，无法回答；这不代表此人未获授权。"
    ),
}


class _SiteFinding(Struct, frozen=True):
    """The outcome at one site; ``reason`` is the key of its sentence."""

    words: tuple[tuple[TechniqueCode, PersonWord], ...]
    word: PersonWord
    reason: str
    people: tuple[RecordSpan, ...] = ()
    exact: bool | None = None


#: Called with the code of an institution whose people are looked at; raises to refuse.
Look = Callable[[str], None]


def require_look(answer: Answer, look: Look | None) -> None:
    """Call ``look`` for the institution whose people an answer tells something of; raises what ``look`` raises."""
    if look and answer.match and answer.practitioner:
        is_told = answer.practitioner.verdict != "unknown"
        if is_told or any(found.matched == "practitioner" for found in answer.sanctions):
            look(answer.match.code)


def answer_person(view: VerificationView, person: Person, judgement: Judgement, asof: AsOf, lang: str) -> PersonAnswer:
    """Return the answer about the person a claim names; InvalidInput for a name without a letter."""
    key = make_name_key(person.name)
    if not key:
        raise InvalidInput(
            Message("practitioner.name 是空的：请填写人员姓名，或不填 practitioner。"),
        )
    if not judgement.codes:
        return _make_answer(_SiteFinding(words=(), word="unknown", reason="nobody_matched"), asof.valid_on, lang)
    sites = [
        _judge_site(view.people.list_authorisations(code, asof), key, judgement, asof.valid_on)
        for code in judgement.codes
    ]
    if len({(site.word, site.words) for site in sites}) > 1:
        return _make_answer(_SiteFinding(words=(), word="ambiguous", reason="ambiguous"), asof.valid_on, lang)
    return _make_answer(sites[0], asof.valid_on, lang)


def _judge_site(people: list[RecordSpan], key: str, judgement: Judgement, day: dt.date) -> _SiteFinding:
    """Judge a name by one site's authorisations."""
    if not people:
        return _SiteFinding(words=(), word="unknown", reason="none_recorded")
    valid = [span for span in people if span.is_valid_on(day)]
    exact = [span for span in valid if span.key == key]
    namesakes = exact or [span for span in valid if span.key and make_loose_key(span.key) == make_loose_key(key)]
    if not namesakes:
        if any(span.key is None for span in valid):
            return _SiteFinding(words=(), word="unknown", reason="withheld")
        return _SiteFinding(words=(), word="not_authorised", reason="not_authorised")
    words = tuple((t.technique, _judge_technique(namesakes, t)) for t in judgement.claim_answers)
    word = (
        max((word for _, word in words), key=SEVERITY.index)
        if words
        else _limit_by_licence("authorised", judgement.verdict)
    )
    reason = "not_stated" if word == "unknown" else word
    return _SiteFinding(words=words, word=word, reason=reason, people=tuple(namesakes), exact=bool(exact))


def _judge_technique(namesakes: Sequence[RecordSpan], licence: TechniqueAnswer) -> PersonWord:
    """Judge one technique: everybody of the name must be authorised alike, and the institution licensed for it."""
    words = {_judge_authorisation(span, licence.technique) for span in namesakes}
    return _limit_by_licence(words.pop(), licence.verdict) if len(words) == 1 else "ambiguous"


def _judge_authorisation(span: RecordSpan, technique: TechniqueCode) -> PersonWord:
    if not span.techniques:
        return "unknown"
    return "authorised" if technique in span.techniques else "not_for_technique"


def _limit_by_licence(word: PersonWord, licence: VerdictWord) -> PersonWord:
    """Limit an authorisation by the licence: staff may not do what their institution is not licensed for."""
    if word != "authorised" or licence in ("licensed", "partly_licensed"):
        return word
    return "unknown" if licence in ("unknown", "ambiguous") else "institution_not_licensed"


def _make_answer(finding: _SiteFinding, day: dt.date, lang: str) -> PersonAnswer:
    single = finding.people[0] if len(finding.people) == 1 else None
    role = single.role if single else None
    return PersonAnswer(
        verdict=finding.word,
        explanation=_format_sentence(finding, role, day, lang),
        techniques=[PersonTechnique(technique=t, verdict=word) for t, word in finding.words],
        role=role,
        exact=finding.exact,
        entry=single.entry if single else None,
    )


def _format_sentence(finding: _SiteFinding, role: str | None, day: dt.date, lang: str) -> str:
    names = (format_technique(t, lang) for t, word in finding.words if word == finding.word)
    techniques = join_words(names, lang)
    if finding.reason == "authorised":
        techniques = Message("，范围含{techniques}", techniques=techniques).to_text(lang) if techniques else ""
    else:
        techniques = techniques or ASSISTED_REPRODUCTION.to_text(lang)
    return (
        _SENTENCES[finding.reason]
        .to_text(lang)
        .format(
            day=format_date(day, lang),
            role=Message("（{role}）", role=role).to_text(lang) if role else "",
            techniques=techniques,
        )
    )
