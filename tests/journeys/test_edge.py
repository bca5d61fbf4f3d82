"""What every answer has and which requests no door gets to see: headers, other sites' scripts, hosts, figures."""

from __future__ import annotations

import datetime as dt
import re
import socket
from collections.abc import Callable, Iterator

import httpx
import pytest

from registry.api import security_txt
from registry.settings import Settings
from tests.running import PATIENCE, Cli, Server, serving

ORIGIN = {"Origin": "https://advertising.example"}
PREFLIGHT = {**ORIGIN, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
#: One address of every kind there is; those without an answer of their own are answered 404 by the same door.
PAGES = ("/", "/search?q=盛京", "/about", "/static/none.css", "/nothing/at/all")
STAFF = ("/staff", "/staff/sign-in", "/staff/nothing")
SHARED = (
    "/api/v1/stats",
    "/api/v1/nothing",
    "/api/v1/openapi.json",
    "/reconcile",
    "/log/checkpoint",
    "/log/tile/nothing",
    "/.well-known/jwks.json",
)


@pytest.fixture(scope="module")
def plain(reading: Cli) -> Iterator[Server]:
    """A server whose settings name no public address, as `make run` starts it."""
    with serving(reading.data_dir) as running:
        yield running


def asked_of(server: Server, host: str | None, path: str = "/about", more: str = "") -> tuple[int, str, str]:
    """(status, headers, body) of a request that says exactly this host; None: no such header at all."""
    address = httpx.URL(server.url)
    line = "" if host is None else f"Host: {host}\r\n"
    with socket.create_connection((address.host, address.port or 80), timeout=PATIENCE) as sent:
        sent.sendall(f"GET {path} HTTP/1.1\r\n{line}{more}Connection: close\r\n\r\n".encode())
        pieces = []
        while piece := sent.recv(65536):
            pieces.append(piece)
    head, _, body = b"".join(pieces).decode("utf-8", "replace").partition("\r\n\r\n")
    return int(head.split()[1]), head.lower(), body


# --- headers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [*PAGES, *STAFF, *SHARED, "/healthz", "/readyz", "/metrics"])
def test_every_answer_has_the_headers_that_hold_browsers_back(server: Server, path: str) -> None:
    told = server.get(path).headers
    assert told["x-content-type-options"] == "nosniff"
    assert told["referrer-policy"] == "strict-origin-when-cross-origin"
    assert "frame-ancestors 'none'" in told["content-security-policy"]
    assert told["cross-origin-opener-policy"] == "same-origin"
    assert told["permissions-policy"].split(", ")[0] == "camera=(self)"  # a page of this register reads QR codes
    assert "geolocation=()" in told["permissions-policy"]
    assert told["strict-transport-security"] == "max-age=31536000"
    assert told["cross-origin-resource-policy"] == ("same-origin" if path.startswith("/staff") else "cross-origin")
    assert len(told.get_list("content-security-policy")) == 1
    if path.startswith("/staff"):
        assert told["cache-control"] == "no-store"


def test_nobody_is_kept_to_https_by_a_register_that_has_none(plain: Server) -> None:
    assert "strict-transport-security" not in plain.get("/").headers
    assert "cross-origin-opener-policy" in plain.get("/").headers


def test_every_answer_has_a_name_of_its_own_or_that_which_a_proxy_gave(server: Server) -> None:
    paths = (
        "/",
        "/nowhere",
        "/api/v1/stats",
        "/api/v1/institutions/nobody",
        "/readyz",
        "/static/nothing",
        "/staff/sign-in",
    )
    names = [server.get(path).headers["X-Request-Id"] for path in paths]
    names += [server.client.post("/api/v1/verify", json=claim).headers["X-Request-Id"] for claim in ({}, {"text": "a"})]
    names.append(server.client.get("/", headers={"Host": "other.example"}).headers["X-Request-Id"])
    assert len(set(names)) == len(names)
    given = server.client.get("/api/v1/stats", headers={"X-Request-Id": "proxy-1.2_3"})
    assert given.headers["X-Request-Id"] == "proxy-1.2_3"
    for bad in ("short", "with space in it", "x" * 65, "semicolon;in;it"):
        assert server.client.get("/api/v1/stats", headers={"X-Request-Id": bad}).headers["X-Request-Id"] != bad


def test_no_answer_says_what_runs_here_and_trace_is_refused(server: Server) -> None:
    told = server.get("/")
    assert "server" not in told.headers
    for path in ("/", "/api/v1/stats", "/staff"):
        assert server.client.request("TRACE", path).status_code == 405


# --- scripts of other sites ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SHARED)
def test_scripts_of_other_sites_read_what_is_public(server: Server, path: str) -> None:
    for headers in (ORIGIN, {**ORIGIN, "Cookie": "any=thing"}):
        told = server.client.get(path, headers=headers).headers
        assert told.get_list("access-control-allow-origin") == ["*"]
        assert "access-control-allow-credentials" not in told
    asked = server.client.options(path, headers=PREFLIGHT)
    assert asked.status_code == 204
    assert asked.headers["access-control-allow-origin"] == "*"
    assert "content-type" in asked.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in asked.headers


@pytest.mark.parametrize("path", [*PAGES, *STAFF, "/check", "/healthz", "/metrics"])
def test_scripts_of_other_sites_read_no_page_and_nothing_of_the_workspace(server: Server, path: str) -> None:
    for headers in (ORIGIN, {**ORIGIN, "Cookie": "staff_session=x"}):
        told = server.client.get(path, headers=headers).headers
        assert [name for name in told if name.startswith("access-control-")] == []
    asked = server.client.options(path, headers=PREFLIGHT).headers
    assert [name for name in asked if name.startswith("access-control-")] == []


# --- hosts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["register.example", "REGISTER.example:443", "register.example.", "127.0.0.1:9", "localhost", "[::1]:8000"]
)
def test_the_public_host_and_this_machines_own_names_are_answered(server: Server, host: str) -> None:
    assert asked_of(server, host)[0] == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "register.example.evil.example", "10.0.0.7", "register.example@evil.example", "[::", ""]
)
def test_a_request_for_another_host_is_misdirected_and_says_where_the_register_is(server: Server, host: str) -> None:
    for path in ("/about", "/api/v1/stats", "/staff/sign-in", "/nothing"):
        status, head, body = asked_of(server, host, path)
        assert status == 421
        assert "application/problem+json" in head
        assert '"code":"wrong_host"' in body
        assert "https://register.example" in body
        assert "evil.example" not in body


NO_HOSTS = (":99999", ":٣", ":", ":-1", ":+1", ":1_0", ":a")


@pytest.mark.parametrize(
    "path", [*PAGES[:1], "/search?q=x", "/about", "/nothing", *STAFF, *SHARED, "/api/v1/verify?name=x"]
)
def test_a_host_that_is_none_is_refused_before_any_door(server: Server, plain: Server, path: str) -> None:
    for running, name in ((server, "register.example"), (plain, "127.0.0.1")):
        for host in (*(name + port for port in NO_HOSTS), "a:b", "[::1", "[::zz]", "[1.2.3.4]", "a b", "a/b", "é"):
            status, head, body = asked_of(running, host, path)
            known = running is plain or host.startswith(name)
            assert (status, host) in (((400, host),) if known else ((400, host), (421, host)))
            assert "application/problem+json" in head
            assert '"code":"invalid_input"' in body or (status == 421 and '"code":"wrong_host"' in body)
        assert asked_of(running, f"{name}:65535", path)[0] not in (400, 421, 500)
        assert "Traceback" not in running.errors.read_text()


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_what_asks_whether_the_process_works_names_a_host_too(server: Server, plain: Server, path: str) -> None:
    for running in (server, plain):
        assert [asked_of(running, host, path)[0] for host in ("127.0.0.1:99999", "a:b", "[::1")] == [400] * 3


def test_two_hosts_are_not_one(server: Server) -> None:
    assert asked_of(server, "register.example", more="Host: evil.example\r\n")[0] in (400, 421)
    assert asked_of(server, "evil.example", more="Host: register.example\r\n")[0] in (400, 421)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_what_asks_whether_the_process_works_knows_only_its_address(server: Server, path: str) -> None:
    assert asked_of(server, "10.0.0.7:8000", path)[0] == 200


def test_a_register_whose_public_address_nobody_set_answers_to_any_name(plain: Server) -> None:
    assert asked_of(plain, "registers-laptop.local:8000")[0] == 200


def test_further_names_are_set_and_a_star_leaves_it_to_the_proxy(reading: Cli, start: Callable[..., Server]) -> None:
    named = start(
        reading.data_dir, REGISTRY_PUBLIC_URL="https://register.example", REGISTRY_HOSTS="inner.example, 10.0.0.7"
    )
    assert [asked_of(named, host)[0] for host in ("inner.example:8000", "10.0.0.7", "evil.example")] == [200, 200, 421]
    named.stop()
    every = start(reading.data_dir, REGISTRY_PUBLIC_URL="https://register.example", REGISTRY_HOSTS="*")
    assert asked_of(every, "evil.example")[0] == 200


def test_no_answer_repeats_the_host_that_was_asked_for(plain: Server) -> None:
    """Whatever is absolute, in pages, in redirects and for programs, is made from the public address."""
    code = plain.api("/institutions", limit=1)["items"][0]["code"]
    paths = ("/", f"/i/{code}", f"/i/{code.lower()}", f"/q/{code}", "/developers", "/reconcile", "/nothing", "/staff")
    for path in (*paths, "/api/v1/openapi.json", "/search?q=" + code, f"/i/{code}/qr.svg", "/staff/sign-in"):
        for more in ("", "X-Forwarded-Host: evil.example\r\n", "Forwarded: host=evil.example\r\n"):
            status, head, body = asked_of(plain, "evil.example", path, more)
            assert status < 500
            assert "evil.example" not in head + body, path


# --- figures ---------------------------------------------------------------------------------------------------------


def test_figures_are_for_a_key_of_their_own_scope_and_for_no_stranger(plain: Server, reading: Cli) -> None:
    assert plain.get("/metrics").status_code == 401  # this machine's own address is no proof: a proxy has it too
    other = reading.ok("key", "add", "别的单位", "--scope", "read", "--json").json["key"]
    refused = plain.client.get("/metrics", headers={"X-API-Key": other})
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    assert "registry_log_size" not in refused.text
    assert "registry_log_size" in plain.metrics()


# --- whom to tell ----------------------------------------------------------------------------------------------------


def test_security_txt_says_whom_to_tell_until_when(reading: Cli, start: Callable[..., Server]) -> None:
    contact = "security@health.example, https://health.example/report"
    running = start(
        reading.data_dir,
        REGISTRY_PUBLIC_URL="https://register.example",
        REGISTRY_SECURITY_CONTACT=contact,
        REGISTRY_SECURITY_POLICY="https://health.example/policy",
    )
    told = running.get("/.well-known/security.txt")
    assert told.headers["content-type"] == "text/plain; charset=utf-8"
    fields = [tuple(line.split(": ", 1)) for line in told.text.splitlines()]
    assert [value for name, value in fields if name == "Contact"] == [
        "mailto:security@health.example",
        "https://health.example/report",
    ]
    by_name = dict(fields)
    assert by_name["Canonical"] == "https://register.example/.well-known/security.txt"
    assert by_name["Policy"] == "https://health.example/policy"
    assert by_name["Preferred-Languages"] == "zh, en"
    ahead = dt.datetime.fromisoformat(by_name["Expires"]) - dt.datetime.now(dt.UTC)
    assert dt.timedelta(days=80) < ahead < dt.timedelta(days=365)


@pytest.mark.parametrize("day", ["2026-11-29", "2031-02-28", "2040-12-31"])
def test_security_txt_never_expires_while_it_is_served(day: str) -> None:
    now = dt.datetime.fromisoformat(f"{day}T12:00:00+00:00")
    told = security_txt.format_security_txt(Settings(security_contact="a@b.example"), now)
    expires = re.search("^Expires: (.*)$", told, re.MULTILINE)
    assert expires
    assert dt.timedelta(days=80) < dt.datetime.fromisoformat(expires[1]) - now < dt.timedelta(days=365)
    assert "Canonical" not in told  # RFC 9116: an https address, or none


def test_nobody_is_sent_to_a_hotline_that_is_not_made_for_it(server: Server) -> None:
    refused = server.get("/.well-known/security.txt")
    assert refused.status_code == 404
    assert "REGISTRY_SECURITY_CONTACT" in refused.json()["detail"]
    assert "12345" not in refused.text


@pytest.mark.parametrize("contact", ["somebody", "http://health.example", "a b@c.example"])
def test_a_contact_that_reaches_nobody_is_refused_at_the_start(reading: Cli, contact: str) -> None:
    assert "REGISTRY_SECURITY_CONTACT" in reading.refused("lag", REGISTRY_SECURITY_CONTACT=contact)
