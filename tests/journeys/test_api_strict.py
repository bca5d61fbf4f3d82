"""A request is taken at its word: what is only like it, or given twice, is refused and never guessed at."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.journeys.test_api_problems import problem
from tests.running import Server

NAMED = {"provider": {"name": "鞍山市妇儿医院"}}
#: A claim that is almost right, and the field that is not.
ALMOST: list[tuple[dict[str, Any], str]] = [
    ({"receipt": 1}, "receipt"),
    ({"receipt": 0}, "receipt"),
    ({"receipt": 1.0}, "receipt"),
    ({"receipt": "true"}, "receipt"),
    ({"receipt": "1"}, "receipt"),
    ({"receipt": None}, "receipt"),
    ({"on": "null"}, "on"),
    ({"on": 20250701}, "on"),
    ({"on": ["2025-07-01"]}, "on"),
    ({"known_at": "null"}, "known_at"),
    ({"known_at": 1751299200}, "known_at"),
    ({"known_at": "1751299200"}, "known_at"),
    ({"known_at": True}, "known_at"),
    ({"techniques": "IVF"}, "techniques"),
    ({"techniques": {"0": "IVF"}}, "techniques"),
    ({"techniques": None}, "techniques"),
    ({"techniques": [1]}, "techniques"),
    ({"practitioner": "null"}, "practitioner"),
    ({"practitioner": {"name": 1}}, "practitioner.name"),
    ({"practitioner": ["示例甲"]}, "practitioner"),
    ({"id": 1}, "id"),
    ({"ad_certificate": 1}, "ad_certificate"),
    ({"text": 1}, "text"),
    ({"provider": {"name": 1}}, "provider.name"),
    ({"provider": {"name": True}}, "provider.name"),
    ({"provider": {"name": ["x"]}}, "provider.name"),
    ({"provider": "null"}, "provider"),
]


@pytest.mark.parametrize(("almost", "field"), ALMOST)
def test_a_field_of_another_type_is_refused_by_name(server: Server, almost: dict[str, Any], field: str) -> None:
    claim = {**NAMED, **almost}
    for lang in ("zh-CN", "en"):
        answer = server.client.post("/api/v1/verify", json=claim, params={"lang": lang})
        found = problem(answer, 400, "invalid_input")
        assert [one["field"].partition("[")[0] for one in found["errors"]] == [field]
        assert found["errors"][0]["message"].isascii() == (lang == "en")


@pytest.mark.parametrize(("almost", "field"), ALMOST)
def test_the_same_field_costs_its_row_of_a_batch(server: Server, almost: dict[str, Any], field: str) -> None:
    claims = [{**NAMED, **almost}, {**NAMED, "techniques": ["IVF"]}]
    whole = server.client.post("/api/v1/verify/batch", json={"claims": claims})
    lines = server.client.post(
        "/api/v1/verify/batch",
        content="".join(json.dumps(claim) + "\n" for claim in claims),
        headers={"content-type": "application/x-ndjson"},
    )
    for first, second in (whole.json()["answers"], map(json.loads, lines.text.splitlines())):
        assert first["error"]["status"] == 400 and "verdict" not in first
        assert second["verdict"] == "licensed"


@pytest.mark.parametrize("body", [{"receipt": 1}, {"receipt": ["eyJ"]}, {"receipt": None}, {"receipt": True}])
def test_a_receipt_that_is_no_text_is_refused(server: Server, body: dict[str, Any]) -> None:
    found = problem(server.client.post("/api/v1/receipts/check", json=body), 400, "invalid_input")
    assert [one["field"] for one in found["errors"]] == ["receipt"]


@pytest.mark.parametrize(
    "body", [{"claims": {"0": NAMED}}, {"claims": None}, {"claims": "null"}, {"claims": 1}, [NAMED]]
)
def test_claims_that_are_no_list_are_refused(server: Server, body: Any) -> None:
    problem(server.client.post("/api/v1/verify/batch", json=body), 400, "invalid_input")


SCALARS = {
    "/institutions": ("q", "region", "stage", "status", "on", "known_at", "limit", "cursor", "lang"),
    "/institutions/7HV2-JKMV": ("on", "known_at", "lang"),
    "/institutions/7HV2-JKMV/history": ("on", "known_at", "lang"),
    "/institutions/7HV2-JKMV/practitioners": ("on", "known_at", "lang"),
    "/suggest": ("q", "limit", "on", "known_at", "lang"),
    "/stats": ("on", "known_at", "lang"),
    "/changes": ("since", "limit", "known_at", "lang"),
    "/snapshot": ("on", "known_at", "lang"),
    "/editions": ("lang",),
    "/editions/1": ("lang",),
    "/editions/1/list.csv": ("lang",),
    "/institutions/7HV2-JKMV/supervision": ("on", "known_at", "lang"),
    "/sanctions": ("name", "uscc", "domain", "account", "institution", "on", "known_at", "lang"),
    "/leads/x": ("lang",),
    "/verify": (
        *("name", "on", "address", "code", "uscc", "practice_licence_no", "domain", "known_at"),
        *("practitioner", "ad_certificate", "text", "lang"),
    ),
}
VALUES = {
    **{"limit": "5", "since": "0", "on": "2025-07-01", "known_at": "2026-01-01T00:00:00Z", "lang": "en"},
    **{"region": "210000", "stage": "formal", "status": "all", "cursor": "", "code": "7HV2-JKMV"},
}


@pytest.mark.parametrize(("path", "name"), [(path, name) for path, names in SCALARS.items() for name in names])
def test_a_parameter_given_twice_is_refused_and_named(server: Server, path: str, name: str) -> None:
    value = VALUES.get(name, "x")
    answer = server.client.get(f"/api/v1{path}", params=[(name, value), (name, value)])
    assert name in problem(answer, 400, "invalid_input")["detail"]


def test_every_scalar_parameter_of_the_document_is_tried_twice(server: Server) -> None:
    shown = {
        (path.removeprefix("/api/v1").format(code="7HV2-JKMV", edition="1", file="list.csv", number="x"), one["name"])
        for path, methods in server.api("/openapi.json")["paths"].items()
        for one in methods.get("get", {}).get("parameters", [])
        if one["in"] == "query" and one["name"] not in ("technique", "standing") and {} in methods["get"]["security"]
    }
    assert shown == {(path, name) for path, names in SCALARS.items() for name in names}


@pytest.mark.parametrize("path", ["/verify", "/verify/batch", "/receipts/check"])
def test_the_language_given_twice_is_refused_where_a_body_is_sent_too(server: Server, path: str) -> None:
    answer = server.client.post(f"/api/v1{path}?lang=en&lang=zh-CN", json={"claims": [], **NAMED})
    assert "lang" in problem(answer, 400, "invalid_input")["detail"]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        *(("/institutions", f"limit={value}") for value in ("1.0", "5e0", "0x5", "5.", "", "null", "true", "٥")),
        *(("/suggest", f"limit={value}") for value in ("1.0", "8e0")),
        *(("/changes", f"since={value}") for value in ("1.0", "1e3", "null", "-1")),
        ("/stats", "lang=fr"),
        ("/stats", "lang="),
        ("/institutions", "technique="),
        ("/institutions", "technique=IVF&technique="),
        ("/institutions", "technique=IVF,"),
        ("/institutions", "stage="),
        ("/verify", "name=x&technique="),
        ("/verify", "name=x&technique=,"),
    ],
)
def test_a_value_that_is_only_like_one_is_refused(server: Server, path: str, name: str) -> None:
    parameter = name.rpartition("&")[2].partition("=")[0]
    assert parameter in problem(server.get(f"/api/v1{path}?{name}"), 400, "invalid_input")["detail"]


def test_techniques_may_be_repeated_or_listed(server: Server) -> None:
    twice = server.get("/api/v1/institutions?technique=IVF&technique=PGT&limit=1").json()
    listed = server.get("/api/v1/institutions?technique=IVF,PGT&limit=1").json()
    assert twice == listed and twice["total"]


@pytest.mark.parametrize("path", ["/verify", "/receipts/check"])
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "text/csv", "application/xml"])
def test_json_that_is_called_something_else_is_refused(server: Server, path: str, kind: str) -> None:
    answer = server.client.post(f"/api/v1{path}", content=json.dumps(NAMED), headers={"content-type": kind})
    problem(answer, 415, "unsupported_media_type")
    assert answer.headers["accept"] == "application/json"


def test_json_is_understood_with_a_charset_and_without_a_type(server: Server) -> None:
    body = json.dumps(NAMED)
    for headers in ({}, {"content-type": "application/json; charset=utf-8"}, {"content-type": "Application/JSON"}):
        answer = server.client.post("/api/v1/verify", content=body, headers=headers)
        assert answer.json()["verdict"] == "licensed"
