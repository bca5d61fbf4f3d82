"""Mechanical near misses: a change that makes another institution, or nobody, of a listed one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache

from pypinyin import Style, lazy_pinyin

from registry.domain.address_model import parse_address
from registry.search.character_shapes import split_character
from tests.claims.lists import ARMY, Listed, draw, now

_CHINESE = "一二三四五六七八九"
_ORDINAL = re.compile("第([一二三四五六七八九十]+)")
_NUMBER = re.compile("[〇○零一二三四五六七八九十0-9]+")
CITIES = ("沈阳市", "大连市", "鞍山市", "成都市", "上海市", "广州市", "武汉市", "西安市", "苏州市", "郑州市")
PROVINCES = ("辽宁省", "广东省", "四川省", "江苏省", "河南省", "湖北省", "山东省", "浙江省", "河北省", "云南省")
DISTRICTS = ("朝阳区", "铁西区", "鼓楼区", "海淀区", "和平区", "西湖区")
KINDS = ("妇婴", "妇幼", "妇产", "妇儿", "妇女儿童", "妇科", "儿童")
WORDS = ("人民", "中心", "中医", "附属", "大学", "医学院", "保健", "总", "第一", "市", "省", "儿童", "红十字", "专科")
SWAPPED = (("人民", "中心"), ("医学院", "医科大学"), ("大学", "学院"), ("医院", "保健院"), ("省", "市"), ("市", "县"))
ADDED = {
    "生殖中心": ("生殖中心", "生殖医学中心", "（生殖中心）", "生殖医学科"),
    "分院": ("分院", "（分院）", "东院区", "（新院区）", "二分院"),
    "健康咨询": ("健康咨询", "健康咨询有限公司", "健康管理有限公司", "医疗科技有限公司", "（健康咨询）"),
    "国际部": ("国际部", "（国际部）", "国际医院", "国际医疗部"),
    "门诊部": ("门诊部", "（门诊部）", "诊所", "门诊"),
    "医学中心": ("医学中心", "医疗中心", "（医学中心）"),
    "有限公司": ("有限公司", "（有限责任公司）", "股份有限公司", "有限责任公司", "(有限公司)"),
    "集团": ("集团", "集团有限公司", "集团医院", "医疗集团"),
    "体检中心": ("体检中心", "特需部", "生殖科", "不孕不育科", "试管婴儿中心", "助孕中心", "精子库"),
    "合作医院": ("合作医院", "医联体", "联合体", "托管医院", "互联网医院", "（筹）", "附属生殖医院"),
    "官网": ("官网", "代办", "旧址", "对面", "旁", "特聘专家", "A", "2", "甲"),
}
BEFORE = (
    "新",
    "大",
    "北京",
    "上海",
    "中国",
    "国际",
    "香港",
    "附属",
    "第一",
    "非",
    "小",
    "与",
    "合作",
    "中国人民解放军",
)
Asked = tuple[str, str | None]
Near = Callable[[Listed], Iterator[Asked]]


def _replaced(one: Listed, found: re.Match[str], written: str) -> Asked:
    return one.name[: found.start(1)] + written + one.name[found.end(1) :], None


def ordinal(one: Listed) -> Iterator[Asked]:
    """第一 for 第二; a first name without ordinal gets one."""
    for found in _ORDINAL.finditer(one.name):
        for other in (*_CHINESE, "十", "十一"):
            if other != found[1]:
                yield _replaced(one, found, other)
    if "第" not in one.name:
        yield re.sub("(?=(人民|中心|中医)?医院|妇)", "第二", one.name, count=1), None


def number(one: Listed) -> Iterator[Asked]:
    """Another digit, or a further one, in any number; a number where there was none."""
    for found in _NUMBER.finditer(one.name):
        run = found[0]
        for i in range(len(run)):
            yield one.name[: found.start() + i] + "8" + one.name[found.start() + i + 1 :], None
        yield one.name[: found.end()] + "九" + one.name[found.end() :], None
    if not _NUMBER.search(one.name):
        yield re.sub("医院|院|中心|所|部", r"二〇五\g<0>", one.name, count=1), None


def _place(one: Listed, suffix: str, others: tuple[str, ...]) -> Iterator[Asked]:
    found = re.match(f"([^（(]{{2,7}}?){suffix}", one.name)
    for i in range(3):
        other = others[draw(one.name, suffix, i) % len(others)]
        if found and other[:2] != found[1][:2]:
            yield other + one.name[found.end() :], None
            yield other[:-1] + one.name[found.end() :], None
        if other[:2] not in one.name:
            yield other + one.name, None


def city(one: Listed) -> Iterator[Asked]:
    """Of another city."""
    yield from _place(one, "市", CITIES)


def province(one: Listed) -> Iterator[Asked]:
    """Of another province."""
    yield from _place(one, "省", PROVINCES)


def district(one: Listed) -> Iterator[Asked]:
    """Of a district."""
    for name in DISTRICTS:
        if name not in one.name:
            at = one.name.find("市") + 1 or one.name.find("省") + 1
            yield one.name[:at] + name + one.name[at:], None


def kind(one: Listed) -> Iterator[Asked]:
    """妇婴, 妇幼, 妇产, 妇儿 exchanged."""
    for old in KINDS:
        for new in KINDS:
            if old in one.name and new != old:
                yield one.name.replace(old, new, 1), None
                yield one.name.replace(old, new), None
    for old, new in SWAPPED:
        if old in one.name:
            yield one.name.replace(old, new, 1), None
            yield one.name.replace(new, old, 1), None


def _added(what: str) -> Near:
    def added(one: Listed) -> Iterator[Asked]:
        for ending in ADDED[what]:
            yield one.name + ending, None
            if one.halves:
                yield one.halves[0] + ending, None
        yield one.name[:2] + what + one.name[2:], None

    return added


def before(one: Listed) -> Iterator[Asked]:
    """With a word before it."""
    for word in BEFORE:
        if word == "中国人民解放军" and one.name.startswith(ARMY):
            continue  # the full name of the very institution
        yield word + one.name, None
        yield f"（{word}）{one.name}", None


def joined(one: Listed) -> Iterator[Asked]:
    """Together with the name of another."""
    for i in range(2):
        other = now()[draw(one.name, "joined", i) % len(now())].name
        for mark in ("", "、", " ", "/", "与", "（"):
            yield one.name + mark + other + ("）" if mark == "（" else ""), None


def around(one: Listed) -> Iterator[Asked]:
    """A name that holds a listed one."""
    for form in (
        "示例生殖中心（{}）",
        "{}（示例生殖中心）",
        "位于{}旁的生殖中心",
        "原{}专家坐诊",
        "{0}{0}",
        "{0}（{0}）",
    ):
        yield form.format(one.name), None


def dropped(one: Listed) -> Iterator[Asked]:
    """Without one of its words."""
    for word in WORDS:
        if word in one.name:
            yield one.name.replace(word, "", 1), None


def part(one: Listed) -> Iterator[Asked]:
    """Only a part of the name."""
    name = one.halves[0] if one.halves else one.name
    for cut in {2, 3, 4, len(name) // 2, len(name) - 1, len(name) - 2}:
        yield name[:cut], None
        yield name[cut:], None


@cache
def _sounds() -> dict[str, str]:
    """By reading, the characters that names are made of."""
    found: dict[str, str] = {}
    for character in sorted({c for one in now() for c in one.name if "一" <= c <= "鿿"}):
        reading = lazy_pinyin(character, style=Style.NORMAL)[0]
        found[reading] = found.get(reading, "") + character
    return found


@cache
def _looks() -> dict[str, list[str]]:
    """By part, the characters of names that have it."""
    found: dict[str, list[str]] = {}
    for character in sorted({c for one in now() for c in one.name if "一" <= c <= "鿿"}):
        for one in split_character(character):
            found.setdefault(one, []).append(character)
    return found


def _wrong(one: Listed, alike: Callable[[str], list[str]]) -> Iterator[Asked]:
    for i, character in enumerate(one.name):
        others = [other for other in alike(character) if other != character]
        if others:
            yield one.name[:i] + others[draw(one.name, i) % len(others)] + one.name[i + 1 :], None


def homophone(one: Listed) -> Iterator[Asked]:
    """One character that sounds the same."""
    yield from _wrong(one, lambda c: list(_sounds().get(lazy_pinyin(c)[0], "")) if "一" <= c <= "鿿" else [])


def lookalike(one: Listed) -> Iterator[Asked]:
    """One character that looks alike: it shares a part."""
    yield from _wrong(one, lambda c: [x for p in split_character(c) if "一" <= c <= "鿿" for x in _looks()[p]])


def missing(one: Listed) -> Iterator[Asked]:
    """One character missing."""
    for i in range(len(one.name)):
        yield one.name[:i] + one.name[i + 1 :], None


def extra(one: Listed) -> Iterator[Asked]:
    """One character too many: the same again, or one from another name."""
    other = now()[draw(one.name, "extra") % len(now())].name
    for i, character in enumerate(one.name):
        yield one.name[:i] + character + one.name[i:], None
        yield one.name[:i] + other[i % len(other)] + one.name[i:], None


def swapped(one: Listed) -> Iterator[Asked]:
    """Two neighbours in each other's place."""
    for i in range(len(one.name) - 1):
        yield one.name[:i] + one.name[i + 1] + one.name[i] + one.name[i + 2 :], None


def others_bracket(one: Listed) -> Iterator[Asked]:
    """With another's second name, another's name, or a campus nobody has, in brackets."""
    second = [other.halves[1] for other in now() if other.halves and other.name != one.name]
    base = one.halves[0] if one.halves else one.name
    for i in range(3):
        yield f"{base}（{second[draw(one.name, i) % len(second)]}）", None
        yield f"{base}（{now()[draw(i, one.name) % len(now())].name}）", None
        yield f"{now()[draw(i, one.name) % len(now())].name}（{base}）", None
    yield f"{base}（西北院区）", None


def others_address(one: Listed) -> Iterator[Asked]:
    """The right name at the address of another: its neighbour in the list, its neighbour in the city, and far away."""
    rows = now()
    here = next(i for i, other in enumerate(rows) if other == one)
    near = [other for other in rows if other.address[:6] == one.address[:6] and other.address != one.address]
    for other in (rows[here - 1], rows[draw(one.name) % len(rows)], *near[:4]):
        # A number stands against a number: nobody is told to be elsewhere where the list prints a crossing.
        can_differ = all(parse_address(place).doors for place in (one.address, other.address))
        if other.address != one.address and other.name != one.name and can_differ:
            yield one.name, other.address


def house_number(one: Listed) -> Iterator[Asked]:
    """The right name at another number of its street."""
    for found in re.finditer("([0-9]+)(?=号)", one.address):
        for written in (f"{found[1]}1", f"1{found[1]}", str(int(found[1]) + 2), f"{found[1]}-1"):
            yield one.name, one.address[: found.start()] + written + one.address[found.end() :]
        end = found.end() + 1
        for more in ("附1号", "之一", "之2", "甲"):
            yield one.name, one.address[:end] + more + one.address[end:]
        if one.address[end : end + 1] != "楼":
            yield one.name, one.address[:end] + "楼" + one.address[end:]
        break


NEAR: dict[str, Near] = {
    "other ordinal": ordinal,
    "other number": number,
    "other city": city,
    "other province": province,
    "other district": district,
    "other kind": kind,
    **{f"added {what}": _added(what) for what in ADDED},
    "a word before it": before,
    "another's name beside it": joined,
    "its name in another": around,
    "dropped word": dropped,
    "only a part": part,
    "homophone": homophone,
    "look-alike": lookalike,
    "one missing": missing,
    "one extra": extra,
    "two swapped": swapped,
    "another's bracket": others_bracket,
    "another's address": others_address,
    "another house number": house_number,
}


def changed(how: str, one: Listed, most: int = 3) -> list[Asked]:
    """The name as one kind of change makes it, each outcome once; of many outcomes ``most``, drawn by hash."""
    made = dict.fromkeys(NEAR[how](one))
    return sorted(made, key=lambda asked: draw(how, *asked))[:most]
