"""What single cells of a list say: techniques, stages, a province with its count. Nothing unknown gets a default."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from registry.domain.techniques import Stage, TechniqueCode, find_printed_technique, find_stage, find_technique

#: The note of a stage whose cell is blank: the source lists the technique without saying trial or formal.
UNSTATED = "来源未写明是试运行还是正式运行"

_BREAK = re.compile(r"[^\S\n]*[\n\r\t\v\f\x85\u2028\u2029]+\s*")
#: What no reader sees, and what makes a name read otherwise than it is: control characters, turned directions.
_INVISIBLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
_SEPARATORS = re.compile(r"[、，,;；/／|\n\r]+")
_BRACKET = re.compile(r"(.+)\((.+)\)")
_COUNT = re.compile(r"(\d+)项?([^\d\s+]+)|([^\d\s+]+?)(\d+)项?")
_PROVINCE = re.compile(
    r"(.*?[^\d(])(?:\((?:共计|共|计)?(\d+)[家个所]?(?:机构)?\)|(?:共计|共|计)?(\d+)[家个所](?:机构)?)"
)
_TOTAL = re.compile(r"共计?(\d+)[家个所]")


def tidy_cell(text: str) -> str:
    """A cell as printed, trimmed; a line break inside goes, leaving a space only between Latin words or numbers."""
    text = _INVISIBLE.sub("", text).strip()
    if text.isprintable():
        return text

    def replace_break(found: re.Match[str]) -> str:
        return " " if text[found.start() - 1].isascii() and text[found.end()].isascii() else ""

    return _BREAK.sub(replace_break, text)


def parse_techniques(text: str) -> list[tuple[str, TechniqueCode | None]]:
    """Each technique a cell names, as printed and as code; None for a wording the technique table does not have."""
    if not text.strip():
        return []
    whole = _parse_technique(text)
    if whole is not None:
        return [(tidy_cell(text), whole)]
    found: list[tuple[str, TechniqueCode | None]] = []
    for piece in filter(str.strip, _SEPARATORS.split(text)):
        code = _parse_technique(piece)
        words = [piece] if code is not None else piece.split()
        found += [(tidy_cell(word), _parse_technique(word)) for word in words]
    return found


@lru_cache(maxsize=4096)
def _parse_technique(text: str) -> TechniqueCode | None:
    """One printed wording; brackets round a part of it, or an abbreviation of the same behind it, do not matter."""
    text = unicodedata.normalize("NFKC", text)
    code = find_printed_technique(text) or find_printed_technique(text.replace("(", "").replace(")", ""))
    bracket = _BRACKET.fullmatch(text.strip())
    if code is None and bracket is not None:
        code = find_printed_technique(bracket[1])
        code = code if code == find_technique(bracket[2]) else None
    return code


def parse_stages(text: str, techniques: int) -> list[tuple[Stage, str | None]] | None:
    """(stage, note) for each of so many techniques; None when the words settle it for none of them.

    Blank, or counts of formal and trial (1 formal + 2 trial), are ``operating`` with a note: it is not said which.
    """
    if not text.strip():
        return [("operating", UNSTATED)] * techniques
    whole = find_stage(text)
    if whole is not None:
        return [(whole, None)] * techniques
    counts = _parse_stage_counts(text)
    if counts is not None:
        if sum(counts.values()) != techniques or not set(counts) <= {"formal", "trial"}:
            return None
        return [(next(iter(counts)), None) if len(counts) == 1 else ("operating", tidy_cell(text))] * techniques
    words = [word for piece in _SEPARATORS.split(text) for word in piece.split()]
    stages = [stage for stage in map(find_stage, words) if stage is not None]
    if len(stages) == len(words) == techniques:
        return [(stage, None) for stage in stages]
    return None


def _parse_stage_counts(text: str) -> dict[Stage, int] | None:
    """Counts by stage from 「1 formal + 2 trial」, 「1项正式运行+2项试运行」 or 「正式运行1项、试运行2项」."""
    counts: dict[Stage, int] = {}
    parts = re.split(r"[+、，,;；和]", re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)))
    for part in parts:
        found = _COUNT.fullmatch(part)
        stage = find_stage(found[2] or found[3]) if found else None
        if found is None or stage is None:
            return None
        counts[stage] = counts.get(stage, 0) + int(found[1] or found[4])
    return counts


def parse_province(text: str) -> tuple[str, int | None]:
    """A province cell's name and printed count: 辽宁省（22家） -> 辽宁省, 22; the count None when it has none."""
    compact = re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))
    found = _PROVINCE.fullmatch(compact)
    return (found[1], int(found[2] or found[3])) if found else (compact, None)


def parse_total(text: str) -> int | None:
    """The N of 「共N家」 in a banner; None when it says none, or several."""
    found = _TOTAL.findall(re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)))
    return int(found[0]) if len(found) == 1 else None
