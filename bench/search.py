"""Search and suggestions at three sizes, per engine, beside a plain Meilisearch over the same names in the same run.

The plain one holds name, address and province and is asked as it comes: what a search engine does without
understanding. Times are of one question after another in one process, which is kept on one core; a Meilisearch server
has the others. ``first`` is how often a question about one institution has it first.
"""

from __future__ import annotations

import gc
import os
import random
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import meilisearch
import sqlalchemy as sa

from bench import names
from registry import accounts, proposals
from registry.domain import regions
from registry.domain.identifiers import make_code
from registry.domain.model import Change, Date, Draft
from registry.importers.matching.difference import CENTRE_TECHNIQUES
from registry.institutions.result import SearchRequest
from registry.proposals import views
from registry.register import Register
from registry.search.embedded_engine import EmbeddedEngine
from registry.search.memory_engine import SMALL, MemoryIndex
from registry.search.outside_search import OutsideSearch
from registry.settings import Settings
from registry.storage.database import Database
from tests.searching import KEY, MeilisearchServer, a_meilisearch

SIZES = (635, 100_000, 1_000_000)
QUESTIONS = 1200
DAY = Date(2026, 1, 1)
_LIST = "made-up"
#: One approval holds the lock for its whole length: large lists come in parts.
_PART = 50_000
#: Documents sent to the plain engine at once.
_BATCH = 10_000


class AskedQuestion(NamedTuple):
    """Milliseconds of a question, and whether the institution meant came first; None when no single one was."""

    milliseconds: float
    first: bool | None


def run(folder: Path, sizes: tuple[int, ...] = SIZES) -> None:
    """A line for each engine and size: embedded, memory where the register is small, Meilisearch as an engine of ours,
    Meilisearch plain."""
    print(
        f"{'search':12} {'institutions':>12} {'build s':>8} {'MiB':>7} {'first':>6} "
        f"{'search p50':>10} {'p95':>7} {'p99':>7} {'suggest p50':>11} {'p95':>7} {'p99':>7}"
    )
    with use_one_core():
        for number in sizes:
            _measure_size(folder / f"search-{number}", number)


def _measure_size(folder: Path, number: int) -> None:
    folder.mkdir()
    made = list(names.make_institutions(number))
    asked = names.make_questions(made, QUESTIONS)
    register = build_register(folder / "register", made)
    seconds = _measure_seconds(lambda: views.rebuild_views(register.database, "search"))
    _print_line("embedded", number, seconds, _measure_embedded_size(register.database), *_ask_register(register, asked))
    if register.make_as_of().size <= SMALL:
        register.memory_index = MemoryIndex()
        memory, size = register.memory_index, register.make_as_of().size
        with register.database.reading() as connection:
            embedded = EmbeddedEngine(connection)
            seconds = _measure_seconds(lambda: memory.read_documents(embedded, size))
        _print_line("memory", number, seconds, 0.0, *_ask_register(register, asked))
        register.memory_index = None
    with start_meilisearch(folder / "ours") as server:
        outside = OutsideSearch(register.database, server.url, KEY)
        seconds = _measure_seconds(outside.rebuild_now)
        assert outside.update_index()
        register.outside = outside
        found = _ask_register(register, asked)
        assert outside.fallbacks == 0, outside.describe_status(register.make_as_of_now().size)
        _print_line("meilisearch", number, seconds, _measure_folder(folder / "ours"), *found)
    register.outside = None
    register.close()
    with start_meilisearch(folder / "plain") as server:
        index = meilisearch.Client(server.url, KEY).index("plain")
        seconds = _measure_seconds(lambda: _fill_index(index, made))
        _print_line("plain", number, seconds, _measure_folder(folder / "plain"), *_ask_meilisearch(index, asked))


def build_register(folder: Path, made: list[names.MadeInstitution], told: bool = False) -> Register:
    """A register of these institutions, each proposed by one and approved by another; ``told``: how far it has come."""
    settings = Settings(data_dir=folder)
    database = Database(settings.get_database_url())
    database.migrate()
    with database.writing() as connection:
        accounts.create_account(connection, "editor", ["editor"], "correct horse battery")
        accounts.create_account(connection, "approver", ["approver"], "correct horse battery")
    for start in range(0, len(made), _PART):
        drafts = chain([] if start else [_make_source()], _make_drafts(made[start : start + _PART]))
        identifier = proposals.propose(database, drafts, by="editor", title="bench")
        with database.reading() as connection:
            seen = proposals.get_proposal(connection, identifier).content_hash
        proposals.approve(database, identifier, by="approver", seen=seen)
        if told:
            print(f"  {min(start + _PART, len(made)):,} of {len(made):,}", flush=True)
    database.close()
    return Register(settings)


def _make_source() -> Draft:
    stated = {"title": "示例名单", "as_of": DAY.isoformat(), "scope": "national", "covers": list(CENTRE_TECHNIQUES)}
    change = Change(kind="source", set=stated)
    return Draft(subject=f"source:{_LIST}", change=change, valid_from=DAY, source=_LIST)


def _make_drafts(made: Iterable[names.MadeInstitution]) -> Iterator[Draft]:
    for one in made:
        region = regions.resolve_address(one.address).code
        stated = {"name": one.name, "address": one.address, "status": "listed", "region": region}
        stated |= {f"approvals.{code}": {"stage": "formal"} for code in one.techniques.split()}
        yield Draft(
            subject=f"institution:{make_code(f'{one.name}|{one.address}')}",
            change=Change(kind="institution", set=stated),
            valid_from=DAY,
            source=_LIST,
        )


# --- asking ----------------------------------------------------------------------------------------------------------


def _ask_register(register: Register, asked: list[names.Question]) -> tuple[list[AskedQuestion], list[AskedQuestion]]:
    asof = register.make_as_of()

    def search(text: str) -> list[str]:
        return [
            one.institution.name for one in register.search_institutions(SearchRequest(q=text), asof, limit=20).items
        ]

    def suggest(text: str) -> list[str]:
        return [one.institution.name for one in register.suggest_institutions(text, asof)]

    return measure_questions(search, asked), measure_questions(suggest, make_typed_prefixes(asked))


def _ask_meilisearch(
    index: meilisearch.index.Index, asked: list[names.Question]
) -> tuple[list[AskedQuestion], list[AskedQuestion]]:
    def ask(limit: int) -> Callable[[str], list[str]]:
        return lambda text: [hit["name"] for hit in index.search(text, {"limit": limit})["hits"]]

    return measure_questions(ask(20), asked), measure_questions(ask(8), make_typed_prefixes(asked))


def measure_questions(ask: Callable[[str], list[str]], asked: list[names.Question]) -> list[AskedQuestion]:
    """Each question once, after a tenth of them to warm up."""
    gc.collect()
    gc.freeze()  # the bench's own million names are no part of a register: the collector need not look through them
    for question in asked[:: max(1, len(asked) // 120)]:
        ask(question.text)
    found = []
    for question in asked:
        started = time.perf_counter()
        told = ask(question.text)
        milliseconds = (time.perf_counter() - started) * 1000
        found.append(AskedQuestion(milliseconds, None if question.meant is None else told[:1] == [question.meant]))
    return found


def make_typed_prefixes(asked: list[names.Question], seed: int = 3) -> list[names.Question]:
    """The same as far as somebody has typed it: from the first character on."""
    chance = random.Random(seed)
    return [names.Question(one.kind, one.text[: chance.randint(1, len(one.text))], None) for one in asked]


# --- measuring -------------------------------------------------------------------------------------------------------


def _print_line(
    engine: str, number: int, seconds: float, size: float, search: list[AskedQuestion], suggest: list[AskedQuestion]
) -> None:
    judged = [one.first for one in search if one.first is not None]
    times = [
        f"{value:7.2f}" for side in (search, suggest) for value in compute_spread([one.milliseconds for one in side])
    ]
    print(
        f"{engine:12} {number:12,} {seconds:8.1f} {size:7.1f} {statistics.fmean(judged):6.1%} "
        f"{times[0]:>10} {times[1]} {times[2]} {times[3]:>11} {times[4]} {times[5]}",
        flush=True,
    )


def compute_spread(times: list[float]) -> tuple[float, float, float]:
    """p50, p95, p99."""
    cut = statistics.quantiles(times, n=100, method="inclusive")
    return statistics.median(times), cut[94], cut[98]


def _measure_seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def _fill_index(index: meilisearch.index.Index, made: list[names.MadeInstitution]) -> None:
    for start in range(0, len(made), _BATCH):
        part = [
            {"id": start + at, "name": one.name, "address": one.address, "province": one.province}
            for at, one in enumerate(made[start : start + _BATCH])
        ]
        task = index.add_documents(part, primary_key="id")
        index.wait_for_task(task.task_uid, timeout_in_ms=600_000, interval_in_ms=20)


def _measure_embedded_size(database: Database) -> float:
    """MiB of the index and its documents."""
    query = "SELECT (SELECT sum(length(block)) FROM search_fts_data) + (SELECT sum(length(body)) FROM search_documents)"
    with database.reading() as connection:
        return connection.execute(sa.text(query)).scalar_one() / 2**20


def _measure_folder(folder: Path) -> float:
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file()) / 2**20


@contextmanager
def use_one_core() -> Iterator[None]:
    """This process stays on its last core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def start_meilisearch(folder: Path) -> Iterator[MeilisearchServer]:
    """A Meilisearch server on the cores that this process does not use."""
    mine = os.sched_getaffinity(0)
    others = set(range(os.cpu_count() or 1)) - mine
    os.sched_setaffinity(0, others or mine)  # what is started now stays there
    with a_meilisearch(folder) as server:
        os.sched_setaffinity(0, mine)
        yield server
