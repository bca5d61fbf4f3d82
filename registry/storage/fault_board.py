"""The present faults of this process and its machine: for /readyz, /metrics and one line each in the server's log.

Code that notices a fault reports it under its code and clears it once it is over.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from contextlib import suppress
from pathlib import Path

from registry.domain.model import Struct
from registry.errors import RegistryError, StorageFull, find_storage_fault
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
        raise StorageFull(
            Message(
                "磁盘空间不足：{folder} 剩余{free} MiB，这项操作约需{wanted} MiB，"
                "另须留出{reserve} MiB，所以没有写入名录；查询和核验照常。请管理员腾出磁盘空间后再操作一次。",
                folder=folder,
                free=free // MIB,
                wanted=wanted // MIB,
                reserve=reserve // MIB,
            ),
            where=str(folder),
        )
