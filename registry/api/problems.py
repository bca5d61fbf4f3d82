"""RFC 9457 problem documents: how every refusal and failure is answered to a program, in its language."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import Scope

from registry.errors import RegistryError
from registry.texts import FixedText, Listing, Message
from registry.web import error_status

MEDIA_TYPE = "application/problem+json"
_LANGUAGE = b"accept-language"

_HTTP_CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "unsupported_media_type"}
#: The decoder's message for a time that it cannot read -> what helps whoever wrote it, in both languages.
_TIMES: dict[str, Message] = {
    "Invalid RFC3339 encoded date": Message("不是日期，请写成 YYYY-MM-DD，例如 2025-07-01"),
    "Invalid RFC3339 encoded datetime": Message("不是带时区的时刻，请写成 2025-07-01T00:00:00Z 这样"),
}
#: Its message for a text that is too long, in a body or in an address.
_LENGTH = re.compile(r"Expected `str` of length <= ([0-9]+)")
_TYPE = re.compile("Expected `([a-z| ]+)`, got `([a-z]+)`")
_TYPES: dict[str, Message] = {
    "array": Message("列表"),
    "bool": Message("true 或 false"),
    "date": Message("日期（如 2025-07-01）"),
    "datetime": Message("时刻（如 2025-07-01T00:00:00Z）"),
    "float": Message("小数"),
    "int": Message("整数"),
    "null": FixedText("null"),
    "object": Message("对象"),
    "str": Message("文本"),
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
    """Read the language: `lang=en` or an Accept-Language that begins with English means English; else zh-CN."""
    lang = str(request.query_params.get("lang") or "") if request.scope["query_string"] else ""
    return _choose_language(lang) if lang else read_header_language(request.scope)


def read_header_language(scope: Scope) -> str:
    """Read the language of a request whose address names none."""
    for name, value in scope["headers"]:
        if name == _LANGUAGE:
            return _choose_language(value.decode("latin-1"))
    return "zh-CN"


def _choose_language(lang: str) -> str:
    return "en" if lang.lower().startswith("en") else "zh-CN"


def make_problem(error: Exception, lang: str) -> Problem:
    """Make the problem document of any exception; of what is unforeseen it tells nothing of the inside."""
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
    detail = Message("服务器发生意外错误，已记录。这不代表任何机构未获批准，请稍后再试。").to_text(lang)
    return Problem(title=HTTPStatus(500).phrase, status=500, detail=detail, code="internal_error")


def _make_invalid_problem(error: ValidationException, lang: str) -> Problem:
    extra = error.extra if isinstance(error.extra, list) else []
    fields = [_make_field_problem(item, lang) for item in extra]
    lead = Message("请求有误").to_text(lang)
    problems = "; ".join(f"{f.field}: {f.message}" if f.field else f.message for f in fields) or error.detail
    return Problem(
        title=HTTPStatus(400).phrase,
        status=400,
        detail=f"{lead}: {problems}",
        code="invalid_input",
        errors=fields or msgspec.UNSET,
    )


def _make_field_problem(item: dict[str, Any], lang: str) -> FieldProblem:
    key, given = item.get("key"), item.get("message")
    if isinstance(given, Message):
        return FieldProblem(field=key, message=given.to_text(lang))
    text = str(given)
    message = _TIMES.get(text, FixedText(text))
    if match := _LENGTH.search(text):
        message = Message("太长，最多{limit}个字符", limit=match[1])
    if match := _TYPE.search(text):
        message = Message(
            "应为{wanted}，而非{found}", wanted=_describe_types(match[1]), found=_describe_types(match[2])
        )
    # A parameter that Python keeps for itself ends in an underscore there, and only there.
    return FieldProblem(field=key and str(key).rstrip("_"), message=message.to_text(lang))


def _describe_types(names: str) -> Message:
    return Listing((_TYPES.get(name, FixedText(name)) for name in names.split(" | ")), Message("或"))


def _make_http_problem(status: int, detail: str, lang: str) -> Problem:
    if status == 404:
        detail = Message("此地址没有内容。").to_text(lang)
    if status == 400:
        lead = Message("请求有误").to_text(lang)
        detail = f"{lead}: {detail}"
    code = _HTTP_CODES.get(status, "invalid_input" if status < 500 else "internal_error")
    return Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, code=code)


def make_response(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Make the problem response of an exception."""
    lang = read_language(request)
    problem = make_problem(error, lang)
    headers = {"Cache-Control": "no-store", "Content-Language": lang, **error_status.make_headers(error)}
    content = msgspec.json.encode(problem)
    return Response(content=content, status_code=problem.status, media_type=MEDIA_TYPE, headers=headers)
