"""Places named in free text: 鞍山市铁西区, but also 鞍山, as people say it."""

from __future__ import annotations

from collections.abc import Iterator

from registry.domain.regions import map_names_to_codes

_LONGEST = 16  # characters of a name


def list_place_names() -> list[str]:
    """Every way to say any place."""
    return list(map_names_to_codes())


def find_places(text: str) -> list[tuple[int, int, str]]:
    """Places named in free text as (start, end, code), longest first; one tuple for each code a name may mean.

    Names count with or without their last word (鞍山市, 鞍山). Positions are those of ``text`` as given.
    """
    spans = sorted(_find_spans(text), key=lambda span: (span[0] - span[1], span[0]))
    codes = map_names_to_codes()
    return [(start, end, code) for start, end in spans for code in codes[text[start:end]]]


def _find_spans(text: str) -> Iterator[tuple[int, int]]:
    names, reached = map_names_to_codes(), 0
    for start in range(len(text) - 1):
        for length in range(min(_LONGEST, len(text) - start), 1, -1):
            if text[start : start + length] in names:
                if start + length > reached:  # not inside a place already named
                    yield start, start + length
                    reached = start + length
                break
