"""Restoring a backup: built aside, checked, and put in place at once; refused where it would fork the published log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Literal

import sqlalchemy as sa

from registry import views
from registry.domain.model import Struct
from registry.errors import CannotAnswer, Conflict, InvalidInput, LogDamaged, RegistryError
from registry.log import check, checkpoint_store, mirror_mark, note, store
from registry.log.folder import CHECKPOINT, VKEY
from registry.log.publish import PublishedLog
from registry.operations.backup import compare, complete, database_file, file
from registry.operations.backup.compare import LogSource, RestorePlan
from registry.operations.backup.file import BackupFile, Progress
from registry.proposals import redaction
from registry.records.view import check_records
from registry.settings import Settings
from registry.storage.database import Database, continue_numbering
from registry.storage.tables import checkpoints, comments, key_checks, proposals, touches, trail, watches

#: Whether the signing key on this machine is one that signed the log; a mirror needs none.
KeyState = Literal["ours", "another", "missing", "mirror"]


class RestoreResult(Struct, frozen=True):
    """What a restore did.

    ``completed``: entries taken from the published log; ``closed``: proposals found decided there; ``withheld``:
    personal values not held any more; ``compared``: size of the published log it was compared with (0: there was none);
    ``unsigned``: entries at the end that no signature vouched for; ``kept``: where the database that was there lies
    now; ``unpublished``: why the log could not be published.
    """

    file: str
    made_at: int
    size: int
    root: str
    completed: int
    closed: list[int]
    withheld: int
    compared: int
    kept: str | None
    key: KeyState
    unsigned: int
    unpublished: dict[str, str] | None


class _BuildResult(Struct, frozen=True):
    withheld: int
    closed: list[int]


def restore_backup(
    settings: Settings, path: Path, *, completing: bool, source: LogSource | None, progress: Progress
) -> RestoreResult:
    """Make the register what the backup says, or leave everything as it was.

    ``completing``: entries that were published after the backup are taken from ``source``, or else from the log folder
    of this machine. UnreadableFile for a damaged backup; LogDamaged or Conflict, saying what to do, where restoring it
    would fork the log or lose something.
    """
    published = PublishedLog(settings)
    published.load_keys()  # a key file that cannot be read is told before anything changes
    database = Database(settings.get_database_url())
    try:
        with file.open_backup(path) as backup:
            backup.verify(progress)
            with _hold_log_lock(published):
                plan = compare.plan_restore(backup, published, source, complete=completing)
                replace = _replace_file if database.is_sqlite else _fill_empty_database
                built, kept = replace(database, backup, plan, published, progress)
            about = backup.about
        published.clock.start_heartbeat(database)
        key, unsigned = _read_key_state(published, database, about.mirror)
        return RestoreResult(
            file=str(path),
            made_at=about.made_at,
            size=plan.size,
            root=plan.root,
            completed=plan.size - about.size,
            closed=built.closed,
            withheld=built.withheld,
            compared=max((one.size for one in plan.compared), default=0),
            kept=str(kept) if kept else None,
            key=key,
            unsigned=unsigned,
            unpublished=_publish_log(published, database, key, progress),
        )
    finally:
        database.close()


@contextmanager
def _hold_log_lock(published: PublishedLog) -> Iterator[None]:
    """Nobody publishes, and nobody else restores, meanwhile."""
    with ExitStack() as stack:
        with file.translate_write_errors(published.folder.path):
            stack.enter_context(published.folder.hold_lock())
        yield


def _replace_file(
    database: Database, backup: BackupFile, plan: RestorePlan, published: PublishedLog, progress: Progress
) -> tuple[_BuildResult, Path | None]:
    """SQLite: a new file, built aside and swapped in while nobody has the old one open."""
    path = Path(database.url.database or "").resolve()
    with database_file.hold_database(path) as there:
        if there is not None:
            compare.refuse_loss(plan, backup, published, there)
        new = database_file.create_empty_file(path)
        try:
            built = _build_file(new, backup, plan, progress)
            kept = database_file.replace_database(path, new)
        finally:
            database_file.remove_database(new)
    return built, kept


def _build_file(new: Path, backup: BackupFile, plan: RestorePlan, progress: Progress) -> _BuildResult:
    target = Database(f"sqlite:///{new}")
    try:
        built = _build_database(target, backup, plan, progress)
        if not target.purge_deleted_rows(
            ()
        ):  # what was erased on the way leaves no bytes, and no write-ahead log is left
            raise InvalidInput(
                f"{new} 无法整理（磁盘已满？），现有数据库未改动。",
                f"{new} cannot be finished (is the disk full?); the database that is there was not changed.",
            )
    finally:
        target.close()
    database_file.flush_to_disk(new)
    return built


def _fill_empty_database(
    database: Database, backup: BackupFile, plan: RestorePlan, _published: PublishedLog, progress: Progress
) -> tuple[_BuildResult, None]:
    """PostgreSQL: into a database that holds nothing yet, in one transaction."""
    return _build_database(database, backup, plan, progress), None


def _build_database(target: Database, backup: BackupFile, plan: RestorePlan, progress: Progress) -> _BuildResult:
    with _translate_write_errors(target):
        target.migrate()
        with target.writing() as connection:
            _require_empty_database(connection)
            for table in file.KEPT:
                done = 0
                for chunk in backup.read_rows(table):
                    connection.execute(sa.insert(table), chunk)
                    done += len(chunk)
                    progress(f"恢复 / restoring {table.name}", done)
            for numbered in (proposals, touches, comments, checkpoints, key_checks, trail, watches):
                continue_numbering(connection, numbered)
            closed = complete.insert_missing_entries(connection, plan, backup.about.size, progress)
            for view in views.VIEWS:
                views.rebuild_view(connection, view, partial(progress, f"重建 / rebuilding {view.name}"))
            withheld = _require_expected_log(connection, plan, progress)
            if backup.about.mirror:
                mirror_mark.mark_mirror(connection)
    redaction.purge_erased_bytes(target)
    return _BuildResult(withheld=withheld, closed=closed)


def _require_expected_log(connection: sa.Connection, plan: RestorePlan, progress: Progress) -> int:
    held = check.check_log(connection, progress=partial(progress, "检查日志 / checking the log"))
    if (held.size, held.root) != (plan.size, plan.root):
        raise LogDamaged(
            "恢复所得的日志与已核对的不一致（来源在读取中变化了？），未作任何改动，请重试。",
            "The restored log is not the one that was compared (did its source change meanwhile?). Nothing was "
            "changed; try again.",
        )
    check_records(connection)
    return held.withheld


def _require_empty_database(connection: sa.Connection) -> None:
    for table in file.KEPT:
        if connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first():
            raise Conflict(
                f"目标数据库不是空的（表 {table.name}）：请另建一个空数据库（不要运行 registry init），"
                "将 REGISTRY_DATABASE_URL 指向它后再恢复。",
                f"The target database is not empty (table {table.name}): make an empty one (without registry init), "
                "point REGISTRY_DATABASE_URL at it, and restore again.",
            )


@contextmanager
def _translate_write_errors(target: Database) -> Iterator[None]:
    """A database that cannot be written is no reason to say that the register cannot be asked."""
    try:
        yield
    except (CannotAnswer, sa.exc.DBAPIError) as error:
        cause = error.__cause__ if isinstance(error, CannotAnswer) else error
        if not isinstance(cause, sa.exc.DBAPIError):
            raise  # it was a mirror that could not be asked
        said = cause.orig
        where = target.url.render_as_string()
        raise InvalidInput(
            f"无法写入 {where}：{said}。现有数据未改动。", f"{where} cannot be written: {said}. Nothing was changed."
        ) from error


def _rewrite_published_files(published: PublishedLog, database: Database, progress: Progress) -> None:
    """Every published file is written anew; where the checkpoint was lost, the last one in the backup, name and all."""
    told = partial(progress, "公布日志 / publishing the log")
    local = compare.find_local_log(published)
    with database.reading() as connection:
        last = local.signed if local else checkpoint_store.find_last(connection)
        if last is None or last.checkpoint.size == 0:
            return
        published.rewrite_tiles(connection, last.checkpoint, told)
        if local is None:
            published.folder.write_file(VKEY, checkpoint_store.read_vkeys(connection).encode())
            published.folder.write_file(CHECKPOINT, last.note)


def _read_key_state(published: PublishedLog, database: Database, mirror: bool) -> tuple[KeyState, int]:
    """Whose key is here, and how many entries its signatures do not reach."""
    if mirror:
        return "mirror", 0
    with database.reading() as connection:
        last, size = checkpoint_store.find_last(connection), store.read_head(connection).size
    keys = published.load_keys()
    if not keys:
        return "missing", 0
    if last is None:
        return "ours", size
    origin = last.checkpoint.origin
    try:
        note.verify_note(last.note, [note.Verifier(name=origin, kind=note.ED25519, public=key.public) for key in keys])
    except InvalidInput:
        return "another", 0
    return "ours", size - last.checkpoint.size


def _publish_log(
    published: PublishedLog, database: Database, key: KeyState, progress: Progress
) -> dict[str, str] | None:
    """The restore stands whatever becomes of this; what stood in its way is said."""
    try:
        with file.translate_write_errors(published.folder.path):
            with published.folder.hold_lock():
                _rewrite_published_files(published, database, progress)
            if key != "another":
                published.publish(database)
    except RegistryError as error:
        return {"zh": error.zh, "en": error.en}
    return None
