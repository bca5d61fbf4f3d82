"""Places chosen by name: what a text names, what it may mean, and the whole name of a place."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from registry.domain import regions
from registry.domain.normalise import compact_text
from registry.texts import Message

#: Places offered at once.
MOST = 12


class _RegionPlace(NamedTuple):
    code: str
    name: str
    short: str  # without the words for the kinds: 辽宁鞍山铁西


def format_place(code: str) -> str:
    """Return the whole name of a code; empty for a code that GB/T 2260 never had.

    >>> format_place("210303"), format_place("110108"), format_place("999999")
    ('辽宁省鞍山市铁西区', '北京市海淀区', '')
    """
    region = regions.find_region(code)
    levels = (region.province, region.city, region.district) if region else ()
    return "".join(dict.fromkeys(level for level in levels if level))


def find_code(text: str) -> str | None:
    """Return the code of the one place that a text names, by its name or its code; None for none or several.

    >>> find_code("辽宁省鞍山市铁西区"), find_code("鞍山铁西"), find_code("铁西区"), find_code("210303")
    ('210303', '210303', None, '210303')
    """
    text = compact_text(text)
    if regions.find_region(text) is not None:
        return text
    named = regions.resolve_address(text)
    if named.code is not None and not named.rest:
        return named.code
    codes = [place.code for place in _list_places() if text in (place.name, place.short)] or list_candidates(text)
    return codes[0] if len(codes) == 1 else None


def describe_unclear_place(text: str) -> Message:
    """Say what to do about a text that names no one place."""
    if list_candidates(text):
        return Message("“{region}”可能是几个地方，请选择其一。", region=text[:30])
    return Message("没有名为“{region}”的省、市、区县，请写如 辽宁省鞍山市铁西区。", region=text[:30])


def list_candidates(text: str, limit: int = MOST) -> list[str]:
    """Return the codes of places that a text may mean, the widest first; of today's divisions only.

    >>> [format_place(code) for code in list_candidates("铁西")]
    ['辽宁省沈阳市铁西区', '辽宁省鞍山市铁西区', '吉林省四平市铁西区']
    """
    pieces = compact_text(text) and text.split()
    if not pieces:
        return []
    joined = compact_text(text)
    found = [place for place in _list_places() if _is_meant(place, pieces, joined)]
    # A name that ends with the text is meant before one that only has it somewhere.
    found.sort(key=lambda place: not (place.name.endswith(joined) or place.short.endswith(joined)))
    return [place.code for place in found[:limit]]


def _is_meant(place: _RegionPlace, pieces: list[str], joined: str) -> bool:
    return joined in place.name or joined in place.short or all(piece in place.name for piece in pieces)


@cache
def _list_places() -> tuple[_RegionPlace, ...]:
    """List the places of today, provinces first, then cities, then districts."""
    codes: dict[str, None] = {}
    level = [code for code, _ in regions.list_children(None)]
    while level:
        codes |= dict.fromkeys(level)
        above = [code for code in level if code.endswith("00")]
        level = [child for code in above for child, _ in regions.list_children(code) if child not in codes]
    return tuple(_RegionPlace(code, format_place(code), _shorten_name(code)) for code in codes)


def _shorten_name(code: str) -> str:
    region = regions.find_region(code)
    levels = dict.fromkeys((region.province, region.city, region.district) if region else ())
    return "".join((*regions.list_forms(level), level)[1] for level in levels if level)
