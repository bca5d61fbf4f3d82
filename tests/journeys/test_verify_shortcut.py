"""A claim that is answered before the framework gets the very answer that the framework gives, refusals too."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.running import Server

#: What differs from one request to the next, whoever answers.
_MOVING = {"x-request-id", "date", "x-state-age", "x-state-at", "ratelimit", "ratelimit-remaining", "ratelimit-reset"}
_CLAIMS: list[dict[str, Any]] = [
    {"provider": {"name": "鞍山市妇儿医院"}, "techniques": ["IVF"]},
    {"provider": {"name": "没有这家医院", "address": "辽宁省鞍山市铁东区"}, "techniques": ["供精", "PGT"]},
    {"provider": {"name": "鞍山市妇儿医院"}, "on": "2025-07-01", "known_at": "2026-01-01T00:00:00Z", "id": "甲"},
    {"provider": {"name": "鞍山市妇儿医院"}, "practitioner": {"name": "示例甲"}, "ad_certificate": "x"},
    {"text": "鞍山市妇儿医院开展试管婴儿。" * 200},
    {},
    {"provider": {"name": "x"}, "techniques": ["没有"]},
    {"provider": {"name": 1}},
    {"provider": {"name": "x"}, "unknown": 1},
    {"provider": {"name": "x"}, "known_at": "0001-01-01T00:00:00+23:59"},
    {"provider": {"code": "0000-0000"}},
]
_BODIES = [json.dumps(claim).encode() for claim in _CLAIMS]
_BODIES += [b"{", b"null", b"\xff", '{"provider": {"name": "鞍山"}}'.encode("gbk"), b"[" * 60_000]
#: Through the shortcut, and by the framework: a media type with a parameter is nothing that it knows.
_PLAIN, _OTHER = "application/json", "application/json; charset=utf-8"


def _post(server: Server, body: bytes, kind: str, **headers: str) -> tuple[int, dict[str, str], Any]:
    answer: httpx.Response = server.client.post(
        "/api/v1/verify", content=body, headers={"content-type": kind, **headers}
    )
    found = {name: value for name, value in answer.headers.items() if name not in _MOVING}
    told = answer.json()
    for name in ("known_at", "state_age"):
        told.pop(name, None)
    if answer.status_code == 200:
        found.pop("content-length")  # of the instant as well
    return answer.status_code, found, told


@pytest.mark.parametrize("body", _BODIES, ids=lambda body: body[:30])
def test_the_shortcut_answers_as_the_framework_does(server: Server, body: bytes) -> None:
    for headers in ({}, {"accept-language": "en-GB"}, {"x-api-key": "nobody's"}):
        assert _post(server, body, _PLAIN, **headers) == _post(server, body, _OTHER, **headers)


def test_a_page_asked_for_is_a_page_whoever_refuses(server: Server) -> None:
    status, headers, told = _post(server, b"{", _PLAIN, accept="text/html")
    assert (status, headers, told) == _post(server, b"{", _OTHER, accept="text/html")
    assert headers["content-type"] == "application/problem+json"


def test_a_body_in_pieces_is_read_to_its_end(server: Server) -> None:
    body = json.dumps({**_CLAIMS[0], "id": "x" * 200, "text": "甲" * 1000}).encode()
    assert len(body) < 64 * 1024
    assert _post(server, body, _PLAIN) == _post(server, body, _OTHER)
