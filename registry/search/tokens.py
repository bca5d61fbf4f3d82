"""What is indexed of a document, and how a question asks for it: tokens every engine holds alike.

A token is a class letter and letters, digits or characters, so that one flat list serves any engine:

    x<name>   a whole name          b<1-3>   how a name begins
    n<1-2>    parts of a name       a<2>     parts of an address
    p<1-2>    syllables as heard    h<1>     the first of them
    i<2-3>    initials in a row     j<1-3>   initials a name begins with    y<all>  initials of a whole name
    r<2-6>    a region it lies in   q<2-6>   the most that is known of its place
    e<word>   words of its English name
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from itertools import pairwise
from typing import TypeVar

from registry.domain import name_words, regions
from registry.domain.english_words import split_words
from registry.search import english, pinyin
from registry.search.engine import AllOf, AnyOf, Expression, NameForm, PrefixTerm, SearchDocument, TokenTerm

#: Changes whenever tokens or documents do, so that an index of another make is built anew.
FORMAT = 3
_T = TypeVar("_T")
_UNIT = re.compile("[0-9a-z]+|.")
#: Between two syllables of one token; no syllable holds it.
_SEAM = "的"
#: Sounds and characters anywhere in a name are common: no more are asked for, what comes is judged.
_SOUNDS, _CHARACTERS = 3, 6
#: Of nothing but what nearly all names have, no more.
_FEW = 3
#: So many neighbours tell a name from all others.
_PAIRS = 20
_COMMON_CHARACTERS = "医院人民市第大学附属有限公司妇幼保健"
#: Neighbours that very many names have.
_COMMON_PAIRS = (
    frozenset(
        pair
        for words in (
            "人民医院",
            "市人民医院",
            "市妇幼保健院",
            "省妇幼保健院",
            "妇女儿童医院",
            "妇产医院",
            "妇产科医院",
            "中心医院",
            "大学附属医院",
            "医科大学附属第医院",
            "医学院附属",
            "中医药大学",
            "中医院",
            "总医院",
            "专科医院",
            "生殖医院",
            "区妇",
            "县人",
            "保健医院",
        )
        for pair in map("".join, pairwise(words))
    )
    | frozenset(f"第{n}" for n in range(10))
    | frozenset(f"{n}医" for n in range(10))
    | frozenset(f"{n}人" for n in range(10))
)


@cache
def _list_common_parts() -> frozenset[str]:
    """List the characters and syllables that nearly every name has: they tell nothing and are asked for least."""
    sounds = (sound for character in _COMMON_CHARACTERS for sound in pinyin.list_sounds(pinyin.to_atoms(character)))
    return frozenset((*_COMMON_CHARACTERS, *sounds))


def split_units(folded: str) -> list[str]:
    """Split folded text into its characters and its runs of letters or digits."""
    return _UNIT.findall(folded)


def list_tokens(document: SearchDocument) -> list[str]:
    """List every token of a document, each once, sorted."""
    tokens: set[str] = set()
    for form in document.forms:
        tokens.update(_list_name_tokens(form))
    tokens.update("a" + pair for pair in _pair_neighbours(split_units(document.place)))
    tokens.update("e" + word for word in english.list_indexed(split_words(document.english)))
    if document.region:
        code = regions.get_prefix(document.region)
        tokens.update("r" + code[:length] for length in (2, 4, 6) if len(code) >= length)
        tokens.add("q" + code)
    else:
        tokens.add("q")
    return sorted(tokens)


def _list_name_tokens(form: NameForm) -> Iterator[str]:
    text, bare = form.text, name_words.strip_optional(form.text)
    yield from ("x" + text, "x" + bare)
    yield from ("b" + text[:length] for length in range(1, 4))
    parts = split_units(text)
    yield from ("n" + part for part in parts)
    yield from ("n" + pair for pair in _pair_neighbours(parts))
    if bare != text:
        yield from ("n" + pair for pair in _pair_neighbours(split_units(bare)))
    readings = [[pinyin.blur_syllable(sound) for sound in pinyin.list_sounds(atom)] for atom in form.atoms.split()]
    yield from ("p" + sound for sounds in readings for sound in sounds)
    yield from ("h" + sound for sounds in readings[:1] for sound in sounds)
    for left, right in pairwise(readings):
        yield from (f"p{a}{_SEAM}{b}" for a in left for b in right)
    for initials in {pinyin.read_initials(form.atoms), pinyin.read_initials(form.atoms, digits=True)}:
        yield "y" + initials
        yield from ("j" + initials[:length] for length in range(1, 4))
        yield from ("i" + initials[at : at + length] for length in (2, 3) for at in range(len(initials) - length + 1))


def _pair_neighbours(parts: Sequence[str]) -> list[str]:
    return [a + b for a, b in pairwise(parts)]


# --- asking ----------------------------------------------------------------------------------------------------------


def _thin_out(pairs: list[_T]) -> list[_T]:
    """Return every second of many neighbours in a row, and the last: they hold every character, at half the cost.

    What they bring too much is found out when it is ranked.
    """
    return pairs if len(pairs) <= 3 else [*pairs[:-1:2][:_PAIRS], pairs[-1]]


def match_all(parts: Iterable[Expression]) -> Expression | None:
    """Match all parts; None without parts."""
    distinct = tuple(dict.fromkeys(parts))
    return distinct[0] if len(distinct) == 1 else AllOf(parts=distinct) if distinct else None


def match_any(parts: Iterable[Expression | None]) -> Expression | None:
    """Match any part; None without parts."""
    distinct = tuple(dict.fromkeys(part for part in parts if part is not None))
    return distinct[0] if len(distinct) == 1 else AnyOf(parts=distinct) if distinct else None


def match_whole_name(text: str) -> Expression:
    """Match names that are just this."""
    return TokenTerm(token="x" + text)


def match_name_start(text: str) -> Expression:
    """Match names that begin so, as far as three characters tell."""
    return TokenTerm(token="b" + text[:3])


def match_name(text: str) -> Expression | None:
    """Match names (all of one institution together) with every two neighbours; the last digits may go on."""
    parts = split_units(text)
    if len(parts) < 2:
        return match_all(_match_last("n", part) for part in parts)
    pairs = _pair_neighbours(parts)
    telling = [pair for pair in pairs if pair not in _COMMON_PAIRS]
    numbered = [pair for pair in pairs if any(character.isdigit() for character in pair)]
    chosen = _thin_out(telling or numbered or pairs)
    return match_all(_match_last("n", pair) if pair == pairs[-1] else TokenTerm(token="n" + pair) for pair in chosen)


def _match_last(kind: str, part: str) -> Expression:
    return PrefixTerm(token=kind + part) if part[-1].isascii() else TokenTerm(token=kind + part)


def match_characters(text: str) -> Expression | None:
    """Match names with the characters of the text in any order: enough of those that few names have."""
    return match_all(_select_telling([(part, TokenTerm(token="n" + part)) for part in split_units(text)])[:_CHARACTERS])


def is_telling(text: str) -> bool:
    """Whether a text has a character that not nearly every name has."""
    return any(part not in _list_common_parts() for part in split_units(text))


def match_address(text: str) -> Expression | None:
    """Match addresses with every two neighbours of the text."""
    pairs = _pair_neighbours(split_units(text))
    return match_all(
        _match_last("a", pair) if pair == pairs[-1] else TokenTerm(token="a" + pair) for pair in _thin_out(pairs)
    )


def match_address_but_one(text: str) -> Expression | None:
    """Match addresses with every two neighbours of the text but those at one place, where something may be left out."""
    pairs = _pair_neighbours(split_units(text))
    return match_any(
        match_all(TokenTerm(token="a" + pair) for pair in pairs[:at] + pairs[at + 1 :]) for at in range(len(pairs))
    )


def match_name_but_one(text: str, wrong: int) -> Expression | None:
    """Match names with every two neighbours of the text, or else every character, but for one wrong character.

    Without those that most names have; None when nothing else is left.
    """
    parts = split_units(text)
    pairs = [
        pair
        for at, pair in enumerate(_pair_neighbours(parts))
        if at not in (wrong - 1, wrong) and pair not in _COMMON_PAIRS
    ]
    alone = [part for at, part in enumerate(parts) if at != wrong and part not in _list_common_parts()]
    return match_all(TokenTerm(token="n" + part) for part in _thin_out(pairs) or alone)


def match_any_pair(text: str) -> Expression | None:
    """Match names with some two neighbours of the text; common ones count only if there are no others."""
    pairs = _pair_neighbours(split_units(text)) or split_units(text)
    telling = [pair for pair in pairs if pair not in _COMMON_PAIRS]
    return match_any(TokenTerm(token="n" + pair) for pair in telling or pairs)


def match_any_name() -> Expression:
    """Match nearly every name there is, by how it ends."""
    return AnyOf(parts=tuple(TokenTerm(token="n" + end) for end in "院心所部司"))


def match_english(wanted: Sequence[str]) -> Expression | None:
    """Match names that hold the words of a question that tell, in English, as they sound, or what they mean there."""
    words_wanted, is_all = english.select_wanted(wanted)
    in_english = (match_all if is_all else match_any)(TokenTerm(token="e" + word) for word in words_wanted)
    heard = (
        [] if is_all else [ways[0] for word in words_wanted if word.isalpha() and (ways := pinyin.cut_syllables(word))]
    )
    meant = [match_any(map(match_name, chinese)) for word in wanted if (chinese := english.list_chinese(word, wanted))]
    place = match_regions(english.find_places(wanted))
    in_chinese = match_all(part for part in (place, *meant) if part is not None) if place and meant else None
    return match_any(
        [in_english, in_chinese, *(match_sounds(way, in_a_row=True) for way in heard if _has_syllables(way))]
    )


def _has_syllables(way: Sequence[pinyin.SoundPiece]) -> bool:
    return len(way) > 1 and all(piece.kind == "s" for piece in way)


def match_regions(codes: Iterable[str]) -> Expression | None:
    """Match institutions in one of these regions, or of whose place too little is known to say."""
    terms: list[Expression] = []
    for code in codes:
        prefix = regions.get_prefix(code)
        terms += [
            TokenTerm(token="r" + prefix),
            *(TokenTerm(token="q" + prefix[:n]) for n in (2, 4) if n < len(prefix)),
        ]
    return match_any(terms)


def match_sounds(pieces: Sequence[pinyin.SoundPiece], in_a_row: bool) -> Expression | None:
    """Match names in which these syllables are heard, in a row or anywhere; initials among them narrow what follows."""
    if in_a_row:
        pairs = [(a, b, pair) for a, b in pairwise(pieces) if (pair := _match_sound_pair(a, b)) is not None]
        rare = [pair for a, b, pair in pairs if not (_is_common(a) and _is_common(b))]
        if pairs:
            return match_all(_thin_out(rare or [pair for _, _, pair in pairs]))
    sounds = [(piece.value, sound) for piece in pieces if (sound := _match_sound(piece)) is not None]
    return match_all(_select_telling(sounds))


def match_first_sound(pieces: Sequence[pinyin.SoundPiece]) -> Expression | None:
    """Match names that begin with the first of these syllables."""
    first = pieces[0]
    if first.kind in "sc":
        return match_any(TokenTerm(token="h" + pinyin.blur_syllable(sound)) for sound in _list_piece_sounds(first))
    return _match_syllable_start("h", first.value)


def _is_common(piece: pinyin.SoundPiece) -> bool:
    return piece.value.partition(".")[0] in _list_common_parts()


def _match_sound(piece: pinyin.SoundPiece) -> Expression | None:
    if piece.kind in "sc":
        return match_any(TokenTerm(token="p" + pinyin.blur_syllable(sound)) for sound in _list_piece_sounds(piece))
    return _match_syllable_start("p", piece.value) if piece.kind == "p" else None


def _match_syllable_start(kind: str, start: str) -> Expression | None:
    """Match names with a syllable that begins so, one by one: a prefix costs an engine all its lists at once."""
    return match_any(TokenTerm(token=kind + syllable) for syllable in _complete_syllable(start))


@lru_cache(maxsize=1024)
def _complete_syllable(start: str) -> tuple[str, ...]:
    return tuple(
        sorted({pinyin.blur_syllable(syllable) for syllable in pinyin.list_syllables() if syllable.startswith(start)})
    )


def _select_telling(wanted: Sequence[tuple[str, Expression]]) -> list[Expression]:
    """Leave out what nearly every name has, as long as others remain: an engine would read long lists for nothing."""
    rare = [expression for part, expression in wanted if part.partition(".")[0] not in _list_common_parts()]
    numbers = [expression for part, expression in wanted if part[0].isdigit()]
    if len(rare) >= 2:
        return rare
    return list(dict.fromkeys([*rare, *numbers, *(expression for _, expression in wanted)]))[:_FEW]


def match_homophones(text: str) -> Expression | None:
    """Match names in which the characters of a text are heard in a row, whatever they are written with."""
    return match_sounds(pinyin.to_pieces(text), in_a_row=True)


def match_scattered_homophones(text: str) -> Expression | None:
    """Match names in which the first telling sounds of a text are heard anywhere; None when there are too few."""
    telling = [
        piece for piece in pinyin.to_pieces(text) if not _list_common_parts() & set(pinyin.list_sounds(piece.value))
    ]
    sounds = [sound for piece in telling[:_SOUNDS] if (sound := _match_sound(piece)) is not None]
    return match_all(sounds) if len(sounds) >= 2 else None


def _match_sound_pair(left: pinyin.SoundPiece, right: pinyin.SoundPiece) -> Expression | None:
    if left.kind not in "sc" or right.kind == "p":
        return None
    ends = (
        [pinyin.blur_syllable(sound) for sound in _list_piece_sounds(right)]
        if right.kind in "sc"
        else _complete_syllable(right.value)
    )
    starts = [f"p{pinyin.blur_syllable(sound)}{_SEAM}" for sound in _list_piece_sounds(left)]
    return match_any(TokenTerm(token=start + end) for start in starts for end in ends)


def _list_piece_sounds(piece: pinyin.SoundPiece) -> list[str]:
    return pinyin.list_sounds(piece.value) if piece.kind == "c" else [piece.value]


def match_initials(letters: str) -> Expression | None:
    """Match names whose initials hold these letters in a row."""
    if len(letters) < 2:
        return TokenTerm(token="j" + letters) if letters else None
    if len(letters) == 2:
        return match_any([TokenTerm(token="i" + letters), TokenTerm(token="j" + letters)])
    return match_all(TokenTerm(token="i" + letters[at : at + 3]) for at in range(len(letters) - 2))


def match_whole_initials(letters: str) -> Expression:
    """Match names whose initials are these letters."""
    return AnyOf(parts=(TokenTerm(token="y" + letters), TokenTerm(token="j" + letters[:3])))
