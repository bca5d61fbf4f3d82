"""Several names in the field of one: whom each of them names."""

from __future__ import annotations

import re
from itertools import islice

from registry.domain.normalise import fold_text, normalise_width
from registry.records.asof import AsOf
from registry.verification.name_match import find_containing_spans, match_by_name
from registry.verification.spans import Span
from registry.verification.view import VerificationView

#: What parts two names: a mark, a blank; or behind the end of one a word, or nothing.
_MARKS = re.compile(r"[、；;，,/|+&\n]+")
_BLANKS, _BRACKETS = re.compile(r"\s+"), re.compile("[()\\[\\]{}【】〔〕「」《》<>—–-]+")
_ENDS = "院心所部站司)"
_EDGE = re.compile(f"(?<=[{_ENDS}])(?:[和与及跟暨]|(?=.))")
_MAY_PART = re.compile(rf"{_MARKS.pattern}|{_BLANKS.pattern}|{_BRACKETS.pattern}|{_EDGE.pattern}")
#: What a field says of a name in it: the one before, or the one of now.
_FORMERLY = re.compile(r"^\s*(?:原名|现名|曾用名|原|现)[:：]?\s*")
#: Characters of the shortest name beside another, and edges of a text at which two are looked for.
_SHORTEST, _EDGE_LIMIT = 3, 8


def find_named(view: VerificationView, name: str, asof: AsOf) -> tuple[list[list[Span]], bool]:
    """Find the listed institutions of each name in a field that holds several, and whether each has one.

    Nothing is found where the field is one name.
    """
    plain = normalise_width(name).strip()
    if not _MAY_PART.search(plain):  # as nearly every name
        return [], False
    parts = [part for part in _MARKS.split(plain) if part.strip()]
    found = [_find_part(view, part, asof) for part in parts]
    if any(found) and len(parts) > 1:  # 北京协和医院 beside another name: whose name contains it
        found = [of_part or _find_container(view, part, asof) for of_part, part in zip(found, parts, strict=True)]
    groups = [spans for of_part in found for spans in of_part]
    return groups, all(found) and len(groups) > 1


def _find_container(view: VerificationView, part: str, asof: AsOf) -> list[list[Span]]:
    spans = find_containing_spans(view, fold_text(part), asof)
    return [spans] if spans else []


def _find_part(view: VerificationView, part: str, asof: AsOf) -> list[list[Span]]:
    """Find whom a text names that is one name, or several in a row: all of them that are known."""
    if spans := _find_holders(view, part, asof):
        return [spans]
    for edge in islice(_EDGE.finditer(part), _EDGE_LIMIT):
        if min(edge.start(), len(part) - edge.end()) < _SHORTEST:
            continue
        first = _find_holders(view, part[: edge.start()], asof)
        if first and (second := _find_holders(view, part[edge.end() :], asof)):
            return [first, second]
    for separator in (_BLANKS, _BRACKETS):
        words = [word for word in separator.split(part) if word.strip()]
        found = [_find_part(view, word, asof) for word in words] if len(words) > 1 else []
        if any(found):
            return [spans for of_word in found for spans in of_word]
    return []


def _find_holders(view: VerificationView, name: str, asof: AsOf) -> list[Span]:
    """Find the listed institutions that have a name, or are called so, also where it is said to be the one before."""
    key = fold_text(name)
    if len(key) < _SHORTEST:
        return []
    matched = [match.span for match in match_by_name(view, name, asof)]
    called = (view.find_span(code, asof) for code in view.institutions.common_names.list_codes(key))
    spans = matched or [span for span in called if span is not None and key in span.known_as]
    if not spans and (formerly := _FORMERLY.match(name)):  # not of 原平市, or 现代
        return _find_holders(view, name[formerly.end() :], asof)
    return [span for span in spans if span.site.status != "delisted"]
