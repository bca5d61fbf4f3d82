"""RFC 9457 problem documents: one table from error kinds to statuses, and everything else a server may say."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from registry.errors import RegistryError
from registry.web import error_status

MEDIA_TYPE = "application/problem+json"
_LANGUAGE = b"accept-language"

_HTTP_CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "unsupported_media_type"}
#: What the decoder says of a time that it cannot read, and what helps whoever wrote it.
_TIMES = {
    "Invalid RFC3339 encoded date": (
        "不是日期，请写成 YYYY-MM-DD，例如 2025-07-01",
        "not a day; write YYYY-MM-DD, for example 2025-07-01",
    ),
    "Invalid RFC3339 encoded datetime": (
        "不是带时区的时刻，请写成 2025-07-01T00:00:00Z 这样",
        "not an instant with its time zone; write it like 2025-07-01T00:00:00Z",
    ),
}
#: The same of a text that is too long, from the body's decoder and from that of addresses.
_LENGTH = re.compile(r"Expected `str` of length <= ([0-9]+)")

_TYPE = re.compile("Expected `([a-z| ]+)`, got `([a-z]+)`")
_TYPES = {
    "array": ("列表", "a list"),
    "bool": ("true 或 false", "true or false"),
    "date": ("日期（如 2025-07-01）", "a day such as 2025-07-01"),
    "datetime": ("时刻（如 2025-07-01T00:00:00Z）", "an instant such as 2025-07-01T00:00:00Z"),
    "float": ("小数", "a decimal number"),
    "int": ("整数", "a whole number"),
    "null": ("null", "null"),
    "object": ("对象", "an object"),
    "str": ("文本", "text"),
}


class FieldProblem(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with one field of a request."""

    field: str | None
    message: str


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 9457. ``code`` is stable and for programs; ``detail`` is for people; ``cause``: which fault it was."""

    title: str
    status: int
    detail: str
    code: str
    type: str = "about:blank"
    cause: str | msgspec.UnsetType = msgspec.UNSET
    errors: list[FieldProblem] | msgspec.UnsetType = msgspec.UNSET


def read_language(request: Request[Any, Any, Any]) -> str:
    """`lang=en` or an Accept-Language that begins with English means English; else zh-CN."""
    asked = str(request.query_params.get("lang") or "") if request.scope["query_string"] else ""
    asked = asked or next(
        (value.decode("latin-1") for name, value in request.scope["headers"] if name == _LANGUAGE), ""
    )
    return "en" if asked.lower().startswith("en") else "zh-CN"


def make_problem(error: Exception, lang: str) -> Problem:
    """The problem document of any exception; what is unforeseen says so and nothing of the inside."""
    known = error_status.recognise_error(error)
    if isinstance(known, RegistryError):
        status, code = error_status.get_status(known), error_status.get_code(known)
        cause = known.code if known.code != code else msgspec.UNSET
        return Problem(
            title=HTTPStatus(status).phrase, status=status, detail=known.get_text(lang), code=code, cause=cause
        )
    if isinstance(error, ValidationException):
        return _make_invalid_problem(error, lang)
    if isinstance(error, HTTPException):
        return _make_http_problem(error.status_code, error.detail, lang)
    if isinstance(error, UnicodeDecodeError):  # a body that is JSON but for its encoding
        return _make_http_problem(400, f"UTF-8: {error.reason} (byte {error.start})", lang)
    detail = (
        "An unforeseen error; it was logged. This says nothing about any institution."
        if lang == "en"
        else "服务器发生意外错误，已记录。这不代表任何机构未获批准，请稍后再试。"
    )
    return Problem(title=HTTPStatus(500).phrase, status=500, detail=detail, code="internal_error")


def _make_invalid_problem(error: ValidationException, lang: str) -> Problem:
    extra = error.extra if isinstance(error.extra, list) else []
    fields = [_make_field_problem(item, lang) for item in extra]
    lead = "The request is malformed" if lang == "en" else "请求有误"
    told = "; ".join(f"{f.field}: {f.message}" if f.field else f.message for f in fields) or error.detail
    return Problem(
        title=HTTPStatus(400).phrase,
        status=400,
        detail=f"{lead}: {told}",
        code="invalid_input",
        errors=fields or msgspec.UNSET,
    )


def _make_field_problem(item: dict[str, Any], lang: str) -> FieldProblem:
    key, message = item.get("key"), str(item.get("message"))
    zh, en = _TIMES.get(message, (message, message))
    if longer := _LENGTH.search(message):
        zh, en = f"太长，最多{longer[1]}个字符", f"too long, at most {longer[1]} characters"
    if wrong := _TYPE.search(message):
        zh, en = (
            f"应为{_translate_types(wrong[1], False)}，而非{_translate_types(wrong[2], False)}",
            (f"must be {_translate_types(wrong[1], True)}, not {_translate_types(wrong[2], True)}"),
        )
    # A parameter that Python keeps for itself ends in an underscore there, and only there.
    return FieldProblem(field=key and str(key).rstrip("_"), message=en if lang == "en" else zh)


def _translate_types(names: str, english: bool) -> str:
    known = [_TYPES.get(name, (name, name))[english] for name in names.split(" | ")]
    return (" or " if english else "或").join(known)


def _make_http_problem(status: int, detail: str, lang: str) -> Problem:
    if status == 404:
        detail = "There is nothing at this address." if lang == "en" else "此地址没有内容。"
    if status == 400:
        lead = "The request is malformed" if lang == "en" else "请求有误"
        detail = f"{lead}: {detail}"
    code = _HTTP_CODES.get(status, "invalid_input" if status < 500 else "internal_error")
    return Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, code=code)


def make_response(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The problem response of an exception."""
    problem = make_problem(error, read_language(request))
    headers = {"Cache-Control": "no-store", "Content-Language": read_language(request)}
    headers |= error_status.make_headers(error)
    return Response(
        content=msgspec.json.encode(problem), status_code=problem.status, media_type=MEDIA_TYPE, headers=headers
    )
