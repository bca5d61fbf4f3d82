"""The values of an explanation's blanks: who, what, since when, and by which list; zh-CN and English."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from registry.domain.answers import MatchedOn, TechniqueAnswer
from registry.domain.techniques import LAWFUL_STAGES
from registry.records.standing import find_lapse_day
from registry.texts import Listing, Message, PluralMessage
from registry.verification.phrases import (
    ASSISTED_REPRODUCTION,
    NUMBERS,
    STAGE_WORDS,
    format_date,
    format_single_technique,
    format_source_note,
    format_stages,
    format_technique,
    join_words,
    make_time_words,
)
from registry.verification.verdict import Judgement

#: By what several institutions fit: (zh before "3处机构", English behind "3 sites").
_ALIKE: dict[MatchedOn, Message] = {
    "name": Message("该名称的"),
    "alias": Message("该名称的"),
    "former_name": Message("曾用该名称的"),
    "uscc": Message("使用该统一社会信用代码的"),
    "practice_licence_no": Message("使用该执业许可证登记号的"),
    "domain": Message("使用该网站域名的"),
}


#: Names that a sentence lists at most.
_NAMES = 3
_BEARERS = Message("名录中沿用或曾用该名称的可能是{names}")
_AT_SITE = Message("名录中在该地址的是{names}")
_ELSEWHERE = Message("{listed}，其地址不是所查地址")


class SentenceValues(dict[str, str]):
    """The values of one sentence's blanks, each worked out when the sentence asks for it; KeyError for others.

    Empty where there is nothing to say.
    """

    def __init__(self, judgement: Judgement, on: dt.date, today: dt.date, lang: str) -> None:
        super().__init__()
        self._arguments = (judgement, on, lang)
        self._today = today

    def __missing__(self, name: str) -> str:
        judgement, on, lang = self._arguments
        if name in ("techniques", "note"):  # worked out together
            techniques, self["note"] = _describe_techniques(judgement, on, lang)
            self["techniques"] = techniques or ASSISTED_REPRODUCTION.to_text(lang)
            return self[name]
        if name == "formerly":
            return _describe_former_name(judgement, on == self._today, lang)
        describe = _VALUES.get(name)
        return describe(judgement, on, lang) if describe else make_time_words(on, self._today, lang)[name]


def _describe_shared_trait(judgement: Judgement, _on: dt.date, lang: str) -> str:
    return _ALIKE.get(judgement.match.on if judgement.match else "name", _ALIKE["name"]).to_text(lang)


def _format_count_phrase(judgement: Judgement, _on: dt.date, lang: str) -> str:
    return PluralMessage("{count}家机构有", count=max(judgement.count, len(judgement.candidates))).to_text(lang)


def _describe_scope(judgement: Judgement, _on: dt.date, lang: str) -> str:
    named = join_words((format_technique(t.technique, lang) for t in _list_decisive_techniques(judgement)), lang)
    return Message("和{named}", named=named).to_text(lang) if named else ""


def _list_decisive_techniques(judgement: Judgement) -> list[TechniqueAnswer]:
    """List the techniques the verdict is about: the worst ones."""
    return [answer for answer in judgement.techniques if answer.verdict == judgement.verdict]


def _list_site_answers(judgement: Judgement, technique: str) -> list[TechniqueAnswer]:
    """List the answers for one technique of every site that answered."""
    return [answer for _, answers in judgement.each for answer in answers if answer.technique == technique]


def _describe_techniques(judgement: Judgement, on: dt.date, lang: str) -> tuple[str, str]:
    """Return (the techniques the verdict is about, the note on what it rests on); each has its own note where they
    differ."""
    if judgement.general and judgement.verdict not in ("licensed", "partly_licensed", "unknown"):
        return "", _format_record_note(judgement, lang)
    decisive = _list_decisive_techniques(judgement)
    if judgement.verdict == "partly_licensed":
        return "", format_source_note(_list_basis_days(judgement.techniques), lang)
    if judgement.verdict not in ("licensed", "technique_not_licensed"):
        return join_words((format_technique(answer.technique, lang) for answer in decisive), lang), ""
    if len(decisive) == len(judgement.each) == 1 and judgement.verdict == "licensed":  # as nearly always
        (answer,) = decisive
        as_of = answer.basis.as_of if answer.basis else None
        return format_single_technique(answer.technique, answer.stage, as_of, lang)
    if not decisive:
        return "", _format_record_note(judgement, lang)
    notes = [
        format_source_note(_list_basis_days(_list_site_answers(judgement, answer.technique)), lang)
        for answer in decisive
    ]
    words = [_describe_technique(judgement, answer, on, lang) for answer in decisive]
    if len(set(notes)) > 1:
        words, notes = [text + note for text, note in zip(words, notes, strict=True)], [""]
    is_long = any("，" in text or "," in text for text in words)
    return (Message("；") if is_long else Message("、")).to_text(lang).join(words), notes[0]


def _format_record_note(judgement: Judgement, lang: str) -> str:
    sources = [judgement.sources.get(site.source or "") for site, _ in judgement.each]
    return format_source_note([source.as_of if source else None for source in sources], lang)


def _list_basis_days(answers: list[TechniqueAnswer]) -> list[dt.date | None]:
    return [answer.basis.as_of if answer.basis else None for answer in answers]


def _describe_granted(judgement: Judgement, _on: dt.date, lang: str) -> str:
    granted = [
        format_single_technique(answer.technique, answer.stage, None, lang)[0]
        for answer in judgement.techniques
        if answer.verdict == "licensed"
    ]
    return Message("；").to_text(lang).join(granted)


#: Why a technique of a partly licensed institution may not be offered.
_REFUSALS = {
    "technique_not_licensed": Message("{technique}（批准尚未生效）"),
    "unknown": Message("{technique}（记载已不足以确认）"),
    "preparing": Message("{technique}（筹建中）"),
    "suspended": Message("{technique}（已暂停）"),
    "lapsed": Message("{technique}（已失效）"),
    "revoked": Message("{technique}（已撤销）"),
}


def _describe_refused(judgement: Judgement, _on: dt.date, lang: str) -> str:
    refused = (
        _REFUSALS[answer.verdict].fill_in(technique=format_technique(answer.technique, lang)).to_text(lang)
        for answer in judgement.techniques
        if answer.verdict != "licensed"
    )
    return join_words(refused, lang)


def _describe_place(judgement: Judgement, _on: dt.date, lang: str) -> str:
    """Say that the approval is for the address asked about, where that was compared and is the same."""
    return Message("在此地址").to_text(lang) if judgement.at_address else ""


def _format_last_day(judgement: Judgement, _on: dt.date, lang: str) -> str:
    known = [a.last_known.basis for a in judgement.techniques if a.last_known and a.last_known.basis]
    return format_date(max(basis.as_of for basis in known), lang) if known else ""


def _describe_technique(judgement: Judgement, answer: TechniqueAnswer, on: dt.date, lang: str) -> str:
    """Describe a technique with its stage where approved, and the day from which it will be where that is recorded."""
    words = format_technique(answer.technique, lang)
    if judgement.verdict == "licensed":
        stage = format_stages(
            (at_site.stage for at_site in _list_site_answers(judgement, answer.technique) if at_site.stage), lang
        )
        return Message("{words}，{stage}", words=words, stage=stage).to_text(lang)
    approvals = [site.approvals.get(answer.technique) for site, _ in judgement.each]
    starts = {approval.valid_from for approval in approvals if approval and approval.stage in LAWFUL_STAGES}
    if len(starts) != 1 or None in approvals or not (start := starts.pop()) or start <= on:
        return words
    begins = format_date(start, lang)
    return Message("{words}，其批准自{begins}起生效", words=words, begins=begins).to_text(lang)


def _describe_former_name(judgement: Judgement, is_today: bool, lang: str) -> str:
    if judgement.match is None or judgement.match.on != "former_name":
        return ""
    name = judgement.match.name
    sentence = (
        Message("（所查名称为曾用名，现名{name}）") if is_today else Message("（所查名称为曾用名，当时名{name}）")
    )
    return sentence.fill_in(name=name).to_text(lang)


def _describe_successors(judgement: Judgement, _on: dt.date, lang: str) -> str:
    """Say who on the list bears the name of a record that has ended, and who else stands where it stood."""
    holders = ((_BEARERS, judgement.successors), (_AT_SITE, judgement.at_site))
    parts = [message.fill_in(names=join_words(names[:_NAMES], lang)) for message, names in holders if names]
    listed = Listing(parts, Message("；")).to_text(lang)
    return _ELSEWHERE.fill_in(listed=listed).to_text(lang) if judgement.verdict == "not_found" else listed


def _format_list_day(judgement: Judgement, _on: dt.date, lang: str) -> str:
    source = judgement.sources.get(judgement.site.source or "") if judgement.site else None
    day = source.as_of if source else judgement.list_basis.as_of if judgement.list_basis else None
    return format_date(day, lang) if day else ""


def _describe_near_names(judgement: Judgement, _on: dt.date, lang: str) -> str:
    count = len(judgement.candidates)
    if not count or judgement.site is not None:
        return ""
    return PluralMessage("（有{count}家名称相近，请核对全称）", count=count).to_text(lang)


def _describe_lapse(judgement: Judgement, _on: dt.date, lang: str) -> str:
    """Explain a lapse that nobody recorded: the verification (校验) was due, and none is known."""
    if judgement.verdict != "lapsed":
        return ""
    decisive = {answer.technique for answer in _list_decisive_techniques(judgement)}
    lapsed = [
        approval
        for site, _ in judgement.each
        for technique, approval in site.approvals.items()
        if technique in decisive
    ]
    if not lapsed or any(find_lapse_day(approval) is None for approval in lapsed):
        return ""
    return Message("（校验已到期，没有校验记录）").to_text(lang)


#: How the value of each blank is worked out.
_VALUES: dict[str, Callable[[Judgement, dt.date, str], str]] = {
    "address": lambda judgement, _on, _lang: judgement.site.address if judgement.site else "",
    "alike": _describe_shared_trait,
    "count": lambda judgement, _on, _lang: str(max(judgement.count, len(judgement.candidates))),
    "Count": _format_count_phrase,
    "list_day": _format_list_day,
    "name": lambda judgement, _on, _lang: judgement.site.name if judgement.site else "",
    "granted": _describe_granted,
    "here": _describe_place,
    "names": lambda judgement, _on, lang: join_words([one.name for one in judgement.candidates[:_NAMES]], lang),
    "last_day": _format_last_day,
    "refused": _describe_refused,
    "near": _describe_near_names,
    "number": lambda judgement, _on, lang: NUMBERS[judgement.by].to_text(lang) if judgement.by in NUMBERS else "",
    "scope": _describe_scope,
    "since": lambda judgement, _on, lang: format_date(judgement.since, lang) if judgement.since else "",
    "successors": _describe_successors,
    "stopped": lambda judgement, _on, lang: STAGE_WORDS[judgement.verdict].to_text(lang),
    "Stopped": lambda judgement, _on, lang: STAGE_WORDS[judgement.verdict].to_text(lang).capitalize(),
    "why": _describe_lapse,
}
