"""Restoring a backup: built in a new file, checked, and swapped in; refused if it would fork the published log.

Entries that were published after the backup was made can be taken in, with all that followed from them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Literal

import msgspec
import sqlalchemy as sa

from registry.domain.model import Entry, Struct
from registry.errors import CannotAnswer, Conflict, InvalidInput, LogDamaged, RegistryError
from registry.log import check, checkpoint_store, clock, note, replication, store
from registry.log.folder import CHECKPOINT, VKEY
from registry.log.publish import PublishedLog
from registry.operations.backup import compare, database_file, file
from registry.operations.backup.compare import LogSource, RestorePlan
from registry.operations.backup.file import BackupFile, Progress
from registry.proposals import redaction, views
from registry.records.view import check_records
from registry.settings import Settings
from registry.storage.account_tables import account_changes, passkeys
from registry.storage.activity_tables import activities, contacts
from registry.storage.database import Database, continue_numbering
from registry.storage.lead_tables import lead_steps, leads
from registry.storage.notice_tables import letters, notice_items, subscriptions
from registry.storage.tables import (
    checkpoints,
    comments,
    entries,
    key_checks,
    proposals,
    touches,
    trail,
    watches,
)
from registry.texts import Message, write_bilingual

#: Whether the signing key on this machine is one that signed the log; a mirror needs none.
KeyState = Literal["ours", "another", "missing", "mirror"]


class RestoreResult(Struct, frozen=True):
    """What a restore did.

    ``completed``: entries taken from the published log; ``closed``: proposals found decided there; ``withheld``:
    personal values not held any more; ``compared``: size of the published log it was compared with (0: there was none);
    ``unsigned``: entries at the end that no signature vouched for; ``kept``: where the former database lies now;
    ``unpublished``: why the log could not be published.
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
    of this machine. UnreadableFile for a damaged backup; LogDamaged or Conflict, saying what to do, if restoring it
    would fork the log or lose something.
    """
    published = PublishedLog(settings)
    published.load_keys()  # a key file that cannot be read is an error before anything changes
    database = Database(settings.get_database_url())
    try:
        with file.open_backup(path) as backup:
            backup.verify(progress)
            with _hold_log_lock(published):
                plan = compare.plan_restore(backup, published, source, complete=completing)
                former = None
                if database.is_sqlite:
                    result, former = _replace_file(database, backup, plan, published, progress)
                else:  # a database that holds nothing yet is filled in one transaction
                    result = _build_database(database, backup, plan, progress)
            about = backup.about
        published.clock.start_heartbeat(database)
        key, unsigned = _read_key_state(published, database, about.mirror)
        return RestoreResult(
            file=str(path),
            made_at=about.made_at,
            size=plan.size,
            root=plan.root,
            completed=plan.size - about.size,
            closed=result.closed,
            withheld=result.withheld,
            compared=max((published_log.size for published_log in plan.compared), default=0),
            kept=str(former) if former else None,
            key=key,
            unsigned=unsigned,
            unpublished=_publish_log(published, database, key, progress),
        )
    finally:
        database.close()


@contextmanager
def _hold_log_lock(published: PublishedLog) -> Iterator[None]:
    """Keep everybody else from publishing or restoring meanwhile."""
    with ExitStack() as stack:
        with file.translate_write_errors(published.folder.path):
            stack.enter_context(published.folder.hold_lock())
        yield


def _replace_file(
    database: Database, backup: BackupFile, plan: RestorePlan, published: PublishedLog, progress: Progress
) -> tuple[_BuildResult, Path | None]:
    """SQLite: build a new file and swap it in while nobody has the old one open."""
    path = Path(database.url.database or "").resolve()
    with database_file.hold_database(path) as existing:
        if existing is not None:
            compare.refuse_loss(plan, backup, published, existing)
        new = database_file.create_empty_file(path)
        try:
            result = _build_file(new, backup, plan, progress)
            former = database_file.replace_database(path, new)
        finally:
            database_file.remove_database(new)
    return result, former


def _build_file(new: Path, backup: BackupFile, plan: RestorePlan, progress: Progress) -> _BuildResult:
    target = Database(f"sqlite:///{new}")
    try:
        result = _build_database(target, backup, plan, progress)
        if not target.purge_deleted_rows(()):  # no bytes of erased values stay, and no write-ahead log
            raise InvalidInput(Message("{new} 无法整理（磁盘已满？），现有数据库未改动。", new=new))
    finally:
        target.close()
    database_file.flush_to_disk(new)
    return result


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
                    progress(write_bilingual("恢复") + f" {table.name}", done)
            of_staff = (account_changes, passkeys, trail, leads, lead_steps, activities, contacts)
            of_notices = (letters, subscriptions, notice_items)
            of_programs = (key_checks, watches)
            for numbered in (proposals, touches, comments, checkpoints, *of_programs, *of_notices, *of_staff):
                continue_numbering(connection, numbered)
            closed = _insert_missing_entries(connection, plan, backup.about.size, progress)
            for view in views.VIEWS:
                views.rebuild_view(connection, view, partial(progress, write_bilingual("重建") + f" {view.name}"))
            withheld = _require_expected_log(connection, plan, progress)
            if backup.about.mirror:
                replication.mark_mirror(connection)
    redaction.purge_erased_bytes(target)
    return _BuildResult(withheld=withheld, closed=closed)


def _require_expected_log(connection: sa.Connection, plan: RestorePlan, progress: Progress) -> int:
    log = check.check_log(connection, progress=partial(progress, write_bilingual("检查日志")))
    if (log.size, log.root) != (plan.size, plan.root):
        raise LogDamaged(Message("恢复所得的日志与已核对的不一致（来源在读取中变化了？），未作任何改动，请重试。"))
    check_records(connection)
    return log.withheld


def _require_empty_database(connection: sa.Connection) -> None:
    for table in file.KEPT:
        if connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first():
            raise Conflict(
                Message(
                    "目标数据库不是空的（表 {table_name}）：请另建一个空数据库（不要运行 registry init），"
                    "将 REGISTRY_DATABASE_URL 指向它后再恢复。",
                    table_name=table.name,
                )
            )


@contextmanager
def _translate_write_errors(target: Database) -> Iterator[None]:
    """Turn an error of the target database into InvalidInput: the register itself can still be asked."""
    try:
        yield
    except (CannotAnswer, sa.exc.DBAPIError) as error:
        cause = error.__cause__ if isinstance(error, CannotAnswer) else error
        if not isinstance(cause, sa.exc.DBAPIError):
            raise  # it was a mirror that could not be asked
        reason = cause.orig
        url = target.url.render_as_string()
        raise InvalidInput(Message("无法写入 {url}：{reason}。现有数据未改动。", url=url, reason=reason)) from error


def _rewrite_published_files(published: PublishedLog, database: Database, progress: Progress) -> None:
    """Write every published file anew; if the checkpoint was lost, the last one in the backup, under its name."""
    report = partial(progress, write_bilingual("公布日志"))
    local = compare.find_local_log(published)
    with database.reading() as connection:
        last = local.signed if local else checkpoint_store.find_last(connection)
        if last is None or last.checkpoint.size == 0:
            return
        published.rewrite_tiles(connection, last.checkpoint, report)
        if local is None:
            published.folder.write_file(VKEY, checkpoint_store.read_vkeys(connection).encode())
            published.folder.write_file(CHECKPOINT, last.note)


def _read_key_state(published: PublishedLog, database: Database, mirror: bool) -> tuple[KeyState, int]:
    """Return whose key is here, and how many entries its signatures do not reach."""
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
    """Publish the restored log; return why if that fails: the restore stands all the same."""
    try:
        with file.translate_write_errors(published.folder.path):
            with published.folder.hold_lock():
                _rewrite_published_files(published, database, progress)
            if key != "another":
                published.publish(database)
    except RegistryError as error:
        return {"zh": error.zh, "en": error.en}
    return None


# --- entries that were published after the backup was made ------------------------------------------------------------


class _ProposalReference(msgspec.Struct):
    """The proposal an entry says it comes from."""

    proposal: int


class _Decision(msgspec.Struct):
    """What the entries of one proposal say about its approval."""

    first: int
    last: int
    by: str
    at: int


_decoder = msgspec.json.Decoder(_ProposalReference)


def _insert_missing_entries(connection: sa.Connection, plan: RestorePlan, after: int, progress: Progress) -> list[int]:
    """Insert what the plan's source published above entry ``after``; return the proposals closed as decided there.

    What those entries erase is erased from values and proposals. The next proposal gets a number that no entry has. The
    caller has compared the entries with a signed checkpoint, and compares again before it commits.
    """
    decisions: dict[int, _Decision] = {}
    if plan.source is not None:
        for bodies in plan.source.read_bodies(after):
            inserted = replication.insert_entries(connection, bodies)
            _note_decisions(decisions, inserted)
            _erase_copies(connection, decisions, inserted)
            progress(write_bilingual("补齐"), inserted[-1].number)
        checkpoint_store.save_checkpoint(connection, plan.source.signed, plan.vkeys)
    continue_numbering(connection, proposals, _find_highest_proposal(connection))
    return [number for number, decision in decisions.items() if _close_proposal(connection, number, decision)]


def _note_decisions(decisions: dict[int, _Decision], inserted: Iterable[Entry]) -> None:
    for entry in inserted:
        at = clock.to_milliseconds(entry.recorded_at)
        decision = decisions.setdefault(entry.proposal, _Decision(entry.number, entry.number, entry.approver, at))
        decision.last = entry.number


def _erase_copies(connection: sa.Connection, decisions: dict[int, _Decision], inserted: Iterable[Entry]) -> None:
    for entry in inserted:
        if entry.change.erases:
            redaction.erase_stored_copies(
                connection, [entry], proposal=entry.proposal, first=decisions[entry.proposal].first
            )


def _close_proposal(connection: sa.Connection, number: int, decision: _Decision) -> bool:
    """Close a proposal that was pending in the backup and approved since: it must not be approved a second time."""
    closed = connection.execute(
        sa.update(proposals)
        .where(proposals.c.id == number, proposals.c.state == "pending")
        .values(
            state="approved",
            decided_at=decision.at,
            decided_by=decision.by,
            first_entry=decision.first,
            last_entry=decision.last,
        )
    )
    if closed.rowcount:
        row = {"proposal": number, "account": decision.by, "action": "approved", "at": decision.at}
        connection.execute(sa.insert(touches).values(row))
    return bool(closed.rowcount)


def _find_highest_proposal(connection: sa.Connection) -> int:
    """Return the highest proposal number that any entry names: not every approved proposal need be in the backup."""
    query = sa.select(entries.c.body).execution_options(yield_per=store.CHUNK)
    with connection.execute(query) as bodies:
        return max((_decoder.decode(body).proposal for body in bodies.scalars()), default=0)
