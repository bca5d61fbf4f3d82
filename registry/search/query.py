"""Understanding a question: which parts are a place, a technique or a stage, and which are a name or an address.

A question has several readings, and which of them was meant is seen only beside the institutions there are:
西安高新医院 is one, 西安唐都医院 is 唐都医院 in 西安. So every reading is tried, the plainest first, and ``rank``
compares what they give.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import product

from msgspec.structs import replace

from registry.domain.normalise import fold_text, normalise_width, simplify_script
from registry.search import pinyin
from registry.search.contract import QueryReading, SearchQuery, Understood
from registry.search.filter_readings import make_filter_reading, parse_filters
from registry.search.pinyin import SoundPiece
from registry.search.places import parse_place, split_pinyin_place, split_places
from registry.search.vocabulary import DEPARTMENT, LEFT_AFTER, LEFT_BEFORE, expand_nicknames, find_word

#: Characters that are read of a question: more than the longest name with its address has.
MAX_LENGTH = 120
#: No question is read in more words or more ways than this.
_WORDS_READ, _WAYS = 12, 4
_APART = re.compile(r"[\s,，、/;；。？?!！:：+|]+|(?<=[a-zA-Z])['’´`](?=[a-zA-Z])")
_RUN = re.compile("[a-z]+|[^a-z]+")
#: The letter O for a zero, as it is typed: 第9O1医院, 九八O医院.
_ZERO = re.compile("(?<=[0-9〇零一二三四五六七八九第])o+(?![a-z])")
#: What army hospitals were called before their number, and often still are.
_ARMY = re.compile("(?:中国人民)?解放军(?=第?[0-9〇零一二三四五六七八九])")


@lru_cache(maxsize=2048)
def understand_question(raw: str) -> SearchQuery:
    """The question in our words. Never fails: what is not understood is text."""
    text = expand_nicknames(simplify_script(normalise_width(raw[:MAX_LENGTH])).lower())
    text = _ZERO.sub(lambda run: "0" * len(run[0]), text)
    words = _join_characters(word for word in _APART.split(text) if fold_text(word))[:_WORDS_READ]
    if not words:
        return SearchQuery(raw=raw)
    filters = parse_filters(words)
    plain = _ReadingDraft(words)
    drafts = [plain]
    bare = _take_out_words(plain)
    if bare.words != plain.words:
        drafts.append(bare)
    drafts += [placed for draft in drafts[-1:] for placed in (*_take_out_places(draft), *_take_out_army(draft))]
    readings = [reading for draft in drafts if draft.words for reading in draft.make_readings()]
    readings.sort(key=lambda reading: reading.cost)
    first = filters is not None and (
        any(piece.kind != "region" for piece in filters.understood)
        or fold_text(filters.understood[0].text) == fold_text(text)
    )
    return SearchQuery(raw=raw, readings=tuple(dict.fromkeys(readings)), listing=filters, listing_first=first)


def _join_characters(words: Iterable[str]) -> list[str]:
    """Words with single characters that follow one another put together: 沈 阳 市 妇 婴 is one name typed apart.

    >>> _join_characters(["盛", "京", "医", "院", "沈阳"])
    ['盛京医院', '沈阳']
    """
    found: list[str] = []
    single = False
    for word in words:
        alone = len(word) == 1 and not word.isascii()
        if alone and single:
            found[-1] += word
        else:
            found.append(word)
        single = alone
    return found


class _ReadingDraft:
    """Words still to be looked for, and what was taken out of them."""

    def __init__(self, words: Sequence[str], found: Iterable[Understood] = (), cost: float = 0.0) -> None:
        self.words = [word for word in words if fold_text(word)]
        self.found = tuple(found)
        self.cost = cost

    def make_readings(self) -> list[QueryReading]:
        """As characters; or, when there are letters, as sounds and as initials."""
        folded = tuple(fold_text(word) for word in self.words)
        base = make_filter_reading(self.found, self.cost)
        dearer = replace(base, cost=self.cost + 0.1)
        text = "".join(folded)
        if not re.search("[a-z]", text):
            return [replace(base, text=text, parts=folded if len(folded) > 1 else ())]
        found = []
        spelt = text.isascii() and len(text) <= 24
        if spelt:
            found.append(replace(dearer, letters=text))
        if ways := _list_ways(self.words, bare_initials=not spelt):
            found.append(replace(base, ways=ways))
        if not text.isascii() or len(text) == 1:
            found.append(replace(dearer, text=text))
        return found


# --- letters ---------------------------------------------------------------------------------------------------------


def _list_ways(words: Sequence[str], bare_initials: bool) -> tuple[tuple[SoundPiece, ...], ...]:
    """How a question with letters may sound: characters as they are, runs of letters cut into syllables.

    Without ``bare_initials`` only those in which a syllable or a character is heard.
    """
    runs: list[list[tuple[SoundPiece, ...]]] = []
    for word in words:
        for run in _RUN.findall(word):
            if run.isascii() and run.isalpha():
                runs.append(list(pinyin.cut_syllables(run)))
            elif atoms := pinyin.to_atoms(run).split():
                runs.append([tuple(SoundPiece("c", atom) for atom in atoms)])
    if not all(runs):
        return ()
    found: list[tuple[SoundPiece, ...]] = []
    for choice in product(*(options[:2] for options in runs[:6])):
        way = tuple(piece for part in choice for piece in part)
        if bare_initials or any(piece.kind != "i" for piece in way):
            found.append(way)
        if len(found) == _WAYS:
            break
    return tuple(found)


# --- words taken out -------------------------------------------------------------------------------------------------


def _take_out_words(draft: _ReadingDraft) -> _ReadingDraft:
    """Without techniques, stages, kinds and words about a department, wherever they stand."""
    found: list[Understood] = []
    rest: list[str] = []
    for word in draft.words:
        kept, here = _cut_words(word)
        found += here
        rest += kept
    return _ReadingDraft(rest, found, 0.2)


def _cut_words(word: str) -> tuple[list[str], list[Understood]]:
    kept, found, start, at = [], [], 0, 0
    while at < len(word):
        if said := find_word(word, at):
            length, piece = said
            found.append(piece)
        elif filler := DEPARTMENT.match(word, at):
            length = filler.end() - at
        else:
            at += 1
            continue
        kept.append(word[start:at].rstrip(LEFT_BEFORE))
        at = start = at + length
    kept.append(word[start:].lstrip(LEFT_AFTER) if start else word)
    return [part for part in kept if fold_text(part)], found


# --- places taken out ------------------------------------------------------------------------------------------------


def _take_out_places(draft: _ReadingDraft) -> list[_ReadingDraft]:
    """With the words that are places, or the places that the first word begins with, as where it must be."""
    drafts = []
    named = {at: here for at, word in enumerate(draft.words) if (here := parse_place(word))}
    rest = [word for at, word in enumerate(draft.words) if at not in named]
    found = [piece for here in named.values() for piece in here]
    if named and rest:
        drafts.append(_ReadingDraft(rest, [*draft.found, *found], draft.cost + 0.2))
    for at, word in enumerate(rest):
        left, here = split_places(word)
        if here and fold_text(left):
            told = [*draft.found, *found]
            drafts.append(_ReadingDraft([*rest[:at], left, *rest[at + 1 :]], [*told, *here], draft.cost + 0.3))
            last = here[-1].text
            if word.endswith(last + left) and (outer := [piece for piece in here if piece.text != last]):
                # 山东济南市妇幼保健院: the last place belongs to the name
                drafts.append(
                    _ReadingDraft([*rest[:at], last + left, *rest[at + 1 :]], [*told, *outer], draft.cost + 0.2)
                )
            break
    if heard := split_pinyin_place("".join(draft.words)):
        text, pieces = heard
        drafts.append(_ReadingDraft([text], [*draft.found, *pieces], draft.cost + 0.4))
    return drafts


def _take_out_army(draft: _ReadingDraft) -> list[_ReadingDraft]:
    """解放军940医院: an army hospital by its number, whatever now stands before that in its name."""
    words = [_ARMY.sub("", word) for word in draft.words]
    army = Understood(text="解放军", kind="category", value="military")
    return [_ReadingDraft(words, [*draft.found, army], draft.cost + 0.2)] if words != draft.words else []
