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

ROUNDS, SECONDS = 5, 1.0
#: How many questions about each name are asked once only: more than a worker answers in a round.
ANEW = 40


@dataclass
class Load:
    """Requests of one kind, sent in turn."""

    name: str
    requests: list[bytes]


def run(folder: Path, rounds: int = ROUNDS, seconds: float = SECONDS) -> None:
    """Baseline and register in turn, so that both meet the same noise; medians of the rounds."""
    data_dir = folder / "served"
    running.registry(data_dir, "init", "--quiet")
    running.registry(data_dir, "seed")
    register = [str(running.REGISTRY), "serve", "--port", "0"]
    with running.serving(register, running.environment(data_dir)) as (address, port):
        answers = _answers(folder, address)
        empty = [sys.executable, "-m", "bench.empty", str(answers)]
        with running.serving(empty, running.environment(data_dir)) as (_, empty_port):
            print(f"{'requests a second, one worker':50} {'empty':>8} {'register':>9} {'ratio':>6}")
            for load in loads():
                file = folder / "requests"
                file.write_bytes(b"\0".join(load.requests))
                pairs = [(_rate(empty_port, file, seconds), _rate(port, file, seconds)) for _ in range(rounds)]
                plain, real = (statistics.median(side) for side in zip(*pairs, strict=True))
                ratio = statistics.median(b / a for a, b in pairs)
                print(f"{load.name:50} {plain:8,.0f} {real:9,.0f} {ratio:6.2f}", flush=True)


def _rate(port: int, requests: Path, seconds: float) -> float:
    done = subprocess.run(
        [sys.executable, "-m", "bench.load", str(port), str(requests), str(seconds)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    rate, failed = done.stdout.split()
    if failed != "0":
        raise SystemExit(f"{failed} answers were not 200")
    return float(rate)


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
