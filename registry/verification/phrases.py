"""Phrases that answers, receipts and lists share: days, instants, techniques, stages, sources; zh-CN and English."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from functools import cache, lru_cache

from registry.domain.techniques import BY_CODE, LAWFUL_STAGES, Stage, TechniqueCode
from registry.records.asof import SHANGHAI

#: What a claim without a technique is about.
ASSISTED_REPRODUCTION = ("人类辅助生殖技术", "assisted reproduction")

#: The numbers of a claim that the register need not hold of every institution.
NUMBERS: dict[str, tuple[str, str]] = {
    "uscc": ("统一社会信用代码", "unified social credit code"),
    "practice_licence_no": ("执业许可证登记号", "practice licence number"),
    "domain": ("网站域名", "website domain"),
}
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

assert set(STAGE_WORDS) >= LAWFUL_STAGES  # noqa: S101 - a stage without words would fail on a citizen's page


@lru_cache(maxsize=1024)
def format_date(day: dt.date, english: bool) -> str:
    """Format a day: 2025年6月30日 or 30 June 2025."""
    return f"{day.day} {day:%B %Y}" if english else f"{day.year}年{day.month}月{day.day}日"


def join_words(words: Iterable[str], english: bool) -> str:
    """Join words with the comma of the language."""
    return (", " if english else "、").join(words)


def format_instant(at: dt.datetime, english: bool, clock: str = "%H:%M:%S") -> str:
    """Format an instant as the clock in Shanghai shows it, with ``clock`` for the time of day."""
    local = at.astimezone(SHANGHAI)
    words = f"{format_date(local.date(), english)} {local:{clock}}"
    return f"{words} (Beijing time)" if english else f"{words}（北京时间）"


@cache
def format_technique(code: str, english: bool) -> str:
    """Return the everyday word with the official name after it where that says more.

    >>> format_technique("PGT", False), format_technique("AIH", False)
    ('三代试管（植入前胚胎遗传学检测）', '夫精人工授精')
    >>> format_technique("ICSI", True)
    'second-generation IVF (ICSI) [intracytoplasmic sperm injection]'
    """
    technique = BY_CODE[code]
    plain, official = (
        (technique.plain_en, technique.official_en) if english else (technique.plain_zh, technique.official_zh)
    )
    if plain in official:
        return plain
    return f"{plain} [{official}]" if english else f"{plain}（{official}）"


def format_stages(stages: Iterable[str], english: bool) -> str:
    """Format the stage of all sites, or each of their stages where they differ.

    >>> format_stages(["formal", "trial"], True)
    'in formal operation or in trial operation (the sites differ)'
    """
    words = [STAGE_WORDS[stage][english] for stage in sorted(set(stages))]
    if len(words) == 1:
        return words[0]
    return f"{' or '.join(words)} (the sites differ)" if english else f"{'或'.join(words)}（各处不同）"


def format_source_note(days: Iterable[dt.date | None], english: bool) -> str:
    """Name the day of every list something rests on, so that an old list is never read as a new one.

    Empty where one of the ``days`` is None: the note would stand for more than it covers.
    """
    dated = sorted(day for day in set(days) if day is not None)
    if not dated or None in set(days):
        return ""
    words = join_words((format_date(day, english) for day in dated), english)
    if english:
        return f" ({'lists' if len(dated) > 1 else 'list'} as of {words})"
    return f"（依据截至{words}的名录）"


@lru_cache(maxsize=1024)
def format_single_technique(
    technique: TechniqueCode, stage: Stage | None, as_of: dt.date | None, english: bool
) -> tuple[str, str]:
    """Return (a technique with its stage if it has one, the note on its list) at one site."""
    name, note = format_technique(technique, english), format_source_note([as_of], english)
    if stage is None:
        return name, note
    stage_words = format_stages([stage], english)
    return f"{name}, {stage_words}" if english else f"{name}，{stage_words}", note


@lru_cache(maxsize=1024)
def make_time_words(on: dt.date, today: dt.date, english: bool) -> dict[str, str]:
    """Return the words that depend on the day asked about: nothing is said of today that was asked of another day."""
    day = format_date(on, english)
    if english:
        past = on < today
        return {
            "on": day,
            "be": "was" if past else "is",
            "are": "were" if past else "are",
            "may": "was not allowed to" if past else "may not",
            "may_they": "were not allowed to" if past else "may not",
            "when": "" if on == today else f" on {day}",
            "now": " now" if on == today else f" on {day}",
        }
    return {
        "on": day,
        "day": "" if on == today else day,
        "now": "现" if on == today else day,
        "current": "现行" if on == today else "当时",
    }
