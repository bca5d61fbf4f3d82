"""Questions that are made of filters only: a place, a technique, a stage, a kind, and words around them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from msgspec.structs import replace

from registry.domain import regions
from registry.domain.english_words import split_words
from registry.domain.name_words import PLACE_KINDS
from registry.domain.techniques import BANK, STAGES, TECHNIQUES, Stage, TechniqueCode
from registry.search import english, pinyin
from registry.search.places import find_leading_places, is_inside, load_city_sounds, resolve_regions
from registry.search.readings import QueryReading, Understood
from registry.search.vocabulary import AROUND, FILLER, NEVER_IN_NAMES, WORDS, find_word

#: Words for several techniques, with the narrower of them, beside whose own words they are no longer meant.
_GENERAL: dict[str, frozenset[str]] = {
    word.lower(): frozenset(narrower.code for narrower in TECHNIQUES if narrower.within == technique.code)
    for technique in TECHNIQUES
    for word in technique.broad
}
_LETTERS = re.compile("[a-z]{2,}")
_MARKS = re.compile(r"[^\w]+")
#: The longest run of letters that is read as words of a question.
_LONGEST_RUN = 60


def make_filter_reading(pieces: tuple[Understood, ...], cost: float) -> QueryReading:
    """Make a reading in which nothing is a name yet, with what was taken out of the question."""
    pieces = _remove_general_words(pieces)
    codes: list[TechniqueCode] = [
        t.code for t in TECHNIQUES if any(u.kind == "technique" and u.value == t.code for u in pieces)
    ]
    stages: list[Stage] = [stage for stage in STAGES if any(u.kind == "stage" and u.value == stage for u in pieces)]
    places = resolve_regions(pieces)
    understood = [u for u in pieces if u.kind != "region" or any(is_inside(place, [u.value]) for place in places)]
    return QueryReading(
        regions=places,
        techniques=tuple(codes),
        stage=stages[0] if stages else None,
        categories=tuple(dict.fromkeys(u.value for u in pieces if u.kind == "category")),
        understood=tuple(understood),
        cost=cost,
    )


def _remove_general_words(pieces: tuple[Understood, ...]) -> tuple[Understood, ...]:
    """Remove a general word for techniques beside the one that is meant: 供精 人工授精 is AID, 三代 试管 is PGT."""
    exact = {piece.value for piece in pieces if piece.kind == "technique" and piece.text not in _GENERAL}
    general = {piece.text for piece in pieces if _GENERAL.get(piece.text, frozenset()) & exact}
    specific = [piece for piece in pieces if piece.text not in general]
    if BANK in exact and any("AID" in _GENERAL[word] for word in general):  # 精子库 人授
        specific = [replace(piece, value="AID") if piece.value == BANK else piece for piece in specific]
    return tuple(specific)


def parse_filters(words: Sequence[str]) -> QueryReading | None:
    """Return the filters a question is wholly made of; None when something is left over or there is no such word."""
    filters: list[Understood] = []
    for word in words:
        pieces = _parse_word(word)
        if pieces is None:
            return None
        filters += pieces
    return make_filter_reading(tuple(filters), 0.0) if filters else None


def find_filters(raw: str, text: str) -> tuple[QueryReading | None, tuple[str, ...]]:
    """Find the places and techniques anywhere in a sentence, and what is left of it: (a reading, what was not read).

    ``text``: the question as ``query.prepare_text`` makes it.
    The reading is None without a place and something that is asked for. Words that no name has, and single characters
    between others, are nothing.
    """
    text = _MARKS.sub("，", text)
    filters: list[Understood] = []
    read = [False] * len(text)
    starts = _map_places(text)
    position = 0
    while position < len(text):
        if match := find_word(text, position):
            length, piece = match
            filters.append(piece)
        elif places := _select_large_places(starts.get(position, []), filters):
            length = len(places[0].text)
            filters += places
        elif around := FILLER.match(text, position) or NEVER_IN_NAMES.match(text, position):
            length = around.end() - position
        else:
            length = 0
        read[position : position + length] = [True] * length
        position += length or 1
    unread = "".join(" " if was_read else character for character, was_read in zip(text, read, strict=True))
    is_place = any(piece.kind == "region" for piece in filters)
    is_asked = any(piece.kind != "region" for piece in filters) or bool(NEVER_IN_NAMES.search(text))
    if english.is_english(raw):
        return _add_english_places(raw, filters)
    words = tuple(word for word in _MARKS.split(unread) if len(word) > 1)
    return (make_filter_reading(tuple(filters), 0.0) if is_place and is_asked else None), words


def _add_english_places(raw: str, filters: list[Understood]) -> tuple[QueryReading | None, tuple[str, ...]]:
    words = split_words(raw)
    named = [Understood(text=word, kind="region", value=code) for word in words for code in english.find_places([word])]
    places = {piece.text for piece in named}
    unread = [word for word in words if not (word in places or word in WORDS or english.is_around(word))]
    return (make_filter_reading((*filters, *named), 0.0) if named else None), tuple(unread)


def _map_places(text: str) -> dict[int, list[tuple[str, str]]]:
    """Map where places begin in a text to (the place, its code)."""
    starts: dict[int, list[tuple[str, str]]] = {}
    for start, end, code in regions.find_places(text):
        starts.setdefault(start, []).append((text[start:end], code))
    return starts


def _select_large_places(places: list[tuple[str, str]], found: list[Understood]) -> list[Understood]:
    """Select provinces and cities, and smaller places called so or in one of those found: 朝阳 is also a street."""
    outer = [piece.value for piece in found if piece.kind == "region"]
    return [
        Understood(text=word, kind="region", value=code)
        for word, code in places
        if code.endswith("00") or is_inside(code, outer) or word[-1] in PLACE_KINDS
    ]


def _parse_word(word: str) -> list[Understood] | None:
    """Return what a word is wholly made of; None when something is left over."""
    understood: list[Understood] = []
    before: list[Understood] = []  # the places that end where we stand: what follows at once must lie in them
    position = 0
    while position < len(word):
        outer, before = before, []
        if match := find_word(word, position):
            length, piece = match
            understood.append(piece)
            position += length
        elif places := find_leading_places(word[position:]):
            end = position + places[0][0]
            before = [Understood(text=word[position:end], kind="region", value=code) for _, code in places]
            if outer and not any(is_inside(place.value, [o.value for o in outer]) for place in before):
                return None
            understood += before
            position = end
        elif run := _LETTERS.match(word, position):
            spelt = [] if english.is_around(run[0]) else _parse_pinyin(run[0])
            if spelt is None:
                return None
            understood += spelt
            position = run.end()
        elif filler := FILLER.match(word, position):
            position = filler.end()
        else:
            return None
    return understood


# --- spelt in letters ------------------------------------------------------------------------------------------------


def _parse_pinyin(run: str) -> list[Understood] | None:
    """Return a run of letters as the words of a question it spells (lasashiguan); None when something is left over."""
    if len(run) > _LONGEST_RUN:
        return None
    best: dict[int, list[Understood]] = {0: []}  # letters read so far -> what they mean; long words first
    sounds = _load_word_sounds()
    longest = max(map(len, sounds))
    for start in range(len(run)):
        if start not in best:
            continue
        for length in range(min(longest, len(run) - start), 1, -1):
            pieces = sounds.get(run[start : start + length])
            if pieces is not None and start + length not in best:
                text = run[start : start + length]
                best[start + length] = best[start] + [
                    Understood(text=text, kind=kind, value=value)  # type: ignore[arg-type]
                    for kind, value in pieces
                ]
    return best.get(len(run))


@cache
def _load_word_sounds() -> dict[str, tuple[tuple[str, str], ...]]:
    """Load how the words of questions sound, with what each means; nothing for words around them."""
    sounds: dict[str, tuple[tuple[str, str], ...]] = {pinyin.to_letters(word): () for word in AROUND}
    for sound, codes in load_city_sounds().items():
        if len(sound) > 3:  # anhui, but not an
            sounds[sound] = tuple(("region", code) for code in codes)
    sounds.update(
        (pinyin.to_letters(word), (meaning,)) for word, meaning in WORDS.items() if not any(c.isascii() for c in word)
    )
    return sounds
