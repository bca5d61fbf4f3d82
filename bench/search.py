"""Search and suggestions at three sizes, per engine, beside a plain Meilisearch over the same names in the same run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench import names
from registry import accounts, proposals, regions
from registry.database import Database
from registry.identifiers import make_code
from registry.model import Change, Date, Draft
from registry.register import Register
from registry.settings import Settings

SIZES = (635, 100_000, 1_000_000)
DAY = Date(2026, 1, 1)
#: One approval holds the lock for its whole length: large lists come in parts.
_PART = 50_000


def build(folder: Path, made: list[names.Made]) -> tuple[Register, float]:
    """A register of these institutions, and the seconds it took to propose and approve them."""
    settings = Settings(data_dir=folder)
    database = Database(settings.url())
    database.migrate()
    with database.writing() as connection:
        accounts.add(connection, "editor", ["editor"], "correct horse battery")
        accounts.add(connection, "approver", ["approver"], "correct horse battery")
    started = time.perf_counter()
    for start in range(0, len(made), _PART):
        identifier = proposals.propose(database, _drafts(made[start : start + _PART]), by="editor", title="bench")
        with database.reading() as connection:
            seen = proposals.get(connection, identifier).content_hash
        proposals.approve(database, identifier, by="approver", seen=seen)
    seconds = time.perf_counter() - started
    database.close()
    return Register(settings), seconds


def _drafts(made: list[names.Made]) -> Iterator[Draft]:
    for one in made:
        stated = {"name": one.name, "address": one.address, "status": "listed", "region": _region(one.address)}
        stated |= {f"approvals.{code}": {"stage": "formal"} for code in one.techniques.split()}
        yield Draft(
            subject=f"institution:{make_code(f'{one.name}|{one.address}')}",
            change=Change(kind="institution", set=stated),
            valid_from=DAY,
        )


def _region(address: str) -> str | None:
    return regions.resolve(address).code


def timed(ask: Callable[[str], object], questions: list[tuple[str, str]]) -> list[tuple[float, str, str]]:
    """(milliseconds, kind, question) of each question asked once."""
    found = []
    for kind, question in questions:
        started = time.perf_counter()
        ask(question)
        found.append(((time.perf_counter() - started) * 1000, kind, question))
    return found


def spread(times: list[float]) -> tuple[float, float, float]:
    """p50, p95, p99."""
    cut = statistics.quantiles(times, n=100, method="inclusive")
    return statistics.median(times), cut[94], cut[98]
