"""What an error of a database comes to: out of reach, damaged, no room, read-only, or somebody else's lock."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import sqlalchemy as sa

from registry.errors import RegistryError, StorageFull, StorageReadOnly, broken, disk_full, read_only, unreachable
from registry.faults import require_writable
from registry.locks import busy_writing

#: What PostgreSQL says (SQLSTATE) when it is the disk, the mode of the server, or somebody else's lock.
_FULL_STATES = frozenset({"53100"})
_READ_ONLY_STATES = frozenset({"25006"})
_LOCKED_STATES = frozenset({"55P03", "40001", "40P01"})


def fault_of(error: sa.exc.DBAPIError, path: Path | None) -> RegistryError | None:
    """What an error of the database comes to; None for one that is a mistake of ours. ``path``: the file of SQLite."""
    found = _sqlite_fault(error, path) if path is not None else _postgresql_fault(error)
    return found or (unreachable(error) if isinstance(error, sa.exc.OperationalError) else None)


def _sqlite_fault(error: sa.exc.DBAPIError, path: Path) -> RegistryError | None:
    code = int(getattr(error.orig, "sqlite_errorcode", None) or 0)
    primary = code & 0xFF  # the rest of it says where
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return broken(error)
    if primary == sqlite3.SQLITE_FULL:
        return disk_full(path.parent)
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return busy_writing()
    if primary == sqlite3.SQLITE_READONLY and code != sqlite3.SQLITE_READONLY_DBMOVED:
        return read_only(path.parent)
    return _storage_of(path) if primary in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN) else None


def _postgresql_fault(error: sa.exc.DBAPIError) -> RegistryError | None:
    state = getattr(error.orig, "sqlstate", None)
    if state in _FULL_STATES:
        return disk_full()
    if state in _READ_ONLY_STATES or "during recovery" in str(error.orig):  # of a standby that serves reads
        return read_only()
    return busy_writing() if state in _LOCKED_STATES else None


def _storage_of(path: Path) -> RegistryError | None:
    """Whether the disk is why SQLite cannot open or write a file that is there: told by writing to its folder."""
    if not path.exists():
        return None
    try:
        require_writable(path.parent)
    except (StorageFull, StorageReadOnly) as fault:
        return fault
    except OSError:
        pass
    return None
