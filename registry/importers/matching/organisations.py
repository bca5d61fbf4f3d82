"""The two sides of a comparison: institutions by what tells them apart, and whether two can stand at one site.

What an address leaves out contradicts nothing; what both state has to agree. Two counties of one city may each have a
人民街7号, and 87号附1号 is another door than 87号.
"""

from __future__ import annotations

import re
from functools import cached_property, lru_cache
from typing import Literal

from registry.domain import regions
from registry.domain.model import Struct
from registry.domain.normalise import fold_text
from registry.verification import addresses

Why = Literal[
    "same_code",
    "same_name",
    "same_name_apart_from_brackets",
    "former_name",
    "earlier_record",
    "same_address",
    "similar_name_and_address",
    "decided",
]
DoubtRule = Literal[
    "same_uscc", "earlier_name", "earlier_address", "known_as", "similar_name", "similar_address", "shared_word"
]
_STREET = re.compile(r"^\D*?(?P<street>.*?\d+(?:至\d+)?号)")


class Party(Struct, frozen=True, dict=True):
    """One institution on either side of the comparison.

    ``earlier`` are the names and addresses under which the register has it on other days, ``known_as`` what people call
    it. ``codes`` are numbers of this one site (``code:`` and its code here, ``licence:``), ``uscc`` is that of its
    legal person, who may have several.
    """

    key: int | str  # position in the list, or subject in the register
    name: str
    aliases: tuple[str, ...]
    campus: str | None
    address: str
    region: str | None
    earlier: tuple[tuple[str, str], ...] = ()
    known_as: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    uscc: str | None = None

    @cached_property
    def variants(self) -> tuple[Party, ...]:
        """The party itself, and as it was on other days; the city of an earlier address is not known for certain."""
        region = f"{self.province}0000" if self.province else None
        return (
            self,
            *(
                Party(key=self.key, name=name, aliases=(), campus=None, address=address, region=region)
                for name, address in self.earlier
            ),
        )

    @property
    def province(self) -> str:
        """The first two digits of its region; empty when unknown."""
        return (self.region or "")[:2]

    @property
    def city(self) -> str:
        """The first four digits of its region, or as many as are known."""
        return (regions.get_prefix(self.region) if self.region else "")[:4]

    @cached_property
    def site(self) -> str:
        """Street and number, folded; or the whole rest of the address when there is no number."""
        rest = addresses.split_address(self.address)[1]
        match = _STREET.match(rest)
        return match["street"] if match else rest

    @cached_property
    def name_key(self) -> str:
        """The comparison key of the name."""
        return fold_text(self.name)


class Pair(Struct, frozen=True):
    """One institution on both sides, and the rule that pairs them."""

    known: Party
    listed: Party
    why: Why


class Doubt(Struct, frozen=True):
    """Two institutions that may be one, which a person decides; ``why`` in Chinese and English."""

    known: Party
    listed: Party
    rule: DoubtRule
    why: str
    why_en: str


class Rulings(Struct, frozen=True):
    """Decisions of a person by keys (known, listed), whatever a rule says: one and the same, or two.

    ``spelling`` are those of ``same`` in which the list only spells differently, and the register's spelling stays;
    ``keeps_spelling``: so it does wherever nothing else differs, but in those of ``same``.
    """

    same: frozenset[tuple[int | str, int | str]] = frozenset()
    apart: frozenset[tuple[int | str, int | str]] = frozenset()
    spelling: frozenset[tuple[int | str, int | str]] = frozenset()
    keeps_spelling: bool = False


class Pairing(Struct, frozen=True):
    """Every institution of both sides once: paired, new or gone. Those of ``doubts`` are among new and gone too."""

    pairs: list[Pair]
    new: list[Party]
    gone: list[Party]
    doubts: list[Doubt]


#: Provinces that are one city: the city of an address there is known with the province.
_MUNICIPALITIES = ("11", "12", "31", "50")
#: A street office or a zone printed before the street; the rest still has to be a street. No 镇 or 乡: two towns of one
#: county may each have a 人民路7号.
_TOWN = re.compile(r"^(?P<town>[一-鿿]{1,7}?(?:街道|开发区|高新区|园区|新区|新城))(?P<street>[一-鿿]{3,}.*\d.*)$")
_NUMBER = re.compile(r"\d+(?:至\d+)?号")
_DOOR = re.compile(r"^(?:[附之增副至]\d+|[甲乙丙丁戊]|[a-z](?=号|$))")
_BUILDING = re.compile(r"(\d+|[a-z甲乙丙丁])[栋座]")
#: Characters of the shortest road worth comparing, and of the shortest address that another may end with.
_ROAD, _TAIL = 3, 6


def may_share_city(a: Party, b: Party) -> bool:
    """Whether nothing known of their regions says they lie in different cities."""
    return a.city.startswith(b.city) or b.city.startswith(a.city)


def has_known_city(party: Party) -> bool:
    """Whether the city is certain, or there is no other in the province."""
    return len(party.city) == 4 or party.province in _MUNICIPALITIES


def is_surely_one_city(a: Party, b: Party) -> bool:
    """Whether both are known to lie in one city, or the name of the first or the end of the address proves it."""
    if not may_share_city(a, b):
        return False
    return (has_known_city(a) and has_known_city(b)) or has_place_prefix(a.name, a.province) or _has_common_ending(a, b)


@lru_cache(maxsize=4096)
def has_place_prefix(name: str, province: str) -> bool:
    """Whether a name begins with a place, so that it hardly has a namesake in another city: 海南省妇幼保健院."""
    home = regions.find_region(f"{province}0000") if len(province) == 2 else None
    found = regions.resolve_address(name, home.province if home else None)
    return found.code is not None and found.rest != name


def _has_common_ending(a: Party, b: Party) -> bool:
    shorter, longer = sorted((a.site, b.site), key=len)
    return len(shorter) >= _TAIL and longer.endswith(shorter)


@lru_cache(maxsize=16_384)
def _split_town(site: str) -> tuple[str, str]:
    """(town, street and number) of a site, the town empty when none is printed; a number at the end gets its 号."""
    site = f"{site}号" if site[-1:].isdigit() else site
    match = _TOWN.match(site)
    return (match["town"], match["street"]) if match else ("", site)


def get_street(party: Party) -> str:
    """Street and number without a town before them: the same for 和平街道大慧寺路12号 and 大慧寺路12号."""
    return _split_town(party.site)[1]


def find_road(party: Party) -> str:
    """The street without its number; empty when it is too short to compare."""
    match = re.match(r"\D+", get_street(party))
    return match[0] if match and len(match[0]) >= _ROAD else ""


@lru_cache(maxsize=16_384)
def _parse_door_and_buildings(address: str) -> tuple[str, frozenset[str]]:
    """(door, buildings) that an address states after its number."""
    rest = addresses.split_address(address)[1]
    number = _NUMBER.search(rest)
    after = rest[number.end() :] if number else ""
    door = _DOOR.match(after)
    return door[0] if door else "", frozenset(_BUILDING.findall(after))


def may_share_district(a: Party, b: Party) -> bool:
    """Whether nothing known of their regions says they lie in different districts or counties."""
    return regions.overlap(a.region, b.region)


def may_share_site(a: Party, b: Party) -> bool:
    """Whether two of one street and number can be at one site, by district, town, door and building."""
    towns = {town for town in (_split_town(a.site)[0], _split_town(b.site)[0]) if town}
    (door_a, buildings_a), (door_b, buildings_b) = (
        _parse_door_and_buildings(a.address),
        _parse_door_and_buildings(b.address),
    )
    are_different = buildings_a and buildings_b and not buildings_a & buildings_b
    return may_share_district(a, b) and len(towns) < 2 and door_a == door_b and not are_different


def is_at_one_site(a: Party, b: Party) -> bool:
    """Whether both state the same street and number, or the same address without one, and can be at one site."""
    same_street = a.site and get_street(a) == get_street(b)
    return bool(same_street) and may_share_city(a, b) and may_share_site(a, b)


def is_on_one_road(a: Party, b: Party) -> bool:
    """Whether both are on one road of one district, whatever the number."""
    return bool(find_road(a)) and find_road(a) == find_road(b) and may_share_district(a, b)
