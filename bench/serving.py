"""Requests a second of one worker, each beside an empty route of the same shape in the same run."""

from __future__ import annotations

import datetime as dt
import json
import statistics
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from bench import everyday, registers, running
from bench.registers import REAL, ListedInstitution
from bench.running import RunningServer

ROUNDS, SECONDS = 5, 1.0
#: How many questions about each name are asked once only: more than a worker answers in a round.
ANEW = 40
_WORDS = ("妇幼保健院", "三代试管", "盛京", "鞍山", "沈阳 供精", "204医院")


@dataclass
class Load:
    """Requests of one kind, sent in turn."""

    name: str
    requests: list[bytes]


def run(folder: Path, institutions: int = REAL, rounds: int = ROUNDS, seconds: float = SECONDS) -> None:
    """Baseline and register in turn, so that both meet the same noise; medians of the rounds.

    The ratio is of processor time a request: other work on the machine slows both servers, and not alike.
    """
    data_dir, listed = registers.prepare_register(folder, institutions)
    command = [str(running.REGISTRY), "serve", "--port", "0"]
    env = make_environment(data_dir)
    with running.run_server(command, env):  # publishes what is not published yet, once
        pass
    before = time.perf_counter()
    with running.run_server(command, env) as register:
        started = time.perf_counter() - before
        print(
            f"{institutions:,} institutions: ready in {started:.1f} s, "
            f"the worker holds {register.read_memory():.0f} MiB"
        )
        answers = _write_answers(folder, register.address, listed[0])
        baseline = [sys.executable, "-m", "bench.baseline_app", str(answers)]
        with running.run_server(baseline, env) as empty:
            print(f"{'one worker':50} {'requests/s':>10} {'empty us':>9} {'register us':>11} {'ratio':>6}")
            asked = make_claim_loads(listed)
            for load in asked:
                compare_servers(load, (empty, register), folder / "requests", rounds, seconds)
            print(f"the worker holds {register.read_memory():.0f} MiB after the questions to verify")
            for load in make_search_loads(listed) if institutions == REAL else ():
                compare_servers(load, (empty, register), folder / "requests", rounds, seconds)
            print(f"the worker holds {register.read_memory():.0f} MiB after all")
        everyday.run(folder, data_dir, register, asked[0], rounds, seconds)


def compare_servers(
    load: Load, servers: tuple[RunningServer, RunningServer], file: Path, rounds: int, seconds: float
) -> None:
    """One line: requests a second of the second server, microseconds of processor time of both, and the ratio."""
    file.write_bytes(b"\0".join(load.requests))
    pairs = [[running.measure_cost(server, file, seconds) for server in servers] for _ in range(rounds)]
    plain = statistics.median(empty for (_, empty), _ in pairs)
    rate, real = (statistics.median(values) for values in zip(*(told for _, told in pairs), strict=True))
    ratio = statistics.median(empty / told for (_, empty), (_, told) in pairs)
    print(f"{load.name:50} {rate:10,.0f} {plain:9.0f} {real:11.0f} {ratio:6.2f}", flush=True)


def make_environment(data_dir: Path) -> dict[str, str]:
    """Of a server without a limit for callers: one address asks here as often as it can."""
    return {**running.make_environment(data_dir), "REGISTRY_ANONYMOUS_LIMIT": "0"}


def _write_answers(folder: Path, address: str, listed: ListedInstitution) -> Path:
    """One real answer of each operation, for the empty routes to give."""
    claim = json.dumps({"provider": {"name": listed.name}, "techniques": ["IVF"]}).encode()
    asked = {
        "verify": urllib.request.Request(f"{address}/api/v1/verify", claim, {"Content-Type": "application/json"}),
        "institutions": urllib.request.Request(f"{address}/api/v1/institutions?limit=20&q={quote('妇幼保健院')}"),
        "suggest": urllib.request.Request(f"{address}/api/v1/suggest?q={quote('妇幼')}"),
    }
    for name, request in asked.items():
        with urllib.request.urlopen(request) as answer:
            (folder / f"{name}.json").write_bytes(answer.read())
    return folder


def make_claim_loads(listed: list[ListedInstitution]) -> list[Load]:
    """What reviewers ask. ``each question new``: what is remembered of earlier ones cannot help."""
    few = listed[:REAL]
    exact = [_make_post({"provider": {"name": one.name}, "techniques": ["IVF"]}) for one in few]
    at_site = [_make_post({"provider": one._asdict(), "techniques": ["AIH", "IVF"]}) for one in few]
    unknown = [_make_post({"provider": {"name": f"{one.name[:-3]}某某医院"}, "techniques": ["IVF"]}) for one in few]
    days = [(dt.date(2026, 7, 1) + dt.timedelta(days=n)).isoformat() for n in range(ANEW)]
    exact_anew = [
        _make_post({"provider": {"name": one.name}, "techniques": ["IVF"], "on": day})
        for day in days[: max(1, ANEW * REAL // len(listed))]
        for one in listed
    ]
    unknown_anew = [
        _make_post({"provider": {"name": f"{one.name[:-3]}某{n}医院"}, "techniques": ["IVF"]})
        for n in range(ANEW)
        for one in few
    ]
    return [
        Load("POST /verify, a listed name", exact),
        Load("POST /verify, name and address", at_site),
        Load("POST /verify, a name not listed", unknown),
        Load("POST /verify, a listed name, each question new", exact_anew),
        Load("POST /verify, a name not listed, each new", unknown_anew),
    ]


def make_search_loads(listed: list[ListedInstitution]) -> list[Load]:
    """What citizens ask, over the real list."""
    words = [*sorted({one.address[:3] for one in listed}), *_WORDS]
    return [
        Load("GET /institutions?q=, a whole name", [_make_get("/institutions", one.name) for one in listed]),
        Load("GET /institutions?q=, a place or a word", [_make_get("/institutions", word) for word in words]),
        Load("GET /suggest?q=, what is typed first", [_make_get("/suggest", one.name[:4]) for one in listed]),
    ]


def _make_get(path: str, text: str) -> bytes:
    more = "&limit=20" if path == "/institutions" else ""
    return f"GET /api/v1{path}?q={quote(text)}{more} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()


def _make_post(claim: object) -> bytes:
    body = json.dumps(claim, ensure_ascii=False).encode()
    head = (
        f"POST /api/v1/verify HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    )
    return f"{head}\r\n\r\n".encode() + body
