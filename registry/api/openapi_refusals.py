"""What operations answer instead of what was asked for, what keys and limits add to every operation: one table.

An answer that every operation may give is a line of COMMON; what only operations of a method or path give is a line of
BY_ROUTE; what one operation alone gives stands in its example (``examples/``).
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec

from registry.api.problems import MEDIA_TYPE
from registry.texts import write_bilingual
from registry.web import state_age

_SECONDS = {"type": "integer", "minimum": 0}
_TEXT = {"type": "string"}
_LIMITS = {
    "RateLimit-Policy": {"description": write_bilingual('各限额，如 `"minute";q=1200;w=60`。'), "schema": _TEXT},
    "RateLimit": {
        "description": write_bilingual("各限额所剩（r）与恢复秒数（t）。"),
        "schema": _TEXT,
    },
    "RateLimit-Limit": {"description": write_bilingual("最紧的一项：限额。"), "schema": _SECONDS},
    "RateLimit-Remaining": {"description": write_bilingual("所剩。"), "schema": _SECONDS},
    "RateLimit-Reset": {"description": write_bilingual("恢复秒数。"), "schema": _SECONDS},
}
#: Of every answer: how old the state is that it rests on.
_STATE = {
    state_age.AGE: {
        "description": write_bilingual("距名录最近一次确认的秒数。"),
        "schema": _SECONDS,
    },
    state_age.AT: {
        "description": write_bilingual("最近一次确认的时刻。"),
        "schema": {"type": "string", "format": "date-time"},
    },
}
_SCHEME = {
    "type": "http",
    "scheme": "bearer",
    "description": write_bilingual("公开查询无需密钥。程序大量使用时请向主办单位申请；`X-API-Key` 也可。"),
}
_NOT_MODIFIED = {"description": write_bilingual("自 If-None-Match 所给 ETag 以来未变。")}


class Refusal(msgspec.Struct, frozen=True):
    """One status: what it means, ``detail`` and ``code`` of the example, and headers that such an answer always has."""

    description: str
    detail: str
    code: str
    headers: dict[str, Any] | None = None


def _describe_header(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "required": True, "schema": schema}


_RETRY = {"Retry-After": _describe_header(write_bilingual("请在这么多秒后再试。"), _SECONDS)}
#: Status -> refusal that every operation may answer.
COMMON = {
    "400": Refusal(
        write_bilingual("请求有误，`detail` 说明何处。"),
        "编码“7HV2-JKMW”有误：校验位不符，很可能抄错了一位，请核对。",
        "invalid_code",
    ),
    "503": Refusal(
        write_bilingual("暂时无法核验，不代表未获批准；请在 Retry-After 之后再试。"),
        "系统暂时无法核验，这不代表该机构未获批准，请稍后再试。",
        "cannot_answer",
        _RETRY,
    ),
    "401": Refusal(
        write_bilingual("密钥无效、已撤销或已到期；绝不当作没有密钥。"),
        "此密钥已被撤销。",
        "invalid_key",
        {"WWW-Authenticate": _describe_header("Bearer", _TEXT)},
    ),
    "403": Refusal(
        write_bilingual("密钥没有此操作的范围。"),
        "此密钥没有“watch”范围（现有：verify）。请向名录管理员申请，或不带密钥再问。",
        "scope_missing",
        {},
    ),
    "429": Refusal(
        write_bilingual(
            "超过每分钟限额（`too_many_requests`）、当日额度（`quota_spent`）或当日可看人员的机构数（`people_limit`）。"
        ),
        "查询太频繁：同一地址每分钟最多1,200次，请42秒后再试。",
        "too_many_requests",
        {
            **_RETRY,
            **_LIMITS,
        },
    ),
}
#: Status -> refusal of operations whose path names something (404), or that read a body (413, 415).
BY_ROUTE = {
    "404": Refusal(
        write_bilingual("没有此编号，或该日没有此编码。"),
        "编码 7HV2-JKMV 在 2017-01-01 的名录中没有对应的机构。",
        "not_found",
    ),
    "413": Refusal(
        write_bilingual("超出一次的上限，`detail` 说明上限与做法。"),
        "JSON 一次至多 10,000 条，全部未核验；更多请以 application/x-ndjson 或 text/csv 提交（一次至多 100,000 行）。",
        "too_large",
    ),
    "415": Refusal(
        write_bilingual("不支持的 Content-Type。"),
        write_bilingual("Content-Type: application/json, application/x-ndjson 或"),
        "unsupported_media_type",
    ),
}


def add_key_scheme(document: dict[str, Any]) -> None:
    """Add how a key is sent."""
    document["components"].setdefault("securitySchemes", {})["ApiKey"] = _SCHEME


def complete_operation(
    path: str, method: str, operation: dict[str, Any], needs_key: bool, own: dict[str, Refusal]
) -> None:
    """Add to one operation whether it needs a key, every refusal it may answer, and the headers of what succeeds."""
    operation["security"] = [{"ApiKey": []}] if needs_key else [{}, {"ApiKey": []}]
    responses = operation["responses"]
    for status, answer in responses.items():
        if status == "200":
            answer.setdefault("headers", {}).update(_STATE)
        if status.startswith("2"):
            answer.setdefault("headers", {}).update(_LIMITS)
    applies = {"404": "{" in path, "413": method == "post", "415": method == "post"}
    refusals = {**COMMON, **{status: BY_ROUTE[status] for status in BY_ROUTE if applies[status]}, **own}
    responses.update({status: _make_response(status, refusal) for status, refusal in refusals.items()})
    if method == "get" and not needs_key:
        responses["304"] = _NOT_MODIFIED


def _make_response(status: str, refusal: Refusal) -> dict[str, Any]:
    example = {
        "type": "about:blank",
        "title": HTTPStatus(int(status)).phrase,
        "status": int(status),
        "detail": refusal.detail,
        "code": refusal.code,
    }
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}}
    headers = {} if refusal.headers is None else {"headers": refusal.headers}
    return {"description": refusal.description, **headers, "content": content}
