"""The developers' page: the OpenAPI 3.1 document made readable, its operations and schemas with types in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
from litestar import Response

from public_site.api_snippets import Snippet, make_snippets
from public_site.responses import (
    PageContext,
    PageRequest,
    find_site_facts,
    get_register,
    make_page_response,
    read_language,
)
from registry.domain.model import Struct
from registry.reconciliation.properties import PROPERTIES, Property
from registry.web.routes import route_get

Node = Mapping[str, Any]
_METHODS = ("get", "post", "put", "patch", "delete")


class SchemaField(Struct, frozen=True, kw_only=True):
    """A parameter or a property. ``links`` are the schemas its type names."""

    name: str
    kind: str
    links: tuple[str, ...]
    place: str = ""
    required: bool = False
    meaning: str = ""
    example: str | None = None


class Content(Struct, frozen=True, kw_only=True):
    """A request body, or the body of one response, in one media type. ``status`` is empty for a request."""

    status: str
    meaning: str
    media: str = ""
    kind: str = ""
    links: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()


class Operation(Struct, frozen=True, kw_only=True):
    """One method of one path."""

    id: str
    method: str
    path: str
    summary: str
    meaning: str
    parameters: list[SchemaField]
    body: list[Content]
    answers: list[Content]


class Schema(Struct, frozen=True, kw_only=True):
    """A named structure."""

    name: str
    meaning: str
    fields: list[SchemaField]
    kind: str


class ApiReference(Struct, frozen=True, kw_only=True):
    """The whole document."""

    title: str
    version: str
    meaning: str
    operations: list[Operation]
    schemas: list[Schema]


class DevelopersPage(PageContext, frozen=True, kw_only=True):
    """The interface's OpenAPI document made readable, and where tables are reconciled, with the properties for it."""

    template: ClassVar[str] = "developers.html"
    section: ClassVar[str] = "developers"
    reference: ApiReference
    snippets: tuple[Snippet, ...]
    document_url: str
    reconcile_url: str
    properties: tuple[Property, ...]


@route_get("/developers", "developers")
def show_developers(request: PageRequest) -> Response[str]:
    """Show the interface's own document, readable without JavaScript."""
    lang = read_language(request).lang
    references = request.app.state.setdefault("references", {})
    if lang not in references:
        read = request.app.state.get("read_document")  # an application without a document, in tests
        document = read(request, lang) if read else {}
        references[lang] = read_document(document), make_snippets(document)
    reference, snippets = references[lang]
    page = DevelopersPage(
        here="/developers",
        site=find_site_facts(request),
        reference=reference,
        snippets=snippets,
        document_url="/api/v1/openapi.json",
        reconcile_url=f"{get_register(request).settings.public_url.rstrip('/')}/reconcile",
        properties=PROPERTIES,
    )
    return make_page_response(request, page)


def read_document(document: Node) -> ApiReference:
    """Read every operation and schema of a document, in its order; what it leaves out stays empty."""
    info = document.get("info", {})
    return ApiReference(
        title=str(info.get("title", "")),
        version=str(info.get("version", "")),
        meaning=str(info.get("description") or ""),
        operations=[
            _make_operation(document, path, method, item[method], item.get("parameters", []))
            for path, item in document.get("paths", {}).items()
            for method in _METHODS
            if method in item
        ],
        schemas=[_make_schema(name, node) for name, node in document.get("components", {}).get("schemas", {}).items()],
    )


def _format_value(value: object) -> str:
    if isinstance(value, str):
        return value
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _list_examples(node: Node) -> list[str]:
    values = [node["example"]] if "example" in node else []
    examples = node.get("examples", [])
    if isinstance(examples, Mapping):
        values += [example["value"] for example in examples.values() if _has_value(example)]
    else:
        values += [example["value"] if _has_value(example) else example for example in examples]
    return [_format_value(value) for value in values if value is not None]


def _has_value(example: object) -> bool:
    return isinstance(example, Mapping) and "value" in example


def describe_type(node: Node) -> tuple[str, tuple[str, ...]]:
    """Describe a schema's type in words, with the names of the schemas it refers to."""
    if "$ref" in node:
        name = str(node["$ref"]).rsplit("/", 1)[-1]
        return name, (name,)
    for key in ("oneOf", "anyOf", "allOf"):
        if node.get(key):
            parts = [describe_type(part) for part in node[key]]
            return " | ".join(dict.fromkeys(words for words, _ in parts)), sum((links for _, links in parts), ())
    if "const" in node or "enum" in node:
        values = node["enum"] if "enum" in node else [node["const"]]
        return " | ".join("null" if value is None else _format_value(value) for value in values), ()
    return _describe_plain_type(node)


def _describe_plain_type(node: Node) -> tuple[str, tuple[str, ...]]:
    types = node.get("type", "any")
    if types == "array":
        words, links = describe_type(node.get("items", {}))
        return f"[{words}]", links
    if types == "object" and isinstance(node.get("additionalProperties"), Mapping):
        words, links = describe_type(node["additionalProperties"])
        return f"{{text: {words}}}", links
    words = " | ".join(types) if isinstance(types, list) else str(types)
    return f"{words} ({node['format']})" if "format" in node else words, ()


def _resolve_reference(document: Node, node: Node) -> Node:
    """Return the node itself, or what its ``$ref`` inside this document points at."""
    while "$ref" in node:
        target: Any = document
        for step in str(node["$ref"]).removeprefix("#/").split("/"):
            target = target.get(step, {})
        node = target
    return node


def _make_field(name: str, schema: Node, node: Node, **place: Any) -> SchemaField:
    words, links = describe_type(schema)
    if schema.get("default") not in (None, "", []):
        words = f"{words} = {_format_value(schema['default'])}"
    example = next(iter([*_list_examples(node), *_list_examples(schema)]), None)
    meaning = str(node.get("description") or schema.get("description") or "")
    return SchemaField(name=name, kind=words, links=links, meaning=meaning, example=example, **place)


def _make_contents(document: Node, status: str, node: Node) -> list[Content]:
    node = _resolve_reference(document, node)
    meaning = str(node.get("description", ""))
    contents: list[Content] = []
    for media, body in node.get("content", {}).items():
        words, links = describe_type(body.get("schema", {}))
        examples = tuple(_list_examples(body) or _list_examples(body.get("schema", {})))
        contents.append(
            Content(status=status, meaning=meaning, media=media, kind=words, links=links, examples=examples)
        )
    return contents or [Content(status=status, meaning=meaning)]


def _make_operation(document: Node, path: str, method: str, node: Node, shared: list[Node]) -> Operation:
    parameters = [_resolve_reference(document, parameter) for parameter in [*shared, *node.get("parameters", [])]]
    return Operation(
        id=f"{method}-{path.strip('/')}".translate(str.maketrans("/{}.", "----")),
        method=method.upper(),
        path=path,
        summary=str(node.get("summary", "")),
        meaning=str(node.get("description", "")),
        parameters=[
            _make_field(p["name"], p.get("schema", {}), p, place=p.get("in", ""), required=bool(p.get("required")))
            for p in parameters
        ],
        body=_make_contents(document, "", node["requestBody"]) if "requestBody" in node else [],
        answers=[
            content
            for status, answer in node.get("responses", {}).items()
            for content in _make_contents(document, str(status), answer)
        ],
    )


def _make_schema(name: str, node: Node) -> Schema:
    required = node.get("required", [])
    fields = [
        _make_field(key, value, value, required=key in required) for key, value in node.get("properties", {}).items()
    ]
    return Schema(name=name, meaning=str(node.get("description", "")), fields=fields, kind=describe_type(node)[0])
