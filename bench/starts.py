"""Start times: from the command to the line that says the address."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

from bench import running


def run(folder: Path, rounds: int = 5) -> None:
    """The first start (schema, key, both lists) and the starts that follow it."""
    data_dir = folder / "started"
    before = time.perf_counter()
    running.run_command(data_dir, "init", "--quiet")
    running.run_command(data_dir, "seed")
    first = time.perf_counter() - before + _measure_start(data_dir)
    following = [_measure_start(data_dir) for _ in range(rounds)]
    print(f"{'start':50} {'seconds':>8}")
    print(f"{'first: init, seed, serve':50} {first:8.1f}")
    print(f"{'second: median of ' + str(rounds):50} {statistics.median(following):8.2f}")


def _measure_start(data_dir: Path) -> float:
    before = time.perf_counter()
    with running.run_server([str(running.REGISTRY), "serve", "--port", "0"], running.make_environment(data_dir)):
        return time.perf_counter() - before
