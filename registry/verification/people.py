"""Whether a person is authorised at the institution that was matched, for the claimed techniques, on that day.

An authorisation is person x institution x role x techniques x period. The answer speaks of the name asked and of nobody
else: not who is there, not where somebody went, not since when somebody no longer is. A name that was erased is never
matched; where one might hide behind it, the answer is `unknown`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence

from registry.domain.model import (
    Answer,
    Person,
    PersonAnswer,
    PersonTechnique,
    PersonWord,
    Struct,
    TechniqueAnswer,
    VerdictWord,
)
from registry.domain.techniques import TechniqueCode
from registry.errors import InvalidInput
from registry.records.asof import AsOf
from registry.verification.explain_phrases import format_date, format_technique
from registry.verification.judgement import Judgement
from registry.verification.people_index import RecordSpan, make_loose_key, make_name_key
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
_SENTENCES: dict[str, tuple[str, str]] = {
    "authorised": (
        "此姓名的人员{day}在该机构有执业授权记载{role}{techniques}。",
        "A person of this name is recorded as authorised at this institution on {day}{role}{techniques}.",
    ),
    "not_for_technique": (
        "此姓名的人员{day}在该机构有授权记载，但不含{techniques}。",
        "A person of this name is authorised at this institution on {day}, but not for {techniques}.",
    ),
    "not_authorised": (
        "名录中{day}在该机构获授权的人员里没有此姓名。",
        "Nobody of this name is among those recorded as authorised at this institution on {day}.",
    ),
    "institution_not_licensed": (
        "此姓名的人员在该机构有授权记载，但机构本身{day}未获准开展{techniques}，人员不得在此开展。",
        "A person of this name is recorded there, but the institution itself is not licensed for {techniques} on "
        "{day}, so nobody may perform it there.",
    ),
    "ambiguous": (
        "{day}该名称下有不止一处机构或不止一名同名人员，授权记载不一致，无法确定。",
        "More than one site, or more than one person of this name, fits on {day}, and what is recorded of them "
        "differs, so this cannot be told.",
    ),
    "none_recorded": (
        "名录没有该机构{day}的人员授权记载，无法回答；这不代表此人未获授权。",
        "The register holds no authorisations of people at this institution for {day} and cannot answer; this does not "
        "mean that the person is not authorised.",
    ),
    "withheld": (
        "该机构{day}有姓名已依法删除或未公布的人员，无法确认也无法排除此姓名；这不代表此人未获授权。",
        "Names of people at this institution on {day} were erased or are not held here, so this name can be neither "
        "confirmed nor ruled out; this does not mean that the person is not authorised.",
    ),
    "nobody_matched": (
        "未能确定是哪一家机构（或地址不符），因此没有核对人员；这不代表此人未获授权。",
        "It is not established which institution is meant, or its address differs, so the person was not looked up; "
        "this does not mean that the person is not authorised.",
    ),
    "not_stated": (
        "此姓名的人员{day}在该机构有授权记载，但记载或机构的许可没有说明{techniques}，无法回答；这不代表此人未获授权。",
        "A person of this name is recorded at this institution on {day}, but the record, or the institution's own "
        "approval, does not state {techniques}, so this cannot be answered; this does not mean that the person is not "
        "authorised.",
    ),
}


class _SiteFinding(Struct, frozen=True):
    """What is found at one site; ``why`` is the key of its sentence."""

    words: tuple[tuple[TechniqueCode, PersonWord], ...]
    word: PersonWord
    why: str
    found: tuple[RecordSpan, ...] = ()
    exact: bool | None = None


#: Called with the code of an institution whose people are looked at; may refuse.
Look = Callable[[str], None]


def require_look(found: Answer, look: Look | None) -> None:
    """Say whose people an answer tells something of; what ``look`` raises when they may not be looked at."""
    if look and found.match and found.practitioner and found.practitioner.verdict != "unknown":
        look(found.match.code)


def answer_person(view: VerificationView, person: Person, judged: Judgement, asof: AsOf, lang: str) -> PersonAnswer:
    """The answer about the person a claim names; InvalidInput for a name without a letter."""
    key = make_name_key(person.name)
    if not key:
        raise InvalidInput(
            "practitioner.name 是空的：请填写人员姓名，或不填 practitioner。",
            "practitioner.name is empty: give the person's name, or leave practitioner out.",
        )
    if not judged.codes:
        return _make_answer(_SiteFinding(words=(), word="unknown", why="nobody_matched"), asof.valid_on, lang)
    sites = [
        _judge_site(view.beside.list_authorisations(code, asof), key, judged, asof.valid_on) for code in judged.codes
    ]
    if len({(site.word, site.words) for site in sites}) > 1:
        return _make_answer(_SiteFinding(words=(), word="ambiguous", why="ambiguous"), asof.valid_on, lang)
    return _make_answer(sites[0], asof.valid_on, lang)


def _judge_site(people: list[RecordSpan], key: str, judged: Judgement, day: dt.date) -> _SiteFinding:
    """What one site's authorisations say of a name."""
    if not people:
        return _SiteFinding(words=(), word="unknown", why="none_recorded")
    there = [one for one in people if one.is_valid_on(day)]
    exact = [one for one in there if one.key == key]
    found = exact or [one for one in there if one.key and make_loose_key(one.key) == make_loose_key(key)]
    if not found:
        if any(one.key is None for one in there):
            return _SiteFinding(words=(), word="unknown", why="withheld")
        return _SiteFinding(words=(), word="not_authorised", why="not_authorised")
    words = tuple((t.technique, _judge_technique(found, t)) for t in judged.techniques)
    word = select_worst(one for _, one in words) if words else _limit_by_licence("authorised", judged.verdict)
    why = "not_stated" if word == "unknown" else word
    return _SiteFinding(words=words, word=word, why=why, found=tuple(found), exact=bool(exact))


def _judge_technique(found: Sequence[RecordSpan], licence: TechniqueAnswer) -> PersonWord:
    """One technique: what everybody of the name is authorised for, as far as the institution is licensed for it."""
    held = {_judge_authorisation(one, licence.technique) for one in found}
    return _limit_by_licence(held.pop(), licence.verdict) if len(held) == 1 else "ambiguous"


def _judge_authorisation(one: RecordSpan, technique: TechniqueCode) -> PersonWord:
    if not one.techniques:
        return "unknown"
    return "authorised" if technique in one.techniques else "not_for_technique"


def _limit_by_licence(word: PersonWord, licence: VerdictWord) -> PersonWord:
    """Staff may not do what their institution is not licensed for: an authorisation there counts for nothing."""
    if word != "authorised" or licence == "licensed":
        return word
    return "unknown" if licence in ("unknown", "ambiguous") else "institution_not_licensed"


def select_worst(words: Iterable[PersonWord]) -> PersonWord:
    """The worst of several."""
    return max(words, key=SEVERITY.index)


def _make_answer(at: _SiteFinding, day: dt.date, lang: str) -> PersonAnswer:
    english = lang.startswith("en")
    single = at.found[0] if len(at.found) == 1 else None
    return PersonAnswer(
        verdict=at.word,
        explanation=_format_sentence(at, single, day, english),
        techniques=[PersonTechnique(technique=t, verdict=word) for t, word in at.words],
        role=single.role if single else None,
        exact=at.exact,
        entry=single.entry if single else None,
    )


def _format_sentence(at: _SiteFinding, single: RecordSpan | None, day: dt.date, english: bool) -> str:
    concerned = [format_technique(t, english) for t, word in at.words if word == at.word]
    told = (", " if english else "、").join(concerned)
    role = single.role if single else None
    write: Callable[[str], str] = (lambda text: text) if at.why != "authorised" else _make_scope_format(english)
    return _SENTENCES[at.why][english].format(
        day=format_date(day, english),
        role=(f" ({role})" if english else f"（{role}）") if role else "",
        techniques=write(told) or ("" if at.why == "authorised" else _format_whole_scope(english)),
    )


def _make_scope_format(english: bool) -> Callable[[str], str]:
    return lambda told: (f" for {told}" if english else f"，范围含{told}") if told else ""


def _format_whole_scope(english: bool) -> str:
    return "assisted reproduction" if english else "人类辅助生殖技术"
