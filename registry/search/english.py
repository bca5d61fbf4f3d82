"""Questions in English: their words, and how they fit the English name and the place of an institution.

A word counts as matched by the English name, by the region in English, or by how a Chinese name sounds (Changhai). The
weights of the words that many names have are in ``english.toml``, with the words around a question and the phrases that
stand for Chinese ones.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from rapidfuzz import fuzz

from registry.domain import english_places, regions
from registry.domain.model import Region
from registry.search.engine import SearchDocument
from registry.search.pinyin import to_letters
from registry.search.sound_match import spell_atoms

_DATA: dict[str, Any] = tomllib.loads(Path(__file__).with_name("english.toml").read_text("utf-8"))
_WEIGHTS: dict[str, float] = {word: weight for weight, words in _DATA["weights"] for word in words.split()}
_SAME: dict[str, str] = {word: meant for meant, words in _DATA["same"].items() for word in words.split()}
_AROUND = frozenset(_DATA["around"].split())
_MARKS, _KINDS = frozenset(_DATA["marks"].split()), frozenset(_DATA["kinds"].split())
_PHRASES: dict[str, str] = _DATA["phrases"]
_NUMBERS = frozenset(_DATA["numbers"].split())
_POSSESSIVE = re.compile("(?<=[A-Za-z])['’]s\\b|(?<=s)['’](?![A-Za-z])")
_WORD = re.compile("[a-z0-9]+")
_SCALE: dict[str, float] = _DATA["scale"]
_OWN, _MAY_MISS = _SCALE["own"], _SCALE["may_miss"]
#: Letters of the shortest word that may have a slip.
_LONG = 5


def split_words(text: str) -> tuple[str, ...]:
    """Split a text into English words as they are compared: lower case, without 's, one spelling each.

    >>> split_words("The 1st People's Hospital of Anshan")
    ('the', 'first', 'people', 'hospital', 'of', 'anshan')
    """
    plain = _POSSESSIVE.sub("", text.lower())
    return tuple(_SAME.get(word, word) for word in _WORD.findall(re.sub("(?<=[a-z])['’](?=[a-z])", "", plain)))


def replace_phrases(text: str) -> str:
    """Replace English phrases for techniques and places by the Chinese words (sperm bank, Inner Mongolia); drop 's."""
    plain = _POSSESSIVE.sub("", text)
    return _get_phrase_pattern().sub(lambda found: f" {_list_phrases()[found[0].lower()]} ", plain)


@cache
def _list_phrases() -> dict[str, str]:
    """The phrases, and the names of provinces and cities that are not what pinyin makes of them."""
    phrases = dict(_PHRASES)
    provinces = regions.list_children(None)
    for code, name in [*provinces, *(city for province, _ in provinces for city in regions.list_children(province))]:
        english = english_places.find_english_name(code)
        if english and english.lower() not in {to_letters(form) for form in regions.list_region_names(code, name)}:
            phrases.setdefault(english.lower(), name)
    return phrases


@cache
def _get_phrase_pattern() -> re.Pattern[str]:
    phrases = sorted(_list_phrases(), key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, phrases))})\b", re.IGNORECASE)


def is_around(word: str) -> bool:
    """Whether a word only stands around what is looked for, where nothing is a name: best, where, hospital."""
    return word in _AROUND or word in _KINDS


def read_words(text: str) -> tuple[str, ...]:
    """Read the words of a question in English that may name an institution; empty when it is not in English."""
    if not text.isascii():
        return ()
    found = split_words(text)
    return tuple(word for word in found if word not in _AROUND) if _MARKS.intersection(found) else ()


def compute_word_weight(word: str) -> float:
    """How much a word tells one institution from another, 0 to 1."""
    if word in _NUMBERS:
        return _SCALE["number"]
    return _WEIGHTS.get(word, _SCALE["place"] if word in _list_place_words() else _OWN)


def list_indexed(words: Iterable[str]) -> list[str]:
    """List the words by which a name is looked up: all but those that nearly every name has."""
    return [word for word in words if compute_word_weight(word) > _MAY_MISS]


def select_wanted(words: Iterable[str]) -> tuple[list[str], bool]:
    """Select the words by which a question is looked up, and whether a name must have them all.

    Any of those of somebody's own; without one, all that are common; else any place.
    """
    indexed = list_indexed(words)
    own = [word for word in indexed if compute_word_weight(word) >= _OWN]
    common = [word for word in indexed if word in _WEIGHTS]
    return (own, False) if own else (common, True) if common else (indexed, False)


def is_formal(words: Iterable[str]) -> bool:
    """Whether the words are a whole name: a hospital, a clinic, a center."""
    return not _KINDS.isdisjoint(words)


@cache
def _list_place_words() -> frozenset[str]:
    provinces = regions.list_children(None)
    codes = [code for province, _ in provinces for code, _ in [(province, ""), *regions.list_children(province)]]
    return frozenset(word for code in codes for word in split_words(english_places.find_english_name(code) or ""))


@lru_cache(maxsize=65536)
def _list_region_words(code: str) -> frozenset[str]:
    region: Region | None = regions.find_region(code) if code else None
    names = english_places.list_english_names(region) if region else ()
    return frozenset(word for name in names for word in split_words(name))


def compute_cost(words: tuple[str, ...], document: SearchDocument) -> tuple[float, bool] | None:
    """Compute (how much of a name was left out, whether the rest names it) for the words of a question.

    None when a word that tells is found nowhere.
    """
    name = split_words(document.english)
    around = _list_region_words(document.region)
    missing, matched, own = 0.0, set(), False
    for word in words:
        weight = compute_word_weight(word)
        if (found := _find_word(word, name)) is not None:
            matched.add(found)
        elif word not in around and not (weight >= _OWN and _has_sound(word, document)):
            if weight > _MAY_MISS:
                return None
            missing += weight
            continue
        own = own or (weight >= _OWN and word not in around)
    left = [compute_word_weight(word) for word in dict.fromkeys(name) if word not in matched and word not in around]
    total = missing + sum(left)
    tells = own or (max(left, default=0.0) < _SCALE["tells"] and len(matched) > 1)
    return total, tells and bool(words)


def _find_word(word: str, name: tuple[str, ...]) -> str | None:
    if word in name:
        return word
    if len(word) < _LONG or word in _WEIGHTS:
        return None
    best = max(name, key=lambda other: fuzz.ratio(word, other), default="")
    return best if best not in _WEIGHTS and fuzz.ratio(word, best) >= _SCALE["alike"] else None


def _has_sound(word: str, document: SearchDocument) -> bool:
    """Whether a Chinese name of the institution holds what sounds like a word of four letters or more."""
    return len(word) > 3 and word.isalpha() and any(word in spell_atoms(form.atoms) for form in document.forms)
