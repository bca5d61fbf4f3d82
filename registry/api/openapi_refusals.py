"""What operations answer instead of what was asked for, what keys and limits add to every operation: one table.

An answer that every operation may give is a line of COMMON; what only operations of a method or path give is a line of
BY_ROUTE; what one operation alone gives stands in its example (``examples/``).
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec

from registry.api.problems import MEDIA_TYPE
from registry.web import state_age

_SECONDS = {"type": "integer", "minimum": 0}
_TEXT = {"type": "string"}
_LIMITS = {
    "RateLimit-Policy": {"description": '各限额，如 `"minute";q=1200;w=60`。 / The limits in force.', "schema": _TEXT},
    "RateLimit": {
        "description": "各限额所剩（r）与恢复秒数（t）。 / "
        "What is left (r) of each, and in how many seconds it is free again (t).",
        "schema": _TEXT,
    },
    "RateLimit-Limit": {"description": "最紧的一项：限额。 / Of the tightest: the limit.", "schema": _SECONDS},
    "RateLimit-Remaining": {"description": "所剩。 / What is left.", "schema": _SECONDS},
    "RateLimit-Reset": {"description": "恢复秒数。 / Seconds until it is free again.", "schema": _SECONDS},
}
#: Of every answer: how old the state is that it rests on.
_STATE = {
    state_age.AGE: {
        "description": "距名录最近一次确认的秒数。 / Seconds since the register was last seen to say this.",
        "schema": _SECONDS,
    },
    state_age.AT: {
        "description": "最近一次确认的时刻。 / The instant at which it was.",
        "schema": {"type": "string", "format": "date-time"},
    },
}
_SCHEME = {
    "type": "http",
    "scheme": "bearer",
    "description": "公开查询无需密钥。程序大量使用时请向主办单位申请；`X-API-Key` 也可。 / "
    "Reading needs no key; programs that ask much get one from whoever runs the register. `X-API-Key` works too.",
}
_NOT_MODIFIED = {
    "description": "自 If-None-Match 所给 ETag 以来未变。 / Not modified since the ETag given in If-None-Match."
}


class Refusal(msgspec.Struct, frozen=True):
    """One status: what it means, ``detail`` and ``code`` of the example, and headers that such an answer always has."""

    description: str
    detail: str
    code: str
    headers: dict[str, Any] | None = None


def _describe_header(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "required": True, "schema": schema}


#: Status -> refusal that every operation may answer.
COMMON = {
    "400": Refusal(
        "请求有误，`detail` 说明何处。 / The request is malformed; `detail` says where.",
        "编码“7HV2-JKMW”有误：校验位不符，很可能抄错了一位，请核对。",
        "invalid_code",
    ),
    "503": Refusal(
        "暂时无法核验，不代表未获批准；请在 Retry-After 之后再试。 / The register could not look. This is not “not "
        "licensed”: try again after Retry-After.",
        "系统暂时无法核验，这不代表该机构未获批准，请稍后再试。",
        "cannot_answer",
        {"Retry-After": _describe_header("多少秒后再试。 / Seconds to wait before trying again.", _SECONDS)},
    ),
    "401": Refusal(
        "密钥无效、已撤销或已到期；绝不当作没有密钥。 / "
        "The key is unknown, revoked or expired; it is never taken for none.",
        "此密钥已被撤销。",
        "invalid_key",
        {"WWW-Authenticate": _describe_header("Bearer", _TEXT)},
    ),
    "403": Refusal(
        "密钥没有此操作的范围。 / The key lacks the scope of this operation.",
        "此密钥没有“watch”范围（现有：verify）。请向名录管理员申请，或不带密钥再问。",
        "scope_missing",
        {},
    ),
    "429": Refusal(
        "超过每分钟限额（`too_many_requests`）、当日额度（`quota_spent`）或当日可看人员的机构数（`people_limit`）。 / "
        "Beyond the limit of a minute (`too_many_requests`), the quota of the day (`quota_spent`), or the "
        "institutions whose people may be looked at in a day (`people_limit`).",
        "查询太频繁：同一地址每分钟最多1,200次，请42秒后再试。",
        "too_many_requests",
        {
            "Retry-After": _describe_header("请在这么多秒后再试。 / Try again after so many seconds.", _SECONDS),
            **_LIMITS,
        },
    ),
}
#: Status -> refusal of operations whose path names something (404), or that read a body (413, 415).
BY_ROUTE = {
    "404": Refusal(
        "没有此编号，或该日没有此编码。 / Nothing has this number, or has this code as of then.",
        "编码 7HV2-JKMV 在 2017-01-01 的名录中没有对应的机构。",
        "not_found",
    ),
    "413": Refusal(
        "超出一次的上限，`detail` 说明上限与做法。 / "
        "More than one request may hold; `detail` says the limit and what to do.",
        "JSON 一次至多 10,000 条，全部未核验；更多请以 application/x-ndjson 或 text/csv 提交（一次至多 100,000 行）。",
        "too_large",
    ),
    "415": Refusal(
        "不支持的 Content-Type。 / This Content-Type is not understood.",
        "Content-Type: application/json, application/x-ndjson 或 / or text/csv",
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
