"""Bodies that hold nothing but work: blank lines without end, brackets without end. Everybody else goes on reading."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.processes import Peak, worker_of
from tests.running import Server, serving

SIZE = 20 * 1024 * 1024
BATCH, LIST = "/api/v1/verify/batch", "/check/list"
CSV, NDJSON, JSON = ("text/csv", "application/x-ndjson", "application/json")
#: What is sent to a door, by what it is: media type, beginning, what is repeated up to 20 MB.
FLOODS: dict[str, tuple[str, bytes, bytes]] = {
    "csv of blank lines": (CSV, b"name\n", b"\n"),
    "csv of blank lines that end as Windows ends them": (CSV, b"name\r\n", b"\r\n"),
    "csv of blank lines after a row and a quotation mark": (CSV, b'name\n"x"\n', b"\n"),
    "csv of empty cells": (CSV, b"name,address,on,id,uscc\n", b",,,,\n"),
    "csv of comments": (CSV, b"name\n", b"#\n"),
    "ndjson of blank lines": (NDJSON, b"", b"\n"),
    "ndjson of blank lines after a row": (NDJSON, b'{"provider":{"name":"x"}}\n', b"\n"),
    "ndjson of lines of spaces": (NDJSON, b"", b"   \n"),
    "ndjson of one line of spaces": (NDJSON, b"", b" "),
}
DEEP = b"[" * 60_000
JSON_DOORS: dict[str, tuple[str, str, bytes]] = {
    "a receipt": ("/api/v1/receipts/check", JSON, DEEP),
    "the text of a receipt": ("/api/v1/receipts/check", JSON, b'{"receipt":' + DEEP),
    "watches": ("/api/v1/watches", JSON, DEEP),
    "a claim": ("/api/v1/verify", JSON, b'{"provider":' + b'{"a":' * 10_000),
    "many claims": (BATCH, JSON, DEEP),
    "one of many claims": (BATCH, JSON, b'{"claims":[{"name":' + b'{"a":' * 100_000),
    "the first line of ndjson": (BATCH, NDJSON, b'{"names":' + b"[" * 100_000),
    "queries of OpenRefine": ("/reconcile", "application/x-www-form-urlencoded", b"queries=" + DEEP),
    "one query of OpenRefine": ("/reconcile", "application/x-www-form-urlencoded", b'queries={"a":' + DEEP),
}
#: Those of which the decoder says that they are no object, or that there is no such field, before it counts brackets.
OTHERWISE = {"a claim", "many claims", "the first line of ndjson", "queries of OpenRefine"}


@pytest.fixture(scope="module")
def served(staffed_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that nobody else asks."""
    data_dir = tmp_path_factory.mktemp("bodies") / "var"
    shutil.copytree(staffed_dir, data_dir)
    with serving(data_dir) as running:
        yield running


class Watching:
    """Asks /readyz again and again, and keeps the longest wait."""

    def __init__(self, server: Server) -> None:
        self.slowest = 0.0
        self._server, self._over = server, threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def _ask(self) -> None:
        with self._server.fresh() as client:
            while not self._over.is_set():
                before = time.perf_counter()
                assert client.get("/readyz").status_code == 200
                self.slowest = max(self.slowest, time.perf_counter() - before)
                time.sleep(0.01)

    def __enter__(self) -> Watching:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def waits(served: Server, twin: Server, send: Callable[[], httpx.Response]) -> tuple[httpx.Response, float]:
    """What comes back, and how long somebody else waited meanwhile at most, beyond what a slow machine explains.

    That is what somebody waits at the same time who asks a server that nobody troubles.
    """
    with Watching(twin) as quiet, Watching(served) as watching:
        answer = send()
    return answer, watching.slowest - 10 * quiet.slowest


@pytest.mark.parametrize("streamed", [False, True], ids=["a file", "a stream"])
@pytest.mark.parametrize("what", FLOODS)
def test_a_batch_of_rows_that_are_none_is_refused_and_nobody_else_waits(
    served: Server, server: Server, what: str, streamed: bool
) -> None:
    kind, begin, again = FLOODS[what]
    content: bytes = begin + again * (SIZE // len(again))
    pieces: Any = (content[at : at + 65_536] for at in range(0, len(content), 65_536)) if streamed else content
    worker = worker_of(served)
    answer, slowest = waits(
        served, server, lambda: served.client.post(BATCH, content=pieces, headers={"Content-Type": kind})
    )
    if answer.status_code == 200:  # rows were answered before: the last of them says where it ended
        last = answer.text.splitlines()[-1]
        assert "too_large" in last or "invalid_input" in last, last
    else:
        assert answer.status_code in (400, 413), answer.text[:300]
        assert "请" in answer.json()["detail"]
    assert slowest < 1.0
    assert worker_of(served) == worker


def test_millions_of_values_that_are_no_claims_are_refused_and_fill_no_memory(served: Server, server: Server) -> None:
    content = b'{"claims":[' + b"0," * 8_000_000 + b"0]}"
    peak = Peak(worker_of(served))
    answer, slowest = waits(
        served, server, lambda: served.client.post(BATCH, content=content, headers={"Content-Type": JSON})
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert peak.growth() < 50
    assert slowest < 1.0


@pytest.mark.parametrize("content", [b"\n" * 5_000_000, b"name\n" + b"\n" * 5_000_000, b",,,,\n" * 1_000_000])
def test_a_list_of_rows_that_are_none_is_refused_at_the_page_and_nobody_else_waits(
    served: Server, server: Server, content: bytes
) -> None:
    files = {"file": ("a.csv", content)}
    answer, slowest = waits(served, server, lambda: served.client.post(LIST, files=files))
    assert answer.status_code in (400, 413)
    assert 'class="error-summary"' in answer.text
    assert slowest < 1.0


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("what", JSON_DOORS)
def test_brackets_without_end_are_the_senders_fault_at_every_door(served: Server, what: str, lang: str) -> None:
    path, kind, content = JSON_DOORS[what]
    answer = served.client.post(path, content=content, headers={"Content-Type": kind}, params={"lang": lang})
    if kind == NDJSON:
        assert answer.status_code == 200  # its other lines may be good
        told = answer.json()["error"]
        assert told["status"] == 400
    else:
        assert answer.status_code == 400, answer.text
        told = answer.json()
    assert told["code"] == "invalid_input"
    if what not in OTHERWISE:
        assert ("嵌套过深" if lang == "zh" else "nested too deeply") in told["detail"]
    assert "recursion" not in answer.text


def test_nothing_of_this_left_a_traceback(served: Server) -> None:
    assert "Traceback" not in served.errors.read_text()
