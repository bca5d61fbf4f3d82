"""Many claims by one request to a running server: three forms, limits, other requests meanwhile, memory."""

from __future__ import annotations

import csv
import http.client
import io
import json
import shutil
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from tests.running import PATIENCE, Server, workers_of

BATCH = "/api/v1/verify/batch"
NDJSON, CSV = {"Content-Type": "application/x-ndjson"}, {"Content-Type": "text/csv"}
FUYING = "沈阳市妇婴医院"
LIMIT = 100_000


def line(number: int, name: str = FUYING) -> bytes:
    claim = {"id": f"row-{number}", "provider": {"name": name}, "techniques": ["IVF"]}
    return json.dumps(claim, ensure_ascii=False).encode() + b"\n"


def pieces(rows: int, size: int = 500) -> Iterator[bytes]:
    """So many claims, some at a time: a chunked request."""
    for start in range(0, rows, size):
        yield b"".join(line(number) for number in range(start, min(start + size, rows)))


def memory_of(server: Server) -> float:
    """MiB the server has held at most so far."""
    (worker,) = workers_of(server.process.pid)
    status = Path(f"/proc/{worker}/status").read_text()
    return int(next(row.split()[1] for row in status.splitlines() if row.startswith("VmHWM"))) / 1024


def test_json_answers_each_claim_in_its_place(server: Server) -> None:
    claims: list[Any] = [
        {"id": "a", "provider": {"name": FUYING}, "techniques": ["IVF"]},
        {"id": "b", "provider": {"name": FUYING}, "techniques": ["冻卵"]},
        {"id": "c", "provider": {"name": "沈阳市妇幼保健院"}, "techniques": ["IVF"]},
        [],
    ]
    answer = server.client.post(BATCH, json={"claims": claims})
    told = answer.json()["answers"]
    assert [one.get("verdict") for one in told] == ["licensed", None, "technique_not_licensed", None]
    assert [one["id"] for one in told] == ["a", "b", "c", None]
    assert "冻卵" in told[1]["error"]["detail"]
    alone = server.verify(**claims[0])
    assert {**told[0], "known_at": ""} == {**alone, "known_at": ""}
    assert told[0]["known_at"] == told[2]["known_at"]
    english = server.client.post(BATCH, json={"claims": claims}, params={"lang": "en"}).json()["answers"]
    assert english[0]["explanation"].startswith("This institution")


@pytest.mark.parametrize(
    ("content", "headers", "status", "word"),
    [
        (b'{"claims":[', {"Content-Type": "application/json"}, 400, "claims"),
        (b'{"claim":[]}', {"Content-Type": "application/json"}, 400, "claim"),
        (b"", CSV, 400, "name"),
        (b"foo\nbar\n", CSV, 400, "uscc"),
        (b"name\nx\n", {"Content-Type": "text/csv; charset=klingon"}, 400, "UTF-8"),
        (b"{}", {"Content-Type": "text/plain"}, 415, "ndjson"),
        (json.dumps({"claims": [{}] * 10_001}).encode(), {"Content-Type": "application/json"}, 413, "ndjson"),
        (b"{}\n" * (LIMIT + 1), NDJSON, 413, "100,000"),
        (b"name\n" + b"x\n" * (LIMIT + 1), CSV, 413, "100,000"),
    ],
)
def test_what_cannot_be_answered_as_a_whole_is_a_problem_that_says_what_to_do(
    server: Server, content: bytes, headers: dict[str, str], status: int, word: str
) -> None:
    answer = server.client.post(BATCH, content=content, headers=headers)
    assert answer.status_code == status, answer.text[:300]
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert word in answer.json()["detail"]


def test_ten_thousand_claims_as_json_are_answered(server: Server) -> None:
    claims = [{"id": str(n), "provider": {"name": FUYING}} for n in range(10_000)]
    told = server.client.post(BATCH, json={"claims": claims}).json()["answers"]
    assert [one["id"] for one in told] == [str(n) for n in range(10_000)]


def test_csv_comes_back_as_csv_with_its_own_columns_first(server: Server) -> None:
    sent = f"序号,机构名称,技术,日期\r\n1,{FUYING},IVF、PGT,2025/7/1\r\n2,{FUYING},冻卵,\r\n".encode("gb18030")
    answer = server.client.post(BATCH, content=sent, headers=CSV)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert list(rows[0])[:5] == ["序号", "机构名称", "技术", "日期", "verdict"]
    assert (rows[0]["verdict"], rows[0]["technique_verdicts"]) == ("licensed", "IVF=licensed;PGT=licensed")
    assert (rows[1]["verdict"], rows[1]["error_code"]) == ("", "invalid_input")
    assert rows[0]["as_of"] == "2025-06-30"
    assert rows[0]["log_size"] == rows[1]["log_size"]


@pytest.mark.parametrize("receipt", ["false", "true"])
def test_the_head_of_a_csv_answer_names_every_column(server: Server, receipt: str) -> None:
    sent = f"广告监测线索表\n机构名称,所称地,备注\n{FUYING},沈阳,甲\n".encode()
    head = server.client.post(BATCH, params={"receipt": receipt}, content=sent, headers=CSV).headers
    assert unquote(head["x-columns-understood"]) == "name=机构名称"
    assert unquote(head["x-columns-ignored"]) == "所称地;near=所称地址, 备注"
    assert head["x-rows-skipped"] == "1"
    assert "X-Columns-Ignored" in head["access-control-expose-headers"]


def test_an_answer_comes_while_the_request_is_still_being_sent(server: Server) -> None:
    seen = threading.Event()

    def slow() -> Iterator[bytes]:
        yield b"".join(line(n) for n in range(200))
        assert seen.wait(PATIENCE), "no answer before the request had ended"
        yield line(200)

    # httpx reads only after sending; this one does both.
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=PATIENCE)
    connection.putrequest("POST", BATCH)
    connection.putheader("Content-Type", "application/x-ndjson")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    sending = slow()

    def chunk(data: bytes) -> bytes:
        return b"%x\r\n%s\r\n" % (len(data), data)

    connection.send(chunk(next(sending)))
    answer = connection.getresponse()
    first = answer.readline()
    assert json.loads(first)["id"] == "row-0"
    seen.set()
    connection.send(chunk(next(sending)) + b"0\r\n\r\n")
    rest = answer.read().splitlines()
    assert json.loads(rest[-1])["id"] == "row-200"
    connection.close()


def test_a_hundred_thousand_rows_are_answered_and_the_next_is_said_not_to_be(server: Server) -> None:
    answer = server.client.post(BATCH, content=pieces(LIMIT + 3), headers=NDJSON)
    told = answer.content.splitlines()
    assert len(told) == LIMIT + 1
    assert json.loads(told[LIMIT - 1])["id"] == f"row-{LIMIT - 1}"
    assert json.loads(told[LIMIT - 1])["verdict"] == "licensed"
    last = json.loads(told[LIMIT])
    assert (last["row"], last["error"]["status"], last["error"]["code"]) == (LIMIT + 1, 413, "too_large")
    assert "verdict" not in last


def test_a_large_request_takes_no_more_memory_than_a_small_one(
    start: Callable[..., Server], seed_dir: Path, tmp_path: Path
) -> None:
    shutil.copytree(seed_dir, tmp_path / "var")
    server = start(tmp_path / "var")

    def ask(rows: int, whole: bool) -> int:
        content: Any = b"".join(pieces(rows)) if whole else pieces(rows)
        with server.client.stream("POST", BATCH, content=content, headers=NDJSON) as answer:
            return sum(len(piece) for piece in answer.iter_bytes())

    for whole in (True, False):
        ask(LIMIT // 5, whole)
    before = memory_of(server)
    received = (ask(LIMIT, True) + ask(LIMIT, False)) / 1024 / 1024
    assert received > 150
    assert memory_of(server) - before < received / 4  # what waits in buffers differs from run to run by some 20 MiB


def test_others_are_answered_while_a_batch_is_worked_on(server: Server) -> None:
    # Near names are looked for: the slow kind.
    names = [f"{FUYING[:4]}第{number}某某医院" for number in range(LIMIT // 5)]
    body = b"".join(line(number, name) for number, name in enumerate(names))
    done: list[int] = []

    def ask() -> None:
        with server.fresh() as client:
            done.append(len(client.post(BATCH, content=body, headers=NDJSON).content.splitlines()))

    def wait(client: httpx.Client) -> float:
        started = time.perf_counter()
        assert client.get("/healthz").status_code == 200
        return time.perf_counter() - started

    worker = threading.Thread(target=ask)
    begun = time.perf_counter()
    worker.start()
    waits: list[float] = []
    with server.fresh() as client:
        while worker.is_alive():
            waits.append(wait(client))
            time.sleep(0.01)
    worker.join()
    taken = time.perf_counter() - begun
    assert done == [len(names)]
    assert len(waits) > 20, "the batch was over before anybody else could ask"
    assert statistics.median(waits) < max(0.1, taken / 50)  # a slow machine is slow with the batch as well
    assert max(waits) < max(1.0, taken / 4)


def test_a_client_that_goes_away_leaves_no_trace_in_the_servers_log(
    start: Callable[..., Server], seed_dir: Path, tmp_path: Path
) -> None:
    shutil.copytree(seed_dir, tmp_path / "var")
    server = start(tmp_path / "var")
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=PATIENCE)
    connection.putrequest("POST", BATCH)
    connection.putheader("Content-Type", "application/x-ndjson")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    connection.send(b"%x\r\n%s\r\n" % (len(line(1)), line(1)))
    answer = connection.getresponse()
    assert json.loads(answer.readline())["id"] == "row-1"
    answer.close()
    connection.close()
    time.sleep(0.5)
    assert server.get("/healthz").status_code == 200
    assert server.errors.read_text() == ""
