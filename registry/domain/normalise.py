"""Folding of Chinese text so that different ways of writing the same words compare equal.

Shared by search, verification and importers. Nothing here judges whether two institutions are the same.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import cache, lru_cache
from typing import NamedTuple

from opencc import OpenCC

_NUMERAL = re.compile("[〇○零一二三四五六七八九十百0-9]+")
_SPACE = re.compile(r"\s+")
_CHINESE_DIGIT = re.compile("[〇○零一二三四五六七八九十百]")
_DIGITS = str.maketrans("〇○零一二三四五六七八九", "000123456789")
#: Arabic digits before one unit (12百), and what is said in units: 十, 七十三, 一百零五, 三百四, 一百12.
_ROUND = re.compile("[0-9]+[十百]")
_COUNTED = re.compile("(?:D百)?D?十D?|D百(?:[〇○零0]?D?|[1-9][0-9])".replace("D", "[一二三四五六七八九1-9]"))
# NFKC turns ⼀-style radicals and full width into ordinary characters; these it leaves. The radicals come out of PDF.
_LEFT = str.maketrans(
    "○◯⺠⻁⻄⻅⻆⻉⻋⻑⻓⻔⻘⻚⻛⻜⻝⻢⻣⻤⻥⻦⻧⻨⻩⻬⻮⻰",
    "〇〇民虎西见角贝车長长门青页风飞食马骨鬼鱼鸟卤麦黄齐齿龙",
)
#: Numerals that count only after 第, since they are words or letters elsewhere: 第Ⅱ, 第贰 (but 陆军).
_ROMAN = re.compile(r"(?<=第)(\W*)([Ⅰ-Ⅻⅰ-ⅻ])(?![Ⅰ-Ⅿⅰ-ⅿ])")
#: In Latin letters only what nobody writes for a letter: 第II, but 第X may stand for any.
_LATIN = {n: str(i) for i, n in enumerate(("ii", "iii", "iv", "", "vi", "vii", "viii", "ix", "", "xi", "xii"), 2) if n}
_LATINS = re.compile(f"(?<=第)(?:{'|'.join(sorted(_LATIN, key=len, reverse=True))})(?![a-z])")
_FORMAL = re.compile("(?<=第)(?!陆军)[壹贰叁肆伍陆柒捌玖拾佰零]+")
_FORMAL_DIGITS = str.maketrans("壹贰叁肆伍陆柒捌玖拾佰", "一二三四五六七八九十百")
#: The letter that stands for a zero (二O四): only beside a digit.
_LETTER = re.compile("(?<=[〇零一二三四五六七八九十百0-9])o+|o+(?=[〇零一二三四五六七八九十百0-9])")


@cache
def _build_script_table() -> dict[int, str]:
    """Traditional to simplified, one character at a time: a table, because a call per string is too slow."""
    characters = [chr(point) for point in (*range(0x3400, 0xA000), *range(0xF900, 0xFB00))]
    table: dict[int, str] = {}
    for kind in ("hk2s", "t2s"):  # Hong Kong writes 衞 for 衛; where they differ, the second decides
        folded = OpenCC(kind).convert("\n".join(characters)).split("\n")
        table |= {ord(a): b for a, b in zip(characters, folded, strict=True) if a != b and len(b) == 1}
    return table


@lru_cache(maxsize=4096)
def _convert_number(numeral: str) -> str:
    """One run of Chinese or Arabic digits as Arabic digits: 二〇四 -> 204, 七十三 -> 73, 四六0 -> 460, 三百四 -> 340.

    What is no number, as 百 alone or 〇十〇, stays as it is.

    >>> _convert_number("一百"), _convert_number("十"), _convert_number("九〇〇"), _convert_number("百")
    ('100', '10', '900', '百')
    """
    digits = numeral.translate(_DIGITS)
    if "十" not in digits and "百" not in digits:
        return digits
    if _ROUND.fullmatch(numeral):
        return digits.replace("十", "0").replace("百", "00").lstrip("0") or "0"
    if not _COUNTED.fullmatch(numeral):
        return numeral
    hundreds, rest = digits.split("百") if "百" in digits else ("0", digits)
    if "十" in rest:
        tens, ones = rest.split("十")
        return str(100 * int(hundreds) + 10 * int(tens or 1) + int(ones or 0))
    return str(100 * int(hundreds) + int(rest or 0) * (10 if len(rest) == 1 else 1))


def normalise_width(text: str) -> str:
    """NFKC without invisible characters (zero width, direction marks, soft hyphen) and without control characters."""
    text = unicodedata.normalize("NFKC", text.translate(_LEFT))
    if text.isprintable():
        return text
    return "".join(" " if c in "\t\r\n" else c for c in text if unicodedata.category(c)[0] != "C" or c in "\t\r\n")


def simplify_script(text: str) -> str:
    """Traditional characters as simplified ones."""
    return text.translate(_build_script_table())


def normalise_script(text: str) -> str:
    """Width and script folded, everything else as it was: ＩＶＦ試管 -> IVF试管."""
    return simplify_script(normalise_width(text))


def compact_text(text: str) -> str:
    """NFKC without white space: the form in which addresses and the cells of lists are read."""
    return _SPACE.sub("", unicodedata.normalize("NFKC", text))


def fold_heading(text: str, marks: str) -> str:
    """The comparison key of a column's heading: width and case folded; white space and ``marks`` gone."""
    return re.sub(rf"[\s{re.escape(marks)}]+", "", normalise_width(text)).casefold()


def convert_numerals(text: str) -> str:
    """Every run of Chinese digits as Arabic digits.

    >>> convert_numerals("联勤保障部队第九〇〇医院")
    '联勤保障部队第900医院'
    """
    if not _CHINESE_DIGIT.search(text):
        return text
    return _NUMERAL.sub(lambda run: _convert_number(run[0]), text)


@cache
def _compile_plain_pattern() -> re.Pattern[str]:
    """Text of nothing but simplified Chinese characters and Arabic digits: of its folding only the numerals are left.

    Most names are such text, and a register has a million of them to fold.
    """
    traditional = _build_script_table()
    characters = (chr(point) for point in range(0x4E00, 0x9FA6) if point not in traditional)
    alphanumerics = "".join(c for c in characters if c.isalnum() and unicodedata.normalize("NFKC", c) == c)
    return re.compile(f"[0-9{alphanumerics}]*")


@lru_cache(maxsize=16_384)
def fold_text(text: str) -> str:
    """The comparison key of a name or an address: width, script, case, numerals folded; spaces and punctuation gone.

    >>> fold_text("瀋陽市婦嬰醫院 （有限責任公司）") == fold_text("沈阳市妇婴医院(有限责任公司)")
    True
    """
    if _compile_plain_pattern().fullmatch(text):
        return convert_numerals(_convert_ordinals(text))
    if "第" in text:
        text = _ROMAN.sub(lambda run: str((ord(run[2]) - 0x2160) % 16 + 1), text)
    text = normalise_script(text).lower()
    if not text.isalnum():
        text = "".join(c for c in text if c.isalnum())  # before numerals are read: 七 十·三 is 73 too
    if "o" in text:
        text = _LETTER.sub(lambda run: "0" * len(run[0]), text)
    return convert_numerals(_convert_ordinals(text))


def _convert_ordinals(text: str) -> str:
    """A roman or formal numeral behind 第 as an everyday one."""
    if "第" not in text:
        return text
    text = _LATINS.sub(lambda run: _LATIN[run[0]], text)
    return _FORMAL.sub(lambda run: run[0].translate(_FORMAL_DIGITS), text)


class FoldedText(NamedTuple):
    """A folded text and where each of its characters stands: ``[starts[i], ends[i])`` in the text as given."""

    text: str
    starts: list[int]
    ends: list[int]


@lru_cache(maxsize=8192)
def _fold_character(raw: str) -> str:
    return normalise_script(raw).lower()


def fold_with_places(text: str) -> FoldedText:
    """The same folding of a running text, with positions; numerals do not run on across a mark: 2、十堰 is no 20.

    >>> fold_with_places("去 第九〇〇醫院").text, fold_with_places("去 第九〇〇醫院").starts
    ('去第900医院', [0, 2, 3, 3, 3, 6, 7])
    """
    characters: list[str] = []
    places: list[tuple[int, int]] = []
    for at, raw in enumerate(text):
        folded = _fold_character(raw)
        for character in folded:
            if character.isalnum():
                characters.append(character)
                places.append((at, at + 1))
        if folded and not folded.isalnum() and not folded.isspace():
            characters.append(_BREAK)
            places.append((at, at + 1))
    plain = "".join(characters)
    for pattern, convert in _CONVERSIONS:
        plain, places = _replace_runs(plain, places, pattern, convert)
    rest = [(c, place) for c, place in zip(plain, places, strict=True) if c != _BREAK]
    return FoldedText("".join(c for c, _ in rest), [start for _, (start, _) in rest], [end for _, (_, end) in rest])


#: Stands for a mark while numerals are read.
_BREAK = "\0"
#: In the order in which ``fold_text`` applies them.
_CONVERSIONS: tuple[tuple[re.Pattern[str], Callable[[str], str]], ...] = (
    (_LETTER, lambda run: "0" * len(run)),
    (_LATINS, _LATIN.__getitem__),
    (_FORMAL, lambda run: run.translate(_FORMAL_DIGITS)),
    (_NUMERAL, _convert_number),
)


def _replace_runs(
    text: str, places: list[tuple[int, int]], pattern: re.Pattern[str], convert: Callable[[str], str]
) -> tuple[str, list[tuple[int, int]]]:
    """Convert every run of a pattern; each character of what comes out stands where the whole run does."""
    parts: list[str] = []
    moved: list[tuple[int, int]] = []
    at = 0
    for run in pattern.finditer(text):
        converted = convert(run[0])
        if converted == run[0]:
            continue
        parts += [text[at : run.start()], converted]
        moved += places[at : run.start()]
        moved += [(places[run.start()][0], places[run.end() - 1][1])] * len(converted)
        at = run.end()
    if not parts:
        return text, places
    return "".join([*parts, text[at:]]), moved + places[at:]


_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r]")


def escape_formula(text: str) -> str:
    """A csv cell that no spreadsheet takes for a formula: an apostrophe stands before what would begin one.

    >>> escape_formula("=1+1"), escape_formula("鞍山市妇儿医院")
    ("'=1+1", '鞍山市妇儿医院')
    """
    return f"'{text}" if _FORMULA.match(text) else text


#: What a formula may begin with, white space before it included.
_SUSPECT = frozenset("=+-@＝＋－＠") | {c for c in map(chr, range(0x3001)) if c.isspace()}


def escape_cells(cells: list[str]) -> list[str]:
    """The same for the cells of a line, of which hardly any begins like a formula."""
    return cells if _SUSPECT.isdisjoint([cell[:1] for cell in cells]) else [escape_formula(cell) for cell in cells]
