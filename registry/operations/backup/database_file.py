"""The database's file: held while nobody else has it open, and replaced atomically.

At every moment either the old or the new file lies there, complete. The old one is kept beside it.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import sqlalchemy as sa

from registry.errors import Conflict
from registry.operations.backup import file
from registry.storage import rights
from registry.texts import Message

#: Seconds to wait for a command that has the database open.
PATIENCE = 5
_SUFFIXES = ("-wal", "-shm", "-journal")


@contextmanager
def hold_database(path: Path) -> Iterator[sa.Connection | None]:
    """Hold the database at ``path`` while no other process can open it; None if there is none that can be read.

    Everything in it then lies in this one file. Conflict while a server or another command has it open.
    """
    if not path.exists():
        yield None
        return
    _remove_interrupted_link(path)
    engine = file.make_engine(path, mode="rw", timeout=str(PATIENCE)).execution_options(isolation_level="AUTOCOMMIT")
    try:
        connection = _connect_exclusively(engine, path)
        try:
            yield connection
        finally:
            if connection is not None:
                connection.exec_driver_sql("ROLLBACK")
                connection.close()
    finally:
        engine.dispose()


def _connect_exclusively(engine: sa.Engine, path: Path) -> sa.Connection | None:
    connection = None
    try:
        connection = engine.connect()
        connection.exec_driver_sql("PRAGMA journal_mode = DELETE")  # empties and removes the write-ahead log
        connection.exec_driver_sql("BEGIN EXCLUSIVE")
        mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar()  # somebody may have come in between
    except sa.exc.DBAPIError as error:
        if connection is not None:
            connection.close()
        if getattr(error.orig, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            raise _make_in_use_error(path) from error
        return None
    if mode != "delete":
        connection.close()
        raise _make_in_use_error(path)
    return connection


def _make_in_use_error(path: Path) -> Conflict:
    return Conflict(Message("数据库 {path} 正在使用中：请先停止服务（registry serve）及其他命令，再恢复。", path=path))


def create_empty_file(path: Path) -> Path:
    """Create an empty file beside ``path`` for the new database, in place of what an interrupted restore left."""
    new = path.with_name(f"{path.name}.restoring")
    with file.translate_write_errors(new):
        rights.make_folder(new.parent)
        remove_database(new)
        create_private_file(new)
    return new


def create_private_file(path: Path) -> None:
    """Create an empty file that only its owner can read; FileExistsError if one is there."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def remove_database(path: Path) -> None:
    """Delete a database's file and SQLite's files beside it, if they are there."""
    for suffix in ("", *_SUFFIXES):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def replace_database(path: Path, new: Path) -> Path | None:
    """Put the finished file ``new`` at ``path``, inside ``hold_database``; return where the former one is kept."""
    former = path.with_name(f"{path.name}.before-restore-{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S.%fZ}")
    with file.translate_write_errors(path):
        exists = path.exists()
        if exists:
            former_file = path.stat()
            with suppress(PermissionError):  # restoring as root must not lock the service out of its own database
                os.chown(new, former_file.st_uid, former_file.st_gid)
            os.link(path, former)
            with suppress(PermissionError):  # an earlier version may have made it for everybody to read
                rights.set_mode(former, rights.PRIVATE_FILE)
        # There are none if the old one could be read; those of a damaged one must not be taken for the new one's.
        for suffix in _SUFFIXES:
            sidecar = path.with_name(path.name + suffix)
            if sidecar.exists():
                sidecar.rename(former.with_name(former.name + suffix))
        new.replace(path)
        flush_to_disk(path.absolute().parent)
    return former if exists else None


def flush_to_disk(path: Path) -> None:
    """Make a file, or the names in a folder, survive a power cut."""
    with file.translate_write_errors(path):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _remove_interrupted_link(path: Path) -> None:
    """Remove the second name of the database that a restore killed just before the swap leaves."""
    for link in path.parent.glob(f"{path.name}.before-restore-*"):
        if link.samefile(path):
            link.unlink()
