"""Ways of writing a listed address, and changes that make another place of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from opencc import OpenCC

from registry.domain import regions
from tests.claims.lists import Listed, draw, now

_NUMBER = re.compile("([0-9]+)号(?!楼)")
_LEVEL = re.compile("(?<=[省市区县])(?=[一-鿿]{2})")
_DIGITS = str.maketrans("0123456789", "〇一二三四五六七八九")
_SCRIPTS = [OpenCC(kind) for kind in ("s2t", "s2hk")]
LABELS = ("地址：", "详细地址:", "110000 ", "中国", "中华人民共和国", "“", "\ufeff")
MARKS = ("，", ", ", "-", "/", " ", "\u3000", "\u200b", "·", "\n")
INSIDE = ("门诊楼3层", "B座5楼", "（近地铁10号线）", "2号楼", "医院内", "3号门", "。")
NEARBY = (
    "附近",
    "对面",
    "旁",
    "斜对面",
    "隔壁",
    "北侧",
    "以东100米",
    "向南200米",
    "往西50米",
    "周边",
    "门口",
    "背后",
    "马路对面",
    "北门对过",
    "一墙之隔",
)
OTHER_DOORS = ("附1号", "附一号", "附A号", "之一", "之2", "甲", "-1", "—2", "·1", "（附1）", "增2号")
SPLITS = ("-", "—", "、", "/", ".", "·", "，", "~", "至", "&", "+", "：", "和")


def written(one: Listed) -> Iterator[str]:
    """The address as forms, letters and people write it."""
    yield from (kind.convert(one.address) for kind in _SCRIPTS)
    yield from (label + one.address for label in LABELS)
    yield from (_LEVEL.sub(mark, one.address) for mark in MARKS)
    yield re.sub("[0-9]+(?=号)", lambda digits: digits[0].translate(_DIGITS), one.address)
    yield "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in one.address)
    if one.address.endswith("号"):
        yield from (one.address + more for more in INSIDE)


def _at(one: Listed, write: Callable[[str], Iterator[str]]) -> Iterator[str]:
    for found in _NUMBER.finditer(one.address):
        for other in write(found[1]):
            yield one.address[: found.start()] + other + one.address[found.end() :]


def nearby(one: Listed) -> Iterator[str]:
    """Not there, but near it."""
    yield from _at(one, lambda number: (f"{number}号{word}" for word in NEARBY))
    yield from (f"{one.address}{word}" for word in NEARBY)
    yield f"距{one.address}500米"


def door(one: Listed) -> Iterator[str]:
    """Another door of the number."""
    yield from _at(one, lambda number: (f"{number}号{more}" for more in OTHER_DOORS))


def split(one: Listed) -> Iterator[str]:
    """A mark inside the number: folding must not close it up."""
    yield from _at(one, lambda n: (n[0] + mark + n[1:] + "号" for mark in SPLITS if len(n) > 1))


def second(one: Listed) -> Iterator[str]:
    """Two addresses in one."""
    for i in range(3):
        other = now()[draw(one.address, i) % len(now())].address
        if other != one.address:
            yield from (f"{one.address}{mark}{other}" for mark in ("；", "，", " ", "、"))
            yield f"{other}；{one.address}"


def short_places(region: str) -> tuple[list[str], list[str]]:
    """A place and the other districts of its city, each as people say it, without the word for its kind."""
    home = regions.find_region(region)
    if home is None or home.city is None:
        return [], []
    province, city = (regions.list_forms(name)[-1] for name in (home.province, home.city))
    before = ("", city, home.city, province + city, home.province + city)
    names = dict(regions.list_children(region[:4] + "00")) if home.district else {}
    forms = {code: regions.list_forms(name)[-1] for code, name in names.items()}
    own = [start + form for form in (home.district, forms.get(region)) if form for start in before]
    others = [form for code, form in forms.items() if form != names[code] and not regions.may_overlap(code, region)]
    short = [form for form in others if not form.endswith("县")]  # 沙县 was the name of 沙县区 in full
    return [*before[1:], *own], [start + form for form in short for start in before]


def numbered(one: Listed) -> Iterator[str]:
    """A number where the listed address has none."""
    if not re.search("[0-9]", one.address):
        yield from (f"{one.address}{number}号" for number in (3, 99, 1001))


NEAR: dict[str, Callable[[Listed], Iterator[str]]] = {
    "nearby": nearby,
    "another door": door,
    "a number split": split,
    "two addresses": second,
}
