"""Addresses by their levels: place, street office or town, road, number, and what lies inside.

An address is cleaned (width, script, labels, post code, telephone), loses its place (:mod:`registry.domain.regions`),
then is read by a small grammar: pieces that end with the word for their kind, the first house number, the inside.
Everything is kept that was read, and what was not is ``rest``: whether two addresses are one place is not judged here.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, NamedTuple

from registry.domain import regions
from registry.domain.model import Struct
from registry.domain.normalise import convert_numerals, normalise_width, simplify_script

#: Words that end a piece of an address, by its level. An optional level may be left out by whoever writes.
KINDS: dict[str, tuple[str, ...]] = {
    "office": ("街道办事处", "街道办", "街道", "办事处"),
    "town": ("镇", "乡", "苏木"),
    "village": ("村委会", "居委会", "社区", "小组", "村"),
    "zone": ("工业园", "科技园", "产业园", "新城", "区"),
    "road": ("大道", "大街", "马路", "路", "街", "巷", "胡同"),
}
_LEVELS = {word: level for level, words in KINDS.items() for word in words}
_WORDS = "|".join(sorted(_LEVELS, key=len, reverse=True))
#: A kind that follows another at once belongs to the same name: 新村路, 东区街道, 荔村村委会.
_PIECE = re.compile(f"(.+?)((?:{_WORDS})(?!口)(?:村委会|街道办事处|街道|大道|大街|[路街巷村区](?!口))*)")
_LAST_KIND = re.compile(f"(?:{_WORDS})$")
#: The stem of a piece that only continues the road before it: 南街 of 通道南街, 4段, 南3巷.
_CONTINUATION = re.compile("[东南西北中前后]*\\d*[段弄条]?")
#: The kind of a street without a name: what follows 上海 in 上海路 and, with a side, in 上海南路.
_KIND_ONLY = re.compile(r"(?:大道|大街|马路|[路街道巷段条弄里])(?![^\d]*[路街道巷])")
_NAMELESS = re.compile("[东南西北中]*(?:(?:大道|大街|马路|[路街道巷段条弄里])(?![^\\d]*[路街道巷])|$)")

# --- cleaning --------------------------------------------------------------------------------------------------------

_NOISE = re.compile(
    r"(?:邮政编码|邮编)\W*\d{6}(?!\d)"
    r"|(?:联系|咨询|服务|预约|值班|客服|医院)?(?:电话|热线|手机|传真|tel)\W*(?:\+?\d[\d\- ()转]{4,}\d)"
    r"|(?<!\d)(?:0\d{2,3}-\d{7,8}|400-?\d{3}-?\d{4}|1[3-9]\d{9})(?!\d)"
    r"|(?<![\d-])\d{6}\W*$|^\W*\d{6}(?![\d号])",
    re.IGNORECASE,
)
#: What forms and letters put before an address: 地址：, 东院区：, 本院位于, 1. of a list, the country.
_LABEL = re.compile(
    r"\W*(?:[^\W\d]{0,12}(?:地址|住所|院址|地点|位置|所在地)\d?(?=\W|位于)|[^\W\d]{1,24}[\])】]?:(?=.*[一-鿿])"
    r"|[^\W\d]{0,16}(?:位于|坐落[于在]|地处)|\d{1,2}[.、)](?=\D)|(?:中华人民共和国|中国)(?=\W?[一-鿿]{2}))"
)
#: Numbers in circles and brackets, which NFKC takes for digits of the address.
COUNTERS = "①②③④⑤⑥⑦⑧⑨⑩⑴⑵⑶⑷⑸⑹⑺⑻⑼⑽"
_LOOSE_SPACE = re.compile(r"\s+(?!\d)|(?<!\d)\s+|(?<![\d号])[·•・](?!\d)")
_PLACE_IN_BRACKETS = re.compile(r"(?<=[省市区县州旗盟])[(\[【]([一-鿿]{1,12}[省市区县州旗盟])[)\]】]")
_EMPTY_BRACKET = re.compile(r"[(\[【〔][\W]*[)\]】〕]")
#: Marks between the levels of a place: 北京市，海淀区-花园北路.
_BETWEEN = re.compile(r"(?<=[省市区县州旗盟])[^\w()]+(?=[一-鿿])")
_NOT_IN_PATH = re.compile(r"\W+")


@lru_cache(maxsize=16_384)
def clean_address(text: str) -> str:
    """Fold width and script, and remove what is not part of an address: labels, post code, telephone, country, spaces.

    >>> clean_address("地址：中国 辽宁省，沈阳市，沈河区　大南街８７號（邮编：110014）")
    '辽宁省沈阳市沈河区大南街87号'
    """
    text = simplify_script(normalise_width(text.strip(COUNTERS + " "))).lower()
    text = _EMPTY_BRACKET.sub("", _NOISE.sub("", text))
    while (label := _LABEL.match(text)) and label.end() < len(text):
        text = text[label.end() :]
    text = _BETWEEN.sub("", _PLACE_IN_BRACKETS.sub(r"\1", _LOOSE_SPACE.sub("", text)))
    if text[:1] in "([【〔" and text[-1:] in ")]】〕" and not re.search(r"[)\]】〕]", text[1:-1]):
        text = text[1:-1]
    return text.lstrip(")]】〕").strip("“”\"'‘’《》,，.。;；:：、-—> ")


# --- the place -------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def _list_home_forms(near: str) -> tuple[tuple[str, str, bool], ...]:
    """The ways to say a place and what it lies in, longest first: 辽宁省, 辽宁 ...; its code, whether it is short."""
    home = regions.find_region(near)
    codes = (near[:2] + "0000", near[:4] + "00", near)
    names = (home.province, home.city, home.district) if home else ()
    forms: dict[str, tuple[str, bool]] = {"市辖区": (near[:4] + "00", False)}
    for code, name in zip(codes, names, strict=False):
        for form in regions.list_forms(name) if name else ():
            forms.setdefault(form, (near if home and not home.district and name == home.city else code, form != name))
    return tuple((form, *meaning) for form, meaning in sorted(forms.items(), key=lambda form: -len(form[0])))


@lru_cache(maxsize=4096)
def _list_home_chains(near: str, with_short: bool) -> tuple[str, ...]:
    """The full ways to write a district or county: 辽宁省沈阳市沈河区, 沈阳市沈河区; none of a place with others below.

    ``with_short`` adds 济南市中区 and 济南市中 for 市中区 of 济南市, which else read as 济南市 and 中…
    """
    home = regions.find_region(near)
    if home is None or not home.district:
        return ()
    names = [name for name in (home.province, home.city, home.district) if name]
    chains = ["".join(names[start:]) for start in range(len(names) - 1)]
    if with_short and len(names) == 3 and names[2].startswith("市"):
        city, district = (regions.list_forms(name)[-1] for name in names[1:])
        above = ("", names[0], regions.list_forms(names[0])[-1])
        chains += [before + city + form for form in (names[2], district) for before in above]
    return tuple(chains)


def _read_place(text: str, near: str | None, shorts: int) -> tuple[tuple[str, ...], str]:
    """Read the places an address begins with, most exact last; and what follows them."""
    chain = next((chain for chain in _list_home_chains(near, shorts > 2) if text.startswith(chain)), "") if near else ""
    if chain and near:  # what most write, without reading it name by name
        codes, rest = [near], text[len(chain) :]
    else:
        found = regions.resolve_address(text)
        codes, rest = [found.code] if found.code else [], found.rest
    if near and (not codes or regions.may_overlap(codes[-1], near)):
        rest = _strip_home(rest, near, codes, shorts)
    rest = _strip_districts(rest, near, codes)
    words = _NOT_IN_PATH.sub("", rest)
    if 2 <= len(words) <= 12 and (short := _read_short_places(words, near, codes)):
        return tuple(codes) + short, ""
    return tuple(codes), rest


def _strip_home(rest: str, near: str, codes: list[str], shorts: int) -> str:
    """Strip names of the place that is near, also twice; as many without their last words as ``shorts`` allows."""
    forms = _list_home_forms(near)
    while form := next((form for form in forms if rest.startswith(form[0])), None):
        name, code, is_short = form
        following = rest[len(name) :].lstrip(",，、-/ ")
        goes_on = any(following.startswith(form[0]) for form in forms)
        if is_short and following and (shorts < 1 or (_KIND_ONLY.match(following) and not goes_on)):
            return rest
        rest, shorts = following, shorts - is_short
        if not codes or regions.is_inside(code, codes[-1]):
            codes.append(code)
    return rest


def _strip_districts(rest: str, near: str | None, codes: list[str]) -> str:
    """Strip further districts by their official names: 红谷滩区 of 新建区红谷滩区, and what several cities have."""
    while found := regions.find_name_at_start(rest):
        name, targets = found
        city = codes[-1][:4] if codes and not codes[-1].endswith("0000") else codes[-1][:2] if codes else ""
        fits = [code for code in targets if code.startswith(city)]
        fits = [code for code in fits if regions.may_overlap(code, near)] or fits
        if len(name) < 3 or not fits or rest[len(name) :].startswith(("街", "路", "道", "大道", "大街")):
            return rest
        codes += fits
        rest = rest[len(name) :]
    return rest


def _read_short_places(words: str, near: str | None, codes: list[str]) -> tuple[str, ...]:
    """Read a text that is nothing but places without their last words: 鞍山, 浙江杭州."""
    names = regions.map_names_to_codes()
    for cut in (0, 2, 3):
        first, last = words[:cut], words[cut:]
        inside = [region for region in (codes[-1:] if not cut else names.get(first, ())) if region]
        found = [c for c in names.get(last, ()) if not inside or any(regions.is_inside(c, region) for region in inside)]
        if found and (not cut or inside):
            return tuple([c for c in found if regions.may_overlap(c, near)] or found)
    return ()


# --- the number ------------------------------------------------------------------------------------------------------


class Door(NamedTuple):
    """One house number, and what makes another door of it: 138号增2号 is ("138", "增2"), 94-96号 ("94", "-96")."""

    main: str
    sub: str = ""


_DASH = re.compile(r"(?<=[\d号])[‐-―−–—~～·.+_至到-]+(?=\d|[a-z](?![\w]))")
#: 之一四层 is the fourth floor of 之一, not 之14.
_NTH = re.compile("(?<=号)((?:之|[-—·])(?:[一二三四五六七八九十]|\\d+))(?=[一二三四五六七八九十])")
_THOUSANDS = re.compile("([一二三四五六七八九])千零?([一二三四五六七八九][百十零一二三四五六七八九]*)?(?![千万])")
_COMMA = re.compile(r"(?<=[\d号])[、，,;；/&及和与]+(?=[a-z]?\d)")
_DOOR = r"[甲乙丙丁副附增特临支]?[a-z]?\d+(?!\d)[a-z]?(?:[甲乙丙丁戊](?=号|$|\W))?"
_SUB = r"(?:号?[-之附增副](?:\d+(?!\d)[a-z]?|[a-z甲乙丙丁])|号(?=[甲乙丙丁戊](?:$|\W|号))[甲乙丙丁戊])"
_ONE = f"{_DOOR}(?:{_SUB})*"
#: What a numeral in the name of a street, a distance, a floor or a school is followed by.
_NO_HOUSE = (
    "(?![东南西北中]?(?:大道|大街|马路|十字|[路街道巷弄条段环])|[线字里村组区米层楼室厂团号]|单元|公里|医院|[中小]学)"
)
#: What may follow a number without 号: nothing, a mark, or the inside; 三阳路 and 九州路 are names.
_BARE_END = "(?=$|[^\\w-]|门诊|住院|病房|急诊|综合|院内|[主附]楼|附近|[斜正]?对面|旁|隔壁|后门)"
_NUMBER = re.compile(
    rf"(?:no[.:]?|#|门牌号?|第(?=\d+号))?(?:(?P<doors>{_ONE}(?:号?,{_ONE})*)"
    rf"(?:(?P<unit>号楼|号院|号|[栋幢座]|小区)(?!大?[路街道巷]|线|地块)|{_NO_HOUSE}{_BARE_END})"
    r"|(?P<block>[a-z])(?=[座栋幢]))"
)
_ONE_DOOR = re.compile(f"({_DOOR})((?:{_SUB})*)")
#: What belongs to a number after its 号: -1, 之一, 附1号, 甲; and 3号, which is another.
_LATER = re.compile(
    r"\(?([-之附增副](?:\d+(?![\d层楼室栋幢座])[a-z]?|[a-z甲乙丙丁](?!座))|[甲乙丙丁](?![座栋幢楼]))\)?号?"
    r"|(\d+)号(?![楼门线口厅院窗馆])"
)
_SECOND_NUMBER = re.compile("(\\d+)号")
_BUILDINGS = {"号楼": "栋", "栋": "栋", "幢": "栋", "座": "栋", "小区": "小区"}


def _read_doors(found: re.Match[str], following: str) -> tuple[tuple[Door, ...], int]:
    """The doors of a number, and how many characters more belong to it: 3号 of 87号3号."""
    unit = _BUILDINGS.get(found["unit"] or "", "")
    if found["block"]:
        number = _SECOND_NUMBER.match(following, 1)
        return (Door(found["block"] + "栋", number[1] if number else ""),), number.end() if number else 1
    doors = []
    for one in found["doors"].split(","):
        main, sub = _ONE_DOOR.match(one).groups()  # type: ignore[union-attr] # the number is made of these
        letter = re.fullmatch("(\\d+)([a-z甲乙丙丁戊])", main)
        if letter:
            main, sub = letter[1], letter[2] + sub
        doors.append(Door(main.lstrip("0") + unit, sub.replace("号", "")))
    end = 0
    while found["unit"] == "号" and (later := _LATER.match(following, end)):
        doors[-1] = Door(doors[-1].main, doors[-1].sub + (later[1] or later[2]))
        end = later.end()
    return tuple(doors), end


# --- the whole -------------------------------------------------------------------------------------------------------


class Address(Struct, frozen=True, gc=False):
    """The levels of an address as read; what is not stated is empty.

    ``codes``: places by GB/T 2260, the most exact last, several where a name is that of several. ``areas``: (kind,
    stem) of street office, town, village, zone. ``roads``: the last one carries the number. ``inside``: what follows
    the number. ``nearby``: the words by which the number is only a landmark. ``rest``: what is no road and no number.
    """

    codes: tuple[str, ...] = ()
    areas: tuple[tuple[str, str], ...] = ()
    roads: tuple[str, ...] = ()
    doors: tuple[Door, ...] = ()
    inside: str = ""
    nearby: str = ""
    rest: str = ""

    @property
    def place(self) -> str | None:
        """The most exact place."""
        return self.codes[-1] if self.codes else None

    @property
    def buildings(self) -> frozenset[str]:
        """The numbers of buildings inside: {"11"} of 29号11栋."""
        return frozenset(_BUILDING.findall(self.inside)) if self.inside else frozenset()

    @property
    def floors(self) -> list[str]:
        """The floors inside: ["1-3"] of 三阳广场1-3层."""
        return _FLOOR.findall(self.inside)

    @property
    def rooms(self) -> list[str]:
        """The rooms inside."""
        return _ROOM.findall(self.inside)


_BUILDING = re.compile("([a-z]?\\d+|[a-z])(?:号楼|[栋幢座])")
_FLOOR = re.compile("(-?\\d+(?:-\\d+)?)[层楼f]")
_ROOM = re.compile("([a-z]?\\d+[a-z]?)(?:室|号房|房)")
_BRACKETS = re.compile(r"[(\[【〔][^)\]】〕]*[)\]】〕]?")
_ROOMS = re.compile("(?:[a-z]?\\d+(?:号楼|单元|[栋幢座层楼室]))+")
#: What only lies near a number: 87号附近, 87号对面, 87号后门外, 87号向东200米.
_NEARBY = re.compile(
    r"\W?院?[的之]?(?:附近|周边|周围|旁|边上|隔壁|毗邻|相邻|紧?邻|(?:马路|街|路)?斜?正?对[面过门]|[左右][侧边]|步行"
    r"|[前后正侧大东南西北]{0,3}门(?:外|旁|口|斜?正?对[面过门])|门前|[背身]后|后身|[一1][墙街路]之隔|不远|[前后](?:面|方|\d+米)|约?\d+米|[以向往][东南西北]"
    r"|[东南西北]{1,2}(?:侧|面|边|方(?![^\W\d]*[院心])|行|约?\d+米)|路口|交[叉汇])"
)
#: A landmark after the number: 87号市政府对面 describes 87号 or a place opposite, which nobody can tell.
_DESCRIBED = re.compile("(?:附近|旁边?|隔壁|对面|对过|后门外|门前|背后|[一1][墙街路]之隔)$")


def is_nearby(words: str) -> Literal["near", "perhaps"] | None:
    """Whether words after a number make it a mere landmark, at once or perhaps: 对面, 市政府对面."""
    if _NEARBY.match(words):
        return "near"
    return "perhaps" if _DESCRIBED.search(_BRACKETS.sub("", words)) else None


def is_nameless(words: str) -> bool:
    """Whether words begin with the kind of a street and not with its name: 南路, 大街."""
    return bool(_NAMELESS.match(words))


@lru_cache(maxsize=16_384)
def parse_address(text: str, province: str | None = None) -> Address:
    """Parse an address; ``province`` is what its list says beside it.

    >>> parse_address("辽宁省沈阳市沈河区大南街87号附1号门诊楼3层").roads
    ('大南街',)
    """
    near = regions.find_province_code(province) if province else None
    return read_address(clean_address(text), near)


@lru_cache(maxsize=16_384)
def read_address(text: str, near: str | None = None, shorts: int = 9) -> Address:
    """Read a cleaned address; ``near`` is where it is expected to lie, so that 鞍山铁西 and 铁西区 are understood.

    ``shorts`` is how many names of places may be read without their last words: the street may be called 南开三马路.
    """
    codes, rest = _read_place(text, near, shorts)
    if not rest:
        return Address(codes=codes)
    rest = _NTH.sub(r"\1|", rest)
    rest = _COMMA.sub(",", _DASH.sub("-", convert_numerals(_convert_thousands(rest))))
    bare = _BRACKETS.sub(lambda bracket: "#" * len(bracket[0]), rest) if "(" in rest or "【" in rest else rest
    found = _NUMBER.search(bare) or _NUMBER.search(rest)
    path = _NOT_IN_PATH.sub("", (rest[: found.start()] if found else rest)[-80:])
    areas, roads, leftover = _read_path(path, found is not None)
    if found is None:
        return Address(codes=codes, areas=areas, roads=roads, rest=leftover)
    doors, more = _read_doors(found, rest[found.end() :])
    inside = rest[found.end() + more :]
    rooms = _ROOMS.match(inside)
    nearby = near_words[0] if (near_words := _NEARBY.match(inside, rooms.end() if rooms else 0)) else ""
    if not nearby and (described := _DESCRIBED.search(_BRACKETS.sub("", inside))):
        nearby = f"…{described[0]}"
    return Address(codes=codes, areas=areas, roads=roads, doors=doors, inside=inside, nearby=nearby)


def _convert_thousands(text: str) -> str:
    """Arabic digits for numerals with 千, which no name of the register has: 一千零十七号."""
    if "千" not in text:
        return text
    return _THOUSANDS.sub(lambda run: f"{convert_numerals(run[1])}{convert_numerals(run[2] or '').zfill(3)[-3:]}", text)


@lru_cache(maxsize=16_384)
def _read_path(path: str, has_number: bool) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...], str]:
    """Read what stands between place and number: areas, roads, and (without a number) what follows the last of them."""
    pieces: list[tuple[str, str, str]] = []  # level, text, stem
    end = 0
    for piece in _PIECE.finditer(path):
        text, end = piece[0], piece.end()
        kind = _LAST_KIND.search(text)[0]  # type: ignore[index] # a piece ends with one
        level, stem = _LEVELS[kind], text[: -len(kind)]
        if pieces and _is_continuation(pieces[-1], level, stem):
            before = pieces.pop()[1]
            text, stem = before + text, before + stem
        pieces.append((level, text, stem))
    leftover = path[end:]
    if leftover and pieces and pieces[-1][0] == "road" and _CONTINUATION.fullmatch(leftover):
        pieces[-1] = ("road", pieces[-1][1] + leftover, pieces[-1][2])
        leftover = ""
    if has_number and leftover:
        pieces.append(("road", leftover, leftover))
    elif has_number and pieces and pieces[-1][0] != "road":
        pieces[-1] = ("road", *pieces[-1][1:])
    areas = tuple((level, stem) for level, _, stem in pieces if level != "road")
    roads = tuple(dict.fromkeys(text for level, text, _ in pieces if level == "road"))
    return areas, roads, "" if has_number else leftover


def _is_continuation(before: tuple[str, str, str], level: str, stem: str) -> bool:
    """Whether a piece goes on with the one before: 南街 of 通道南街, 东路 of 古镇东路, 湾光荣街 of 马路湾光荣街."""
    level_before, text_before, stem_before = before
    if level_before == "road":
        return bool(_CONTINUATION.fullmatch(stem)) or (level == "road" and len(stem) < 2) or len(stem_before) < 2
    return len(text_before) < 3 and level == "road" and (not stem or bool(_CONTINUATION.fullmatch(stem)))
