"""How a page speaks: one language and one text size, with the words, dates, codes and links that follow from them."""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode

from markupsafe import Markup, escape

from registry.domain import techniques
from registry.domain.identifiers import compact_code, format_code

Lang = Literal["zh-CN", "en"]
Size = Literal["normal", "large"]

#: China keeps one time all year, so the zone needs no table of the machine's.
SHANGHAI = dt.timezone(dt.timedelta(hours=8))

_TICKS = re.compile("`([^`]+)`")
_CHINESE = re.compile("[\u4e00-\u9fff]")


WORDS = Path(__file__).with_name("words.toml")


@cache
def load_catalogue(file: Path = WORDS) -> dict[str, dict[str, str]]:
    """A catalogue flattened: ``verdict.licensed.judge_day`` -> ``{"zh": ..., "en": ...}``."""
    flat: dict[str, dict[str, str]] = {}

    def walk(prefix: str, node: dict[str, Any]) -> None:
        if isinstance(node.get("zh"), str):
            flat[prefix] = node
            return
        for name, child in node.items():
            walk(f"{prefix}.{name}" if prefix else name, child)

    walk("", tomllib.loads(file.read_text("utf-8")))
    return flat


def read_preferences(query: Mapping[str, Any]) -> tuple[Lang, Size]:
    """Language and size as the address asks for them; zh-CN and normal unless it says otherwise."""
    lang: Lang = "en" if str(query.get("lang", "")).lower().startswith("en") else "zh-CN"
    size: Size = "large" if query.get("size") == "large" else "normal"
    return lang, size


_COUNTED = re.compile(r"(\d+) (formal|trial)")
_STAGES_ZH = {"formal": "正式运行", "trial": "试运行"}


class Language:
    """Words, dates and links in one language and size. Every method gives text that is safe to put into a page."""

    def __init__(self, lang: Lang = "zh-CN", size: Size = "normal") -> None:
        self.lang: Lang = lang
        self.size: Size = size
        self.english = lang == "en"

    def get_catalogue(self) -> dict[str, dict[str, str]]:
        """The words this language has."""
        return load_catalogue()

    def translate(self, key: str, **values: object) -> Markup:
        """The string of ``key`` with its ``{names}`` filled in; KeyError when the catalogue has no such key."""
        entry = self.get_catalogue()[key]
        text = entry["en" if self.english else "zh"]
        if self.english and values.get("count") == 1:
            text = entry.get("en_one", text)
        return Markup(escape(text)).format(**values)  # noqa: S704  our own catalogue, escaped first

    def mark_chinese(self, text: str) -> Markup:
        """Chinese of the register (a name, an address), marked as Chinese on an English page."""
        return Markup('<span lang="zh-CN">{}</span>').format(text) if self.english else escape(text)

    def format_prose(self, text: str) -> Markup:
        """Text of a document, marked when its language is not the page's; `x` as code.

        Of a text in both languages (中文 / English) the page's half.
        """
        chinese, both, english = text.partition(" / ")
        if both and _CHINESE.search(chinese):
            text = english if self.english else chinese
        safe = _TICKS.sub(r"<code>\1</code>", str(escape(text)))
        lang = "zh-CN" if _CHINESE.search(text) else "en"
        return Markup(safe if lang == self.lang else f'<span lang="{lang}">{safe}</span>')  # noqa: S704  escaped above

    def format_remark(self, text: str) -> Markup:
        """A source's remark on stages: the counts it prints (3 formal + 1 trial) in words, anything else as data."""
        counts = _COUNTED.findall(text)
        if not counts or _COUNTED.sub("", text).strip(" +"):
            return self.mark_chinese(text)
        words = (f"{number} {stage}" if self.english else f"{number}项{_STAGES_ZH[stage]}" for number, stage in counts)
        return self.translate("stage.counted", counts=self.format_list(words))

    def format_names(self, names: Iterable[str]) -> Markup:
        """Several names of the register as running text."""
        return self.format_list(self.mark_chinese(name) for name in names)

    def format_day(self, day: dt.date) -> Markup:
        """2025年6月30日, or 30 June 2025."""
        text = f"{day.day} {day:%B} {day.year}" if self.english else f"{day.year}年{day.month}月{day.day}日"
        return Markup('<time datetime="{}">{}</time>').format(day.isoformat(), text)

    def format_instant(self, at: dt.datetime) -> Markup:
        """An instant as the clock in Shanghai shows it: 2025年6月30日 14:05（北京时间）."""
        here = at.astimezone(SHANGHAI)
        text = f"{here.day} {here:%B} {here.year}, {here:%H:%M} (Beijing time)"
        if not self.english:
            text = f"{here.year}年{here.month}月{here.day}日 {here:%H:%M}（北京时间）"
        return Markup('<time datetime="{}">{}</time>').format(here.isoformat(timespec="seconds"), text)

    def format_public_code(self, code: str) -> Markup:
        """A public code as it is printed, XXXX-XXXX, in monospace."""
        return Markup('<span class="code" translate="no">{}</span>').format(format_code(compact_code(code)))

    def format_monospace(self, text: str) -> Markup:
        """A hash, a key or a name for programs: monospace, left alone by translators, broken where the line ends."""
        return Markup('<span class="code long" translate="no">{}</span>').format(text)

    def get_plain_word(self, technique: str) -> str:
        """The everyday word of a technique; the code itself when the table does not have it."""
        found = techniques.BY_CODE.get(technique)
        return technique if found is None else found.plain_en if self.english else found.plain_zh

    def get_official_name(self, technique: str) -> str:
        """The official name of a technique."""
        found = techniques.BY_CODE.get(technique)
        return technique if found is None else found.official_en if self.english else found.official_zh

    def format_technique(self, technique: str) -> Markup:
        """试管婴儿（体外受精-胚胎移植）; once only where the everyday word is part of the official name."""
        plain, official = self.get_plain_word(technique), self.get_official_name(technique)
        return escape(plain) if plain in official else self.translate("site.beside", plain=plain, official=official)

    def format_list(self, items: Iterable[object]) -> Markup:
        """Several things as running text: 甲、乙、丙."""
        return self.translate("site.listing").join(escape(item) for item in items)

    def format_techniques(self, codes: Iterable[str]) -> Markup:
        """Techniques as running text: with the official name when it is one, everyday words when they are many."""
        given = list(codes)
        return (
            self.format_technique(given[0])
            if len(given) == 1
            else self.format_list(self.get_plain_word(code) for code in given)
        )

    def format_region(self, *levels: str | None) -> Markup:
        """Province, city and district in order, each said once (北京市 is both province and city)."""
        seen: list[str] = []
        for level in levels:
            if level and level not in seen:
                seen.append(level)
        return self.mark_chinese("".join(seen)) if seen else self.translate("card.region_unknown")

    def list_page_parameters(self) -> list[tuple[str, str]]:
        """The parameters every link and form of this page carries on: language and size, when not the default."""
        lang = [("lang", "en")] if self.english else []
        return lang + ([("size", "large")] if self.size == "large" else [])

    def make_link(self, path: str, **query: object) -> str:
        """An address on this site with its query, keeping language and size. Empty values are left out.

        >>> Language("en").make_link("/search?q=a", region="210000", stage=None, technique=["IVF", "PGT"])
        '/search?q=a&region=210000&technique=IVF&technique=PGT&lang=en'
        """
        bare, _, given = path.partition("?")
        pairs: list[tuple[str, str]] = parse_qsl(given)
        for name, value in query.items():
            values = value if isinstance(value, list | tuple) else [value]
            pairs += [(name, str(one)) for one in values if one not in (None, "")]
        pairs += self.list_page_parameters()
        return f"{bare}?{urlencode(pairs)}" if pairs else bare

    def switch_to(self, *, lang: Lang | None = None, size: Size | None = None) -> Language:
        """The language of the same page after one of the switches."""
        return Language(lang or self.lang, size or self.size)
