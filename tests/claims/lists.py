"""The two editions as tests read them, with a plain form of names made here: expectations must not use our matcher."""

from __future__ import annotations

import csv
import hashlib
import re
import unicodedata
from functools import cache
from typing import NamedTuple

from opencc import OpenCC

from registry.domain import regions
from tests.factories import ALIASES, LIST_2018, LIST_2025

TECHNIQUES = ("AIH", "AID", "IVF", "ICSI", "PGT")
_SIMPLIFIED = OpenCC("t2s")
_TENS = re.compile("([一二三四五六七八九]?)十([一二三四五六七八九]?)")
_DIGITS = str.maketrans("〇○零一二三四五六七八九", "000123456789")
_COMPANY = re.compile("(股份有限公司|有限责任公司|有限公司)$")
_BRACKET = re.compile(r"^(.+?)\s*[（(]([^（）()]+)[）)]$")
_KIND = re.compile("(省|市|区|县|(?:壮族|回族|维吾尔)?自治区)$")
#: How the names of an army's hospitals begin, which have 中国人民解放军 before them in full.
ARMY = ("海军", "空军", "陆军", "火箭军", "联勤保障", "解放军", "新疆军区", *(f"{side}部战区" for side in "东南西北中"))
CAMPUS = re.compile(r"(院区|分院|本部|[东西南北]院|[东西南北]区)$")


class Listed(NamedTuple):
    """One row of an edition."""

    name: str
    address: str
    techniques: tuple[str, ...]
    province: str

    @property
    def halves(self) -> tuple[str, str] | None:
        """What stands before and in the bracket at the end of the name."""
        found = _BRACKET.match(self.name)
        return (found[1], found[2]) if found else None


def _rows(path: object) -> list[Listed]:
    with path.open(encoding="utf-8-sig", newline="") as file:  # type: ignore[attr-defined]
        return [
            Listed(r["name"].strip(), r["address"].strip(), tuple(r["techniques"].split()), r["province"])
            for r in csv.DictReader(file)
        ]


@cache
def now() -> list[Listed]:
    """The 635 institutions of 2025."""
    return _rows(LIST_2025)


@cache
def then() -> list[Listed]:
    """The 325 of 2018."""
    return _rows(LIST_2018)


@cache
def in_use() -> list[tuple[str, str]]:
    """(printed name, a name people use) of every line of the file of such names."""
    with ALIASES.open(encoding="utf-8", newline="") as file:
        return [(row["name"], row["known_as"]) for row in csv.DictReader(file)]


def plain(name: str) -> str:
    """A name without everything in which honest writings of it differ, but for the company form."""
    text = _SIMPLIFIED.convert(unicodedata.normalize("NFKC", name.replace("○", "〇"))).lower()
    text = "".join(c for c in text if c.isalnum())
    text = _TENS.sub(lambda m: str(int(m[1].translate(_DIGITS) or 1) * 10 + int(m[2].translate(_DIGITS) or 0)), text)
    return text.translate(_DIGITS)


def without_company(name: str) -> str:
    """The plain form without a company form at its end."""
    return _COMPANY.sub("", plain(name))


def names_of(one: Listed) -> set[str]:
    """The plain forms an institution's own printed name gives it: whole, and the two halves of its bracket."""
    printed = {one.name}
    if one.halves:
        first, inner = one.halves
        printed |= {first, *inner.split("、")}
    return {form(text) for text in printed for form in (plain, without_company)}


@cache
def somebodys() -> dict[str, set[str]]:
    """Plain forms of every name in either edition, with the printed names of 2025 and 2018 they belong to."""
    found: dict[str, set[str]] = {}
    for one in (*now(), *then()):
        for form in names_of(one):
            found.setdefault(form, set()).add(one.name)
    return found


def is_somebodys(name: str) -> bool:
    """Whether a changed name happens to be one that an edition prints, or the change only a way of writing it."""
    return plain(name) in somebodys() or bool(find_by_form(name))


def own_places(one: Listed) -> list[str]:
    """The names of the institution's own province and city, official and without their last word, and of its district;
    plain."""
    place = regions.find_region(regions.resolve_address(one.address, one.province).code or "")
    levels = [level for level in (place.province, place.city) if level] if place else []
    forms = [form for level in levels for form in (level, _KIND.sub("", level)) if len(form) > 1]
    return list(dict.fromkeys(map(plain, (*forms, *([place.district] if place and place.district else ())))))


def find_by_form(name: str) -> set[str]:
    """The printed names of 2025 and 2018 that a name is another form of.

    With the own place before it or left out, or with 附属 on the other side of its number.
    """
    written = _order_affiliation(plain(name))
    return {
        printed
        for form, places, printed in _ordered_names()
        if (written == form and plain(name) not in somebodys())
        or (written.endswith(form) and _is_place(written.removesuffix(form), places))
        or (form.endswith(written) and _is_place(form.removesuffix(written), places))
    }


def _order_affiliation(name: str) -> str:
    return re.sub(r"附属第(\d+)", r"第\1附属", name)


def _is_place(text: str, places: tuple[str, ...]) -> bool:
    return bool(re.fullmatch(f"({'|'.join(places)})+", text)) if places and text else False


@cache
def _ordered_names() -> list[tuple[str, tuple[str, ...], str]]:
    return [
        (_order_affiliation(form), tuple(own_places(one)), one.name)
        for one in (*now(), *then())
        for form in sorted(names_of(one))
    ]


def draw(*parts: object) -> int:
    """A number that depends on nothing but its arguments: choices that are the same in every run."""
    return int.from_bytes(hashlib.sha256("|".join(map(str, parts)).encode()).digest()[:4], "big")
