"""Whether a question is heard in a name: its syllables in a row, or anywhere in their order as an abbreviation."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, NamedTuple

from registry.search.pinyin import SoundPiece, blur_syllable

#: Characters of 医院, with which a name may go on after what was heard.
_HOSPITAL = 2


class SoundMatch(NamedTuple):
    """Where the pieces of a question are heard in a name of ``name_length`` characters.

    ``exact``: as they are typed, not only as dialects blur them. ``characters`` are those they stand for, ``rest`` what
    follows them; without ``contiguous`` they are scattered over the name.
    """

    exact: bool
    contiguous: bool
    is_at_start: bool
    rest: str
    name_length: int
    characters: str

    @property
    def is_whole(self) -> bool:
        """Whether the name is nothing else."""
        return self.is_at_start and not self.rest

    @property
    def position(self) -> Literal["whole", "begins", "ends", "inside"]:
        """Where in the name it is heard; a name also ends so with nothing after it but 医院."""
        is_end = self.rest in ("", "医院")
        return "whole" if self.is_whole else "begins" if self.is_at_start else "ends" if is_end else "inside"


class _Atom(NamedTuple):
    character: str
    sounds: tuple[str, ...]
    loose_sounds: frozenset[str]


def find_sound_match(way: tuple[SoundPiece, ...], atoms: str) -> SoundMatch | None:
    """Find the best way to hear ``way`` in the atoms of a name: as typed before blurred, in a row before scattered."""
    name = _parse_atoms(atoms)
    if not _is_audible(way, name):
        return None
    for exact in (True, False):
        if (start := _find_run(way, name, exact)) is not None:
            end = start + len(way)
            characters = "".join(atom.character for atom in name[start:end])
            rest = "".join(atom.character for atom in name[end:])
            return SoundMatch(exact, True, start == 0, rest, len(name), characters)
        if scattered := _find_scattered(way, name, exact):
            return SoundMatch(exact, False, False, "", len(name), "".join(atom.character for atom in scattered))
    return None


def _is_audible(way: tuple[SoundPiece, ...], name: tuple[_Atom, ...]) -> bool:
    """Whether ``way`` is heard in a name at all: quickly, since it is asked of every name and most say no."""
    if (loose := _list_loose_sounds(way)) is None:
        return bool(_find_scattered(way, name, exact=False))
    rest = iter(name)
    for sounds in loose:
        for atom in rest:
            if not sounds.isdisjoint(atom.loose_sounds):
                break
        else:
            return False
    return True


@lru_cache(maxsize=1024)
def _list_loose_sounds(way: tuple[SoundPiece, ...]) -> tuple[frozenset[str], ...] | None:
    """List the blurred sounds of each piece; None with a piece that is no whole syllable."""
    if any(kind not in "cs" for kind, _ in way):
        return None
    return tuple(
        _parse_atom(value).loose_sounds if kind == "c" else frozenset((blur_syllable(value),)) for kind, value in way
    )


@lru_cache(maxsize=65536)
def _parse_atoms(atoms: str) -> tuple[_Atom, ...]:
    return tuple(_parse_atom(atom) for atom in atoms.split())


@lru_cache(maxsize=65536)
def _parse_atom(atom: str) -> _Atom:
    character, *sounds = atom.split(".")
    return _Atom(character, tuple(s.replace("v", "u") for s in sounds), frozenset(map(blur_syllable, sounds)))


@lru_cache(maxsize=65536)
def spell_atoms(atoms: str) -> str:
    """Spell a name in letters, by the first reading of each character."""
    return "".join(atom.split(".")[1] for atom in atoms.split() if "." in atom)


@lru_cache(maxsize=65536)
def find_characters(letters: str, atoms: str) -> str:
    """Find the characters of a name that are spelt so, by the first reading of each; nothing where none are."""
    sounds = [(atom[0], atom.split(".")[1]) for atom in atoms.split() if "." in atom]
    for start in range(len(sounds)):
        rest, characters = letters, ""
        for character, sound in sounds[start:]:
            if not rest.startswith(sound):
                break
            rest, characters = rest.removeprefix(sound), characters + character
            if not rest:
                return characters
    return ""


def _find_run(way: tuple[SoundPiece, ...], name: tuple[_Atom, ...], exact: bool) -> int | None:
    """Find where the pieces are heard in a row: at the beginning, else at the end, else the first place."""
    last = len(name) - len(way)
    starts: list[int] = [0, last, last - _HOSPITAL, *range(1, last)]
    for start in starts:
        if 0 <= start <= last:
            for at, piece in enumerate(way, start):
                if not _is_same_sound(piece, name[at], exact):
                    break
            else:
                return start
    return None


def _find_scattered(way: tuple[SoundPiece, ...], name: tuple[_Atom, ...], exact: bool) -> list[_Atom]:
    """Find the first atoms the pieces fit one after the other; none when one of them fits nowhere."""
    atoms: list[_Atom] = []
    rest = iter(name)
    for piece in way:
        for atom in rest:
            if _is_same_sound(piece, atom, exact):
                atoms.append(atom)
                break
        else:
            return []
    return atoms


def _is_same_sound(piece: SoundPiece, atom: _Atom, exact: bool) -> bool:
    kind, value = piece
    if kind == "s":
        return value.replace("v", "u") in atom.sounds if exact else blur_syllable(value) in atom.loose_sounds
    if kind == "c":
        own = _parse_atom(value)
        return own.character == atom.character if exact else not own.loose_sounds.isdisjoint(atom.loose_sounds)
    for sound in atom.sounds:  # noqa: SIM110 - this is where the time goes: no generator for every character
        if sound.startswith(value):
            return True
    return False
