"""The register's sentences: written in Chinese, translated by the catalogues beside this file.

A sentence is a ``Message``: its Chinese text, with {names} for what is filled in, is also the id under which a
language's PO file holds its translation. The texts of pages have a key each; ``zh_CN.po`` holds their Chinese. Whoever
shows a sentence asks for it in a language: ``message.to_text("en")``, ``find_text("site.large", "en")``. A further
language is one further PO file; what it does not hold is shown in Chinese. See docs/translation.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from .po_file import Catalogue, read_catalogue

FOLDER = Path(__file__).parent
SOURCE = "zh-CN"


@lru_cache(maxsize=64)  # a tag may be anybody's
def load_catalogue(lang: str) -> Catalogue | None:
    """The catalogue of a language tag such as en or en-GB; None for Chinese and for one without a PO file."""
    if lang.lower().startswith("zh"):
        return None
    names = (lang.replace("-", "_"), lang.partition("-")[0].lower())
    found = [path for name in names if name.isidentifier() and (path := FOLDER / f"{name}.po").exists()]
    return read_catalogue(found[0]) if found else None


@cache
def load_page_texts() -> Catalogue:
    """The Chinese of the texts that pages name by a key."""
    return read_catalogue(FOLDER / "zh_CN.po")


def load_catalogues() -> None:
    """Read every catalogue now: a server has to find words also when it can open no more files."""
    load_page_texts()
    for path in FOLDER.glob("*.po"):
        load_catalogue(path.stem)


def has_text(key: str) -> bool:
    """Whether pages have a text of this key."""
    return ("", key) in load_page_texts().texts


def find_text(key: str, lang: str = SOURCE, count: object = None) -> str:
    """The text that pages name ``key``, its {names} not filled in; KeyError when there is none.

    ``count``: how many it speaks of, for languages that write one thing differently from several.
    """
    chinese = load_page_texts().texts["", key][0]
    catalogue = load_catalogue(lang)
    return (catalogue and catalogue.find((key, chinese), count)) or chinese


class Message:
    """A sentence, or a piece of one, that is put into words when the language is known.

    ``values`` fill in the {names}; a message among them is put into the same language. A value called ``count``
    chooses the plural. Without values nothing is filled in, so braces stand for themselves. ``context`` tells two
    meanings of one Chinese text apart.

    >>> Message("编码“{code}”有误。", code="7K2M").to_text("zh-CN")
    '编码“7K2M”有误。'
    """

    __slots__ = ("context", "id", "values")

    def __init__(self, text: str, /, *, context: str = "", **values: Any) -> None:
        self.id = text
        self.context = context
        self.values = values

    def translate(self, lang: str = SOURCE) -> str:
        """The sentence in a language, its {names} not filled in."""
        catalogue = load_catalogue(lang)
        if catalogue is None:
            return self.id
        return catalogue.find((self.context, self.id), self.values.get("count")) or self.id

    def to_text(self, lang: str = SOURCE) -> str:
        """The sentence in a language; Chinese where it is not translated."""
        text = self.translate(lang)
        if not (values := self.values):
            return text
        return text.format_map(
            {name: value.to_text(lang) if isinstance(value, Message) else value for name, value in values.items()}
        )

    def fill_in(self, **values: Any) -> Message:
        """The same message with values."""
        return type(self)(self.id, context=self.context, **values)

    def get_both(self) -> tuple[str, str]:
        """(Chinese, English), as files and processes keep a sentence that is read later."""
        return self.to_text(SOURCE), self.to_text("en")

    def to_bilingual(self) -> str:
        """中文 / English, for those that cannot choose a language: the shell, the API's description."""
        return " / ".join(self.get_both())

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        return f"Message({self.to_text()!r})"


class PluralMessage(Message):
    """A message that speaks of ``count`` things; a language may write one of them differently from several."""

    __slots__ = ()


class Listing(Message):
    """Several things one after the other, parted as the language parts them."""

    __slots__ = ("items",)

    def __init__(self, items: Iterable[Any], between: Message | None = None) -> None:
        super().__init__(between.id if between else LISTED.id, context=between.context if between else LISTED.context)
        self.items = list(items)

    def to_text(self, lang: str = SOURCE) -> str:
        """The things in a language."""
        between = self.translate(lang)
        return between.join(item.to_text(lang) if isinstance(item, Message) else str(item) for item in self.items)


class PageText(Message):
    """The text that pages name by a key, as a message among others."""

    __slots__ = ()

    def translate(self, lang: str = SOURCE) -> str:
        """The text in a language."""
        return find_text(self.id, lang, self.values.get("count"))


class FixedText(Message):
    """What was put into words before, and kept in Chinese and in English; or what is the same in every language."""

    __slots__ = ("english",)

    def __init__(self, chinese: str, english: str | None = None) -> None:
        super().__init__(chinese)
        self.english = chinese if english is None else english

    def to_text(self, lang: str = SOURCE) -> str:
        """The sentence as it was kept: English for English, Chinese for all else."""
        return self.english if lang.lower().startswith("en") else self.id


LISTED = Message("、")


def write_bilingual(text: str, /, *, context: str = "", **values: Any) -> str:
    """``Message.to_bilingual`` of a message that is written here."""
    return Message(text, context=context, **values).to_bilingual()
