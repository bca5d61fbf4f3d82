"""Every institution of the register in memory: packed by code, and found by name, by number and by near names.

An institution is a few hundred bytes until somebody asks about it, so that a million fit; what was asked about lately
stays unpacked. Keys and numbers lead to codes, and pairs of characters to keys.
"""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from operator import add

import msgspec
from rapidfuzz import fuzz, process

from registry.verification.name_variations import Variation, make_variations
from registry.verification.spans import Span

#: A register with so many institutions, more than China has, stays unpacked. Of a larger one only what a few questions
#: are about: what is unpacked next lies where this lay, and so in the processor's cache.
UNPACKED_LIMIT, _UNPACKED_OF_MANY = 2048, 64
#: How near a name must be (0 to 100), how near in the province or the city asked about, and how near one is that
#: contains the given name whole (盛京医院), or is contained in it, however long.
NEAR, _NEAR_IN_PLACE, _CONTAINS = 66.0, 58.0, 75.0
#: Pairs are followed from the rarest until there are so many names to compare with; one that has very many only when
#: no rarer one had any, and then not all of them: so many, in the order of the alphabet; and none of a crowd.
_ENOUGH_NAMES, _MANY_NAMES, _NAME_LIMIT, _CROWD = 48, 128, 1024, 8192
#: Institutions of one place that are compared by name; where there are more, the pairs have to do.
_PLACE_LIMIT = 512
#: Characters of the shortest name that is looked for at the beginning of a longer one.
_SHORTEST_CONTAINED = 4
_POSITION_TYPE = "I"
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(tuple[Span, ...]).decode


class CodeIndex:
    """Institution codes by a key. Nearly every key leads to one code, which is stored bare."""

    def __init__(self) -> None:
        self._codes: dict[str, str | tuple[str, ...]] = {}
        #: Whether a key leads somewhere, or did.
        self.has_key = self._codes.__contains__

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
    医院) lead to the few that can be meant. Which these are depends on the names, not on the order in which they came.
    """

    def __init__(self) -> None:
        self._keys: list[str] = []
        self._positions: dict[str, array[int]] = {}  # positions in _keys: four bytes instead of a whole object
        self._last_selected: tuple[str, list[str]] = ("", [])  # one name is asked about several times in a row
        self._last_longer: tuple[str, list[str]] = ("", [])

    def add_name(self, key: str) -> None:
        """Add a folded name; the caller adds each once."""
        position = len(self._keys)
        self._keys.append(key)
        self._last_selected = self._last_longer = ("", [])
        for pair in _split_pairs(key):
            positions = self._positions.get(pair)
            if positions is None:
                self._positions[pair] = array(_POSITION_TYPE, (position,))
            else:
                positions.append(position)

    def remove_name(self, key: str) -> None:
        """Remove a name that nobody has any more; that takes a search, and hardly ever happens."""
        position = self._keys.index(key)
        self._last_selected = self._last_longer = ("", [])
        self._keys[position] = ""  # its place stays: the others keep theirs
        for pair in _split_pairs(key):
            self._positions[pair].remove(position)

    def score_names(self, key: str) -> dict[str, float]:
        """Score the names near a folded one (0 to 100)."""
        candidates = self._select_names(key)
        scores = _score_similar(key, candidates, NEAR)
        # Whatever contains the whole name has its rarest pair, which was followed first.
        for name in candidates if len(key) >= 3 else ():
            if key in name:
                scores[name] = max(_CONTAINS, scores.get(name, 0.0))
        return scores

    def list_longer_names(self, key: str) -> list[str]:
        """List the names that contain a folded one and more."""
        if self._last_longer[0] != key:
            names = [name for name in self._select_names(key) if key in name and key != name]
            self._last_longer = (key, names)
        return self._last_longer[1]

    def _select_names(self, key: str) -> list[str]:
        last, names = self._last_selected
        if last == key:
            return names
        known = ((len(positions), pair) for pair in _split_pairs(key) if (positions := self._positions.get(pair)))
        chosen: set[int] = set()
        for _, pair in sorted(known):
            positions = self._positions[pair]
            if len(chosen) >= _ENOUGH_NAMES or (chosen and len(positions) > _MANY_NAMES) or len(positions) > _CROWD:
                break
            if len(positions) > _NAME_LIMIT:
                chosen.update(heapq.nsmallest(_NAME_LIMIT, positions, key=self._keys.__getitem__))
            else:
                chosen.update(positions)
        names = [self._keys[position] for position in chosen]
        self._last_selected = (key, names)
        return names


def _split_pairs(key: str) -> set[str]:
    return set(map(add, key, key[1:]))


def _score_similar(key: str, names: Sequence[str], cutoff: float) -> dict[str, float]:
    similar = process.extract(key, names, scorer=fuzz.ratio, score_cutoff=cutoff, limit=None)
    return {name: score for name, score, _ in similar}


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
    """Every span of every institution by its code, in order of days; by names, by numbers, by near names, by place.

    ``common_names``: by the words people use, which lead to candidates only.
    """

    def __init__(self) -> None:
        self.names = CodeIndex()
        self.numbers = CodeIndex()
        self.common_names = CodeIndex()
        self.name_starts = NameStarts()
        self._near_names = NearNameIndex()
        self._places: dict[str, list[str]] = {}  # by the first four digits of a region's code, which are a city's
        self._names_in_place: dict[str, dict[str, set[str]]] = {}  # what was asked about since the last change
        self._last_variations: tuple[str, list[Variation]] = ("", [])
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
            if len(self._unpacked) >= (UNPACKED_LIMIT if len(self._packed) <= UNPACKED_LIMIT else _UNPACKED_OF_MANY):
                self._unpacked.clear()
            spans = self._unpacked[code] = _unpack(packed)
        return spans

    def find_by_name(self, key: str) -> tuple[str, ...]:
        """List the institutions that have, or had, a name with this key."""
        return self.names.list_codes(key)

    def list_variations(self, key: str) -> list[Variation]:
        """List the ways in which the register prints a folded name otherwise; see ``name_variations``."""
        if self._last_variations[0] != key:  # of one question they are asked for twice: who is meant, and who may be
            self._last_variations = (key, make_variations(key, self.names.has_key))
        return self._last_variations[1]

    def find_by_number(self, kind: str, value: str) -> tuple[str, ...]:
        """List the institutions that have, or had, this number or domain."""
        return self.numbers.list_codes(f"{kind}:{value}")

    def score_near_names(self, key: str, places: Iterable[str] = ()) -> dict[str, float]:
        """Score the institutions with a name near a key (0 to 100), by code: in some places also those less near."""
        scores: dict[str, float] = {}
        for name, score in self._near_names.score_names(key).items():
            _keep_best(scores, (*self.names.list_codes(name), *self.common_names.list_codes(name)), score)
        for length in range(_SHORTEST_CONTAINED, len(key)):
            if self.names.has_key(key[:length]):
                _keep_best(scores, self.names.list_codes(key[:length]), _CONTAINS)
        for place in places:
            names = self._list_names_in(place)
            for name, score in _score_similar(key, list(names), _NEAR_IN_PLACE).items():
                _keep_best(scores, names[name], score)
        return scores

    def find_by_longer_name(self, key: str) -> dict[str, tuple[str, ...]]:
        """Find the names that contain a key and more, with the institutions that have, or had, them."""
        longer = self._near_names.list_longer_names(key)
        return {name: codes for name in longer if (codes := self.names.list_codes(name))}

    def _list_names_in(self, place: str) -> dict[str, set[str]]:
        """Map each name of a place (a region's code) to its institutions; nothing where there are too many to compare.

        Of a province when it has few, else of the city.
        """
        for prefix in (place[:2], place[:4]):
            names = self._names_in_place.get(prefix)
            if names is None:
                names = self._names_in_place[prefix] = self._collect_names(prefix)
            if names:
                return names
        return {}

    def _collect_names(self, prefix: str) -> dict[str, set[str]]:
        cities = [codes for city, codes in self._places.items() if city.startswith(prefix)]
        if sum(map(len, cities)) > _PLACE_LIMIT:
            return {}
        names: dict[str, set[str]] = {}
        for code in {code for codes in cities for code in codes}:
            for span in self.list_spans(code):
                for key in _list_keys(span) if (span.site.region or "").startswith(prefix) else ():
                    names.setdefault(key, set()).add(code)
        return names

    def add_span(self, code: str, span: Span) -> None:
        """Add a span of an institution."""
        packed = self._packed.get(code)
        present = () if packed is None else _unpack(packed)
        self._packed[code] = _pack(sorted((*present, span), key=_make_sort_key) if present else (span,))
        self._unpacked.pop(code, None)
        self._index_span(code, span)

    def replace_spans(self, code: str, spans: tuple[Span, ...]) -> None:
        """Replace all spans of an institution."""
        remaining = {name.key for span in spans for name in span.names}
        words = {key for span in spans for key in span.known_as}
        for span in self.list_spans(code):
            for name in span.names:
                if name.key not in remaining:
                    self._remove_name(self.names, name.key, code)
            for key in span.known_as:
                if key not in words:
                    self._remove_name(self.common_names, key, code)
            for kind, value in span.identifiers:
                self.numbers.discard(f"{kind}:{value}", code)
        self._unpacked.pop(code, None)
        self._packed[code] = _pack(sorted(spans, key=_make_sort_key))
        for span in spans:
            self._index_span(code, span)

    def _index_span(self, code: str, span: Span) -> None:
        for name in span.names:
            if not self._is_known(name.key):
                self._near_names.add_name(name.key)
                self.name_starts.add_name(name.key)
            self.names.add(name.key, code)
        for key in span.known_as:
            if not self._is_known(key):
                self._near_names.add_name(key)
            self.name_starts.add_name(key)
            self.common_names.add(key, code)
        for kind, value in span.identifiers:
            self.numbers.add(f"{kind}:{value}", code)
        city = (span.site.region or "")[:4]
        codes = self._places.setdefault(city, [])
        if city and codes[-1:] != [code]:
            codes.append(code)
        self._names_in_place.clear()
        self._last_variations = ("", [])

    def _is_known(self, key: str) -> bool:
        return bool(self.names.list_codes(key) or self.common_names.list_codes(key))

    def _remove_name(self, index: CodeIndex, key: str, code: str) -> None:
        if self._is_known(key):
            index.discard(key, code)
            if not self._is_known(key):
                self._near_names.remove_name(key)


def _list_keys(span: Span) -> tuple[str, ...]:
    return (*(name.key for name in span.names), *span.known_as)


def _keep_best(scores: dict[str, float], codes: Iterable[str], score: float) -> None:
    for code in codes:
        scores[code] = max(score, scores.get(code, 0.0))


def _make_sort_key(span: Span) -> tuple[str, int]:
    return span.valid_from, span.known_from
