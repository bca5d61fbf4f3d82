"""The real command and a real server process on a free port, for journeys."""

from __future__ import annotations

import json
import os
import random
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from registry.cli import main
from tests.copies import KEPT, REGISTRY, CopyProcess

PASSWORD = "correct horse battery\n"
#: Seconds after which something hangs, however slow the machine is.
PATIENCE = 180


def environment(data_dir: Path, **more: str) -> dict[str, str]:
    """An environment in which `registry` sees one data folder and no other setting."""
    env = {name: os.environ[name] for name in KEPT if name in os.environ}
    unlimited = {"REGISTRY_ANONYMOUS_LIMIT": "0"}  # a journey asks more in a minute than any person
    return {**env, "LC_ALL": "C.UTF-8", "REGISTRY_DATA_DIR": str(data_dir), **unlimited, **more}


@dataclass
class Ran:
    """What one run of the command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


class Cli:
    """The command over a register of its own: `cli("search", "盛京")`.

    Runs the console script in a process of its own, a copy of a warm one unless its interpreter is to be ``new``; or
    ``inside`` this one, which spares a second per command and is the same code from the arguments to the exit status.
    """

    def __init__(self, data_dir: Path, inside: bool = False, new: bool = False) -> None:
        self.data_dir = data_dir
        self.inside = inside
        self._start = subprocess.Popen if new else CopyProcess

    def __call__(self, *args: object, input: str = "", **env: str) -> Ran:
        arguments = [str(argument) for argument in args]
        return (self._inside if self.inside else self._script)(arguments, input, environment(self.data_dir, **env))

    def _script(self, arguments: list[str], given: str, env: dict[str, str]) -> Ran:
        pipe = subprocess.PIPE
        command = [str(REGISTRY), *arguments]
        with self._start(
            command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, encoding="utf-8", env=env
        ) as process:
            try:
                out, err = process.communicate(given, timeout=2 * PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return Ran(process.returncode, out, err)

    def _inside(self, arguments: list[str], given: str, env: dict[str, str]) -> Ran:
        left_out = dict.fromkeys(name for name in os.environ if name.startswith("REGISTRY_"))
        done = CliRunner().invoke(main, arguments, prog_name="registry", input=given, env={**left_out, **env})
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Ran(done.exit_code, done.stdout, done.stderr)

    def ok(self, *args: object, input: str = "", **env: str) -> Ran:
        """The same; anything but success fails the test with what the command said."""
        ran = self(*args, input=input, **env)
        assert ran.code == 0, f"registry {' '.join(map(str, args))} -> {ran.code}\n{ran.out}\n{ran.err}"
        return ran

    def refused(self, *args: object, input: str = "", **env: str) -> str:
        """The one-line reason of a refusal."""
        ran = self(*args, input=input, **env)
        assert ran.code == 1, f"registry {' '.join(map(str, args))} -> {ran.code}\n{ran.out}\n{ran.err}"
        lines = ran.err.strip().splitlines()
        assert len(lines) == 1, f"not one line: {ran.err}"
        return lines[0]

    def log_size(self) -> int:
        """Entries of the log, after checking it and its views."""
        size = self.ok("log", "check", "--json").json["size"]
        assert isinstance(size, int)
        return size

    def staff(self) -> None:
        """An editor and an approver."""
        self.ok("user", "add", "editor", "--role", "editor", input=PASSWORD)
        self.ok("user", "add", "approver", "--role", "approver", input=PASSWORD)


class Server:
    """A `registry serve` process that has said its address; its own log is a file in ``errors`` (the data folder)."""

    #: Whether its interpreters are new ones, where the start is what is asked about, or copies of one that is warm.
    new = False
    process: subprocess.Popen[bytes]

    def __init__(self, data_dir: Path, workers: int = 1, port: int = 0, errors: Path | None = None, **env: str) -> None:
        self.data_dir = data_dir
        self.env = env
        self.figures_key = ""
        self.errors = (errors or data_dir) / f"serve-{time.monotonic_ns()}.err"
        self.errors.touch(mode=0o600)  # as everything in a data folder
        arguments, seen = ["serve", "--port", str(port), "--workers", str(workers)], environment(data_dir, **env)
        start = subprocess.Popen if self.new else CopyProcess
        with self.errors.open("wb") as said:
            self.process = start(
                [REGISTRY, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said, env=seen
            )
        self.line = self._line()
        self.url = self.line.rsplit(" ", 1)[-1]
        self.client = self.fresh()

    def _line(self) -> str:
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        line = self.process.stdout.readline().decode() if ready else ""
        if not line.strip():
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
            pytest.fail(f"registry serve said no address:\n{self.errors.read_text()}")
        return line.strip()

    def stop(self) -> int:
        """End it as an operator would; its exit status."""
        assert self.process.stdout is not None
        self.client.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            self.process.stdout.close()

    def end(self) -> None:
        """End it at once, as an operator who asks twice: nobody waits for what it would still answer."""
        assert self.process.stdout is not None
        self.client.close()
        for _ in range(200):
            if self.process.poll() is not None:
                break
            self.process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=0.1)
        else:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def fresh(self) -> httpx.Client:
        """A client with connections of its own."""
        return httpx.Client(base_url=self.url, timeout=PATIENCE)

    def get(self, path: str, **query: Any) -> httpx.Response:
        """GET, following no redirects."""
        return self.client.get(path, params=query or None)

    def get_made(self, path: str) -> httpx.Response:
        """GET of what is made when it is asked for first."""
        return come_again(lambda: self.get(path))

    def metrics(self, client: httpx.Client | None = None) -> str:
        """The figures of /metrics, read with a key that is made when they are asked for first.

        ``client``: asks instead of its own, whose connection stays open.
        """
        if not self.figures_key:
            added = Cli(self.data_dir, inside=True).ok(
                "key", "add", "prometheus", "--scope", "metrics", "--json", **self.env
            )
            self.figures_key = added.json["key"]
        answer = (client or self.client).get("/metrics", headers={"Authorization": f"Bearer {self.figures_key}"})
        assert answer.status_code == 200, answer.text[:300]
        return answer.text

    def api(self, path: str, status: int = 200, **query: Any) -> Any:
        """The JSON of an API read, whose status must be as said."""
        answer = self.client.get(f"/api/v1{path}", params=query or None)
        assert answer.status_code == status, f"{answer.url} -> {answer.status_code}: {answer.text[:300]}"
        return answer.json()

    def verify(self, status: int = 200, **claim: Any) -> Any:
        """The JSON of POST /verify, whose status must be as said."""
        answer = self.client.post("/api/v1/verify", json=claim)
        assert answer.status_code == status, answer.text[:300]
        return answer.json()


def workers_of(supervisor: int) -> list[int]:
    """The processes that answer for a server, oldest first: the server itself only looks after them."""
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    return sorted(map(int, children))


def cpu_of(process: int) -> float:
    """Seconds of the processor that a process has had: other work on the machine does not count."""
    user, system = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def cpu_of_workers(server: Server) -> float:
    """The same of all that answer for a server."""
    return sum(map(cpu_of, workers_of(server.process.pid)))


def slowness_of(server: Server, number: int = 20) -> float:
    """Seconds that the slowest of some small answers takes now, to tell a slow machine from a slow register."""
    slowest = 0.0
    with server.fresh() as client:
        for _ in range(number):
            before = time.monotonic()
            client.get("/healthz")
            slowest = max(slowest, time.monotonic() - before)
            time.sleep(0.01)
    return slowest


@contextmanager
def serving(data_dir: Path, workers: int = 1, **env: str) -> Iterator[Server]:
    """A server of one data folder, ended at the end."""
    server = Server(data_dir, workers, **env)
    try:
        yield server
    finally:
        server.end()


def free_port() -> int:
    """A port nobody listens on, and none of those that whoever connects to somebody gets until it is listened on."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for port in random.SystemRandom().sample(range(lowest // 2, lowest), 100):
        with socket.socket() as one, suppress(OSError):
            one.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


def come_again(ask: Callable[[], httpx.Response]) -> httpx.Response:
    """What is answered to whoever comes again as long as there is no room, as he is told."""
    answers: list[httpx.Response] = []

    def is_answered() -> bool:
        answers.append(ask())
        return answers[-1].status_code != 503

    eventually(is_answered, every=0.5)
    return answers[-1]


def find_delay(check: Callable[[], bool]) -> tuple[float, float]:
    """(seconds until a look began that found it true, seconds this look took on this machine)."""
    begun = looked = time.monotonic()
    while not check():
        assert looked < begun + PATIENCE, "it never came true"
        time.sleep(0.02)
        looked = time.monotonic()
    return looked - begun, time.monotonic() - looked


def eventually(check: Callable[[], bool], seconds: float = PATIENCE, every: float = 0.05) -> bool:
    """Whether `check` comes true in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if check():
            return True
        time.sleep(every)
    return check()
