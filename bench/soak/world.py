"""The register under test: its folder, its database, the server with its workers, and the command beside it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, NamedTuple

from bench import running

#: Staff of the register; whoever is called ``owner`` is the one that strangers try to keep out.
STAFF = {"editor": "editor", "approver": "approver", "publisher": "publisher", "owner": "auditor"}
_ESTABLISHED, _LISTENING = "01", "0A"


class CommandResult(NamedTuple):
    """What one run of the command left behind."""

    code: int
    out: str
    err: str

    @property
    def parse_json(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


class World:
    """A seeded register with staff, and a server of several workers."""

    def __init__(self, folder: Path, database_url: str = "", workers: int = 2) -> None:
        self.folder, self.wanted = folder, workers
        self.data_dir = folder / "register"
        self.port = _find_free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.errors = folder / "serve.err"
        self.environment = {
            **running.make_environment(self.data_dir),
            "LC_ALL": "C.UTF-8",
            "REGISTRY_ANONYMOUS_LIMIT": "0",
            "REGISTRY_PUBLIC_URL": self.address,
            **({"REGISTRY_DATABASE_URL": database_url} if database_url else {}),
        }
        self.process: subprocess.Popen[bytes] | None = None

    def prepare_register(self) -> None:
        """The lists that the product ships, and the staff."""
        self.make_command("init")
        self.make_command("seed", "--if-empty")
        for name, role in STAFF.items():
            self.make_command("user", "add", name, "--role", role, given=running.PASSWORD)

    def run_command(self, *args: object, given: str = "") -> CommandResult:
        """One command, to its end."""
        done = subprocess.run(
            [running.REGISTRY, *map(str, args)],
            input=given,
            capture_output=True,
            text=True,
            encoding="utf-8",
            env=self.environment,
            timeout=running.PATIENCE,
            check=False,
        )
        return CommandResult(done.returncode, done.stdout, done.stderr)

    def make_command(self, *args: object, given: str = "") -> CommandResult:
        """The same; the run ends where it does not succeed."""
        ran = self.run_command(*args, given=given)
        if ran.code:
            raise SystemExit(f"registry {' '.join(map(str, args))} -> {ran.code}\n{ran.out}\n{ran.err}")
        return ran

    # --- the server --------------------------------------------------------------------------------------------------

    def start_server(self) -> None:
        """Serve; returns when every worker has its socket."""
        with self.errors.open("ab") as errors:
            self.process = subprocess.Popen(
                [running.REGISTRY, "serve", "--port", str(self.port), "--workers", str(self.wanted)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=self.environment,
            )
        assert self.process.stdout is not None
        if not self.process.stdout.readline():
            raise SystemExit(f"registry serve did not start:\n{self.errors.read_text()}")
        until = time.monotonic() + running.PATIENCE
        while len(self.list_workers()) < self.wanted and time.monotonic() < until:
            time.sleep(0.1)

    def stop_server(self) -> int:
        """End the server as an operator would; its exit status."""
        if self.process is None or self.process.poll() is not None:
            return self.process.returncode if self.process else 0
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=running.PATIENCE)
        except subprocess.TimeoutExpired:
            for pid in [*self.list_workers(), self.process.pid]:
                _send_signal(pid, signal.SIGKILL)
            return self.process.wait()

    def list_workers(self) -> list[int]:
        """The processes below the server that hold its listening socket."""
        assert self.process is not None
        held = {pid: _list_open_files(pid) for pid in _list_children(self.process.pid)}
        listening = self._list_sockets(_LISTENING)
        return [pid for pid, sockets in held.items() if sockets & listening]

    def is_answering(self) -> set[int]:
        """The workers that have accepted a connection."""
        assert self.process is not None
        held = {pid: _list_open_files(pid) for pid in _list_children(self.process.pid)}
        listening, accepted = self._list_sockets(_LISTENING), self._list_sockets(_ESTABLISHED)
        return {pid for pid, sockets in held.items() if sockets & listening and sockets & accepted}

    def knock_once(self) -> socket.socket:
        """A connection that has asked for something and is left open; not connected where nobody listens."""
        one = socket.socket()
        with suppress(OSError):
            one.settimeout(1.0)
            one.bind(("127.40.0.1", 0))
            one.connect(("127.0.0.1", self.port))
            one.sendall(f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n\r\n".encode())
        return one

    def list_import_jobs(self) -> list[int]:
        """The processes that work on an import of this register."""
        mine = f"REGISTRY_DATA_DIR={self.data_dir}".encode()
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if (
                    b"registry.importers.wizard.job" in path.read_bytes()
                    and mine in (path.parent / "environ").read_bytes()
                ):
                    found.append(int(path.parent.name))
            except OSError:
                continue  # it ended meanwhile
        return found

    def kill_process(self, pid: int) -> None:
        """kill -9."""
        _send_signal(pid, signal.SIGKILL)

    def hang_up(self) -> None:
        """Ask for a rolling restart."""
        assert self.process is not None
        self.process.send_signal(signal.SIGHUP)

    def is_running(self) -> bool:
        """Whether the server's first process is there."""
        return self.process is not None and self.process.poll() is None

    def measure_memory(self) -> dict[int, float]:
        """MiB that each worker holds now."""
        found = {}
        for pid in self.list_workers():
            try:
                pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
                found[pid] = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
            except (OSError, IndexError):
                continue
        return found

    def _list_sockets(self, state: str) -> set[str]:
        """The sockets of the server's port in a state, as /proc/PID/fd names them."""
        found = set()
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            data = line.split()
            if data[3] == state and int(data[1].partition(":")[2], 16) == self.port:
                found.add(f"socket:[{data[9]}]")
        return found


def _list_children(pid: int) -> list[int]:
    """The processes that a process, by whichever of its threads, has started."""
    found = set()
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                found |= set(map(int, (thread / "children").read_text().split()))
    return sorted(found)


def _list_open_files(pid: int) -> set[str]:
    found = set()
    try:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                found.add(str(entry.readlink()))
    except OSError:
        pass  # it ended meanwhile
    return found


def _send_signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _find_free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def open_database(postgresql: bool) -> Iterator[str]:
    """The address of an empty PostgreSQL database with its ordinary, durable settings; empty for SQLite."""
    from bench.log import start_postgres

    with start_postgres() if postgresql else nullcontext() as fresh:
        yield fresh("soak") if fresh else ""


@contextmanager
def open_world(folder: Path, postgresql: bool) -> Iterator[World]:
    """A register that is served, and everything of it gone afterwards but the folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with open_database(postgresql) as url:
        made = World(folder, url)
        try:
            made.prepare_register()
            made.start_server()
            yield made
        finally:
            made.stop_server()
