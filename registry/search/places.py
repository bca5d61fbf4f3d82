"""Places in a question: those a word begins or ends with, and which of several places of one name is meant."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from registry.domain import regions
from registry.search import pinyin
from registry.search.contract import Understood

#: What may be left of a word once its place is taken out; less is no name.
_LEAST = 2
_NO_NAME = frozenset({"医院", "机构", "诊所", "大学", "市", "省", "县", "区"})


def parse_place(word: str) -> list[Understood]:
    """The places a word may be, when it is one and nothing else."""
    return [
        Understood(text=word, kind="region", value=code)
        for start, end, code in regions.find_places(word)
        if (start, end) == (0, len(word))
    ]


def split_places(word: str) -> tuple[str, list[Understood]]:
    """(what is left, places): a word without the places it begins with, or else without the one it ends with.

    A second place must lie in the first: in 西宁共和路2号, 共和 is part of a street's name and not the county.
    """
    found: list[Understood] = []
    rest = word
    while here := _find_leading_place(rest, [piece.value for piece in found]):
        end, codes = here
        found += [Understood(text=rest[:end], kind="region", value=code) for code in codes]
        rest = rest[end:]
    if found or not rest:
        return rest, found
    last = [(start, code) for start, end, code in regions.find_places(rest) if end == len(rest) and start >= _LEAST]
    if last:
        start = last[0][0]
        return rest[:start], [Understood(text=rest[start:], kind="region", value=code) for _, code in last]
    return rest, []


def _find_leading_place(text: str, outer: list[str]) -> tuple[int, list[str]] | None:
    here = [(end, code) for start, end, code in regions.find_places(text) if start == 0]
    codes = [c for _, c in here if not outer or any(c != o and c.startswith(regions.get_prefix(o)) for o in outer)]
    if not codes or len(text) - here[0][0] < _LEAST or text[here[0][0] :] in _NO_NAME:
        return None
    return here[0][0], codes


def resolve_regions(found: Iterable[Understood]) -> tuple[str, ...]:
    """The regions meant: a word with several readings (铁西区) means those inside the places named beside it."""
    words: dict[str, list[str]] = {}
    for piece in found:
        if piece.kind == "region":
            words.setdefault(piece.text, []).append(piece.value)
    chosen: list[str] = []
    for word, codes in words.items():
        inside = [c for c in codes if any(c != o and c.startswith(regions.get_prefix(o)) for o in chosen)]
        outer = {o for o in chosen for c in inside if c.startswith(regions.get_prefix(o))}
        chosen = [o for o in chosen if o not in outer] + (inside or _select_likeliest(word, codes))
    return tuple(dict.fromkeys(chosen))


def _select_likeliest(word: str, codes: list[str]) -> list[str]:
    """A city's short name means the city, not the districts elsewhere that share it (西安); 朝阳 may be Beijing's."""
    large = [code for code in codes if code.endswith("00")]
    if not large or word[-1:] in "区县旗":
        return codes
    return [code for code in codes if code in large or code[:2] in ("11", "12", "31", "50")]


def split_pinyin_place(text: str) -> tuple[str, list[Understood]] | None:
    """(what is left, places) of a question in letters that begins with a province or city (wuhantongji)."""
    sounds = load_city_sounds()
    for length in range(min(20, len(text) - _LEAST), 3, -1):
        if codes := sounds.get(text[:length]):
            return text[length:], [Understood(text=text[:length], kind="region", value=code) for code in codes]
    return None


@cache
def load_city_sounds() -> dict[str, list[str]]:
    """Provinces and cities by how they sound, with and without the word for their kind."""
    found: dict[str, list[str]] = {}
    provinces = regions.list_children(None)
    for code, name in [*provinces, *(city for province, _ in provinces for city in regions.list_children(province))]:
        if code.endswith("00"):
            for form in regions.list_region_names(code, name):
                sound = "".join(atom.split(".")[1] for atom in pinyin.to_atoms(form).split())
                if code not in found.setdefault(sound, []):
                    found[sound].append(code)
    return found
