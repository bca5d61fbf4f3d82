"""One exact sentence per answer, zh-CN and English; the wording is the design's.

A sentence about another day than today says the day: what was approved then may have been revoked since. Of a day to
come it says that more may be recorded until then. A reason without its template here cannot be told.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache

from registry.domain.techniques import Stage, TechniqueCode
from registry.verification import verdict as rules
from registry.verification.explain_values import NUMBERS, SentenceValues, format_single_technique, make_time_words
from registry.verification.judgement import Judgement

#: Reason -> sentence. Its blanks are filled by ``blanks.SentenceValues``.
SENTENCES: dict[str, tuple[str, str]] = {
    "licensed": (
        "该机构{formerly}{day}在此地址获准开展{techniques}{note}。",
        "This institution{formerly} {be} approved at this address{when} for {techniques}{note}.",
    ),
    "licensed_several": (
        "{alike}{count}处机构{day}均获准开展{techniques}{note}。",
        "The {count} sites {alike} {are} each approved{when} for {techniques}{note}.",
    ),
    "listed": (
        "该机构{formerly}{day}在获准开展人类辅助生殖技术的机构名录中{note}。",
        "This institution{formerly} {be} on the list of approved institutions{when}{note}.",
    ),
    "listed_several": (
        "{alike}{count}处机构{day}均在获准开展人类辅助生殖技术的机构名录中{note}。",
        "The {count} sites {alike} {are} each on the list of approved institutions{when}{note}.",
    ),
    "not_licensed": (
        "该机构{formerly}{day}在名录中，但未获准开展{techniques}{note}。",
        "This institution{formerly} {be} on the list{when}, but {be} not approved for {techniques}{note}.",
    ),
    "not_licensed_several": (
        "{alike}{count}处机构{day}均在名录中，但均未获准开展{techniques}{note}。",
        "The {count} sites {alike} {are} on the list{when}, but not approved for {techniques}{note}.",
    ),
    "nothing_in_force": (
        "该机构{formerly}{day}在名录中，但没有{current}有效的批准项目{note}。",
        "This institution{formerly} {be} on the list{when}, with no approval in force{note}.",
    ),
    "nothing_in_force_several": (
        "{alike}{count}处机构{day}均在名录中，但均没有{current}有效的批准项目{note}。",
        "The {count} sites {alike} {are} on the list{when}, none of them with an approval in force{note}.",
    ),
    "site_mismatch": (
        "该机构{day}获批的地址是{address}，不是所查地址。",
        "The address this institution {be} approved at{when} is {address}, not the one asked about.",
    ),
    "site_mismatch_stopped": (
        "该机构{day}在名录中的地址是{address}，不是所查地址。",
        "The address of this institution on the list{when} is {address}, not the one asked about.",
    ),
    "site_mismatch_several": (
        "{alike}机构{day}在名录中的地址有{count}处，均不是所查地址。",
        "{count} sites {alike} {are} on the list{when}, none of them at the address asked about.",
    ),
    "preparing": (
        "{day}尚在筹建，不得开展诊疗。",
        "Still in preparation{when}: it {may} treat patients.",
    ),
    "preparing_for": (
        "{techniques}{day}尚在筹建，不得开展诊疗。",
        "Still in preparation{when} for {techniques}: it {may} offer such treatment.",
    ),
    "preparing_several": (
        "{alike}{count}处机构{day}均尚在筹建，不得开展诊疗。",
        "The {count} sites {alike} {are} all still in preparation{when}: they {may_they} treat patients.",
    ),
    "preparing_for_several": (
        "{alike}{count}处机构的{techniques}{day}均尚在筹建，不得开展诊疗。",
        "The {count} sites {alike} {are} all still in preparation{when} for {techniques}: they {may_they} offer such "
        "treatment.",
    ),
    "stopped": (
        "自{since}起{stopped}{why}，{now}不得开展{techniques}。",
        "{Stopped} since {since}{why}; it {may} perform {techniques}{now}.",
    ),
    "stopped_several": (
        "{alike}{count}处机构{now}均已{stopped}{why}，不得开展{techniques}。",
        "The {count} sites {alike} {are} all {stopped}{why}; they {may_they} perform {techniques}{now}.",
    ),
    "contradiction": (
        "所给的名称、编码、证照号码或域名不属于同一家机构，请核对。",
        "The name, code, licence number or domain given are not of one and the same institution; please compare them.",
    ),
    "campus": (
        "有{count}家机构名称相近，但不能确定是否为所问院区，请核对地址或编码。",
        "{Count} a similar name, but whether the campus asked about is meant is not established; please compare the "
        "address or the code.",
    ),
    "same_name": (
        "有{count}家机构名称相同或相近，请核对地址或编码。",
        "{Count} this name or one like it; please compare the address or the code.",
    ),
    "same_number": (
        "有{count}家机构使用该{number}，请核对地址或编码。",
        "{Count} this {number}; please compare the address or the code.",
    ),
    "not_found": (
        "截至{list_day}的名录中没有这家机构{near}，未在名录中的机构不得开展人类辅助生殖技术；如遇宣传，可拨打12345举报。",
        "No such institution is on the list as of {list_day}{near}; institutions not on the list may not perform "
        "assisted reproduction, and offers can be reported by calling 12345.",
    ),
    "number_not_found": (
        "截至{list_day}的名录中没有登记该{number}的机构，但名录未必载有每家机构的{number}，请再按名称核验；"
        "未在名录中的机构不得开展人类辅助生殖技术。",
        "No institution is recorded with this {number} on the list as of {list_day}, which need not hold that of every "
        "institution, so please ask again by name; institutions not on the list may not perform assisted reproduction.",
    ),
    "gone": (
        "{name}曾在此前的名录中，截至{list_day}的名录中已没有这家机构，{now}不得开展人类辅助生殖技术。",
        "{name} was on an earlier list and is not on the list as of {list_day}; it {may} perform assisted "
        "reproduction{now}.",
    ),
    "gone_undated": (
        "{name}曾在名录中，后已不再列入，{now}不得开展人类辅助生殖技术。",
        "{name} was on the list before and {be} no longer{when}; it {may} perform assisted reproduction{now}.",
    ),
    "not_stated": (
        "{on}所依据的来源未说明该机构是否获准开展{techniques}，无法回答。",
        "The source for {on} does not say whether it holds an approval for {techniques}, so this cannot be answered.",
    ),
    "nothing_known": (
        "所问时刻名录尚无任何记录，无法回答。",
        "At the time asked about the register held nothing yet, of any day, and cannot answer.",
    ),
    "nothing_of_the_day": (
        "名录没有{on}或更早的记录，无法回答该日的情况。",
        "The register holds nothing for {on} or before and cannot answer for that day.",
    ),
    "no_complete_list": (
        "名录没有完整覆盖{on}、所问地点{scope}的名单，无法回答该日的情况。",
        "The register holds no list that is complete for {on}, for the place asked about{scope}, and cannot answer for "
        "that day.",
    ),
}


def describe_judgement(judged: Judgement, on: dt.date, today: dt.date, english: bool) -> str:
    """The sentence that explains a verdict about a day, as it is said ``today``, in the asked language."""
    if len(judged.each) == len(judged.techniques) == 1 and (usual := _find_usual_reason(judged)):
        (one,) = judged.techniques  # most answers: the sentence names no institution, so many of them share it
        return _format_usual_sentence(
            usual, one.technique, one.stage, one.basis.as_of if one.basis else None, on, today, english
        )
    reason = _REASONS[judged.verdict](judged, on)
    return _add_future_caveat(
        SENTENCES[reason][english].format_map(SentenceValues(judged, on, today, english)), on, today, english
    )


def _find_usual_reason(judged: Judgement) -> str | None:
    """The reason, where the sentence hangs on nothing but one technique, its stage, its source and the day."""
    if judged.match is not None and judged.match.on == "former_name":
        return None
    if judged.verdict == "licensed":
        return "licensed"
    site, told = judged.each[0]
    is_bare = judged.verdict == "technique_not_licensed" and told[0].technique not in site.approvals
    return "not_licensed" if is_bare else None


@lru_cache(maxsize=4096)
def _format_usual_sentence(  # noqa: PLR0913 - all that it hangs on
    reason: str,
    technique: TechniqueCode,
    stage: Stage | None,
    as_of: dt.date | None,
    on: dt.date,
    now: dt.date,
    english: bool,
) -> str:
    """The sentence about one site that is, or is not, licensed for one technique."""
    told, note = format_single_technique(technique, stage if reason == "licensed" else None, as_of, english)
    blanks = {"formerly": "", "techniques": told, "note": note, **make_time_words(on, now, english)}
    return _add_future_caveat(SENTENCES[reason][english].format(**blanks), on, now, english)


def _add_future_caveat(told: str, on: dt.date, now: dt.date, english: bool) -> str:
    """Of a day to come it is only known what is recorded so far."""
    if on <= now:
        return told
    return f"By what is recorded so far, {told[0].lower()}{told[1:]}" if english else f"按目前的记载，{told}"


def _pluralise_reason(reason: str, judged: Judgement) -> str:
    return f"{reason}_several" if judged.count > 1 else reason


def _select_licensed_reason(judged: Judgement, on: dt.date) -> str:
    del on
    return _pluralise_reason("licensed" if judged.techniques else "listed", judged)


def _select_not_licensed_reason(judged: Judgement, on: dt.date) -> str:
    del on
    return _pluralise_reason("not_licensed" if judged.techniques else "nothing_in_force", judged)


def _select_mismatch_reason(judged: Judgement, on: dt.date) -> str:
    if judged.count > 1 or judged.site is None:
        return "site_mismatch_several"
    is_licensed = rules.judge_institution(judged.site, on) == "licensed"
    return "site_mismatch" if is_licensed else "site_mismatch_stopped"


def _select_preparing_reason(judged: Judgement, on: dt.date) -> str:
    del on
    return _pluralise_reason("preparing_for" if judged.techniques else "preparing", judged)


def _select_stopped_reason(judged: Judgement, on: dt.date) -> str:
    del on
    return _pluralise_reason("stopped", judged)


def _select_ambiguous_reason(judged: Judgement, on: dt.date) -> str:
    del on
    if judged.contradiction or judged.campus:
        return "contradiction" if judged.contradiction else "campus"
    return "same_number" if judged.by in NUMBERS else "same_name"


def _select_not_found_reason(judged: Judgement, on: dt.date) -> str:
    del on
    if judged.site is not None:  # it was on an earlier list
        return "gone" if judged.site.source in judged.sources else "gone_undated"
    return "number_not_found" if judged.by in NUMBERS else "not_found"


def _select_unknown_reason(judged: Judgement, on: dt.date) -> str:
    del on
    if judged.site is not None:
        return "not_stated"
    if judged.nothing_known:
        return "nothing_known"
    return "no_complete_list" if judged.sources else "nothing_of_the_day"


_REASONS = {
    "licensed": _select_licensed_reason,
    "technique_not_licensed": _select_not_licensed_reason,
    "site_mismatch": _select_mismatch_reason,
    "preparing": _select_preparing_reason,
    "suspended": _select_stopped_reason,
    "revoked": _select_stopped_reason,
    "lapsed": _select_stopped_reason,
    "ambiguous": _select_ambiguous_reason,
    "not_found": _select_not_found_reason,
    "unknown": _select_unknown_reason,
}
