"""Names written wrongly: another character of the same sound or shape, one too many, one missing, two changed over.

A wrong number is no slip: 第一医院 and 第二医院 are two hospitals; a name with another number is never a typo.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from rapidfuzz import fuzz, process

from registry.domain import regions
from registry.search import character_shapes, pinyin, sound_match, words
from registry.search.contract import NameForm, QueryReading, SearchDocument

#: Up to here the differences are those of a slip; beyond, the names are only similar.
TYPO = 2.0
#: No more names than this are compared letter by letter.
_CLOSE = 30
#: Below this share of shared characters a name is not what was meant.
_SIMILAR = 70.0
#: More than this left out of a name, as ``words.compute_shortening`` counts it, is no abbreviation that was meant.
_SHORT = 2.0
_HOPELESS = 3.0
#: No character written for another costs less.
_LEAST = 0.35
#: The cost of beginning with another place.
_OTHER_PLACE = 1.0
_LIGHT = frozenset("市省区县州第的医院科")


def find_closest_names(
    reading: QueryReading, documents: Iterable[SearchDocument]
) -> list[tuple[SearchDocument, float, str]]:
    """(document, cost, name) of those whose name may have been meant: cost 0 to ``TYPO`` is a slip, above it alike."""
    text = reading.text
    if len(text) < 2:
        return []
    documents = list(documents)
    named = [(form.text, document) for form, document in _list_forms(documents)]
    close = process.extract(text, [name for name, _ in named], scorer=fuzz.partial_ratio, limit=_CLOSE, score_cutoff=45)
    judged = [(named[at][1], _compute_slip_cost(text, name), name) for name, _, at in close]
    if not any(cost is not None and cost < TYPO for _, cost, _ in judged):
        judged += [(document, _compute_sound_cost(text, form), form.text) for form, document in _list_forms(documents)]
    found: dict[str, tuple[SearchDocument, float, str]] = {}
    for document, cost, name in judged:
        if cost is not None and (document.subject not in found or cost < found[document.subject][1]):
            found[document.subject] = (document, cost, name)
    return list(found.values())


def _list_forms(documents: Iterable[SearchDocument]) -> list[tuple[NameForm, SearchDocument]]:
    return [
        (form, document)
        for document in documents
        for form in (*document.names, *document.aliases, *document.known_as, *document.former)
    ]


def _compute_sound_cost(text: str, form: NameForm) -> float | None:
    """The cost of an abbreviation in which a few characters only sound right: 骡河一医院 for 漯河市第一人民医院."""
    way = _to_pieces(text)
    found = sound_match.find_sound_match(way, form.atoms)
    if found is None or found.exact:
        return None
    typed = [piece.value[0] for piece in way]
    wrong = [(a, b) for a, b in zip(typed, found.characters, strict=True) if a != b]
    if len(wrong) > max(1, len(typed) // 3) or any(a.isdigit() and b.isdigit() for a, b in wrong):
        return None
    left_out = words.compute_shortening(found.characters, form.text)
    if left_out is None or left_out > _SHORT:
        return None
    return 0.4 * len(wrong) + 0.5 * left_out


@lru_cache(maxsize=1024)
def _to_pieces(text: str) -> tuple[pinyin.SoundPiece, ...]:
    return tuple(pinyin.SoundPiece("c", atom) for atom in pinyin.to_atoms(text).split())


def _compute_slip_cost(text: str, name: str) -> float | None:
    slips = measure_distance(text, name) + (_OTHER_PLACE if _is_elsewhere(text, name) else 0.0)
    whole = 0.0 if len(name) <= len(text) + 2 else 0.01 * min(len(name) - len(text), 20)
    if slips <= _get_allowed_slips(len(text)):
        return slips + whole
    alike = fuzz.ratio(text, name)
    return TYPO + (100 - alike) / 100 + min(slips, _HOPELESS) * 0.3 if alike >= _SIMILAR else None


def _is_elsewhere(text: str, name: str) -> bool:
    """Whether both begin with a place, and with another one: 泸州 is not 滨州 written wrongly."""
    here, there = _find_leading_place(text), _find_leading_place(name)
    return bool(here and there) and here[:2] != there[:2] and here not in name


@lru_cache(maxsize=65536)
def _find_leading_place(text: str) -> str:
    return next((text[:end] for start, end, _ in regions.find_places(text[:8]) if start == 0), "")


def _get_allowed_slips(length: int) -> float:
    return 0.6 if length <= 3 else 1.1 if length <= 6 else 1.7


@lru_cache(maxsize=65536)
def measure_distance(text: str, name: str) -> float:
    """The least cost of turning a text into some part of a name; a part begins and ends wherever it suits.

    From 3 on, costs are not told apart.

    >>> measure_distance("海口马丽医院", "海口玛丽医院") < 0.6, measure_distance("第2医院", "第1医院") > 2
    (True, True)
    """
    alone = [_get_gap_cost(b) for b in name]
    before: list[float] = [0.0] * (len(name) + 1)
    earlier: list[float] = []
    for i, a in enumerate(text):
        missing = _get_gap_cost(a)
        left = before[0] + missing
        row = [left]
        for j, b in enumerate(name):
            cost = min(before[j + 1] + missing, left + alone[j])
            if a == b:
                cost = min(cost, before[j])
            else:
                if before[j] + _LEAST < cost:
                    cost = min(cost, before[j] + _compute_swap_cost(a, b))
                if i and j and a == name[j - 1] and b == text[i - 1]:
                    cost = min(cost, earlier[j - 1] + 0.7)
            row.append(cost)
            left = cost
        if min(row) >= _HOPELESS and min(before) >= _HOPELESS:
            return _HOPELESS
        earlier, before = before, row
    return min(before)


def _get_gap_cost(character: str) -> float:
    return 3.0 if character.isdigit() else 0.5 if character in _LIGHT else 1.0


@lru_cache(maxsize=65536)
def _compute_swap_cost(one: str, other: str) -> float:
    """The cost of one character written for another."""
    first, second = _list_sounds(one), _list_sounds(other)
    if one.isdigit() or other.isdigit():  # 孙一仙 for 孙逸仙 is a slip, 第二 for 第一 another hospital
        return 0.5 if first & second and not (one.isdigit() and other.isdigit()) else 3.0
    if first & second:
        return _LEAST
    shape = character_shapes.compare_shapes(one, other)
    heard = {pinyin.blur_syllable(sound) for sound in first} & {pinyin.blur_syllable(sound) for sound in second}
    return min(0.5 if heard else 1.0, 0.9 - 0.5 * shape if shape else 1.0)


@lru_cache(maxsize=65536)
def _list_sounds(character: str) -> frozenset[str]:
    return frozenset(pinyin.to_atoms(character).strip().split(".")[1:])
