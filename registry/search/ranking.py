"""The order of candidates, and why each fits. Pure: the same on every engine that finds the same candidates.

Every reading of a question is compared with every name of a document; the cheapest fit counts. Below ``WEAK`` the name
was meant as written (whole, in part, read aloud, shortened); from there on it is only alike, and an institution whose
name is alike is another institution.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from registry.domain import name_alignment, name_words, regions
from registry.domain.name_alignment import WEAK
from registry.domain.normalise import fold_text
from registry.search import english, misspellings, sound_match
from registry.search.costs import COSTS, compute_excess
from registry.search.engine import NameForm, SearchDocument
from registry.search.pinyin import read_initials
from registry.search.readings import Hit, MatchKind, QueryReading, SearchQuery
from registry.search.vocabulary import CATEGORIES

#: Up to here beyond ``WEAK`` a name differs by a slip of the pen or the tongue.
SLIP = misspellings.TYPO
#: How much more than the best a hit may cost and still be shown.
SPREAD = 2.5
#: Names that fit are shown up to this cost, however well the best fits.
_SHOWN = 4.0
Fit = tuple[float, MatchKind, str]


class Ranking:
    """The hits of a question among the documents that were added."""

    def __init__(self, query: SearchQuery) -> None:
        self._query = query
        self._documents: dict[str, SearchDocument] = {}
        self._hits: dict[str, Hit] = {}
        self._unspelt: list[SearchDocument] = []  # of which no misspelt names were looked for yet

    @property
    def subjects(self) -> frozenset[str]:
        """The subjects of all documents that were added."""
        return frozenset(self._documents)

    def add_documents(self, documents: Iterable[SearchDocument], may_fit: bool = True) -> None:
        """Add documents; not ``may_fit``: names of theirs can only be misspelt, so that no other fit is looked for."""
        for document in documents:
            if document.subject in self._documents:
                continue
            self._documents[document.subject] = document
            self._unspelt.append(document)
            if may_fit and (hit := find_hit(self._query, document)) is not None:
                self._hits[document.subject] = hit

    def find_misspellings(self) -> None:
        """Look for misspelt names unless something fits as written, which takes longer."""
        if any(hit.cost < WEAK for hit in self._hits.values()):
            return
        for reading in self._query.readings:
            for document, cost, fitted in misspellings.find_closest_names(reading, self._unspelt):
                if compute_place_cost(reading, document) is None:
                    continue
                kind: MatchKind = "typo" if cost < misspellings.TYPO else "similar"
                hit = Hit(document.subject, kind, WEAK + cost + reading.cost, fitted, reading, document.region)
                if document.subject not in self._hits or hit.cost < self._hits[document.subject].cost:
                    self._hits[document.subject] = hit
        self._unspelt = []

    def sort_hits(self) -> list[Hit]:
        """Sort what fits, best first."""
        return sort_hits(self._hits.values(), self._documents)


def sort_hits(hits: Iterable[Hit], documents: dict[str, SearchDocument]) -> list[Hit]:
    """Sort best first; of equals those still listed, then by region, so that the order is always the same."""

    def make_key(hit: Hit) -> tuple[float, bool, str, str]:
        document = documents[hit.subject]
        return round(hit.cost, 2), not document.listed, document.region or "99", hit.subject

    return sorted(hits, key=make_key)


def select_best(hits: Sequence[Hit]) -> list[Hit]:
    """Select those worth showing beside the best: names that fit are not followed by names that are only alike."""
    if not hits:
        return []
    best = hits[0].cost
    limit = best + SPREAD if best >= WEAK else min(WEAK, max(best + SPREAD, _SHOWN))
    return [hit for hit in hits if hit.cost < limit]


def is_named(hit: Hit) -> bool:
    """Whether the institution was named, more likely than not: its name, whole or shortened, written or spelt."""
    return hit.cost < WEAK and hit.match not in ("address", "filter")


def has_own_word(hit: Hit) -> bool:
    """Whether what was typed has a word of the institution's own, and not only a kind and a number."""
    return any(word.kind == "own" for word in name_words.split_name(hit.reading.text))


def measure_own_words(text: str, document: SearchDocument) -> int:
    """Measure the longest word of an institution's own, of two characters and more, that a text holds."""
    words = (word for form in document.forms for word in name_words.split_name(form.text) if word.kind == "own")
    return max((len(word.text) for word in words if len(word.text) > 1 and word.text in text), default=0)


def is_as_written(hit: Hit) -> bool:
    """Whether the name that fitted holds what was written, and is no abbreviation it happens to be in."""
    text = hit.reading.text
    return not text or not hit.fitted or name_words.strip_optional(text) in name_words.strip_optional(hit.fitted)


def find_hit(query: SearchQuery, document: SearchDocument) -> Hit | None:
    """Find how a document fits at best, over all readings; None when it fits none as written."""
    best: Hit | None = None
    for reading in query.readings:
        if best is not None and best.cost <= reading.cost:
            continue
        near = compute_place_cost(reading, document)
        if near is None:
            continue
        fit = _fit_reading(reading, document, query.is_part)
        if fit is not None:
            cost, kind, fitted = fit
            cost += reading.cost + near + (0.0 if document.listed else COSTS["institution.gone"])
            if best is None or cost < best.cost:
                best = Hit(document.subject, kind, cost, fitted, reading, document.region)
    return best


def compute_place_cost(reading: QueryReading, document: SearchDocument) -> float | None:
    """Return 0 when the document lies in the regions, more when its place is too little known; None when not."""
    if not reading.regions:
        return 0.0
    if not document.region:
        return COSTS["institution.place_unsure"]
    own = regions.get_prefix(document.region)
    wanted = [regions.get_prefix(code) for code in reading.regions]
    if any(own.startswith(prefix) for prefix in wanted):
        return 0.0
    return COSTS["institution.place_unsure"] if any(prefix.startswith(own) for prefix in wanted) else None


def _fit_reading(reading: QueryReading, document: SearchDocument, is_part: bool) -> Fit | None:
    if reading.categories and not is_of_categories(reading.categories, document):
        return None
    if reading.ways:
        return _select_best_fit(_fit_sound(reading, form) for form in _list_forms(document))
    if reading.letters:
        return _select_best_fit(_fit_initials(reading.letters, form) for form in _list_forms(document))
    if reading.english:
        return _fit_english(reading.english, document)
    if reading.text:
        return _fit_text(reading, document, is_part)
    return 0.0, "filter", ""


def _fit_english(question: tuple[str, ...], document: SearchDocument) -> Fit | None:
    found = english.compute_cost(question, document)
    if found is None:
        return None
    left_out, is_named = found
    cost = min(left_out, WEAK - 1) + (0.0 if is_named else WEAK)
    return cost, "name" if is_named else "similar", fold_text(document.english)


def is_of_categories(categories: Iterable[str], document: SearchDocument) -> bool:
    """Whether the institution is of every kind asked for, as its names show."""
    return all(any(CATEGORIES[category][1].search(form.text) for form in document.names) for category in categories)


def _list_forms(document: SearchDocument) -> Iterator[tuple[NameForm, MatchKind, float]]:
    for kind, forms in document.list_forms():
        for form in forms:
            yield form, kind, COSTS.get(f"institution.{kind}", 0.0)


def _select_best_fit(fits: Iterable[Fit | None]) -> Fit | None:
    return min((fit for fit in fits if fit is not None), default=None)


# --- as written ------------------------------------------------------------------------------------------------------


def _fit_text(reading: QueryReading, document: SearchDocument, is_part: bool) -> Fit | None:
    if name_alignment.is_common(reading.whole):
        return _fit_common_name(reading.text, document)
    beginning = None if is_part else _fit_beginning(reading.text, document)
    best = _select_best_fit((_fit_name(reading, document), _fit_name_in_order(reading, document), beginning))
    if best is None or best[0] > COSTS["address.inside"]:
        best = _select_best_fit((best, _fit_address(reading.text, document)))
    if best is None and reading.parts:
        best = _fit_parts(reading.parts, document)
    return best


def _find_alignment(text: str, document: SearchDocument, is_inside: bool = False) -> name_alignment.Alignment | None:
    return name_alignment.find_alignment(text, document.list_names(), document.region, is_inside)


def _fit_name(reading: QueryReading, document: SearchDocument) -> Fit | None:
    """Fit what was typed, with its place and without, to the names; from ``WEAK`` on it more likely names another."""
    aligned = [_find_alignment(reading.whole, document)]
    if reading.text != reading.whole:
        aligned.append(_find_alignment(reading.text, document, is_inside=True))
    best = max((one for one in aligned if one is not None), key=lambda one: one.score, default=None)
    return None if best is None else _make_fit(reading.text, best)


def _fit_name_in_order(reading: QueryReading, document: SearchDocument) -> Fit | None:
    """Fit words that a name holds in another order than they were typed: 妇幼 唐山 市."""
    texts = {
        "".join(sorted(reading.parts, key=form.text.find))
        for form in (document.forms if len(reading.parts) > 1 else ())
        if all(part in form.text for part in reading.parts)
    }
    aligned = [_find_alignment(text, document, is_inside=bool(reading.regions)) for text in texts]
    best = max((one for one in aligned if one is not None), key=lambda one: one.score, default=None)
    return None if best is None else _make_fit(reading.text, best)


def _fit_beginning(text: str, document: SearchDocument) -> Fit | None:
    """Fit a text that is no whole name to those that begin with it: somebody may still be typing."""
    if name_alignment.is_formal(text):
        return None
    fits = [
        (COSTS["text.begins"] + compute_excess("text", len(form.text) - len(text)) + price, kind, form.text)
        for form, kind, price in _list_forms(document)
        if kind != "known_as" and form.text.startswith(text)
    ]
    return min(fits, default=None)


def _fit_common_name(text: str, document: SearchDocument) -> Fit | None:
    """Fit a text that means nobody (妇产医院) to every name that holds it: they are listed, none was meant."""
    holds = COSTS["text.holds"]
    fits = [
        (price if form.text == text else holds + compute_excess("text", len(form.text) - len(text)), kind, form.text)
        for form, kind, price in _list_forms(document)
        if text in form.text
    ]
    return min(fits, default=None)


def _make_fit(text: str, aligned: name_alignment.Alignment) -> Fit:
    is_short = aligned.kind == "name" and name_words.strip_optional(text) not in name_words.strip_optional(aligned.name)
    return aligned.cost, "abbreviation" if is_short else aligned.kind, aligned.name


#: What a number of an address is a number of: the list says 号 where people say 弄.
_UNITS = "号弄巷楼层室栋"


def _fit_address(text: str, document: SearchDocument) -> Fit | None:
    if len(text) < 2 or (position := _find_in_address(text, document.place)) is None:
        return None
    last, end, extra = position
    cut = last[-1].isdigit() and document.place[end : end + 1].isdigit()  # 7 of 77
    number = COSTS["address.number"] if any(c.isdigit() for c in text) and not cut else 0.0
    return COSTS["address.inside"] + extra + number, "address", ""


def _find_in_address(text: str, place: str) -> tuple[str, int, float] | None:
    """Find (the last part, where it ends, extra cost): as one piece, without its last unit, or in two pieces."""
    if text in place:
        return text, place.index(text) + len(text), 0.0
    if text[-1] in _UNITS and text[-2:-1].isdigit() and text[:-1] in place:
        return text[:-1], place.index(text[:-1]) + len(text) - 1, COSTS["address.unit"]
    for at in range(len(text) - 2, 1, -1):
        head, tail = text[:at], text[at:]
        if head in place and (start := place.find(tail, place.index(head) + at)) >= 0:
            return tail, start + len(tail), COSTS["address.two_pieces"]
    return None


def _fit_parts(parts: Sequence[str], document: SearchDocument) -> Fit | None:
    """Fit every word by itself, in a name or in the address; the worst of them decides."""
    fits: list[Fit] = []
    for part in parts:
        aligned = _find_alignment(part, document)
        fit = _select_best_fit((_make_fit(part, aligned) if aligned else None, _fit_address(part, document)))
        if fit is None:
            return None
        fits.append(fit)
    named = [fit for fit in fits if fit[1] != "address"]
    if not named:
        return max(fits)
    return sum(fit[0] for fit in named) / len(named) + COSTS["text.in_parts"], *min(named)[1:]


# --- as heard --------------------------------------------------------------------------------------------------------


def _fit_sound(reading: QueryReading, named: tuple[NameForm, MatchKind, float]) -> Fit | None:
    form, kind, price = named
    if kind == "known_as":
        price += COSTS["sound.partly_known"]
    best: Fit | None = None
    for at, way in enumerate(reading.ways):
        match = sound_match.find_sound_match(way, form.atoms)
        if match is None:
            continue
        is_other = not match.exact and any(piece.kind == "c" for piece in way)  # another character than was typed
        extra = price + COSTS["sound.other_way"] * at
        extra += (0.0 if match.exact else COSTS["sound.blurred"]) + (
            COSTS["sound.other_character"] if is_other else 0.0
        )
        if match.contiguous and not _is_within_word(match.characters, form.text):
            if match.is_whole and kind == "known_as":
                extra -= COSTS["sound.partly_known"]
            if reading.regions and name_alignment.is_common(match.characters) and _has_more_than_place(match, form):
                extra += WEAK  # 西宁 中心医院 is not that of another office there
            cost = COSTS[f"sound.{match.position}"] + compute_excess("text", match.name_length - len(way) + 1)
            best = _select_best_fit((best, (cost + extra, "pinyin", form.text)))
        elif sum(piece.kind in "sc" for piece in way) >= 2:
            shortened = name_words.compute_shortening(match.characters, form.text)
            most = COSTS["sound.short_most"] if match.exact else COSTS["sound.short_blurred_most"]
            if shortened is not None and shortened <= most:
                best = _select_best_fit((best, (COSTS["sound.short"] + shortened + extra, "pinyin", form.text)))
    return best


def _is_within_word(characters: str, name: str) -> bool:
    """Whether characters lie within a place or a common word of a name, not from its beginning: 治州 in 自治州."""
    words = name_words.split_name(name)
    ends = list(accumulate(len(word.text) for word in words))
    start = name.find(characters)
    at = bisect_right(ends, start)
    begins = ends[at] - len(words[at].text)
    return words[at].kind != "own" and begins < start and start + len(characters) <= ends[at]


def _has_more_than_place(match: sound_match.SoundMatch, form: NameForm) -> bool:
    """Whether a name has a word of its own beside what was heard of it."""
    return any(word.kind == "own" for word in name_words.split_name(form.text.replace(match.characters, "")))


# --- as initials -----------------------------------------------------------------------------------------------------


def _fit_initials(letters: str, named: tuple[NameForm, MatchKind, float]) -> Fit | None:
    form, _, price = named
    for sounds in dict.fromkeys((read_initials(form.atoms), read_initials(form.atoms, digits=True))):
        if letters in sounds:
            is_start, is_end = sounds.startswith(letters), sounds.endswith(letters)
            position = "whole" if sounds == letters else "begins" if is_start else "ends" if is_end else "inside"
            cost = COSTS[f"initials.{position}"] + compute_excess("text", len(sounds) - len(letters))
            return cost + price, "initials", form.text
    if len(letters) >= 3 and (characters := _expand_initials(letters, form.atoms)) is not None:
        shortened = name_words.compute_shortening(characters, form.text)
        if shortened is not None and shortened <= COSTS["initials.short_most"]:
            return COSTS["initials.short"] + shortened + price, "initials", form.text
    return None


def _expand_initials(letters: str, atoms: str) -> str | None:
    """Return the characters an abbreviation in initials may stand for: at every letter the next word that begins with
    it."""
    if letters[0] != read_initials(atoms)[:1]:
        return None
    rest = iter(atoms.split())
    characters = ""
    for letter in letters:
        for atom in rest:
            if atom.partition(".")[2][:1] == letter:
                characters += atom[0]
                break
        else:
            return None
    return characters
