"""`python -m bench [batch] [imports] [log] [proofs] [search] [serving] [starts] [--rows N]`, or all."""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from pathlib import Path

from bench import batch, imports, log, proofs, search, serving, starts


def main() -> None:
    """Run the chosen parts in a folder that is gone afterwards."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Speed of the register.")
    parser.add_argument("parts", nargs="*", help="batch, imports, log, proofs, search, serving, starts (all)")
    parser.add_argument("--rows", type=int, default=100_000, help="rows of the large list")
    given = parser.parse_args()
    parts = given.parts or ["starts", "serving", "batch", "proofs", "log", "search", "imports"]
    print(f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for part in parts:
            print()
            if part == "batch":
                batch.run(Path(folder))
            elif part == "imports":
                imports.run(Path(folder), given.rows)
            elif part == "log":
                log.run(Path(folder))
            elif part == "proofs":
                proofs.run(Path(folder))
            elif part == "search":
                search.run(Path(folder), tuple(sorted({635, given.rows, 10 * given.rows})))
            elif part == "serving":
                serving.run(Path(folder))
            elif part == "starts":
                starts.run(Path(folder))
            else:
                parser.error(f"no part {part}")


if __name__ == "__main__":
    main()
