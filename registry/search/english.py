"""Questions in English: their words, and how they fit the names and the place of an institution.

A word counts as matched by the English name, by the region in English, by how a Chinese name sounds (Changhai), or by
the Chinese word it stands for: whoever translates 妇幼保健院 may write maternal or maternity. A place is no slip for
another, and a hospital of a district is not that of its city. The words around a question and the phrases that stand
for Chinese ones are in ``english.toml``.
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
from registry.domain.english_words import NUMBERS, WEIGHTS, split_words, strip_possessives
from registry.domain.model import Region, Struct
from registry.domain.name_words import list_common_words, split_name
from registry.domain.normalise import fold_text
from registry.search.engine import NameForm, SearchDocument
from registry.search.pinyin import to_letters
from registry.search.sound_match import find_characters
from registry.search.vocabulary import WORDS

_DATA: dict[str, Any] = tomllib.loads(Path(__file__).with_name("english.toml").read_text("utf-8"))
_AROUND = frozenset(_DATA["around"].split())
_MARKS, _KINDS = frozenset(_DATA["marks"].split()), frozenset(_DATA["kinds"].split())
_PHRASES: dict[str, str] = _DATA["phrases"]
_ENGLISH: dict[str, str] = _DATA["english"]
#: What common words are in Chinese names, folded; and what they may be in a question that speaks of mothers.
_CHINESE, _BESIDE_MOTHERS = (
    {word: tuple(meant.split()) for word, meant in _DATA[table].items()} for table in ("chinese", "beside_mothers")
)
_MOTHERS = frozenset(_DATA["mothers"].split())
_DEPARTMENT, _NAMED_CHINA = frozenset(_DATA["department"].split()), frozenset(_DATA["named_china"].split())
_SPEECH, _JOINS = frozenset(_DATA["speech"].split()), frozenset(_DATA["joins"].split())
_QUARTERS = frozenset(_DATA["quarters"].split())
_LETTER = re.compile("[A-Za-z]")
_TOKEN = re.compile(r"[A-Za-z0-9][\w'’-]*|[^\w\s]")
_SCALE: dict[str, float] = _DATA["scale"]
_OWN, _MAY_MISS = _SCALE["own"], _SCALE["may_miss"]
#: Letters of the shortest word that may have a slip.
_LONG = 5


def replace_phrases(text: str) -> str:
    """Replace English phrases for techniques and places by the Chinese words (sperm bank, Inner Mongolia); drop 's."""
    if not _LETTER.search(text):  # as most questions
        return text
    phrases = _list_phrases()
    return _make_pattern(tuple(phrases)).sub(lambda found: f" {phrases[found[0].lower()]} ", strip_possessives(text))


@cache
def _list_phrases() -> dict[str, str]:
    """List the phrases, and the names of provinces and cities that are not what pinyin makes of them."""
    phrases: dict[str, str] = {**_PHRASES, **_DATA["places"]}
    provinces = regions.list_children(None)
    for code, name in [*provinces, *(city for province, _ in provinces for city in regions.list_children(province))]:
        english = english_places.find_english_name(code)
        if english and english.lower() not in {to_letters(form) for form in regions.list_region_names(code, name)}:
            phrases.setdefault(english.lower(), name)
    return phrases


@cache
def _make_pattern(phrases: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(phrases, key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, longest_first))})\b", re.IGNORECASE)


def is_around(word: str) -> bool:
    """Whether a word only stands around what is looked for, where nothing is a name: best, where, hospital."""
    return word in _AROUND or word in _KINDS


def read_words(text: str) -> list[tuple[str, ...]]:
    """Read the words of a question in English that may name an institution, with a department and without.

    None when it is not in English; techniques and words around the question are left out.
    """
    if not text.isascii() or any(WORDS[_PHRASES[phrase.lower()]][0] == "category" for phrase in _find_phrases(text)):
        return []
    found = split_words(_make_pattern((*_PHRASES, *_ENGLISH)).sub(lambda one: _ENGLISH.get(one[0].lower(), ""), text))
    if not _MARKS.intersection(found):
        return _read_bare_words(found)
    words = tuple(
        word
        for before, word, following in zip(("", *found), found, (*found[1:], ""), strict=False)
        if (word not in _AROUND or _is_named_china(before, word, following)) and word not in WORDS
    )
    without = tuple(word for word in words if word not in _DEPARTMENT)
    return list(dict.fromkeys(each for each in (words, without) if each))


def _is_named_china(before: str, word: str, following: str) -> bool:
    """Whether China is a part of a name: China Medical University, West China."""
    return word == "china" and (following in _NAMED_CHINA or before in _QUARTERS)


def is_english(text: str) -> bool:
    """Whether a text has words that only English has: what else is in letters may as well be pinyin."""
    return text.isascii() and not _MARKS.isdisjoint(split_words(text))


def is_sentence(text: str) -> bool:
    """Whether a text has words that a name has not: I had my cycle at Shanghai Jiahui International Hospital."""
    return not _SPEECH.isdisjoint(split_words(text))


def split_names(text: str) -> list[str]:
    """Split a text into what may be names: between marks and words around names, and behind words for a hospital.

    Where words are capitalised, those that are not end a name.
    """
    has_capitals = text.lower() != text and text.upper() != text
    runs: list[list[str]] = [[]]
    for token in _TOKEN.findall(text):
        word = token.lower()
        is_name = token[0].isalnum() and (word in _JOINS or word in _KINDS or not _is_between(token, has_capitals))
        if not is_name or (runs[-1] and runs[-1][-1].lower() in _KINDS and word not in _JOINS):
            runs.append([])
        if is_name and (runs[-1] or word not in _JOINS):
            runs[-1].append(token)
    names = (" ".join(run) for run in map(_strip_joins, runs) if len(run) > 1)
    return [name for name in names if not _MARKS.difference(_JOINS).isdisjoint(split_words(name))]


def _is_between(token: str, has_capitals: bool) -> bool:
    word = token.lower()
    return (word in _AROUND and word != "china") or (has_capitals and token[0].islower())


def _strip_joins(run: list[str]) -> list[str]:
    while run and run[-1].lower() in _JOINS:
        run = run[:-1]
    return run


def _find_phrases(text: str) -> list[str]:
    return _make_pattern(tuple(_PHRASES)).findall(text)


def _read_bare_words(found: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Read a place and a word of somebody's own, in any order and in pinyin or not: tongji wuhan, CITIC Xiangya."""
    words = tuple(word for word in map(_strip_common_sounds, found) if word and word not in WORDS)
    is_own = [word not in _list_places() for word in words]
    return [words] if len(words) > 1 and any(is_own) and all(len(word) > 3 for word in words) else []


def _strip_common_sounds(word: str) -> str:
    """Remove what common words of names sound like from the end of a word: renjiyiyuan is renji."""
    for sound in _list_common_sounds():
        if word.endswith(sound):
            return _strip_common_sounds(word.removesuffix(sound))
    return word


@cache
def _list_common_sounds() -> tuple[str, ...]:
    """List how common words of names sound, the longest first."""
    return tuple(sorted({to_letters(word) for word in list_common_words() if len(word) > 1}, key=len, reverse=True))


def compute_word_weight(word: str) -> float:
    """How much a word tells one institution from another, 0 to 1."""
    if word in NUMBERS:
        return _SCALE["number"]
    return WEIGHTS.get(word, _SCALE["place"] if word in _list_places() else _OWN)


def list_indexed(words: Iterable[str]) -> list[str]:
    """List the words by which a name is looked up: all but those that nearly every name has."""
    return [word for word in words if compute_word_weight(word) > _MAY_MISS]


def select_wanted(words: Iterable[str]) -> tuple[list[str], bool]:
    """Select the words by which a question is looked up, and whether a name must have them all.

    Any of those of somebody's own; without one, all that are common; else any place.
    """
    indexed = list_indexed(words)
    own = [word for word in indexed if compute_word_weight(word) >= _OWN]
    common = [word for word in indexed if word in WEIGHTS]
    return (own, False) if own else (common, True) if common else (indexed, False)


def is_formal(words: Iterable[str]) -> bool:
    """Whether the words are a whole name: a hospital, a clinic, a center."""
    return not _KINDS.isdisjoint(words)


class _PlaceNames(Struct, frozen=True):
    """A province or city, and its Chinese names, the longest first, folded."""

    code: str
    names: tuple[str, ...]


@cache
def _list_places() -> dict[str, tuple[_PlaceNames, ...]]:
    """List provinces and cities by the words of their English names."""
    provinces = regions.list_children(None)
    rows = [row for code, name in provinces for row in [(code, name), *regions.list_children(code)]]
    named: dict[str, tuple[_PlaceNames, ...]] = {}
    for code, name in rows:
        forms = sorted(map(fold_text, regions.list_region_names(code, name)), key=len, reverse=True)
        for word in split_words(english_places.find_english_name(code) or ""):
            if word not in WEIGHTS:
                named[word] = (*named.get(word, ()), _PlaceNames(code, tuple(forms)))
    return named


def find_places(words: Iterable[str]) -> list[str]:
    """Find the codes of the provinces and cities that are named among words."""
    return [place.code for word in words for place in _list_places().get(word, ())]


def list_chinese(word: str, words: Iterable[str]) -> tuple[str, ...]:
    """List what a common word of a question may be in a Chinese name, folded."""
    return (*_CHINESE.get(word, ()), *(() if _MOTHERS.isdisjoint(words) else _BESIDE_MOTHERS.get(word, ())))


@lru_cache(maxsize=65536)
def _list_region_words(code: str) -> tuple[frozenset[str], ...]:
    """List the words that name a region and those it lies in, the narrowest first."""
    region: Region | None = regions.find_region(code) if code else None
    names = english_places.list_english_names(region) if region else ()
    return tuple(frozenset(split_words(name)).difference(WEIGHTS) for name in names)


def compute_cost(words: tuple[str, ...], document: SearchDocument) -> tuple[float, bool] | None:
    """Compute (how much of a name was left out, whether the rest names it) for the words of a question.

    None when a word that tells is found nowhere.
    """
    levels = _list_region_words(document.region)
    fits = [
        _fit_english(words, document, levels),
        *(_fit_chinese(words, form, document.region) for form in document.forms),
    ]
    found = [fit for fit in fits if fit is not None]
    return min(found, key=lambda fit: (not fit[1], fit[0])) if found else None


def _fit_english(
    words: tuple[str, ...], document: SearchDocument, levels: tuple[frozenset[str], ...]
) -> tuple[float, bool] | None:
    """Fit a question to the English name, a word of somebody's own also to how a Chinese name sounds."""
    name = split_words(document.english)
    around = frozenset[str]().union(*levels)
    missing, matched = 0.0, set()
    for word in words:
        weight = compute_word_weight(word)
        if (found := _find_word(word, name)) is not None:
            matched.add(found)
        elif word not in around:
            is_heard = weight >= _OWN and any(_is_sound_alone(word, form) for form in document.forms)
            if weight > _MAY_MISS and not is_heard:
                return None
            missing += _SCALE["by_sound"] if is_heard else weight
    rest = [word for word in dict.fromkeys(name) if word not in matched]
    left = [compute_word_weight(word) for word in rest if word not in around]
    is_there = not _list_narrower_words(words, levels).intersection(rest) and (
        around.isdisjoint(words) or around.isdisjoint(name) or not around.intersection(name).isdisjoint(words)
    )
    is_all = max(left, default=0.0) < _SCALE["tells"] and is_there and len(matched) > 1
    own_words = [word for word in words if compute_word_weight(word) >= _OWN and word not in around]
    is_other = _is_of_other_school(words, name) or _is_branch(words, rest, around) or _is_number_left(words, rest)
    heard = [measured for word in own_words if (measured := _measure_rest(word, document.forms)) is not None]
    return missing + min([sum(left), *heard]), (bool(own_words) or is_all) and bool(words) and not is_other


def _is_sound_alone(word: str, form: NameForm) -> bool:
    """Whether a word is heard in a Chinese name that has no other word of its own."""
    sound = _find_sound(word, form)
    return bool(sound) and all(part.kind != "own" for part in split_name(form.text.replace(sound, "")))


def _is_of_other_school(words: tuple[str, ...], name: tuple[str, ...]) -> bool:
    """Whether a name has a word before University that the question has not there: Zhejiang Chinese Medical."""
    own, other = (one[: one.index("university")] if "university" in one else () for one in (words, name))
    return bool(own and other) and other[-1] in WEIGHTS and other[-1] not in own


def _is_branch(words: Iterable[str], rest: Iterable[str], around: frozenset[str]) -> bool:
    """Whether a name is that of a branch of somebody elsewhere, of which nothing was said: Beijing Anzhen Nanchong."""
    is_elsewhere = any(word in _list_places() and word not in around for word in rest)
    return is_elsewhere and around.isdisjoint(words) and not around.isdisjoint(rest)


def _is_number_left(words: Iterable[str], rest: Iterable[str]) -> bool:
    """Whether a number was left out and none was typed: West China is not West China Second."""
    return not NUMBERS.isdisjoint(rest) and NUMBERS.isdisjoint(words)


def _list_narrower_words(words: Iterable[str], levels: tuple[frozenset[str], ...]) -> frozenset[str]:
    """List the words for places within the narrowest that a question names: of Haidian, where it says Beijing."""
    named = next((at for at, level in enumerate(levels) if not level.isdisjoint(words)), len(levels))
    return frozenset[str]().union(*levels[:named]).difference(*levels[named:])


def _fit_chinese(words: tuple[str, ...], form: NameForm, region: str) -> tuple[float, bool] | None:
    """Fit a question to a Chinese name of which it translates or spells every part."""
    rest, parts, has_place = form.text, 0, False
    for word in words:
        if places := [place for place in _list_places().get(word, ()) if regions.is_inside(region, place.code)]:
            has_place = True
            for name in places[0].names:
                rest = rest.replace(name, "")
        elif word in _CHINESE or compute_word_weight(word) > _MAY_MISS:
            found = [one for one in list_chinese(word, words) if one in form.text] or [_find_sound(word, form)]
            if not found[0]:
                return None
            rest, parts = rest.replace(found[0], ""), parts + 1
    left = [word.weight for word in split_name(rest)]
    return sum(left), has_place and parts > 0 and max(left, default=0.0) < _SCALE["chinese_tells"]


def _find_word(word: str, name: tuple[str, ...]) -> str | None:
    """Find a word in a name, if it is a long one also with a slip; a place is no slip for another."""
    if word in name:
        return word
    if len(word) < _LONG or word in WEIGHTS or word in _list_places():
        return None
    others = [other for other in name if other not in WEIGHTS and other not in _list_places()]
    best = max(others, key=lambda other: fuzz.ratio(word, other), default="")
    return best if best and fuzz.ratio(word, best) >= _SCALE["alike"] else None


def _find_sound(word: str, form: NameForm) -> str:
    """Find the characters of a name that sound like a word of four letters or more; nothing where none do."""
    return find_characters(word, form.atoms) if len(word) > 3 and word.isalpha() else ""


def _measure_rest(word: str, forms: Iterable[NameForm]) -> float | None:
    """Measure what a name has besides the characters that sound like a word, of the name with the least; None: none."""
    rests = [form.text.replace(heard, "") for form in forms if (heard := _find_sound(word, form))]
    weights = [sum(part.weight for part in split_name(rest) if part.kind != "place") for rest in rests]
    return min(weights, default=None)
