"""The words of English names of institutions: how they are compared, and which of them many names have.

Both are in ``english_words.toml``. The search and the verification compare names by them.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

_DATA: dict[str, Any] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
#: What words weigh that many names have, 0 to 1: how much leaving one out of a name costs.
WEIGHTS: dict[str, float] = {word: weight for weight, words in _DATA["weights"] for word in words.split()}
#: Numbers of hospitals.
NUMBERS = frozenset(_DATA["numbers"].split())
_SAME: dict[str, str] = {word: meant for meant, words in _DATA["same"].items() for word in words.split()}
_POSSESSIVE = re.compile("(?<=[A-Za-z])['’]s\\b|(?<=s)['’](?![A-Za-z])")
_APOSTROPHE = re.compile("(?<=[a-z])['’](?=[a-z])")
_WORD = re.compile("[a-z0-9]+")


def strip_possessives(text: str) -> str:
    """Strip 's from the words of a text.

    >>> strip_possessives("Women's and Children's")
    'Women and Children'
    """
    return _POSSESSIVE.sub("", text)


def split_words(text: str) -> tuple[str, ...]:
    """Split a text into English words as they are compared: lower case, without 's, one spelling each.

    >>> split_words("The 1st People's Hospital of Anshan")
    ('the', 'first', 'people', 'hospital', 'of', 'anshan')
    """
    plain = _APOSTROPHE.sub("", strip_possessives(text.lower()))
    return tuple(_SAME.get(word, word) for word in _WORD.findall(plain))


def is_common(word: str) -> bool:
    """Whether many names have a word, so that it names nobody by itself: people, central, first; but not 301."""
    return word in WEIGHTS or (word in NUMBERS and word.isalpha())
