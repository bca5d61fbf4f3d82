"""Import: rows a second and peak memory, from a file to entries of the log."""

from __future__ import annotations

from pathlib import Path

from bench import lists, running

SEED = Path(__file__).parent.parent / "seed_data" / "national-2025-06" / "national-list-2025-06.csv"


def run(folder: Path, number: int) -> None:
    """The real list of 635, then a list of ``number`` rows, then its next edition."""
    print(f"{'import':50} {'rows':>8} {'seconds':>8} {'cpu':>7} {'rows/s':>8} {'MiB':>6}")
    _measure_whole(folder / "real", "the real list", SEED, 635)
    first, following = folder / "first.csv", folder / "next.csv"
    lists.write_list(first, number)
    data_dir = folder / "large"
    _measure_whole(data_dir, "a large list, into an empty register", first, number)
    lists.write_list(following, number, skip_every=200, rename_every=101)
    _measure_steps(data_dir, "its next edition, over the first", following, number, "2026-02-01", 2)


def _measure_whole(data_dir: Path, what: str, path: Path, number: int) -> None:
    running.add_staff(data_dir)
    _print_line(f"{what}: dry run", number, _import_list(data_dir, path, "2026-01-01", "--dry-run"))
    _measure_steps(data_dir, what, path, number, "2026-01-01", 1)


def _measure_steps(data_dir: Path, what: str, path: Path, number: int, day: str, proposal: int) -> None:
    proposed = _import_list(data_dir, path, day, "--by", "editor")
    approved = running.run_command(data_dir, "approve", proposal, "--by", "approver")
    both = running.Cost(
        proposed.seconds + approved.seconds, proposed.cpu + approved.cpu, max(proposed.peak, approved.peak)
    )
    _print_line(f"{what}: propose", number, proposed)
    _print_line(f"{what}: approve", number, approved)
    _print_line(f"{what}: both", number, both)


def _import_list(data_dir: Path, path: Path, day: str, *more: str) -> running.Cost:
    return running.run_command(data_dir, "import", path, "--as-of", day, "--scope", "national", *more)


def _print_line(what: str, number: int, cost: running.Cost) -> None:
    rate = number / cost.seconds
    print(f"{what:50} {number:8,} {cost.seconds:8.1f} {cost.cpu:7.1f} {rate:8,.0f} {cost.peak:6.0f}", flush=True)
