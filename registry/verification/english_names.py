"""Institutions by their English names, own ones or translations: whom a name in Latin letters may mean.

The list is in Chinese and no verdict rests on an English name: it leads to candidates. Names are compared by their
words, in whatever order: The First Hospital of Jilin University is Jilin University First Hospital.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from registry.domain import english_places, english_words
from registry.domain.normalise import normalise_width
from registry.verification.names import split_bracket

_NUMBER = re.compile(r"\bno\.?\s*(?=[0-9])")
_DATA: dict[str, Any] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
_NEARLY_SAME = {word: meant for meant, words in _DATA["nearly_same"].items() for word in words.split()}
_EMPTY, _COMMON = frozenset(_DATA["empty"].split()), frozenset(_DATA["common"].split())
_SHARED = _COMMON | frozenset(_DATA["shared"].split())
#: Latin letters, with what stands between the words, at an end of a name or in brackets behind it.
_LATIN = re.compile(r"[(（\[【]?[A-Za-z][A-Za-z0-9 .,'’&()（）/-]*[A-Za-z.)）][)）\]】]?")
_LETTERS = re.compile(r"\b[^\W\d_]{3}")
_CHINESE = re.compile("[\u3400-\u9fff]")
#: So many institutions may hold what a name says for it still to mean one of them, and a word to be its own.
_FEW, _OWNERS = 5, 3
#: Letters of the shortest word that is one institution's own: Ji is a syllable of many names.
_OWN_LENGTH = 4
#: Letters of the shortest name in Latin letters beside a Chinese one: PLA and IVF are none.
_SHORTEST = 8


def split_words(text: str) -> frozenset[str]:
    """Split an English name into the words by which it is compared.

    >>> sorted(split_words("The 1st People's Hospital of Anshan"))
    ['anshan', 'first', 'hospital', 'people']
    """
    plain = _NUMBER.sub("no", normalise_width(text).lower())
    return frozenset(english_words.split_words(plain)) - _EMPTY


def is_latin(name: str) -> bool:
    """Whether a name has words in letters, and no Chinese: a number with letters is no name.

    >>> is_latin("Example Hospital"), is_latin("91210300MA0EXAM07H"), is_latin("示例IVF医院")
    (True, False, False)
    """
    return not _CHINESE.search(name) and bool(_LETTERS.search(name))


def split_latin(name: str) -> tuple[str, str] | None:
    """Split a name written in both into (the Chinese name, the one in Latin letters); None where it is not.

    >>> split_latin("示例医院（Example Hospital）"), split_latin("示例IVF医院")
    (('示例医院', 'Example Hospital'), None)
    """
    found = _LATIN.search(normalise_width(name))
    if found is None:
        return None
    latin = found[0].strip("()[]【】 ")
    before, behind = (part.strip() for part in (found.string[: found.start()], found.string[found.end() :]))
    chinese = before or behind
    is_beside = bool(_CHINESE.search(chinese)) and not (_CHINESE.search(before) and _CHINESE.search(behind))
    return (chinese, latin) if is_beside and len(latin) >= _SHORTEST else None


def list_keys(text: str) -> list[frozenset[str]]:
    """List the words of an English name, and of each half of one with a bracket; none of no name."""
    base, inner = split_bracket(text) or ("", [])
    return [split_words(part) for part in (text, base, *inner) if part]


class EnglishNames:
    """The English names of institutions by code, and by words."""

    def __init__(self) -> None:
        self._names: dict[str, dict[str, list[frozenset[str]]]] = {}
        self._by_word: dict[str, set[str]] = {}

    def add_name(self, code: str, text: str) -> None:
        """Add a name of an institution."""
        keys = self._names.setdefault(code, {})[text] = list_keys(text)
        for word in _fold_words(keys[0]):
            self._by_word.setdefault(word, set()).add(code)

    def remove_names(self, code: str) -> None:
        """Remove every name of an institution."""
        for keys in self._names.pop(code, {}).values():
            for word in _fold_words(keys[0]):
                self._by_word.get(word, set()).discard(code)

    def find_same(self, text: str) -> list[str]:
        """List the institutions that have, or had, an English name of these very words."""
        words = split_words(text)
        held = {code: self._names[code].values() for code in self._find_holding(_fold_words(words))}
        return sorted(code for code, names in held.items() if any(words in keys for keys in names))

    def find_near(self, text: str) -> list[str]:
        """List the few institutions whose English name holds all that a text says, else a word of few that it has.

        A place alone names nobody.
        """
        words = split_words(text)
        telling = {word for word in words - _SHARED if not english_words.is_common(word)}
        found = self._find_holding(_fold_words(words - _COMMON)) if telling else set()
        if not 0 < len(found) <= _FEW:
            own = [word for word in telling - _list_places() if len(word) >= _OWN_LENGTH and word.isalpha()]
            owners = [codes for word in own if 0 < len(codes := self._by_word.get(word, set())) <= _OWNERS]
            found = set().union(*owners)
        return sorted(found)

    def _find_holding(self, words: frozenset[str]) -> set[str]:
        sets = sorted((self._by_word.get(word, set()) for word in words), key=len)
        return sets[0].intersection(*sets[1:]) if sets else set()


def _fold_words(words: frozenset[str]) -> frozenset[str]:
    return frozenset(_NEARLY_SAME.get(word, word) for word in words)


@cache
def _list_places() -> frozenset[str]:
    """List the words of places in China, in lower case."""
    return frozenset(word for name in english_places.list_names() for word in split_words(name))
