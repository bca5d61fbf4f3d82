"""Making a backup while the register is in use: one snapshot, written to a temporary file, checked, then renamed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from registry.domain.model import Struct
from registry.errors import Conflict, InvalidInput, LogDamaged, RegistryError
from registry.log.clock import get_now_ms
from registry.log.publish import PublishedLog
from registry.operations.backup import compare, database_file, file
from registry.operations.backup.file import Progress
from registry.storage.database import Database
from registry.texts import Message


class BackupResult(Struct, frozen=True):
    """A finished backup: the log in it, rows by table, bytes of the file; ``made_at`` in milliseconds since 1970."""

    file: str
    made_at: int
    size: int
    root: str
    origin: str | None
    rows: dict[str, int]
    bytes: int


def make_backup(
    database: Database, published: PublishedLog, path: Path, *, replace: bool, progress: Progress
) -> BackupResult:
    """Write a checked backup to ``path``, or leave what is there as it was.

    Conflict if something is there and ``replace`` is not set, or it is no backup. LogDamaged if the database is not the
    log that was published: earlier backups are then worth more than this one would be.
    """
    _refuse_existing_file(path, replace)
    published_log = compare.find_local_log(published)  # before the snapshot: what was published by now must be in it
    with _create_temporary_file(path) as temporary:
        made_at = get_now_ms()
        with database.reading() as source:
            file.write_backup(temporary, source, made_at, progress)
        database_file.flush_to_disk(temporary)
        with file.open_backup(temporary) as backup:
            backup.verify(progress)
            if published_log is not None:
                _refuse_other_log(backup, published_log)
            about, rows = backup.about, backup.read_counts()
        with file.translate_write_errors(path):
            _refuse_existing_file(path, replace)
            size = temporary.stat().st_size
            temporary.replace(path)
            database_file.flush_to_disk(path.absolute().parent)
    return BackupResult(
        file=str(path), made_at=made_at, size=about.size, root=about.root, origin=about.origin, rows=rows, bytes=size
    )


def _refuse_existing_file(path: Path, replace: bool) -> None:
    if not path.absolute().parent.is_dir():
        raise InvalidInput(Message("没有目录 {parent}，请先建立（或挂载备份盘）。", parent=path.parent))
    if not os.path.lexists(path) or (path.is_file() and path.stat().st_size == 0):
        return  # an empty file, as programs make to reserve a name, holds nothing that could be lost
    if not replace:
        raise Conflict(Message("{path} 已存在；请换一个文件名，或加 --replace。", path=path))
    try:
        with file.open_backup(path):
            return
    except (RegistryError, OSError) as error:
        raise Conflict(Message("{path} 不是本版本可读的备份，不予覆盖；确不需要时请自行删除。", path=path)) from error


def _refuse_other_log(backup: file.BackupFile, published_log: compare.LogSource) -> None:
    signed = published_log.signed.checkpoint
    if backup.about.size < signed.size:
        raise LogDamaged(
            Message(
                "数据库只有{about_size}条日志，而已公布{signed_size}条：数据库被回退，不予备份。"
                "请用先前的备份恢复：registry restore",
                about_size=backup.about.size,
                signed_size=signed.size,
            )
        )
    if compare.compute_roots(backup.read_leaves(), {signed.size})[signed.size] != signed.root:
        raise LogDamaged(Message("数据库不是已公布的日志，不予备份，请保留先前的备份。请运行：registry log check"))


@contextmanager
def _create_temporary_file(path: Path) -> Iterator[Path]:
    """Create an empty file beside ``path`` that only its owner can read; remove it at the end if it is still there."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    with file.translate_write_errors(path):
        _remove_leftovers(path)
        database_file.create_private_file(temporary)
    try:
        yield temporary
    finally:
        for file_left in (temporary, temporary.with_name(f"{temporary.name}-journal")):
            file_left.unlink(missing_ok=True)


def _remove_leftovers(path: Path) -> None:
    """Remove what a killed backup to the same file left: it holds personal data that nobody else would delete."""
    for file_left in path.absolute().parent.glob(".*.new*"):
        match = re.fullmatch(rf"\.{re.escape(path.name)}\.([0-9]+)\.new(-journal)?", file_left.name)
        if match and not _is_running(int(match[1])):
            file_left.unlink(missing_ok=True)


def _is_running(process: int) -> bool:
    if process == os.getpid():
        return False
    with suppress(ProcessLookupError):
        try:
            os.kill(process, 0)
        except PermissionError:
            return True
        return True
    return False
