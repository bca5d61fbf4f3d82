"""The parts that explanations are made of: days, techniques, stages, sources; zh-CN and English."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from functools import cache, lru_cache

from registry.domain.techniques import BY_CODE, LAWFUL_STAGES

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
    """2025年6月30日 / 30 June 2025."""
    return f"{day.day} {day:%B %Y}" if english else f"{day.year}年{day.month}月{day.day}日"


def join_words(words: Iterable[str], english: bool) -> str:
    """Several words as one."""
    return (", " if english else "、").join(words)


@cache
def format_technique(code: str, english: bool) -> str:
    """The everyday word with the official name after it, where that says more.

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
    """The stage, or the stages where sites that are all approved differ in it.

    >>> format_stages(["formal", "trial"], True)
    'in formal operation or in trial operation (the sites differ)'
    """
    told = [STAGE_WORDS[stage][english] for stage in sorted(set(stages))]
    if len(told) == 1:
        return told[0]
    return f"{' or '.join(told)} (the sites differ)" if english else f"{'或'.join(told)}（各处不同）"


def format_source_note(days: Iterable[dt.date | None], english: bool) -> str:
    """Names the day of every list something rests on, so that an old list is never read as a new one.

    Empty where anything rests on no list: a note would stand for more than it covers.
    """
    known = sorted(day for day in set(days) if day is not None)
    if not known or None in set(days):
        return ""
    told = join_words((format_date(day, english) for day in known), english)
    if english:
        return f" ({'lists' if len(known) > 1 else 'list'} as of {told})"
    return f"（依据截至{told}的名录）"
