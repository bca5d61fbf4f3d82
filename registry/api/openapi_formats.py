"""What the OpenAPI document holds of values beyond their type: formats of texts, choices, fields of closed shapes.

The generated document knows types and lengths only. A `format` names a text that is checked further: docs/api.md says
of each what it is; programs that do not know one take any text.
"""

from __future__ import annotations

from typing import Any

from registry.editions import manifest
from registry.institutions.result import EVERY_STATUS
from registry.texts import write_bilingual

#: Parameter or property -> format. `name`: text with a letter or a digit in it.
_FORMATS = {
    "name": "name",
    "practitioner": "name",
    "ad_certificate": "name",
    "practice_licence_no": "name",
    "code": "art-code",
    "uscc": "uscc",
    "domain": "domain",
    "region": "region-code",
    "stage": "stage",
    "cursor": "cursor",
    "receipt": "art-receipt",
    "since": "watch-place",
    "edition": "edition",
    "number": "lead-number",
    "what": "report",
    "account": "account",
}
#: What the lists of a subscription's choice hold.
_CHOSEN = {"institutions": "art-code", "regions": "region-code", "names": "name", "domains": "domain"}
#: Parameters of which an empty text is refused; others are then as if left out.
_NEVER_EMPTY = ("practitioner", "ad_certificate")
_TECHNIQUES = ("technique", "techniques")
#: Shapes of requests, which hold no other fields than those shown.
_CLOSED = (
    *("Claim", "Provider", "Person", "ReceiptText", "ToWatch", "NewLead"),
    *("ToSubscribe", "NoticeChoice", "ToReplay"),
)
_LANGUAGES = "^([Zz][Hh]|[Ee][Nn])(-[A-Za-z0-9]+)*$"

LANG: dict[str, Any] = {
    "name": "lang",
    "in": "query",
    "required": False,
    "description": write_bilingual("`en` 为英文，否则为中文。"),
    "schema": {"type": "string", "pattern": _LANGUAGES, "examples": ["zh-CN", "en"]},
}


def complete_parameter(parameter: dict[str, Any]) -> None:
    """Add to one parameter of an operation its format or choices."""
    name, schema = parameter["name"], parameter["schema"]
    if name == "status":
        _find_text_schema(schema)["enum"] = [*EVERY_STATUS, "all"]
    elif name == "file":
        _find_text_schema(schema)["enum"] = [*manifest.FILES, *manifest.SUPERVISION]
    elif name in _TECHNIQUES:
        _get_array_schema(schema)["items"]["format"] = "technique"
    elif name in _FORMATS:
        _set_format(name, _find_text_schema(schema))
    if parameter["in"] == "query":
        parameter["schema"] = _remove_null(schema)


def complete_requests(schemas: dict[str, Any]) -> None:
    """Add formats to the shapes that requests are read as, and close them."""
    for shape in _CLOSED:
        schemas[shape]["additionalProperties"] = False
        for name, schema in schemas[shape]["properties"].items():
            if name in _TECHNIQUES:
                schema["items"] |= {"format": "technique", "maxLength": 300}
            elif name in _FORMATS and (text := _find_text_schema(schema)):
                _set_format(name, text)
    schemas["Person"]["properties"]["name"]["minLength"] = 1
    for name, text_format in _CHOSEN.items():
        schemas["NoticeChoice"]["properties"][name]["items"] |= {
            "format": text_format,
            "minLength": 1,
            "maxLength": 200,
        }
    lead = schemas["NewLead"]["properties"]
    lead["institution"]["format"], lead["pictures"]["items"]["format"] = "art-code", "picture-base64"
    watched = {"receipt": {"const": False}, "known_at": {"type": "null"}}  # what is known from now on is watched
    schemas["ToWatch"]["properties"]["claims"]["items"]["properties"] = watched
    schemas["Provider"].pop("default", None)  # an object, which generators write as it stands
    # Said in words: of a rule like "one of these" generators make types without the fields.
    schemas["Provider"]["description"] = write_bilingual(
        "所称机构。`name`、`code`、`uscc`、`practice_licence_no`、`domain` 至少给出一项，"
        "除非 Claim 的 `text` 写明机构；只有 `address` 时答 400。"
    )


def complete_answers(properties: dict[str, Any]) -> None:
    """Describe the times of an answer; ``properties`` are those of the schema Answer."""
    properties["known_at"]["description"] = write_bilingual(
        "所问的时刻；未问时为名录最近一次确认的时刻，绝不是当前这一秒。"
    )
    properties["state_age"] |= {
        "minimum": 0,
        "description": write_bilingual("答复时距最近一次确认的秒数；平时为0。超过上限（默认10分钟）即答 503。"),
    }


def _set_format(name: str, text: dict[str, Any]) -> None:
    text["format"] = _FORMATS[name]
    if name in _NEVER_EMPTY:
        text["minLength"] = 1


def _find_text_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """Find the part of a schema that is text; an empty one where none is."""
    return next((part for part in schema.get("oneOf", [schema]) if part.get("type") == "string"), {})


def _get_array_schema(schema: dict[str, Any]) -> dict[str, Any]:
    return next(part for part in schema.get("oneOf", [schema]) if part.get("type") == "array")


def _remove_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Remove null, which an address does not have: what may be left out is text or it is not there."""
    parts: list[dict[str, Any]] = [part for part in schema.get("oneOf", []) if part.get("type") != "null"]
    if len(parts) != 1:
        return schema
    return parts[0] | {key: value for key, value in schema.items() if key != "oneOf"}
