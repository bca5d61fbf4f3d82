"""Everything the JSON door refuses is an RFC 9457 problem document with a stable code, never an answer."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.running import Server

MISTYPED, UNKNOWN = "7HV2-JKMW", "13NZ-C7GD"


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem document an answer must be."""
    assert answer.status_code == status, f"{answer.request.url} -> {answer.status_code}: {answer.text[:300]}"
    assert answer.headers["content-type"].split(";")[0] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    document = dict(answer.json())
    assert document.keys() >= {"type", "title", "status", "detail", "code"}
    assert document.keys() <= {"type", "title", "status", "detail", "code", "errors"}
    assert (document["status"], document["code"]) == (status, code)
    assert all(isinstance(document[name], str) and document[name] for name in ("type", "title", "detail"))
    assert "Traceback" not in answer.text
    for error in document.get("errors", []):
        assert error.keys() == {"field", "message"}
    return document


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("/institutions?nope=1", "nope"),
        ("/institutions?Q=x", "Q"),
        ("/institutions?technique=EGG_FREEZING", "EGG_FREEZING"),
        ("/institutions?technique=冻卵", "冻卵"),
        ("/institutions?stage=someday", "someday"),
        ("/institutions?status=gone", "gone"),
        ("/institutions?region=999999", "999999"),
        ("/institutions?region=辽宁", "辽宁"),
        ("/institutions?limit=0", "limit"),
        ("/institutions?limit=501", "limit"),
        ("/institutions?limit=ten", "limit"),
        ("/institutions?cursor=zzz", "cursor"),
        ("/institutions?cursor=W10", "cursor"),
        ("/institutions?on=2025-02-30", "on"),
        ("/institutions?on=30.06.2025", "on"),
        ("/institutions?known_at=yesterday", "known_at"),
        ("/suggest?limit=1000", "limit"),
        ("/suggest?query=x", "query"),
        ("/stats?region=210000", "region"),
        ("/verify", "name"),
        ("/verify?address=辽宁省沈阳市", "name"),
        ("/verify?name=", "name"),
        ("/verify?name=x&technique=冻卵", "冻卵"),
        ("/verify?name=x&techniques=IVF", "techniques"),
        ("/verify?name=x&on=soon", "on"),
        ("/verify?uscc=123", "123"),
    ],
)
def test_a_read_that_cannot_be_understood_is_refused_and_says_why(server: Server, path: str, word: str) -> None:
    found = problem(
        server.get(f"/api/v1{path}&lang=en" if "?" in path else f"/api/v1{path}?lang=en"), 400, "invalid_input"
    )
    assert word in found["detail"] or any(word == error["field"] for error in found.get("errors", []))


@pytest.mark.parametrize(
    ("claim", "field"),
    [
        ({}, None),
        ({"provider": {}}, None),
        ({"provider": {"address": "辽宁省沈阳市"}}, None),
        ({"provider": {"name": "   "}}, None),
        ({"provider": {"name": "x"}, "technique": ["IVF"]}, "technique"),
        ({"provider": {"name": "x", "phone": "1"}}, "phone"),
        ({"provider": {"name": "x"}, "techniques": ["冻卵"]}, "冻卵"),
        ({"provider": {"name": "x"}, "techniques": "IVF"}, "techniques"),
        ({"provider": {"name": 5}}, "name"),
        ({"provider": {"name": "x"}, "on": "2025-02-30"}, "on"),
        ({"provider": {"name": "x"}, "known_at": "now"}, "known_at"),
        ({"provider": {"uscc": "123"}}, "123"),
        ({"provider": {"name": "x"}, "practitioner": "示例甲"}, "practitioner"),
        ({"provider": {"name": "x"}, "practitioner": {"name": " "}}, "practitioner.name"),
        ({"provider": {"name": "x"}, "practitioner": {"name": "甲" * 61}}, "最多60个字符"),
        ({"provider": {"name": "x"}, "practitioner": {"name": "甲", "phone": "1"}}, "phone"),
        ({"provider": {"name": "x"}, "ad_certificate": " "}, "ad_certificate"),
        ({"provider": {"name": "x"}, "ad_certificate": "1" * 101}, "最多100个字符"),
        ({"provider": {"name": "x"}, "text": "字" * 20_001}, "最多20000个字符"),
        ({"provider": {"name": "x"}, "text": ["字"]}, "text"),
        ([], None),
        ("x", None),
        (None, None),
    ],
)
def test_a_claim_that_cannot_be_understood_is_refused(server: Server, claim: Any, field: str | None) -> None:
    answer = server.client.post("/api/v1/verify", json=claim)
    found = problem(answer, 400, "invalid_input")
    assert field is None or field in answer.text, found


@pytest.mark.parametrize(
    "body", [b"", b"{bad", b'{"provider":{"name":"x"}', b"\xff\xfe", b'{"provider":{"name":"\xff"}}']
)
def test_malformed_json_is_refused(server: Server, body: bytes) -> None:
    sent = {"content-type": "application/json"}
    problem(server.client.post("/api/v1/verify", content=body, headers=sent), 400, "invalid_input")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/csv"])
def test_a_body_of_another_kind_is_refused(server: Server, kind: str) -> None:
    answer = server.client.post("/api/v1/verify", content=b"name=x", headers={"content-type": kind})
    assert answer.status_code in (400, 415)
    problem(answer, answer.status_code, "invalid_input" if answer.status_code == 400 else "unsupported_media_type")


def test_a_body_over_the_limit_is_refused(server: Server) -> None:
    answer = server.client.post("/api/v1/verify", json={"provider": {"name": "x" * 3_000_000}})
    problem(answer, 413, "too_large")


@pytest.mark.parametrize("after", ["", "/history", "/practitioners"])
def test_a_mistyped_code_is_told_from_an_unknown_one(server: Server, after: str) -> None:
    problem(server.get(f"/api/v1/institutions/{MISTYPED}{after}"), 400, "invalid_code")
    problem(server.get(f"/api/v1/institutions/ABC{after}"), 400, "invalid_code")
    problem(server.get(f"/api/v1/institutions/{UNKNOWN}{after}"), 404, "not_found")


def test_a_mistyped_code_in_a_claim_is_no_verdict(server: Server) -> None:
    problem(server.client.post("/api/v1/verify", json={"provider": {"code": MISTYPED}}), 400, "invalid_code")
    problem(server.get("/api/v1/verify", code=MISTYPED), 400, "invalid_code")
    assert server.verify(provider={"code": UNKNOWN})["verdict"] == "not_found"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/editions/latest/list.json"),
        ("GET", "/api/v1/practitioners"),
        ("GET", "/api/v1/nothing"),
        ("GET", "/api/v1"),
        ("GET", "/api/v2/institutions"),
        ("GET", "/status-lists/1"),
    ],
)
def test_what_is_not_built_is_absent_not_faked(server: Server, method: str, path: str) -> None:
    problem(server.client.request(method, path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/verify"),
        ("PUT", "/institutions"),
        ("POST", "/institutions"),
        ("PATCH", "/stats"),
        ("POST", "/suggest"),
    ],
)
def test_another_method_is_refused_with_those_allowed(server: Server, method: str, path: str) -> None:
    answer = server.client.request(method, f"/api/v1{path}")
    problem(answer, 405, "method_not_allowed")
    assert "GET" in answer.headers["allow"]


def test_problems_are_english_when_english_is_asked_for(server: Server) -> None:
    chinese = problem(server.get(f"/api/v1/institutions/{MISTYPED}"), 400, "invalid_code")
    english = problem(server.get(f"/api/v1/institutions/{MISTYPED}", lang="en"), 400, "invalid_code")
    assert "校验位" in chinese["detail"]
    assert english["detail"].isascii() or "“" in english["detail"]
    assert "校验位" not in english["detail"]


@pytest.mark.parametrize(
    "claim",
    [
        {"provider": {"name": "医" * 301}},
        {"provider": {"name": "示例医院", "address": "路" * 301}},
        {"provider": {"name": "示例医院"}, "techniques": ["IVF"] * 21},
    ],
)
def test_what_no_name_or_list_is_that_long_is_refused(server: Server, claim: dict[str, Any]) -> None:
    problem(server.client.post("/api/v1/verify", json=claim), 400, "invalid_input")


@pytest.mark.parametrize("cursor", ["x", "W10", "Wy0xLDBd", "WzEsLTVd", "!!!"])
def test_a_cursor_nobody_gave_out_is_refused(server: Server, cursor: str) -> None:
    problem(server.get("/api/v1/institutions?q=医院&cursor=" + cursor), 400, "invalid_input")
