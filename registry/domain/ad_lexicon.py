"""Words of advertisements that a person should look at: forbidden offers, promises, techniques. No verdict.

The lexicon is data: ``ad_lexicon.toml`` beside this file, and the technique table. Words are found however they are
masked: 代*孕, 代 孕, dai孕, 代yun, daiyun, 带孕, traditional, full width, zero width. Time grows as the text does.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from registry.domain.ad_denials import DenialReader
from registry.domain.normalise import normalise_script, normalise_width
from registry.domain.techniques import TECHNIQUES, TechniqueCode

FlagKind = Literal["technique", "surrogacy", "gamete_trade", "sex_selection", "guarantee", "endorsement", "lure"]


class AdFinding(NamedTuple):
    """One word found in a text: ``text[start:end]``. ``is_condemned``: its sentence argues against it.

    ``technique``: the one the word names, where it needs an approval.
    """

    kind: FlagKind
    text: str
    start: int
    end: int
    is_condemned: bool
    technique: TechniqueCode | None


class _WordSort(NamedTuple):
    """What a word counts as. ``is_whole_word``: its Latin letters must not be part of a longer word."""

    kind: FlagKind
    technique: TechniqueCode | None = None
    is_whole_word: bool = False
    needs_capitals: bool = False


class _WordPlace(NamedTuple):
    """Where a word stands in the text as given."""

    sort: _WordSort
    start: int
    end: int


_DATA: dict[str, Any] = tomllib.loads(Path(__file__).with_name("ad_lexicon.toml").read_text("utf-8"))
_KINDS: tuple[FlagKind, ...] = ("surrogacy", "gamete_trade", "sex_selection")
#: Words for forbidden offers, as people write them.
WORDS: dict[FlagKind, tuple[str, ...]] = {kind: tuple(_DATA["words"][kind]) for kind in _KINDS}
_SOUNDS: dict[str, str] = _DATA["sounds"]
_SPELT = frozenset(_DATA["masking"]["spelt"])
#: Letters of the longest word when it is wholly spelt; an unbounded lookahead would be slow in a long text.
_LONGEST = 30
# Letters that go on before or after make another word of it: dai Yunnan, xiandai yunfu.
_BORDER_BEFORE = "(?:(?=[^a-z])|(?<!xian)(?<!shi)(?<!ti)(?<!hou))"
_BORDER_AFTER = "(?!(?<=[a-z])(?:nan(?:[^a-z]|$)|fu|qi|er|[aeg]))"
_MORE_KINDS = frozenset(_DATA["masking"]["more_kinds"])
_PICTURES: dict[str, str] = _DATA["masking"]["pictures"]
_PARTS: dict[str, list[str]] = _DATA["parts"]
_DENIALS = DenialReader(_DATA["against"])


def find_forbidden_words(text: str) -> list[AdFinding]:
    """Every word in a text for a forbidden offer, in order, the longest where several begin; never overlapping."""
    return _make_findings(text, _drop_overlaps(place for place in _find_words(text) if place.sort.kind in WORDS))


def find_flags(text: str) -> list[AdFinding]:
    """Every word of the lexicon in a text, in order; only those of different kinds may overlap (供卵试管).

    >>> [(one.kind, one.text) for one in find_flags("三甲专家 无效退款")]
    [('endorsement', '三甲专家'), ('guarantee', '无效退款')]
    """
    by_kind: dict[FlagKind, list[_WordPlace]] = {}
    for place in _find_words(text):
        by_kind.setdefault(place.sort.kind, []).append(place)
    places = sorted((p for some in by_kind.values() for p in _drop_overlaps(some)), key=lambda p: (p.start, p.end))
    return _make_findings(text, places)


def _make_findings(text: str, places: list[_WordPlace]) -> list[AdFinding]:
    """Say of each place, in order of starts, whether it is denied."""
    denied: set[_WordPlace] = set()
    flat = "".join(_fold_character(raw)[:1] or "\0" for raw in text) if places else ""
    signs = _DENIALS.read_signs(flat)
    for is_technique in (False, True):
        some = [place for place in places if (place.sort.kind == "technique") == is_technique]
        spans = [(place.start, place.end) for place in some]
        denied.update(some[at] for at in _DENIALS.find_denied(flat, spans, signs, techniques=is_technique))
    return [
        AdFinding(p.sort.kind, text[p.start : p.end], p.start, p.end, p in denied, p.sort.technique) for p in places
    ]


def _drop_overlaps(places: Iterable[_WordPlace]) -> list[_WordPlace]:
    """Of places that overlap the first, and of those that begin together the longest."""
    separate: list[_WordPlace] = []
    for place in sorted(places, key=lambda place: (place.start, -place.end)):
        if not separate or place.start >= separate[-1].end:
            separate.append(place)
    return separate


# --- the lexicon -----------------------------------------------------------------------------------------------------


@cache
def _build_lexicon() -> tuple[re.Pattern[str], dict[str, list[tuple[_WordSort, re.Pattern[str]]]]]:
    """(pattern of all beginnings of words, for each beginning one pattern of the words of each sort, longest first)."""
    by_first: dict[str, dict[_WordSort, list[tuple[int, str]]]] = {}
    for first, sort, length, pattern in _list_words():
        by_first.setdefault(first, {}).setdefault(sort, []).append((-length, pattern))
    heads = "|".join(re.escape(first) for first in sorted(by_first, key=len, reverse=True))
    return re.compile(f"(?=({heads}))"), {
        first: [(sort, re.compile("|".join(p for _, p in sorted(some)))) for sort, some in sorts.items()]
        for first, sorts in by_first.items()
    }


def _list_words() -> Iterator[tuple[str, _WordSort, int, str]]:
    """(beginning, sort, length, pattern) of every word of the lexicon."""
    for kind, words in _DATA["words"].items():
        for word in words:
            for first in _list_beginnings(word):
                yield first, _WordSort(kind), len(word), _make_pattern(word, kind)
    for family in _DATA["families"]:
        parts = [_PARTS[part] if isinstance(part, str) else part for part in family["parts"]]
        for first in {first for word in parts[0] for first in _list_beginnings(word)}:
            yield first, _WordSort(family["kind"]), _LONGEST, _make_family_pattern(family, parts, first)
    for entry in _DATA["patterns"]:
        regex = entry["regex"]
        for name, words in _PARTS.items():
            regex = regex.replace(name, f"(?:{'|'.join(words)})")
        for first in entry["first"]:
            yield first, _WordSort(entry["kind"], is_whole_word=entry.get("whole", False)), _LONGEST, regex
    data = _DATA["technique"]
    for other in data["others"]:
        yield other[0], _WordSort("technique"), len(other), _make_pattern(other)
    for technique in TECHNIQUES:
        for written in {technique.code, *technique.printed, *technique.said} - set(data["not_in_text"]):
            word = "".join(c for c in written.lower() if c.isalnum())
            sort = _WordSort("technique", technique.code, word.isascii(), written in data["capitals"])
            yield word[0], sort, len(word), word if word.isascii() else _make_pattern(word)


def _list_beginnings(word: str) -> set[str]:
    return {word[0], _SOUNDS.get(word[0], word[0])}


def _make_family_pattern(family: dict[str, Any], parts: list[list[str]], first: str) -> str:
    """A pattern of one word of each part, the first beginning with ``first``; the longest of each are tried first."""
    between = _get_between(family["kind"])
    heads = [word for word in parts[0] if first in _list_beginnings(word)]
    groups = []
    for number, words in enumerate([heads, *parts[1:]]):
        glue = between if number else ""
        choices = [glue + _mask_word(word, between) if word else "" for word in sorted(words, key=len, reverse=True)]
        groups.append(f"(?:{'|'.join(choices)})")
    before, after = family.get("not_before"), family.get("not_after")
    border = f"(?<!{before})" if before else ""
    # Atomic: what follows is asked of the longest word only, 男宝宝 and not 男宝.
    return f"{border}{_require_character()}(?>{''.join(groups)})" + (f"(?!{after})" if after else "")


def _get_between(kind: FlagKind | None) -> str:
    return str(_DATA["masking"]["more_between" if kind in _MORE_KINDS else "between"])


def _require_character() -> str:
    """A pattern that fits where not all that follows is Latin letters."""
    return f"(?=[a-z]{{0,{_LONGEST}}}[^a-z])"


def _mask_word(word: str, between: str) -> str:
    """A pattern of the word with any of its characters in pinyin, or drawn and written: 代🤰孕."""
    doubled = _PICTURES.values()
    parts = [f"(?:{c}|{_SOUNDS[c]})" if c in _SOUNDS else c for c in word]
    return between.join(f"{part}{{1,2}}" if c in doubled else part for c, part in zip(word, parts, strict=True))


def _make_pattern(word: str, kind: FlagKind | None = None) -> str:
    """A pattern of the word with any of its characters in pinyin; all of them only where that is no other word."""
    pattern = _mask_word(word, _get_between(kind))
    if word not in _SPELT and any(c in _SOUNDS for c in word):
        pattern = f"{_require_character()}{pattern}"
    before = _DATA["not_before"].get(word)
    after = _DATA["not_after"].get(word)
    pattern = f"{_BORDER_BEFORE}{f'(?<!{before})' if before else ''}{pattern}{_BORDER_AFTER}"
    return f"{pattern}(?!{after})" if after else pattern


# --- looking ---------------------------------------------------------------------------------------------------------


def _find_words(text: str) -> Iterator[_WordPlace]:
    """Every place where a word stands, also inside a longer one."""
    plain, positions = _fold_text(text)
    heads, by_first = _build_lexicon()
    for head in heads.finditer(plain):
        for sort, pattern in by_first[head[1]]:
            match = pattern.match(plain, head.start())
            if match is None:
                continue
            first, last = positions[match.start()], _find_end(text, positions[match.start() : match.end()])
            if not sort.is_whole_word or _is_separate_word(text, first, last, sort.needs_capitals):
                yield _WordPlace(sort, first, last)


def _find_end(text: str, places: list[int]) -> int:
    """The end of a word in the text. Figures at its end count only as far as they are one number: 成功率80%，100家."""
    digits = 0
    while digits < len(places) and text[places[-1 - digits]].isdigit():
        digits += 1
    for at in range(len(places) - digits + 1, len(places)):
        if text[places[at - 1] + 1 : places[at]] not in ("", ".", "．"):
            places = places[:at]
            break
    last = places[-1] + 1
    return last + (text[last : last + 1] in ("%", "％") and digits > 0)


@lru_cache(maxsize=8192)
def _fold_character(raw: str) -> str:
    if "\U0001f200" <= raw <= "\U0001f2ff":  # 🈶, 🈲: pictures, though their folding is a character
        return ""
    if raw in _PICTURES:
        return _PICTURES[raw]
    return normalise_script(raw).lower()


def _fold_text(text: str) -> tuple[str, list[int]]:
    """The letters, digits and characters of a text, folded one by one, and the position of each in it."""
    plain: list[str] = []
    positions: list[int] = []
    for at, raw in enumerate(text):
        for character in raw.lower() if raw.isascii() else _fold_character(raw):
            if character.isalnum():
                plain.append(character)
                positions.append(at)
    return "".join(plain), positions


def _is_separate_word(text: str, start: int, end: int, capitals: bool) -> bool:
    """Whether no Latin letter touches it: AID is not a word of said or AIDS."""
    if capitals and not normalise_width(text[start:end]).isupper():
        return False
    neighbours = (text[start - 1 : start], text[end : end + 1])
    return not any(c and (letter := _fold_character(c)[:1]).isascii() and letter.isalpha() for c in neighbours)
