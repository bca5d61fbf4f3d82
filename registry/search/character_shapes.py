"""How alike two characters are to the eye: typed for each other by shape, not by sound.

The table beside this module gives a character's four-corner code, a digit for the strokes at each corner and mostly a
fifth, and the parts it is made of. ``tests/shapes.py`` made it from two reference works that may be passed on.
"""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path


@cache
def _load_table() -> dict[str, str]:
    """Code and parts by character, parted by a tab; read when the first misspelt name is looked for."""
    lines = Path(__file__).with_name("character_shapes.tsv").read_text("utf-8").splitlines()
    return {line[0]: line[2:] for line in lines if not line.startswith("#")}


@lru_cache(maxsize=65536)
def compare_shapes(one: str, other: str) -> float:
    """0 (not alike) to 1 (easily mistaken) for two characters.

    >>> compare_shapes("毫", "亳") > 0.5, compare_shapes("沐", "沭") > 0.5, compare_shapes("山", "医")
    (True, True, 0.0)
    """
    if one == other:
        return 1.0
    first, second = split_character(one), split_character(other)
    if one in second or other in first:  # 洲 holds 州
        return 0.8
    shared = len(set(first) & set(second)) / max(len(first), len(second), 1)
    corners = _count_same_corners(one, other)
    if corners == 5:
        return max(0.8, shared)
    if shared >= 0.5:
        return 0.6 + 0.05 * corners
    if corners == 4:
        return 0.6
    return 0.5 if shared and corners == 3 else 0.0


def split_character(character: str) -> str:
    """The parts a character is made of; none for one that is not in the table.

    >>> split_character("洲"), split_character("A")
    ('水州', '')
    """
    return _load_table().get(character, "").partition("\t")[2]


def _count_same_corners(one: str, other: str) -> int:
    """0 to 5; all four corners count as five, since the fifth digit only tells such characters apart."""
    first, second = (_load_table().get(character, "").partition("\t")[0] for character in (one, other))
    if first and first[:4] == second[:4]:
        return 5
    return sum(a == b for a, b in zip(first, second, strict=False))
