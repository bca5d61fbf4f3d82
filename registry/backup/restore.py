"""Restoring a backup: built aside, checked, and put in place at once; refused where it would fork the published log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Literal

import sqlalchemy as sa

from registry import redaction, views
from registry.backup import compare, complete, file, place
from registry.backup.compare import Plan, Source
from registry.backup.file import BackupFile, Progress
from registry.database import Database, number_after
from registry.errors import CannotAnswer, Conflict, InvalidInput, LogDamaged, RegistryError
from registry.log import check, follow, mirrored, note, shared, store
from registry.log.folder import CHECKPOINT, VKEY
from registry.log.publish import PublishedLog
from registry.model import Struct
from registry.records import check as records_check
from registry.settings import Settings
from registry.tables import checkpoints, comments, key_checks, proposals, touches, trail, watches

#: Whether the signing key on this machine is one that signed the log; a mirror needs none.
KeyState = Literal["ours", "another", "missing", "mirror"]


class Restored(Struct, frozen=True):
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


class _Built(Struct, frozen=True):
    withheld: int
    closed: list[int]


def restore(settings: Settings, path: Path, *, completing: bool, source: Source | None, progress: Progress) -> Restored:
    """Make the register what the backup says, or leave everything as it was.

    ``completing``: entries that were published after the backup are taken from ``source``, or else from the log folder
    of this machine. UnreadableFile for a damaged backup; LogDamaged or Conflict, saying what to do, where restoring it
    would fork the log or lose something.
    """
    published = PublishedLog(settings)
    published.keys()  # a key file that cannot be read is told before anything changes
    database = Database(settings.url())
    try:
        with file.opened(path) as backup:
            backup.verify(progress)
            with _locked(published):
                plan = compare.plan(backup, published, source, complete=completing)
                replace = _replace_file if database.is_sqlite else _fill_empty
                built, kept = replace(database, backup, plan, published, progress)
            about = backup.about
        published.clock.begin(database)
        key, unsigned = _key_state(published, database, about.mirror)
        return Restored(
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
            unpublished=_publish(published, database, key, progress),
        )
    finally:
        database.close()


@contextmanager
def _locked(published: PublishedLog) -> Iterator[None]:
    """Nobody publishes, and nobody else restores, meanwhile."""
    with ExitStack() as stack:
        with file.refusing(published.folder.path):
            stack.enter_context(published.folder.lock())
        yield


def _replace_file(
    database: Database, backup: BackupFile, plan: Plan, published: PublishedLog, progress: Progress
) -> tuple[_Built, Path | None]:
    """SQLite: a new file, built aside and swapped in while nobody has the old one open."""
    path = Path(database.url.database or "").resolve()
    with place.held(path) as there:
        if there is not None:
            compare.refuse_loss(plan, backup, published, there)
        new = place.aside(path)
        try:
            built = _build_file(new, backup, plan, progress)
            kept = place.swap(path, new)
        finally:
            place.remove(new)
    return built, kept


def _build_file(new: Path, backup: BackupFile, plan: Plan, progress: Progress) -> _Built:
    target = Database(f"sqlite:///{new}")
    try:
        built = _build(target, backup, plan, progress)
        if not target.forget_deleted(()):  # what was erased on the way leaves no bytes, and no write-ahead log is left
            raise InvalidInput(
                f"{new} 无法整理（磁盘已满？），现有数据库未改动。",
                f"{new} cannot be finished (is the disk full?); the database that is there was not changed.",
            )
    finally:
        target.close()
    place.flush(new)
    return built


def _fill_empty(
    database: Database, backup: BackupFile, plan: Plan, _published: PublishedLog, progress: Progress
) -> tuple[_Built, None]:
    """PostgreSQL: into a database that holds nothing yet, in one transaction."""
    return _build(database, backup, plan, progress), None


def _build(target: Database, backup: BackupFile, plan: Plan, progress: Progress) -> _Built:
    with _explained(target):
        target.migrate()
        with target.writing() as connection:
            _require_empty(connection)
            for table in file.KEPT:
                done = 0
                for chunk in backup.rows(table):
                    connection.execute(sa.insert(table), chunk)
                    done += len(chunk)
                    progress(f"恢复 / restoring {table.name}", done)
            for numbered in (proposals, touches, comments, checkpoints, key_checks, trail, watches):
                number_after(connection, numbered)
            closed = complete.take(connection, plan, backup.about.size, progress)
            for view in views.VIEWS:
                follow.rebuild(connection, view, partial(progress, f"重建 / rebuilding {view.name}"))
            withheld = _require_right(connection, plan, progress)
            if backup.about.mirror:
                mirrored.mark(connection)
    redaction.settle(target)
    return _Built(withheld=withheld, closed=closed)


def _require_right(connection: sa.Connection, plan: Plan, progress: Progress) -> int:
    held = check.check(connection, progress=partial(progress, "检查日志 / checking the log"))
    if (held.size, held.root) != (plan.size, plan.root):
        raise LogDamaged(
            "恢复所得的日志与已核对的不一致（来源在读取中变化了？），未作任何改动，请重试。",
            "The restored log is not the one that was compared (did its source change meanwhile?). Nothing was "
            "changed; try again.",
        )
    records_check.check(connection)
    return held.withheld


def _require_empty(connection: sa.Connection) -> None:
    for table in file.KEPT:
        if connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first():
            raise Conflict(
                f"目标数据库不是空的（表 {table.name}）：请另建一个空数据库（不要运行 registry init），"
                "将 REGISTRY_DATABASE_URL 指向它后再恢复。",
                f"The target database is not empty (table {table.name}): make an empty one (without registry init), "
                "point REGISTRY_DATABASE_URL at it, and restore again.",
            )


@contextmanager
def _explained(target: Database) -> Iterator[None]:
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


def _take_up(published: PublishedLog, database: Database, progress: Progress) -> None:
    """Every published file is written anew; where the checkpoint was lost, the last one in the backup, name and all."""
    told = partial(progress, "公布日志 / publishing the log")
    local = compare.here(published)
    with database.reading() as connection:
        last = local.signed if local else shared.last(connection)
        if last is None or last.checkpoint.size == 0:
            return
        published.rewrite(connection, last.checkpoint, told)
        if local is None:
            published.folder.put(VKEY, shared.vkeys(connection).encode())
            published.folder.put(CHECKPOINT, last.note)


def _key_state(published: PublishedLog, database: Database, mirror: bool) -> tuple[KeyState, int]:
    """Whose key is here, and how many entries its signatures do not reach."""
    if mirror:
        return "mirror", 0
    with database.reading() as connection:
        last, size = shared.last(connection), store.head(connection).size
    keys = published.keys()
    if not keys:
        return "missing", 0
    if last is None:
        return "ours", size
    origin = last.checkpoint.origin
    try:
        note.opened(last.note, [note.Verifier(name=origin, kind=note.ED25519, public=key.public) for key in keys])
    except InvalidInput:
        return "another", 0
    return "ours", size - last.checkpoint.size


def _publish(published: PublishedLog, database: Database, key: KeyState, progress: Progress) -> dict[str, str] | None:
    """The restore stands whatever becomes of this; what stood in its way is said."""
    try:
        with file.refusing(published.folder.path):
            with published.folder.lock():
                _take_up(published, database, progress)
            if key != "another":
                published.publish(database)
    except RegistryError as error:
        return {"zh": error.zh, "en": error.en}
    return None
