"""A language in which every text of the catalogue stands in brackets: 【…】. What stands outside was not translated.

A server speaks it where ``pseudo_site`` is on its path.
"""

from __future__ import annotations

import re
from html import unescape

from registry import texts
from registry.domain.techniques import TECHNIQUES
from registry.measures.department_table import list_departments
from registry.texts.po_file import Catalogue, Key


class Pseudo(Catalogue):
    """English in brackets."""

    def find(self, key: Key, count: object = None) -> str | None:
        """A text in brackets, but for what only parts others: commas and the like."""
        text = super().find(key, count)
        return f"【{text}】" if text and re.search("[a-z]{2}", re.sub(r"\{.*?\}", "", text)) else text


def speak_in_brackets() -> None:
    """Make it the English of this process: before the first text is read, since texts are remembered."""
    english = texts.load_catalogue("en")
    assert english is not None
    texts.load_catalogue = lambda lang: Pseudo(*english) if lang.startswith("en") else None  # type: ignore[assignment]


_TECHNIQUES = [name for t in TECHNIQUES for name in (t.official_en, t.plain_en)]
_DEPARTMENTS = [one.en for one in list_departments().values()]
#: Names of things, which are the same in every language.
NAMES = re.compile(
    "|".join(sorted(map(re.escape, _TECHNIQUES + _DEPARTMENTS), key=len, reverse=True))
    + r"|https?://\S+"
    + r"|\b[\w.-]+\.(?:example|json|csv|xlsx|docx|pdf|html|txt|cn|jws)\b"
    + r"|\b[a-z]+(?:_[a-z]+)+\b|SHA-256|JSON|API|\b(?:query|path|eight characters)\b"
)


def find_untranslated(text: str) -> list[str]:
    """The English words outside of brackets."""
    before = ""
    while before != text:
        before, text = text, re.sub("【[^【】]*】", " ", text)
    return re.findall(r"[A-Za-z]{3,}(?: [a-z]{2,})+|\b[a-z]{3,}\b", NAMES.sub(" ", text))


def read_page(html: str) -> str:
    """What a person reads of a page: without code, and without what is marked as Chinese."""
    html = re.sub(r"(?s)<(script|style|pre|code|svg|head)\b.*?</\1>", " ", html)
    html = re.sub(r'(?s)<(\w+)[^>]*(?:lang="zh-CN"|translate="no"|class="[^"]*\bcode\b[^"]*")[^>]*>.*?</\1>', " ", html)
    shown = re.findall(r'(?:alt|title|placeholder|aria-label)="([^"]*)"', html)
    return unescape(re.sub("<[^>]*>", " ", html) + " ".join(shown))
