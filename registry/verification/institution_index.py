"""Every institution of the register in memory: packed by code, and found by name, by number and by near names.

An institution is a few hundred bytes until somebody asks about it, so that a million fit; what was asked about lately
stays unpacked. Keys and numbers lead to codes, and pairs of characters to keys.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from operator import add

import msgspec
from rapidfuzz import fuzz, process

from registry.verification.spans import Span

#: Institutions kept unpacked at most: more than China has. More would not help a register of a million, and dropping
#: them again costs more than unpacking one.
UNPACKED_LIMIT = 2048
#: How near a name must be (0 to 100), and how near one is that contains the given name whole (盛京医院), however long.
_NEAR, _CONTAINS = 66.0, 75.0
#: Pairs are followed from the rarest until there are so many names to compare with; one that has very many only when
#: no rarer one had any, and then not all of them.
_ENOUGH_NAMES, _MANY_NAMES, _NAME_LIMIT = 48, 128, 1024
#: Of names equally near only so many are kept: nobody reads more.
_NEAR_LIMIT = 20
_POSITION_TYPE = "I"
_NO_POSITIONS = array(_POSITION_TYPE)
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(tuple[Span, ...]).decode


class CodeIndex:
    """Institution codes by a key. Nearly every key leads to one code, which is stored bare."""

    def __init__(self) -> None:
        self._codes: dict[str, str | tuple[str, ...]] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._codes

    def list_codes(self, key: str) -> tuple[str, ...]:
        """List the codes of a key in order."""
        codes = self._codes.get(key, ())
        return (codes,) if isinstance(codes, str) else codes

    def add(self, key: str, code: str) -> None:
        """Add a code to a key."""
        present = self._codes.setdefault(key, code)
        if present is not code and code not in (codes := self.list_codes(key)):
            self._codes[key] = tuple(sorted((*codes, code))) if codes else code

    def discard(self, key: str, code: str) -> None:
        """Remove a code from a key. The key stays known, though it may lead nowhere."""
        remaining = tuple(present for present in self.list_codes(key) if present != code)
        self._codes[key] = remaining[0] if len(remaining) == 1 else remaining

    def to_dict(self) -> dict[str, tuple[str, ...]]:
        """Return every key that leads somewhere with its codes."""
        return {key: codes for key in self._codes if (codes := self.list_codes(key))}


class NearNameIndex:
    """Folded names by their pairs of neighbouring characters: those worth comparing with a name that nobody has.

    Comparing with every name costs more than all the rest of a question; the rarest pairs of a name (妇婴 rather than
    医院) lead to the few that can be meant. Names are added and never taken out: callers drop those gone.
    """

    def __init__(self) -> None:
        self._keys: list[str] = []
        self._positions: dict[str, array[int]] = {}  # positions in _keys: four bytes instead of a whole object

    def add_name(self, key: str) -> None:
        """Add a folded name; the caller adds each once."""
        position = len(self._keys)
        self._keys.append(key)
        for pair in _split_pairs(key):
            positions = self._positions.get(pair)
            if positions is None:
                self._positions[pair] = array(_POSITION_TYPE, (position,))
            else:
                positions.append(position)

    def score_names(self, key: str) -> dict[str, float]:
        """Score the names near a folded one (0 to 100)."""
        lists = sorted((self._positions.get(pair, _NO_POSITIONS) for pair in _split_pairs(key)), key=len)
        candidates = [self._keys[position] for position in _select_positions(lists)]
        similar = process.extract(key, candidates, scorer=fuzz.ratio, score_cutoff=_NEAR, limit=_NEAR_LIMIT)
        scores = {name: score for name, score, _ in similar}
        # Whatever contains the whole name has its rarest pair, which was followed first.
        longer = [name for name in candidates if key in name] if len(key) >= 3 else []
        for name in longer[:_NEAR_LIMIT]:
            scores[name] = max(_CONTAINS, scores.get(name, 0.0))
        return scores


def _split_pairs(key: str) -> set[str]:
    return set(map(add, key, key[1:]))


def _select_positions(lists: Iterable[Sequence[int]]) -> Iterable[int]:
    chosen: set[int] = set()
    for positions in lists:
        if len(chosen) >= _ENOUGH_NAMES or (chosen and len(positions) > _MANY_NAMES):
            break
        chosen.update(positions[:_NAME_LIMIT])
    return chosen


class NameStarts:
    """How long the folded names are that begin with a pair of characters: where in a text one can stand.

    A bit for each length, so that it stays small however many names there are; the names themselves are looked up in
    the dictionary that is there. Names are added and never taken out.
    """

    def __init__(self) -> None:
        self._lengths: dict[str, int] = {}

    def add_name(self, key: str) -> None:
        """Add a folded name."""
        if _SHORTEST_NAME <= len(key) <= _LONGEST_NAME:
            pair = key[:2]
            self._lengths[pair] = self._lengths.get(pair, 0) | 1 << len(key)

    def list_lengths(self, pair: str) -> tuple[int, ...]:
        """List the lengths of the names that begin with a pair, the longest first."""
        return _list_bits(self._lengths.get(pair, 0))


#: Shorter ones are other words too (哈院); longer ones nobody writes in a sentence.
_SHORTEST_NAME, _LONGEST_NAME = 4, 60


@lru_cache(maxsize=4096)
def _list_bits(bits: int) -> tuple[int, ...]:
    return tuple(at for at in range(bits.bit_length() - 1, -1, -1) if bits >> at & 1)


class InstitutionIndex(Mapping[str, tuple[Span, ...]]):
    """Every span of every institution by its code, in order of days; by names, by numbers, and by near names."""

    def __init__(self) -> None:
        self.names = CodeIndex()
        self.numbers = CodeIndex()
        self.common_names = CodeIndex()
        self.name_starts = NameStarts()
        self._near_names = NearNameIndex()
        self._packed: dict[str, bytes] = {}
        self._unpacked: dict[str, tuple[Span, ...]] = {}

    def __getitem__(self, code: str) -> tuple[Span, ...]:
        return _unpack(self._packed[code])

    def __iter__(self) -> Iterator[str]:
        return iter(self._packed)

    def __len__(self) -> int:
        return len(self._packed)

    def list_spans(self, code: str) -> tuple[Span, ...]:
        """List the spans of one institution; empty for an unknown code."""
        spans = self._unpacked.get(code)
        if spans is None:
            packed = self._packed.get(code)
            if packed is None:
                return ()
            if len(self._unpacked) >= UNPACKED_LIMIT:
                self._unpacked.clear()
            spans = self._unpacked[code] = _unpack(packed)
        return spans

    def find_by_name(self, key: str) -> tuple[str, ...]:
        """List the institutions that have, or had, a name with this key."""
        return self.names.list_codes(key)

    def find_by_number(self, kind: str, value: str) -> tuple[str, ...]:
        """List the institutions that have, or had, this number or domain."""
        return self.numbers.list_codes(f"{kind}:{value}")

    def score_near_names(self, key: str) -> dict[str, float]:
        """Score the institutions with a name near a key (0 to 100), by code."""
        scores: dict[str, float] = {}
        for name, score in self._near_names.score_names(key).items():
            for code in self.names.list_codes(name):
                scores[code] = max(score, scores.get(code, 0.0))
        return scores

    def add_span(self, code: str, span: Span) -> None:
        """Add a span of an institution."""
        packed = self._packed.get(code)
        spans = (span,) if packed is None else sorted((*_unpack(packed), span), key=_make_sort_key)
        self._packed[code] = _pack(spans)
        self._index_span(code, span)

    def replace_spans(self, code: str, spans: tuple[Span, ...]) -> None:
        """Replace all spans of an institution."""
        for span in self.list_spans(code):
            for name in span.names:
                self.names.discard(name.key, code)
            for key in span.known_as:
                self.common_names.discard(key, code)
            for kind, value in span.identifiers:
                self.numbers.discard(f"{kind}:{value}", code)
        self._unpacked.pop(code, None)
        self._packed[code] = _pack(sorted(spans, key=_make_sort_key))
        for span in spans:
            self._index_span(code, span)

    def _index_span(self, code: str, span: Span) -> None:
        for name in span.names:
            if name.key not in self.names:
                self._near_names.add_name(name.key)
                self.name_starts.add_name(name.key)
            self.names.add(name.key, code)
        for key in span.known_as:
            self.name_starts.add_name(key)
            self.common_names.add(key, code)
        for kind, value in span.identifiers:
            self.numbers.add(f"{kind}:{value}", code)


def _make_sort_key(span: Span) -> tuple[str, int]:
    return span.valid_from, span.known_from
