"""Names inside a question or a text that is no name as a whole: each part is looked for by itself."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

import msgspec

from registry.domain import name_alignment, regions
from registry.domain.model import Struct
from registry.domain.name_alignment import WEAK
from registry.domain.normalise import fold_text
from registry.records import lookup
from registry.search import english, fetch_plan, places, ranking, segments, tokens
from registry.search.engine import Engine
from registry.search.fetch_plan import Effort
from registry.search.query import understand_question
from registry.search.readings import Hit, QueryReading
from registry.search.segments import Segment
from registry.search.stages import search_documents

#: Longer ones are texts: only names that the register holds are found in them, not what resembles one.
LONGEST_QUESTION = 120
#: Institutions of one name that are shown among others.
_OF_ONE_NAME = 3
#: So few characters shorten a name only where they stand in it together: 医生 is no abbreviation.
_SCATTERED = 2
#: A word of somebody's own with fewer characters is nobody's in another place than the text names.
_LONG_OWN_WORD = 3


class WrittenName(Struct, frozen=True):
    """A name of the register as it stands in a text: ``text[start:end]``, and the compact codes of who may be meant.

    ``is_part``: letters around it go on, so that it may be the beginning or end of another name.
    """

    start: int
    end: int
    codes: tuple[str, ...]
    is_part: bool


#: Finds the names of the register in a text.
FindNames = Callable[[str], list[WrittenName]]


class TextFinding(Struct, frozen=True):
    """What was found in a text: hits in the order written, and the words that were read as nothing.

    Not ``is_certain``: every name found is part of a longer one, or only a word of its own is written. ``elsewhere``:
    nobody was found there, at the place typed, but the hits have this name elsewhere.
    """

    hits: list[Hit]
    not_understood: tuple[str, ...] = ()
    elsewhere: str | None = None
    is_certain: bool = True


def find_in_text(
    engine: Engine, text: str, find_names: FindNames, effort: Effort, *, is_name: bool, may_guess: bool
) -> TextFinding | None:
    """Find the institutions that a question or text names somewhere; None when it names none.

    ``is_name``: it is written like one name, so that no part of it is a name. ``may_guess``: who only has a word of his
    own in it may be meant.
    """
    written = find_names(text)
    certain = [name for name in written if not name.is_part]
    if len(text) > LONGEST_QUESTION and not english.is_english(text):
        return _report_written(text, written)
    parts = [fold_text(text[name.start : name.end]) for name in written if name.is_part]
    split = segments.split_question(text, [(name.start, name.end) for name in certain])
    search = _SegmentSearch(engine, effort, {fold_text(text), *parts}, segments.find_first_place(split))
    search.may_guess = may_guess and not written
    for segment in split:
        search.search_segment(segment)
    hits = _join_hits(_make_hits(text, certain), [] if is_name else search.hits)
    if hits:
        return TextFinding(hits=hits, not_understood=tuple(search.not_understood))
    if search.elsewhere is not None:
        return TextFinding(hits=search.elsewhere[1], elsewhere=search.elsewhere[0])
    if search.perhaps:
        hits = _join_hits(search.perhaps)
        return TextFinding(hits=hits, not_understood=tuple(search.not_understood), is_certain=False)
    return _report_written(text, written)


def _report_written(text: str, written: list[WrittenName]) -> TextFinding | None:
    certain = [name for name in written if not name.is_part]
    hits = _join_hits(_make_hits(text, certain or written))
    return TextFinding(hits=hits, is_certain=bool(certain)) if hits else None


def _make_hits(text: str, names: Iterable[WrittenName]) -> list[Hit]:
    return [
        Hit(lookup.to_subject(code), "name", 0.0, fold_text(text[name.start : name.end]), QueryReading())
        for name in names
        for code in name.codes
    ]


def _join_hits(*groups: list[Hit]) -> list[Hit]:
    """Join hits, each institution once."""
    joined: dict[str, Hit] = {}
    for group in groups:
        for hit in group:
            joined.setdefault(hit.subject, hit)
    return list(joined.values())


class _SegmentSearch:
    """Segments searched one after another, and what came of it."""

    def __init__(
        self, engine: Engine, effort: Effort, names_nobody: Collection[str], place: tuple[str, tuple[str, ...]]
    ) -> None:
        """``names_nobody``: folded, the whole, which is why its parts are looked for, and parts of longer names;
        ``place``: one that the text names, and its region codes.
        """
        self._engine = engine
        self._place, self._around = place
        self._segment = ""
        self._names_nobody = names_nobody
        self.may_guess = False
        self._effort = msgspec.structs.replace(effort, misspelt=False, alike=False)
        self.hits: list[Hit] = []
        #: Those of whom a word of their own is written, and more that is not read.
        self.perhaps: list[Hit] = []
        self.not_understood: list[str] = []
        #: The place typed before a name that others have elsewhere, and these.
        self.elsewhere: tuple[str, list[Hit]] | None = None

    def search_segment(self, segment: Segment) -> None:
        """Search a segment as it stands; else without the people in it, and what is joined in it one by one."""
        self._segment = segment.text
        if segment.is_branch:
            self.not_understood.append(segment.text)
            return
        if self._add_named(segment.text):
            return
        left, people = segments.take_out_people(segment)
        for part in left:
            if not (people and self._add_named(part.text)) and not self._search_joined(part):
                self._search_inside(part)
        self.not_understood += people

    def _search_joined(self, segment: Segment) -> bool:
        """Search what is joined in a segment; only if each part names somebody it was joined, and is no one name."""
        for parts in segments.split_joined(segment):
            found = [self._find_named(part.text) for part in parts]
            if all(found):
                self.hits += [hit for hits in found for hit in hits]
                return True
        return False

    def _search_inside(self, segment: Segment) -> None:
        """Search what ends like a hospital, where more is written behind it."""
        pieces = segments.cut_behind_kinds(segment)
        found = [piece for piece in pieces if self._add_named(piece.text)]
        if not found and not self._search_elsewhere(segment) and self.may_guess:
            self.perhaps += self._find_own_words(segment.text)

    def _find_own_words(self, text: str) -> list[Hit]:
        """Find who has the longest word of his own that a text holds: 菁华上德 in 菁华上德老好."""
        folded = fold_text(text)
        expression = tokens.match_any_pair(folded)
        found = self._engine.fetch([expression], fetch_plan.FETCH_LIMIT)[0].documents if expression else []
        lengths = {document.subject: ranking.measure_own_words(folded, document) for document in found}
        longest = max(lengths.values(), default=0)
        hits = [
            Hit(document.subject, "similar", WEAK, "", QueryReading(), document.region)
            for document in found
            if longest and lengths[document.subject] == longest
        ]
        near = [hit for hit in hits if places.is_inside(hit.region, self._around)]
        is_elsewhere = bool(self._around) and longest < _LONG_OWN_WORD
        return near[:_OF_ONE_NAME] or ([] if is_elsewhere else hits[:_OF_ONE_NAME])

    def _search_elsewhere(self, segment: Segment) -> bool:
        """Search a name behind the place it does not lie in; whether it is one."""
        if not places.parse_place(segment.text):
            self.not_understood.append(segment.text)
        for place, rest in segment.list_cuts() if self.elsewhere is None else ():
            inner = [code for _, code in places.find_leading_places(rest)]
            hits = [
                hit
                for hit in ([] if segments.is_nobody(rest) else self._find_by_name(rest))
                if (places.is_inside(hit.region, inner) if inner else ranking.has_own_word(hit))
            ]
            if hits:
                self.elsewhere = (place, hits)
                return True
        return False

    def _add_named(self, text: str) -> bool:
        named = self._find_named(text)
        self.hits += named
        return bool(named)

    def _find_named(self, text: str) -> list[Hit]:
        """Find whom a part names; where it is nobody by itself, the one in the place that the text names."""
        if fold_text(text) in self._names_nobody or segments.is_nobody(text):
            return []
        found = self._find_by_name(text)
        if not found and self._place not in self._segment:
            whole = segments.add_place(text, self._place, self._around)
            found = self._find_by_name(whole) if whole is not None else []
        return found

    def _find_by_name(self, text: str) -> list[Hit]:
        """Find whom a text names, of several those in the place that the whole text names; a common name is nobody's.

        Two characters shorten no name in which they do not stand together.
        """
        folded, has_place = fold_text(text), bool(regions.find_places(text))
        if name_alignment.is_common(folded):
            return []
        query = msgspec.structs.replace(understand_question(text), listing=None, is_part=True)
        named = [
            hit
            for hit in search_documents(self._engine, query, self._effort).hits
            if ranking.is_named(hit)
            and (has_place or query.readings[0].english or ranking.has_own_word(hit))
            and (len(folded) > _SCATTERED or folded in hit.fitted)
        ]
        near = [] if has_place else [hit for hit in named if places.is_inside(hit.region, self._around)]
        if not near and not has_place and self._around:  # a name without its place is that of somebody there
            named = [hit for hit in named if hit.match != "abbreviation" or hit.fitted[:1] == folded[:1]]
        return (near or named)[:_OF_ONE_NAME]
