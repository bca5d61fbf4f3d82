"""`python -m bench [batch] [editions] [imports] [log] [pages] [paint] [proofs] [search] [serving] [starts] [stuck]
[wizard] [workspace]`.

Without a name all of them. `--institutions N`, `--rows N` and `--keep FOLDER`: see README.md. `python -m bench soak`
stands by itself: see docs/reliability.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from bench import (
    batch,
    editions,
    imports,
    log,
    pages,
    paint,
    proofs,
    registers,
    search,
    serving,
    soak,
    starts,
    stuck,
    wizard,
    workspace,
)

#: What each part does with the folder and the options.
PARTS: dict[str, Callable[[Path, argparse.Namespace], object]] = {
    "batch": lambda folder, given: batch.run(folder, given.institutions),
    "editions": lambda folder, given: editions.run(folder, given.rows),
    "imports": lambda folder, given: imports.run(folder, given.rows),
    "log": lambda folder, _: log.run(folder),
    "pages": lambda folder, _: pages.run(folder),
    "paint": lambda folder, _: paint.run(folder),
    "proofs": lambda folder, _: proofs.run(folder),
    "search": lambda folder, given: search.run(folder, tuple(sorted({635, given.rows, 10 * given.rows}))),
    "serving": lambda folder, given: serving.run(folder, given.institutions),
    "soak": soak.run,
    "starts": lambda folder, _: starts.run(folder),
    "stuck": lambda folder, given: stuck.run(folder, given.rows, given.database),
    "wizard": lambda folder, given: wizard.run(folder, given.rows),
    "workspace": lambda folder, given: workspace.run(folder, given.rows),
}


def main() -> None:
    """Run the chosen parts in a folder that is gone afterwards."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Speed of the register.")
    told = (
        "batch, editions, imports, log, pages, paint, proofs, search, serving, starts, stuck, wizard, workspace "
        "(all of these); soak"
    )
    parser.add_argument("parts", nargs="*", help=told)
    parser.add_argument("--institutions", type=int, default=registers.REAL, help="of batch and serving; 635: real ones")
    parser.add_argument("--keep", type=Path, help="keep what was made in this folder, and use what is there")
    parser.add_argument("--rows", type=int, default=100_000, help="rows of the large list")
    soak.add_options(parser)
    parser.add_argument("--database", default="", help="of stuck: the URL of an empty PostgreSQL database")
    given = parser.parse_args()
    every = [
        "starts",
        "serving",
        "batch",
        "proofs",
        "log",
        "search",
        "imports",
        "wizard",
        "editions",
        "workspace",
        "stuck",
        "pages",
        "paint",
    ]
    parts = given.parts or every
    print(f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with nullcontext(given.keep) if given.keep else tempfile.TemporaryDirectory(prefix="bench-") as folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        for part in parts:
            print()
            if part not in PARTS:
                parser.error(f"no part {part}")
            if PARTS[part](Path(folder), given) is False:  # the soak has bars, and they did not hold
                raise SystemExit(1)


if __name__ == "__main__":
    main()
