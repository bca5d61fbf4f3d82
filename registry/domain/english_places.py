"""The English names of places in GB/T 2260.

Source: seed_data/regions/english.csv, spelled in pinyin but for usual spellings (its source.toml says how).
"""

import csv
from functools import cache
from pathlib import Path

from registry.domain.model import Region
from registry.domain.regions import find_region

_FILE = Path(__file__).parents[2] / "seed_data" / "regions" / "english.csv"


@cache
def _load_names() -> dict[str, str]:
    with _FILE.open(encoding="utf-8", newline="") as file:
        return {row["code"]: row["english"] for row in csv.DictReader(file)}


def find_english_name(code: str) -> str | None:
    """The name of a code in English; None when GB/T 2260 never had it.

    >>> find_english_name("210300"), find_english_name("610000"), find_english_name("210303")
    ('Anshan', 'Shaanxi', 'Tiexi District')
    """
    return _load_names().get(code)


def list_names() -> list[str]:
    """The English names of every place."""
    return list(_load_names().values())


def list_english_names(region: Region) -> list[str]:
    """The English names of a region's levels, the narrowest first; none for a region that is not GB/T 2260's.

    >>> list_english_names(find_region("110108")), list_english_names(find_region("429004"))
    (['Haidian District', 'Beijing'], ['Xiantao', 'Hubei'])
    """
    code = region.code or ""
    if region != find_region(code):
        return []
    names = (find_english_name(code[:digits] + "0" * (6 - digits)) for digits in (6, 4, 2))
    return list(dict.fromkeys(name for name in names if name))
