"""One exact sentence per verdict, zh-CN and en; the wording is the design's."""

from __future__ import annotations

import datetime as dt
from functools import cache, lru_cache

from registry.model import Basis, Candidate, Match, Source, Struct, TechniqueAnswer, VerdictWord
from registry.records.asof import today
from registry.techniques import BY_CODE, LAWFUL_STAGES
from registry.verification.verdict import Site

STAGE_WORDS: dict[str, tuple[str, str]] = {
    "preparing": ("筹建中", "in preparation"),
    "trial": ("试运行", "in trial operation"),
    "formal": ("正式运行", "in formal operation"),
    "operating": ("正式运行或试运行（名录未说明）", "in formal or trial operation (the list does not say which)"),
    "rectification": ("限期整改", "under an order to rectify"),
    "suspended": ("暂停", "suspended"),
    "revoked": ("撤销", "revoked"),
    "lapsed": ("失效", "lapsed"),
}


class Judged(Struct, frozen=True, gc=False):
    """What the rules found, before it is put into words."""

    verdict: VerdictWord
    techniques: list[TechniqueAnswer]
    candidates: list[Candidate]
    sources: dict[str, Source]
    site: Site | None = None
    match: Match | None = None
    count: int = 0
    contradiction: bool = False  # the claim names two institutions: one by name, another by number
    list_basis: Basis | None = None
    since: dt.date | None = None  # the first day of what has stopped
    codes: tuple[str, ...] = ()  # the institutions that answered: where a person or a certificate has to belong
    nothing_known: bool = False  # the register held no entry at the time of knowing, of whatever day


@lru_cache(maxsize=1024)
def date_words(day: dt.date, english: bool) -> str:
    """2025年6月30日 / 30 June 2025."""
    return f"{day.day} {day:%B %Y}" if english else f"{day.year}年{day.month}月{day.day}日"


@cache
def technique_words(code: str, english: bool) -> str:
    """The everyday word with the official name after it."""
    technique = BY_CODE[code]
    plain, official = (
        (technique.plain_en, technique.official_en) if english else (technique.plain_zh, technique.official_zh)
    )
    if plain == official:
        return plain
    return f"{plain} ({official})" if english else f"{plain}（{official}）"


def sentence(judged: Judged, on: dt.date, english: bool) -> str:
    """The sentence that explains a verdict, in the asked language."""
    return _SENTENCES[judged.verdict](judged, on, english)


def _names(judged: Judged, verdict: VerdictWord, english: bool) -> str:
    chosen = [technique_words(t.technique, english) for t in judged.techniques if t.verdict == verdict]
    return (", " if english else "、").join(chosen)


def _source_note(judged: Judged, english: bool) -> str:
    """Names the source's day, so that an old list is never read as a new one."""
    basis = next((t.basis for t in judged.techniques if t.basis), None) or judged.list_basis
    if basis is None and judged.site is not None:
        source = judged.sources.get(judged.site.source or "")
        day = source.as_of if source else None
    else:
        day = basis.as_of if basis else None
    if day is None:
        return ""
    return f" (list as of {date_words(day, True)})" if english else f"（依据截至{date_words(day, False)}的名录）"


def _formerly(judged: Judged, english: bool) -> str:
    if judged.match is None or judged.match.on != "former_name":
        return ""
    now = judged.match.name
    return f" The name asked is a former name; it is now {now}." if english else f"所查名称为曾用名，现名{now}。"


def _licensed(judged: Judged, on: dt.date, english: bool) -> str:
    del on
    note, former = _source_note(judged, english), _formerly(judged, english)
    if not judged.techniques:
        if english:
            return f"This institution is on the list of approved institutions{note}.{former}"
        return f"该机构在获准开展人类辅助生殖技术的名录中{note}。{former}"
    parts = [_held(item.technique, item.stage or "operating", english) for item in judged.techniques]
    if judged.count > 1:
        if english:
            return f"{judged.count} sites of this name are each approved for {'; '.join(parts)}{note}.{former}"
        return f"该名称的{judged.count}处机构均获准开展{'；'.join(parts)}{note}。{former}"
    if english:
        return f"This institution is approved at this address for {'; '.join(parts)}{note}.{former}"
    return f"该机构在此地址获准开展{'；'.join(parts)}{note}。{former}"


@cache
def _held(technique: str, stage: str, english: bool) -> str:
    """A technique with the stage of its approval."""
    words = STAGE_WORDS[stage][english]
    name = technique_words(technique, english)
    return f"{name} ({words})" if english else f"{name}，{words}"


def _technique_not_licensed(judged: Judged, on: dt.date, english: bool) -> str:
    del on
    names, note = _names(judged, "technique_not_licensed", english), _source_note(judged, english)
    if not names:
        return (
            f"This institution is on the list, with no approval in force{note}."
            if english
            else f"该机构在名录中，但没有现行有效的批准项目{note}。"
        )
    if english:
        return f"This institution is on the list, but is not approved for {names}{note}."
    return f"该机构在名录中，但未获准开展{names}{note}。"


def _site_mismatch(judged: Judged, on: dt.date, english: bool) -> str:
    del on
    address = judged.site.address if judged.site and judged.count == 1 else None
    if address is None:
        if english:
            return f"Institutions of this name are approved at {judged.count} addresses, not at the one asked."
        return f"该名称的机构获批的地址有{judged.count}处，均不是所查地址。"
    if english:
        return f"The address this institution is approved at is {address}, not the one asked."
    return f"该机构获批的地址是{address}，不是所查地址。"


def _preparing(judged: Judged, on: dt.date, english: bool) -> str:
    del judged, on
    return "Still in preparation: it may not treat patients." if english else "尚在筹建，不得开展诊疗。"


def _stopped(judged: Judged, on: dt.date, english: bool) -> str:
    word = {"suspended": ("暂停", "suspended"), "revoked": ("撤销", "revoked"), "lapsed": ("失效", "lapsed")}
    zh, en = word[judged.verdict]
    names = _names(judged, judged.verdict, english)
    since = judged.since
    if english:
        return (
            f"{en.capitalize()} since {date_words(since, True) if since else 'an unstated day'}; "
            f"it may not perform {names or 'assisted reproduction'}{_then(on, True)}."
        )
    start = f"自{date_words(since, False)}起" if since else ""
    return f"{start}{zh}，{_then(on, False)}不得开展{names or '人类辅助生殖技术'}。"


def _then(on: dt.date, english: bool) -> str:
    """When a prohibition holds: now, or on the day asked about, of which nothing is said beyond it."""
    past = on < today()
    if english:
        return f" on {date_words(on, True)}" if past else " now"
    return "当日" if past else "现"


def _ambiguous(judged: Judged, on: dt.date, english: bool) -> str:
    del on
    if judged.contradiction:
        if english:
            return "The name and the number given are not of one institution; please compare them."
        return "所给的名称与编码（或证照号码、域名）不属于同一家机构，请核对。"
    number = max(judged.count, len(judged.candidates))
    if english:
        return f"{number} institution(s) may be meant; please compare the address or the code."
    return f"有{number}家机构名称相近，请核对地址或编码。"


def _not_found(judged: Judged, on: dt.date, english: bool) -> str:
    day = judged.list_basis.as_of if judged.list_basis else None
    if judged.site is not None:  # it was on an earlier list
        source = judged.sources.get(judged.site.source or "")
        day = source.as_of if source else on
        if english:
            return (
                f"{judged.site.name} was on an earlier list and is not on the list as of {date_words(day, True)}; "
                f"it may not perform assisted reproduction{_then(on, True)}."
            )
        return (
            f"{judged.site.name}曾在此前的名录中，截至{date_words(day, False)}的名录中已没有这家机构，"
            f"{_then(on, False)}不得开展人类辅助生殖技术。"
        )
    day, near = day or on, len(judged.candidates)
    if english:
        alike = f" ({near} have a similar name: compare the full name)" if near else ""
        return (
            f"No such institution is on the list as of {date_words(day, True)}{alike}. Institutions not on the list "
            "may not perform assisted reproduction; offers can be reported by calling 12345."
        )
    alike = f"（有{near}家名称相近，请核对全称）" if near else ""
    return (
        f"截至{date_words(day, False)}的名录中没有这家机构{alike}。未在名录中的机构不得开展人类辅助生殖技术；"
        "如遇宣传，可拨打12345举报。"
    )


def _unknown(judged: Judged, on: dt.date, english: bool) -> str:
    day = date_words(on, english)
    if judged.site is not None:
        names = _names(judged, "unknown", english)
        zh = f"{day}所依据的来源未说明该机构是否获准开展{names}，无法回答。"
        en = f"The source for {day} does not say whether {names} was approved there."
    elif judged.nothing_known:
        zh = "所问时刻名录尚无任何记录，无法回答。"
        en = "At the time asked about the register held nothing yet, of any day, and cannot answer."
    elif not judged.sources:
        zh = f"名录没有{day}或更早的记录，无法回答该日的情况。"
        en = f"The register holds nothing for {day} and cannot answer for that day."
    else:
        zh = f"名录没有覆盖{day}的完整记录，无法回答该日的情况。"
        en = f"The register holds no complete list for {day} and cannot answer for that day."
    return en if english else zh


_SENTENCES = {
    "licensed": _licensed,
    "technique_not_licensed": _technique_not_licensed,
    "site_mismatch": _site_mismatch,
    "preparing": _preparing,
    "suspended": _stopped,
    "revoked": _stopped,
    "lapsed": _stopped,
    "ambiguous": _ambiguous,
    "not_found": _not_found,
    "unknown": _unknown,
}

assert set(STAGE_WORDS) >= LAWFUL_STAGES  # noqa: S101 - a stage without words would fail on a citizen's page
