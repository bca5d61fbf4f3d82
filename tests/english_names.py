"""The English names of the institutions of the shipped list that have none of their own, translated by rule.

    python -m tests.english_names

writes them into ``seed_data/name-en.csv``; rows of kind ``official`` stay as they are. A name is read from the left
into the parts of ``seed_data/name-en/parts.csv``, places of GB/T 2260 and numbers; what is no part is an error.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from registry.domain import regions
from registry.domain.english_places import find_english_name
from tests.english_places import EXCEPTIONS, name_place, spell
from tests.factories import LIST_2025, ROOT

NAMES, PARTS = ROOT / "seed_data" / "name-en.csv", ROOT / "seed_data" / "name-en" / "parts.csv"
COLUMNS = ("name", "address", "name_en", "kind", "source")
#: What a translated row says of itself.
BY_RULE = "译名，由中文名称逐部分译出，不是机构公布的名称"
ORDINALS: dict[str, str] = {
    **{"一": "First", "二": "Second", "三": "Third", "四": "Fourth", "五": "Fifth"},
    **{"六": "Sixth", "七": "Seventh", "八": "Eighth", "九": "Ninth", "十": "Tenth"},
}
_DIGITS = {digit: str(number) for number, digit in enumerate("〇一二三四五六七八九")} | {"0": "0"}
_CAMPUSES: dict[str, str] = {
    **{"东": "East", "北部": "North", "和平": "Heping", "东城": "Dongcheng", "丁桥": "Dingqiao", "滨江": "Binjiang"},
}
_AUTONOMOUS = {"广西": "Guangxi Zhuang", "新疆": "Xinjiang Uygur", "内蒙古": "Inner Mongolia"}
_COMPANY = re.compile("(.+?)(?:（有限责任公司）|有限公司|股份有限公司)")
_SECOND_NAME = re.compile("(.+?) ?（(.+)）")
_CAMPUS = re.compile("(.+医院)(.{1,2})院区")


class Part(NamedTuple):
    """A part of a name: its English, and what it is (``place``, ``level``, ``ordinal``, or a kind of parts.csv)."""

    english: str
    kind: str


@cache
def load_parts() -> dict[str, Part]:
    """Load the table of parts, and every place with and without the word for its kind."""
    with PARTS.open(encoding="utf-8", newline="") as file:
        parts = {row["chinese"]: Part(row["english"], row["kind"]) for row in csv.DictReader(file)}
    with EXCEPTIONS.open(encoding="utf-8", newline="") as file:
        exceptions = {row["name"]: re.sub(r" \(.*?\)", "", row["english"]) for row in csv.DictReader(file)}
    for name, english in list(exceptions.items()):  # also without the word for its kind: 鄂尔多斯
        for form in regions.list_forms(name)[1:]:
            kind = " Prefecture" if form.endswith("州") else ""
            exceptions.setdefault(form, english.split(" ")[0] + kind if name.endswith("自治州") else english)
    places: dict[str, Part] = {}
    for name in regions.list_place_names():
        english = exceptions.get(name) or name_place(name)
        if name.endswith("省"):
            places[name] = Part(f"{english} Provincial", "place")
        elif name.endswith("自治区"):
            places[name] = Part(
                f"{_AUTONOMOUS.get(name[:-3].removesuffix('壮族').removesuffix('维吾尔'), english)}", "region"
            )
        elif name.endswith(("自治州", "地区")):
            places[name] = Part(english, "region")
        elif name.endswith("州") and name not in exceptions and name[:-1] in regions.list_place_names():
            places[name] = Part(f"{spell(name[:-1])} Prefecture", "place")
        else:
            places[name] = Part(english, "place")
    for name in ("北京", "天津", "上海", "重庆"):
        places[f"{name}市"] = places[name] = Part(spell(name), "place")
    return {**places, **parts}


def translate(name: str) -> str:
    """Translate the name of an institution.

    >>> translate("洛阳市妇幼保健院"), translate("苏州大学附属第四医院"), translate("联勤保障部队第九八三医院")
    ('Luoyang Maternal and Child Health Hospital', 'The Fourth Affiliated Hospital of Soochow University', \
'The 983rd Hospital of the Joint Logistics Support Force')
    """
    if found := _COMPANY.fullmatch(name):
        return f"{translate(found[1])} Co., Ltd."
    if found := _SECOND_NAME.fullmatch(name):
        if found[2] == "集团":
            return f"{translate(found[1])} (Group)"
        if found[2] == "东院区":
            return f"{translate(found[1])} (East Campus)"
        return f"{translate(found[1])} ({'; '.join(map(translate, re.split('、', found[2])))})"
    if found := _CAMPUS.fullmatch(name):
        return f"{translate(found[1])}, {_CAMPUSES[found[2]]} Campus"
    return _translate_force(name) or _translate_school(name) or _assemble(read_parts(name))


_SIDES = {"东": "Eastern", "南": "Southern", "西": "Western", "北": "Northern", "中": "Central"}
#: Military hospitals: how their names are made, and what they are in English.
_FORCES: dict[str, Callable[[str], str]] = {
    "联勤保障部队第(.+)医院": lambda number: f"The {_count(number)} Hospital of the Joint Logistics Support Force",
    "陆军第(.+)集团军医院": lambda number: f"Hospital of the {_count(number.replace('十', ''))} Group Army of the PLA",
    "解放军总医院第(.)医学中心": lambda number: (
        f"The {ORDINALS[number]} Medical Center of Chinese PLA General Hospital"
    ),
    "(.)部战区总医院": lambda side: f"General Hospital of {_SIDES[side]} Theater Command",
    "(.+)军区总医院": lambda place: f"General Hospital of {spell(place)} Military Command",
    "武警(.+)总队医院": lambda place: f"Hospital of the {spell(place)} Corps of the {load_parts()['武警'].english}",
    "(武警|.+军)特色医学中心": lambda force: f"Characteristic Medical Center of the {load_parts()[force].english}",
}


def _translate_force(name: str) -> str | None:
    """Translate the name of a military hospital; None for any other."""
    found = ((re.fullmatch(pattern, name), make) for pattern, make in _FORCES.items())
    return next((make(match[1]) for match, make in found if match), None)


def _count(digits: str) -> str:
    """Write a unit's number as an ordinal: 九八三 is 983rd."""
    number = "".join(_DIGITS[digit] for digit in digits)
    ending = "th" if number[-2:] in ("11", "12", "13") else {"1": "st", "2": "nd", "3": "rd"}.get(number[-1], "th")
    return number + ending


def _translate_school(name: str) -> str | None:
    """Translate the name of a hospital that belongs to another body; None where there is none."""
    schools = (part for part, (_, kind) in load_parts().items() if kind == "university" and name.startswith(part))
    school = max(schools, key=len, default=None)
    if school is None:
        return None
    english, rest = load_parts()[school].english, name.removeprefix(school)
    if found := re.fullmatch("(?:附属第(.)|第(.)附属)医院", rest):
        return f"The {ORDINALS[found[1] or found[2]]} Affiliated Hospital of {english}"
    if found := re.fullmatch("第(.)医院", rest):
        return f"The {ORDINALS[found[1]]} Hospital of {english}"
    if rest == "附属医院":
        return f"The Affiliated Hospital of {english}"
    if rest.startswith("附属"):
        return f"{translate(rest.removeprefix('附属'))} Affiliated to {english}"
    return f"{translate(rest)} of {english}" if rest else english


def read_parts(name: str) -> list[Part]:
    """Read a name from the left, always the longest part; ValueError where none goes on."""
    parts: list[Part] = []
    while name:
        if found := re.match(f"第([{''.join(ORDINALS)}])(?!附属)", name):
            parts.append(Part(ORDINALS[found[1]], "ordinal"))
            name = name[found.end() :]
            continue
        if found := re.match("[〇一二四六0]{3}(?=医院)", name):
            parts.append(Part("".join(_DIGITS[digit] for digit in found[0]), "brand"))
            name = name[found.end() :]
            continue
        if name in ("市医院", "市立医院", "立医院", "省医院"):
            level = "" if parts[-1].english.endswith("Provincial") else "Municipal "
            return [*parts, Part(f"{level}Hospital", "type")]
        size = next((size for size in range(len(name), 0, -1) if _may_stand(name[:size], name[size:])), 0)
        if not size:
            raise ValueError(name)
        parts.append(load_parts()[name[:size]])
        name = name[size:]
    return parts


def _may_stand(text: str, rest: str) -> bool:
    """Whether a text is a part that may stand before the rest: a type only at the end, no 市 before 医院, 立医院."""
    part = load_parts().get(text)
    if part is None or part.kind == "university" or (part.kind == "type" and rest):
        return False
    return not (text.endswith("市") and rest in ("医院", "立医院"))


def _assemble(parts: list[Part]) -> str:
    """Put the parts of a name into English: The First People's Hospital of Jingzhou; Jingzhou Central Hospital."""
    words = [part.english for part in parts if part.kind in ("brand", "word", "type")]
    places = [part.english for part in parts if part.kind in ("place", "region")]
    ordinal = next((part.english for part in parts if part.kind == "ordinal"), "")
    if any(part.kind == "region" for part in parts):
        of = " ".join(f"{place} Autonomous Region" if place in _AUTONOMOUS.values() else place for place in places[-1:])
        return " ".join(filter(None, ("The", ordinal, *words, "of", of)))
    if ordinal and not any(part.kind == "brand" for part in parts):
        of = ", ".join(place.removesuffix(" Provincial") for place in reversed(places))
        return " ".join(("The", ordinal, *words, "of", of))
    if len(places) > 1 and places[0].endswith(" Provincial"):
        places[0] = places[0].removesuffix(" Provincial")
    brands = [part.english for part in parts if part.kind == "brand"]
    kinds = [part.english for part in parts if part.kind in ("word", "type")]
    if not brands:
        return " ".join((*places, *kinds))
    return " ".join((*places, *words[:-1], *([ordinal] if ordinal else []), words[-1]))


def read_rows() -> list[dict[str, str]]:
    """Read the shipped file."""
    with NAMES.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def make_rows(official: list[dict[str, str]]) -> list[dict[str, str]]:
    """Make a row for each institution of the list, in its order: an official one as given, else translated."""
    known = {(row["name"], row["address"]): row for row in official if row["kind"] == "official"}
    with LIST_2025.open(encoding="utf-8-sig", newline="") as file:
        listed = [(row["name"], row["address"]) for row in csv.DictReader(file)]
    names = [name for name, _ in listed]
    rows: list[dict[str, str]] = []
    holders: dict[str, set[str]] = {}
    for name, address in listed:
        key = (name, address if names.count(name) > 1 else "")
        by_rule = {"kind": "translated", "source": BY_RULE}
        rows.append(known.get(key) or {"name": name, "address": key[1], "name_en": translate(name), **by_rule})
        holders.setdefault(rows[-1]["name_en"], set()).add(name)
    for row, (_, address) in zip(rows, listed, strict=True):  # 福州 and 抚州 are both Fuzhou
        if row["kind"] == "translated" and len(holders[row["name_en"]]) > 1:
            province = (regions.resolve_address(address).code or "")[:2] + "0000"
            row["name_en"] += f", {find_english_name(province)}"
    return rows


def main() -> None:
    """Write the file anew."""
    rows = make_rows(read_rows())
    with NAMES.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
