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
from registry.api import key, openapi_formats, openapi_refusals, subscriptions, watches
from registry.api.openapi_refusals import Refusal
from registry.api.requests import AnyRequest
from registry.batch import column_notes
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
_NEED_A_KEY = {handler.operation_id for handler in (*key.handlers, *watches.handlers, *subscriptions.handlers)}
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
_BATCH_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "BatchClaims",
    "required": ["claims"],
    "additionalProperties": False,
    "properties": {
        "claims": {"type": "array", "items": {"$ref": "#/components/schemas/Claim"}},
        "receipt": {"type": "boolean", "default": False},
    },
}
#: What a row of a batch has beside the fields of an answer.
_ROW_FIELDS: dict[str, Any] = {
    "id": {"description": write_bilingual("所给的 id，原样返回。")},
    "row": {"type": "integer", "description": write_bilingual("仅未能核验的行有：第几行。")},
    "error": {"$ref": "#/components/schemas/Problem"},
}


#: What csv answers say of the columns of the claims.
_COLUMN_HEADERS = {
    column_notes.UNDERSTOOD: write_bilingual("csv：已读的列，`列=所写列名`（百分号编码）。"),
    column_notes.IGNORED: write_bilingual("csv：未用的列；`;near=` 为与之相近的列名。"),
    column_notes.SKIPPED: write_bilingual("csv：列名之上未核验的行数。"),
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
    schemas["BatchClaims"] = _BATCH_SCHEMA
    schemas["BatchRow"] = _make_row_schema(schemas["Answer"]["properties"])
    schemas["BatchAnswers"]["properties"]["answers"]["items"] = {"$ref": "#/components/schemas/BatchRow"}
    openapi_formats.complete_requests(schemas)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            identifier = operation["operationId"]
            example = load_examples()[identifier]
            _add_example(operation, example)
            needs_key = identifier in _NEED_A_KEY
            openapi_refusals.complete_operation(path, method, operation, needs_key, example.refusals)
    openapi_refusals.add_key_scheme(document)
    document["paths"]["/api/v1/verify/batch"]["post"]["responses"]["200"]["headers"].update(
        {name: {"description": text, "schema": {"type": "string"}} for name, text in _COLUMN_HEADERS.items()}
    )
    openapi_formats.complete_answers(schemas["Answer"]["properties"])
    return document


def _make_row_schema(answer: dict[str, Any]) -> dict[str, Any]:
    """Make the schema of a row of a batch: one plain object, since of "this or that" generators lose one."""
    return {
        "type": "object",
        "title": "BatchRow",
        "description": write_bilingual("一行的答复，各字段同 Answer；无法核验的一行只有 `id`、`row` 与 `error`。"),
        "required": ["id"],
        "properties": {**answer, **_ROW_FIELDS},
    }


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


def get_document_in(request: AnyRequest, lang: str) -> dict[str, Any]:
    """Return the document with the sentences of its examples in a language, for the page that shows it."""
    document = get_document(request)
    return document if lang != "en" else _replace_sentences(document)


@cache
def _load_english() -> list[tuple[str, str]]:
    """Load what the register says in English where an example has a Chinese sentence, as texts inside JSON too."""
    sentences: dict[str, str] = msgspec.json.decode((Path(__file__).parent / "english_examples.json").read_bytes())
    return list(sentences.items())


def _replace_sentences(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _replace_sentences(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_replace_sentences(item) for item in value]
    if isinstance(value, str) and not value.isascii():
        for chinese, english in _load_english():
            value = value.replace(chinese, english)
    return value


@get("/api/v1/openapi.json", operation_id="document", include_in_schema=False)
async def show_document(request: AnyRequest) -> Response[dict[str, Any]]:
    """Return the OpenAPI document."""
    return Response(content=get_document(request), headers={"Cache-Control": "public, max-age=300"})
