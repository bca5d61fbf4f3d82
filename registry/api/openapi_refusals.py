"""What operations may answer instead of what was asked for: one table for the OpenAPI document.

An answer that every operation may give is a line of COMMON; one that only some give says which in ``_select_refusals``.
"""

from __future__ import annotations

from typing import Any

from registry.api import examples
from registry.api.problems import MEDIA_TYPE

_PROBLEM = {"$ref": "#/components/schemas/Problem"}
_RETRY_AFTER = {
    "Retry-After": {
        "description": "多少秒后再试。 / Seconds to wait before trying again.",
        "required": True,
        "schema": {"type": "integer", "minimum": 0},
    }
}
#: Status -> what it means; every operation may answer these.
COMMON: dict[str, str] = {
    "400": "请求有误，`detail` 说明何处。 / The request is malformed; `detail` says where.",
    "503": "暂时无法核验，不代表未获批准；请在 Retry-After 之后再试。 / "
    "The register could not look. This is not “not licensed”: "
    "try again after Retry-After.",
}
_SOME: dict[str, str] = {
    "404": "没有此编号，或该日没有此编码。 / Nothing has this number, or has this code as of then.",
    "409": "您的位置超出本名录的日志。 / You are ahead of this register's log.",
    "410": "此期名录已撤回，`detail` 写明理由。 / This edition was withdrawn; `detail` gives the reason.",
    "413": "超出一次的上限，`detail` 说明上限与做法。 / "
    "More than one request may hold; `detail` says the limit and what to do.",
    "415": "不支持的 Content-Type。 / This Content-Type is not understood.",
}
#: Status -> headers that such an answer always has.
HEADERS: dict[str, dict[str, Any]] = {"503": _RETRY_AFTER}


def make_refusals(path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    """Status -> OpenAPI response of every refusal an operation may answer."""
    return {
        status: _make_response(status, words)
        for status, words in sorted({**COMMON, **_select_refusals(path, method, operation)}.items())
    }


def _select_refusals(path: str, method: str, operation: dict[str, Any]) -> dict[str, str]:
    """Those that not every operation may answer."""
    given = {
        "404": "{" in path,
        "409": operation["operationId"] == "getChanges",
        "410": operation["operationId"] == "getEditionFile",
        "413": method == "post",
        "415": method == "post",
    }
    return {status: words for status, words in _SOME.items() if given[status]}


def _make_response(status: str, words: str) -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": _PROBLEM, "example": examples.PROBLEMS[status]}}
    headers = {"headers": HEADERS[status]} if status in HEADERS else {}
    return {"description": words, "content": content, **headers}
