"""One exact sentence per answer, zh-CN and English; the wording is the design's.

A sentence about another day than today says the day: what was approved then may have been revoked since. Of a day to
come it says that more may be recorded until then.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache

from registry.domain.comparison import AddressGap, Compared
from registry.domain.techniques import Stage, TechniqueCode
from registry.records.site import Site
from registry.texts import Message, PluralMessage
from registry.verification.candidates import has_good_candidate
from registry.verification.phrases import (
    NUMBERS,
    format_date,
    format_single_technique,
    join_words,
    make_time_words,
)
from registry.verification.sentence_values import SentenceValues
from registry.verification.site_match import list_not_compared
from registry.verification.verdict import Judgement

#: Reason -> sentence. Its blanks are filled by ``SentenceValues``.
SENTENCES: dict[str, Message] = {
    "licensed": Message("该机构{formerly}{day}{here}获准开展{techniques}{note}。"),
    "licensed_several": Message("{alike}{count}处机构{day}均获准开展{techniques}{note}。"),
    "listed_several": Message("{alike}{count}处机构{day}均在获准开展人类辅助生殖技术的机构名录中{note}。"),
    "partly_licensed": Message("该机构{formerly}{day}{here}部分获批：获准开展{granted}；不得开展{refused}{note}。"),
    "partly_licensed_several": Message("{alike}{count}处机构{day}均为部分获批，各处项目不同，请按地址或编码分别核验。"),
    "not_licensed": Message("该机构{formerly}{day}在名录中，但未获准开展{techniques}{note}。"),
    "not_licensed_several": Message("{alike}{count}处机构{day}均在名录中，但均未获准开展{techniques}{note}。"),
    "nothing_in_force": Message("该机构{formerly}{day}在名录中，但没有{current}有效的批准项目{note}。"),
    "nothing_in_force_several": Message("{alike}{count}处机构{day}均在名录中，但均没有{current}有效的批准项目{note}。"),
    "site_mismatch": Message("该机构{day}获批的地址是{address}，不是所查地址。"),
    "site_mismatch_stopped": Message("该机构{day}在名录中的地址是{address}，不是所查地址。"),
    "site_mismatch_several": Message("{alike}机构{day}在名录中的地址有{count}处，均不是所查地址。"),
    "preparing": Message("{day}尚在筹建，不得开展诊疗。"),
    "preparing_for": Message("{techniques}{day}尚在筹建，不得开展诊疗。"),
    "preparing_several": Message("{alike}{count}处机构{day}均尚在筹建，不得开展诊疗。"),
    "preparing_for_several": Message("{alike}{count}处机构的{techniques}{day}均尚在筹建，不得开展诊疗。"),
    "stopped": Message("自{since}起{stopped}{why}，{now}不得开展{techniques}。"),
    "stopped_several": Message("{alike}{count}处机构{now}均已{stopped}{why}，不得开展{techniques}。"),
    "contradiction": Message("所给的名称、编码、证照号码或域名不属于同一家机构，请核对。"),
    "campus": Message("有{count}家机构名称相近，但不能确定是否为所问机构或院区，请核对地址或编码。"),
    "partly_elsewhere": Message("所给地址不止一处，其中有的不是名录中该机构的地址，请按地址逐一核验。"),
    "other_road": Message(
        "该机构在名录中的地址是{address}，所给地址写的是另一条道路，没有可以比对的门牌，不能确定是否同一地点，请核对。"
    ),
    "other_district": Message(
        "该机构在名录中的地址是{address}，所给地址写的是同一城市的另一个区，其余与之相同或没有写，"
        "不能确定是否同一地点，请核对。"
    ),
    "same_name": Message("有{count}家机构名称相同或相近，请核对地址或编码。"),
    "english_name": Message(
        "名录以中文名称登记，所给的是{names}的英文名称或译名，不能据以核验，请核对中文全称、地址或编码。"
    ),
    "several_names": Message("所给名称中写有不止一家机构，请按名称、地址或编码逐一核验。"),
    "same_number": Message("有{count}家机构使用该{number}，请核对地址或编码。"),
    "not_found": Message(
        "截至{list_day}的名录中没有这家机构{near}，未在名录中的机构不得开展人类辅助生殖技术；如遇宣传，"
        "可拨打12345举报。"
    ),
    "not_found_near": Message(
        "截至{list_day}的名录中没有完全是这个名称的机构，所问的可能是名称相近的{count}家，请核对全称、地址或编码；"
        "未在名录中的机构不得开展人类辅助生殖技术。"
    ),
    "not_found_foreign": Message(
        "截至{list_day}的名录以中文名称登记，没有找到所给外文名称的机构，请按中文全称、地址或编码再核验；"
        "未在名录中的机构不得开展人类辅助生殖技术。"
    ),
    "number_unknown": Message(
        "名录未载有使用该{number}的机构，但名录未必载有每家机构的{number}，不能据此判断是否获准，请再按名称核验。"
    ),
    "gone": Message("{name}曾在此前的名录中，截至{list_day}的名录中已没有这家机构，{now}不得开展人类辅助生殖技术。"),
    "gone_undated": Message("{name}曾在名录中，后已不再列入，{now}不得开展人类辅助生殖技术。"),
    "gone_on": Message(
        "{name}曾在此前的名录中，截至{list_day}的名录中已没有这个名称；{successors}，请核对名称、地址或编码。"
    ),
    "gone_on_undated": Message("{name}曾在名录中，后已不再列入；{successors}，请核对名称、地址或编码。"),
    "not_stated": Message("{on}所依据的来源未说明该机构是否获准开展{techniques}，无法回答。"),
    "too_old": Message(
        "关于{techniques}，名录最近的记载截至{last_day}，距所问之日已超过两年，其后没有资料可以确认，无法回答。"
    ),
    "nothing_known": Message("所问时刻名录尚无任何记录，无法回答。"),
    "nothing_of_the_day": Message("名录没有{on}或更早的记录，无法回答该日的情况。"),
    "no_complete_list": Message("名录没有完整覆盖{on}、所问地点{scope}的名单，无法回答该日的情况。"),
}


def describe_judgement(judgement: Judgement, on: dt.date, today: dt.date, lang: str) -> str:
    """Return the sentence that explains a verdict about a day, as said on ``today``."""
    if len(judgement.each) == len(judgement.techniques) == 1 and (usual := _find_usual_reason(judgement)):
        (answer,) = judgement.techniques  # most answers: the sentence names no institution, so many of them share it
        as_of = answer.basis.as_of if answer.basis else None
        return _format_usual_sentence(
            usual, answer.technique, answer.stage, as_of, on, today, lang, at_address=judgement.at_address
        )
    template = SENTENCES[_select_reason(judgement)].to_text(lang)
    sentence = template.format_map(SentenceValues(judgement, on, today, lang))
    return _add_future_caveat(sentence, on, today, lang)


def _find_usual_reason(judgement: Judgement) -> str | None:
    """Return the reason where the sentence depends only on one technique, its stage, its source and the day."""
    if judgement.match is not None and judgement.match.on == "former_name":
        return None
    if judgement.verdict == "licensed":
        return "licensed"
    site, answers = judgement.each[0]
    is_absent = judgement.verdict == "technique_not_licensed" and answers[0].technique not in site.approvals
    return "not_licensed" if is_absent else None


@lru_cache(maxsize=4096)
def _format_usual_sentence(  # noqa: PLR0913 - all that it hangs on
    reason: str,
    technique: TechniqueCode,
    stage: Stage | None,
    as_of: dt.date | None,
    on: dt.date,
    today: dt.date,
    lang: str,
    *,
    at_address: bool,
) -> str:
    """Format the sentence about one site that is, or is not, licensed for one technique."""
    words, note = format_single_technique(technique, stage if reason == "licensed" else None, as_of, lang)
    here = Message("在此地址").to_text(lang) if at_address else ""
    values = {"formerly": "", "here": here, "techniques": words, "note": note, **make_time_words(on, today, lang)}
    return _add_future_caveat(SENTENCES[reason].to_text(lang).format(**values), on, today, lang)


def _add_future_caveat(sentence: str, on: dt.date, today: dt.date, lang: str) -> str:
    """Mark a sentence about a day to come as resting on what is recorded so far."""
    if on <= today:
        return sentence
    continued = sentence[0].lower() + sentence[1:]
    return Message("按目前的记载，{sentence}", sentence=sentence, continued=continued).to_text(lang)


#: Verdict -> its reason with techniques claimed and without; "_several" is added where several sites fit.
_REASONS = {
    "licensed": ("licensed", "licensed"),
    "partly_licensed": ("partly_licensed", "partly_licensed"),
    "technique_not_licensed": ("not_licensed", "nothing_in_force"),
    "preparing": ("preparing_for", "preparing"),
    **dict.fromkeys(("suspended", "revoked", "lapsed"), ("stopped", "stopped")),
}


def _select_reason(judgement: Judgement) -> str:
    """Return the key of the sentence that tells why the verdict is what it is."""
    verdict, site = judgement.verdict, judgement.site
    is_several = judgement.count > 1
    if verdict in _REASONS:
        if is_several and judgement.general and verdict in ("licensed", "partly_licensed"):
            return "listed_several" if verdict == "licensed" else "partly_licensed_several"
        return _REASONS[verdict][judgement.general] + ("_several" if is_several else "")
    if verdict == "site_mismatch":
        return verdict + ("_several" if is_several or site is None else "" if judgement.in_force else "_stopped")
    return _select_doubt_reason(judgement) if verdict == "ambiguous" else _select_absence_reason(judgement)


def _select_doubt_reason(judgement: Judgement) -> str:
    """Return the reason of `ambiguous`: what the claim gives disagrees, or fits several or by half."""
    if judgement.contradiction or judgement.campus:
        return "contradiction" if judgement.contradiction else "campus"
    if judgement.partly_elsewhere:
        return "partly_elsewhere"
    if judgement.gap is not None and judgement.gap in SENTENCES:
        return judgement.gap
    if judgement.english or judgement.several:
        return "english_name" if judgement.english else "several_names"
    if judgement.site is not None:
        return _select_ending_reason(judgement, judgement.site)
    return "same_number" if judgement.by in NUMBERS else "same_name"


def _select_absence_reason(judgement: Judgement) -> str:
    """Return the reason of `not_found` and `unknown`; ``site``: it was on an earlier list, or its source says less."""
    site = judgement.site
    if judgement.verdict == "not_found":
        return _select_ending_reason(judgement, site) if site else _select_nearness_reason(judgement)
    if judgement.by in NUMBERS:
        return "number_unknown"
    if site is not None:
        return "too_old" if any(answer.last_known for answer in judgement.techniques) else "not_stated"
    if judgement.nothing_known:
        return "nothing_known"
    return "no_complete_list" if judgement.sources else "nothing_of_the_day"


def _select_nearness_reason(judgement: Judgement) -> str:
    """Return the reason where nobody has the name: whether it may mean somebody, or can be compared at all."""
    if judgement.foreign and not judgement.candidates:
        return "not_found_foreign"
    return "not_found_near" if has_good_candidate(judgement.candidates) else "not_found"


def _select_ending_reason(judgement: Judgement, site: Site) -> str:
    """Return the reason where a record has ended: whether somebody goes on for it, and whether a list tells."""
    reason = "gone_on" if judgement.successors or judgement.at_site else "gone"
    return reason if site.stated_source in judgement.sources else f"{reason}_undated"


#: Days after which the age of what an answer rests on is said in its sentence.
OLD_BASIS = 365


def count_months(start: dt.date, end: dt.date) -> int:
    """Count the whole months from one day to another; negative before the first.

    >>> [count_months(dt.date(2025, 1, 31), end) for end in (dt.date(2025, 2, 28), dt.date(2025, 3, 31))]
    [0, 2]
    """
    return (end.year - start.year) * 12 + end.month - start.month - (end.day < start.day)


@lru_cache(maxsize=1024)
def describe_age(as_of: dt.date, on: dt.date, lang: str) -> str:
    """Describe the age, on the day asked about, of what an answer rests on; empty up to a year."""
    if (on - as_of).days <= OLD_BASIS:
        return ""
    return PluralMessage(
        "；所依据的资料截至{as_of}，距所问之日已有{count}个月",
        as_of=format_date(as_of, lang),
        count=count_months(as_of, on),
    ).to_text(lang)


#: What is said of what an address leaves open, by how it fits.
_GAPS: dict[AddressGap, tuple[Message, Message]] = {
    "other_writing": (
        Message("；所给地址的门牌与名录所载的相符，但道路、路段或片区的写法不同，没有认定为同一地点"),
        Message("；所给地址与名录所载地址的写法不同，没有比对"),
    ),
    "none_registered": (
        Message("；名录所载该机构的地址没有写到门牌，没有比对门牌"),
        Message("；名录所载该机构的地址没有写到门牌，没有比对"),
    ),
    "none_given": (
        Message("；所给地址没有写到门牌，只比对了地区或道路"),
        Message("；所给地址读不出门牌，没有比对"),
    ),
}


@lru_cache(maxsize=1024)
def describe_not_compared(compared: Compared, gap: AddressGap | None, lang: str) -> str:
    """Describe what a claim gave and nothing was compared with; empty where everything was.

    ``gap``: what the address leaves open.
    """
    vague = _GAPS.get(gap or "none_given") if compared.address in ("region", "unreadable") else None
    numbers = [NUMBERS[field].to_text(lang) for field in list_not_compared(compared) if field in NUMBERS]
    parts = [vague[compared.address == "unreadable"].to_text(lang)] if vague else []
    if numbers:
        joined = join_words(numbers, lang)
        parts.append(Message("；名录未载该机构的{numbers}，没有比对", numbers=joined).to_text(lang))
    return "".join(parts)


def extend_sentence(sentence: str, further: str, lang: str) -> str:
    """Put further clauses before the full stop of a sentence."""
    stop = Message("。").to_text(lang)
    return sentence.removesuffix(stop) + further + stop
