"""What is indexed of a document, and how a question asks for it: tokens every engine holds alike.

A token is a class letter and letters, digits or characters, so that one flat list serves any engine:

    x<name>   a whole name          b<1-3>   how a name begins
    n<1-2>    parts of a name       a<2>     parts of an address
    p<1-2>    syllables as heard    h<1>     the first of them
    i<2-3>    initials in a row     j<1-3>   initials a name begins with    y<all>  initials of a whole name
    r<2-6>    a region it lies in   q<2-6>   the most that is known of its place
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TypeVar

from registry.domain import regions
from registry.search import pinyin, words
from registry.search.common import COMMON_PAIRS, EVERYWHERE
from registry.search.contract import AllOf, AnyOf, Expression, NameForm, PrefixTerm, SearchDocument, TokenTerm

#: Changes whenever tokens or documents do, so that an index of another make is built anew.
FORMAT = 1
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


def split_units(folded: str) -> list[str]:
    """Folded text as its characters and its runs of letters or digits."""
    return _UNIT.findall(folded)


def list_tokens(document: SearchDocument) -> list[str]:
    """Every token of a document, each once, sorted."""
    found: set[str] = set()
    forms = (*document.names, *document.aliases, *document.known_as, *document.former)
    for form in forms:
        found.update(_list_name_tokens(form))
    found.update("a" + pair for pair in _pair_neighbours(split_units(document.place)))
    if document.region:
        code = regions.get_prefix(document.region)
        found.update("r" + code[:length] for length in (2, 4, 6) if len(code) >= length)
        found.add("q" + code)
    else:
        found.add("q")
    return sorted(found)


def _list_name_tokens(form: NameForm) -> Iterator[str]:
    text, bare = form.text, words.strip_optional(form.text)
    yield from ("x" + text, "x" + bare)
    yield from ("b" + text[:length] for length in range(1, 4))
    parts = split_units(text)
    yield from ("n" + part for part in parts)
    yield from ("n" + pair for pair in _pair_neighbours(parts))
    if bare != text:
        yield from ("n" + pair for pair in _pair_neighbours(split_units(bare)))
    atoms = form.atoms.split()
    readings = [[pinyin.blur_syllable(one) for one in atom.split(".")[1:]] for atom in atoms]
    yield from ("p" + one for some in readings for one in some)
    yield from ("h" + one for some in readings[:1] for one in some)
    for left, right in pairwise(readings):
        yield from (f"p{a}{_SEAM}{b}" for a in left for b in right)
    for sounds in {_read_initials(atoms), _read_initials(atoms, digits=True)}:
        yield "y" + sounds
        yield from ("j" + sounds[:length] for length in range(1, 4))
        yield from ("i" + sounds[at : at + length] for length in (2, 3) for at in range(len(sounds) - length + 1))


def _read_initials(atoms: Iterable[str], digits: bool = False) -> str:
    """Initials of atoms; numerals as they are read, or as digits (204yy)."""
    return "".join(atom[0] if digits and atom[0].isdigit() else atom.partition(".")[2][0] for atom in atoms)


def _pair_neighbours(parts: Sequence[str]) -> list[str]:
    return [a + b for a, b in pairwise(parts)]


# --- asking ----------------------------------------------------------------------------------------------------------


def _thin_out(pairs: list[_T]) -> list[_T]:
    """Every second of many neighbours in a row, and the last: they hold every character, and cost half the reading.

    What they bring too much is found out when it is judged.
    """
    return pairs if len(pairs) <= 3 else [*pairs[:-1:2][:_PAIRS], pairs[-1]]


def match_all(parts: Iterable[Expression]) -> Expression | None:
    """All of them; None of none."""
    found = tuple(dict.fromkeys(parts))
    return found[0] if len(found) == 1 else AllOf(parts=found) if found else None


def match_any(parts: Iterable[Expression | None]) -> Expression | None:
    """Any of them; None of none."""
    found = tuple(dict.fromkeys(part for part in parts if part is not None))
    return found[0] if len(found) == 1 else AnyOf(parts=found) if found else None


def match_whole_name(text: str) -> Expression:
    """Names that are just this."""
    return TokenTerm(token="x" + text)


def match_name_start(text: str) -> Expression:
    """Names that begin so, as far as three characters tell."""
    return TokenTerm(token="b" + text[:3])


def match_name(text: str) -> Expression | None:
    """Names (all of one institution together) with every two neighbours of the text; its last digits may go on."""
    parts = split_units(text)
    if len(parts) < 2:
        return match_all(_match_last("n", part) for part in parts)
    pairs = _pair_neighbours(parts)
    telling = [pair for pair in pairs if pair not in COMMON_PAIRS]
    numbered = [pair for pair in pairs if any(character.isdigit() for character in pair)]
    kept = _thin_out(telling or numbered or pairs)
    return match_all(_match_last("n", pair) if pair == pairs[-1] else TokenTerm(token="n" + pair) for pair in kept)


def _match_last(kind: str, part: str) -> Expression:
    return PrefixTerm(token=kind + part) if part[-1].isascii() else TokenTerm(token=kind + part)


def match_characters(text: str) -> Expression | None:
    """Names with the characters of the text, in whatever order: enough of those that not nearly all names have."""
    return match_all(_select_telling([(part, TokenTerm(token="n" + part)) for part in split_units(text)])[:_CHARACTERS])


def is_telling(text: str) -> bool:
    """Whether a text has a character that not nearly every name has."""
    return any(part not in EVERYWHERE for part in split_units(text))


def match_address(text: str) -> Expression | None:
    """Addresses with every two neighbours of the text."""
    pairs = _pair_neighbours(split_units(text))
    return match_all(
        _match_last("a", pair) if pair == pairs[-1] else TokenTerm(token="a" + pair) for pair in _thin_out(pairs)
    )


def match_address_but_one(text: str) -> Expression | None:
    """Addresses with every two neighbours of the text but those at one place, where something may be left out."""
    pairs = _pair_neighbours(split_units(text))
    return match_any(
        match_all(TokenTerm(token="a" + p) for p in pairs[:at] + pairs[at + 1 :]) for at in range(len(pairs))
    )


def match_name_but_one(text: str, wrong: int) -> Expression | None:
    """Names with every two neighbours of the text, or else every character, that one wrong character leaves right.

    Without those that most names have; None when nothing else is left.
    """
    parts = split_units(text)
    pairs = [
        pair
        for at, pair in enumerate(_pair_neighbours(parts))
        if at not in (wrong - 1, wrong) and pair not in COMMON_PAIRS
    ]
    alone = [part for at, part in enumerate(parts) if at != wrong and part not in EVERYWHERE]
    return match_all(TokenTerm(token="n" + one) for one in _thin_out(pairs) or alone)


def match_any_pair(text: str) -> Expression | None:
    """Names with some two neighbours of the text; those that most names have count only if there are no others."""
    pairs = _pair_neighbours(split_units(text)) or split_units(text)
    telling = [pair for pair in pairs if pair not in COMMON_PAIRS]
    return match_any(TokenTerm(token="n" + pair) for pair in telling or pairs)


def match_regions(codes: Iterable[str]) -> Expression | None:
    """Institutions in one of these regions, or of whose place too little is known to say."""
    found: list[Expression] = []
    for code in codes:
        prefix = regions.get_prefix(code)
        found += [
            TokenTerm(token="r" + prefix),
            *(TokenTerm(token="q" + prefix[:n]) for n in (2, 4) if n < len(prefix)),
        ]
    return match_any(found)


def match_sounds(pieces: Sequence[pinyin.SoundPiece], in_a_row: bool) -> Expression | None:
    """Names in which these syllables are heard, in a row or anywhere; initials among them narrow what follows."""
    if in_a_row:
        pairs = [(a, b, pair) for a, b in pairwise(pieces) if (pair := _match_sound_pair(a, b)) is not None]
        rare = [pair for a, b, pair in pairs if not (_is_common(a) and _is_common(b))]
        if pairs:
            return match_all(_thin_out(rare or [pair for _, _, pair in pairs]))
    return match_all(
        _select_telling([(piece.value, one) for piece in pieces if (one := _match_sound(piece)) is not None])
    )


def match_first_sound(pieces: Sequence[pinyin.SoundPiece]) -> Expression | None:
    """Names that begin with the first of these syllables."""
    first = pieces[0]
    if first.kind in "sc":
        return match_any(TokenTerm(token="h" + pinyin.blur_syllable(one)) for one in _list_sounds(first))
    return _match_syllable_start("h", first.value)


def _is_common(piece: pinyin.SoundPiece) -> bool:
    return piece.value.partition(".")[0] in EVERYWHERE


def _match_sound(piece: pinyin.SoundPiece) -> Expression | None:
    if piece.kind in "sc":
        return match_any(TokenTerm(token="p" + pinyin.blur_syllable(one)) for one in _list_sounds(piece))
    return _match_syllable_start("p", piece.value) if piece.kind == "p" else None


def _match_syllable_start(kind: str, begun: str) -> Expression | None:
    """Names with a syllable that begins so: said one by one, since an engine reads all lists of a beginning at once."""
    return match_any(TokenTerm(token=kind + one) for one in _complete_syllable(begun))


@lru_cache(maxsize=1024)
def _complete_syllable(begun: str) -> tuple[str, ...]:
    return tuple(sorted({pinyin.blur_syllable(one) for one in pinyin.list_syllables() if one.startswith(begun)}))


def _select_telling(wanted: Sequence[tuple[str, Expression]]) -> list[Expression]:
    """Without what nearly every name has, as long as others remain: an engine would read long lists for nothing."""
    rare = [expression for part, expression in wanted if part.partition(".")[0] not in EVERYWHERE]
    numbers = [expression for part, expression in wanted if part[0].isdigit()]
    if len(rare) >= 2:
        return rare
    return list(dict.fromkeys([*rare, *numbers, *(expression for _, expression in wanted)]))[:_FEW]


def match_homophones(text: str) -> Expression | None:
    """Names in which the characters of a text are heard in a row, whatever they are written with."""
    return match_sounds(_to_pieces(text), in_a_row=True)


def match_scattered_homophones(text: str) -> Expression | None:
    """Names in which the first telling sounds of a text are heard anywhere; None when there are too few."""
    telling = [piece for piece in _to_pieces(text) if not EVERYWHERE & set(piece.value.split(".")[1:])]
    heard_ones = [one for piece in telling[:_SOUNDS] if (one := _match_sound(piece)) is not None]
    return match_all(heard_ones) if len(heard_ones) >= 2 else None


def _to_pieces(text: str) -> list[pinyin.SoundPiece]:
    return [pinyin.SoundPiece("c", atom) for atom in pinyin.to_atoms(text).split()]


def _match_sound_pair(left: pinyin.SoundPiece, right: pinyin.SoundPiece) -> Expression | None:
    if left.kind not in "sc" or right.kind == "p":
        return None
    ends = (
        [pinyin.blur_syllable(one) for one in _list_sounds(right)]
        if right.kind in "sc"
        else _complete_syllable(right.value)
    )
    starts = [f"p{pinyin.blur_syllable(one)}{_SEAM}" for one in _list_sounds(left)]
    return match_any(TokenTerm(token=start + end) for start in starts for end in ends)


def _list_sounds(piece: pinyin.SoundPiece) -> list[str]:
    return piece.value.split(".")[1:] if piece.kind == "c" else [piece.value]


def match_initials(letters: str) -> Expression | None:
    """Names whose initials hold these letters in a row."""
    if len(letters) < 2:
        return TokenTerm(token="j" + letters) if letters else None
    if len(letters) == 2:
        return match_any([TokenTerm(token="i" + letters), TokenTerm(token="j" + letters)])
    return match_all(TokenTerm(token="i" + letters[at : at + 3]) for at in range(len(letters) - 2))


def match_whole_initials(letters: str) -> Expression:
    """Names whose initials are these letters."""
    return AnyOf(parts=(TokenTerm(token="y" + letters), TokenTerm(token="j" + letters[:3])))
