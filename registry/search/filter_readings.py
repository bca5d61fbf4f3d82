"""Questions that are made of filters only: a place, a technique, a stage, a kind, and words around them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache

from msgspec.structs import replace

from registry.domain import regions
from registry.domain.techniques import STAGES, TECHNIQUES, Stage, TechniqueCode
from registry.search import pinyin
from registry.search.contract import QueryReading, Understood
from registry.search.places import load_city_sounds, resolve_regions
from registry.search.vocabulary import AROUND, FILLER, WORDS, find_word

_INSEMINATION, _FERTILISATION = frozenset({"AID", "SPERM_BANK"}), frozenset({"ICSI", "PGT"})
#: Words that are said of several techniques, with those of them that are no longer meant beside a more exact word.
_GENERAL = {
    **dict.fromkeys(("人工授精", "人工受精", "人授", "iui"), _INSEMINATION),
    **dict.fromkeys(("试管婴儿", "试管", "ivf"), _FERTILISATION),
}
_LETTERS = re.compile("[a-z]{2,}")
#: The longest run of letters that is read as words of a question.
_LONGEST_RUN = 60


def make_filter_reading(found: tuple[Understood, ...], cost: float) -> QueryReading:
    """A reading in which nothing is a name yet, with what was taken out of the question."""
    found = _remove_general_words(found)
    codes: list[TechniqueCode] = [
        t.code for t in TECHNIQUES if any(u.kind == "technique" and u.value == t.code for u in found)
    ]
    stages: list[Stage] = [stage for stage in STAGES if any(u.kind == "stage" and u.value == stage for u in found)]
    places = resolve_regions(found)
    kept = [u for u in found if u.kind != "region" or any(p.startswith(regions.get_prefix(u.value)) for p in places)]
    return QueryReading(
        regions=places,
        techniques=tuple(codes),
        stage=stages[0] if stages else None,
        categories=tuple(dict.fromkeys(u.value for u in found if u.kind == "category")),
        understood=tuple(kept),
        cost=cost,
    )


def _remove_general_words(found: tuple[Understood, ...]) -> tuple[Understood, ...]:
    """Without a general word for techniques beside the one that is meant: 供精 人工授精 is AID, 三代 试管 is PGT."""
    meant_ones = {piece.value for piece in found if piece.kind == "technique" and piece.text not in _GENERAL}
    general = {piece.text for piece in found if _GENERAL.get(piece.text, frozenset()) & meant_ones}
    told = [piece for piece in found if piece.text not in general]
    if "SPERM_BANK" in meant_ones and any(_GENERAL[word] == _INSEMINATION for word in general):  # 精子库 人授
        told = [replace(piece, value="AID") if piece.value == "SPERM_BANK" else piece for piece in told]
    return tuple(told)


def parse_filters(words: Sequence[str]) -> QueryReading | None:
    """The filters a question is wholly made of, or None when something is left over or there is no such word."""
    found: list[Understood] = []
    for word in words:
        here = _parse_word(word)
        if here is None:
            return None
        found += here
    return make_filter_reading(tuple(found), 0.0) if found else None


def _parse_word(word: str) -> list[Understood] | None:
    """What a word is wholly made of; None when something is left over."""
    found: list[Understood] = []
    before: list[Understood] = []  # the places that end where we stand: what follows at once must lie in them
    position = 0
    while position < len(word):
        beside, before = before, []
        if said := find_word(word, position):
            length, piece = said
            found.append(piece)
            position += length
        elif place := _find_place(word, position):
            position, before = place
            if beside and not _is_inside(before, beside):
                return None
            found += before
        elif run := _LETTERS.match(word, position):
            spoken = _parse_pinyin(run[0])
            if spoken is None:
                return None
            found += spoken
            position = run.end()
        elif filler := FILLER.match(word, position):
            position = filler.end()
        else:
            return None
    return found


def _find_place(word: str, position: int) -> tuple[int, list[Understood]] | None:
    here = [(end, code) for start, end, code in regions.find_places(word[position:]) if start == 0]
    if not here:
        return None
    end = here[0][0]
    text = word[position : position + end]
    return position + end, [Understood(text=text, kind="region", value=code) for _, code in here]


def _is_inside(inner: Iterable[Understood], outer: Sequence[Understood]) -> bool:
    return any(one.value.startswith(regions.get_prefix(o.value)) for one in inner for o in outer)


# --- spelt in letters ------------------------------------------------------------------------------------------------


def _parse_pinyin(run: str) -> list[Understood] | None:
    """A run of letters as the words of a question it spells (lasashiguan); None when something is left over."""
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
    """How the words of questions sound: what each means; nothing for words around them."""
    found: dict[str, tuple[tuple[str, str], ...]] = {_to_pinyin(word): () for word in AROUND}
    for sound, codes in load_city_sounds().items():
        if len(sound) > 3:  # anhui, but not an
            found[sound] = tuple(("region", code) for code in codes)
    found.update((_to_pinyin(word), (told,)) for word, told in WORDS.items() if not any(c.isascii() for c in word))
    return found


def _to_pinyin(word: str) -> str:
    return "".join(atom.split(".")[1] for atom in pinyin.to_atoms(word).split())
