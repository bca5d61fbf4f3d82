"""The sound of names: characters with their readings, and letters cut into syllables.

An atom is one character with its readings, written ``长.chang.zhang``: the reading its words give it first, then the
others people may take it for. Letters as people type them are cut into pieces: whole syllables, single initials (sjyy),
and a last syllable that is not finished yet (shengj).
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import Any, NamedTuple

from registry.domain.normalise import normalise_width, simplify_script

#: Words that most names are made of: read once each, and what is between them is read on its own.
_COMMON_WORDS = re.compile(
    "(人民医院|中医医院|妇幼保健院|妇女儿童医院|妇产医院|中心医院|附属医院|医科大学|中医药大学|大学|医学院|附属|第|医院"
    "|妇幼|保健院|总医院|集团军|联勤保障部队|有限公司|有限责任公司|生殖|专科|门诊部|分院|院区)"
)
_PIECE = re.compile("[a-z]+|[0-9]+|[^a-z0-9]")
_DIGITS = str.maketrans("0123456789", "〇一二三四五六七八九")
_NUMERALS = {**{c: str(i) for i, c in enumerate("〇一二三四五六七八九")}, "零": "0", "○": "0"}
_SYLLABLE = re.compile("(?:[bpmfdtnlgkhjqxrzcsyw]|zh|ch|sh)?[aeiouv][a-z]{0,4}")
_INITIAL = re.compile("[zcs]h|[a-z]")
#: No more readings of one character, and no more ways to cut one run of letters, are worth trying.
_READINGS, _CUTS = 2, 4
_LONGEST_RUN = 60


@cache
def _load_library() -> Any:
    """Load pypinyin when the first reading is asked for: what asks for none starts a fifth of a second sooner.

    Equal readings become one object. The library's 47,000 words hold 1,250 different ones: 24 MiB of a process.
    """
    import pypinyin
    from pypinyin.constants import PHRASES_DICT

    shared: dict[str, list[str]] = {}
    for readings in PHRASES_DICT.values():
        readings[:] = [shared.setdefault(reading[0], reading) if len(reading) == 1 else reading for reading in readings]
    return pypinyin


def to_atoms(raw: str) -> str:
    """Return the characters of a text with their readings, a space before and after each; "" without any.

    >>> to_atoms("沈阳204医院")
    ' 沈.shen.chen 阳.yang 2.er 0.ling 4.si 医.yi 院.yuan '
    """
    text = "".join(c for c in simplify_script(normalise_width(raw)).lower() if c.isalnum())
    atoms = [atom for part in _COMMON_WORDS.split(_spell_numbers(text)) if part for atom in _read_aloud(part)]
    return f" {' '.join(atoms)} " if atoms else ""


def _spell_numbers(text: str) -> str:
    return "".join(
        _spell_number(piece) if piece[0].isdigit() and piece.isascii() else piece for piece in _PIECE.findall(text)
    )


def _spell_number(digits: str) -> str:
    """Spell digits as they are said: ordinals as numbers, long ones digit by digit (12 -> 十二, 204 -> 二〇四)."""
    if len(digits) == 2 and digits[0] != "0":
        tens, ones = tuple(digits.translate(_DIGITS))
        return f"{'' if tens == '一' else tens}十{'' if ones == '〇' else ones}"
    return digits.translate(_DIGITS)


@lru_cache(maxsize=65536)
def _read_aloud(part: str) -> tuple[str, ...]:
    """Return one stretch of characters as atoms; letters stay together."""
    pieces = _PIECE.findall(part)
    characters = [piece for piece in pieces if not piece.isascii()]
    # as one text, so that words give the reading: 厦门 is xiamen, 大厦 dasha
    read = _load_library().lazy_pinyin
    readings = read("".join(characters), v_to_u=False)
    if len(readings) != len(characters):  # what has no reading comes back in one piece
        readings = read(characters, v_to_u=False)
    sounds = iter(readings)
    return tuple(
        f"{piece}.{piece}"
        if piece.isascii()
        else ".".join((_NUMERALS.get(piece, piece), *_list_readings(piece, next(sounds))))
        for piece in pieces
    )


@lru_cache(maxsize=65536)
def _list_readings(character: str, reading: str) -> tuple[str, ...]:
    if character == "〇":  # also a circle, yuan, but not in a number
        return (reading,)
    library = _load_library()
    others = library.pinyin(character, style=library.Style.NORMAL, heteronym=True)[0]
    return tuple(dict.fromkeys((reading, *others)))[:_READINGS]


def list_sounds(atom: str) -> list[str]:
    """List the readings of an atom."""
    return atom.strip().split(".")[1:]


@lru_cache(maxsize=65536)
def read_initials(atoms: str, digits: bool = False) -> str:
    """Return the initials of atoms; numerals as they are read, or as digits (204yy)."""
    return "".join(atom[0] if digits and atom[0].isdigit() else atom.partition(".")[2][:1] for atom in atoms.split())


def to_letters(text: str) -> str:
    """Return a text as it is spelt in letters, by the first reading of each character."""
    return "".join(atom.split(".")[1] for atom in to_atoms(text).split())


@lru_cache(maxsize=4096)
def blur_syllable(syllable: str) -> str:
    """Drop from a syllable what speakers of many dialects do not tell apart: zh/z, ch/c, sh/s, n/l, -ng/-n, ü/u.

    >>> blur_syllable("sheng"), blur_syllable("xiang"), blur_syllable("nv")
    ('sen', 'xian', 'lu')
    """
    plain = syllable.replace("v", "u")
    if plain[:2] in ("zh", "ch", "sh"):
        plain = plain[0] + plain[2:]
    if plain[:1] == "n" and len(plain) > 1:
        plain = "l" + plain[1:]
    return plain[:-1] if plain.endswith(("ang", "eng", "ing")) else plain


# --- letters ---------------------------------------------------------------------------------------------------------


class SoundPiece(NamedTuple):
    """A piece of a question typed in letters: "s" a whole syllable, "i" an initial, "p" the beginning of a syllable, or
    "c" a character; ``value`` is the letters, or the character's atom."""

    kind: str
    value: str


@lru_cache(maxsize=1024)
def to_pieces(text: str) -> tuple[SoundPiece, ...]:
    """Return the characters of a text as pieces."""
    return tuple(SoundPiece("c", atom) for atom in to_atoms(text).split())


@cache
def list_syllables() -> frozenset[str]:
    """List every syllable of the language, without tones; ü is v."""
    toned = {tone for tones in _load_library().pinyin_dict.pinyin_dict.values() for tone in tones.split(",")}
    plain = {_remove_tone(syllable) for syllable in toned}
    return frozenset(syllable for syllable in plain if _SYLLABLE.fullmatch(syllable))


def _remove_tone(syllable: str) -> str:
    parts = unicodedata.normalize("NFD", syllable).replace("u\u0308", "v")
    return "".join(c for c in parts if not unicodedata.combining(c))


@cache
def _list_beginnings() -> frozenset[str]:
    return frozenset(syllable[:length] for syllable in list_syllables() for length in range(1, len(syllable) + 1))


@lru_cache(maxsize=4096)
def cut_syllables(run: str) -> tuple[tuple[SoundPiece, ...], ...]:
    """Cut a run of letters in the likeliest ways, best first: as few single letters as can be, then as few pieces.

    >>> ["'".join(piece.value for piece in way) for way in cut_syllables("xian")]
    ['xian', "xi'an"]
    >>> [piece.kind for piece in cut_syllables("shengj")[0]]
    ['s', 'i']
    """
    ways = _find_cuts(run[:_LONGEST_RUN], {})
    fewest = min((price for (price, _), _ in ways), default=0)
    return tuple(way for (price, _), way in ways if price == fewest)


_Ways = list[tuple[tuple[int, int], tuple[SoundPiece, ...]]]


def _find_cuts(run: str, cuts: dict[str, _Ways]) -> _Ways:
    if not run:
        return [((0, 0), ())]
    if run in cuts:
        return cuts[run]
    ways: _Ways = []
    for length in range(1, min(6, len(run)) + 1):
        head = run[:length]
        if head in list_syllables():
            piece, price = SoundPiece("s", head), 0
        elif _INITIAL.fullmatch(head):
            piece, price = SoundPiece("i", head), 1
        elif length == len(run) and head in _list_beginnings():
            piece, price = SoundPiece("p", head), 0
        else:
            continue
        ways += [((p + price, n + 1), (piece, *rest)) for (p, n), rest in _find_cuts(run[length:], cuts)]
    ways.sort(key=lambda way: way[0])
    cuts[run] = ways[:_CUTS]
    return cuts[run]
