"""How long the words of a table are that begin with a character: so that a text is not compared with every length."""

from __future__ import annotations

from collections.abc import Iterable


def index_lengths(words: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """Map each first character to the lengths of the words that begin with it, the longest first.

    >>> index_lengths(["医院", "医", "中心"])
    {'医': (2, 1), '中': (2,)}
    """
    lengths: dict[str, set[int]] = {}
    for word in words:
        lengths.setdefault(word[0], set()).add(len(word))
    return {first: tuple(sorted(of_first, reverse=True)) for first, of_first in lengths.items()}
