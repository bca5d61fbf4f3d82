"""Order of candidates, and why each fits. Pure: the same on every engine that finds the same candidates."""

from __future__ import annotations

from rapidfuzz import fuzz

from registry.search.contract import Document, MatchKind, SearchQuery

#: Below this share of shared characters a candidate is not what was meant.
SIMILAR_ENOUGH = 70.0


def judged(query: SearchQuery, document: Document) -> tuple[tuple[float, ...], MatchKind] | None:
    """(sort key, why) of a document for a question, or None when it does not fit."""
    if not query.text:
        return _key(0, document, 0), "filter"
    text = query.text
    best: tuple[tuple[float, ...], MatchKind] | None = None
    named: list[tuple[MatchKind, tuple[str, ...]]] = [
        ("name", (document.name,)),
        ("alias", document.aliases),
        ("former_name", document.former),
    ]
    for penalty, (kind, names) in enumerate(named):
        for name in names:
            tier = _tier(text, name)
            if tier is not None:
                match: MatchKind = "abbreviation" if tier == 3 and kind == "name" else kind
                candidate = _key(tier * 3 + penalty, document, len(name) - len(text)), match
                best = candidate if best is None else min(best, candidate)
    if best is None and text in document.place:
        best = _key(15, document, 0), "address"
    if best is None and (similar := _similarity(text, document)) >= SIMILAR_ENOUGH:
        best = _key(20 + (100 - similar), document, 0), "similar"
    return best


def _key(tier: float, document: Document, excess: int) -> tuple[float, ...]:
    # Delisted institutions come after listed ones of the same tier; then the shorter name.
    return (tier, 0 if document.listed else 1, excess)


def _tier(text: str, name: str) -> int | None:
    if name == text:
        return 0
    if name.startswith(text):
        return 1
    if text in name:
        return 2
    if len(text) >= 3 and _in_order(text, name):
        return 3
    return None


def _in_order(text: str, name: str) -> bool:
    """Whether the characters of ``text`` appear in ``name`` in that order (吉大一院 in 吉林大学第一医院)."""
    rest = iter(name)
    # Numerals were folded to Arabic, so 一院 and 第一医院 meet as 1.
    return all(character in rest for character in text)


def _similarity(text: str, document: Document) -> float:
    names = (document.name, *document.aliases, *document.former)
    return max(fuzz.ratio(text, name) for name in names)
