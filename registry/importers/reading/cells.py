"""Parsing of single cells: techniques, stages, a province with its count. Nothing unknown gets a default."""

import re
import unicodedata
from datetime import timedelta
from functools import lru_cache
from typing import NamedTuple

from registry.domain.model import Date
from registry.domain.normalise import compact_text
from registry.domain.techniques import Stage, TechniqueCode, find_printed_technique, find_stage, find_technique

#: The note of a stage whose cell is blank: the source lists the technique without saying trial or formal.
UNSTATED = "来源未写明是试运行还是正式运行"

_BREAK = re.compile(r"[^\S\n]*[\n\r\t\v\f\x85\u2028\u2029]+\s*")
#: Characters that nobody sees, some of which make a name read otherwise: controls, marks of direction.
_INVISIBLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
_SEPARATORS = re.compile(r"[、，,;；/／|\n\r]+")
_BRACKET = re.compile(r"(.+)\((.+)\)")
_COUNT = re.compile(r"(\d+)项?([^\d\s+]+)|([^\d\s+]+?)(\d+)项?")
_PROVINCE = re.compile(
    r"(.*?[^\d(])(?:\((?:共计|共|计)?(\d+)[家个所]?(?:机构)?\)|(?:共计|共|计)?(\d+)[家个所](?:机构)?)"
)
_SUM = re.compile(r"(?:合计|总计|共计|总数|(小计))[:：]?(?:共?(\d+)[家个所]?(?:机构)?)?")
_UNITS = re.compile(r"共?计?(\d+)[家个所](?:机构)?")
_TOTAL = re.compile(r"共计?(\d+)[家个所]")


def tidy_cell(text: str) -> str:
    """A cell as printed, trimmed, without line breaks; one between Latin words or numbers becomes a space."""
    text = _INVISIBLE.sub("", text).strip()
    if text.isprintable():
        return text

    def replace_break(match: re.Match[str]) -> str:
        return " " if text[match.start() - 1].isascii() and text[match.end()].isascii() else ""

    return _BREAK.sub(replace_break, text)


def parse_techniques(text: str) -> list[tuple[str, TechniqueCode | None]]:
    """Each technique of a cell as (printed, code); the code None for a wording the technique table does not have."""
    if not text.strip():
        return []
    whole = _parse_technique(text)
    if whole is not None:
        return [(tidy_cell(text), whole)]
    techniques: list[tuple[str, TechniqueCode | None]] = []
    for piece in filter(str.strip, _SEPARATORS.split(text)):
        code = _parse_technique(piece)
        words = [piece] if code is not None else piece.split()
        techniques += [(tidy_cell(word), _parse_technique(word)) for word in words]
    return techniques


@lru_cache(maxsize=4096)
def _parse_technique(text: str) -> TechniqueCode | None:
    """The code of one wording; brackets around a part of it, or an abbreviation in brackets after it, do not matter."""
    text = unicodedata.normalize("NFKC", text)
    code = find_printed_technique(text) or find_printed_technique(text.replace("(", "").replace(")", ""))
    bracket = _BRACKET.fullmatch(text.strip())
    if code is None and bracket is not None:
        code = find_printed_technique(bracket[1])
        code = code if code == find_technique(bracket[2]) else None
    return code


def parse_stages(text: str, count: int) -> list[tuple[Stage, str | None]] | None:
    """(stage, note) for each of ``count`` techniques; None when the words do not tell.

    A blank cell, or numbers of formal and trial ones (1 formal + 2 trial), are ``operating`` with a note.
    """
    if not text.strip():
        return [("operating", UNSTATED)] * count
    whole = find_stage(text)
    if whole is not None:
        return [(whole, None)] * count
    counts = _parse_stage_counts(text)
    if counts is not None:
        if sum(counts.values()) != count or not set(counts) <= {"formal", "trial"}:
            return None
        return [(next(iter(counts)), None) if len(counts) == 1 else ("operating", tidy_cell(text))] * count
    words = [word for piece in _SEPARATORS.split(text) for word in piece.split()]
    stages = [stage for stage in map(find_stage, words) if stage is not None]
    if len(stages) == len(words) == count:
        return [(stage, None) for stage in stages]
    return None


def _parse_stage_counts(text: str) -> dict[Stage, int] | None:
    """Numbers by stage: 1 formal + 2 trial, 1项正式运行+2项试运行 or 正式运行1项、试运行2项; None for other words."""
    counts: dict[Stage, int] = {}
    for part in re.split(r"[+、，,;；和]", compact_text(text)):
        match = _COUNT.fullmatch(part)
        stage = find_stage(match[2] or match[3]) if match else None
        if match is None or stage is None:
            return None
        counts[stage] = counts.get(stage, 0) + int(match[1] or match[4])
    return counts


def parse_province(text: str) -> tuple[str, int | None]:
    """(name, printed count) of a cell: 辽宁省（22家） -> 辽宁省, 22; the count None when there is none."""
    compact = compact_text(text)
    match = _PROVINCE.fullmatch(compact)
    return (match[1], int(match[2] or match[3])) if match else (compact, None)


def parse_total(text: str) -> int | None:
    """The N of 共N家 in a banner; None when there is none, or several."""
    totals = _TOTAL.findall(compact_text(text))
    return int(totals[0]) if len(totals) == 1 else None


_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?: ?00:00:00)?|(\d{4})(\d\d)(\d\d)")
#: Days as spreadsheets count them, where a column is not formatted as dates: 1954 to 2064.
_SERIAL = range(20_000, 60_000)
_FIRST_DAY = Date(1899, 12, 30)
_NO_DAY = frozenset({"", "-", "—", "——", "/", "无", "长期"})


def parse_day(text: str) -> Date | None:
    """The day that a cell prints, or a spreadsheet counts; None for one that states none; ValueError for other words.

    >>> str(parse_day("2025年6月3日")), str(parse_day("45811")), parse_day("—")
    ('2025-06-03', '2025-06-03', None)
    """
    plain = compact_text(text)
    if plain in _NO_DAY:
        return None
    if plain.isascii() and plain.isdigit() and int(plain) in _SERIAL:
        return _FIRST_DAY + timedelta(days=int(plain))
    match = _DAY.fullmatch(plain)
    if match is None:
        raise ValueError("no day")
    return Date(*(int(part) for part in match.groups() if part))


class SumRow(NamedTuple):
    """A row that adds up those above it: of a province or of all, and the number of institutions it prints, if any."""

    is_of_province: bool
    number: int | None


def parse_sum_row(cells: tuple[str, ...]) -> SumRow | None:
    """A row that begins with 合计, 总计 or 小计; None for any other.

    >>> parse_sum_row(("合计", "", "635家", "")), parse_sum_row(("小计：22", "", "")), parse_sum_row(("合计医院", "1"))
    (SumRow(is_of_province=False, number=635), SumRow(is_of_province=True, number=22), None)
    """
    first, *others = [*filter(None, map(compact_text, cells))] or [""]
    match = _SUM.fullmatch(first)
    if match is None:
        return None
    printed = [match[2]] if match[2] else [found[1] for cell in others if (found := _UNITS.fullmatch(cell))]
    numbers = printed or [cell for cell in others if cell.isascii() and cell.isdigit()]
    return SumRow(bool(match[1]), int(numbers[0]) if len(numbers) == 1 else None)
