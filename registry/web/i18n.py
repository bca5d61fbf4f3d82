"""The language of a page: words, dates, codes and links in one language and one text size."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode

from markupsafe import Markup, escape

from registry import texts
from registry.domain import english_places, techniques
from registry.domain.identifiers import compact_code, format_code
from registry.domain.model import Region
from registry.domain.regions import find_region
from registry.texts import FixedText, Message
from registry.verification.phrases import format_date

Lang = Literal["zh-CN", "en"]
Size = Literal["normal", "large"]

#: A fixed offset: pages show the time of today's China, which has no daylight saving time.
SHANGHAI = dt.timezone(dt.timedelta(hours=8))

_TICKS = re.compile("`([^`]+)`")
_CHINESE = re.compile("[\u4e00-\u9fff]")
_COUNTED = re.compile(r"(\d+) (formal|trial)")
_STAGES = {"formal": Message("正式运行", context="counted"), "trial": Message("试运行", context="counted")}


def read_preferences(query: Mapping[str, Any]) -> tuple[Lang, Size]:
    """Read language and text size from an address; zh-CN and normal by default."""
    lang: Lang = "en" if str(query.get("lang", "")).lower().startswith("en") else "zh-CN"
    size: Size = "large" if query.get("size") == "large" else "normal"
    return lang, size


class Language:
    """Words, dates and links in one language and size. Every method returns text that is safe to put into a page."""

    def __init__(self, lang: Lang = "zh-CN", size: Size = "normal") -> None:
        self.lang: Lang = lang
        self.size: Size = size
        self.english = lang == "en"

    def translate(self, key: str, **values: object) -> Markup:
        """Return the string of ``key`` with its ``{names}`` filled in; KeyError when the catalogue has no such key."""
        text = texts.find_text(key, self.lang, values.get("count"))
        return Markup(escape(text)).format(**values)  # noqa: S704  our own catalogue, escaped first

    def format_message(self, message: Message) -> Markup:
        """Format a sentence of the register; Chinese among what fills it in is marked as such on an English page."""
        values = {name: self._format_value(value) for name, value in message.values.items()}
        if not values:
            return escape(message.to_text(self.lang))
        return Markup(escape(message.translate(self.lang))).format(**values)  # noqa: S704  our own catalogue, escaped

    def _format_value(self, value: object) -> object:
        text = value.to_text(self.lang) if isinstance(value, Message) else value
        return self.mark_chinese(text) if isinstance(text, str) else text

    def mark_chinese(self, text: str) -> Markup:
        """Mark Chinese of the register (a name, an address) as such on an English page."""
        is_marked = self.english and _CHINESE.search(text)
        return Markup('<span lang="zh-CN">{}</span>').format(text) if is_marked else escape(text)

    def format_prose(self, text: str) -> Markup:
        """Format text of a document: `x` as code; the page's half of 中文 / English; other languages marked as such."""
        chinese, both, english = text.partition(" / ")
        if both and _CHINESE.search(chinese):
            text = FixedText(chinese, english).to_text(self.lang)
        safe = _TICKS.sub(r"<code>\1</code>", str(escape(text)))
        lang = "zh-CN" if _CHINESE.search(text) else "en"
        return Markup(safe if lang == self.lang else f'<span lang="{lang}">{safe}</span>')  # noqa: S704  escaped above

    def format_remark(self, text: str) -> Markup:
        """Format a source's remark on stages: counts (3 formal + 1 trial) in words, anything else as it stands."""
        counts = _COUNTED.findall(text)
        if not counts or _COUNTED.sub("", text).strip(" +"):
            return self.mark_chinese(text)
        words = (
            Message("{number}项{stage}", number=number, stage=_STAGES[stage]).to_text(self.lang)
            for number, stage in counts
        )
        return self.translate("stage.counted", counts=self.format_list(words))

    def format_names(self, names: Iterable[str]) -> Markup:
        """Format several names of the register as running text."""
        return self.format_list(self.mark_chinese(name) for name in names)

    def format_day(self, day: dt.date) -> Markup:
        """Format a day: 2025年6月30日, or 30 June 2025."""
        return Markup('<time datetime="{}">{}</time>').format(day.isoformat(), format_date(day, self.lang))

    def format_instant(self, at: dt.datetime) -> Markup:
        """Format an instant as the clock in Shanghai shows it: 2025年6月30日 14:05（北京时间）."""
        local = at.astimezone(SHANGHAI)
        day = format_date(local.date(), self.lang)
        text = Message("{day} {time:%H:%M}（北京时间）", day=day, time=local).to_text(self.lang)
        return Markup('<time datetime="{}">{}</time>').format(local.isoformat(timespec="seconds"), text)

    def format_public_code(self, code: str) -> Markup:
        """Format a public code as it is printed, XXXX-XXXX, in monospace."""
        return Markup('<span class="code" translate="no">{}</span>').format(format_code(compact_code(code)))

    def format_monospace(self, text: str) -> Markup:
        """Format a hash, a key or a name for programs: monospace, not translated, broken where the line ends."""
        return Markup('<span class="code long" translate="no">{}</span>').format(text)

    def get_plain_word(self, technique: str) -> str:
        """Return the everyday word of a technique code; the code itself when it is unknown."""
        row = techniques.BY_CODE.get(technique)
        return technique if row is None else row.get_plain_word(self.lang)

    def get_official_name(self, technique: str) -> str:
        """Return the official name of a technique code; the code itself when it is unknown."""
        row = techniques.BY_CODE.get(technique)
        return technique if row is None else row.get_official_name(self.lang)

    def format_technique(self, technique: str) -> Markup:
        """Format 试管婴儿（体外受精-胚胎移植）; one name where the everyday word is part of the official one."""
        plain, official = self.get_plain_word(technique), self.get_official_name(technique)
        return escape(plain) if plain in official else self.translate("site.beside", plain=plain, official=official)

    def format_list(self, items: Iterable[object]) -> Markup:
        """Format several things as running text: 甲、乙、丙."""
        return self.translate("site.listing").join(escape(item) for item in items)

    def format_techniques(self, codes: Iterable[str]) -> Markup:
        """Format techniques as running text: a single one with its official name, several by their everyday words."""
        codes = list(codes)
        if len(codes) == 1:
            return self.format_technique(codes[0])
        return self.format_list(map(self.get_plain_word, codes))

    def format_region(self, region: Region) -> Markup:
        """Format province, city and district, each name once (北京市 is both province and city).

        In English the narrowest comes first: Tiexi District, Anshan, Liaoning.
        """
        if self.english and (names := english_places.list_english_names(region)):
            return escape(", ".join(names))
        levels = dict.fromkeys(filter(None, (region.province, region.city, region.district)))
        return self.mark_chinese("".join(levels)) if levels else self.translate("card.region_unknown")

    def format_place(self, code: str | None, name: str) -> Markup:
        """Format one division by its name in the language: the English one by its code."""
        english = english_places.find_english_name(code or "") if self.english else None
        return self.mark_chinese(name) if english is None else escape(english)

    def get_place_name(self, code: str) -> str:
        """Return the name of a division in the language as plain text, for attributes; its code when it has none.

        >>> Language("en").get_place_name("210000"), Language().get_place_name("210303")
        ('Liaoning', '铁西区')
        """
        region = find_region(code)
        chinese = next(filter(None, (region.district, region.city, region.province)), code) if region else code
        return (english_places.find_english_name(code) if self.english else None) or chinese

    def list_page_parameters(self) -> list[tuple[str, str]]:
        """Return the parameters that every link and form keeps: language and size, when not the default."""
        lang = [("lang", "en")] if self.english else []
        return lang + ([("size", "large")] if self.size == "large" else [])

    def make_link(self, path: str, **query: object) -> str:
        """Return an address on this site with its query, keeping language and size. Empty values are left out.

        >>> Language("en").make_link("/search?q=a", region="210000", stage=None, technique=["IVF", "PGT"])
        '/search?q=a&region=210000&technique=IVF&technique=PGT&lang=en'
        """
        bare_path, _, query_text = path.partition("?")
        pairs: list[tuple[str, str]] = parse_qsl(query_text)
        for name, value in query.items():
            values = value if isinstance(value, list | tuple) else [value]
            pairs += [(name, str(item)) for item in values if item not in (None, "")]
        pairs += self.list_page_parameters()
        return f"{bare_path}?{urlencode(pairs)}" if pairs else bare_path

    def switch_to(self, *, lang: Lang | None = None, size: Size | None = None) -> Language:
        """Return the language of the same page after a switch of language or size."""
        return Language(lang or self.lang, size or self.size)
