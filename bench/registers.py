"""The registers that verification is measured on: the real list, or made-up institutions of realistic shape."""

from __future__ import annotations

import csv
import random
from pathlib import Path
from typing import NamedTuple

from bench import names, running, search
from bench.imports import SEED

#: How many institutions the real list has.
REAL = 635
#: More names than this need not be asked about.
_ASKED = 20_000


class ListedInstitution(NamedTuple):
    """One institution of a register, as a claim names it."""

    name: str
    address: str


def prepare_register(folder: Path, number: int) -> tuple[Path, list[ListedInstitution]]:
    """The data folder of a register of so many institutions, and those to ask about; made once for each folder."""
    data_dir = folder / f"register-{number}"
    if number == REAL:
        running.run_command(data_dir, "init", "--quiet")
        running.run_command(data_dir, "seed", "--if-empty")
        with SEED.open(encoding="utf-8-sig", newline="") as file:
            return data_dir, [ListedInstitution(row["name"], row["address"]) for row in csv.DictReader(file)]
    made = list(names.make_institutions(number))
    if not (data_dir / "signing.key").exists():
        print(f"making a register of {number:,} institutions ...", flush=True)
        search.build_register(data_dir, made, told=True).close()
        running.run_command(data_dir, "init", "--quiet")  # the key: what it signs is published at the first start
    chosen = random.Random(4).sample(made, min(number, _ASKED))
    return data_dir, [ListedInstitution(one.name, one.address) for one in chosen]
