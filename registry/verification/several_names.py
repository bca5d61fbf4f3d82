"""Several names in the field of one: whom each of them names."""

from __future__ import annotations

import re

from registry.domain.normalise import fold_text, normalise_width
from registry.records.asof import AsOf
from registry.verification.name_match import match_by_name
from registry.verification.spans import Span
from registry.verification.view import VerificationView

#: What parts two names: a mark, a blank; or a word, which may also belong to a name (和睦家).
_MARKS = re.compile(r"[、；;，,/|+&\n]+")
_BLANKS = re.compile(r"\s+")
_WORDS = frozenset("和与及跟")
_MAY_PART = re.compile(rf"{_MARKS.pattern}|\s|[{''.join(sorted(_WORDS))}]")
#: Characters of the shortest name beside another.
_SHORTEST = 3


def find_named(view: VerificationView, name: str, asof: AsOf) -> tuple[list[list[Span]], bool]:
    """Find the listed institutions of each name in a field that holds several, and whether each has one.

    Nothing is found where the field is one name.
    """
    plain = normalise_width(name).strip()
    if not _MAY_PART.search(plain):  # as nearly every name
        return [], False
    parts = [part for part in _MARKS.split(plain) if part.strip()]
    found = [_find_part(view, part, asof) for part in parts]
    groups = [spans for of_part in found for spans in of_part]
    return groups, all(found) and len(groups) > 1


def _find_part(view: VerificationView, part: str, asof: AsOf) -> list[list[Span]]:
    """Find whom a text names that is one name, or several with blanks or 和 between: all of them that are known."""
    if spans := _find_holders(view, part, asof):
        return [spans]
    words = _BLANKS.split(part.strip())
    found = [_find_part(view, word, asof) for word in words] if len(words) > 1 else []
    if any(found):
        return [spans for of_word in found for spans in of_word]
    for at, character in enumerate(part):
        if character in _WORDS and min(at, len(part) - at - 1) >= _SHORTEST:
            first, second = (_find_holders(view, half, asof) for half in (part[:at], part[at + 1 :]))
            if first and second:
                return [first, second]
    return []


def _find_holders(view: VerificationView, name: str, asof: AsOf) -> list[Span]:
    """Find the listed institutions that have a name, or are called so."""
    key = fold_text(name)
    if len(key) < _SHORTEST:
        return []
    matched = [match.span for match in match_by_name(view, name, asof)]
    called = (view.find_span(code, asof) for code in view.institutions.common_names.list_codes(key))
    spans = matched or [span for span in called if span is not None and key in span.known_as]
    return [span for span in spans if span.site.status != "delisted"]
