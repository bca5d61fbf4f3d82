"""What the OpenAPI document says of API keys and limits: the same of every operation, as one place decides it."""

from __future__ import annotations

from typing import Any

from registry.api.problems import MEDIA_TYPE

_SCHEME = {
    "type": "http",
    "scheme": "bearer",
    "description": "公开查询无需密钥。程序大量使用时请向主办单位申请；`X-API-Key` 也可。 / "
    "Reading needs no key; programs that ask much get one from whoever runs the register. `X-API-Key` works too.",
}
_WHOLE = {"type": "integer", "minimum": 0}
_REMAINING = {
    "RateLimit-Policy": ('各限额，如 `"minute";q=1200;w=60`。 / The limits in force.', {"type": "string"}),
    "RateLimit": (
        "各限额所剩（r）与恢复秒数（t）。 / What is left (r) of each, and in how many seconds it is free again (t).",
        {"type": "string"},
    ),
    "RateLimit-Limit": ("最紧的一项：限额。 / Of the tightest: the limit.", _WHOLE),
    "RateLimit-Remaining": ("所剩。 / What is left.", _WHOLE),
    "RateLimit-Reset": ("恢复秒数。 / Seconds until it is free again.", _WHOLE),
}
_HEADERS = {name: {"description": said, "schema": schema} for name, (said, schema) in _REMAINING.items()}
_RETRY = {"description": "请在这么多秒后再试。 / Try again after so many seconds.", "required": True, "schema": _WHOLE}
_WWW = {"description": "Bearer", "required": True, "schema": {"type": "string"}}
INVALID_KEY = {
    "type": "about:blank",
    "title": "Unauthorized",
    "status": 401,
    "detail": "此密钥已被撤销。",
    "code": "invalid_key",
}
SCOPE_MISSING = {
    "type": "about:blank",
    "title": "Forbidden",
    "status": 403,
    "detail": "此密钥没有“watch”范围（现有：verify）。请向名录管理员申请，或不带密钥再问。",
    "code": "scope_missing",
}
TOO_MANY = {
    "type": "about:blank",
    "title": "Too Many Requests",
    "status": 429,
    "detail": "查询太频繁：同一地址每分钟最多1,200次，请42秒后再试。",
    "code": "too_many_requests",
}
#: status -> (description, example, headers of its own)
_ANSWERS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "401": (
        "密钥无效、已撤销或已到期；绝不当作没有密钥。 / "
        "The key is unknown, revoked or expired; it is never taken for none.",
        INVALID_KEY,
        {"WWW-Authenticate": _WWW},
    ),
    "403": ("密钥没有此操作的范围。 / The key lacks the scope of this operation.", SCOPE_MISSING, {}),
    "429": (
        "超过每分钟限额（`too_many_requests`）、当日额度（`quota_spent`）或当日可看人员的机构数（`people_limit`）。 / "
        "Beyond the limit of a minute (`too_many_requests`), the quota of the day (`quota_spent`), or the "
        "institutions whose people may be looked at in a day (`people_limit`).",
        TOO_MANY,
        {"Retry-After": _RETRY, **_HEADERS},
    ),
}


def add_key_security(schema: dict[str, Any], needing: frozenset[str]) -> None:
    """Say of every operation that a key may be sent, or must be (``needing``: their ids), and what is answered then."""
    schema["components"].setdefault("securitySchemes", {})["ApiKey"] = _SCHEME
    for operations in schema["paths"].values():
        for operation in operations.values():
            needed = operation["operationId"] in needing
            operation["security"] = [{"ApiKey": []}] if needed else [{}, {"ApiKey": []}]
            for status, answer in operation["responses"].items():
                if status.startswith("2"):
                    answer.setdefault("headers", {}).update(_HEADERS)
            for status, (said, example, headers) in _ANSWERS.items():
                content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}}
                operation["responses"][status] = {"description": said, "headers": headers, "content": content}
