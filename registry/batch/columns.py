"""The columns of a file of claims: those a row is read from, those of its answer, and why a row has none."""

import datetime as dt
import difflib
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec

from registry.domain.answers import Answer, Claim
from registry.domain.model import Struct
from registry.domain.normalise import fold_heading
from registry.domain.shape_fields import find_unknown_field
from registry.domain.techniques import find_technique
from registry.errors import STATUSES, InvalidInput, RegistryError, find_nearest, make_nesting_error
from registry.records.asof import get_day_end, parse_day, parse_instant
from registry.storage.uploads.text_files import HEADING_MARKS
from registry.texts import FixedText, Listing, Message

#: The columns an answer adds to a row, in order. The names are for programs and never change.
_COLUMNS = (
    *("verdict", "explanation", "technique_verdicts", "technique_stages"),
    *("matched_code", "matched_name", "matched_address", "matched_on", "candidates"),
    *("practitioner_verdict", "ad_certificate_verdict", "content_flags", "mentions", "sanctions"),
    *("source", "as_of", "answered_on", "answered_known_at", "log_size"),
)
_ERRORS = ("error_code", "error")
NAMES: tuple[str, ...] = (*_COLUMNS, *_ERRORS)
#: The column after those, where receipts were asked for.
RECEIPT = "receipt"
_NO_MATCH = ("", "", "", "")
_LOG_SIZE = NAMES.index("log_size")


def format_answer_cells(answer: Answer) -> list[str]:
    """The cells of an answer, one for each of ``NAMES``."""
    match, basis = answer.match, answer.basis
    return [
        answer.verdict,
        answer.explanation,
        ";".join([f"{t.technique}={t.verdict}" for t in answer.techniques]),
        ";".join([f"{t.technique}={t.stage}" for t in answer.techniques if t.stage]),
        *((match.code, match.name, match.address, match.on) if match else _NO_MATCH),
        "; ".join([f"{c.code} {c.name}" for c in answer.candidates]),
        answer.practitioner.verdict if answer.practitioner else "",
        answer.ad_certificate.verdict if answer.ad_certificate else "",
        "; ".join([f"{flag.kind}={flag.text}" for flag in answer.content_flags]),
        "; ".join([f"{mention.text}={mention.verdict}" for mention in answer.mentions]),
        "; ".join([f"{found.kind}={found.document_no or found.entry}" for found in answer.sanctions]),
        *((basis.source, basis.as_of.isoformat()) if basis else ("", "")),
        answer.on.isoformat(),
        _format_instant(answer.known_at),
        str(answer.log.size),
        *("", ""),
    ]


@lru_cache(maxsize=64)
def _format_instant(known_at: dt.datetime) -> str:
    return known_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def format_error_cells(error: RegistryError, lang: str, size: int) -> list[str]:
    """The cells of a row without an answer, one for each of ``NAMES``: the log size and the error."""
    cells = [""] * len(NAMES)
    cells[_LOG_SIZE], cells[-2], cells[-1] = str(size), error.code, error.get_text(lang)
    return cells


class RowProblem(Struct, frozen=True):
    """RFC 9457, of one row: ``code`` is stable and for programs, ``detail`` is for people."""

    title: str
    status: int
    detail: str
    code: str
    type: str = "about:blank"


def make_row_problem(error: RegistryError, lang: str) -> RowProblem:
    """The reason why a row has no answer, as an object."""
    status = HTTPStatus(find_nearest(type(error), STATUSES) or 500)
    return RowProblem(title=status.phrase, status=status, detail=error.get_text(lang), code=error.code)


#: Messages of the decoder, and the sentences that help whoever wrote the value.
_MESSAGES: tuple[tuple[re.Pattern[str], Message], ...] = (
    (re.compile("Invalid RFC3339 encoded date$"), Message("不是日期，请写成 YYYY-MM-DD，例如 2025-07-01")),
    (re.compile("Invalid RFC3339 encoded datetime$"), Message("不是带时区的时刻，请写成 2025-07-01T00:00:00Z 这样")),
    (re.compile("Object missing required field `(?P<field>.*)`$"), Message("缺少字段 {field}")),
    (re.compile(r"Expected `str` of length <= (?P<limit>\d+)"), Message("过长，最多{limit}个字符")),
    (re.compile(r"Expected `array` of length <= (?P<limit>\d+)"), Message("过多，最多{limit}项")),
    (re.compile("Expected `(?P<wanted>.*)`, got `(?P<found>.*)`$"), Message("应为 {wanted}，却是 {found}")),
)


def make_unreadable_error(error: Exception) -> InvalidInput:
    """The error of a row the decoder refuses: the field, and what to write instead."""
    if isinstance(error, RecursionError):
        return make_nesting_error()
    if unknown := find_unknown_field(error, Claim):
        return InvalidInput(Message("{field}：{message}。", field=unknown.path, message=unknown.message))
    text, _, path = str(error).partition(" - at `$")
    field = path.strip("`.")
    matches = ((sentence, match) for pattern, sentence in _MESSAGES if (match := pattern.match(text)))
    message = next((sentence.fill_in(**match.groupdict()) for sentence, match in matches), FixedText(text))
    if not isinstance(error, msgspec.ValidationError):  # no JSON at all
        return InvalidInput(Message("这一行不是合法的 JSON：{message}。", message=message))
    if not field:
        return InvalidInput(Message("{message}。", message=message))
    return InvalidInput(Message("{field}：{message}。", field=field, message=message))


# --- the columns of claims ---

_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?|(\d{4})(\d{2})(\d{2})")
_CLOCK = re.compile(r"(?<=\d|日)(?:\s+|T)\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s*$")
_SEPARATORS = re.compile(r"[;；、,，|\n]+")
_LOOSE = re.compile(r"[\s/+＋&和及与]+")


def parse_loose_day(text: str) -> dt.date | None:
    """A day as people write it: 2025-06-30, 2025/6/30, 20250630 or 2025年6月30日; None when it is none.

    >>> parse_loose_day("2025年6月30日") == parse_loose_day("20250630") == dt.date(2025, 6, 30)
    True
    """
    found = _DAY.fullmatch(re.sub(r"\s+", "", text))
    if found is None:
        return None
    year, month, day = (int(part) for part in found.groups() if part is not None)
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


def _parse_day_cell(text: str) -> dt.date:
    """A day, also with the time of day that spreadsheets add (2025/7/1 0:00)."""
    return parse_loose_day(_CLOCK.sub("", text)) or parse_day(text)  # the latter raises, with what to write


def _parse_instant_cell(text: str) -> dt.datetime:
    day = parse_loose_day(text)
    return parse_instant(text) if day is None else get_day_end(day)


def _split_words(text: str) -> list[str]:
    """The words of a cell; codes separated by a space or a slash count as several where each is known.

    >>> _split_words("AIH IVF、三代试管"), _split_words("IVF-ET"), _split_words("冻卵 IVF")
    (['AIH', 'IVF', '三代试管'], ['IVF-ET'], ['冻卵 IVF'])
    """
    words = (word for part in _SEPARATORS.split(text) if (word := part.strip()))
    return [part for word in words for part in _split_techniques(word)]


def _split_techniques(word: str) -> list[str]:
    if find_technique(word) is None:
        parts = [part for part in _LOOSE.split(word) if part]
        if parts and all(map(find_technique, parts)):
            return parts
    return [word]


class ClaimColumn(NamedTuple):
    """One field of a claim by its path, the headings for it, and the parser of its cells."""

    field: str
    headings: tuple[str, ...]
    parse: Callable[[str], Any] = str


#: Headings are compared without case, spaces, _ and -. The first of each is documented.
COLUMNS: tuple[ClaimColumn, ...] = (
    ClaimColumn("id", ("id", "编号", "行号")),
    ClaimColumn("provider.name", ("name", "名称", "机构名称", "医疗机构名称", "医院名称", "单位名称")),
    ClaimColumn("provider.address", ("address", "地址", "机构地址", "医疗机构地址", "执业地址", "所称地址")),
    ClaimColumn("provider.uscc", ("uscc", "统一社会信用代码", "社会信用代码", "信用代码")),
    ClaimColumn(
        "provider.practice_licence_no",
        ("practice_licence_no", "执业许可证登记号", "医疗机构执业许可证登记号", "登记号", "执业许可证号"),
    ),
    ClaimColumn("provider.code", ("code", "编码", "名录编码", "机构编码")),
    ClaimColumn("provider.domain", ("domain", "域名", "网站域名")),
    ClaimColumn(
        "techniques", ("techniques", "technique", "技术", "所称技术", "技术项目", "批准开展的技术"), _split_words
    ),
    ClaimColumn("practitioner.name", ("practitioner", "医务人员", "医师姓名", "人员姓名")),
    ClaimColumn(
        "ad_certificate", ("ad_certificate", "医疗广告审查证明文号", "广告审查证明文号", "审查证明文号", "文号")
    ),
    ClaimColumn("text", ("text", "广告内容", "广告文字", "文案", "正文")),
    ClaimColumn("on", ("on", "date", "日期", "所问日期", "广告日期", "发布日期"), _parse_day_cell),
    ClaimColumn("known_at", ("known_at", "所知时间", "所知时刻"), _parse_instant_cell),
)


def _fold_heading(heading: str) -> str:
    return fold_heading(heading, HEADING_MARKS)


_BY_HEADING = {_fold_heading(heading): column for column in COLUMNS for heading in column.headings}
_PRINTED = {_fold_heading(heading): heading for column in COLUMNS for heading in column.headings}
#: The words that headings may be, folded.
FOLDED_HEADINGS = tuple(_BY_HEADING)
#: How like a heading another must be to be suggested, and for how many columns one is looked for.
_SIMILAR, _MOST_SUGGESTED = 0.6, 50
_ANSWERS = {_fold_heading(name) for name in (*NAMES, RECEIPT)}


def recognise_columns(cells: Sequence[str]) -> "ClaimColumns | None":
    """The columns, where a row has a heading for a provider or a text; InvalidInput for two headings of one meaning."""
    found = [(i, column) for i, cell in enumerate(cells) if (column := _BY_HEADING.get(_fold_heading(cell)))]
    fields = [column.field for _, column in found]
    if not any(field == "text" or (field.startswith("provider.") and field != "provider.address") for field in fields):
        return None
    _check_duplicates(cells, found)
    return ClaimColumns(cells, found)


def make_no_columns_error(rows: Sequence[Sequence[str]]) -> InvalidInput:
    """The error of a table none of whose first rows holds headings, with what its fullest row may have meant."""
    fullest = max(rows, key=lambda cells: sum(map(bool, map(str.strip, cells))))
    pairs = [(cell, near) for cell in fullest[:_MOST_SUGGESTED] if (near := _find_near_heading(cell, frozenset()))]
    message = Message(
        "找不到机构一列：应有一行列名，至少有 name（名称）、code（编码）、uscc（统一社会信用代码）、"
        "practice_licence_no（执业许可证登记号）、domain（域名）或 text（广告内容）之一。"
    )
    if not pairs:
        return InvalidInput(message)
    hints = Listing(Message("“{heading}”是否应为“{near}”？", heading=cell[:60], near=near) for cell, near in pairs)
    return InvalidInput(Message("{message}{hints}", message=message, hints=hints))


def _find_near_heading(heading: str, taken: frozenset[str]) -> str | None:
    """The heading that another resembles, unless there is already a column of its field."""
    for near in difflib.get_close_matches(_fold_heading(heading)[:60], FOLDED_HEADINGS, 3, _SIMILAR):
        if _BY_HEADING[near].field not in taken:
            return _PRINTED[near]
    return None


class ClaimColumns:
    """The columns of one table of claims by its headings."""

    def __init__(self, headings: Sequence[str], found: list[tuple[int, ClaimColumn]]) -> None:
        self.width = len(headings)
        self._all = [*headings]
        self._found = dict(found)
        self._fields = [(i, *c.field.rpartition(".")[::2], c.parse) for i, c in found]
        # The columns of a file that was answered before are replaced by the new answers.
        self._own = [i for i, heading in enumerate(headings) if _fold_heading(heading) not in _ANSWERS]
        self.headings = [headings[i] for i in self._own]

    def is_like(self, other: "ClaimColumns") -> bool:
        """Whether another table has the same headings."""
        return [*map(str.strip, self._all)] == [*map(str.strip, other._all)]

    def list_understood(self) -> list[tuple[str, str]]:
        """(heading, name of its field) of every column that is read."""
        return [(self._all[i], column.headings[0]) for i, column in self._found.items()]

    def list_ignored(self) -> list[tuple[str, str | None]]:
        """(heading, the one it resembles) of every column that is not read; #3 for a third one without heading."""
        taken = frozenset(column.field for column in self._found.values())
        others = [i for i in self._own if i not in self._found]
        while others and not self._all[others[-1]].strip():
            others.pop()  # empty columns at the right
        named = [(self._all[i] or f"#{i + 1}") for i in others]
        near = [_find_near_heading(heading, taken) for heading in named[:_MOST_SUGGESTED]]
        return [*zip(named, [*near, *[None] * len(named)], strict=False)]

    def make_claim(self, cells: Sequence[str]) -> Claim:
        """The claim of one row of ``width`` cells; InvalidInput, or msgspec.ValidationError for what is too long."""
        fields: dict[str, Any] = {"provider": {}}
        for i, owner, field, parse in self._fields:
            if text := cells[i].strip():
                (fields.setdefault(owner, {}) if owner else fields)[field] = parse(text)
        return msgspec.convert(fields, Claim)

    def find_id(self, cells: Sequence[str]) -> str | None:
        """The id of a row, also of one that is no claim."""
        position = next((i for i, _, field, _ in self._fields if field == "id"), None)
        return cells[position].strip() or None if position is not None and position < len(cells) else None

    def select_own_cells(self, cells: Sequence[str]) -> list[str]:
        """The cells of a row that are repeated before its answer, as many as there are headings."""
        return [cells[i] if i < len(cells) else "" for i in self._own]


def _check_duplicates(headings: Sequence[str], found: list[tuple[int, ClaimColumn]]) -> None:
    seen: dict[str, str] = {}
    for i, column in found:
        if column.field in seen:
            message = Message(
                "“{seen}”与“{i}”两列意思相同，无法确定用哪一列；请改名或删去其一。",
                seen=seen[column.field],
                i=headings[i],
            )
            raise InvalidInput(message)
        seen[column.field] = headings[i]
