"""Mechanical ways of writing a name otherwise: what comes out is the same institution."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from opencc import OpenCC

from tests.claims.lists import ARMY, CAMPUS, Listed, draw, own_places, plain, somebodys

_T = {kind: OpenCC(kind) for kind in ("s2t", "s2tw", "s2hk")}
_CHINESE = "〇一二三四五六七八九"
_ARABIC = str.maketrans("〇○零" + _CHINESE[1:], "000123456789")
_RUN = re.compile("[〇○零一二三四五六七八九十百0-9]+")
_COMPANY = re.compile("[（(]?(股份有限公司|有限责任公司|有限公司)[）)]?$")
BRACKETS = ("()", "【】", "[]", "〔〕", "「」", "﹙﹚", "〈〉", "《》", "『』", "{}", "<>", "⦅⦆")
SPACES = (" ", "　", "\u00a0", "\u2009", "\u202f", "\u2028", "\u200b", "\t")
UNSEEN = "\u200c\u200d\u2060\u180e\u200e\u200f\u202d\u2068\ufe0f\U000e0100\U000e0041"
#: What copying out of PDF makes of ordinary characters.
OUT_OF_PDF = str.maketrans("一二人大女子小山工心日水立长青黄儿民西", "⼀⼆⼈⼤⼥⼦⼩⼭⼯⼼⽇⽔⽴⻓⻘⻩⼉⺠⻄")
MARKS = ("“{}”", "《{}》", "{}。", "【{}】", "·{}", "{}，", "「{}」", "*{}*", "{}!", "——{}——")


def _value(run: str) -> int | None:
    """The number that a run of digits says, in tens or digit by digit."""
    tens = re.fullmatch("([一二三四五六七八九]?)百?([一二三四五六七八九]?)十([一二三四五六七八九]?)", run)
    if tens and "百" not in run:
        return int((tens[1] or tens[2] or "一").translate(_ARABIC)) * 10 + int((tens[3] or "〇").translate(_ARABIC))
    return int(run.translate(_ARABIC)) if not re.search("[十百]", run) else None


def _spoken(number: int) -> str:
    """87 as 八十七, 940 as 九百四十."""
    hundreds, rest = divmod(number, 100)
    tens, ones = divmod(rest, 10)
    text = f"{_CHINESE[hundreds]}百" if hundreds else ""
    if tens:
        text += ("" if tens == 1 and not hundreds else _CHINESE[tens]) + "十"
    elif hundreds and ones:
        text += "零"
    return text + (_CHINESE[ones] if ones else "")


def numerals(name: str, write: Callable[[int, str], str]) -> str:
    """Every number of a name written otherwise."""

    def other(run: re.Match[str]) -> str:
        value = _value(run[0])
        return run[0] if value is None else write(value, run[0])

    return _RUN.sub(other, name)


def _ideographs(value: int, run: str) -> str:
    digits = run if re.fullmatch("[0-9]+", run) else str(value)
    return "".join(_CHINESE[int(digit)] for digit in digits)


def _brackets(one: Listed) -> list[str]:
    written = [one.name.replace("（", pair[0]).replace("）", pair[1]) for pair in BRACKETS]
    if one.halves and not CAMPUS.search(one.halves[1]):
        written.append(one.halves[0])
    return [*written, re.sub("[（()）]", "", one.name)]


def _script(one: Listed) -> list[str]:
    return [convert.convert(one.name) for convert in _T.values()]


def _width(one: Listed) -> list[str]:
    digits = numerals(one.name, lambda value, _: str(value))
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in digits)
    return [wide, unicodedata.normalize("NFKC", wide), unicodedata.normalize("NFKD", one.name)]


def _numbers(one: Listed) -> list[str]:
    written = [
        numerals(one.name, lambda value, _: str(value)),
        numerals(one.name, _ideographs),
        numerals(one.name, lambda value, run: _spoken(value) if value < 1000 else run),
    ]
    written += [_ordinals(one.name, kind) for kind in ("①", "㈠", "Ⅰ", "壹")]
    zeros = [re.sub("[〇○零0]", zero, text) for text in written[:2] for zero in "〇○零0"]
    return written + zeros


def _ordinals(name: str, first: str) -> str:
    """第三 as 第③, 第㈢, 第Ⅲ or 第叁, up to ten."""
    tens = "壹贰叁肆伍陆柒捌玖拾" if first == "壹" else "".join(chr(ord(first) + i) for i in range(10))

    def other(run: re.Match[str]) -> str:
        value = _value(run[0])
        return tens[value - 1] if value is not None and 0 < value <= 10 else run[0]

    return re.sub("(?<=第)[一二三四五六七八九十]+(?!军)", other, name)


def _suffix(one: Listed) -> list[str]:
    """Without the company form that is printed; another form is another legal person."""
    return [_COMPANY.sub("", one.name)]


def _place(one: Listed) -> list[str]:
    """With its own province, city and district before it, alone and together; without the province before its city."""
    places = own_places(one)
    start = next((i for i, place in enumerate(places) if plain(one.name).startswith(place)), len(places))
    wider = [place for place in places[:start] if place[:2] != one.name[:2]]
    official = [place for place in wider if place[-1] in "省市区县"]
    rest = plain(one.name).removeprefix(places[0]) if places else ""
    closer = rest != plain(one.name) and any(rest.startswith(place) for place in places[1:])
    forms = [*(place + one.name for place in wider), "".join(official) + one.name, *([rest] if closer else [])]
    return [form for form in forms if plain(form) not in somebodys()] or [one.name]


def _army(one: Listed) -> list[str]:
    """With the army's name before it, as in full."""
    if not one.name.startswith(ARMY):
        return [one.name]
    name = one.name.removeprefix("解放军")
    return [f"中国人民解放军{name}", f"解放军{name}"]


def _affiliation(one: Listed) -> list[str]:
    """附属 on the other side of its number."""
    return [
        re.sub("附属第([一二三四五六七八九十]+)", r"第\1附属", one.name),
        re.sub("第([一二三四五六七八九十]+)附属", r"附属第\1", one.name),
    ]


def _spaces(one: Listed) -> list[str]:
    return [
        written
        for space in SPACES
        for written in (space.join(one.name), f"{space}{one.name}{space}", one.name[:3] + space * 2 + one.name[3:])
    ]


def _case(one: Listed) -> list[str]:
    digits = numerals(one.name, lambda value, _: str(value))
    return [one.name.upper(), one.name.lower(), digits.swapcase()]


def _punctuation(one: Listed) -> list[str]:
    return [mark.format(one.name) for mark in MARKS] + ["·".join((one.name[:2], one.name[2:])), "-".join(one.name)]


def _together(one: Listed) -> list[str]:
    kinds = [_script, _numbers, _spaces, _brackets]
    written = one
    for kind in kinds:
        forms = kind(written)
        written = written._replace(name=forms[draw(one.name, kind.__name__) % len(forms)])
    return [written.name, f"“{written.name}”"]


def _invisible(one: Listed) -> list[str]:
    seen_nowhere = [one.name[:3] + unseen + one.name[3:] for unseen in UNSEEN]
    return [
        *seen_nowhere,
        one.name.translate(OUT_OF_PDF),
        "\u200b".join(one.name),
        "\ufeff" + one.name,
        one.name[:2] + "\u00ad" + one.name[2:],
        one.name + "\r\n",
    ]


VARIATIONS: dict[str, Callable[[Listed], list[str]]] = {
    "bracket form": _brackets,
    "script": _script,
    "width": _width,
    "numerals": _numbers,
    "company form": _suffix,
    "own place": _place,
    "army": _army,
    "affiliation": _affiliation,
    "spaces": _spaces,
    "case": _case,
    "punctuation": _punctuation,
    "invisible characters": _invisible,
    "several together": _together,
}


def written(how: str, one: Listed) -> list[str]:
    """The name as one kind of variation writes it, each writing once."""
    return list(dict.fromkeys(VARIATIONS[how](one)))
