"""Every registered address under the ways people write it, and under what only looks like it."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from opencc import OpenCC

from registry.domain import regions
from registry.domain.address_model import parse_address
from registry.verification.addresses import compare_addresses

LIST = Path(__file__).parents[2] / "seed_data" / "national-2025-06" / "national-list-2025-06.csv"
NUMBER = re.compile(r"\d+(?=号)")
#: A plain house number at the end of a road: 大南街87号.
PLAIN_NUMBER = re.compile(r"(?<=[路街道巷])(\d+)号(?![\d、-])")


class Row(NamedTuple):
    """An institution of the list: what is printed, its region, and the parts of its address where they are plain."""

    name: str
    address: str
    region: str
    province: str
    city: str
    district: str
    street: str  # what follows the place

    @property
    def plain(self) -> bool:
        """Whether the address is province, city, district, street and nothing twice."""
        return self.address == self.province + self.city + self.district + self.street and bool(self.district)


@cache
def rows() -> tuple[Row, ...]:
    found = []
    with LIST.open(encoding="utf-8-sig", newline="") as lines:
        for line in csv.DictReader(lines):
            place = regions.resolve_address(line["address"], line["province"])
            home = regions.find_region(place.code or "")
            assert home is not None
            city = "" if home.city in (None, home.province) else home.city
            found.append(
                Row(
                    line["name"],
                    line["address"],
                    str(place.code),
                    home.province,
                    city or "",
                    home.district or "",
                    place.rest,
                )
            )
    assert len(found) == 635
    return tuple(found)


def stem(name: str) -> str:
    return regions.list_forms(name)[-1] if len(regions.list_forms(name)) == 2 else name


def write_chinese(number: str) -> str:
    digits, units, text = "零一二三四五六七八九", ["", "十", "百", "千"], ""
    if len(number) > 4:
        return "".join(digits[int(d)] for d in number)
    for place, digit in zip(range(len(number) - 1, -1, -1), number, strict=True):
        text += digits[int(digit)] + units[place] if digit != "0" else "零"
    text = re.sub("零+", "零", text).rstrip("零")
    return text[1:] if text.startswith("一十") else text


def widen(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def replace_number(row: Row, make: Callable[[str], str]) -> str | None:
    """The address with its plain house number and 号 replaced; None where it has none."""
    found = list(PLAIN_NUMBER.finditer(row.address))
    if len(found) != 1:
        return None
    return row.address[: found[0].start()] + make(found[0][1]) + row.address[found[0].end() :]


def change_place(row: Row, make: Callable[[Row], str], street: str | None = None) -> str | None:
    return make(row) + (row.street if street is None else street) if row.plain else None


def write_place(row: Row) -> str:
    return row.province + row.city + row.district


@cache
def map_former_districts() -> dict[str, str]:
    """By code, a district that no longer exists, of which this one is a successor in the same city."""
    found = {}
    with (LIST.parents[1] / "regions" / "successors.csv").open(encoding="utf-8", newline="") as lines:
        for line in csv.DictReader(lines):
            former = regions.find_region(line["code"])
            if line["code"][:4] == line["successor"][:4] and former and former.district:
                found[line["successor"]] = former.district
    return found


@cache
def get_converter() -> OpenCC:
    return OpenCC("s2t")


def omit_office(row: Row) -> str | None:
    shorter = re.sub("^[^\\d路街]{2,4}(?:街道办事处|街道|办事处|镇)(?=.+[路街道])", "", row.street)
    return change_place(row, write_place, shorter)


def insert(word: str) -> Callable[[Row], str | None]:
    def make(row: Row) -> str | None:
        has_area = any(kind != "zone" for kind, _ in parse_address(row.address).areas)
        return None if has_area else change_place(row, lambda r: r.province + r.city + r.district + word)

    return make


def append(words: str) -> Callable[[Row], str | None]:
    return lambda row: row.address + words


def prepend(words: str) -> Callable[[Row], str | None]:
    return lambda row: words + row.address


def join_levels(mark: str) -> Callable[[Row], str | None]:
    return lambda r: (
        mark.join(level for level in (r.province, r.city, r.district, r.street) if level) if r.plain else None
    )


SAME: dict[str, Callable[[Row], str | None]] = {
    "as printed": lambda r: r.address,
    "province left out": lambda r: change_place(r, lambda r: (r.city or r.province) + r.district),
    "province and city left out": lambda r: change_place(r, lambda r: r.district),
    "district left out": lambda r: change_place(r, lambda r: r.province + r.city),
    "city left out": lambda r: change_place(r, lambda r: r.province + r.district),
    "all places left out": lambda r: change_place(r, lambda _: ""),
    "province short": lambda r: change_place(r, lambda r: stem(r.province) + r.city + r.district),
    "city short": lambda r: change_place(r, lambda r: (stem(r.city) or stem(r.province)) + r.district),
    "province and city short": lambda r: change_place(r, lambda r: stem(r.province) + stem(r.city) + r.district),
    "city short, no district": lambda r: change_place(r, lambda r: stem(r.city or r.province)),
    "city and district short": lambda r: change_place(r, lambda r: stem(r.city or r.province) + stem(r.district)),
    "city twice": lambda r: change_place(r, lambda r: (r.city or r.province) * 2 + r.district),
    "city short and full": lambda r: change_place(r, lambda r: stem(r.city) + (r.city or r.province) + r.district),
    "place twice": lambda r: change_place(r, lambda r: (r.province + r.city + r.district) * 2),
    "district twice": lambda r: change_place(r, lambda r: r.province + r.city + r.district * 2),
    "former district": lambda r: (
        change_place(r, lambda r: r.province + r.city + map_former_districts()[r.region])
        if r.region in map_former_districts()
        else None
    ),
    "district in brackets": lambda r: change_place(r, lambda r: f"{r.province}{r.city}（{r.district}）"),
    "full width": lambda r: widen(r.address),
    "spaces between levels": join_levels(" "),
    "commas between levels": join_levels("，"),
    "slashes between levels": join_levels("/"),
    "dashes between levels": join_levels("-"),
    "lines": lambda r: change_place(r, lambda r: r.province + r.city + r.district + "\n"),
    "spaces around the number": lambda r: replace_number(r, lambda n: f" {n} 号"),
    "spaces everywhere": lambda r: " ".join(r.address) if not re.search(r"\d\D*$", r.address[:-1]) else None,
    "Chinese numerals": lambda r: replace_number(r, lambda n: write_chinese(n) + "号"),
    "Chinese digits": lambda r: replace_number(r, lambda n: "".join("〇一二三四五六七八九"[int(d)] for d in n) + "号"),
    "number sign": lambda r: replace_number(r, lambda n: f"№ {n}") if r.address.endswith("号") else None,
    "No.": lambda r: replace_number(r, lambda n: f"No.{n}号"),
    "number without 号": lambda r: (replace_number(r, lambda n: n) if r.address.endswith("号") else None),
    "号院": lambda r: replace_number(r, lambda n: f"{n}号院") if r.address.endswith("号") else None,
    "traditional": lambda r: get_converter().convert(r.address),
    "zero width": lambda r: r.address[:3] + "\u200b" + r.address[3:],
    "quotes": lambda r: f"“{r.address}”",
    "full stop": append("。"),
    "label": prepend("地址："),
    "label of a hospital": prepend("医院地址: "),
    "label in brackets": prepend("【地址】"),
    "campus as label": prepend("东院区："),
    "first of a list": prepend("1. "),
    "located at": prepend("我院位于"),
    "country": prepend("中国"),
    "country in full": prepend("中华人民共和国 "),
    "post code before": prepend("110016 "),
    "post code with label before": prepend("邮编：110016，"),
    "post code after": append(" 110016"),
    "post code with label after": append(" 邮编:110016"),
    "post code in brackets": append("（邮政编码100000）"),
    "telephone": append(" 电话：400-800-1234"),
    "telephone of a landline": append("，联系电话 0412-0000000"),
    "telephone without label": append(" 024-00000000"),
    "name before": lambda r: f"{r.name}{r.address}",
    "name and colon before": lambda r: f"{r.name}：{r.address}",
    "name and space before": lambda r: f"{r.name} {r.address}",
    "name after": lambda r: f"{r.address}{r.name}",
    "name in brackets after": lambda r: f"{r.address}（{r.name}）",
    "name and floor after": lambda r: f"{r.address}{r.name}3楼",
    "office inserted": insert("示例街道"),
    "office in full inserted": insert("示例街道办事处"),
    "town inserted": insert("示例镇"),
    "community inserted": insert("示例社区"),
    "zone inserted": insert("示例经济技术开发区"),
    "office left out": omit_office,
    **{
        f"inside: {words}": append(words)
        for words in (
            "3楼", "3层", "三层", "门诊楼", "门诊楼5楼生殖中心", "A座", "301室", "门诊楼3层301室", "生殖中心楼", "院内",
            "（生殖医学科）", "（近地铁10号线）", "东院3号门", "3号门", "（东院区）", "地下一层", "负一楼", "三楼东侧",
        )
    },
    "inside: 1号楼": lambda r: None if parse_address(r.address).buildings else r.address + "1号楼",
    "inside: 2栋3单元401室": lambda r: None if parse_address(r.address).buildings else r.address + "2栋3单元401室",
}  # fmt: skip


def change_district(row: Row) -> str | None:
    """The address with another district of the same city, which is no successor and no predecessor."""
    if not row.plain:
        return None
    below = regions.list_children(row.region[:4] + "00" if row.city else row.region[:2] + "0000")
    others = [name for code, name in below if not regions.may_overlap(code, row.region) and name not in row.street]
    return row.province + row.city + others[0] + row.street if others else None


def change_road(row: Row, old: str, new: str) -> str | None:
    changed = re.sub(rf"(?<!^){old}(?=\d+号)", new, row.street)
    return change_place(row, write_place, changed) if changed != row.street else None


def renumber(make: Callable[[str], str]) -> Callable[[Row], str | None]:
    return lambda row: replace_number(row, make)


def place_beside(words: str) -> Callable[[Row], str | None]:
    return lambda row: replace_number(row, lambda number: f"{number}号{words}")


def at_the_end(words: str) -> Callable[[Row], str | None]:
    return lambda row: row.address + words if row.address.endswith("号") else None


def place_at_distance(row: Row) -> str | None:
    is_plain = PLAIN_NUMBER.search(row.street) and row.street.endswith("号")
    return change_place(row, lambda r: r.district, f"距{row.street}500米") if is_plain else None


def change_city(full: tuple[str, str]) -> Callable[[Row], str | None]:
    def make(row: Row) -> str | None:
        other = full[row.region[:2] == "63"]
        return change_place(row, lambda _: other) if NUMBER.search(row.street) else None

    return make


def change_whole_road(row: Row) -> str | None:
    number = NUMBER.search(row.street)
    return (
        change_place(row, write_place, f"示例路{number[0]}号") if number and parse_address(row.address).roads else None
    )


def begin_road(row: Row) -> str | None:
    read = parse_address(row.address)
    is_road = read.doors and read.roads == (re.sub("\\d+号$", "", row.street),)
    return change_place(row, write_place, f"小{row.street}") if is_road else None


DIFFERENT: dict[str, Callable[[Row], str | None]] = {
    "number plus one": renumber(lambda n: f"{int(n) + 1}号"),
    "a digit more": renumber(lambda n: f"{n}0号"),
    "a digit before": renumber(lambda n: f"1{n}号"),
    "without its last digit": renumber(lambda n: f"{n[:-1] or int(n) + 3}号"),
    "a dash inside": renumber(lambda n: f"{n[0]}-{n[1:] or 9}号"),
    "-1": renumber(lambda n: f"{n}-1号"),
    "-1 after 号": at_the_end("-1"),
    "附1号": renumber(lambda n: f"{n}号附1号"),
    "附1 in brackets": at_the_end("（附1）"),
    "之一": at_the_end("之一"),
    "甲": renumber(lambda n: f"{n}甲号"),
    "甲 before": renumber(lambda n: f"甲{n}号"),
    "A": renumber(lambda n: f"{n}A号"),
    "增2号": renumber(lambda n: f"{n}号增2号"),
    "副": renumber(lambda n: f"副{n}号"),
    "another number after it": renumber(lambda n: f"{n}号3号"),
    "a building": renumber(lambda n: f"{n}号楼"),
    **{
        f"beside: {words}": place_beside(words)
        for words in (
            *(
                "附近",
                "对面",
                "斜对面",
                "隔壁",
                "后门外",
                "旁",
                "旁边",
                "向东200米",
                "以南",
                "北侧",
                "东50米",
                "（对面）",
                "周边",
            ),
        )
    },
    "at a distance": place_at_distance,
    "another district": lambda r: change_district(r) if NUMBER.search(r.address) else None,
    "another city": change_city(("青海省西宁市城西区", "辽宁省大连市西岗区")),
    "another city, short": change_city(("西宁", "大连")),
    "东路 for 西路": lambda r: change_road(r, "西路", "东路"),
    "西路 for 东路": lambda r: change_road(r, "东路", "西路"),
    "南路 for 北路": lambda r: change_road(r, "北路", "南路"),
    "路 for 街": lambda r: change_road(r, "(?<!大)街", "路"),
    "街 for 路": lambda r: change_road(r, "(?<!马)路", "街"),
    "巷 for 路": lambda r: change_road(r, "(?<!马)路", "巷"),
    "another road": change_whole_road,
    "a character before the road": begin_road,
}


def compare_all(make: Callable[[Row], str | None]) -> Iterator[tuple[str, str, str]]:
    for row in rows():
        written = make(row)
        if written is not None:
            yield compare_addresses(written, row.address, row.region, (row.name,)), written, row.address


def is_readable(address: str) -> bool:
    return bool(parse_address(address).doors)


@pytest.mark.parametrize("name", SAME)
def test_the_same_place_written_otherwise_is_the_same_place(name: str) -> None:
    compared = list(compare_all(SAME[name]))
    # A road without a number is all that a few addresses say: more than that fits, and proves no site.
    wrong = [
        case
        for case in compared
        if case[0] not in ("same", "form") and not (case[0] == "region" and not is_readable(case[2]))
    ]
    assert compared
    assert len(wrong) <= 0.005 * len(compared), (len(wrong), len(compared), wrong[:20])


@pytest.mark.parametrize("name", DIFFERENT)
def test_another_place_is_never_taken_for_the_same(name: str) -> None:
    compared = list(compare_all(DIFFERENT[name]))
    # With the same number in another district of the city it is for a person to compare: see decision 171.
    words = ("other", "unreadable") if name == "another district" else ("other",)
    assert compared
    assert not [case for case in compared if case[0] not in words]


def test_no_two_institutions_are_taken_for_one_site_unless_the_list_prints_one_address() -> None:
    wrong = [
        (one.address, other.address)
        for one in rows()
        for other in rows()
        if one.province == other.province
        and one.address != other.address
        and compare_addresses(one.address, other.address, other.region, (other.name,)) in ("same", "form")
    ]
    assert not wrong


def test_both_sides_may_be_exchanged() -> None:
    words = Counter(
        (one in ("same", "form"), compare_addresses(registered, written, None) in ("same", "form"))
        for name in ("province left out", "district left out", "full width", "label", "inside: 3楼", "number sign")
        for one, written, registered in compare_all(SAME[name])
    )
    assert words[False, True] + words[True, False] <= 0.005 * words.total(), words
