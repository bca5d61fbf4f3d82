"""The columns of an answer to a row, and the reasons why a row has none."""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from http import HTTPStatus

import msgspec

from registry.domain.model import Answer, Claim, Struct
from registry.domain.shape_fields import find_unknown_field
from registry.errors import STATUSES, InvalidInput, RegistryError, find_nearest, make_nesting_error
from registry.texts import FixedText, Message

#: The columns an answer adds to a row, in order. The names are for programs and never change.
_COLUMNS = (
    *("verdict", "explanation", "technique_verdicts", "technique_stages"),
    *("matched_code", "matched_name", "matched_address", "matched_on", "candidates"),
    *("practitioner_verdict", "ad_certificate_verdict", "content_flags"),
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
    (
        re.compile("Invalid RFC3339 encoded date$"),
        Message("不是日期，请写成 YYYY-MM-DD，例如 2025-07-01"),
    ),
    (
        re.compile("Invalid RFC3339 encoded datetime$"),
        Message("不是带时区的时刻，请写成 2025-07-01T00:00:00Z 这样"),
    ),
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
