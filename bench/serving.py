"""Requests a second of one worker, each beside an empty route of the same shape in the same run."""

from __future__ import annotations

import csv
import datetime as dt
import json
import statistics
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from bench import running
from bench.imports import SEED
from bench.running import Served

ROUNDS, SECONDS = 5, 1.0
#: How many questions about each name are asked once only: more than a worker answers in a round.
ANEW = 40


@dataclass
class Load:
    """Requests of one kind, sent in turn."""

    name: str
    requests: list[bytes]


def run(folder: Path, rounds: int = ROUNDS, seconds: float = SECONDS) -> None:
    """Baseline and register in turn, so that both meet the same noise; medians of the rounds.

    The ratio is of processor time a request: other work on the machine slows both servers, and not alike.
    """
    data_dir = folder / "served"
    running.registry(data_dir, "init", "--quiet")
    running.registry(data_dir, "seed")
    command = [str(running.REGISTRY), "serve", "--port", "0"]
    with running.serving(command, environment(data_dir)) as register:
        answers = _answers(folder, register.address)
        with running.serving([sys.executable, "-m", "bench.empty", str(answers)], environment(data_dir)) as empty:
            print(f"{'one worker':50} {'requests/s':>10} {'empty us':>9} {'register us':>11} {'ratio':>6}")
            for load in loads():
                compare(load, empty, register, folder / "requests", rounds, seconds)
            print(f"memory of the worker: {register.memory():.0f} MiB")


def compare(load: Load, empty: Served, register: Served, file: Path, rounds: int, seconds: float) -> None:
    """One line: requests a second of the register, microseconds of processor time of both, and the ratio."""
    file.write_bytes(b"\0".join(load.requests))
    pairs = [(cost(empty, file, seconds), cost(register, file, seconds)) for _ in range(rounds)]
    (_, plain), (rate, real) = (
        [statistics.median(values) for values in zip(*side, strict=True)] for side in zip(*pairs, strict=True)
    )
    ratio = statistics.median(one / two for (_, one), (_, two) in pairs)
    print(f"{load.name:50} {rate:10,.0f} {plain:9.0f} {real:11.0f} {ratio:6.2f}", flush=True)


def cost(server: Served, requests: Path, seconds: float) -> tuple[float, float]:
    """(requests a second, microseconds of the server's processor time a request)."""
    before = server.cpu()
    done = subprocess.run(
        [sys.executable, "-m", "bench.load", str(server.port), str(requests), str(seconds)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    answers, took, failed = map(float, done.stdout.split())
    if failed:
        raise SystemExit(f"{failed:.0f} answers were not 200")
    return answers / took, (server.cpu() - before) / answers * 1e6


def environment(data_dir: Path) -> dict[str, str]:
    """Of a server without a limit for callers: one address asks here as often as it can."""
    return {**running.environment(data_dir), "REGISTRY_ANONYMOUS_LIMIT": "0"}


def _answers(folder: Path, address: str) -> Path:
    """One real answer of each operation, for the empty routes to give."""
    claim = json.dumps({"provider": {"name": "沈阳市妇婴医院"}, "techniques": ["IVF"]}).encode()
    asked = {
        "verify": urllib.request.Request(f"{address}/api/v1/verify", claim, {"Content-Type": "application/json"}),
        "institutions": urllib.request.Request(f"{address}/api/v1/institutions?limit=20&q={quote('妇幼保健院')}"),
        "suggest": urllib.request.Request(f"{address}/api/v1/suggest?q={quote('妇幼')}"),
    }
    for name, request in asked.items():
        with urllib.request.urlopen(request) as answer:
            (folder / f"{name}.json").write_bytes(answer.read())
    return folder


def loads() -> list[Load]:
    """What reviewers and citizens ask, over the whole real list."""
    with SEED.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    names = [row["name"] for row in rows]
    exact = [_post({"provider": {"name": name}, "techniques": ["IVF"]}) for name in names]
    at_site = [
        _post({"provider": {"name": row["name"], "address": row["address"]}, "techniques": ["AIH", "IVF"]})
        for row in rows
    ]
    unknown = [_post({"provider": {"name": f"{name[:-3]}某某医院"}, "techniques": ["IVF"]}) for name in names]
    # Questions nobody asked before: what is remembered of earlier ones cannot help.
    days = [(dt.date(2025, 7, 1) + dt.timedelta(days=n)).isoformat() for n in range(ANEW)]
    exact_anew = [_post({"provider": {"name": n}, "techniques": ["IVF"], "on": day}) for day in days for n in names]
    unknown_anew = [
        _post({"provider": {"name": f"{name[:-3]}某{n}医院"}, "techniques": ["IVF"]})
        for n in range(ANEW)
        for name in names
    ]
    return [
        Load("POST /verify, a listed name", exact),
        Load("POST /verify, name and address", at_site),
        Load("POST /verify, a name not listed", unknown),
        Load("POST /verify, a listed name, each question new", exact_anew),
        Load("POST /verify, a name not listed, each new", unknown_anew),
        Load("GET /institutions?q=, a whole name", [_get("/institutions", name) for name in names]),
        Load("GET /institutions?q=, a place or a word", [_get("/institutions", word) for word in _words(rows)]),
        Load("GET /suggest?q=, what is typed first", [_get("/suggest", name[:4]) for name in names]),
    ]


def _words(rows: list[dict[str, str]]) -> list[str]:
    return [
        *sorted({row["province"] for row in rows}),
        "妇幼保健院",
        "三代试管",
        "盛京",
        "鞍山",
        "沈阳 供精",
        "204医院",
    ]


def _get(path: str, text: str) -> bytes:
    more = "&limit=20" if path == "/institutions" else ""
    return f"GET /api/v1{path}?q={quote(text)}{more} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()


def _post(claim: object) -> bytes:
    body = json.dumps(claim, ensure_ascii=False).encode()
    head = (
        f"POST /api/v1/verify HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    )
    return f"{head}\r\n\r\n".encode() + body
