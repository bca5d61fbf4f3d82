"""The two editions as tests read them, with a plain form of names made here: expectations must not use our matcher."""

from __future__ import annotations

import csv
import hashlib
import re
import unicodedata
from functools import cache
from typing import NamedTuple

from opencc import OpenCC

from tests.factories import ALIASES, LIST_2018, LIST_2025

TECHNIQUES = ("AIH", "AID", "IVF", "ICSI", "PGT")
_SIMPLIFIED = OpenCC("t2s")
_TENS = re.compile("([一二三四五六七八九]?)十([一二三四五六七八九]?)")
_DIGITS = str.maketrans("〇○零一二三四五六七八九", "000123456789")
_COMPANY = re.compile("(股份有限公司|有限责任公司|有限公司)$")
_BRACKET = re.compile(r"^(.+?)\s*[（(]([^（）()]+)[）)]$")
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
    return plain(name) in somebodys() or without_company(name) in somebodys()


def draw(*parts: object) -> int:
    """A number that depends on nothing but its arguments: choices that are the same in every run."""
    return int.from_bytes(hashlib.sha256("|".join(map(str, parts)).encode()).digest()[:4], "big")
