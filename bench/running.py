"""Commands and servers in processes of their own, with what they cost."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

REGISTRY = Path(sys.executable).with_name("registry")
PASSWORD = "correct horse battery\n"
#: Seconds after which whatever was asked of a process hangs, on a machine with much other work.
PATIENCE = 180.0


@dataclass
class Cost:
    """Wall seconds, processor seconds, and the most memory a process held (MiB)."""

    seconds: float
    cpu: float
    peak: float


def make_environment(data_dir: Path) -> dict[str, str]:
    """The caller's environment without its REGISTRY_ settings, over one data folder."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRY_")}
    return {**env, "REGISTRY_DATA_DIR": str(data_dir)}


def run_command(data_dir: Path, *args: object, given: str = "") -> Cost:
    """Run one command to its end; what it cost."""
    before = time.perf_counter()
    process = subprocess.Popen(
        [REGISTRY, *map(str, args)], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=make_environment(data_dir)
    )
    assert process.stdin is not None
    process.stdin.write(given.encode())
    process.stdin.close()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"registry {' '.join(map(str, args))} failed")
    return Cost(time.perf_counter() - before, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


class RunningServer(NamedTuple):
    """A running server: a process, and those it started to answer."""

    address: str
    port: int
    pid: int

    def read_cpu_seconds(self) -> float:
        """Processor seconds it has used so far."""
        stats = [Path(f"/proc/{pid}/stat").read_text() for pid in (self.pid, *self._list_workers())]
        times = [stat.rpartition(")")[2].split()[11:13] for stat in stats]
        return sum(int(user) + int(system) for user, system in times) / os.sysconf("SC_CLK_TCK")

    def read_memory(self) -> float:
        """MiB that those who answer hold now."""
        held = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self._list_workers() or [self.pid]]
        return sum(held) * os.sysconf("SC_PAGE_SIZE") / 2**20

    def _list_workers(self) -> list[int]:
        return list(map(int, Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()))


@contextmanager
def run_server(command: list[str], env: dict[str, str]) -> Iterator[RunningServer]:
    """A server that prints its address when it is ready."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip().rsplit(" ", 1)[-1]
        yield RunningServer(address, int(address.rsplit(":", 1)[-1]), process.pid)
    finally:
        process.terminate()
        process.wait(timeout=20)


def add_staff(data_dir: Path) -> None:
    """A new register with an editor and an approver."""
    run_command(data_dir, "init", "--quiet")
    for role in ("editor", "approver"):
        run_command(data_dir, "user", "add", role, "--role", role, given=PASSWORD)


def measure_cost(server: RunningServer, requests: Path, seconds: float) -> tuple[float, float]:
    """(requests a second, microseconds of the server's processor time a request)."""
    before = server.read_cpu_seconds()
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
    return answers / took, (server.read_cpu_seconds() - before) / answers * 1e6
