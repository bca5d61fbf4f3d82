"""The OpenAPI document: made from the handlers, completed with examples and the problems every operation may answer."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.openapi import OpenAPIConfig

from registry import __version__
from registry.api import (
    examples,
    examples_batch,
    examples_clients,
    examples_editions,
    examples_log,
    openapi_formats,
    openapi_keys,
    openapi_refusals,
)
from registry.web import state_age

CONFIG = OpenAPIConfig(
    title="人类辅助生殖技术机构名录 / ART Register",
    version=__version__,
    description="全国经批准开展人类辅助生殖技术的机构：在哪里、哪些技术、从哪天起。公开读取，无需密钥；程序大量使用可申请密钥。"
    "日期为 YYYY-MM-DD，时刻为 RFC 3339 UTC；"
    "“今天”以北京时间计。错误为 RFC 9457 问题文档。每个答复都注明所依据的日志长度。"
    "列入名录是许可，不是推荐，也不使广告合法。 / "
    "Who may perform assisted reproduction in China, where, which techniques, on which day. Open for "
    "reading; no key needed, programs that ask much get one. Dates are YYYY-MM-DD, instants RFC 3339 UTC; “today” is "
    "the day in Asia/Shanghai. Errors are RFC 9457 problem documents. Every answer names the log size it rests on. A "
    "listing is permission, not a recommendation, and does not make an advertisement lawful.",
    use_handler_docstrings=True,
    render_plugins=[],
    path="/api/v1/openapi",
)
#: Of every read: how old the state is that it rests on.
_STATE_HEADERS = {
    state_age.AGE: {
        "description": "距名录最近一次确认的秒数。 / Seconds since the register was last seen to say this.",
        "schema": {"type": "integer", "minimum": 0},
    },
    state_age.AT: {
        "description": "最近一次确认的时刻。 / The instant at which it was.",
        "schema": {"type": "string", "format": "date-time"},
    },
}
_PROBLEM_SCHEMA = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457 problem document; `code` is stable and for programs, `detail` is for people.",
    "required": ["title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "cause": {
            "type": "string",
            "description": "With `code` `cannot_answer`: which fault it is, such as database_unreachable.",
        },
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": {"type": ["string", "null"]}, "message": {"type": "string"}},
            },
        },
    },
}


def complete_document(schema: dict[str, Any], public_url: str) -> dict[str, Any]:
    """The generated document with servers, examples, and problem answers for every operation."""
    schema["servers"] = [{"url": public_url}]
    schema.setdefault("components", {}).setdefault("schemas", {})["Problem"] = _PROBLEM_SCHEMA
    answers = schema["components"]["schemas"]["BatchAnswers"]["properties"]["answers"]
    answers["items"] = {"anyOf": [answers["items"], examples_batch.REFUSED_SCHEMA]}
    openapi_formats.complete_requests(schema["components"]["schemas"])
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            if method not in ("get", "post", "delete"):
                continue
            example = examples.BY_OPERATION[operation["operationId"]]
            _complete_parameters(operation, example)
            _complete_body(operation, example)
            _complete_responses(operation, example, openapi_refusals.make_refusals(path, method, operation))
    openapi_keys.add_key_security(schema, examples_clients.NEED_A_KEY)
    openapi_formats.complete_answers(schema["components"]["schemas"]["Answer"]["properties"])
    return schema


def _complete_parameters(operation: dict[str, Any], example: examples.Example) -> None:
    operation.setdefault("parameters", []).append(dict(openapi_formats.LANG))
    for parameter in operation["parameters"]:
        openapi_formats.complete_parameter(parameter)
        if parameter["name"] in example.parameters:
            parameter["example"] = example.parameters[parameter["name"]]


def _complete_body(operation: dict[str, Any], example: examples.Example) -> None:
    if operation["operationId"] == "verifyBatch":  # read as a stream, which the generated document knows nothing of
        operation["requestBody"] = {"required": True, "content": examples_batch.make_request_content(examples.CLAIM)}
    elif operation["operationId"] == "verify":  # read once, by our own decoder
        content = {"schema": {"$ref": "#/components/schemas/Claim"}, "example": example.request}
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    elif example.request is not None:
        for content in operation["requestBody"]["content"].values():
            content["example"] = example.request


def _complete_responses(operation: dict[str, Any], example: examples.Example, refused: dict[str, Any]) -> None:
    answers = operation["responses"]
    for content in answers.get("200", {}).get("content", {}).values():
        content["example"] = example.response
    forms = examples_log.make_other_forms(examples.INSTITUTION) | examples_editions.make_other_forms()
    others = forms.get(operation["operationId"], {})
    if others:
        answers["200"]["content"].update(others)
    if operation["operationId"] == "verifyBatch":
        answers["200"]["content"].update(examples_batch.make_response_content(examples.CLAIM, examples.ANSWER))
    if "200" in answers:
        answers["200"].setdefault("headers", {}).update(_STATE_HEADERS)
    answers.update(refused)
    if operation["operationId"] not in {"verify", "verifyBatch", "checkReceipt", *examples_clients.NEED_A_KEY}:
        answers["304"] = {
            "description": "自 If-None-Match 所给 ETag 以来未变。 / Not modified since the ETag given in If-None-Match."
        }


def get_document(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """The completed document of this process, made once."""
    app = request.app
    made: dict[str, Any] | None = app.state.get("openapi_document")
    if made is None:
        plain = msgspec.json.decode(msgspec.json.encode(app.openapi_schema.to_schema()))
        made = complete_document(plain, app.state.register.settings.public_url)
        app.state.openapi_document = made
    return made


@get("/api/v1/openapi.json", include_in_schema=False)
async def document(request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
    """The OpenAPI document."""
    return Response(content=get_document(request), headers={"Cache-Control": "public, max-age=300"})
