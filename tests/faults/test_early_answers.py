"""Answers that are given before the body of the question was read: the next question of the connection is not lost."""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults.test_sockets import CHUNKED, HOST, JSON, KIB, ask, connect, post, rest_of, statuses
from tests.running import Cli, Server, serving, slowness_of


@pytest.fixture(scope="module")
def edge(seed_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of its own, which says no traceback."""
    data_dir = tmp_path_factory.mktemp("early") / "var"
    shutil.copytree(seed_dir, data_dir)
    with serving(data_dir) as running:
        yield running
        errors = running.errors.read_text()
    assert "Traceback" not in errors, errors


LARGE = 64 * KIB + 1
#: Questions that are answered without a look at their bodies: (head without framing, status).
EARLY = {
    "nothing there": (b"POST /nowhere HTTP/1.1\r\n" + HOST, 404),
    "another method": (b"PUT /api/v1/verify HTTP/1.1\r\n" + HOST, 405),
    "another type": (b"POST /api/v1/verify HTTP/1.1\r\n" + HOST + b"Content-Type: image/png\r\n", 415),
    "an unknown key": (b"POST /api/v1/verify HTTP/1.1\r\n" + HOST + b"X-API-Key: none\r\n", 401),
    "a body with GET": (b"GET /healthz HTTP/1.1\r\n" + HOST, 200),
}


def answer_of(connection: socket.socket) -> tuple[int, bytes]:
    """(status, head) of one answer, whose body is read as it is framed."""
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    answer.read()
    return answer.status, str(answer.headers).lower().encode()


@pytest.mark.parametrize("name", EARLY)
@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_after_an_answer_before_a_small_body_the_next_request_is_answered(
    edge: Server, name: str, framing: str
) -> None:
    head, status = EARLY[name]
    body = b"Content-Length: 300\r\n\r\n", b"a" * 300
    if framing == "chunks":
        body = CHUNKED + b"\r\n", b"12c\r\n" + b"a" * 300 + b"\r\n0\r\n\r\n"
    with connect(edge) as connection:
        for _ in range(3):
            connection.sendall(head + body[0])
            found, told = answer_of(connection)
            assert found == status and b"connection: close" not in told
            connection.sendall(body[1][:100])
            time.sleep(0.02)
            connection.sendall(body[1][100:] + b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n")
            assert answer_of(connection)[0] == 200


@pytest.mark.parametrize("name", EARLY)
def test_an_answer_before_a_large_or_doubtful_body_says_that_the_connection_is_closed(edge: Server, name: str) -> None:
    head, status = EARLY[name]
    for framing in (b"Content-Length: %d\r\n" % LARGE, b"Content-Length: 9\r\nExpect: 100-continue\r\n"):
        received = ask(edge, head + framing + b"\r\n")
        assert statuses(received) == [status] and b"connection: close" in received.lower()


def test_what_is_drained_has_an_end(edge: Server) -> None:
    endless = b"1;x=" + b"a" * 16 * KIB + b"\r\na\r\n"
    for sent in (endless * 20, b"400\r\n" + b"a" * 1024 + b"\r\nzz\r\n", (b"1000\r\n" + b"a" * 4096 + b"\r\n") * 40):
        with connect(edge) as connection:
            connection.sendall(b"POST /nowhere HTTP/1.1\r\n" + HOST + CHUNKED + b"\r\n")
            assert answer_of(connection)[0] == 404
            with contextlib.suppress(ConnectionError):
                connection.sendall(sent)
            assert rest_of(connection) == b"", "a second answer would be taken for that of the next request"
    patience = 20 + 20 * slowness_of(edge)
    begun = time.monotonic()
    with connect(edge) as connection:
        connection.sendall(b"POST /nowhere HTTP/1.1\r\n" + HOST + b"Content-Length: 9000\r\n\r\n")
        assert answer_of(connection)[0] == 404
        assert rest_of(connection) == b"" and 8 < time.monotonic() - begun < patience


def test_a_thousand_questions_past_the_limit_over_kept_connections_are_all_answered(
    seeded: Cli, start: Callable[..., Server]
) -> None:
    server = start(seeded.data_dir, REGISTRY_ANONYMOUS_LIMIT="20")
    body = b'{"provider":{"name":"x"}}'
    head = post("/api/v1/verify", JSON, f"Content-Length: {len(body)}")

    def ask_often(_: int) -> list[int]:
        found = []
        with connect(server) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for _ in range(250):
                connection.sendall(head)
                time.sleep(0.001)
                connection.sendall(body)
                status, told = answer_of(connection)
                assert b"connection: close" not in told
                found.append(status)
        return found

    with ThreadPoolExecutor(4) as pool:
        found = [status for several in pool.map(ask_often, range(4)) for status in several]
    assert len(found) == 1000 and set(found) == {200, 429} and found.count(429) > 900
    assert "Traceback" not in server.errors.read_text()


def test_an_address_that_is_not_ascii_is_told_how_to_write_it(edge: Server) -> None:
    for target in ("/search?q=盛京", "/é", "http://盛京/"):
        received = ask(edge, f"GET {target} HTTP/1.1\r\nHost: register\r\n\r\n".encode())
        told = json.loads(received.partition(b"\r\n\r\n")[2])["detail"]
        assert statuses(received) == [400] and "百分号编码" in told and "percent-encoded" in told
