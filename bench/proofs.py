"""Proofs of the published log: how large they are, and how long it takes to make them from tiles and to check them."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from registry.log import merkle
from registry.log.folder import LogFolder
from registry.log.merkle import hash_leaf, verify_consistency, verify_inclusion

SIZES = (1_000, 10_000, 100_000)
SAMPLE = 500
Result = TypeVar("Result")


@dataclass
class Measurement:
    """One proof: its hashes, and the seconds to make and to check it."""

    hashes: int
    made: float
    checked: float


def run(folder: Path, sizes: tuple[int, ...] = SIZES) -> None:
    """One log that grows to each size; medians over entries and earlier sizes drawn at random, the same each run."""
    log, written = LogFolder(folder / "proofs"), 0
    print(f"{'proof':34} {'entries':>8} {'hashes':>7} {'bytes':>6} {'make ms':>8} {'check ms':>9}")
    for size in sizes:
        log.append_entries(
            written, [(body, hash_leaf(body)) for body in map(_make_entry, range(written + 1, size + 1))]
        )
        written = size
        root = merkle.compute_root(log.make_tree(size), size)
        drawn = random.Random(size).sample(range(1, size), SAMPLE)
        _print_line("inclusion of an entry", size, [_measure_inclusion(log, index, size, root) for index in drawn])
        _print_line(
            "consistency with an earlier size", size, [_measure_consistency(log, old, size, root) for old in drawn]
        )


def _make_entry(number: int) -> bytes:
    """As long as an entry about an institution usually is."""
    return f'{{"number":{number},"padding":"{"x" * 600}"}}'.encode()


def _measure_inclusion(log: LogFolder, index: int, size: int, root: bytes) -> Measurement:
    leaf = hash_leaf(_make_entry(index + 1))
    proof, made = _measure_seconds(lambda: merkle.prove_inclusion(log.make_tree(size), index, size))
    held, checked = _measure_seconds(lambda: verify_inclusion(leaf, index, size, proof, root))
    assert held
    return Measurement(len(proof), made, checked)


def _measure_consistency(log: LogFolder, old: int, size: int, root: bytes) -> Measurement:
    before = merkle.compute_root(log.make_tree(size), old)
    proof, made = _measure_seconds(lambda: merkle.prove_consistency(log.make_tree(size), old, size))
    held, checked = _measure_seconds(lambda: verify_consistency(old, size, before, root, proof))
    assert held
    return Measurement(len(proof), made, checked)


def _measure_seconds(work: Callable[[], Result]) -> tuple[Result, float]:
    before = time.perf_counter()
    result = work()
    return result, time.perf_counter() - before


def _print_line(name: str, size: int, measured: list[Measurement]) -> None:
    hashes = statistics.median(one.hashes for one in measured)
    made, checked = (
        statistics.median(seconds) * 1_000
        for seconds in ([one.made for one in measured], [one.checked for one in measured])
    )
    print(f"{name:34} {size:8,} {hashes:7.0f} {hashes * 32:6.0f} {made:8.2f} {checked:9.3f}", flush=True)
