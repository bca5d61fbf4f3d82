"""`kill -9` in the middle: the register is as before or as after, never between, and the work can be done again."""

from __future__ import annotations

import json
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from registry import proposals
from registry.accounts import SEED_APPROVER, SEED_PROPOSER
from registry.importers.seed import loader
from registry.importers.wizard import list_import
from registry.log import check as log_check
from registry.proposals import views
from registry.storage.database import Database
from registry.storage.tables import proposal_items
from tests.copies import start_code
from tests.factories import SEEDED, a_database, hash_of
from tests.thoroughness import count_moments

MOMENTS = count_moments(12)
BEFORE, AFTER = 326, 980  # the list of 2018 alone; both lists
#: Gets ready, waits for the signal, works, says how long it took, and waits to be killed.
WORKER = """
import json, sys, time
from registry import proposals
from registry.accounts import SEED_APPROVER
from registry.storage.database import Database
from registry.importers.seed import loader

told = json.loads(sys.stdin.readline())
print("ready", flush=True)
sys.stdin.readline()
started = time.monotonic()
database = Database(told["url"])
if told["what"] == "approve":
    proposals.approve(database, told["proposal"], by=SEED_APPROVER, seen=told["seen"])
else:
    loader.load_seed(database)
print(json.dumps(time.monotonic() - started), flush=True)
sys.stdin.readline()
"""


class Worker:
    """One process at one register file, ready to begin."""

    def __init__(self, path: Path, what: str, **told: Any) -> None:
        self.process = start_code(WORKER, text=True)
        self._say({"url": f"sqlite:///{path}", "what": what, **told})

    def _say(self, what: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()

    def _hear(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def begin(self) -> None:
        assert self._hear() == "ready"
        self._say("go")

    def seconds(self) -> float:
        """How long it took, once it is done."""
        return float(self._hear())

    def kill(self) -> None:
        self.process.kill()
        assert self.process.wait() == -signal.SIGKILL
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()


@contextmanager
def opened(path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{path}")
    yield database
    database.close()


def a_base(folder: Path) -> tuple[Path, int, str]:
    """A register with the list of 2018 and the list of 2025 proposed; its file, the proposal and its hash."""
    database = a_database(folder)
    older, newer = loader.list_sources()
    for source in (older, newer):
        outcome = list_import.import_list(database, loader.read_request(source), by=SEED_PROPOSER)
        assert outcome.proposal is not None
        seen = hash_of(database, outcome.proposal)
        if source == older:
            proposals.approve(database, outcome.proposal, by=SEED_APPROVER, seen=seen)
    database.close()
    return folder / "register.sqlite", outcome.proposal, seen


def a_copy(base: Path, name: str) -> Path:
    folder = base.parent / name
    folder.mkdir()
    for file in base.parent.glob(f"{base.name}*"):
        shutil.copyfile(file, folder / file.name)
    return folder / base.name


def holds(database: Database) -> int:
    """The size of a log and views that hold; every proposal is whole and told as what it is."""
    with database.reading() as connection:
        size = log_check.check_log(connection).size
        for one in proposals.list_proposals(connection, None):
            items = sa.select(sa.func.count()).where(proposal_items.c.proposal == one.id)
            assert connection.execute(items).scalar_one() == one.items > 0
            assert (one.state == "approved") == (one.last_entry is not None)
            assert (one.last_entry or 0) <= size
    views.check_views(database)
    return size


def rounds(base: Path, what: str, delays: list[float], **told: Any) -> Iterator[Path]:
    """A register file per delay, whose process was killed so long after it began; the next one starts meanwhile."""
    waiting: list[tuple[Path, Worker]] = []
    todo = [a_copy(base, f"{what}-{n}") for n in range(len(delays))]
    try:
        for n, delay in enumerate(delays):
            for path in todo[n + len(waiting) : n + 2]:
                waiting.append((path, Worker(path, what, **told)))
            path, worker = waiting.pop(0)
            worker.begin()
            time.sleep(delay)
            worker.kill()
            yield path
    finally:
        for _, worker in waiting:
            worker.kill()


def spread(seconds: float, number: int) -> list[float]:
    """Delays from the very start to just past the end."""
    return [seconds * 1.1 * n / (number - 1) for n in range(number)]


def timed(base: Path, what: str, after: int = AFTER, **told: Any) -> float:
    """How long the work takes when nobody kills it; the register is then as after."""
    path = a_copy(base, f"{what}-whole")
    worker = Worker(path, what, **told)
    worker.begin()
    seconds = worker.seconds()
    worker.kill()
    with opened(path) as database:
        assert holds(database) == after
    return seconds


def test_an_approval_killed_at_any_moment_happened_whole_or_not_at_all(tmp_path: Path) -> None:
    base, proposal, seen = a_base(tmp_path)
    seconds = timed(base, "approve", proposal=proposal, seen=seen)
    sizes = []
    for path in rounds(base, "approve", spread(seconds, MOMENTS), proposal=proposal, seen=seen):
        with opened(path) as database:
            sizes.append(holds(database))
            assert sizes[-1] in (BEFORE, AFTER)
            with database.reading() as connection:
                state = proposals.get_proposal(connection, proposal).state
            assert state == ("pending" if sizes[-1] == BEFORE else "approved")
            if state == "pending":
                proposals.approve(database, proposal, by=SEED_APPROVER, seen=seen)
                assert holds(database) == AFTER
    assert len(sizes) == MOMENTS
    assert BEFORE in sizes


def test_an_import_killed_at_any_moment_is_finished_by_the_next_run(tmp_path: Path) -> None:
    base, proposal, _ = a_base(tmp_path)
    with opened(base) as database:
        proposals.reject(database, proposal, by=SEED_APPROVER, reason="示例")
    seconds = timed(base, "seed", SEEDED)
    sizes = []
    for path in rounds(base, "seed", spread(seconds, count_moments(8))):
        with opened(path) as database:
            sizes.append(holds(database))
            assert sizes[-1] in (BEFORE, AFTER, SEEDED - 636, SEEDED)  # each list, the names people use, English ones
            loader.load_seed(database)
            assert holds(database) == SEEDED
            with database.reading() as connection:
                assert proposals.list_proposals(connection, "pending") == []
                assert len(proposals.list_proposals(connection, "approved")) == 4
    assert len(sizes) == count_moments(8)
    assert BEFORE in sizes
