"""The present faults of this process and its machine: for /readyz, /metrics and one line each in the server's log.

Code that notices a fault reports it under its code and clears it once it is over. Errors of a database are translated
into such faults: out of reach, damaged, no room, read-only, or another process's lock.
"""

import logging
import os
import sqlite3
import threading
import time
from contextlib import suppress
from pathlib import Path

import sqlalchemy as sa

from registry.domain.model import Struct
from registry.errors import (
    RegistryError,
    StorageFull,
    StorageReadOnly,
    find_storage_fault,
    make_database_damage_error,
    make_disk_full_error,
    make_read_only_error,
    make_unreachable_error,
)
from registry.storage.locks import make_write_busy_error
from registry.texts import Message, write_bilingual

_log = logging.getLogger("registry")


class Fault(Struct, frozen=True):
    """One fault: its code, since when (seconds since 1970), what it is and what to do about it."""

    code: str
    since: float
    zh: str
    en: str
    #: Whether this process cannot answer questions because of it; otherwise only writing or comfort suffers.
    blocks_reading: bool = False


class FaultBoard:
    """The faults of one process; may be used from any thread.

    Several sources may report the same fault: it is over when each of them has cleared it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: dict[str, dict[str, Fault]] = {}

    def report(self, error: RegistryError, *, blocks_reading: bool = False, source: str = "") -> None:
        """Report a fault under the error's code; logged when it is new."""
        with self._lock:
            reports = self._faults.setdefault(error.code, {})
            is_new = not reports
            since = min((fault.since for fault in reports.values()), default=time.time())
            reports[source] = Fault(error.code, since, error.zh, error.en, blocks_reading)
        if is_new:
            _log.error("%s: %s / %s", error.code, error.zh, error.en)

    def clear(self, *codes: str, source: str = "") -> None:
        """Clear faults of ``source``; logged when no other source reports them."""
        if not self._faults:  # nearly always, and asked often
            return
        cleared = []
        with self._lock:
            for code in codes:
                reports = self._faults.get(code)
                if reports and reports.pop(source, None) and not reports:
                    del self._faults[code]
                    cleared.append(code)
        for code in cleared:
            _log.warning(write_bilingual("%s: 已恢复"), code)

    def has_fault(self, code: str) -> bool:
        """Whether a fault is reported."""
        return code in self._faults

    def list_faults(self) -> list[Fault]:
        """The present faults, oldest first; each code once."""
        with self._lock:
            by_code = [list(reports.values()) for reports in self._faults.values()]
        faults = [max(reports_of_code, key=lambda report: report.blocks_reading) for reports_of_code in by_code]
        return sorted(faults, key=lambda fault: fault.since)


class RepeatedWarnings:
    """Warnings about repeated tasks: the first failure is logged, then none until the task has succeeded."""

    def __init__(self) -> None:
        self._open: set[str] = set()

    def warn_once(self, task: str, error: BaseException) -> None:
        """Log that a task failed, unless it failed the last time too."""
        if task not in self._open:
            self._open.add(task)
            code = error.code if isinstance(error, RegistryError) else type(error).__name__
            _log.warning("%s: %s", task, code)

    def reset_warning(self, task: str) -> None:
        """Note that a task succeeded."""
        self._open.discard(task)


# --- disks ----------------------------------------------------------------------------------------------------------

MIB = 1024 * 1024
#: Bytes that are written and removed again to see that a folder takes files: more than a checkpoint or a tile has.
PROBE = 64 * 1024


def check_writable(folder: Path) -> None:
    """Raise StorageFull or StorageReadOnly unless a small file can be written to ``folder`` now, down to the disk."""
    probe = folder / f".probe-{os.getpid()}-{threading.get_ident()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with probe.open("wb") as file:
                file.write(bytes(PROBE))
                file.flush()
                os.fsync(file.fileno())
        finally:
            with suppress(OSError):
                probe.unlink(missing_ok=True)
    except OSError as error:
        fault = find_storage_fault(error, folder)
        if fault is None:
            raise
        raise fault from error


def count_free_bytes(folder: Path) -> int:
    """Count the bytes that this account may still write where ``folder`` is, or will be."""
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    disk = os.statvfs(existing)
    return disk.f_bavail * disk.f_frsize


def check_free_space(folder: Path, wanted: int, reserve: int) -> None:
    """Raise StorageFull unless ``wanted`` bytes fit where ``folder`` is and ``reserve`` bytes stay free."""
    free = count_free_bytes(folder)
    if free < wanted + reserve:
        message = Message(
            "磁盘空间不足：{folder} 剩余{free} MiB，这项操作约需{wanted} MiB，"
            "另须留出{reserve} MiB，所以没有写入名录；查询和核验照常。请管理员腾出磁盘空间后再操作一次。",
            folder=folder,
            free=free // MIB,
            wanted=wanted // MIB,
            reserve=reserve // MIB,
        )
        raise StorageFull(message, where=str(folder))


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
