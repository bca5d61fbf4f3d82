"""Publishing the log: after each append its tiles are written and a checkpoint is signed that extends the last one.

The last signed checkpoint lies in a file outside the database (``Folder``) and, so that every machine serves the same
one, in the database too. Nothing is signed that does not extend both; a database that was rolled back or rewritten is
told by that, and nothing is appended to it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import sqlalchemy as sa

from registry.errors import (
    CannotAnswer,
    CheckpointForeign,
    InvalidInput,
    LogDamaged,
    NotFound,
    RegistryError,
    SigningKeyForeign,
    SigningKeyMissing,
    find_storage_fault,
    make_log_rollback_error,
)
from registry.log import checkpoint_store, four_eyes, mirror_mark, note, signing_keys, store
from registry.log.checkpoint import Checkpoint, SignedCheckpoint, parse_signed_checkpoint
from registry.log.clock_check import ClockCheck
from registry.log.folder import CHECKPOINT, VKEY, LogFolder
from registry.log.merkle import Frontier
from registry.settings import Settings
from registry.storage.database import Database
from registry.storage.fault_board import MIB, check_free_space, check_writable

Progress = Callable[[int], None]
#: Bytes of the database's disk that a byte of a proposal may take: entry, records, search, and all of it once more in
#: the write-ahead log. Of the published log's: its bundle, once more while it is written aside.
GROWTH, GROWTH_PUBLISHED = 16, 3
_log = logging.getLogger("registry")


class PublishedLog:
    """The published log of one register on one machine."""

    def __init__(self, settings: Settings) -> None:
        self.folder = LogFolder(settings.get_log_folder())
        self.clock = ClockCheck(settings)
        self._settings = settings
        self._cached: tuple[object, SignedCheckpoint | None] = (None, None)

    # --- reading -----------------------------------------------------------------------------------------------------

    def find_checkpoint(self) -> SignedCheckpoint | None:
        """The last checkpoint published here; None before the first."""
        changed = self.folder.read_checkpoint_stamp()
        if changed != self._cached[0]:
            raw = self.folder.find_file(CHECKPOINT)
            self._cached = (changed, self._read_checkpoint(raw) if raw is not None else None)
        return self._cached[1]

    def _read_checkpoint(self, raw: bytes) -> SignedCheckpoint:
        try:
            return parse_signed_checkpoint(raw)
        except InvalidInput as error:
            where = self.folder.path / CHECKPOINT
            raise LogDamaged(
                f"{where} 不是签名的检查点，被改动过；请从镜像取回，或在确认数据库未被回退后移走，再运行："
                "registry log checkpoint",
                f"{where} is no signed checkpoint, it was altered; take it from a mirror, or, when you are sure that "
                "the database was not rolled back, move it away, and run: registry log checkpoint",
            ) from error

    def get_checkpoint(self) -> SignedCheckpoint:
        """The last checkpoint published here; CannotAnswer before the first."""
        found = self.find_checkpoint()
        if found is None:
            raise CannotAnswer(
                "日志尚未签发检查点；请在持有签名密钥的机器上运行：registry log checkpoint",
                "The log has no checkpoint yet; where the signing key is, run: registry log checkpoint",
            )
        return found

    def get_origin(self) -> str:
        """The name of the log: that of its last checkpoint, which never changes; of the settings before the first."""
        last = self.find_checkpoint()
        wanted = note.check_name(self._settings.get_log_origin())
        if last is None:
            return wanted
        if self._settings.log_origin and wanted != last.checkpoint.origin:
            raise InvalidInput(
                f"REGISTRY_LOG_ORIGIN 为 {wanted}，而日志名称已定为 {last.checkpoint.origin}，不可更改。",
                f"REGISTRY_LOG_ORIGIN is {wanted}, but the log is called {last.checkpoint.origin} and keeps its name.",
            )
        return last.checkpoint.origin

    def load_keys(self) -> list[signing_keys.Key]:
        """The signing keys of this machine, oldest first; none where there is no key file."""
        path = self._settings.get_key_file()
        return signing_keys.load_keys(path) if path.exists() else []

    def list_verifiers(self, *, retired: bool = False) -> list[note.Verifier]:
        """The public halves of the keys in use, oldest first; with ``retired`` those of every key there ever was."""
        origin = self.get_origin()
        return [
            note.Verifier(name=origin, kind=note.ED25519, public=key.public)
            for key in self.load_keys()
            if retired or not key.is_retired
        ]

    def read_vkeys(self) -> list[str]:
        """The published verifier keys, oldest first, as text."""
        return (self.folder.find_file(VKEY) or b"").decode().split()

    def list_lost_keys(self, connection: sa.Connection) -> list[note.Verifier]:
        """The public keys of a log whose key file is not here, oldest first: in use when it was lost, or retired."""
        if self._settings.get_key_file().exists():
            return []
        known = dict.fromkeys([*checkpoint_store.list_vkeys(connection), *self.read_vkeys()])
        return [note.parse_verifier(line) for line in known]

    # --- writing -----------------------------------------------------------------------------------------------------

    def publish(self, database: Database, progress: Progress | None = None) -> SignedCheckpoint | None:
        """Write tiles and sign a checkpoint for what the log has gained; the last checkpoint afterwards.

        Without a signing key the checkpoints that another machine signed are taken over instead. LogDamaged, and
        nothing signed or changed, when the log does not extend what was published before.
        """
        with self.folder.hold_lock():
            with database.reading() as connection:
                self._take_over_checkpoint(connection, progress)
                head = store.read_head(connection).size
                self._require_extension(connection)
                signed = self._sign_checkpoint(connection, head, progress)
                held = checkpoint_store.find_last(connection)
            if signed is not None and (held is None or held.note != signed.note):
                with database.writing() as connection:
                    checkpoint_store.save_checkpoint(connection, signed, (self.folder.find_file(VKEY) or b"").decode())
        return signed

    def try_publish(self, database: Database, quiet: bool = False) -> RegistryError | None:
        """``publish``; what stood in its way is logged, unless ``quiet``, and returned. None when nothing did."""
        try:
            self.publish(database)
        except RegistryError as error:
            fault = error
        except (OSError, sa.exc.SQLAlchemyError) as error:
            fault = find_storage_fault(error, self.folder.path) or LogDamaged(repr(error), repr(error))
        else:
            return None
        if not quiet:
            _log.error("尚未签发检查点，稍后会再试 / cannot sign a checkpoint yet, will try again: %s", fault.zh)
        return fault

    def require_appendable(self, connection: sa.Connection, size: int = 0) -> None:
        """Refuse to append ``size`` bytes of drafts that could not be signed and published; asked before each append.

        Conflict in a mirror, to which nobody appends. LogRolledBack or LogDamaged unless this database holds the log
        that was published; SigningKeyMissing, SigningKeyForeign, CheckpointForeign; StorageFull, StorageReadOnly.
        """
        self.require_extension(connection)
        if fault := self.find_signer_fault(connection):
            raise fault
        self.check_free_space(size)
        check_writable(self.folder.path)

    def check_free_space(self, size: int = 0) -> None:
        """StorageFull unless ``size`` bytes of drafts fit on the disks of the database's file and the published log."""
        reserve = self._settings.storage_reserve * MIB
        if (file := self._settings.find_database_file()) is not None:
            check_free_space(file.parent, size * GROWTH, reserve)
        check_free_space(self.folder.path, size * GROWTH_PUBLISHED, reserve)

    def find_signer_fault(self, connection: sa.Connection) -> RegistryError | None:
        """What keeps this machine from signing what is appended here; None where nothing was signed yet."""
        path = self._settings.get_key_file()
        last = self.find_checkpoint()
        if last is None and checkpoint_store.find_last(connection) is None:
            return None
        try:
            keys = self.load_keys()
        except InvalidInput as error:
            return _make_missing_key_error(path, error)
        if not keys:
            return _make_missing_key_error(path)
        return _find_signer_fault(connection, last, _make_verifiers(keys), path, self.folder.path / CHECKPOINT)

    def require_extension(self, connection: sa.Connection) -> None:
        """LogDamaged unless this database holds the log that was published, and every entry after it was decided.

        Conflict in a mirror, to which nobody appends; ClockWrong where the time of an entry would not be the time.
        """
        mirror_mark.refuse_mirror(connection)
        self._require_extension(connection)
        self.clock.require_right_clock(connection)

    def refuse_rollback(self, connection: sa.Connection) -> None:
        """LogRolledBack when this database holds less than was published: what is proposed in it would be lost with it,
        or rest on what is no longer so."""
        last = self.find_checkpoint()
        size = last.checkpoint.size if last else 0
        held = store.read_head(connection).size
        if held < size:
            raise make_log_rollback_error(held, size)

    def require_published_prefix(self, connection: sa.Connection) -> None:
        """LogRolledBack or LogDamaged unless this database holds the log that was published: asked before answering."""
        self.refuse_rollback(connection)
        last = self.find_checkpoint()
        size = last.checkpoint.size if last else 0
        published = self._find_published_leaf(size) if size else None
        if published is not None and published != store.find_leaf(connection, size):
            raise LogDamaged(
                f"日志第{size}条与已公布的不一致，日志被改写过。请运行：registry log check",
                f"Log entry {size} is not the one that was published: the log was rewritten. Run: registry log check",
                entry=size,
            )

    def _require_extension(self, connection: sa.Connection) -> None:
        self.require_published_prefix(connection)
        last = self.find_checkpoint()
        four_eyes.check_entries(connection, after=last.checkpoint.size if last else 0)

    def _find_published_leaf(self, number: int) -> bytes | None:
        """The leaf hash as published; None where the tile was lost, which ``publish`` mends or refuses."""
        try:
            return self.folder.make_tree(number)(0, number - 1)
        except (NotFound, LogDamaged):
            return None

    def _take_over_checkpoint(self, connection: sa.Connection, progress: Progress | None) -> None:
        """Bring the folder up to the checkpoint in the database: of another machine, or the folder was lost."""
        there = checkpoint_store.find_last(connection)
        last = self.find_checkpoint()
        if last is not None:
            self._mend_tiles(connection, last, progress)
        if there is None or (last is not None and self._is_up_to_date(last, there)):
            return
        if self.load_keys():
            if fault := self.find_signer_fault(connection):
                raise fault
        else:
            self.folder.write_file(VKEY, checkpoint_store.read_vkeys(connection).encode())
        size = last.checkpoint.size if last else 0
        frontier = self.folder.append_entries(
            size, store.read_verified_entries(connection, size, there.checkpoint.size), progress
        )
        _require_root(frontier, there.checkpoint)
        self.folder.write_file(CHECKPOINT, there.note)

    def _is_up_to_date(self, last: SignedCheckpoint, there: SignedCheckpoint) -> bool:
        """Whether what is published here is as new as what is in the database; without a key also as it was signed."""
        if last.checkpoint.size == there.checkpoint.size and not self.load_keys():
            return last.note == there.note  # signed anew by another machine: a key came or went
        return last.checkpoint.size >= there.checkpoint.size

    def _mend_tiles(self, connection: sa.Connection, last: SignedCheckpoint, progress: Progress | None) -> None:
        """Tiles that were lost are written again, if the database still gives the root that was signed."""
        try:
            if self.folder.read_frontier(last.checkpoint.size).compute_root() == last.checkpoint.root:
                return
        except (NotFound, LogDamaged):
            pass
        self.rewrite_tiles(connection, last.checkpoint, progress)

    def rebuild_files(self, database: Database, progress: Progress | None = None) -> None:
        """Write every published file anew from the database, if it still gives the root that was signed."""
        with self.folder.hold_lock(), database.reading() as connection:
            if last := self.find_checkpoint():
                self.rewrite_tiles(connection, last.checkpoint, progress)
        self.publish(database, progress)

    def rewrite_tiles(self, connection: sa.Connection, of: Checkpoint, progress: Progress | None = None) -> None:
        """Write every tile anew from the database; LogDamaged, before anything is written, if that is another log."""
        frontier = Frontier()
        frontier.extend(leaf for _, leaf in store.read_verified_entries(connection, 0, of.size))
        _require_root(frontier, of)
        self.folder.append_entries(0, store.read_verified_entries(connection, 0, of.size), progress)

    def _sign_checkpoint(
        self, connection: sa.Connection, head: int, progress: Progress | None
    ) -> SignedCheckpoint | None:
        """The checkpoint of ``head`` by every key in use; the last one as it is where nothing has changed."""
        last = self.find_checkpoint()
        keys = [key for key in self.load_keys() if not key.is_retired]
        if not keys or mirror_mark.is_mirror(connection):  # whose key would sign what others decided
            return last
        origin = self.get_origin()
        if last is not None:
            self._require_own_checkpoint(connection)
        size = last.checkpoint.size if last else 0
        frontier = self.folder.append_entries(size, store.read_verified_entries(connection, size, head), progress)
        text = Checkpoint(origin=origin, size=head, root=frontier.compute_root()).text
        made = note.sign_text(text, origin, keys).encode()
        vkeys = note.format_vkeys(self.list_verifiers()).encode()
        if self.folder.find_file(VKEY) != vkeys:
            self.folder.write_file(VKEY, vkeys)
        if last is not None and made == last.note:
            return last
        self.folder.write_file(CHECKPOINT, made)
        return parse_signed_checkpoint(made)

    def _require_own_checkpoint(self, connection: sa.Connection) -> None:
        """The file outside the database was signed by a key of ours: whoever put another there wants a fork signed."""
        if fault := self.find_signer_fault(connection):
            raise fault

    def has_stored_checkpoint(self, database: Database) -> bool:
        """Whether the database holds a signed checkpoint, of this machine or another."""
        with database.reading() as connection:
            return checkpoint_store.find_last(connection) is not None


def _make_verifiers(keys: Sequence[signing_keys.Key]) -> list[note.Verifier]:
    return [note.Verifier(name="", kind=note.ED25519, public=key.public) for key in keys]


def _require_root(frontier: Frontier, stated: Checkpoint) -> None:
    if frontier.compute_root() != stated.root:
        raise LogDamaged(
            f"数据库前{stated.size}条日志与已签发的检查点不符，日志被改写过。请运行：registry log check",
            f"The first {stated.size} entries are not those the signed checkpoint is about: the log was rewritten. "
            "Run: registry log check",
        )


def _make_missing_key_error(path: Path, why: InvalidInput | None = None) -> SigningKeyMissing:
    """The refusal where the key's file is not there, or (``why``) cannot be read."""
    return SigningKeyMissing(
        f"签名密钥 {path} {'无法读取' if why else '不在'}，无法签发日志，所以现在不能写入名录；查询和核验照常。"
        "请管理员放回密钥文件；若已遗失：registry log rotate --lost",
        f"The signing key {path} {'cannot be read' if why else 'is not there'}: the log could not be signed, so "
        "nothing is appended; searching and checking go on. Whoever runs the register puts the file back; if it is "
        "lost: registry log rotate --lost",
    )


def _make_wrong_key_error(path: Path) -> SigningKeyForeign:
    """The refusal where the key's file holds none of the keys that ever signed this log."""
    return SigningKeyForeign(
        f"{path} 中的密钥不是签发本日志的密钥，所以现在不能写入名录；查询和核验照常。请管理员放回原来的密钥文件。",
        f"The key in {path} never signed this log, so nothing is appended; searching and checking go on. Whoever runs "
        "the register puts the right key file back.",
    )


def _make_foreign_checkpoint_error(path: Path) -> CheckpointForeign:
    """The refusal where the published checkpoint was signed by somebody else: they want a fork signed."""
    return CheckpointForeign(
        f"{path} 不是本机密钥签发的检查点，拒绝签发新的，也不接受新记录。请从镜像取回，或在确认数据库未被回退后移走。",
        f"{path} was not signed by a key of this register; nothing new is signed or appended. Take it from a mirror, "
        "or move it away when you are sure that the database was not rolled back.",
    )


def _find_signer_fault(
    connection: sa.Connection,
    last: SignedCheckpoint | None,
    verifiers: Sequence[note.Verifier],
    key: Path,
    checkpoint: Path,
) -> RegistryError | None:
    """What is wrong between keys and checkpoint; None when the keys signed it. ``last``: the one outside the database.

    ``verifiers``: the public halves of every key in the file ``key``, also of retired ones.
    """
    stated = last or checkpoint_store.find_last(connection)
    if stated is None or _is_signed_by(stated, verifiers):
        return None
    mine = {one.public for one in verifiers}
    known = {note.parse_verifier(line).public for line in checkpoint_store.list_vkeys(connection)}
    return (
        _make_foreign_checkpoint_error(checkpoint) if last is not None and mine & known else _make_wrong_key_error(key)
    )


def _is_signed_by(signed: SignedCheckpoint, verifiers: Sequence[note.Verifier]) -> bool:
    # Under the name that the checkpoint itself has: whether it is the right one is asked elsewhere.
    named = [note.Verifier(name=signed.checkpoint.origin, kind=one.kind, public=one.public) for one in verifiers]
    try:
        note.verify_note(signed.note, named)
    except InvalidInput:
        return False
    return True
