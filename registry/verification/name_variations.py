"""How else an institution may print the name in a claim: 附属 and its number in the other order, and its own place
before the name, left out, or without 市.

A variation is a key to look up, and only that: it counts where the register prints it as the name of an institution in
the very place. Nothing is kept in memory for it, and only a name that is found nowhere is varied.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from itertools import product
from typing import NamedTuple

from registry.domain import regions
from registry.domain.normalise import fold_text
from registry.verification.names import Rule

_NUMBER_FIRST = re.compile(r"第(\d{1,2})附属")
_NUMBER_LAST = re.compile(r"附属第(\d{1,2})")
#: Words that hospitals of every place share: what only consists of these names nobody (人民医院, 医科大学第一附属医院).
_SHARED = re.compile(
    r"(?:第?\d+|省|市|县|区|州|立|人民|中心|总|中西?医药?|西医|结合|红10字会?|妇女|儿童|妇幼|妇婴|妇儿|妇产|[妇产儿]"
    "|保健|卫生|健康|计划|计生|生育|优生|优育|人口|生殖|遗传|不孕|不育|医药?学?|医疗|科学?|技术|大学|学院|附属|专科|综合"
    "|服务|研究|事业|工人|职工|协和|同济|仁[爱济和]|东方|和平|新华|医|站|所|院|室|部|学|与|和)+"
)
#: What stands before every name of an army's hospital in full, and the register mostly leaves out.
_ARMY = re.compile("(?:中国人民)?解放军(?=海军|空军|陆军|火箭军|联勤保障|[东南西北中]部战区|新疆军区|总医院)")
#: The same before a number, which is the whole name then.
_NUMBERED_ARMY = re.compile("(?:中国人民)?解放军(?=第?[0-9])")
#: Characters below which what follows the army's name is nobody's: 总医院.
_SHORTEST_UNIT = 4
#: Characters of the longest name of a place.
_LONGEST_PLACE = 12
#: The words for kinds of places.
_KINDS = frozenset("省市区县州盟旗")


class Variation(NamedTuple):
    """A key under which the register may print a name, and by which rule.

    ``place``: where the institution has to lie; None where that does not matter. ``is_shortened``: the register prints
    a place more than the claim, so that several may be meant.
    """

    rule: Rule
    key: str
    place: str | None = None
    is_shortened: bool = False


class _Place(NamedTuple):
    """A place that a name begins with: as written, and every code it may mean there."""

    text: str
    codes: tuple[str, ...]


@cache
def _map_codes() -> dict[str, tuple[str, ...]]:
    """The codes of every folded way to say a place, but 区 without that word: 鼓楼, 和平 and 新华 are in every city."""
    codes: dict[str, dict[str, None]] = {}
    for form, of_form in regions.map_names_to_codes().items():
        wanted = [code for code in of_form if form[-1] in _KINDS or not _is_district(code)]
        if wanted:
            codes.setdefault(fold_text(form), {}).update(dict.fromkeys(wanted))
    return {form: tuple(of_form) for form, of_form in codes.items()}


def _is_district(code: str) -> bool:
    region = regions.find_region(code)
    return region is not None and (region.district or "").endswith("区")


@cache
def _map_forms() -> dict[str, tuple[str, ...]]:
    """The folded ways to say the place of every code."""
    forms: dict[str, list[str]] = {}
    for form, codes in _map_codes().items():
        for code in codes:
            forms.setdefault(code, []).append(form)
    return {code: tuple(of_code) for code, of_code in forms.items()}


def is_shared_word(key: str) -> bool:
    """Whether a folded name names nobody, because hospitals of every place share its words.

    >>> is_shared_word("人民医院"), is_shared_word("医科大学第1附属医院"), is_shared_word("台州医院")
    (True, True, False)
    """
    return _SHARED.fullmatch(key) is not None


def is_place(key: str) -> bool:
    """Whether a folded text is a place, or several one inside the other, and nothing else."""
    return bool(key) and sum(len(place.text) for place in _read_chain(key)) == len(key)


def swap_affiliation(key: str) -> str | None:
    """Return a folded name with 附属 on the other side of its number; None where it has none.

    >>> swap_affiliation("郑州大学附属第3医院"), swap_affiliation("郑州大学第3附属医院")
    ('郑州大学第3附属医院', '郑州大学附属第3医院')
    """
    if "附属" not in key:
        return None
    swapped, count = _NUMBER_FIRST.subn(r"附属第\1", key, count=1)
    if not count:
        swapped, count = _NUMBER_LAST.subn(r"第\1附属", key, count=1)
    return swapped if count else None


def remove_army(key: str) -> str:
    """Remove what a folded name of an army's hospital says before its number, and the register may print otherwise.

    >>> remove_army("解放军第980医院"), remove_army("解放军总医院")
    ('第980医院', '解放军总医院')
    """
    army = _NUMBERED_ARMY.match(key)
    return key[army.end() :] if army else key


def find_leading_places(key: str) -> tuple[tuple[str, ...], bool]:
    """Find the codes of the closest place a folded name begins with, and whether it is said in full: 北京大学深圳医院
    need not be in 北京.

    >>> find_leading_places("安徽省芜湖市第2人民医院"), find_leading_places("北京大学第3医院")
    ((('340200',), True), (('110000',), False))
    """
    chain = _read_chain(key)
    return (chain[-1].codes, chain[-1].text[-1] in _KINDS) if chain else ((), False)


def split_leading_places(key: str) -> tuple[tuple[str, ...], str]:
    """Split a folded name into the codes of the closest place it begins with, and what follows.

    >>> split_leading_places("沈阳盛京医院")
    (('210100',), '盛京医院')
    """
    chain = _read_chain(key)
    return (chain[-1].codes, key[sum(len(place.text) for place in chain) :]) if chain else ((), key)


def make_variations(key: str, is_printed: Callable[[str], bool]) -> list[Variation]:
    """Make the keys that the register may print for a folded name, of those it prints; strictest rule first."""
    found: set[Variation] = set()
    if (army := _ARMY.match(key)) and len(rest := key[army.end() :]) > _SHORTEST_UNIT:
        found.update(Variation("place", varied) for varied in (rest, f"解放军{rest}") if is_printed(varied))
    swapped = swap_affiliation(key)
    if swapped and is_printed(swapped):
        found.add(Variation("affiliated_order", swapped))
    for written in (key, swapped) if swapped else (key,):
        found.update(_list_by_place(written, is_printed))
    return sorted(found, key=lambda variation: (_ORDER[variation.rule], variation.key, variation.place or ""))


_ORDER: dict[Rule, int] = {"affiliated_order": 0, "place": 1, "place_word": 2}


def _list_by_place(key: str, is_printed: Callable[[str], bool]) -> Iterator[Variation]:
    """Vary the places a name begins with: those above the closest one are free, and it may be left out, too.

    The closest is never exchanged for one above it: 郑州市人民医院 is not 河南省人民医院, though that lies in 郑州市.
    """
    rest, given = key, ""
    for place in _read_chain(key):
        rest = rest[len(place.text) :]
        for code in place.codes:
            if rest and is_printed(rest) and not is_shared_word(rest):
                yield Variation("place", rest, code)
            for above, form in _list_beginnings(code):
                if is_printed(varied := above + form + rest) and varied != key:
                    # 安徽省 before it or not is the same; 安徽 for 安徽省 left out a word, like 芜湖 for 芜湖市
                    is_same = form == place.text and (above.endswith(given) or given.endswith(above))
                    yield Variation("place" if is_same else "place_word", varied, code, len(above) > len(given))
                if is_printed(varied := above + form + key):
                    yield Variation("place", varied, code, is_shortened=True)
        given += place.text


@lru_cache(maxsize=1024)
def _read_chain(key: str) -> tuple[_Place, ...]:
    """Read the places a folded name begins with, from the widest to the closest."""
    chain: list[_Place] = []
    while place := _read_place(key, chain[-1].codes if chain else None):
        chain.append(place)
        key = key[len(place.text) :]
    return tuple(chain)


def _read_place(key: str, within: tuple[str, ...] | None) -> _Place | None:
    table = _map_codes()
    for length in range(min(_LONGEST_PLACE, len(key)), 1, -1):
        codes = table.get(key[:length], ())
        if codes and within is not None:
            codes = tuple(code for code in codes if any(code != above and _is_above(above, code) for above in within))
        if codes:
            return _Place(key[:length], codes)
    return None


@lru_cache(maxsize=8192)
def _list_beginnings(code: str) -> tuple[tuple[str, str], ...]:
    """List what a name of a place may begin with, in every form: (places above it or none, its own name)."""
    above = [place for place in (code[:2] + "0000", code[:4] + "00") if place != code and place in _map_forms()]
    options = [("", *_map_forms()[place]) for place in above]
    return tuple(("".join(texts), form) for texts in product(*options) for form in _map_forms()[code])


def _is_above(above: str, code: str) -> bool:
    return regions.is_inside(code, above)
