"""What an engine is asked to fetch for a question, from strict to loose; ``ranking`` judges what comes.

Each step is asked only when those before it brought nothing that fits: most questions end with the first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from registry.domain import name_words
from registry.domain.model import Struct
from registry.domain.name_alignment import WEAK
from registry.search import tokens
from registry.search.engine import Expression, TokenTerm
from registry.search.ranking import SLIP
from registry.search.readings import QueryReading, SearchQuery
from registry.search.tokens import match_all, match_any
from registry.search.vocabulary import CATEGORY_TOKENS

#: Documents fetched for one expression: more candidates than anybody reads through.
FETCH_LIMIT = 300
#: Fewer of those that are only alike: any of them may be what was meant, and none is likely.
_SIMILAR_LIMIT = 120
_SHORTEST_TYPO, _SHORTEST_ADDRESS = 2, 4
#: No abbreviation has more characters; nobody looks for a slip in a longer text.
_LONGEST_ABBREVIATION, _LONGEST_TYPO = 6, 40
#: What only addresses have.
_STREET = re.compile("[路街道巷弄号镇村里园楼厦桥场]")


class Effort(Struct, frozen=True):
    """How much is done for a question.

    Documents looked at for one expression, and for one that tells too little; whether misspelt names count, and names
    that are only alike; and whether all that may fit as written is fetched at once, and every institution is looked at
    when nothing was found, as there are few.
    """

    limit: int = FETCH_LIMIT
    further_limit: int = 6 * FETCH_LIMIT
    misspelt: bool = True
    alike: bool = True
    at_once: bool = False


#: For a question still being typed: fast, and only institutions that may be meant.
TYPING = Effort(limit=60, further_limit=60, alike=False)
AT_ONCE = Effort(at_once=True)
#: In a large register a question that fits very many names is answered by its best hundred, and the rest page by page.
#: Up to so many entries of the log a register has few institutions.
FEW = 20_000
MIDDLING = Effort()
LARGE, IN_LARGE = 100_000, Effort(limit=100, further_limit=100)


def choose_effort(entries: int) -> Effort:
    """Choose the effort for a register of so many entries."""
    return IN_LARGE if entries > LARGE else MIDDLING if entries > FEW else AT_ONCE


class FetchStep(Struct, frozen=True):
    """Expressions to fetch together.

    Nothing more is asked once a hit costs less than ``enough``; with ``as_written`` one that holds what was written,
    since of abbreviations only some were fetched. What satisfies one of ``telling`` fits the question; when there is
    too much of it, ``narrower`` makes sure that the best is among what was fetched. ``deep``: look for names that are
    written wrongly. Not ``may_fit``: only for those, as nothing else of them can fit.
    """

    expressions: tuple[Expression, ...]
    enough: float
    telling: frozenset[Expression] = frozenset()
    narrower: tuple[Expression, ...] = ()
    deep: bool = False
    limit: int = FETCH_LIMIT
    as_written: bool = False
    may_fit: bool = True


def make_steps(query: SearchQuery, effort: Effort = AT_ONCE) -> Iterator[FetchStep]:
    """Yield the steps: what fits as written, then what is misspelt or only alike.

    In a register that is not small what fits is fetched bit by bit: by the plainest reading, all, abbreviations.
    """
    first, others = query.readings[:1], query.readings[1:]
    if effort.at_once:
        yield _make_written_step(query.readings, WEAK, _collect(query, _match_abbreviations))
    else:
        yield _make_written_step(first, others[0].cost if others else WEAK)
        yield _make_written_step(others, WEAK)
        yield FetchStep(expressions=_collect(query, _match_abbreviations), enough=WEAK)
    if effort.misspelt:
        is_for_all = effort.at_once and _is_short(query)
        enough = WEAK if is_for_all else WEAK + SLIP
        yield FetchStep(expressions=_collect(query, _match_misspellings), enough=enough, deep=True)
        if is_for_all:
            everybody = (tokens.match_any_name(),)
            yield FetchStep(expressions=everybody, enough=WEAK + SLIP, deep=True, limit=FEW, may_fit=False)
    if effort.alike:
        yield FetchStep(expressions=_collect(query, _match_similar_names), enough=0.0, deep=True, limit=_SIMILAR_LIMIT)


def _collect(query: SearchQuery, match: Callable[[QueryReading], list[Expression]]) -> tuple[Expression, ...]:
    return tuple(dict.fromkeys(expression for reading in query.readings for expression in match(reading)))


def _is_short(query: SearchQuery) -> bool:
    """Whether a question may be a shortened name with a slip, of which no two neighbours are right: 哈衣大一院."""
    return not query.is_name and all(len(reading.text) <= _LONGEST_ABBREVIATION for reading in query.readings)


def _make_written_step(
    readings: Sequence[QueryReading], enough: float, further: Sequence[Expression] = ()
) -> FetchStep:
    telling = dict.fromkeys(expression for reading in readings for expression in _match_names(reading))
    others = dict.fromkeys(expression for reading in readings for expression in _match_addresses(reading))
    narrower = dict.fromkeys(expression for reading in readings for expression in _match_name_starts(reading))
    return FetchStep(
        expressions=tuple(dict.fromkeys([*telling, *others, *further])),
        enough=enough,
        telling=frozenset(telling),
        narrower=tuple(narrower),
        as_written=not further,
    )


def _list_limits(reading: QueryReading) -> list[Expression]:
    """List what limits a reading: where it says the institution must be, and the kinds it names."""
    kinds = [match_any(map(tokens.match_name, CATEGORY_TOKENS[category])) for category in reading.categories]
    return [limit for limit in (tokens.match_regions(reading.regions), *kinds) if limit is not None]


def _apply_limits(reading: QueryReading, *wanted: Expression | None) -> list[Expression]:
    limits = _list_limits(reading)
    limited = [match_all([*limits, expression]) for expression in wanted if expression is not None]
    return [expression for expression in limited if expression is not None]


def match_categories(reading: QueryReading) -> list[Expression]:
    """Match a reading in which nothing is a name, but which asks for a kind of hospital."""
    expression = match_all(_list_limits(reading))
    return [expression] if expression is not None else []


def _match_names(reading: QueryReading) -> list[Expression]:
    """Match names that hold it, or in which it is heard in a row; initials that hold it."""
    if reading.ways:
        return _apply_limits(reading, *(tokens.match_sounds(way, in_a_row=True) for way in reading.ways))
    if reading.letters:
        return _apply_limits(reading, tokens.match_initials(reading.letters))
    if reading.english:
        return _apply_limits(reading, tokens.match_english(reading.english))
    if not reading.text:
        return []
    bare = name_words.strip_optional(reading.text)
    return _apply_limits(
        reading, tokens.match_name(reading.text), tokens.match_name(bare) if bare != reading.text else None
    )


def _match_addresses(reading: QueryReading) -> list[Expression]:
    """Match addresses that hold it; names and addresses that hold each word of it."""
    if not reading.text:
        return []
    expressions = [tokens.match_address(reading.text) if len(reading.text) > 1 else None]
    if reading.parts:
        expressions.append(
            match_all(expression for part in reading.parts if (expression := _match_part(part)) is not None)
        )
    return _apply_limits(reading, *expressions)


def _match_name_starts(reading: QueryReading) -> list[Expression]:
    """Match names that are it, or begin so."""
    if reading.letters:
        return _apply_limits(reading, tokens.match_whole_initials(reading.letters))
    if reading.ways:
        return _apply_limits(reading, *(tokens.match_first_sound(way) for way in reading.ways))
    if not reading.text:
        return []
    begins = match_all(
        expression
        for expression in (tokens.match_name_start(reading.text), tokens.match_name(reading.text))
        if expression is not None
    )
    return _apply_limits(reading, tokens.match_whole_name(reading.text), begins)


def _match_part(part: str) -> Expression | None:
    in_place = tokens.match_address(part) if len(part) > 1 else None
    shortened = tokens.match_characters(part) if tokens.is_telling(part) else None
    return match_any([tokens.match_name(part), shortened, in_place])


def _match_abbreviations(reading: QueryReading) -> list[Expression]:
    """Match names that hold every character, or sound, in any order: abbreviations are among them."""
    if reading.ways:
        return _apply_limits(reading, *(tokens.match_sounds(way, in_a_row=False) for way in reading.ways))
    if reading.letters:
        letters = reading.letters
        begins = TokenTerm(token="j" + letters[:1])
        return _apply_limits(reading, begins if len(letters) >= 3 else None)
    return _apply_limits(reading, tokens.match_characters(reading.text)) if len(reading.text) >= 2 else []


def _match_misspellings(reading: QueryReading) -> list[Expression]:
    """Match names that sound alike, and names in which two neighbouring places of the text do not matter."""
    text = reading.text
    if len(text) < _SHORTEST_TYPO:
        return []
    units = len(tokens.split_units(text))
    expressions = [
        tokens.match_homophones(text),
        tokens.match_scattered_homophones(text) if units <= _LONGEST_ABBREVIATION else None,
    ]
    if units > _LONGEST_TYPO:
        return _apply_limits(reading, *expressions)
    if _STREET.search(text) and len(text) > _SHORTEST_ADDRESS:
        expressions.append(tokens.match_address_but_one(text))
    if units >= 3:
        expressions.append(match_any(tokens.match_name_but_one(text, at) for at in range(units)))
    return _apply_limits(reading, *expressions)


def _match_similar_names(reading: QueryReading) -> list[Expression]:
    """Match names that share anything telling with the text."""
    return _apply_limits(reading, tokens.match_any_pair(reading.text)) if len(reading.text) >= _SHORTEST_TYPO else []
