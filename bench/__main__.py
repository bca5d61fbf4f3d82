"""`python -m bench [batch] [editions] [imports] [log] [proofs] [search] [serving] [starts] [stuck] [wizard]`, or all.

With `--institutions N`, `--rows N` and `--keep FOLDER`: see README.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

from bench import batch, editions, imports, log, proofs, registers, search, serving, starts, stuck, wizard


def main() -> None:
    """Run the chosen parts in a folder that is gone afterwards."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Speed of the register.")
    told = "batch, editions, imports, log, proofs, search, serving, starts, stuck, wizard (all)"
    parser.add_argument("parts", nargs="*", help=told)
    parser.add_argument("--institutions", type=int, default=registers.REAL, help="of batch and serving; 635: real ones")
    parser.add_argument("--keep", type=Path, help="keep what was made in this folder, and use what is there")
    parser.add_argument("--rows", type=int, default=100_000, help="rows of the large list")
    parser.add_argument("--database", default="", help="of stuck: the URL of an empty PostgreSQL database")
    given = parser.parse_args()
    every = ["starts", "serving", "batch", "proofs", "log", "search", "imports", "wizard", "editions", "stuck"]
    parts = given.parts or every
    print(f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with nullcontext(given.keep) if given.keep else tempfile.TemporaryDirectory(prefix="bench-") as folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        for part in parts:
            print()
            if part == "batch":
                batch.run(Path(folder), given.institutions)
            elif part == "editions":
                editions.run(Path(folder), given.rows)
            elif part == "imports":
                imports.run(Path(folder), given.rows)
            elif part == "log":
                log.run(Path(folder))
            elif part == "proofs":
                proofs.run(Path(folder))
            elif part == "search":
                search.run(Path(folder), tuple(sorted({635, given.rows, 10 * given.rows})))
            elif part == "serving":
                serving.run(Path(folder), given.institutions)
            elif part == "starts":
                starts.run(Path(folder))
            elif part == "stuck":
                stuck.run(Path(folder), given.rows, given.database)
            elif part == "wizard":
                wizard.run(Path(folder), given.rows)
            else:
                parser.error(f"no part {part}")


if __name__ == "__main__":
    main()
