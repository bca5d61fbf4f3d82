"""How quickly pages and the API are read while sign-ins, the writer's lock or a long approval are in the way.

Every reading address is asked in turn by clients that wait a little between two requests, first while nothing else
happens, then in each of three troubles. All numbers are of one run; what counts is how they compare.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import sqlalchemy as sa

from bench import lists, running
from registry.accounts import sessions
from registry.storage.database import Database
from registry.storage.locks import WRITERS_LOCK

AGENT = "bench"
#: Sign-ins that run at once, and seconds another process holds the lock.
SIGN_INS, HELD = 60, 30.0
#: Seconds of each measurement, and between two requests of one client.
_SECONDS, _PAUSE = 12.0, 0.05
_PASSWORD = running.PASSWORD.strip()


class Figures(NamedTuple):
    """What one address did: answers, median, 99th percentile and slowest in seconds, answers of 500 and above."""

    answers: int
    median: float
    p99: float
    slowest: float
    failed: int


class Readers:
    """Clients that read while something else happens; use it as a context manager, then look at ``figures``."""

    def __init__(self, address: str, paths: dict[str, str]) -> None:
        self._address, self._paths, self._over = address, paths, threading.Event()
        self._took: dict[str, list[float]] = {name: [] for name in paths}
        self._failed = dict.fromkeys(paths, 0)
        self._threads = [threading.Thread(target=self._read_pages, args=(name,), daemon=True) for name in paths]

    def __enter__(self) -> Readers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _read_pages(self, name: str) -> None:
        with httpx.Client(base_url=self._address, timeout=120) as client:
            while not self._over.wait(_PAUSE):
                before = time.perf_counter()
                try:
                    failed = client.get(self._paths[name]).status_code >= 500
                except httpx.HTTPError:
                    failed = True
                self._took[name].append(time.perf_counter() - before)
                self._failed[name] += failed

    def compute_figures(self) -> dict[str, Figures]:
        """The figures of each address by its name."""
        return {name: self._compute_figures(name) for name in self._paths}

    def _compute_figures(self, name: str) -> Figures:
        took = sorted(self._took[name])
        p99 = took[max(0, -(-len(took) * 99 // 100) - 1)]
        return Figures(len(took), statistics.median(took), p99, took[-1], self._failed[name])


def find_paths(address: str) -> dict[str, str]:
    """The reading addresses the issue names, with an institution that the register has."""
    code = httpx.get(f"{address}/api/v1/institutions", params={"limit": 1}, timeout=60).json()["items"][0]["code"]
    return {
        "/search": "/search?q=北京",
        "/i/{code}": f"/i/{code}",
        "/readyz": "/readyz",
        "/institutions": "/api/v1/institutions?limit=20",
    }


@contextmanager
def hold_writer_lock(url: str, seconds: float) -> Iterator[None]:
    """Another process holds the lock of all writers for so long."""
    command = [sys.executable, "-m", "bench.stuck", "hold", url, str(seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == b"held"
    try:
        yield
    finally:
        process.wait()
        process.stdout.close()


@contextmanager
def keep_signing_in(address: str, names: list[str]) -> Iterator[None]:
    """One process posts wrong passwords, one client a name, again as soon as it is answered."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.stuck", "flood", address, *names], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline().strip() == b"posting"
    try:
        yield
    finally:
        process.stdin.close()
        told = process.stdout.read().decode().strip()
        process.wait()
        process.stdout.close()
        print(f"    {'answers to those sign-ins, by status':40} {told}", flush=True)


def sign_in(address: str, name: str = "approver", password: str = _PASSWORD) -> tuple[int, float]:
    """(status, seconds) of one sign-in with the right password."""
    before = time.perf_counter()
    sent = {"name": name, "password": password}
    answer = httpx.post(f"{address}/staff/sign-in", data=sent, timeout=120)
    return answer.status_code, time.perf_counter() - before


class StaffMember:
    """Somebody signed in as ``name``; the session is put into the database, as the second factor is not measured."""

    def __init__(self, address: str, database: Database, name: str) -> None:
        with database.writing() as connection:
            token = sessions.create_session(connection, name, "open", "127.0.0.1", AGENT)
        self.client = httpx.Client(
            base_url=address, timeout=600, headers={"user-agent": AGENT, "cookie": f"staff_session={token}"}
        )

    def approve_proposal(self, number: int) -> httpx.Response:
        """Approve a proposal as its page offers it."""
        page = self.client.get(f"/staff/proposals/{number}").text
        fields = dict(re.findall(r'name="(form_token|seen)"(?: id="\w+")? value="(\w+)"', page))
        return self.client.post(f"/staff/proposals/{number}/approve", data=fields)


# --- the bench -------------------------------------------------------------------------------------------------------


#: The troubles there are.
TROUBLES = ("sign-ins", "lock", "approval")


def run(folder: Path, rows: int, url: str = "", troubles: tuple[str, ...] = TROUBLES) -> None:
    """Quiet, then the troubles in turn. ``url``: of an empty PostgreSQL database; empty: SQLite."""
    data_dir = folder / "stuck"
    shutil.rmtree(data_dir, ignore_errors=True)
    env = (
        running.make_environment(data_dir)
        | {"REGISTRY_ANONYMOUS_LIMIT": "0"}
        | ({"REGISTRY_DATABASE_URL": url} if url else {})
    )
    number = _prepare_register(env, folder, rows)
    where = url or f"sqlite:///{data_dir / 'register.sqlite'}"
    database = Database(where)
    print(f"reads while the register is busy, {'PostgreSQL' if url else 'SQLite'}, {rows:,} rows to approve")
    with running.run_server([str(running.REGISTRY), "serve", "--port", "0"], env) as server:
        address, paths = server.address, find_paths(server.address)
        time.sleep(3)
        _print_figures("quiet", _measure_figures(address, paths, lambda: time.sleep(_SECONDS)))
        strangers = [f"nobody{number}" for number in range(SIGN_INS)]
        for what, names in (
            ()
            if "sign-ins" not in troubles
            else (("unknown names", strangers), ("one known name", ["editor"] * SIGN_INS))
        ):
            with keep_signing_in(address, names):
                _print_figures(
                    f"{SIGN_INS} sign-ins, {what}", _measure_figures(address, paths, lambda: _measure_sign_ins(address))
                )
        if "lock" in troubles:
            time.sleep(3)
            _print_figures(
                f"lock held for {HELD:.0f} s",
                _measure_figures(address, paths, lambda: _hold_lock_for_test(address, where)),
            )
        if "approval" in troubles:
            time.sleep(3)
            approver = StaffMember(address, database, "approver")
            _print_figures("approval", _measure_figures(address, paths, lambda: _approve_list(approver, number)))
    database.close()
    subprocess.run([running.REGISTRY, "log", "check"], env=env, check=True)


def _prepare_register(env: dict[str, str], folder: Path, rows: int) -> int:
    """A seeded register with staff and a proposal of so many rows; its number."""

    def registry(*told: str, given: str = "") -> str:
        done = subprocess.run(
            [running.REGISTRY, *told], env=env, input=given, text=True, capture_output=True, check=True
        )
        return done.stdout

    registry("init", "--quiet")
    registry("seed", "--if-empty")
    for role in ("editor", "approver"):
        registry("user", "add", role, "--role", role, given=running.PASSWORD)
    path = folder / f"list-{rows}.csv"
    if not path.exists():
        lists.write_list(path, rows)
    told = ("import", str(path), "--as-of", "2026-01-01", "--scope", "partial", "--by", "editor", "--json")
    found = re.search(r'"proposal": ?(\d+)', registry(*told))
    assert found
    return int(found[1])


def _measure_figures(address: str, paths: dict[str, str], trouble: Callable[[], None]) -> dict[str, Figures]:
    with Readers(address, paths) as readers:
        trouble()
    return readers.compute_figures()


def _print_figures(what: str, figures: dict[str, Figures]) -> None:
    print(f"{what:44} {'answers':>8} {'median ms':>10} {'p99 ms':>8} {'slowest':>8} {'5xx':>5}")
    for name, one in figures.items():
        print(
            f"    {name:40} {one.answers:8,} {one.median * 1000:10.1f} {one.p99 * 1000:8.1f} "
            f"{one.slowest * 1000:8.1f} {one.failed:5}",
            flush=True,
        )


def _measure_sign_ins(address: str) -> None:
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until:
        status, seconds = sign_in(address)
        print(f"    {'a right password meanwhile':40} {status} after {seconds:.1f} s", flush=True)
        time.sleep(1.5)


def _hold_lock_for_test(address: str, url: str) -> None:
    with hold_writer_lock(url, HELD):
        threads = [threading.Thread(target=_write_once, args=(address,)) for _ in range(24)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def _write_once(address: str) -> None:
    status, seconds = sign_in(address)
    print(f"    {'somebody who signs in, and so writes':40} {status} after {seconds:.1f} s", flush=True)


def _approve_list(approver: StaffMember, number: int) -> None:
    before = time.perf_counter()
    status = approver.approve_proposal(number).status_code
    print(f"    {'the approval itself':40} {status} after {time.perf_counter() - before:.1f} s", flush=True)
    time.sleep(8)  # what follows the log follows now


# --- processes beside it ---------------------------------------------------------------------------------------------


def _hold_lock(url: str, seconds: float) -> None:
    where = sa.make_url(url)
    if where.get_backend_name() == "sqlite":
        held = sqlite3.connect(where.database or "", isolation_level=None, timeout=60)
        held.execute("BEGIN IMMEDIATE")
        print("held", flush=True)
        time.sleep(seconds)
        held.execute("ROLLBACK")
        return
    with sa.create_engine(where).begin() as connection:
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:n)"), {"n": WRITERS_LOCK})
        print("held", flush=True)
        time.sleep(seconds)


def _flood_sign_ins(address: str, names: list[str]) -> None:
    over, lock, statuses = threading.Event(), threading.Lock(), dict[int, int]()

    def post(name: str) -> None:
        with httpx.Client(base_url=address, timeout=120) as client:
            while not over.is_set():
                try:
                    sent = {"name": name, "password": "a wrong password"}
                    status = client.post("/staff/sign-in", data=sent).status_code
                except httpx.HTTPError:
                    status = 0
                with lock:
                    statuses[status] = statuses.get(status, 0) + 1

    threads = [threading.Thread(target=post, args=(name,), daemon=True) for name in names]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    print("posting", flush=True)
    sys.stdin.read()
    over.set()
    print(statuses, flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "hold":
        _hold_lock(sys.argv[2], float(sys.argv[3]))
    elif sys.argv[1] == "flood":
        _flood_sign_ins(sys.argv[2], sys.argv[3:])
    else:
        sys.exit("hold | flood")
