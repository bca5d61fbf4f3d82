"""Workers that die, hang or are replaced; threads that die; descriptors that run out. Real processes and signals."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import resource
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from registry.errors import RegistryError, ThreadDied
from registry.operations import threads
from registry.operations.threads import BackgroundThreads
from registry.storage.fault_board import FaultBoard
from tests.copies import REGISTRY
from tests.running import PATIENCE, Cli, Server, cpu_of, environment, eventually, serving, workers_of

Start = Callable[..., Server]
REQUESTS = 1_500


@pytest.fixture
def started_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start servers in new interpreters, as an operator does, and their workers as well."""
    monkeypatch.setattr(Server, "new", True)


@pytest.fixture(scope="module")
def pair(seed_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Two workers; whatever happens to them, the supervisor and the log are whole at the end."""
    data_dir = tmp_path_factory.mktemp("pair") / "var"
    shutil.copytree(seed_dir, data_dir)
    with serving(data_dir, workers=2) as running:
        assert eventually(lambda: len(answering(running)) == 2)
        yield running
        assert running.process.poll() is None
    Cli(data_dir, inside=True).ok("log", "check")
    assert "Traceback" not in running.errors.read_text()


def answering(server: Server) -> set[int]:
    """The workers that take connections by now."""
    port = int(server.url.rsplit(":", 1)[1])
    return {pid for pid in workers_of(server.process.pid) if is_listening(pid, port)}


def is_listening(pid: int, port: int) -> bool:
    """Whether a process waits for connections to a port: its event loop watches the socket that listens there."""
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    inodes = {row[9] for row in rows if row[3] == "0A" and int(row[1].rsplit(":", 1)[1], 16) == port}
    with contextlib.suppress(OSError):
        kinds = {path.name: str(path.readlink()) for path in Path(f"/proc/{pid}/fd").iterdir()}
        listeners = {fd for fd, kind in kinds.items() if kind.removeprefix("socket:[").rstrip("]") in inodes}
        for loop in (fd for fd, kind in kinds.items() if kind == "anon_inode:[eventpoll]"):
            watched = re.findall(r"tfd:\s*([0-9]+)", Path(f"/proc/{pid}/fdinfo/{loop}").read_text())
            if listeners & set(watched):
                return True
    return False


def is_alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def is_free(port: int) -> bool:
    with socket.socket() as bound, contextlib.suppress(OSError):
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", port))
        return True
    return False


def answers(server: Server) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"{server.url}/readyz", timeout=PATIENCE).status_code == 200
    return False


# --- ending ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_end_with_a_supervisor_that_was_killed(
    started_as_ever: None, seeded: Cli, start: Start, workers: int
) -> None:
    server = start(seeded.data_dir, workers)
    assert eventually(lambda: len(answering(server)) == workers)
    there = workers_of(server.process.pid)
    port = int(server.url.rsplit(":", 1)[1])
    server.process.kill()
    server.process.wait()
    assert eventually(lambda: not any(map(is_alive, there)))
    assert eventually(lambda: is_free(port))
    seeded.ok("log", "check")


def test_a_worker_ends_with_its_supervisor_even_while_it_hangs(seeded: Cli, start: Start) -> None:
    """Stopped when the supervisor dies, and let go on: it must not serve alone."""
    server = start(seeded.data_dir)
    (worker,) = workers_of(server.process.pid)
    os.kill(worker, signal.SIGSTOP)
    server.process.kill()
    server.process.wait()
    os.kill(worker, signal.SIGCONT)
    assert eventually(lambda: not is_alive(worker))


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_what_is_being_answered_is_finished_when_the_server_ends(
    seeded: Cli, start: Start, how: signal.Signals
) -> None:
    server = start(seeded.data_dir, 2)
    rows = b'{"id":"a","provider":{"name":"x"}}\n' * 200
    piece = b"%x\r\n%s\r\n" % (len(rows), rows)
    head = "POST /api/v1/verify/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
    with socket.create_connection(("127.0.0.1", int(server.url.rsplit(":", 1)[1])), timeout=PATIENCE) as connection:
        connection.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + piece)
        received = connection.recv(65536)  # it has begun
        server.process.send_signal(how)
        for _ in range(6):
            time.sleep(0.3)
            connection.sendall(piece)
        connection.sendall(b"0\r\n\r\n")
        while data := connection.recv(65536):
            received += data
    assert received.startswith(b"HTTP/1.1 200") and received.endswith(b"0\r\n\r\n")
    assert received.count(b'"verdict":"not_found"') == 7 * 200
    assert server.process.wait(timeout=PATIENCE) == 0
    assert "Traceback" not in server.errors.read_text()


def test_a_terminal_that_is_closed_ends_the_server(seeded: Cli) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(REGISTRY, [str(REGISTRY), "serve", "--port", "0"], environment(seeded.data_dir))
    assert b"http://" in os.read(terminal, 4096)
    there = workers_of(pid)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert eventually(lambda: not any(map(is_alive, there)))


def test_a_worker_that_cannot_start_ends_the_server_with_a_sentence(seeded: Cli) -> None:
    """The database is there when the command looks at it, and is none any more when the worker does."""
    for workers in ("1", "3"):
        done = subprocess.run(
            [REGISTRY, "serve", "--port", "0", "--workers", workers],
            env=environment(seeded.data_dir, PYTHONPATH=str(Path(__file__).parent / "broken")),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 1
        assert "服务无法启动" in done.stderr and "no such database" in done.stderr
        assert len(done.stderr.splitlines()) == 1, done.stderr


# --- replacing -------------------------------------------------------------------------------------------------------


class Load:
    """Requests without a retry, over connections that are kept and over fresh ones, until told to stop."""

    def __init__(self, server: Server) -> None:
        self.url = f"{server.url}/api/v1/verify?name=x"
        self.done = 0
        self.failures: list[str] = []
        self.over = threading.Event()
        self._lock = threading.Lock()

    def _ask(self, get: Callable[[str], httpx.Response]) -> None:
        try:
            status = get(self.url).status_code
            failure = None if status == 200 else str(status)
        except httpx.HTTPError as error:
            failure = repr(error)
        with self._lock:
            self.done += 1
            if failure:
                self.failures.append(failure)

    def keeping(self) -> None:
        with httpx.Client(timeout=PATIENCE) as client:
            while not self.over.is_set():
                self._ask(client.get)

    def pausing(self) -> None:
        """A person: a connection that is idle for a while between two requests."""
        with httpx.Client(timeout=PATIENCE) as client:
            number = 0
            while not self.over.is_set():
                self._ask(client.get)
                number += 1
                self.over.wait(0.2 * (number % 12))

    def fresh(self) -> None:
        with httpx.Client(timeout=PATIENCE, limits=httpx.Limits(max_keepalive_connections=0)) as client:
            while not self.over.is_set():
                self._ask(client.get)


def replace(server: Server) -> None:
    """Have every worker replaced, and wait until those there were are gone."""
    before = set(workers_of(server.process.pid))
    server.process.send_signal(signal.SIGHUP)
    assert eventually(lambda: not before & set(workers_of(server.process.pid)))


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_are_replaced_under_load_and_no_request_is_lost(
    request: pytest.FixtureRequest, seeded: Cli, start: Start, workers: int
) -> None:
    if workers == 1:
        request.getfixturevalue("started_as_ever")
    server = start(seeded.data_dir, workers)
    assert eventually(lambda: len(answering(server)) == workers)
    load = Load(server)
    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(work) for work in [load.keeping, load.fresh, load.pausing] * 2]
        rounds = 0
        try:
            while load.done < REQUESTS or rounds < 2:
                replace(server)
                rounds += 1
        finally:
            load.over.set()
        for job in jobs:
            job.result()
    assert load.failures == []
    assert len(answering(server)) == workers
    assert "Traceback" not in server.errors.read_text()


def test_a_successor_that_cannot_start_leaves_the_old_worker_in_place(seeded: Cli, start: Start) -> None:
    flag = seeded.data_dir / "break"
    server = start(seeded.data_dir, PYTHONPATH=str(Path(__file__).parent / "broken"), BROKEN_IF=str(flag))
    there = workers_of(server.process.pid)
    flag.touch()
    server.process.send_signal(signal.SIGHUP)
    assert eventually(lambda: "A new worker cannot start" in server.errors.read_text())
    assert workers_of(server.process.pid) == there and answers(server)
    flag.unlink()
    server.process.send_signal(signal.SIGHUP)
    assert eventually(lambda: not set(there) & set(workers_of(server.process.pid)))
    assert answers(server)


# --- dying -----------------------------------------------------------------------------------------------------------


def test_all_workers_killed_at_once_are_back_at_once(seeded: Cli, start: Start) -> None:
    server = start(seeded.data_dir, 2)
    assert eventually(lambda: len(answering(server)) == 2)
    there = workers_of(server.process.pid)
    begun = time.monotonic()
    for pid in there:
        os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: answers(server))
    taken = time.monotonic() - begun
    assert eventually(lambda: len(answering(server)) == 2 and not set(there) & answering(server))
    errors = server.errors.read_text()
    delays = re.findall(r"ended unexpectedly \(SIGKILL\); another one is started in ([0-9.]+) s", errors)
    assert len(delays) == 2 and max(map(float, delays)) <= 0.5
    begun = time.monotonic()
    start(seeded.data_dir)  # what a start takes here at the moment
    assert taken < max(5.0, 3 * (time.monotonic() - begun))


def test_a_worker_that_dies_again_and_again_is_started_with_a_growing_delay(pair: Server) -> None:
    said = pair.errors.read_text().count("ended unexpectedly")
    killed: set[int] = set()
    until = time.monotonic() + 8
    while time.monotonic() < until or (len(killed) < 6 and time.monotonic() < until + 60):
        for pid in set(workers_of(pair.process.pid)) - killed:
            killed.add(pid)
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
    assert 6 <= len(killed) <= 14, "a busy loop, or nobody was started"
    assert eventually(lambda: pair.errors.read_text().count("ended unexpectedly") == said + len(killed))
    assert eventually(lambda: answers(pair))
    assert eventually(lambda: len(answering(pair)) == 2)


def test_a_worker_that_hangs_is_replaced_while_the_other_answers(pair: Server) -> None:
    (hung, other) = workers_of(pair.process.pid)
    os.kill(hung, signal.SIGSTOP)
    assert eventually(lambda: not is_alive(hung))
    assert eventually(lambda: len(answering(pair)) == 2 and hung not in answering(pair))
    assert other in workers_of(pair.process.pid)
    assert f"Worker {hung} does not respond" in pair.errors.read_text()
    assert answers(pair)


# --- descriptors -----------------------------------------------------------------------------------------------------


def with_descriptors(data_dir: Path, soft: int, hard: int) -> subprocess.Popen[str]:
    limited = ["prlimit", f"--nofile={soft}:{hard}", str(REGISTRY), "serve", "--port", "0"]
    env = environment(data_dir)
    return subprocess.Popen(limited, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_too_few_descriptors_are_said_at_the_start(seeded: Cli) -> None:
    with with_descriptors(seeded.data_dir, 100, 100) as refused:
        out, err = refused.communicate(timeout=PATIENCE)
    assert refused.returncode == 1 and out == ""
    assert len(err.splitlines()) == 1 and "1192" in err and "ulimit -n" in err
    with with_descriptors(seeded.data_dir, 256, 400) as fewer:
        assert fewer.stdout is not None and "http://" in fewer.stdout.readline()
        (worker,) = workers_of(fewer.pid)
        assert resource.prlimit(worker, resource.RLIMIT_NOFILE)[0] == 400
        fewer.terminate()
        _, err = fewer.communicate(timeout=PATIENCE)
    assert fewer.returncode == 0
    assert len(err.splitlines()) == 1 and "208 connections a process instead of 1000" in err and "1192" in err
    with with_descriptors(seeded.data_dir, 256, 4096) as raised:
        assert raised.stdout is not None and "http://" in raised.stdout.readline()
        (worker,) = workers_of(raised.pid)
        assert resource.prlimit(worker, resource.RLIMIT_NOFILE)[0] == 1192
        raised.terminate()
        assert raised.communicate(timeout=PATIENCE)[1] == ""


@pytest.mark.parametrize("left", [40, 0], ids=["nearly used up", "used up"])
def test_a_worker_without_descriptors_goes_on_reading_and_says_so(
    started_as_ever: None, seeded: Cli, start: Start, left: int
) -> None:
    server = start(seeded.data_dir)
    (worker,) = workers_of(server.process.pid)
    paths = ("/api/v1/institutions?limit=5", "/search?q=盛京", "/api/v1/verify?name=x")
    assert {server.get(path).status_code for path in paths} == {200}  # over a connection that stays open
    soft, hard = resource.prlimit(worker, resource.RLIMIT_NOFILE)
    highest = max(int(path.name) for path in Path(f"/proc/{worker}/fd").iterdir())
    resource.prlimit(worker, resource.RLIMIT_NOFILE, (highest + 1 + left, hard))

    def codes() -> list[str]:
        return [fault["code"] for fault in server.get("/readyz").json()["faults"]]

    assert eventually(lambda: codes() == ["out_of_descriptors"])
    before, begun = cpu_of(worker), time.monotonic()
    refused, patience = 0, 3  # nobody ever answers who waits in the line of a listener that is closed
    while time.monotonic() < begun + 4 or (refused <= 5 and time.monotonic() < begun + 60):
        try:
            refused += httpx.get(f"{server.url}/healthz", timeout=patience).status_code == 503
        except httpx.HTTPError:
            refused += 1
        assert {server.get(path).status_code for path in paths} == {200}
        time.sleep(0.1)
    assert refused > 5
    assert cpu_of(worker) - before < 0.8 * (time.monotonic() - begun), "it spins"
    resource.prlimit(worker, resource.RLIMIT_NOFILE, (soft, hard))
    assert eventually(lambda: codes() == [])
    assert eventually(lambda: answers(server))
    assert workers_of(server.process.pid) == [worker]
    assert "Traceback" not in server.errors.read_text()


# --- threads ---------------------------------------------------------------------------------------------------------


def test_a_thread_that_dies_is_a_fault_until_it_runs_well_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "WELL_AFTER", 1.0)
    board, told = FaultBoard(), list[tuple[str, str, bool]]()
    report = board.report

    def note_report(error: RegistryError, *, blocks_reading: bool = False) -> None:
        told.append((error.code, error.en, blocks_reading))
        report(error, blocks_reading=blocks_reading)

    monkeypatch.setattr(board, "report", note_report)
    running = BackgroundThreads(board)
    runs: list[str] = []

    def dies_twice(stop: threading.Event) -> None:
        runs.append("run")
        if runs.count("run") < 3:
            raise ValueError("broken")
        stop.wait()

    def ends_by_itself(stop: threading.Event) -> None:
        if not stop.wait(0.1) and runs.count("end") < 1:
            runs.append("end")
            return
        stop.wait()

    running.start("reader", dies_twice, blocks_reading=True)
    running.start("once", lambda _: runs.append("once"), once=True)
    assert eventually(lambda: runs.count("run") == 3 and not board.list_faults())
    code, sentence, blocks = told[0]
    assert code == ThreadDied.code and "reader" in sentence and "once" not in sentence
    assert blocks
    told.clear()
    running.start("silent", ends_by_itself)
    assert eventually(lambda: bool(told) and not board.list_faults())
    assert all("silent" in sentence and not blocks for _, sentence, blocks in told)
    assert runs.count("once") == 1
    running.close()


@pytest.mark.parametrize("name", ["follow-log", "clients"])
def test_a_dead_thread_of_a_running_server_is_named_and_started_again(seeded: Cli, start: Start, name: str) -> None:
    flag = seeded.data_dir / "break"
    broken = {"PYTHONPATH": str(Path(__file__).parent / "broken"), "BROKEN_THREAD": name, "BROKEN_IF": str(flag)}
    server = start(seeded.data_dir, **broken)
    assert server.get("/readyz").json()["faults"] == []
    flag.touch()

    def dead() -> bool:
        answer = server.get("/readyz")
        told = [fault for fault in answer.json()["faults"] if fault["code"] == "thread_died" and name in fault["en"]]
        return bool(told) and (answer.status_code == 503 or name != "follow-log")

    assert eventually(dead)
    assert server.get("/healthz").status_code == 200
    flag.unlink()
    assert eventually(lambda: server.get("/readyz").json() == {**server.get("/readyz").json(), "faults": []})
    assert server.get("/readyz").status_code == 200
    seeded.ok("log", "check")
