"""Publishing the log: after each append its tiles are written and a checkpoint is signed that extends the last one.

The last signed checkpoint is in a file outside the database (``LogFolder``) and, so that every machine serves the same
one, in the database too. Nothing is signed that does not extend both, and nothing is appended that could not be signed
and published afterwards: a database that was rolled back or rewritten, a lost key or a full disk is found before.
"""

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
from registry.log import checkpoint_store, four_eyes, note, replication, signing_keys, store
from registry.log.clock_check import ClockCheck
from registry.log.folder import CHECKPOINT, VKEY, LogFolder
from registry.log.merkle import Frontier
from registry.log.note import Checkpoint, SignedCheckpoint, parse_signed_checkpoint
from registry.settings import Settings
from registry.storage.database import Database
from registry.storage.fault_board import MIB, check_free_space, check_writable
from registry.texts import FixedText, Message, write_bilingual

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
            message = Message(
                "{where} 不是签名的检查点，被改动过；请从镜像取回，或在确认数据库未被回退后移走，再运行："
                "registry log checkpoint",
                where=where,
            )
            raise LogDamaged(message) from error

    def get_checkpoint(self) -> SignedCheckpoint:
        """The last checkpoint published here; CannotAnswer before the first."""
        checkpoint = self.find_checkpoint()
        if checkpoint is None:
            raise CannotAnswer(Message("日志尚未签发检查点；请在持有签名密钥的机器上运行：registry log checkpoint"))
        return checkpoint

    def get_origin(self) -> str:
        """The name of the log: that of its last checkpoint, which never changes; before the first, that of the
        settings.
        """
        last = self.find_checkpoint()
        configured = note.check_name(self._settings.get_log_origin())
        name = last.checkpoint.origin if last is not None else configured
        if self._settings.log_origin and configured != name:
            message = Message(
                "REGISTRY_LOG_ORIGIN 为 {configured}，而日志名称已定为 {name}，不可更改。",
                configured=configured,
                name=name,
            )
            raise InvalidInput(message)
        return name

    def load_keys(self) -> list[signing_keys.Key]:
        """The signing keys of this machine, oldest first; none where there is no key file."""
        path = self._settings.get_key_file()
        return signing_keys.load_keys(path) if path.exists() else []

    def list_verifiers(self, *, retired: bool = False) -> list[note.Verifier]:
        """The public halves of the keys in use, oldest first; with ``retired`` of every key there ever was."""
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
        """The public keys of a log whose key file is missing, oldest first, also those retired before."""
        if self._settings.get_key_file().exists():
            return []
        lines = dict.fromkeys([*checkpoint_store.list_vkeys(connection), *self.read_vkeys()])
        return [note.parse_verifier(line) for line in lines]

    # --- writing -----------------------------------------------------------------------------------------------------

    def publish(self, database: Database, progress: Progress | None = None) -> SignedCheckpoint | None:
        """Write tiles and sign a checkpoint for the entries the log has gained; return the last checkpoint.

        Without a signing key the checkpoints that another machine signed are taken over instead. LogDamaged, and
        nothing signed or changed, when the log does not extend what was published before.
        """
        with self.folder.hold_lock():
            with database.reading() as connection:
                self._take_over_checkpoint(connection, progress)
                head = store.read_head(connection).size
                self._require_extension(connection)
                signed = self._sign_checkpoint(connection, head, progress)
                stored = checkpoint_store.find_last(connection)
            if signed is not None and (stored is None or stored.note != signed.note):
                with database.writing() as connection:
                    checkpoint_store.save_checkpoint(connection, signed, (self.folder.find_file(VKEY) or b"").decode())
        return signed

    def try_publish(self, database: Database, quiet: bool = False) -> RegistryError | None:
        """Publish, and return the error that prevented it, logged unless ``quiet``; None when it succeeded."""
        try:
            self.publish(database)
        except RegistryError as error:
            fault = error
        except (OSError, sa.exc.SQLAlchemyError) as error:
            fault = find_storage_fault(error, self.folder.path) or LogDamaged(FixedText(repr(error)))
        else:
            return None
        if not quiet:
            _log.error("%s: %s", write_bilingual("尚未签发检查点，稍后会再试"), fault.zh)
        return fault

    def require_appendable(self, connection: sa.Connection, size: int = 0) -> None:
        """Refuse to append ``size`` bytes of drafts that could not be signed and published; called before each append.

        Conflict in a mirror. LogRolledBack or LogDamaged unless this database holds the log that was published;
        SigningKeyMissing, SigningKeyForeign, CheckpointForeign; StorageFull, StorageReadOnly.
        """
        self.require_extension(connection)
        if fault := self.find_signer_fault(connection):
            raise fault
        self.check_free_space(size)
        check_writable(self.folder.path)

    def check_free_space(self, size: int = 0) -> None:
        """Raise StorageFull unless ``size`` bytes of drafts fit on the disks of the database and the log folder."""
        reserve = self._settings.storage_reserve * MIB
        if (file := self._settings.find_database_file()) is not None:
            check_free_space(file.parent, size * GROWTH, reserve)
        check_free_space(self.folder.path, size * GROWTH_PUBLISHED, reserve)

    def find_signer_fault(self, connection: sa.Connection) -> RegistryError | None:
        """The error that keeps this machine from signing; None when it can sign, or where nothing was signed yet."""
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
        return _find_signer_fault(connection, last, keys, path, self.folder.path / CHECKPOINT)

    def require_extension(self, connection: sa.Connection) -> None:
        """Raise LogDamaged unless this database extends the published log by entries that were approved.

        Conflict in a mirror; ClockWrong where an entry would get a wrong time.
        """
        replication.refuse_mirror(connection)
        self._require_extension(connection)
        self.clock.require_right_clock(connection)

    def refuse_rollback(self, connection: sa.Connection) -> None:
        """Raise LogRolledBack when this database holds less than was published: a proposal made in it would be lost
        with it, or rest on a state that is no longer so.
        """
        last = self.find_checkpoint()
        size = last.checkpoint.size if last else 0
        stored_size = store.read_head(connection).size
        if stored_size < size:
            raise make_log_rollback_error(stored_size, size)

    def require_published_prefix(self, connection: sa.Connection) -> None:
        """Raise LogRolledBack or LogDamaged unless this database holds the published log; called before answering."""
        self.refuse_rollback(connection)
        last = self.find_checkpoint()
        size = last.checkpoint.size if last else 0
        published = self._find_published_leaf(size) if size else None
        if published is not None and published != store.find_leaf(connection, size):
            raise LogDamaged(
                Message("日志第{size}条与已公布的不一致，日志被改写过。请运行：registry log check", size=size),
                entry=size,
            )

    def _require_extension(self, connection: sa.Connection) -> None:
        self.require_published_prefix(connection)
        last = self.find_checkpoint()
        four_eyes.check_entries(connection, after=last.checkpoint.size if last else 0)

    def _find_published_leaf(self, number: int) -> bytes | None:
        """The published leaf hash; None where the tile was lost, which ``publish`` mends or refuses."""
        try:
            return self.folder.make_tree(number)(0, number - 1)
        except (NotFound, LogDamaged):
            return None

    def _take_over_checkpoint(self, connection: sa.Connection, progress: Progress | None) -> None:
        """Bring the folder up to the checkpoint in the database: another machine signed it, or the folder was lost."""
        stored = checkpoint_store.find_last(connection)
        last = self.find_checkpoint()
        if last is not None:
            self._mend_tiles(connection, last, progress)
        if stored is None or (last is not None and self._is_up_to_date(last, stored)):
            return
        if self.load_keys():
            if fault := self.find_signer_fault(connection):
                raise fault
        else:
            self.folder.write_file(VKEY, checkpoint_store.read_vkeys(connection).encode())
        size = last.checkpoint.size if last else 0
        frontier = self.folder.append_entries(
            size, store.read_verified_entries(connection, size, stored.checkpoint.size), progress
        )
        _require_root(frontier, stored.checkpoint)
        self.folder.write_file(CHECKPOINT, stored.note)

    def _is_up_to_date(self, last: SignedCheckpoint, stored: SignedCheckpoint) -> bool:
        """Whether the published checkpoint is as new as the one in the database; without a key, the very same note."""
        if last.checkpoint.size == stored.checkpoint.size and not self.load_keys():
            return last.note == stored.note  # signed anew by another machine: a key came or went
        return last.checkpoint.size >= stored.checkpoint.size

    def _mend_tiles(self, connection: sa.Connection, last: SignedCheckpoint, progress: Progress | None) -> None:
        """Write lost tiles again, if the database still gives the root that was signed."""
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

    def rewrite_tiles(self, connection: sa.Connection, signed: Checkpoint, progress: Progress | None = None) -> None:
        """Write every tile anew from the database; LogDamaged, before anything is written, if that is another log."""
        frontier = Frontier()
        frontier.extend(leaf for _, leaf in store.read_verified_entries(connection, 0, signed.size))
        _require_root(frontier, signed)
        self.folder.append_entries(0, store.read_verified_entries(connection, 0, signed.size), progress)

    def _sign_checkpoint(
        self, connection: sa.Connection, head: int, progress: Progress | None
    ) -> SignedCheckpoint | None:
        """Sign a checkpoint of ``head`` with every key in use; the last one where nothing has changed."""
        last = self.find_checkpoint()
        keys = [key for key in self.load_keys() if not key.is_retired]
        if not keys or replication.is_mirror(connection):  # whose key would sign what others decided
            return last
        origin = self.get_origin()
        # Whoever put a checkpoint there that no key of ours signed wants a fork signed.
        if last is not None and (fault := self.find_signer_fault(connection)):
            raise fault
        size = last.checkpoint.size if last else 0
        frontier = self.folder.append_entries(size, store.read_verified_entries(connection, size, head), progress)
        text = Checkpoint(origin=origin, size=head, root=frontier.compute_root()).text
        signed_note = note.sign_text(text, origin, keys).encode()
        vkeys = note.format_vkeys(self.list_verifiers()).encode()
        if self.folder.find_file(VKEY) != vkeys:
            self.folder.write_file(VKEY, vkeys)
        if last is not None and signed_note == last.note:
            return last
        self.folder.write_file(CHECKPOINT, signed_note)
        return parse_signed_checkpoint(signed_note)

    def has_stored_checkpoint(self, database: Database) -> bool:
        """Whether the database holds a signed checkpoint, of this machine or another."""
        with database.reading() as connection:
            return checkpoint_store.find_last(connection) is not None


def _require_root(frontier: Frontier, signed: Checkpoint) -> None:
    if frontier.compute_root() != signed.root:
        message = Message(
            "数据库前{signed_size}条日志与已签发的检查点不符，日志被改写过。请运行：registry log check",
            signed_size=signed.size,
        )
        raise LogDamaged(message)


def _make_missing_key_error(path: Path, cause: InvalidInput | None = None) -> SigningKeyMissing:
    """The refusal where the key file is missing, or (``cause``) cannot be read."""
    message = Message(
        "签名密钥 {path} {word}，无法签发日志，所以现在不能写入名录；查询和核验照常。"
        "请管理员放回密钥文件；若已遗失：registry log rotate --lost",
        path=path,
        word=(Message("无法读取") if cause else Message("不在")),
    )
    return SigningKeyMissing(message)


def _find_signer_fault(
    connection: sa.Connection,
    last: SignedCheckpoint | None,
    keys: Sequence[signing_keys.Key],
    key_file: Path,
    checkpoint: Path,
) -> RegistryError | None:
    """The disagreement between keys and checkpoint; None when a key signed it. ``last``: the one outside the database.

    ``keys``: every key in ``key_file``, also retired ones.
    """
    signed = last or checkpoint_store.find_last(connection)
    if signed is None or _is_signed_by(signed, keys):
        return None
    own_keys = {key.public for key in keys}
    log_keys = {note.parse_verifier(line).public for line in checkpoint_store.list_vkeys(connection)}
    if last is not None and own_keys & log_keys:  # somebody else signed it, who wants a fork signed
        message = Message(
            "{path} 不是本机密钥签发的检查点，拒绝签发新的，也不接受新记录。请从镜像取回，"
            "或在确认数据库未被回退后移走。",
            path=checkpoint,
        )
        return CheckpointForeign(message)
    message = Message(
        "{path} 中的密钥不是签发本日志的密钥，所以现在不能写入名录；查询和核验照常。请管理员放回原来的密钥文件。",
        path=key_file,
    )
    return SigningKeyForeign(message)


def _is_signed_by(signed: SignedCheckpoint, keys: Sequence[signing_keys.Key]) -> bool:
    # Under the name that the checkpoint itself has: whether it is the right one is asked elsewhere.
    origin = signed.checkpoint.origin
    named = [note.Verifier(name=origin, kind=note.ED25519, public=key.public) for key in keys]
    try:
        note.verify_note(signed.note, named)
    except InvalidInput:
        return False
    return True
