"""Every institution of the register in memory: packed by code, and found by name, by number and by near names.

An institution is a few hundred bytes until somebody asks about it, so that a million fit; what was asked about lately
stays unpacked. Keys and numbers lead to codes, and pairs of characters to keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from registry.domain.name_alignment import is_spread
from registry.verification.english_names import EnglishNames
from registry.verification.name_variations import Variation, make_variations
from registry.verification.near_names import CONTAINS, NameStarts, NearNameIndex, score_similar
from registry.verification.spans import Span

#: A register with so many institutions, more than China has, stays unpacked. Of a larger one only what a few questions
#: are about: what is unpacked next lies where this lay, and so in the processor's cache.
UNPACKED_LIMIT, _UNPACKED_OF_MANY = 2048, 64
#: How near a name of the province or the city asked about must be (0 to 100).
_NEAR_IN_PLACE = 58.0
#: Institutions of one place that are compared by name; where there are more, the pairs have to do.
_PLACE_LIMIT = 512
#: Characters of the shortest name that is looked for at the beginning of a longer one.
_SHORTEST_CONTAINED = 4
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


class InstitutionIndex(Mapping[str, tuple[Span, ...]]):
    """Every span of every institution by its code, in order of days; by names, by numbers, by near names, by place.

    ``common_names``: by the words people use, which lead to candidates only.
    """

    def __init__(self) -> None:
        self.names = CodeIndex()
        self.numbers = CodeIndex()
        self.common_names = CodeIndex()
        self.english_names = EnglishNames()
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
                _keep_best(scores, self.names.list_codes(key[:length]), CONTAINS)
        for place in places:
            names = self._list_names_in(place)
            for name, score in score_similar(key, list(names), _NEAR_IN_PLACE).items():
                _keep_best(scores, names[name], score)
        return scores

    def find_by_spread_name(self, variants: Sequence[tuple[str, tuple[str, ...]]]) -> set[str]:
        """Find the institutions with a name that holds the characters of a folded text in their order.

        ``variants``: texts, each with the codes of the place that was taken out before it, which leads to the names.
        """
        found: set[str] = set()
        for name in self._near_names.list_spread_names([text for text, places in variants if not places]):
            found.update(self.names.list_codes(name), self.common_names.list_codes(name))
        for text, places in variants:
            if places and (rarest := self._near_names.find_rarest(text)):
                for names in map(self._list_names_in, places):
                    for name in [name for name in names if rarest in name]:
                        found.update(names[name] if is_spread(text, name) else ())
        return found

    def find_by_longer_name(self, key: str) -> dict[str, tuple[str, ...]]:
        """Find the names that contain a key and more, with the institutions that have, or had, them."""
        longer = self._near_names.list_longer_names(key)
        return {name: codes for name in longer if (codes := self.names.list_codes(name))}

    def list_in_city(self, region: str) -> list[str]:
        """List the institutions of the city in which a region (its code) lies, or lay; none where there are too many to
        compare, or the region is no city's."""
        codes = self._places.get(region[:4], []) if len(region) > 2 else []
        return codes if len(codes) <= _PLACE_LIMIT else []

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
        self.english_names.remove_names(code)
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
        if span.english:
            self.english_names.add_name(code, span.english)
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
