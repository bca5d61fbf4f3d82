"""What is sent is UTF-8, about a day that there is, and of known fields; what comes back is gzip, with a weak ETag."""

from __future__ import annotations

import gzip
import socket
from typing import Any
from urllib.parse import quote

import pytest

from tests.journeys.test_api_problems import problem
from tests.running import PATIENCE, Cli, Server

GBK = quote("鞍山市妇儿医院".encode("gbk"))
CLAIM = {"provider": {"name": "鞍山市妇儿医院"}}


@pytest.mark.parametrize(
    "path",
    [
        f"/api/v1/verify?name={GBK}&technique=IVF",
        f"/api/v1/institutions?q={GBK}",
        f"/api/v1/suggest?{GBK}=1",
        "/api/v1/suggest?q=%ED%A0%80",
        f"/reconcile/suggest/entity?prefix={GBK}",
    ],
)
def test_an_address_that_is_not_utf8_is_refused(server: Server, path: str) -> None:
    found = problem(server.client.get(path), 400, "invalid_input")
    assert "UTF-8" in found["detail"]


@pytest.mark.parametrize("path", [f"/search?q={GBK}", f"/check?name={GBK}", f"/?q={GBK}"])
def test_a_person_with_such_an_address_gets_a_page_that_says_so(server: Server, path: str) -> None:
    page = server.client.get(path, headers={"accept": "text/html"})
    assert (page.status_code, "UTF-8" in page.text) == (400, True)


@pytest.mark.parametrize("path", ["/check", "/check/receipt", "/receipt"])
def test_a_form_that_is_not_utf8_is_refused(server: Server, path: str) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = server.client.post(path, content=f"name={GBK}&receipt={GBK}&text=x".encode(), headers=headers)
    assert (answer.status_code, "UTF-8" in answer.text) == (400, True)


def test_a_form_whose_chinese_is_not_percent_encoded_is_the_same_question(server: Server) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    bare, encoded = "name=鞍山市妇儿医院&technique=IVF", f"name={quote('鞍山市妇儿医院')}&technique=IVF"
    found = [server.client.post("/check", content=form.encode(), headers=headers) for form in (bare, encoded)]
    assert [answer.status_code for answer in found] == [303, 303]
    assert found[0].headers["location"] == found[1].headers["location"]


@pytest.mark.parametrize("path", ["/api/v1/verify", "/api/v1/verify/batch", "/api/v1/receipts/check"])
def test_json_that_is_not_utf8_is_refused(server: Server, path: str) -> None:
    body = '{"provider":{"name":"鞍山"},"claims":[],"receipt":"鞍山"}'.encode("gbk")
    answer = server.client.post(path, content=body, headers={"content-type": "application/json"})
    problem(answer, 400, "invalid_input")


def test_an_address_with_bare_chinese_is_told_to_percent_encode(server: Server) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
        connection.sendall("GET /api/v1/verify?name=鞍山 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        answer = connection.recv(65_536)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in answer
    assert b"percent-encode" in answer and b"%E8%AF%95" in answer


# --- fields, names, days ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claim", "field", "allowed"),
    [
        ({**CLAIM, "technique": ["IVF"]}, "technique", "provider、id、techniques、on"),
        ({"provider": {"nam": "x"}}, "provider.nam", "name、address、uscc"),
        ({**CLAIM, "practitioner": {"name": "x", "role": "y"}}, "practitioner.role", "：name"),
    ],
)
def test_a_field_that_there_is_not_is_named_with_those_that_there_are(
    server: Server, claim: dict[str, Any], field: str, allowed: str
) -> None:
    found = problem(server.client.post("/api/v1/verify", json=claim), 400, "invalid_input")
    assert found["errors"][0]["field"] == field
    assert allowed in found["detail"]
    batch = server.client.post("/api/v1/verify/batch", json={"claims": [claim]}).json()
    detail = batch["answers"][0]["error"]["detail"]
    assert field in detail and allowed in detail
    whole = problem(server.client.post("/api/v1/verify/batch", json={"claim": [claim]}), 400, "invalid_input")
    assert "claim；可用：claims、receipt" in whole["detail"]


@pytest.mark.parametrize("day", ["1948-12-31", "1900-01-01", "0001-01-01", "9999-12-31"])
def test_a_day_that_nothing_can_be_said_about_is_refused_at_every_door(server: Server, reading: Cli, day: str) -> None:
    code = "7HV2-JKMV"
    for path in ("institutions", f"institutions/{code}", f"institutions/{code}/history", "stats", "snapshot"):
        found = problem(server.client.get(f"/api/v1/{path}", params={"on": day}), 400, "invalid_input")
        assert day in found["detail"] and "1949-01-01" in found["detail"]
    problem(server.client.get("/api/v1/verify", params={"name": "x", "on": day}), 400, "invalid_input")
    problem(server.client.post("/api/v1/verify", json={**CLAIM, "on": day}), 400, "invalid_input")
    rows = server.client.post("/api/v1/verify/batch", json={"claims": [{**CLAIM, "on": day}]}).json()["answers"]
    assert day in rows[0]["error"]["detail"]
    assert server.client.get(f"/i/{code}", params={"on": day}).status_code == 400
    assert server.client.get("/check", params={"name": "x", "on": day}).status_code == 400
    assert day in reading.refused("verify", "鞍山市妇儿医院", "--on", day)
    assert day in reading.refused("search", "鞍山", "--on", day)


@pytest.mark.parametrize("day", ["1949-01-01", "9999-12-30"])
def test_the_first_and_the_last_day_are_answered(server: Server, day: str) -> None:
    assert server.verify(**CLAIM, on=day)["on"] == day
    assert server.api("/institutions", on=day)["total"] >= 0


@pytest.mark.parametrize("name", ["", " ", "　", "——"])
def test_a_blank_name_is_refused_at_every_door(server: Server, reading: Cli, name: str) -> None:
    problem(server.client.get("/api/v1/verify", params={"name": name}), 400, "invalid_input")
    problem(server.client.post("/api/v1/verify", json={"provider": {"name": name}}), 400, "invalid_input")
    rows = server.client.post("/api/v1/verify/batch", json={"claims": [{"provider": {"name": name}}]}).json()
    assert rows["answers"][0]["error"]["code"] == "invalid_input"
    assert server.client.get("/check", params={"name": name}).status_code == 400
    reading.refused("verify", name)


# --- answers ---------------------------------------------------------------------------------------------------------

ASKED = {"accept-encoding": "gzip"}


@pytest.mark.parametrize(
    "path", ["/api/v1/institutions", "/api/v1/snapshot", "/api/v1/openapi.json", "/", "/developers"]
)
def test_text_of_more_than_1_kb_is_sent_as_gzip_to_whoever_takes_it(server: Server, path: str) -> None:
    plain = server.client.get(path, headers={"accept-encoding": "identity"})
    with server.client.stream("GET", path, headers=ASKED) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == plain.content
    assert len(raw) < len(plain.content) / 2
    assert "content-encoding" not in plain.headers
    for headers in (answer.headers, plain.headers):
        assert "Accept-Encoding" in headers["vary"]
    assert answer.headers.get("etag") == plain.headers.get("etag")


@pytest.mark.parametrize(
    ("path", "accepted"),
    [
        ("/healthz", "gzip"),
        ("/i/7HV2-JKMV/qr.png", "gzip"),
        ("/staff/sign-in", "gzip"),
        ("/api/v1/institutions", "gzip;q=0"),
        ("/api/v1/institutions", "br"),
    ],
)
def test_what_is_short_no_text_of_the_workspace_or_not_wanted_is_sent_as_it_is(
    server: Server, path: str, accepted: str
) -> None:
    answer = server.client.get(path, headers={"accept-encoding": accepted})
    assert answer.status_code == 200
    assert "content-encoding" not in answer.headers


def test_an_etag_is_weak_and_each_language_has_its_own(server: Server) -> None:
    path = "/api/v1/verify"
    asked: dict[str, Any] = {"params": {"name": "鞍山市妇儿医院"}}
    tags = [
        server.client.get(path, **asked, headers={"accept-language": lang}).headers["etag"] for lang in ("zh-CN", "en")
    ]
    assert all(tag.startswith('W/"') for tag in tags)
    assert tags[0] != tags[1]
    for lang, status in (("zh-CN", 304), ("en", 200)):
        headers = {"accept-language": lang, "if-none-match": tags[0], **ASKED}
        assert server.client.get(path, **asked, headers=headers).status_code == status
