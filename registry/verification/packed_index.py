"""What the verification view keeps of a register's institutions, packed: a million of them fit into memory.

An institution is a few hundred bytes until somebody asks about it; what was asked about lately stays unpacked. Keys and
numbers lead to codes, and pairs of characters to keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from registry.verification.fuzzy_names import NearNameIndex
from registry.verification.spans import Span

#: Institutions kept unpacked at most: more than China has. More would not help a register of a million, and to let them
#: go again costs more than to unpack one.
UNPACKED = 2048
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(tuple[Span, ...]).decode


class CodeIndex:
    """Institution codes by a key. Nearly every key leads to one code, which is kept bare."""

    def __init__(self) -> None:
        self._of: dict[str, str | tuple[str, ...]] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._of

    def list_codes(self, key: str) -> tuple[str, ...]:
        """The codes a key leads to, in order."""
        found = self._of.get(key, ())
        return (found,) if isinstance(found, str) else found

    def add(self, key: str, code: str) -> None:
        """Let a key lead to a code."""
        held = self._of.setdefault(key, code)
        if held is not code and code not in (several := self.list_codes(key)):
            self._of[key] = tuple(sorted((*several, code))) if several else code

    def discard(self, key: str, code: str) -> None:
        """Let a key lead to that code no more. The key stays known, though it may lead nowhere."""
        left = tuple(held for held in self.list_codes(key) if held != code)
        self._of[key] = left[0] if len(left) == 1 else left

    def to_dict(self) -> dict[str, tuple[str, ...]]:
        """Every key that leads somewhere."""
        return {key: codes for key in self._of if (codes := self.list_codes(key))}


class InstitutionIndex(Mapping[str, tuple[Span, ...]]):
    """Every span of every institution by its code, in order of days; by names, by numbers, and by near names."""

    def __init__(self) -> None:
        self.names = CodeIndex()
        self.numbers = CodeIndex()
        self._nearby = NearNameIndex()
        self._packed: dict[str, bytes] = {}
        self._unpacked: dict[str, tuple[Span, ...]] = {}

    def __getitem__(self, code: str) -> tuple[Span, ...]:
        return _unpack(self._packed[code])

    def __iter__(self) -> Iterator[str]:
        return iter(self._packed)

    def __len__(self) -> int:
        return len(self._packed)

    def list_spans(self, code: str) -> tuple[Span, ...]:
        """The spans of one institution; none of one that is not known."""
        found = self._unpacked.get(code)
        if found is None:
            packed = self._packed.get(code)
            if packed is None:
                return ()
            if len(self._unpacked) >= UNPACKED:
                self._unpacked.clear()
            found = self._unpacked[code] = _unpack(packed)
        return found

    def find_by_name(self, key: str) -> tuple[str, ...]:
        """The institutions that have, or had, a name with this key."""
        return self.names.list_codes(key)

    def find_by_number(self, kind: str, value: str) -> tuple[str, ...]:
        """The institutions that have, or had, this number or domain."""
        return self.numbers.list_codes(f"{kind}:{value}")

    def score_near_names(self, key: str) -> dict[str, float]:
        """How near the names are that are near a key: by code."""
        scores: dict[str, float] = {}
        for known, score in self._nearby.score_names(key).items():
            for code in self.names.list_codes(known):
                scores[code] = max(score, scores.get(code, 0.0))
        return scores

    def add_span(self, code: str, span: Span) -> None:
        """One more span of an institution."""
        held = self._packed.get(code)
        spans = (span,) if held is None else sorted((*_unpack(held), span), key=_make_sort_key)
        self._packed[code] = _pack(spans)
        self._index_span(code, span)

    def replace_spans(self, code: str, fresh: tuple[Span, ...]) -> None:
        """Keep of an institution these spans and no others."""
        for span in self.list_spans(code):
            for named in span.names:
                self.names.discard(named.key, code)
            for kind, value in span.identifiers:
                self.numbers.discard(f"{kind}:{value}", code)
        self._unpacked.pop(code, None)
        self._packed[code] = _pack(sorted(fresh, key=_make_sort_key))
        for span in fresh:
            self._index_span(code, span)

    def _index_span(self, code: str, span: Span) -> None:
        for named in span.names:
            if named.key not in self.names:
                self._nearby.add_name(named.key)
            self.names.add(named.key, code)
        for kind, value in span.identifiers:
            self.numbers.add(f"{kind}:{value}", code)


def _make_sort_key(span: Span) -> tuple[str, int]:
    return span.valid_from, span.known_from
