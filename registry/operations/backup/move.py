"""Moving a register from one database to another, SQLite or PostgreSQL: all of it or nothing, compared by the log."""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path

import msgspec

from registry.domain.model import Struct
from registry.errors import Conflict, InvalidInput, LogDamaged
from registry.log.publish import PublishedLog
from registry.operations import health
from registry.operations.backup import file, make, restore
from registry.operations.backup.file import Progress
from registry.settings import Settings
from registry.storage.database import Database
from registry.texts import Message


class MoveResult(Struct, frozen=True):
    """A finished move: the log in both databases, and how many rows of each table were taken over."""

    source: str
    target: str
    size: int
    root: str
    rows: dict[str, int]


def move_register(settings: Settings, source: str, target: str, progress: Progress) -> MoveResult:
    """Copy the register at the URL ``source`` into the empty database at ``target``; the source stays as it is.

    Nobody can write to the source meanwhile. Conflict if the target holds something; LogDamaged unless it holds the
    same log and as many rows in the end.
    """
    if source == target:
        raise InvalidInput(Message("两个数据库地址相同：{url}", url=source))
    target_settings = msgspec.structs.replace(settings, database_url=target)
    _refuse_existing_target(target_settings)
    published = PublishedLog(settings)
    with (
        closing(Database(source)) as database,
        closing(Database(target)) as moved,
        tempfile.TemporaryDirectory(dir=settings.data_dir, prefix=".moving-") as folder,
    ):
        health.require_database(database, published)
        copy, second = Path(folder) / "register.backup", Path(folder) / "moved.backup"
        with database.writing():  # nobody appends, proposes or signs in meanwhile
            taken = make.make_backup(database, published, copy, replace=False, progress=progress)
            restore.restore_backup(target_settings, copy, completing=False, source=None, progress=progress)
            result = make.make_backup(moved, published, second, replace=False, progress=progress)
        differing = _find_differences(copy, second)
        if differing or (result.size, result.root) != (taken.size, taken.root):
            raise LogDamaged(
                Message(
                    "{target} 与原数据库不一致（{tables}），请勿使用。原数据库未改动。",
                    target=moved.url.render_as_string(),
                    tables="、".join(differing) or "log",
                )
            )
        return MoveResult(
            source=database.url.render_as_string(),
            target=moved.url.render_as_string(),
            size=result.size,
            root=result.root,
            rows=result.rows,
        )


def _find_differences(first: Path, second: Path) -> list[str]:
    """Return the tables whose rows are not the same; a log that was not all signed is signed by the move itself."""
    with file.open_backup(first) as before, file.open_backup(second) as after:
        one, other = before.read_hashes(), after.read_hashes()
    return sorted(name for name in one if name != "checkpoints" and one[name] != other.get(name))


def _refuse_existing_target(settings: Settings) -> None:
    path = settings.find_database_file()
    if path is not None and path.exists() and path.stat().st_size:
        raise Conflict(Message("{path} 已存在：请写一个新文件名，或先移走它。", path=path))
