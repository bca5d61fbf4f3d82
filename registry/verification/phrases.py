"""Phrases that answers, receipts and lists share: days, instants, techniques, stages, sources; zh-CN and English."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from functools import cache, lru_cache

from registry.domain.techniques import BY_CODE, LAWFUL_STAGES, Stage, TechniqueCode
from registry.records.asof import SHANGHAI
from registry.texts import Listing, Message, PluralMessage

#: What a claim without a technique is about.
ASSISTED_REPRODUCTION = Message("人类辅助生殖技术")

#: The numbers of a claim that the register need not hold of every institution.
NUMBERS: dict[str, Message] = {
    "uscc": Message("统一社会信用代码"),
    "practice_licence_no": Message("执业许可证登记号"),
    "domain": Message("网站域名", context="verification.phrases"),
}
STAGE_WORDS: dict[str, Message] = {
    "preparing": Message("筹建中", context="verification.phrases"),
    "trial": Message("试运行"),
    "formal": Message("正式运行"),
    "operating": Message("正式运行或试运行（名录未说明）"),
    "rectification": Message("限期整改"),
    "suspended": Message("暂停"),
    "revoked": Message("撤销"),
    "lapsed": Message("失效"),
}

assert set(STAGE_WORDS) >= LAWFUL_STAGES  # noqa: S101 - a stage without words would fail on a citizen's page


MONTHS = (
    Message("1月"),
    Message("2月"),
    Message("3月"),
    Message("4月"),
    Message("5月"),
    Message("6月"),
    Message("7月"),
    Message("8月"),
    Message("9月"),
    Message("10月"),
    Message("11月"),
    Message("12月"),
)


@lru_cache(maxsize=1024)
def format_date(day: dt.date, lang: str) -> str:
    """Format a day: 2025年6月30日 or 30 June 2025."""
    return Message(
        "{year}年{month}月{day}日", year=day.year, month=day.month, day=day.day, month_name=MONTHS[day.month - 1]
    ).to_text(lang)


def join_words(words: Iterable[str], lang: str) -> str:
    """Join words with the comma of the language."""
    return Message("、").to_text(lang).join(words)


def format_instant(at: dt.datetime, lang: str, clock: str = "%H:%M:%S") -> str:
    """Format an instant as the clock in Shanghai shows it, with ``clock`` for the time of day."""
    local = at.astimezone(SHANGHAI)
    words = f"{format_date(local.date(), lang)} {local:{clock}}"
    return Message("{words}（北京时间）", words=words).to_text(lang)


@cache
def format_technique(code: str, lang: str) -> str:
    """Return the everyday word with the official name after it where that says more.

    >>> format_technique("PGT", "zh-CN"), format_technique("AIH", "zh-CN")
    ('三代试管（植入前胚胎遗传学检测）', '夫精人工授精')
    >>> format_technique("ICSI", "en")
    'second-generation IVF (ICSI) [intracytoplasmic sperm injection]'
    """
    technique = BY_CODE[code]
    plain, official = technique.get_plain_word(lang), technique.get_official_name(lang)
    if plain in official:
        return plain
    return Message("{plain}（{official}）", plain=plain, official=official).to_text(lang)


def format_stages(stages: Iterable[str], lang: str) -> str:
    """Format the stage of all sites, or each of their stages where they differ.

    >>> format_stages(["formal", "trial"], "en")
    'in formal operation or in trial operation (the sites differ)'
    """
    words = [STAGE_WORDS[stage].to_text(lang) for stage in sorted(set(stages))]
    if len(words) == 1:
        return words[0]
    return Message("{words}（各处不同）", words=Listing(words, Message("或"))).to_text(lang)


def format_source_note(days: Iterable[dt.date | None], lang: str) -> str:
    """Name the day of every list something rests on, so that an old list is never read as a new one.

    Empty where one of the ``days`` is None: the note would stand for more than it covers.
    """
    dated = sorted(day for day in set(days) if day is not None)
    if not dated or None in set(days):
        return ""
    listed = join_words((format_date(day, lang) for day in dated), lang)
    return PluralMessage("（依据截至{days}的名录）", days=listed, count=len(dated)).to_text(lang)


@lru_cache(maxsize=1024)
def format_single_technique(
    technique: TechniqueCode, stage: Stage | None, as_of: dt.date | None, lang: str
) -> tuple[str, str]:
    """Return (a technique with its stage if it has one, the note on its list) at one site."""
    name, note = format_technique(technique, lang), format_source_note([as_of], lang)
    if stage is None:
        return name, note
    stage_words = format_stages([stage], lang)
    return Message("{name}，{stage_words}", name=name, stage_words=stage_words).to_text(lang), note


#: Verbs of languages that have tenses: (of a day that is over, of today or a day to come).
_TENSES = {
    "be": (Message("是", context="one, past"), Message("是", context="one, present")),
    "are": (Message("是", context="several, past"), Message("是", context="several, present")),
    "may": (Message("不得", context="one, past"), Message("不得", context="one, present")),
    "may_they": (Message("不得", context="several, past"), Message("不得", context="several, present")),
}


@lru_cache(maxsize=1024)
def make_time_words(on: dt.date, today: dt.date, lang: str) -> dict[str, str]:
    """Return the words that depend on the day asked about: nothing is said of today that was asked of another day."""
    day = format_date(on, lang)
    then = "" if on == today else Message("{day}", context="on a day", day=day).to_text(lang)
    return {
        "on": day,
        "day": "" if on == today else day,
        "when": then,
        "now": then or Message("现", context="today").to_text(lang),
        "current": (Message("现行") if on == today else Message("当时")).to_text(lang),
        **{name: (past if on < today else present).to_text(lang) for name, (past, present) in _TENSES.items()},
    }
