"""What a word that a list prints wrongly was most likely meant to be; a person decides whether it was."""

from collections.abc import Iterable
from functools import cache

from rapidfuzz import fuzz, process

from registry.domain import regions
from registry.domain.techniques import STAGES, TECHNIQUES

#: How alike (0 to 100) a word must be to one that is known.
_ALIKE = 70.0


def suggest_technique(cell: str, printed: str) -> str | None:
    """The cell with the technique most like the one it prints in its place; None when none is like it.

    >>> suggest_technique("夫精人工受精、IVF", "夫精人工受精")
    '夫精人工授精、IVF'
    """
    near = _find_nearest(printed, _list_technique_words())
    return cell.replace(printed, near) if near else None


def suggest_stage(cell: str) -> str | None:
    """The stage most like the words of a cell; None when none is.

    >>> suggest_stage("正式云行"), suggest_stage("见附件")
    ('正式运行', None)
    """
    return _find_nearest(cell, tuple(words[0] for words in STAGES.values() if words))


def suggest_province(name: str) -> str | None:
    """The province most like a name; None when none is.

    >>> suggest_province("辽林省"), suggest_province("境外")
    ('辽宁省', None)
    """
    return _find_nearest(name, tuple(name for _, name in regions.list_children(None)), 60.0)


@cache
def _list_technique_words() -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for one in TECHNIQUES for word in (one.official_zh, *one.printed)))


def _find_nearest(text: str, words: Iterable[str], score: float = _ALIKE) -> str | None:
    found = process.extractOne(text, words, scorer=fuzz.ratio, score_cutoff=score)
    return str(found[0]) if found else None
