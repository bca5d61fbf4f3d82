"""How long the files of an edition take, and how much memory: of the real list, and of a large one."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path

from bench import registers

TITLE = "经批准开展人类辅助生殖技术的医疗机构名单"
_CHILD = """
import sys
from bench.editions import write
write(*sys.argv[1:])
"""


def run(folder: Path, rows: int) -> None:
    """The table; every register is written by a process of its own, whose peak memory is its own."""
    print("| edition | institutions | seconds | peak MiB | json | csv | xlsx | docx | pdf |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    for number in (registers.REAL, rows):
        data_dir, _ = registers.prepare_register(folder, number)
        done = subprocess.run(
            [sys.executable, "-c", _CHILD, str(data_dir)], capture_output=True, text=True, check=False, timeout=3600
        )
        if done.returncode:
            raise SystemExit(done.stderr)
        print(done.stdout.strip(), flush=True)


def write_files(data_dir: str) -> None:
    """Plan an edition of a register and write all of its files; one line of the table."""
    import datetime as dt
    import tempfile

    from registry.editions import plan, store
    from registry.editions.edition import Edition
    from registry.register import open_register
    from registry.settings import Settings

    register = open_register(Settings(data_dir=Path(data_dir)))
    begun = time.perf_counter()
    planned = plan.make_plan(register.database, plan.EditionRequest(title=TITLE), "https://register.example")
    planning = time.perf_counter() - begun
    edition = Edition(
        id="1",
        number=1,
        title=TITLE,
        as_of=planned.as_of,
        scope="national",
        institutions=planned.totals.institutions,
        techniques=planned.totals.techniques,
        log=planned.log,
        published=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        withdrawn=None,
        page=planned.page,
        entry=planned.log.size + 1,
        proposal=1,
    )
    with tempfile.TemporaryDirectory() as aside:
        begun = time.perf_counter()
        store.write_files(Path(aside), register.database, edition, None, "register.example/log")
        total = time.perf_counter() - begun
        kinds = ("json", "csv", "xlsx", "docx", "pdf")
        sizes = [(Path(aside) / f"list.{kind}").stat().st_size / 2**20 for kind in kinds]
    register.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told = " | ".join(f"{size:.1f} MiB" for size in sizes)
    print(f"| proposing {planning:.1f} s | {edition.institutions:,} | {total:.1f} | {peak:.0f} | {told} |")
