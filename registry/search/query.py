"""Understanding a question: which parts are a place, a technique or a stage, and which are a name or an address.

A question has several readings, and which of them was meant is seen only beside the institutions there are:
西安高新医院 is one, 西安唐都医院 is 唐都医院 in 西安. So every reading is tried, the plainest first, and ``ranking``
compares what they give. A question may also name a person beside an institution: people are found by both together, and
nobody can list them or look for a name across institutions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import product

from msgspec.structs import replace

from registry.domain.name_alignment import is_formal
from registry.domain.name_words import expand_nicknames, split_name
from registry.domain.normalise import fold_text, normalise_width, simplify_script
from registry.search import english, pinyin
from registry.search.costs import COSTS
from registry.search.filter_readings import make_filter_reading, parse_filters
from registry.search.pinyin import SoundPiece
from registry.search.places import parse_place, raise_to_province, split_pinyin_places, split_places
from registry.search.readings import QueryReading, SearchQuery, Understood
from registry.search.vocabulary import DEPARTMENT, FAMILY_NAMES, LEFT_AFTER, LEFT_BEFORE, NEVER_IN_NAMES, find_word

#: Characters that are read of a question: more than the longest name with its address has.
MAX_LENGTH = 120
#: No question is read in more words or more ways than this; only so many runs of letters are cut in a second way.
_WORDS_READ, _WAYS, _RUNS_CUT = 12, 4, 6
_APART = re.compile(r"[\s,，、/;；。？?!！:：+|]+|(?<=[a-zA-Z])['’´`](?=[a-zA-Z])")
_RUN = re.compile("[a-z]+|[^a-z]+")
#: The letter O for a zero, as it is typed: 第9O1医院, 九八O医院.
_ZERO = re.compile("(?<=[0-9〇零一二三四五六七八九第])o+(?![a-z])")
#: What is asked of an address, behind it.
_BEHIND_NUMBER = re.compile(
    "(?<=[0-9]号)[的是那这有旁附]?[个家所边近里]?(?:哪[家个所]|什么|的)?(?:医院|诊所|机构|地方)$"
)
#: Roads are mistaken for streets: the word before a number, and what it may be instead.
_ROAD = re.compile("(?<=..)(路|大街|街|大道)(?=[0-9])")
_ROADS = {"路": ("街", "大街"), "街": ("路",), "大街": ("街", "路"), "大道": ("路", "大街")}
#: The 人民医院 of a county is called its 医院.
_COUNTY = re.compile("(?<=..[县州旗])医院$")
#: What army hospitals were called before their number, and often still are.
_ARMY = re.compile("(?:中国人民)?解放军(?=第?[0-9〇零一二三四五六七八九])")

#: What names more institutions than this names none: their people are not looked at.
PEOPLE_INSTITUTIONS = 5
#: A word that tells an institution from others: 医院 does not, 妇婴 does. See ``name_words.split_name``.
_TELLING = 0.4
_SHORTEST_PERSON, _LONGEST_PERSON = 2, 12
_PERSON_READINGS = 2
#: A name written right after its institution's: so long at most, and the institution's at least so long.
_LONGEST_ATTACHED, _LEAST_LEFT = 4, 4


@lru_cache(maxsize=2048)
def understand_question(raw: str) -> SearchQuery:
    """Read a question in all its ways. Never fails: what is not understood is text."""
    typed = simplify_script(normalise_width(raw[:MAX_LENGTH]))
    text = prepare_text(raw)
    text = _BEHIND_NUMBER.sub("", _ZERO.sub(lambda run: "0" * len(run[0]), text))
    words = _join_characters(word for word in _APART.split(text) if fold_text(word))[:_WORDS_READ]
    if not words:
        return SearchQuery(raw=raw)
    filters = parse_filters(words)
    spoken = english.read_words(typed)
    in_english = [
        QueryReading(english=named, whole=fold_text(text), cost=COSTS["reading.letters"] * at)
        for at, named in enumerate(spoken, start=1)
    ]
    if in_english and english.is_english(typed):
        filters = parse_filters([word for word in words if not english.is_around(word)])
        if filters is not None and len(filters.regions) > 1 and english.is_formal(spoken[0]):
            filters = None  # a place that is not in the other is a part of the name
        is_sentence = english.is_sentence(raw)
        is_name = english.is_formal(spoken[0]) and filters is None and not is_sentence
        return SearchQuery(
            raw=raw,
            readings=tuple(in_english),
            listing=filters,
            listing_first=filters is not None,
            is_name=is_name,
            is_sentence=is_sentence,
        )
    plain = _ReadingDraft(words)
    drafts = [plain]
    bare = _take_out_words(plain)
    if bare.words != plain.words:
        drafts.append(bare)
    drafts += [placed for draft in drafts[-1:] for placed in (*_take_out_places(draft), *_take_out_army(draft))]
    drafts += [other for draft in drafts for other in (*_replace_roads(draft), *_complete_counties(draft))]
    readings = in_english + [reading for draft in drafts if draft.words for reading in draft.make_readings()]
    readings.sort(key=lambda reading: reading.cost)
    first = filters is not None and (
        any(piece.kind != "region" for piece in filters.understood)
        or fold_text(filters.understood[0].text) == fold_text(text)
    )
    has_name = bare.words == plain.words and any(is_formal(word) and not parse_filters([word]) for word in words)
    is_sentence = bool(NEVER_IN_NAMES.search(text))
    is_name = len(words) == 1 and is_formal(plain.whole) and bare.words == plain.words and not is_sentence
    return SearchQuery(
        raw=raw,
        readings=tuple(dict.fromkeys(readings)),
        listing=filters,
        listing_first=first,
        is_name=is_name,
        has_name=has_name,
        is_sentence=is_sentence,
    )


def prepare_text(raw: str) -> str:
    """Prepare a question for reading: one width, script and case; places and techniques by their Chinese names."""
    typed = simplify_script(normalise_width(raw[:MAX_LENGTH]))
    return raise_to_province(expand_nicknames(english.replace_phrases(typed).lower()))


def _join_characters(words: Iterable[str]) -> list[str]:
    """Join single characters that follow one another: 沈 阳 市 妇 婴 is one name typed apart.

    >>> _join_characters(["盛", "京", "医", "院", "沈阳"])
    ['盛京医院', '沈阳']
    """
    joined: list[str] = []
    was_single = False
    for word in words:
        is_single = len(word) == 1 and not word.isascii()
        if is_single and was_single:
            joined[-1] += word
        else:
            joined.append(word)
        was_single = is_single
    return joined


class _ReadingDraft:
    """Words still to be looked for, and what was taken out of them."""

    def __init__(
        self, words: Sequence[str], found: Iterable[Understood] = (), cost: float = 0.0, whole: str | None = None
    ) -> None:
        self.words = [word for word in words if fold_text(word)]
        self.found = tuple(found)
        self.cost = cost
        self.whole = fold_text("".join(self.words)) if whole is None else whole

    def make_readings(self) -> list[QueryReading]:
        """Make its readings: as characters; or, with letters, as sounds and as initials."""
        folded = tuple(fold_text(word) for word in self.words)
        base = replace(make_filter_reading(self.found, self.cost), whole=self.whole)
        dearer = replace(base, cost=self.cost + COSTS["reading.letters"])
        text = "".join(folded)
        if not re.search("[a-z]", text):
            return [replace(base, text=text, parts=folded if len(folded) > 1 else ())]
        readings = []
        is_spelt = text.isascii() and len(text) <= 24
        if is_spelt:
            readings.append(replace(dearer, letters=text))
        if ways := _list_ways(self.words, bare_initials=not is_spelt):
            readings.append(replace(base, ways=ways))
        if not text.isascii() or len(text) == 1:
            readings.append(replace(dearer, text=text))
        return readings


# --- letters ---------------------------------------------------------------------------------------------------------


def _list_ways(words: Sequence[str], bare_initials: bool) -> tuple[tuple[SoundPiece, ...], ...]:
    """List the ways a question with letters may sound: characters as they are, runs of letters cut into syllables.

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
    ways: list[tuple[SoundPiece, ...]] = []
    for choice in product(*(options[: 2 if at < _RUNS_CUT else 1] for at, options in enumerate(runs))):
        way = tuple(piece for part in choice for piece in part)
        if bare_initials or any(piece.kind != "i" for piece in way):
            ways.append(way)
        if len(ways) == _WAYS:
            break
    return tuple(ways) + tuple(_leave_open(way) for way in ways if _may_go_on(way[-1]))


def _may_go_on(last: SoundPiece) -> bool:
    """Whether a syllable may still be typed on: sha is the beginning of shan."""
    return last.kind == "s" and any(
        syllable.startswith(last.value) and syllable != last.value for syllable in pinyin.list_syllables()
    )


def _leave_open(way: tuple[SoundPiece, ...]) -> tuple[SoundPiece, ...]:
    return (*way[:-1], SoundPiece("p", way[-1].value))


# --- words taken out -------------------------------------------------------------------------------------------------


def _take_out_words(draft: _ReadingDraft) -> _ReadingDraft:
    """Take out techniques, stages, kinds and words about a department, wherever they stand."""
    understood: list[Understood] = []
    rest: list[str] = []
    for word in draft.words:
        parts, pieces = _cut_words(word)
        understood += pieces
        rest += parts
    return _ReadingDraft(rest, understood, COSTS["reading.words_out"])


def _cut_all_words(words: Iterable[str]) -> list[str]:
    return [part for word in words for part in _cut_words(word)[0]]


def _cut_words(word: str) -> tuple[list[str], list[Understood]]:
    parts, pieces, start, at = [], [], 0, 0
    while at < len(word):
        if match := find_word(word, at):
            length, piece = match
            pieces.append(piece)
        elif filler := DEPARTMENT.match(word, at):
            length = filler.end() - at
        else:
            at += 1
            continue
        parts.append(word[start:at].rstrip(LEFT_BEFORE))
        at = start = at + length
    parts.append(word[start:].lstrip(LEFT_AFTER) if start else word)
    return [part for part in parts if fold_text(part)], pieces


# --- places taken out ------------------------------------------------------------------------------------------------


def _take_out_places(draft: _ReadingDraft) -> list[_ReadingDraft]:
    """Take out the words that are places, or the places that the first word begins with, as where it must be."""
    drafts = []
    named = {at: places for at, word in enumerate(draft.words) if (places := parse_place(word))}
    rest = [word for at, word in enumerate(draft.words) if at not in named]
    understood = [*draft.found, *(piece for places in named.values() for piece in places)]
    if named and rest:
        drafts.append(_ReadingDraft(rest, understood, draft.cost + COSTS["reading.place_word_out"], draft.whole))
    for at, word in enumerate(rest):
        left, places = split_places(word)
        if places and fold_text(left):
            words = [*rest[:at], left, *rest[at + 1 :]]
            cost = draft.cost + COSTS["reading.place_begin_out"]
            drafts.append(_ReadingDraft(words, [*understood, *places], cost, draft.whole))
            last = places[-1].text
            if word.endswith(last + left) and (outer := [piece for piece in places if piece.text != last]):
                # 山东济南市妇幼保健院: the last place belongs to the name
                words = [*rest[:at], last + left, *rest[at + 1 :]]
                cost = draft.cost + COSTS["reading.outer_place_out"]
                drafts.append(_ReadingDraft(words, [*understood, *outer], cost, draft.whole))
            break
    for text, pieces in split_pinyin_places(draft.words):
        cost = draft.cost + COSTS["reading.spelt_place_out"]
        drafts.append(_ReadingDraft([text], [*draft.found, *pieces], cost, draft.whole))
    return drafts


def _take_out_army(draft: _ReadingDraft) -> list[_ReadingDraft]:
    """Take out 解放军 before a number: an army hospital by its number, whatever now stands before that in its name."""
    words = [_ARMY.sub("", word) for word in draft.words]
    army = Understood(text="解放军", kind="category", value="military")
    cost = draft.cost + COSTS["reading.army_out"]
    return [_ReadingDraft(words, [*draft.found, army], cost)] if words != draft.words else []


# --- words written for others ----------------------------------------------------------------------------------------


def _replace_roads(draft: _ReadingDraft) -> Iterator[_ReadingDraft]:
    """Read the road of an address as a street, or the other way."""
    for at, word in enumerate(draft.words):
        if found := _ROAD.search(word):
            for other in _ROADS[found[0]]:
                words = [*draft.words[:at], word[: found.start()] + other + word[found.end() :], *draft.words[at + 1 :]]
                yield _ReadingDraft(words, draft.found, draft.cost + COSTS["reading.other_road"])


def _complete_counties(draft: _ReadingDraft) -> Iterator[_ReadingDraft]:
    """Read the 医院 of a county as its 人民医院."""
    words = [_COUNTY.sub("人民医院", word) for word in draft.words]
    if words != draft.words:
        yield _ReadingDraft(words, draft.found, draft.cost + COSTS["reading.county_hospital"])


# --- a person taken out ----------------------------------------------------------------------------------------------


def split_off_person(query: SearchQuery) -> Iterator[tuple[QueryReading, str]]:
    """Yield (the question without it, the person's name folded), the likeliest first."""
    for reading in query.readings[:_PERSON_READINGS]:
        if not reading.text:
            continue
        for at in range(len(reading.parts) - 1, -1, -1):
            person = reading.parts[at]
            rest = (*reading.parts[:at], *reading.parts[at + 1 :])
            if _SHORTEST_PERSON <= len(person) <= _LONGEST_PERSON and _is_distinctive("".join(rest)):
                yield _remove_person(reading, "".join(rest), rest), person
        if not reading.parts:
            for length in range(_SHORTEST_PERSON, min(_LONGEST_ATTACHED, len(reading.text) - _LEAST_LEFT) + 1):
                if reading.text[-length] not in FAMILY_NAMES or not _is_distinctive(reading.text[:-length]):
                    continue
                yield _remove_person(reading, reading.text[:-length], ()), reading.text[-length:]


def _is_distinctive(name: str) -> bool:
    return any(word.weight >= _TELLING for word in split_name(name))


def _remove_person(reading: QueryReading, text: str, parts: tuple[str, ...]) -> QueryReading:
    return replace(reading, text=text, whole=text, parts=parts if len(parts) > 1 else ())
