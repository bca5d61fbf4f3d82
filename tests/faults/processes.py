"""Processes as the system sees them: who started whom, how much memory one held at most."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from tests.running import Server, cpu_of, workers_of

FORKING = "registry.storage.uploads.fork_server"


def children_of(process: int) -> list[int]:
    """The processes that one started and that are still there, those that nobody reaped included."""
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{process}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def command_of(process: int) -> str:
    """How a process was called; empty for one that ended and was not reaped."""
    try:
        return Path(f"/proc/{process}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def readers_of(server: int) -> list[int]:
    """The processes that read a file for a server at the moment."""
    forking = [one for one in children_of(server) if FORKING in command_of(one)]
    return [reader for one in forking for reader in children_of(one)]


def worker_of(server: Server) -> int:
    """The process that answers for a server that has one: what reads files is its child, and memory is its own."""
    (worker,) = workers_of(server.process.pid)
    return worker


def is_at_rest(process: int) -> bool:
    """Whether a process works on nothing for a second: what its start left for later is done."""
    before = cpu_of(process)
    time.sleep(1)
    return cpu_of(process) - before <= 0.1


def _memory(process: int, field: str) -> float:
    status = Path(f"/proc/{process}/status").read_text()
    return int(next(row.split()[1] for row in status.splitlines() if row.startswith(field))) / 1024


class Peak:
    """How many MiB a process held at most beyond what it held when this was made."""

    def __init__(self, process: int) -> None:
        self._process = process
        Path(f"/proc/{process}/clear_refs").write_text("5")
        self._before = _memory(process, "VmRSS")

    def growth(self) -> float:
        """MiB by now."""
        return _memory(self._process, "VmHWM") - self._before
