"""Understanding a question: which parts are a place, a technique or a stage, and which are a name or an address.

A place inside a name stays in the name (北京家圆医院); a place or technique is a filter only when it stands as a word
of its own, or when the whole question is made of such words (郑州三代试管).
"""

from __future__ import annotations

import re

import msgspec

from registry import regions, techniques
from registry.search.contract import SearchQuery, Understood
from registry.techniques import BY_CODE, STAGES, TECHNIQUES, Stage, TechniqueCode
from registry.text import fold, simplified, width

MAX_LENGTH = 200
#: Words around a question that say nothing about which institution.
_FILLER = re.compile(
    "(?:有?哪些|哪里|哪家|有没有|可以|能够?|做|的|医疗机构|医院|机构|名单|名录|技术|在|和|及|与|[\\s,，、/?？]+)"
)
_SPACES = re.compile(r"[\s,，、/]+")


def _vocabulary() -> list[tuple[str, str, str]]:
    words: list[tuple[str, str, str]] = []
    for technique in TECHNIQUES:
        for word in (technique.code, *technique.printed, *technique.said):
            words.append((fold(word), "technique", technique.code))
    for stage, printed in STAGES.items():
        words += [(fold(word), "stage", stage) for word in printed]
    return sorted(words, key=lambda word: -len(word[0]))


_WORDS = _vocabulary()


def understand(raw: str) -> SearchQuery:
    """The question in our words. Never fails: what is not understood is text."""
    text = simplified(width(raw[:MAX_LENGTH])).strip()
    whole = _consumed(text)
    if whole:
        filters, name = _query(raw, "", whole), _query(raw, fold(text), [])
        if any(piece.kind != "region" for piece in whole) or fold(whole[0].text) == fold(text):
            return msgspec.structs.replace(filters, otherwise=name)
        # 博爱医院 is a hospital before it is "the hospitals of 博爱 county"
        return msgspec.structs.replace(name, otherwise=filters)
    found: list[Understood] = []
    rest: list[str] = []
    tokens = [token for token in _SPACES.split(text) if token]
    for token in tokens:
        pieces = _consumed(token) if len(tokens) > 1 else None
        if pieces:
            found += pieces
        else:
            rest.append(token)
    return _query(raw, fold("".join(rest)), found)


def _query(raw: str, text: str, found: list[Understood]) -> SearchQuery:
    stages: list[Stage] = [stage for stage in STAGES if any(u.kind == "stage" and u.value == stage for u in found)]
    codes: list[TechniqueCode] = [
        t.code for t in TECHNIQUES if any(u.kind == "technique" and u.value == t.code for u in found)
    ]
    places = _places(found)
    found = [u for u in found if u.kind != "region" or any(p.startswith(regions.prefix(u.value)) for p in places)]
    return SearchQuery(
        raw=raw,
        text=text,
        regions=places,
        techniques=tuple(codes),
        stage=stages[0] if stages else None,
        understood=tuple(found),
    )


def _places(found: list[Understood]) -> tuple[str, ...]:
    """The regions meant: a word with several readings (铁西区) means those inside the places named beside it."""
    words: dict[str, list[str]] = {}
    for piece in found:
        if piece.kind == "region":
            words.setdefault(piece.text, []).append(piece.value)
    chosen: list[str] = []
    for codes in words.values():
        inside = [c for c in codes if any(c != o and c.startswith(regions.prefix(o)) for o in chosen)]
        outer = {o for o in chosen for c in inside if c.startswith(regions.prefix(o))}
        chosen = [o for o in chosen if o not in outer] + (inside or codes)
    return tuple(dict.fromkeys(chosen))


def _consumed(text: str) -> list[Understood] | None:
    """The words a text is wholly made of, or None when something is left over or there is no such word."""
    found: list[Understood] = []
    places: dict[int, tuple[int, list[str]]] = {
        start: (end, []) for start, end, _ in sorted(regions.named(text), key=lambda p: p[1])
    }
    for start, end, code in regions.named(text):
        if places[start][0] == end:
            places[start][1].append(code)
    position = 0
    while position < len(text):
        word = _word_at(text, position)
        if word:
            length, piece = word
            found.append(piece)
            position += length
        elif position in places:
            end, codes = places[position]
            found += [Understood(text=text[position:end], kind="region", value=code) for code in codes]
            position = end
        elif filler := _FILLER.match(text, position):
            position = filler.end()
        else:
            return None
    return found or None


def _word_at(text: str, position: int) -> tuple[int, Understood] | None:
    for length in range(min(24, len(text) - position), 1, -1):
        piece = text[position : position + length]
        folded = fold(piece)
        for word, kind, value in _WORDS:
            if word == folded and piece[-1] not in " -":
                return length, Understood(text=piece, kind="stage" if kind == "stage" else "technique", value=value)
    return None


def technique_filter(word: str) -> TechniqueCode | None:
    """A filter value as people and programs give it: a code or a word."""
    return techniques.from_words(word) if word not in BY_CODE else BY_CODE[word].code
