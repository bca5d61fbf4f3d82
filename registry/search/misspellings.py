"""Names written wrongly: another character of the same sound or shape, one too many, one missing, two changed over.

A wrong number is no slip: 第一医院 and 第二医院 are two hospitals; a name with another number is never a typo.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

from rapidfuzz import fuzz, process

from registry.domain import name_words
from registry.domain.name_alignment import is_spread
from registry.search import character_shapes, pinyin, sound_match
from registry.search.costs import COSTS, compute_excess
from registry.search.engine import NameForm, SearchDocument
from registry.search.places import find_leading_places
from registry.search.readings import QueryReading

#: Up to here the differences are those of a slip; beyond, the names are only similar.
TYPO = 2.0
#: No more names than this are compared letter by letter.
_CLOSE = 30
#: Below this share of shared characters a name is not what was meant.
_SIMILAR = 70.0
_HOPELESS = 3.0
#: A text of no more characters may be a shortened name with a slip; in one of so few a slip is most of it.
_SHORTENED, _FEW = 6, 3
#: Letters of the shortest spelling with a slip that is looked for, and how alike another must be.
_LETTERS, _SPELT_ALIKE = 7, 85.0
_LIGHT = frozenset("市省区县州第的医院科")


def find_closest_names(
    reading: QueryReading, documents: Iterable[SearchDocument]
) -> list[tuple[SearchDocument, float, str]]:
    """Find (document, cost, name) of those whose name may have been meant: cost 0 to ``TYPO`` is a slip, above it
    alike."""
    text = reading.text
    forms = [(form, document) for document in documents for form in document.forms]
    if len(reading.letters) >= _LETTERS:
        return _find_closest_spellings(reading.letters, forms)
    if len(text) < 2:
        return []
    names = [form.text for form, _ in forms]
    close = process.extract(text, names, scorer=fuzz.partial_ratio, limit=_CLOSE, score_cutoff=45)
    costs = [(forms[at][1], _compute_slip_cost(text, name), name) for name, _, at in close]
    if len(text) <= _SHORTENED or not any(cost is not None and cost < TYPO for _, cost, _ in costs):
        written = Counter(text)
        costs += [
            (document, _compute_sound_cost(text, form), form.text)
            for form, document in forms  # if at most half of it would be wrong
            if 2 * sum(map(written.__getitem__, written.keys() & form.text)) >= len(text)
        ]
    best: dict[str, tuple[SearchDocument, float, str]] = {}
    for document, cost, name in costs:
        if cost is not None and (document.subject not in best or cost < best[document.subject][1]):
            best[document.subject] = (document, cost, name)
    return list(best.values())


def _find_closest_spellings(
    letters: str, forms: list[tuple[NameForm, SearchDocument]]
) -> list[tuple[SearchDocument, float, str]]:
    """Find names that are spelt nearly so in pinyin: shaoyifuyiyaun for 邵逸夫医院."""
    spellings = [sound_match.spell_atoms(form.atoms) for form, _ in forms]
    close = process.extract(letters, spellings, scorer=fuzz.partial_ratio, limit=_CLOSE, score_cutoff=_SPELT_ALIKE)
    best: dict[str, tuple[SearchDocument, float, str]] = {}
    for spelling, ratio, at in close:
        form, document = forms[at]
        cost = (100 - ratio) / (100 - _SPELT_ALIKE) + 0.01 * min(abs(len(spelling) - len(letters)), 40)
        if len(spelling) >= len(letters) and (document.subject not in best or cost < best[document.subject][1]):
            best[document.subject] = (document, cost, form.text)
    return list(best.values())


def _compute_sound_cost(text: str, form: NameForm) -> float | None:
    """Compute the cost of an abbreviation with characters that only sound right: 骡河一医院 for 漯河市第一人民医院."""
    if is_spread(text, form.text):  # nothing of it would be wrong
        return None
    way = pinyin.to_pieces(text)
    match = sound_match.find_sound_match(way, form.atoms)
    if match is None or match.exact:
        return None
    typed = [piece.value[0] for piece in way]
    wrong = [(a, b) for a, b in zip(typed, match.characters, strict=True) if a != b]
    if len(wrong) > len(typed) // 2 or any(a.isdigit() and b.isdigit() for a, b in wrong):
        return None
    if len(wrong) > max(1, len(typed) // 3) and not all(_list_sounds(a) & _list_sounds(b) for a, b in wrong):
        return None  # 花溪 for 华西 is a slip of an input method, 盛景 for 沈京 is none
    left_out = name_words.compute_shortening(match.characters, form.text)
    if left_out is None or left_out > COSTS["slip.sound_left_most"]:
        return None
    return COSTS["slip.sound"] * len(wrong) + COSTS["slip.sound_left"] * left_out


def _compute_slip_cost(text: str, name: str) -> float | None:
    slips = measure_distance(text, name)
    slips += COSTS["slip.other_place"] * _is_elsewhere(text, name)
    slips += COSTS["slip.own_missing"] * _is_own_word_missing(text, name)
    excess = 0.0 if len(name) <= len(text) + 2 else compute_excess("slip", len(name) - len(text))
    if slips <= _get_allowed_slips(len(text)):
        return slips + excess
    similarity = fuzz.ratio(text, name)
    if similarity < _SIMILAR:
        return None
    unlike = COSTS["slip.unlike"] * (100 - similarity) / 100
    return TYPO + unlike + COSTS["slip.unlike_slips"] * min(slips, _HOPELESS)


def _is_elsewhere(text: str, name: str) -> bool:
    """Whether both begin with a place, and with another one: 泸州 is not 滨州 written wrongly."""
    place, own_place = _find_leading_place(text), _find_leading_place(name)
    return bool(place and own_place) and place[:2] != own_place[:2] and place not in name


def _is_own_word_missing(text: str, name: str) -> bool:
    """Whether a name holds no character of some word of the text's own, and not its sound: 盛京 in 黑龙江省医院."""
    return any(
        word.kind == "own"
        and len(word.text) > 1
        and not set(word.text) & set(name)
        and _spell(word.text) not in _spell(name)
        for word in name_words.split_name(text)
    )


_spell = lru_cache(maxsize=65536)(pinyin.to_letters)


@lru_cache(maxsize=65536)
def _find_leading_place(text: str) -> str:
    return next((text[:end] for end, _ in find_leading_places(text[:8])), "")


def _get_allowed_slips(length: int) -> float:
    return COSTS["slip.few" if length <= _FEW else "slip.some" if length <= _SHORTENED else "slip.many"]


@lru_cache(maxsize=65536)
def measure_distance(text: str, name: str) -> float:
    """Compute the least cost of turning a text into some part of a name; a part begins and ends wherever it suits.

    From 3 on, costs are not told apart.

    >>> measure_distance("海口马丽医院", "海口玛丽医院") < 0.6, measure_distance("第2医院", "第1医院") > 2
    (True, True)
    """
    if text in name:
        return 0.0
    alone = [_get_gap_cost(b) for b in name]
    least, turned = COSTS["slip.same_sound"], COSTS["slip.turned"]  # no character written for another costs less
    before: list[float] = [0.0] * (len(name) + 1)
    earlier: list[float] = []
    for i, a in enumerate(text):
        missing = _get_gap_cost(a)
        left = before[0] + missing
        row = [left]
        for j, b in enumerate(name):  # by comparisons: min() takes as long as all the rest
            cost, written = before[j + 1] + missing, before[j]
            if left + alone[j] < cost:  # noqa: PLR1730
                cost = left + alone[j]
            if a == b:
                cost = written if written < cost else cost
            else:
                if written + least < cost and written + least < _HOPELESS:
                    cost = min(cost, written + compute_swap_cost(a, b))
                if i and j and a == name[j - 1] and b == text[i - 1]:
                    cost = min(cost, earlier[j - 1] + turned)
            row.append(cost)
            left = cost
        if min(row) >= _HOPELESS and min(before) >= _HOPELESS:
            return _HOPELESS
        earlier, before = before, row
    return min(before)


def _get_gap_cost(character: str) -> float:
    return COSTS["slip.number" if character.isdigit() else "slip.light_gap" if character in _LIGHT else "slip.gap"]


@lru_cache(maxsize=65536)
def compute_swap_cost(a: str, b: str) -> float:
    """Compute the cost of one character written for another."""
    first, second = _list_sounds(a), _list_sounds(b)
    if a.isdigit() or b.isdigit():  # 孙一仙 for 孙逸仙 is a slip, 第二 for 第一 another hospital
        return COSTS["slip.spelt_number" if first & second and not (a.isdigit() and b.isdigit()) else "slip.number"]
    if first & second:
        return COSTS["slip.same_sound"]
    shape = character_shapes.compare_shapes(a, b)
    blurred = {pinyin.blur_syllable(sound) for sound in first} & {pinyin.blur_syllable(sound) for sound in second}
    other = COSTS["slip.other"]
    alike = COSTS["slip.like_shape"] - COSTS["slip.shape_share"] * shape if shape else other
    return min(COSTS["slip.like_sound"] if blurred else other, alike)


@lru_cache(maxsize=65536)
def _list_sounds(character: str) -> frozenset[str]:
    return frozenset(pinyin.list_sounds(pinyin.to_atoms(character)))
