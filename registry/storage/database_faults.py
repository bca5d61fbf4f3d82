"""Translating errors of a database: out of reach, damaged, no room, read-only, or another process's lock."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import sqlalchemy as sa

from registry.errors import (
    RegistryError,
    StorageFull,
    StorageReadOnly,
    make_database_damage_error,
    make_disk_full_error,
    make_read_only_error,
    make_unreachable_error,
)
from registry.storage.fault_board import check_writable
from registry.storage.locks import make_write_busy_error

#: What PostgreSQL says (SQLSTATE) when it is the disk, the mode of the server, or somebody else's lock.
_FULL_STATES = frozenset({"53100"})
_READ_ONLY_STATES = frozenset({"25006"})
_LOCKED_STATES = frozenset({"55P03", "40001", "40P01"})


def find_database_fault(error: sa.exc.DBAPIError, path: Path | None) -> RegistryError | None:
    """The register's error for an error of the database; None for a programming mistake. ``path``: SQLite's file."""
    fault = _find_sqlite_fault(error, path) if path is not None else _find_postgresql_fault(error)
    return fault or (make_unreachable_error(error) if isinstance(error, sa.exc.OperationalError) else None)


def _find_sqlite_fault(error: sa.exc.DBAPIError, path: Path) -> RegistryError | None:
    code = int(getattr(error.orig, "sqlite_errorcode", None) or 0)
    primary = code & 0xFF  # the rest of it says where
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return make_database_damage_error(error)
    if primary == sqlite3.SQLITE_FULL:
        return make_disk_full_error(path.parent)
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return make_write_busy_error()
    if primary == sqlite3.SQLITE_READONLY and code != sqlite3.SQLITE_READONLY_DBMOVED:
        return make_read_only_error(path.parent)
    return _find_disk_fault(path) if primary in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN) else None


def _find_postgresql_fault(error: sa.exc.DBAPIError) -> RegistryError | None:
    state = getattr(error.orig, "sqlstate", None)
    if state in _FULL_STATES:
        return make_disk_full_error()
    if state in _READ_ONLY_STATES or "during recovery" in str(error.orig):  # of a standby that serves reads
        return make_read_only_error()
    return make_write_busy_error() if state in _LOCKED_STATES else None


def _find_disk_fault(path: Path) -> RegistryError | None:
    """The fault of the disk, found by writing to its folder, when SQLite cannot open or write an existing file."""
    if not path.exists():
        return None
    try:
        check_writable(path.parent)
    except (StorageFull, StorageReadOnly) as fault:
        return fault
    except OSError:
        pass
    return None
