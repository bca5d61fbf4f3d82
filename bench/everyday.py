"""The everyday alternative beside the register: Datasette over the same institutions, asked for an exact name.

It answers a row of a table, not a verdict: no folding, no days, no law. Installed into a folder of its own, not a
dependency of anything.
"""

from __future__ import annotations

import socket
import sqlite3
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from bench import running
from bench.running import RunningServer

if TYPE_CHECKING:
    from bench.serving import Load

DATASETTE = "datasette==0.65.5"


def run(folder: Path, data_dir: Path, register: RunningServer, verify: Load, rounds: int, seconds: float) -> None:
    """Two lines: the register asked for a verdict and Datasette for a row, in turn, in the same run."""
    table = _make_database(folder, data_dir)
    ours, theirs = folder / "verify", folder / "rows"
    ours.write_bytes(b"\0".join(verify.requests))
    with sqlite3.connect(table) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM institutions ORDER BY random() LIMIT 635")]
    theirs.write_bytes(b"\0".join(map(_make_request, names)))
    with _serve_table(folder, table) as datasette:
        told = [
            (running.measure_cost(register, ours, seconds), running.measure_cost(datasette, theirs, seconds))
            for _ in range(rounds)
        ]
        memory = datasette.read_memory()
    for name, side in zip((verify.name, f"{DATASETTE}, an exact name"), zip(*told, strict=True), strict=True):
        rate, microseconds = (statistics.median(values) for values in zip(*side, strict=True))
        print(f"{name:50} {rate:10,.0f} {'':9} {microseconds:11.0f}")
    print(f"Datasette holds {memory:.0f} MiB")


def _make_request(name: str) -> bytes:
    path = f"/list/institutions.json?_shape=objects&_nocount=1&_nofacet=1&_nosuggest=1&name={quote(name)}"
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()


def _make_database(folder: Path, data_dir: Path) -> Path:
    """Names, addresses and techniques of a register as a table with an index on the name."""
    path = folder / "list.db"
    path.unlink(missing_ok=True)
    register = data_dir / "register.sqlite"
    stated = "(SELECT value ->> '$[3].{0}' FROM json_each(state) WHERE value -> '$[3].{0}' IS NOT NULL)".format
    with sqlite3.connect(path) as connection:
        connection.execute("ATTACH ? AS register", (str(register),))
        connection.execute(
            f"CREATE TABLE institutions AS SELECT substr(subject, 13) code, {stated('name')} name, "
            f"{stated('address')} address, status, region FROM register.versions "
            "WHERE kind = 'institution' AND valid_to = '9999-12-31' AND known_to > (1 << 60)"
        )
        connection.execute("CREATE INDEX by_name ON institutions(name)")
    return path


@contextmanager
def _serve_table(folder: Path, table: Path) -> Iterator[RunningServer]:
    """Datasette in a process of its own, as its documentation says to serve a file that does not change."""
    venv = folder / "datasette"
    if not (venv / "bin" / "datasette").exists():
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        subprocess.run(
            [venv / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", DATASETTE], check=True
        )
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    command = [venv / "bin" / "datasette", "serve", "--immutable", table, "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for_server(address)
        yield RunningServer(address, port, process.pid)
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait_for_server(address: str) -> None:
    until = time.monotonic() + 120  # it counts the rows of a table first
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"{address}/-/versions.json", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise SystemExit("Datasette did not start")
