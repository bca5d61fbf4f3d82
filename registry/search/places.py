"""Places in a question: those a word begins or ends with, and which of several places of one name is meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from registry.domain import regions
from registry.search import pinyin
from registry.search.readings import Understood

#: What may be left of a word once its place is taken out; less is no name.
_LEAST = 2
_NO_NAME = frozenset({"医院", "机构", "诊所", "大学", "市", "省", "县", "区"})


def parse_place(word: str) -> list[Understood]:
    """Return the places a word may be, when it is one and nothing else."""
    return [
        Understood(text=word, kind="region", value=code)
        for start, end, code in regions.find_places(word)
        if (start, end) == (0, len(word))
    ]


def split_places(word: str) -> tuple[str, list[Understood]]:
    """Split a word into (what is left, places): without the places it begins with, or the one it ends with.

    A second place must lie in the first: in 西宁共和路2号, 共和 is part of a street's name and not the county.
    """
    places: list[Understood] = []
    remaining = word
    while leading := _find_name_place(remaining, [piece.value for piece in places]):
        end, codes = leading
        places += [Understood(text=remaining[:end], kind="region", value=code) for code in codes]
        remaining = remaining[end:]
    if places or not remaining:
        return remaining, places
    last = [
        (start, code)
        for start, end, code in regions.find_places(remaining)
        if end == len(remaining) and start >= _LEAST
    ]
    if last:
        start = last[0][0]
        return remaining[:start], [Understood(text=remaining[start:], kind="region", value=code) for _, code in last]
    return remaining, []


def raise_to_province(text: str) -> str:
    """Replace a city before an office of its province by the province.

    >>> raise_to_province("济南省妇幼"), raise_to_province("吉林省妇幼")
    ('山东省妇幼', '吉林省妇幼')
    """
    for start, end, code in regions.find_places(text) if "省" in text[1:-1] else ():
        region = regions.find_region(code)
        province = (region.province if region else None) or ""
        if text[end : end + 1] == "省" and not code.endswith("0000") and province.endswith("省"):
            return text[:start] + province + text[end + 1 :]
    return text


def find_leading_places(text: str) -> list[tuple[int, str]]:
    """Find (where it ends, region code) of the places a text begins with: one name, which several places may share."""
    return [(end, code) for start, end, code in regions.find_places(text) if start == 0]


def is_inside(code: str, outer: Iterable[str]) -> bool:
    """Whether a region lies in one of others, or is one of them."""
    return any(regions.is_inside(code, one) for one in outer)


def _find_name_place(text: str, outer: list[str]) -> tuple[int, list[str]] | None:
    """Find the place a name begins with, inside all those before it; None when what is left is no name."""
    places = find_leading_places(text)
    codes = [code for _, code in places if not outer or any(code != o and is_inside(code, [o]) for o in outer)]
    if not codes or len(text) - places[0][0] < _LEAST or text[places[0][0] :] in _NO_NAME:
        return None
    return places[0][0], codes


def resolve_regions(pieces: Iterable[Understood]) -> tuple[str, ...]:
    """Return the regions meant: a word with several readings (铁西区) means those inside the places named beside it."""
    words: dict[str, list[str]] = {}
    for piece in pieces:
        if piece.kind == "region":
            words.setdefault(piece.text, []).append(piece.value)
    chosen: list[str] = []
    for word, codes in words.items():
        inside = [c for c in codes if any(c != o and is_inside(c, [o]) for o in chosen)]
        outer = {o for o in chosen for c in inside if is_inside(c, [o])}
        chosen = [o for o in chosen if o not in outer] + (inside or _select_likeliest(word, codes))
    return tuple(dict.fromkeys(chosen))


def _select_likeliest(word: str, codes: list[str]) -> list[str]:
    """Select the likeliest places: a city's short name means the city (西安), not districts elsewhere."""
    large = [code for code in codes if code.endswith("00")]
    if not large or word[-1:] in "区县旗":
        return codes
    return [code for code in codes if code in large or code[:2] in ("11", "12", "31", "50")]


def split_pinyin_places(words: Sequence[str]) -> Iterator[tuple[str, list[Understood]]]:
    """Split a question in letters into (what is left, a province or city it begins with, or ends with): wuhantongji."""
    sounds, text = load_city_sounds(), "".join(words)
    lengths = range(min(20, len(text) - _LEAST), 3, -1)
    first = next((text[:length] for length in lengths if text[:length] in sounds), "")
    last = words[-1] if len(words) > 1 and len(words[-1]) > 3 and words[-1] in sounds else ""
    for place, left in ((first, text[len(first) :]), (last, "".join(words[:-1]))):
        if place:
            yield left, [Understood(text=place, kind="region", value=code) for code in sounds[place]]


@cache
def load_city_sounds() -> dict[str, list[str]]:
    """Load provinces and cities by how they sound, with and without the word for their kind."""
    sounds: dict[str, list[str]] = {}
    provinces = regions.list_children(None)
    for code, name in [*provinces, *(city for province, _ in provinces for city in regions.list_children(province))]:
        if code.endswith("00"):
            for form in regions.list_region_names(code, name):
                sound = pinyin.to_letters(form)
                if code not in sounds.setdefault(sound, []):
                    sounds[sound].append(code)
    return sounds
