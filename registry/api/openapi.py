"""The OpenAPI document: made from the handlers, completed with examples and the refusals every operation may answer.

The examples of a route module are the file of its name in ``examples/``; tests ask a running register and compare.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from litestar import Response, get
from litestar.openapi import OpenAPIConfig

from registry import __version__
from registry.api import key, openapi_formats, openapi_refusals, watches
from registry.api.openapi_refusals import Refusal
from registry.api.requests import AnyRequest
from registry.domain.model import Struct
from registry.texts import write_bilingual

CONFIG = OpenAPIConfig(
    title=write_bilingual("人类辅助生殖技术机构名录"),
    version=__version__,
    description=write_bilingual(
        "全国经批准开展人类辅助生殖技术的机构：在哪里、哪些技术、从哪天起。公开读取，无需密钥；"
        "程序大量使用可申请密钥。日期为 YYYY-MM-DD，时刻为 RFC 3339 UTC；“今天”以北京时间计。错误为 RFC 9457 "
        "问题文档。每个答复都注明所依据的日志长度。列入名录是许可，不是推荐，也不使广告合法。"
    ),
    use_handler_docstrings=True,
    render_plugins=[],
    path="/api/v1/openapi",
)
_NEED_A_KEY = {handler.operation_id for handler in (*key.handlers, *watches.handlers)}
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
#: Stands in the place of an answer of a batch.
_REFUSED_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Refused",
    "description": write_bilingual("代替无法核验的一行。"),
    "required": ["id", "row", "error"],
    "properties": {
        "id": {"type": ["string", "number", "boolean", "null"]},
        "row": {"type": "integer"},
        "error": {"$ref": "#/components/schemas/Problem"},
    },
}


class Example(Struct, frozen=True, forbid_unknown_fields=True):
    """What the document shows of one operation beside what is generated.

    ``request`` and ``response`` are bodies; ``request_content`` is OpenAPI content of a body that the handler reads by
    itself, ``response_content`` of the forms of an answer that are not JSON; ``refusals`` are those of it alone.
    """

    parameters: dict[str, Any] = msgspec.field(default_factory=dict)
    request: Any = None
    request_content: dict[str, Any] | None = None
    response: Any = None
    response_content: dict[str, Any] = msgspec.field(default_factory=dict)
    refusals: dict[str, Refusal] = msgspec.field(default_factory=dict)


@cache
def load_examples() -> dict[str, Example]:
    """Load the example of every operation, by its id."""
    examples: dict[str, Example] = {}
    for path in sorted((Path(__file__).parent / "examples").glob("*.json")):
        examples |= msgspec.json.decode(path.read_bytes(), type=dict[str, Example])
    return examples


def complete_document(document: dict[str, Any], public_url: str) -> dict[str, Any]:
    """Add servers, examples, formats and refusals to the generated document, and return it."""
    document["servers"] = [{"url": public_url}]
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = _PROBLEM_SCHEMA
    answers = schemas["BatchAnswers"]["properties"]["answers"]
    answers["items"] = {"anyOf": [answers["items"], _REFUSED_SCHEMA]}
    openapi_formats.complete_requests(schemas)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            identifier = operation["operationId"]
            example = load_examples()[identifier]
            _add_example(operation, example)
            needs_key = identifier in _NEED_A_KEY
            openapi_refusals.complete_operation(path, method, operation, needs_key, example.refusals)
    openapi_refusals.add_key_scheme(document)
    openapi_formats.complete_answers(schemas["Answer"]["properties"])
    return document


def _add_example(operation: dict[str, Any], example: Example) -> None:
    operation.setdefault("parameters", []).append(dict(openapi_formats.LANG))
    for parameter in operation["parameters"]:
        openapi_formats.complete_parameter(parameter)
        if parameter["name"] in example.parameters:
            parameter["example"] = example.parameters[parameter["name"]]
    if example.request_content is not None:
        operation["requestBody"] = {"required": True, "content": example.request_content}
    elif example.request is not None:
        for content in operation["requestBody"]["content"].values():
            content["example"] = example.request
    if "200" in operation["responses"]:
        forms = operation["responses"]["200"]["content"]
        for content in forms.values():
            content["example"] = example.response
        forms.update(example.response_content)


def get_document(request: AnyRequest) -> dict[str, Any]:
    """Return the completed document of this process, made once."""
    app = request.app
    document: dict[str, Any] | None = app.state.get("openapi_document")
    if document is None:
        generated = msgspec.json.decode(msgspec.json.encode(app.openapi_schema.to_schema()))
        document = complete_document(generated, app.state.register.settings.public_url)
        app.state.openapi_document = document
    return document


@get("/api/v1/openapi.json", operation_id="document", include_in_schema=False)
async def show_document(request: AnyRequest) -> Response[dict[str, Any]]:
    """Return the OpenAPI document."""
    return Response(content=get_document(request), headers={"Cache-Control": "public, max-age=300"})
