"""What the Reconciliation Service API 0.2 says its JSON looks like, and whether some JSON does.

Two readers of the same text. ``STATED`` is ours, made from the prose of the specification: closed objects, so that a
field nobody specified is found. The Community Group's own JSON schemas are asked too when a folder of them is named in
REGISTRY_TESTS_RECONCILIATION_SCHEMAS (0.2/schemas of its repository); they are not part of this product.
"""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

OFFICIAL = "REGISTRY_TESTS_RECONCILIATION_SCHEMAS"
Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
FILLED: Schema = {"type": "string", "minLength": 1}
ADDRESS: Schema = {"type": "string", "pattern": "^https?://[^ ]+$"}
COUNT: Schema = {"type": "integer", "minimum": 1}
VALUE: Schema = {"type": ["boolean", "number"]}
#: Beyond the specification: what our results say besides, see docs/reconcile.md.
PROBLEM: Schema = {"type": "object", "required": ["title", "status", "detail", "code"]}


def record(must: dict[str, Schema], may: dict[str, Schema] | None = None) -> Schema:
    """An object with these fields and no other."""
    return {
        "type": "object",
        "properties": must | (may or {}),
        "required": list(must),
        "additionalProperties": False,
    }


def many(item: Schema) -> Schema:
    return {"type": "array", "items": item}


def by_key(item: Schema) -> Schema:
    return {"type": "object", "additionalProperties": item}


def template(mark: str) -> Schema:
    """An address in which ``mark`` stands for an identifier."""
    return {"type": "string", "pattern": f"^https?://.*{mark}"}


TYPE = record({"id": FILLED, "name": FILLED}, {"broader": many({})})
NAMED = record({"id": FILLED, "name": FILLED}, {"description": TEXT})
PART = record({"service_url": ADDRESS, "service_path": {"type": "string", "pattern": "^/"}})
SUGGEST = record(
    PART["properties"],
    {"flyout_service_url": ADDRESS, "flyout_service_path": {"type": "string", "pattern": r"^/.*\$\{id\}"}},
)
SETTING = record(
    {"name": FILLED, "label": FILLED, "type": {"enum": ["number", "text", "checkbox", "select"]}},
    {"default": {}, "help_text": TEXT, "choices": many(record({"value": TEXT, "name": TEXT}))},
)
MANIFEST = record(
    {
        "versions": {"type": "array", "items": TEXT, "contains": {"const": "0.2"}},
        "name": FILLED,
        "identifierSpace": ADDRESS,
        "schemaSpace": ADDRESS,
    },
    {
        "defaultTypes": many(TYPE),
        "documentation": ADDRESS,
        "logo": ADDRESS,
        "serviceVersion": TEXT,
        "view": record({"url": template(r"\{\{id\}\}")}),
        "feature_view": record({"url": template(r"\{\{id\}\}")}),
        "preview": record({"url": template(r"\{\{id\}\}"), "width": COUNT, "height": COUNT}),
        "suggest": record({}, {"entity": SUGGEST, "property": SUGGEST, "type": SUGGEST}),
        "extend": record({}, {"propose_properties": PART, "property_settings": many(SETTING)}),
        "batchSize": COUNT,
    },
)
CANDIDATE = record(
    {"id": FILLED, "name": FILLED, "score": {"type": "number"}, "type": many(TYPE), "match": {"type": "boolean"}},
    {"description": TEXT, "features": many(record({"id": FILLED, "value": VALUE}))},
)
RESULT = record({"result": many(CANDIDATE)}, {"error": PROBLEM, "warnings": many({"type": "object"})})
SUGGESTED = record({"id": FILLED, "name": FILLED}, {"description": TEXT, "notable": many(TYPE)})
CELL: Schema = {
    "oneOf": [
        record({"str": TEXT}),
        record({"int": {"type": "integer"}}),
        record({"float": {"type": "number"}}),
        record({"date": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z$"}}),
        record({"id": FILLED, "name": FILLED}, {"description": TEXT}),
    ]
}
#: By the name the Community Group gives its schema of the same thing.
STATED: dict[str, Schema] = {
    "manifest": MANIFEST,
    "reconciliation-result-batch": by_key(RESULT),
    "suggest-entities-response": record({"result": many(SUGGESTED)}),
    "suggest-properties-response": record({"result": many(NAMED)}),
    "suggest-types-response": record({"result": many(TYPE)}),
    "data-extension-property-proposal": record({"properties": many(NAMED)}, {"type": FILLED, "limit": COUNT}),
    "data-extension-response": record(
        {"meta": many(record({"id": FILLED, "name": FILLED})), "rows": by_key(by_key(many(CELL)))}
    ),
}


def _elsewhere(_: str) -> Resource[Any]:
    """A schema that one of them names by an address on the web: nobody asks there, and anything fits it."""
    return Resource.from_contents({}, default_specification=DRAFT7)


@cache
def _official() -> dict[str, Draft7Validator]:
    """The Community Group's schemas by name; empty when nobody said where they are."""
    folder = os.environ.get(OFFICIAL)
    if not folder:
        return {}
    read = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(Path(folder).glob("*.json"))}
    registry: Registry[Any] = Registry(retrieve=_elsewhere).with_resources(  # type: ignore[call-arg]
        (schema["$id"], Resource.from_contents(schema, default_specification=DRAFT7))
        for schema in read.values()
        if "$id" in schema
    )
    return {name: Draft7Validator(schema, registry=registry) for name, schema in read.items()}


def official() -> list[str]:
    """The names of the official schemas at hand."""
    return list(_official())


def conforms(name: str, told: Any) -> Any:
    """The same JSON, once every reader at hand found it sound."""
    readers = [Draft7Validator(STATED[name])]
    if name in _official():
        readers.append(_official()[name])
    for reader in readers:
        wrong = [f"{error.json_path}: {error.message[:300]}" for error in reader.iter_errors(told)]
        assert not wrong, (name, wrong)
    return told
