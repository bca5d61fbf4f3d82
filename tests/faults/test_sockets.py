"""What a stranger can do with a connection: too much, too long, too slow, too many at once, or no HTTP at all."""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import shutil
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.running import PATIENCE, Cli, Server, eventually, free_port, serving, slowness_of

ALL, PER_ADDRESS = 60, 20
PROXY = "127.0.0.99"
HOST = b"Host: register\r\n"
GET, POST = b"GET / HTTP/1.1\r\n" + HOST, b"POST /check HTTP/1.1\r\n" + HOST
NGINX = Path(__file__).parents[2] / "docs" / "deploy" / "nginx.conf"
KIB = 1024


@pytest.fixture(scope="module")
def edge(seed_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that takes few connections. A proxy is named, so that this machine counts as anybody."""
    data_dir = tmp_path_factory.mktemp("edge") / "var"
    shutil.copytree(seed_dir, data_dir)
    limits = {"REGISTRY_MAX_CONNECTIONS": str(ALL), "REGISTRY_ADDRESS_CONNECTIONS": str(PER_ADDRESS)}
    with serving(data_dir, REGISTRY_TRUSTED_PROXIES=PROXY, **limits) as running:
        yield running
        errors = running.errors.read_text()
    assert "Traceback" not in errors, errors
    Cli(data_dir, inside=True).ok("log", "check")


def connect(server: Server, source: str = "127.0.0.1", timeout: float = 40) -> socket.socket:
    """A connection from an address of this machine."""
    port = int(server.url.rsplit(":", 1)[1])
    return socket.create_connection(("127.0.0.1", port), timeout=timeout, source_address=(source, 0))


def rest_of(connection: socket.socket) -> bytes:
    """Everything that still comes; a reset is an end too."""
    received = b""
    with contextlib.suppress(ConnectionError):
        while data := connection.recv(65536):
            received += data
    return received


def ask(server: Server, sent: bytes, source: str = "127.0.0.1") -> bytes:
    """What is answered to these bytes until the server closes. TimeoutError when it does not close."""
    with connect(server, source) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(sent)
        return rest_of(connection)


def statuses(received: bytes) -> list[int]:
    """The status of each response."""
    return [int(found) for found in re.findall(rb"HTTP/1\.1 ([0-9]{3}) ", received)]


def figure(server: Server, name: str, **labels: str) -> float:
    """One figure of /metrics; 0 where it was never counted."""
    told = ",".join(f'{label}="{value}"' for label, value in labels.items())
    line = f"{name}{{{told}}} " if told else f"{name} "
    with server.fresh() as client:
        found = [row for row in server.metrics(client).splitlines() if row.startswith(line)]
    return float(found[0].rsplit(" ", 1)[1]) if found else 0.0


# --- what is no plain HTTP -------------------------------------------------------------------------------------------

CHUNKED = b"Transfer-Encoding: chunked\r\n"
NO_HTTP = {
    "bytes that are no HTTP": (b"\x00\xff\xfe\x01\r\n\r\n", 400),
    "a TLS greeting": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32), 400),
    "an unknown method": (b"BREW /pot HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "HTTP/0.9": (b"GET /\r\n\r\n", 505),
    "HTTP/2 without asking": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "line feeds alone": (b"GET / HTTP/1.1\nHost: register\n\n", 400),
    "a header over two lines": (GET + b"X: a\r\n b\r\n\r\n", 400),
    "a space before the colon": (GET + b"X : a\r\n\r\n", 400),
    "NUL in a header": (GET + b"X: a\x00b\r\n\r\n", 400),
    "two lengths": (POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400),
    "the same length twice": (
        POST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
        400,
    ),
    "a list of lengths": (POST + b"Content-Length: 3, 3\r\n\r\nabc", 400),
    "a length with a sign": (POST + b"Content-Length: +3\r\n\r\nabc", 400),
    "a length and chunks": (
        POST + b"Content-Length: 3\r\n" + CHUNKED + b"\r\n0\r\n\r\n",
        400,
    ),
    "chunks and a length": (POST + CHUNKED + b"Content-Length: 3\r\n\r\n0\r\n\r\n", 400),
    "chunks twice": (POST + CHUNKED + CHUNKED + b"\r\n0\r\n\r\n", 400),
    "gzip and chunks": (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    "another coding": (POST + b"Transfer-Encoding: identity\r\n\r\n", 501),
    "chunks in HTTP/1.0": (b"POST /check HTTP/1.0\r\n" + CHUNKED + b"\r\n0\r\n\r\n", 400),
    "a broken chunk": (b"POST /api/v1/verify HTTP/1.1\r\n" + HOST + CHUNKED + b"\r\nzz\r\n", 400),
    "NUL in the path": (b"GET /i/\x00 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "an escaped NUL in the path": (b"GET /i/%00 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a path that is not ASCII": ("GET /é HTTP/1.1\r\n".encode() + HOST + b"\r\n", 400),
    "a path without a slash": (b"GET x HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a question about the server": (b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a tunnel": (b"CONNECT register:443 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two hosts": (GET + HOST + b"\r\n", 400),
    "a request inside another's body": (
        b"POST /check HTTP/1.1\r\n"
        + HOST
        + b"Content-Length: 0\r\n"
        + CHUNKED
        + b"\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        400,
    ),
}
TOO_MUCH = {
    "a block of 33 kB": (
        GET + b"".join(b"X-%d: %s\r\n" % (n, b"a" * 990) for n in range(33)),
        431,
    ),
    "one line without an end": (GET + b"X: " + b"a" * 40 * KIB, 431),
    "200 headers": (GET + b"X: 1\r\n" * 200, 431),
    "a long request line": (b"GET /search?q=" + b"a" * 25 * KIB + b" HTTP/1.1\r\n" + HOST, 414),
    "a request line without an end": (b"GET /search?q=" + b"a" * 40 * KIB, 414),
}


@pytest.mark.parametrize("name", NO_HTTP)
def test_what_is_no_plain_http_is_refused_with_one_answer_and_closed(edge: Server, name: str) -> None:
    sent, status = NO_HTTP[name]
    received = ask(edge, sent)
    assert statuses(received) == [status], received[:300]
    assert b"connection: close" in received.lower()
    told = json.loads(received.partition(b"\r\n\r\n")[2])
    assert told["status"] == status and told["code"] and told["detail"]


@pytest.mark.parametrize("name", TOO_MUCH)
def test_a_head_above_the_limits_is_refused_and_closed(edge: Server, name: str) -> None:
    sent, status = TOO_MUCH[name]
    assert statuses(ask(edge, sent + b"\r\n\r\n")) == [status]
    before = figure(edge, "registry_connections_malformed_total", status=str(status))
    assert before >= 1


def test_a_head_within_the_limits_is_answered(edge: Server) -> None:
    headers = b"".join(b"X-%d: %s\r\n" % (n, b"a" * 990) for n in range(30))
    sent = b"GET /healthz HTTP/1.1\r\n" + HOST + headers + b"Connection: close\r\n\r\n"
    assert statuses(ask(edge, sent)) == [200]
    text = "试管" * 1000  # the longest text that an address may hold
    answer = edge.get("/api/v1/verify", name="鞍山市妇儿医院", text=text)
    assert answer.status_code == 200


def test_a_head_in_many_pieces_is_one_head(edge: Server) -> None:
    with connect(edge) as connection:
        for byte in b"GET /healthz HTTP/1.1\r\nHost: register\r\nConnection: close\r\n\r\n":
            connection.send(bytes([byte]))
        assert statuses(rest_of(connection)) == [200]


# --- old, odd and hasty clients --------------------------------------------------------------------------------------


def test_http_1_0_is_answered_without_chunks_and_closed(edge: Server) -> None:
    received = ask(edge, b"GET /healthz HTTP/1.0\r\n\r\n")
    assert statuses(received) == [200] and received.endswith(b'{"status":"ok"}')
    body = b'{"id":"a","provider":{"name":"x"}}\n' * 3
    head = b"POST /api/v1/verify/batch HTTP/1.0\r\nContent-Type: application/x-ndjson\r\nContent-Length: %d\r\n\r\n"
    streamed = ask(edge, head % len(body) + body)
    assert b"transfer-encoding" not in streamed.partition(b"\r\n\r\n")[0].lower()
    lines = streamed.partition(b"\r\n\r\n")[2].strip().splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["a"] * 3


def test_a_whole_address_is_a_path(edge: Server) -> None:
    for target in (b"http://register/healthz", b"HTTP://register/healthz?x=1"):
        received = ask(edge, b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
        assert statuses(received) == [200]
    assert statuses(ask(edge, b"GET http://register HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")) == [200]
    assert statuses(ask(edge, b"GET ftp://register/ HTTP/1.1\r\n" + HOST + b"\r\n")) == [400]


def test_requests_sent_at_once_are_answered_in_order(edge: Server) -> None:
    one = b"GET /api/v1/verify?name=%d HTTP/1.1\r\n" + HOST + b"\r\n"
    last = b"GET /nowhere HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
    assert statuses(ask(edge, one % 1 + b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n" + one % 2 + last)) == [
        200
    ] * 3 + [404]


def test_of_very_many_requests_sent_at_once_the_first_are_answered_and_the_rest_are_not_begun(edge: Server) -> None:
    received = ask(edge, (b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n") * 2000)
    found = statuses(received)
    assert set(found) == {200} and 30 <= len(found) <= 40
    assert received.lower().count(b"connection: close") == 1


def test_what_is_wrong_behind_a_good_request_does_not_touch_its_answer(edge: Server) -> None:
    good = b"GET /api/v1/stats HTTP/1.1\r\n" + HOST + b"\r\n"
    received = ask(edge, good + b"\x00\x01\x02\r\n\r\n")
    assert statuses(received) == [200, 400]
    whole = received.partition(b"HTTP/1.1 400")[0].partition(b"\r\n\r\n")[2]
    assert json.loads(whole)["total"] > 600


@pytest.mark.parametrize("to", [b"websocket", b"h2c"])
def test_an_upgrade_is_not_made_and_the_request_is_answered(edge: Server, to: bytes) -> None:
    ways = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: " + to + b"\r\nHTTP2-Settings: AAMAAABkAAQA\r\n"
    received = ask(edge, b"GET /healthz HTTP/1.1\r\n" + HOST + ways + b"\r\n")
    assert statuses(received) == [200] and b"connection: close" in received.lower()
    body = b'{"provider":{"name":"x"}}'
    posted = b"POST /api/v1/verify HTTP/1.1\r\n" + HOST + ways + b"Content-Type: application/json\r\n"
    received = ask(edge, posted + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    assert statuses(received) == [200] and b"not_found" in received


def test_what_comes_after_a_chunked_body_is_no_header_of_the_request(edge: Server) -> None:
    body = b'{"provider":{"name":"x"}}'
    head = b"POST /api/v1/verify HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n" + CHUNKED
    sent = head + b"Connection: close\r\n\r\n%x\r\n%s\r\n0\r\n" % (len(body), body)
    assert statuses(ask(edge, sent + b"X-API-Key: nobody's\r\n\r\n")) == [200]
    assert statuses(ask(edge, sent + b"X: " + b"a" * 40 * KIB + b"\r\n\r\n")) in ([431], [200, 431])


# --- bodies ----------------------------------------------------------------------------------------------------------


def post(path: str, kind: str, framing: str) -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: register\r\nContent-Type: {kind}\r\n{framing}\r\n\r\n".encode()


FORM, JSON = "application/x-www-form-urlencoded", "application/json"


@pytest.mark.parametrize(
    ("path", "kind", "limit"),
    [
        ("/staff/sign-in", FORM, 64 * KIB),
        ("/check", FORM, 256 * KIB),
        ("/api/v1/verify", JSON, 256 * KIB),
        ("/api/v1/receipts/check", JSON, 2 * KIB * KIB),
        ("/reconcile", FORM, 2 * KIB * KIB),
        ("/check/list", "multipart/form-data; boundary=x", 64 * KIB * KIB),
        ("/api/v1/verify/batch", JSON, 256 * KIB * KIB),
    ],
)
def test_a_body_above_the_limit_of_its_route_is_413_before_any_of_it_is_read(
    edge: Server, path: str, kind: str, limit: int
) -> None:
    announced = post(path, kind, f"Expect: 100-continue\r\nContent-Length: {limit + 1}")
    received = ask(edge, announced)
    assert statuses(received) == [413], received[:300]
    if limit <= 2 * KIB * KIB:
        piece = b"a" * 16 * KIB
        chunks = (b"%x\r\n%s\r\n" % (len(piece), piece)) * (limit // len(piece) + 4)
        assert statuses(ask(edge, post(path, kind, "Transfer-Encoding: chunked") + chunks)) == [413]


def test_a_body_that_nobody_asked_for_is_not_taken_in(edge: Server) -> None:
    for path, status in (("/healthz", 200), ("/nowhere", 404)):
        sent = f"GET {path} HTTP/1.1\r\nHost: register\r\nContent-Length: 999999999\r\n\r\n".encode()
        with connect(edge) as connection:
            connection.sendall(sent)
            taken = 0
            with contextlib.suppress(ConnectionError):
                while taken < 64 * KIB * KIB:
                    taken += connection.send(b"a" * 64 * KIB)
            assert taken < 64 * KIB * KIB, "the server took in everything"
        assert statuses(ask(edge, sent)) == [status]


def test_a_large_body_is_taken_where_the_route_says_so(edge: Server) -> None:
    claims = json.dumps({"claims": [{"provider": {"name": "x" * 90}}] * 1000}).encode()
    assert len(claims) > 64 * KIB
    answer = edge.client.post("/api/v1/verify/batch", content=claims, headers={"Content-Type": JSON})
    assert answer.status_code == 200 and len(answer.json()["answers"]) == 1000


# --- time ------------------------------------------------------------------------------------------------------------


def drip(connection: socket.socket, sent: bytes, every: float) -> bytes:
    """Send byte by byte until the other side ends; what it said."""
    connection.settimeout(every)
    for byte in sent:
        try:
            connection.send(bytes([byte]))
            with contextlib.suppress(TimeoutError):
                data = connection.recv(65536)
                return data + rest_of(connection) if data else b""
        except ConnectionError:
            return b""
    raise AssertionError("the server waited for all of it")


def seconds_of(work: Callable[[], bytes]) -> tuple[float, bytes]:
    begun = time.monotonic()
    found = work()
    return time.monotonic() - begun, found


def test_whoever_is_slow_is_cut_and_counted_and_nobody_else_notices(edge: Server) -> None:
    head = b"GET /healthz HTTP/1.1\r\nHost: register\r\n" + b"X: aaaaaaaa\r\n" * 90
    body = post("/api/v1/verify", JSON, "Content-Length: 60000") + b" " * 60000
    names = [("head", "head"), ("body", "body"), ("answer", "answer")]
    before = {at: figure(edge, "registry_connections_cut_total", at=at) for _, at in names}
    waits: list[float] = []

    def says_nothing() -> bytes:
        with connect(edge, "127.0.0.2") as connection:
            return rest_of(connection)

    def slow_head() -> bytes:
        with connect(edge, "127.0.0.3") as connection:
            return drip(connection, head, 0.5)

    def slow_body() -> bytes:
        with connect(edge, "127.0.0.4") as connection:
            connection.sendall(body[:300])
            return drip(connection, body[300:], 0.5)

    def idle_after_an_answer() -> bytes:
        with connect(edge, "127.0.0.5") as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n")
            return rest_of(connection)

    def never_reads() -> bytes:
        with connect(edge, "127.0.0.6") as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.sendall((b"GET /api/v1/institutions?limit=500 HTTP/1.1\r\n" + HOST + b"\r\n") * 20)
            cut = eventually(
                lambda: figure(edge, "registry_connections_cut_total", at="answer") > before["answer"], every=1
            )
            return b"cut" if cut else b"waited for"

    def everybody_else() -> bytes:
        until = time.monotonic() + 15
        while time.monotonic() < until:
            waits.append(seconds_of(lambda: edge.get("/healthz").content)[0])
            time.sleep(0.2)
        return b"fine"

    with ThreadPoolExecutor(6) as pool:
        jobs = {
            work.__name__: pool.submit(seconds_of, work)
            for work in (says_nothing, slow_head, slow_body, idle_after_an_answer, never_reads, everybody_else)
        }
        found = {name: job.result() for name, job in jobs.items()}
    after = {"says_nothing": 10, "slow_head": 10, "slow_body": 10, "idle_after_an_answer": 15}
    for name, seconds in after.items():  # as others waited at the same time, so may who is cut
        assert seconds - 2 - max(waits) < found[name][0] < seconds + 10 + 10 * max(waits), (name, found[name][0])
    assert found["says_nothing"][1] == b""
    assert statuses(found["slow_head"][1]) == statuses(found["slow_body"][1]) == [408]
    assert statuses(found["idle_after_an_answer"][1]) == [200]
    assert found["never_reads"][1] == b"cut"
    for _, at in names:
        assert figure(edge, "registry_connections_cut_total", at=at) == before[at] + 1


# --- how many --------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def many(server: Server, number: int, source: str) -> Iterator[list[socket.socket]]:
    """So many open connections of one address."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(connect(server, source)) for _ in range(number)]


def test_one_address_has_so_many_connections_and_no_more(edge: Server) -> None:
    before, quiet = figure(edge, "registry_connections_refused_total", reason="address"), slowness_of(edge)
    with many(edge, PER_ADDRESS, "127.0.0.7"):
        patience = 5 + 20 * quiet
        begun = time.monotonic()
        with connect(edge, "127.0.0.7") as one_more:
            received = rest_of(one_more)
        assert statuses(received) == [429] and b"retry-after: 5" in received
        assert time.monotonic() - begun < patience
        assert statuses(ask(edge, GET + b"Connection: close\r\n\r\n", "127.0.0.8")) == [200]
        with many(edge, PER_ADDRESS + 5, PROXY) as passed_on:
            asked = b"GET /healthz HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
            passed_on[-1].sendall(asked)
            assert statuses(rest_of(passed_on[-1])) == [200]
    assert figure(edge, "registry_connections_refused_total", reason="address") == before + 1


def test_all_together_have_so_many_connections_and_no_more(edge: Server) -> None:
    assert eventually(lambda: figure(edge, "registry_connections") <= 2)
    with contextlib.ExitStack() as stack:
        for number in range(4):
            stack.enter_context(many(edge, (ALL - 2) // 4, f"127.0.1.{number}"))
        last = [stack.enter_context(connect(edge, "127.0.2.1")) for _ in range(8)]  # the last places, and more
        told, _, _ = select.select(last, [], [], 30)
        received = rest_of(told[-1])
        assert statuses(received) == [503] and b"retry-after" in received
        assert "这不代表任何机构未获批准".encode() in received
    assert eventually(lambda: answers(edge.url))  # once those who left are forgotten
    assert figure(edge, "registry_connections_refused_total", reason="all") >= 1
    assert edge.get("/readyz").json()["ready"]


def test_hundreds_of_clients_that_go_away_leave_no_traceback(edge: Server) -> None:
    """At every moment of a request, politely and with a reset."""
    claims = b'{"id":"a","provider":{"name":"x"}}\n' * 4000
    batch = post("/api/v1/verify/batch", "application/x-ndjson", f"Content-Length: {2 * len(claims)}")
    upload = post("/check/list", "multipart/form-data; boundary=x", "Content-Length: 500000")
    part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n' + b"name\n" * 9000
    ways = [
        b"",
        b"GET /sea",
        post("/api/v1/verify", JSON, "Content-Length: 5000") + b'{"provider"',
        post("/check", FORM, "Transfer-Encoding: chunked") + b"5\r\nname=\r\n",
        post("/staff/sign-in", FORM, "Content-Length: 900") + b"name=a",
        batch + claims,
        upload + part,
        (b"GET /api/v1/institutions?limit=500 HTTP/1.1\r\n" + HOST + b"\r\n") * 3,
        b"GET /api/v1/snapshot HTTP/1.1\r\n" + HOST + b"\r\n",
        GET + b"\r\n",
    ]

    def leave(number: int) -> None:
        with connect(edge, f"127.0.3.{number % 8 + 1}") as connection, contextlib.suppress(ConnectionError):
            connection.sendall(ways[number % len(ways)])
            if number % 3:
                time.sleep(0.02 * (number % 5))
            if number % 2:  # a reset instead of an end
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(leave, range(400)))
    assert eventually(lambda: answers(edge.url))
    assert edge.get("/readyz").json()["ready"]
    assert eventually(lambda: figure(edge, "registry_connections_departed_total") > 0)
    errors = edge.errors.read_text()
    assert "Traceback" not in errors and len(errors.splitlines()) < 50, errors[:6000]


# --- nginx in front --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def in_front(seed_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    """A register that names its proxy, and nginx before it, set up by the lines of the documentation."""
    folder = tmp_path_factory.mktemp("front")
    shutil.copytree(seed_dir, folder / "var")
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if nginx is None:
        pytest.fail("没有 nginx / no nginx: bash tests/setup.sh proxies")
    port = free_port()
    with serving(folder / "var", REGISTRY_TRUSTED_PROXIES="127.0.0.1", REGISTRY_ANONYMOUS_LIMIT="50") as running:
        tls = re.compile(r"server \{\s+listen 80;.*?\n\}\n|^    ssl_[^\n]*\n", re.MULTILINE | re.DOTALL)
        lines = tls.sub("", NGINX.read_text("utf-8"))
        lines = lines.replace("listen 443 ssl http2;", f"listen 127.0.0.1:{port};")
        lines = lines.replace("register:8000;", f"{running.url.removeprefix('http://')};")
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        paths = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
        as_root = "user root;" if os.geteuid() == 0 else ""  # its workers write into this folder
        (folder / "nginx.conf").write_text(
            f"{as_root} daemon off; pid {folder}/pid; error_log {folder}/errors; events {{}}\n"
            f"http {{ access_log off; {paths} {lines} }}\n"
        )
        process = subprocess.Popen([nginx, "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "errors"])
        url = f"http://127.0.0.1:{port}"
        try:
            assert eventually(lambda: answers(url)), (folder / "errors").read_text()
            yield running, url
        finally:
            process.terminate()
            process.wait()
        errors = running.errors.read_text()
    assert "Traceback" not in errors, errors


def answers(url: str) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"{url}/healthz", timeout=PATIENCE).status_code == 200
    return False


def through(url: str, sent: bytes, source: str = "127.0.0.1") -> bytes:
    with socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1])), 30, (source, 0)) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(sent)
        return rest_of(connection)


def test_nginx_passes_on_requests_and_who_asks(in_front: tuple[Server, str]) -> None:
    _, url = in_front
    assert httpx.get(f"{url}/readyz", timeout=PATIENCE).json()["ready"]
    assert httpx.get(f"{url}/metrics", timeout=PATIENCE).status_code == 403
    asked = (
        b"GET /api/v1/verify?name=%d HTTP/1.1\r\n" + HOST + b"X-Forwarded-For: 10.9.9.9\r\nConnection: close\r\n\r\n"
    )
    found = [statuses(through(url, asked % number, "127.0.0.21"))[0] for number in range(55)]
    assert found[:50] == [200] * 50 and found[-1] == 429  # the limit of one address, whatever it says of itself
    assert statuses(through(url, asked % 1, "127.0.0.22")) == [200]


def test_nginx_passes_on_what_is_large_where_it_may_be(in_front: tuple[Server, str]) -> None:
    _, url = in_front
    rows = b'{"provider":{"name":"x"}}\n' * 20_000
    kind = {"Content-Type": "application/x-ndjson"}
    answer = httpx.post(f"{url}/api/v1/verify/batch", content=rows, headers=kind, timeout=PATIENCE)
    assert answer.status_code == 200 and answer.text.count("\n") == 20_000
    text = "试管" * 1000
    asked = {"name": "x", "text": text}
    assert httpx.get(f"{url}/api/v1/verify", params=asked, timeout=PATIENCE).status_code == 200
    large = [("/api/v1/verify", JSON, 300 * KIB), ("/check", FORM, 3 * KIB * KIB), ("/staff/sign-in", FORM, 100 * KIB)]
    for path, form, size in large:
        sent = {"content": b"a" * size, "headers": {"Content-Type": form}}
        answer = httpx.post(f"{url}{path}", **sent, timeout=PATIENCE)  # type: ignore[arg-type]
        assert answer.status_code == 413, path


def test_nginx_stops_slow_senders_before_the_register_notices(in_front: tuple[Server, str]) -> None:
    running, url = in_front
    before = figure(running, "registry_connections_cut_total", at="head")

    def slow(sent: bytes) -> float:
        with socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1])), 40) as connection:
            connection.sendall(sent)
            begun = time.monotonic()
            rest_of(connection)
            return time.monotonic() - begun

    with ThreadPoolExecutor(2) as pool:
        heads = pool.submit(slow, b"GET / HTTP/1.1\r\nHost: regi")
        bodies = pool.submit(slow, post("/api/v1/verify", JSON, "Content-Length: 900") + b"{")
        assert heads.result() < 30 and bodies.result() < 30
    assert figure(running, "registry_connections_cut_total", at="head") == before
    with running.fresh() as client:
        assert client.get("/readyz").json()["ready"]
