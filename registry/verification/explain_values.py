"""What the blanks of an explanation are filled with, zh-CN and English."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import lru_cache

from registry.domain.model import MatchedOn, TechniqueAnswer
from registry.domain.techniques import LAWFUL_STAGES, Stage, TechniqueCode
from registry.verification import verdict as rules
from registry.verification.explain_phrases import (
    format_date,
    format_source_note,
    format_stages,
    format_technique,
    join_words,
)
from registry.verification.judgement import Judgement

#: By what several institutions fit: (zh before "3处机构", English behind "3 sites").
_ALIKE: dict[MatchedOn, tuple[str, str]] = {
    "name": ("该名称的", "of this name"),
    "alias": ("该名称的", "of this name"),
    "former_name": ("曾用该名称的", "formerly of this name"),
    "uscc": ("使用该统一社会信用代码的", "with this unified social credit code"),
    "practice_licence_no": ("使用该执业许可证登记号的", "with this practice licence number"),
    "domain": ("使用该网站域名的", "with this website domain"),
}
#: The numbers of a claim that the register need not hold of everybody.
NUMBERS: dict[MatchedOn, tuple[str, str]] = {
    "uscc": ("统一社会信用代码", "unified social credit code"),
    "practice_licence_no": ("执业许可证登记号", "practice licence number"),
    "domain": ("网站域名", "website domain"),
}
_STOPPED = {"suspended": ("暂停", "suspended"), "revoked": ("撤销", "revoked"), "lapsed": ("失效", "lapsed")}


class SentenceValues(dict[str, str]):
    """What the blanks of one sentence are filled with, each worked out when the sentence has it; KeyError for others.

    Empty where there is nothing to say.
    """

    def __init__(self, judged: Judgement, on: dt.date, today: dt.date, english: bool) -> None:
        super().__init__()
        self._asked = (judged, on, english)
        self._today = today

    def __missing__(self, name: str) -> str:
        judged, on, english = self._asked
        if name in _TOLD:
            self["techniques"], self["note"] = _describe_techniques(judged, on, english)
            self["techniques"] = self["techniques"] or ("assisted reproduction" if english else "人类辅助生殖技术")
            return self[name]
        if name == "formerly":
            return _describe_former_name(judged, on == self._today, english)
        said = _OTHERS.get(name)
        return said(judged, on, english) if said else make_time_words(on, self._today, english)[name]


@lru_cache(maxsize=1024)
def make_time_words(on: dt.date, now: dt.date, english: bool) -> dict[str, str]:
    """What differs with the day asked about: nothing is said of today that was asked of another day."""
    day = format_date(on, english)
    if english:
        past = on < now
        return {
            "on": day,
            "be": "was" if past else "is",
            "are": "were" if past else "are",
            "may": "was not allowed to" if past else "may not",
            "may_they": "were not allowed to" if past else "may not",
            "when": "" if on == now else f" on {day}",
            "now": " now" if on == now else f" on {day}",
        }
    return {
        "on": day,
        "day": "" if on == now else day,
        "now": "现" if on == now else day,
        "current": "现行" if on == now else "当时",
    }


def _describe_shared_trait(judged: Judgement, _on: dt.date, english: bool) -> str:
    return _ALIKE.get(judged.match.on if judged.match else "name", _ALIKE["name"])[english]


def _format_count(judged: Judgement, _on: dt.date, _english: bool) -> str:
    return str(max(judged.count, len(judged.candidates)))


def _format_count_phrase(judged: Judgement, _on: dt.date, _english: bool) -> str:
    number = max(judged.count, len(judged.candidates))
    return "One institution has" if number == 1 else f"{number} institutions have"


def _describe_scope(judged: Judgement, _on: dt.date, english: bool) -> str:
    named = join_words((format_technique(t.technique, english) for t in _list_decisive_techniques(judged)), english)
    return (f" and for {named}" if english else f"和{named}") if named else ""


def _list_decisive_techniques(judged: Judgement) -> list[TechniqueAnswer]:
    """The techniques the verdict is about: the worst ones."""
    return [one for one in judged.techniques if one.verdict == judged.verdict]


def _list_site_answers(judged: Judgement, technique: str) -> list[TechniqueAnswer]:
    """What is said of one technique at every site that answered."""
    return [one for _, told in judged.each for one in told if one.technique == technique]


def _describe_techniques(judged: Judgement, on: dt.date, english: bool) -> tuple[str, str]:
    """(the techniques the verdict is about, the note on what it rests on); each has its own note where they differ."""
    concerned = _list_decisive_techniques(judged)
    if judged.verdict not in ("licensed", "technique_not_licensed"):
        return join_words((format_technique(one.technique, english) for one in concerned), english), ""
    if len(concerned) == len(judged.each) == 1 and judged.verdict == "licensed":  # as nearly always
        (one,) = concerned
        return format_single_technique(one.technique, one.stage, one.basis.as_of if one.basis else None, english)
    if not concerned:
        days = [source.as_of if (source := judged.sources.get(site.source or "")) else None for site, _ in judged.each]
        return "", format_source_note(days, english)
    notes = [
        format_source_note(
            (one.basis.as_of if one.basis else None for one in _list_site_answers(judged, each.technique)), english
        )
        for each in concerned
    ]
    told = [_describe_technique(judged, each, on, english) for each in concerned]
    if len(set(notes)) > 1:
        told, notes = [one + note for one, note in zip(told, notes, strict=True)], [""]
    is_long = any("，" in one or "," in one for one in told)
    return (("；", "; ") if is_long else ("、", ", "))[english].join(told), notes[0]


@lru_cache(maxsize=1024)
def format_single_technique(
    technique: TechniqueCode, stage: Stage | None, as_of: dt.date | None, english: bool
) -> tuple[str, str]:
    """(a technique with its stage if it has one, the note on what it rests on) at one site."""
    told, note = format_technique(technique, english), format_source_note([as_of], english)
    if stage is None:
        return told, note
    words = format_stages([stage], english)
    return f"{told}, {words}" if english else f"{told}，{words}", note


def _describe_technique(judged: Judgement, one: TechniqueAnswer, on: dt.date, english: bool) -> str:
    """A technique with its stage where it is approved, and the day from which it will be where that is recorded."""
    words = format_technique(one.technique, english)
    if judged.verdict == "licensed":
        stage = format_stages((at.stage for at in _list_site_answers(judged, one.technique) if at.stage), english)
        return f"{words}, {stage}" if english else f"{words}，{stage}"
    approvals = [site.approvals.get(one.technique) for site, _ in judged.each]
    starts = {held.valid_from for held in approvals if held and held.stage in LAWFUL_STAGES}
    if len(starts) != 1 or None in approvals or not (start := starts.pop()) or start <= on:
        return words
    begins = format_date(start, english)
    return f"{words}, whose approval takes effect on {begins}" if english else f"{words}，其批准自{begins}起生效"


def _describe_former_name(judged: Judgement, is_today: bool, english: bool) -> str:
    if judged.match is None or judged.match.on != "former_name":
        return ""
    now = judged.match.name
    if english:
        return f" (asked about by a former name; it {'is now' if is_today else 'was then'} {now})"
    return f"（所查名称为曾用名，{'现' if is_today else '当时'}名{now}）"


def _format_list_day(judged: Judgement, _on: dt.date, english: bool) -> str:
    source = judged.sources.get(judged.site.source or "") if judged.site else None
    day = source.as_of if source else judged.list_basis.as_of if judged.list_basis else None
    return format_date(day, english) if day else ""


def _describe_near_names(judged: Judgement, _on: dt.date, english: bool) -> str:
    near = len(judged.candidates)
    if not near or judged.site is not None:
        return ""
    if english:
        return f" ({near} {'has' if near == 1 else 'have'} a similar name: compare the full name)"
    return f"（有{near}家名称相近，请核对全称）"


def _describe_lapse(judged: Judgement, on: dt.date, english: bool) -> str:
    """Why something has lapsed that nobody recorded as lapsed: its verification (校验) was due, and none is known."""
    if judged.verdict != "lapsed":
        return ""
    asked = {one.technique for one in _list_decisive_techniques(judged)}
    held = [
        approval
        for site, _ in judged.each
        for technique, approval in site.approvals.items()
        if (technique in asked if asked else rules.find_stage_on(approval, on) == "lapsed")
    ]
    if not held or any(rules.find_lapse_day(approval) is None for approval in held):
        return ""
    return ", its verification being overdue with none recorded" if english else "（校验已到期，没有校验记录）"


def _describe_stop(judged: Judgement, _on: dt.date, english: bool) -> str:
    return _STOPPED.get(judged.verdict, ("", ""))[english]


#: The blanks that are worked out together, and how each of the others is.
_TOLD = ("techniques", "note")
_OTHERS: dict[str, Callable[[Judgement, dt.date, bool], str]] = {
    "address": lambda judged, _on, _english: judged.site.address if judged.site else "",
    "alike": _describe_shared_trait,
    "count": _format_count,
    "Count": _format_count_phrase,
    "list_day": _format_list_day,
    "name": lambda judged, _on, _english: judged.site.name if judged.site else "",
    "near": _describe_near_names,
    "number": lambda judged, _on, english: NUMBERS[judged.by][english] if judged.by in NUMBERS else "",
    "scope": _describe_scope,
    "since": lambda judged, _on, english: format_date(judged.since, english) if judged.since else "",
    "stopped": _describe_stop,
    "Stopped": lambda judged, on, english: _describe_stop(judged, on, english).capitalize(),
    "why": _describe_lapse,
}
