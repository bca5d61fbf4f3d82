"""The database: its engine, and the two ways to use it, ``reading()`` and ``writing()``.

The only module that knows SQLite from PostgreSQL, besides ``search.documents``. ``writing()`` takes the one lock before
anything else, so that entry numbers have no gaps and nobody waits in the middle.

Reading and writing have connections of their own: however many wait for the lock, a reader finds a connection. Of one
process a single writer asks the database for the lock; the others wait before it, in a queue with a limit.
"""

import datetime as dt
import math
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from filelock import FileLock, Timeout
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url

from registry.errors import Busy, CannotAnswer, StorageFull, StorageReadOnly
from registry.storage import rights
from registry.storage.fault_board import FaultBoard, find_database_fault
from registry.storage.locks import (
    WRITERS_LOCK,
    LockWait,
    WriterQueue,
    lock_postgresql,
    lock_wait,
    make_write_busy_error,
    to_milliseconds,
    try_lock_postgresql,
)
from registry.storage.vacuum import vacuum_postgresql, vacuum_sqlite
from registry.texts import Message

#: The migration this version needs; Alembic itself is loaded only to migrate, to keep every start quick.
SCHEMA = "0016"
#: Connections of one process: for reading, and for the one writer with what cleans up after it.
READERS, WRITERS = 16, 2
#: Seconds a reader waits at most for anything: a free connection, a table that is being written anew.
READ_WAIT = 2.0
#: Seconds until a database server that does not answer counts as out of reach.
_CONNECT_WAIT = 5

#: Columns that hold personal values. PostgreSQL must not copy samples of them into its statistics.
_PERSONAL_COLUMNS = (
    *(("erasable", "value"), ("versions", "state"), ("proposal_items", "body"), ("staff_drafts", "form")),
    ("contact_people", "person"),
)

#: Tables whose rows nobody may change or remove; migrations give each the triggers of ``make_append_only_triggers``.
APPEND_ONLY = ("entries", "checkpoints", "trail", "lead_steps", "activities", "contacts")


def make_append_only_triggers(table: str, dialect: str, key: str = "number") -> list[str]:
    """The statements that make the database refuse UPDATE and DELETE on ``table`` (and SQLite's REPLACE)."""
    refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    if dialect == "sqlite":
        exists = f"EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key})"  # noqa: S608 - names of our own
        return [
            f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {refuse}",
            f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {refuse}",
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN {exists} {refuse}",
        ]
    return [
        f"CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$",
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()",
    ]


def upsert_row(
    connection: sa.Connection, table: sa.Table, row: dict[str, Any], keys: list[str], adding: bool = False
) -> None:
    """Insert a row, or update the one with the same ``keys``: replace other columns, or (``adding``) add to them."""
    statement = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(table).values(row)
    new = statement.excluded
    changed = {name: table.c[name] + new[name] if adding else new[name] for name in row if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed))


def continue_numbering(connection: sa.Connection, table: sa.Table, number: int = 0) -> None:
    """Let a table that numbers its own rows continue above ``number`` and above every row copied into it."""
    last = connection.execute(sa.select(sa.func.max(table.c.id))).scalar() or 0
    parameters = {"t": table.name, "n": max(number, last)}
    if not parameters["n"]:
        return
    if connection.dialect.name != "sqlite":
        connection.execute(sa.text("SELECT setval(pg_get_serial_sequence(:t, 'id'), :n)"), parameters)
    elif table.dialect_options["sqlite"]["autoincrement"]:  # SQLite's others go on above their highest row anyway
        moved = sa.text("UPDATE sqlite_sequence SET seq = max(seq, :n) WHERE name = :t")
        if not connection.execute(moved, parameters).rowcount:
            connection.execute(sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES (:t, :n)"), parameters)


class Database:
    """One register's database. Connections are given out by ``reading`` and ``writing`` only.

    ``board``: where failing writes are reported, and cleared once one succeeds.
    """

    board: FaultBoard | None = None

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        # The connection used last first: its cache is warm, and few are open while few are needed.
        pool = {"pool_timeout": READ_WAIT, "pool_use_lifo": True}
        self.engine = self._make_engine(pool_size=READERS // 2, max_overflow=READERS // 2, **pool)
        self._writer = self._make_engine(pool_size=1, max_overflow=WRITERS - 1, **pool)
        self._unpooled = self._make_engine(poolclass=sa.NullPool)
        self._queue = WriterQueue()
        if not self.is_sqlite:
            sa.event.listen(self.engine, "connect", _limit_postgresql)

    def _make_engine(self, **pool: Any) -> sa.Engine:
        if not self.is_sqlite:
            options = {**_CONNECTION_OPTIONS, **self.url.query}
            return sa.create_engine(self.url, pool_pre_ping=True, connect_args=options, **pool)
        engine = sa.create_engine(self.url, creator=self._open_file, **({"poolclass": sa.QueuePool} | pool))
        sa.event.listen(engine, "connect", _tune_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
        sa.event.listen(engine, "checkout", self._refuse_another_file)
        return engine

    def _open_file(self) -> sqlite3.Connection:
        """Open the existing file; only ``migrate`` creates one, so that a wrong path is never an empty register."""
        path = Path(self.url.database or "").absolute()
        return sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True, timeout=60, check_same_thread=False)

    def _refuse_another_file(self, _connection: Any, record: Any, _proxy: Any) -> None:
        """Refuse a pooled connection to a file that was moved away: the one that is there now is opened instead."""
        try:
            status = Path(self.url.database or "").stat()
        except FileNotFoundError:
            file = None
        else:
            file = (status.st_dev, status.st_ino)
        if record.info.setdefault("file", file) != file:
            raise sa.exc.DisconnectionError

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Give a snapshot: every statement inside sees the same log. CannotAnswer when the database is out of reach."""
        with self._open_connection() as connection:
            if not self.is_sqlite:
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                yield connection

    @contextmanager
    def writing(self, wait: LockWait | None = None) -> Iterator[sa.Connection]:
        """Hold the lock of the one writer from the first statement to the commit; roll back on any exception.

        Busy, and nothing done, when the lock does not come in time. ``wait``: by default that of ``lock_wait``.
        """
        wait = wait or lock_wait.get()
        with (
            self._report_write_faults(wait),
            self._queue.wait_for_turn(wait) as left,
            self._open_connection(self._writer) as connection,
        ):
            connection.execution_options(register_write=left)
            with connection.begin():
                if not self.is_sqlite:
                    lock_postgresql(connection, left)
                yield connection

    @contextmanager
    def _report_write_faults(self, wait: LockWait) -> Iterator[None]:
        """Report on the board that nothing can be written; clear it after a write.

        A lock that the caller would not ``wait`` for is no fault.
        """
        try:
            yield
        except _WRITE_FAULTS as fault:
            if self.board is not None and (wait.seconds > 0 or not isinstance(fault, Busy)):
                self.board.report(fault, source="database")
            raise
        if self.board is not None:
            self.board.clear(*(kind.code for kind in _WRITE_FAULTS), source="database")

    @contextmanager
    def hold_task_lock(self, task: str, wait: float = 0.0) -> Iterator[bool]:
        """Hold the lock of a task on all machines that share the database; False where another process holds it.

        ``wait``: seconds in which the other one may finish.
        """
        if self.is_sqlite:
            patience = -1 if wait == math.inf else wait
            lock = FileLock(f"{self.url.database}.{task}.lock", timeout=patience, mode=rights.PRIVATE_FILE)
            try:
                lock.acquire()
            except Timeout:
                yield False
                return
            try:
                yield True
            finally:
                lock.release()
            return
        key = {"n": WRITERS_LOCK, "m": zlib.crc32(task.encode()) & 0x7FFFFFFF}
        with self._open_connection(self._unpooled) as connection:
            is_held = try_lock_postgresql(connection, key, wait)
            connection.commit()  # a session's lock: no transaction stays open for as long as it is held
            try:
                yield is_held
            finally:
                if is_held:
                    connection.execute(sa.text("SELECT pg_advisory_unlock(:n, :m)"), key)
                    connection.commit()

    @contextmanager
    def _open_connection(self, engine: sa.Engine | None = None) -> Iterator[sa.Connection]:
        with self._translate_errors():
            try:
                connection = (engine or self.engine).connect()
            except sa.exc.TimeoutError as error:  # every connection is in use, and none came back
                message = Message("此刻查询的人太多，请几秒后再试。这不代表该机构未获批准。")
                raise Busy(message, retry_after=3) from error
        try:
            with self._translate_errors():
                yield connection
        finally:
            connection.close()

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """Raise the register's own error for what the database reports."""
        try:
            yield
        except sa.exc.DBAPIError as error:
            fault = find_database_fault(error, Path(self.url.database or "").absolute() if self.is_sqlite else None)
            if fault is None:
                raise
            raise fault from error

    def migrate(self) -> bool:
        """Migrate the schema to this version of the product; True when something had to be done."""
        if self.is_sqlite:
            path = Path(self.url.database or "")
            rights.make_folder(path.parent)
            rights.make_file(path)
        if self.is_current():
            return False
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        with self._open_connection(self._unpooled) as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            if not self.is_sqlite:
                for table, column in _PERSONAL_COLUMNS:
                    connection.exec_driver_sql(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS 0")
            connection.commit()
        return True

    def purge_deleted_rows(self, tables: Iterable[str]) -> bool:
        """Remove the remains of deleted rows of ``tables`` from the database's own files; call it after the commit.

        False when it could not be finished now (an older state is still being read, the disk is full): call it again.
        """
        try:
            with self._open_connection(self._unpooled) as connection:
                return vacuum_sqlite(connection) if self.is_sqlite else vacuum_postgresql(connection, tables)
        except (CannotAnswer, sa.exc.DBAPIError, sqlite3.Error):
            return False

    def find_file(self) -> Path | None:
        """The file of SQLite, whether or not it is there; None for a database on a server."""
        return Path(self.url.database or "").absolute() if self.is_sqlite else None

    def is_current(self) -> bool:
        """Whether the database is there, with the schema this version of the product expects."""
        if self.is_sqlite and not Path(self.url.database or "").exists():
            return False
        with self._open_connection() as connection:
            if not sa.inspect(connection).has_table("alembic_version"):
                return False
            return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar() == SCHEMA

    def close(self) -> None:
        """Close every pooled connection."""
        for engine in (self.engine, self._writer, self._unpooled):
            engine.dispose()


_WRITE_FAULTS = (Busy, StorageFull, StorageReadOnly)


def _tune_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves: the driver's own would come too late for the lock
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")  # an entry that was answered for must survive a power cut
    connection.execute("PRAGMA secure_delete = ON")  # deleted bytes are overwritten; the rest: purge_deleted_rows
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA busy_timeout = {to_milliseconds(READ_WAIT)}")
    connection.execute("PRAGMA cache_size = -65536")
    assert sqlite3.sqlite_version_info >= (3, 35), "SQLite 3.35 or newer is needed (FTS5, RETURNING)"  # noqa: S101


def _begin_sqlite(connection: sa.Connection) -> None:
    wait = connection.get_execution_options().get("register_write")
    if wait is None:
        connection.exec_driver_sql("BEGIN")
        return
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {to_milliseconds(wait)}")
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    except sa.exc.OperationalError as error:
        if getattr(error.orig, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
            raise make_write_busy_error() from error
        raise
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {to_milliseconds(READ_WAIT)}")


#: Options of libpq unless the URL sets them: a server that is gone is noticed within seconds.
_CONNECTION_OPTIONS = {
    "connect_timeout": _CONNECT_WAIT,
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
}


def _limit_postgresql(connection: Any, _record: Any) -> None:
    """Limit how long a reader waits for a locked table, such as one that is being rewritten."""
    connection.execute(f"SET lock_timeout = {to_milliseconds(READ_WAIT)}")
    connection.commit()


def read_server_clock(connection: sa.Connection) -> dt.datetime | None:
    """The clock of the database's server in UTC; None where the database is a file."""
    if connection.dialect.name == "sqlite":
        return None
    instant: dt.datetime = connection.execute(sa.text("SELECT clock_timestamp()")).scalar_one()
    return instant.astimezone(dt.UTC)
