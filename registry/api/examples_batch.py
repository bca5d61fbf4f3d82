"""Examples of the operation that answers many claims, in its three forms."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

import msgspec

from registry.api.batch import CSV, JSON, NDJSON
from registry.batch.result_columns import NAMES, format_answer_cells
from registry.domain.model import Answer

_ERROR: dict[str, Any] = {
    "title": "Bad Request",
    "status": 400,
    "detail": "未知的技术“冻卵”；可用：AIH、AID、IVF、ICSI、PGT、SPERM_BANK。",
    "code": "invalid_input",
    "type": "about:blank",
}
REFUSED: dict[str, Any] = {"id": "row-2", "row": 2, "error": _ERROR}
REFUSED_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Refused",
    "description": "代替无法核验的一行。 / Stands in the place of a row that could not be answered.",
    "required": ["id", "row", "error"],
    "properties": {
        "id": {"type": ["string", "number", "boolean", "null"]},
        "row": {"type": "integer"},
        "error": {"$ref": "#/components/schemas/Problem"},
    },
}
TOO_LARGE: dict[str, Any] = {
    "type": "about:blank",
    "title": "Request Entity Too Large",
    "status": 413,
    "detail": "JSON 一次至多 10,000 条，全部未核验；"
    "更多请以 application/x-ndjson 或 text/csv 提交（一次至多 100,000 行）。",
    "code": "too_large",
}
UNSUPPORTED: dict[str, Any] = {
    "type": "about:blank",
    "title": "Unsupported Media Type",
    "status": 415,
    "detail": "Content-Type: application/json, application/x-ndjson 或 / or text/csv",
    "code": "unsupported_media_type",
}
_HEADINGS = ("id", "name", "address", "techniques", "on")


def make_claims(claim: dict[str, Any]) -> list[dict[str, Any]]:
    """Two claims, the second of which cannot be answered."""
    return [claim, {"id": "row-2", "provider": {"name": "示例医院"}, "techniques": ["冻卵"]}]


def make_request_content(claim: dict[str, Any]) -> dict[str, Any]:
    """media type -> OpenAPI content of the request."""
    asked = make_claims(claim)
    return {
        JSON: {
            "schema": {
                "type": "object",
                "required": ["claims"],
                "additionalProperties": False,
                "properties": {
                    "claims": {"type": "array", "items": {"$ref": "#/components/schemas/Claim"}},
                    "receipt": {"type": "boolean", "default": False},
                },
            },
            "example": {"claims": [claim]},
        },
        NDJSON: {"schema": {"type": "string", "format": "claims-ndjson"}, "example": _encode_lines(asked)},
        CSV: {
            "schema": {"type": "string", "format": "claims-csv"},
            "example": _encode_csv([_HEADINGS, *map(_make_claim_cells, asked)]),
        },
    }


def make_response_content(claim: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """media type -> OpenAPI content of the forms of the answer that are not JSON."""
    first, second = make_claims(claim)
    size = str(answer["log"]["size"])
    refused = ["" if name != "log_size" else size for name in NAMES]
    refused[-2:] = _ERROR["code"], _ERROR["detail"]
    rows: list[Sequence[str]] = [
        (*_HEADINGS, *NAMES),
        (*_make_claim_cells(first), *format_answer_cells(msgspec.convert(answer, Answer))),
        (*_make_claim_cells(second), *refused),
    ]
    return {
        NDJSON: {"schema": {"type": "string"}, "example": _encode_lines([answer, REFUSED])},
        CSV: {"schema": {"type": "string"}, "example": _encode_csv(rows)},
    }


def _make_claim_cells(claim: dict[str, Any]) -> list[str]:
    provider = claim["provider"]
    techniques = ";".join(claim["techniques"])
    return [claim["id"], provider["name"], provider.get("address", ""), techniques, claim.get("on", "")]


def _encode_lines(objects: list[dict[str, Any]]) -> str:
    return "".join(f"{msgspec.json.encode(one).decode()}\n" for one in objects)


def _encode_csv(rows: Sequence[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()
