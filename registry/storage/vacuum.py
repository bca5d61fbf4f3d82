"""Removing the remains of deleted rows from a database's own files: SQLite's file, tables of PostgreSQL."""

import time
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

#: Seconds to wait for readers before bytes that were deleted are left to the next attempt.
PATIENCE = 5.0


def vacuum_sqlite(connection: sa.Connection) -> bool:
    """Rewrite the whole file and empty the write-ahead log; False when an older state is still being read.

    Overwriting deleted rows is not enough: when SQLite moves rows between pages, it leaves copies in the gaps.
    """
    raw: Any = connection.connection.driver_connection  # SQLAlchemy would say BEGIN first
    (patience,) = raw.execute("PRAGMA busy_timeout").fetchone()
    raw.execute(f"PRAGMA busy_timeout = {int(PATIENCE * 1000)}")
    try:
        raw.execute("VACUUM")
        busy, _, _ = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy
    finally:
        raw.execute(f"PRAGMA busy_timeout = {patience}")


def vacuum_postgresql(connection: sa.Connection, tables: Iterable[str]) -> bool:
    """Rewrite the tables, once no snapshot is left for which PostgreSQL would carry deleted rows along.

    False when such a snapshot stays, or a table belongs to another role.
    """
    connection.execution_options(isolation_level="AUTOCOMMIT")
    if not _wait_for_older_snapshots(connection):
        return False
    connection.exec_driver_sql(f"SET lock_timeout = {int(PATIENCE * 1000)}")
    try:
        for table in tables:
            before = _read_file_number(connection, table)
            connection.exec_driver_sql(f"VACUUM (FULL) {table}")
            if _read_file_number(connection, table) == before:
                return False  # only a warning says so when the role does not own the table
        return True
    finally:
        connection.exec_driver_sql("RESET lock_timeout")


_OLDER = sa.text("""
    SELECT count(*) FROM (
        SELECT backend_xmin AS held FROM pg_stat_activity
        WHERE pid <> pg_backend_pid() AND (datname = current_database() OR datname IS NULL)
        UNION ALL SELECT xmin FROM pg_replication_slots
        UNION ALL SELECT transaction FROM pg_prepared_xacts WHERE database = current_database()
    ) AS snapshots WHERE age(held) > age(CAST(CAST(:now AS text) AS xid))
""")


def _wait_for_older_snapshots(connection: sa.Connection) -> bool:
    now = connection.execute(sa.text("SELECT CAST(CAST(pg_current_xact_id() AS xid) AS text)")).scalar_one()
    until = time.monotonic() + PATIENCE
    while connection.execute(_OLDER, {"now": now}).scalar_one():
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


def _read_file_number(connection: sa.Connection, table: str) -> int:
    result = connection.execute(sa.text("SELECT pg_relation_filenode(CAST(:table AS regclass))"), {"table": table})
    return int(result.scalar_one())
