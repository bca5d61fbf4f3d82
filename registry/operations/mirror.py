"""A verified copy of another register's log, as a data folder that can be served, checked and queried offline.

One run: read the origin's checkpoint, check that it extends the one held here, fetch the entries in between, check that
they give the signed root, and only then insert them, with that checkpoint, in one transaction. The published files
follow the database. If it is killed at any point, the next run goes on: fetched bundles are kept aside, and checked
again.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from registry.credentials import status_list
from registry.credentials.bundle import BUNDLE_FILE, parse_bundle
from registry.domain.model import Struct
from registry.errors import Conflict, LogDamaged, RegistryError
from registry.log import checkpoint_store, forks, note, replication, store, tiles, trusted_keys
from registry.log.folder import CHECKPOINT, VKEY, LogFolder
from registry.log.forks import HELD, TileRecorder, Verdict
from registry.log.merkle import hash_leaf
from registry.log.note import SignedCheckpoint, Verifier
from registry.log.publish import PublishedLog
from registry.log.remote_log import RemoteLog
from registry.log.tiles import WIDTH, Tile
from registry.log.trusted_keys import OfferedCheckpoint
from registry.proposals import views
from registry.receipts.jws import PublicKey
from registry.settings import Settings
from registry.storage.database import Database
from registry.texts import Message, write_bilingual

#: Called while it works: with a phase and how many entries of it are done.
Progress = Callable[[str, int], None]
_STATE, _STAGED = "mirror", "staged"
#: Bytes of the bundle of status lists: more than a million codes need.
_LONGEST_BUNDLE = 16 << 20


class MirrorResult(Struct, frozen=True):
    """The result of one run: the checkpoint offered, the one held before, and how many entries were gained.

    ``evidence`` is where both checkpoints were saved if they contradict each other; nothing was changed then. ``forks``
    names what was saved by any run that found a fork.
    """

    address: str
    verdict: Verdict
    offered: OfferedCheckpoint
    seen: SignedCheckpoint | None
    gained: int
    evidence: Path | None
    forks: tuple[str, ...]


def update_mirror(
    remote: RemoteLog, folder: Path, given: Sequence[Verifier] = (), progress: Progress | None = None
) -> MirrorResult:
    """Bring the mirror in ``folder`` up to the checkpoint that the log offers; one run at a time.

    CannotAnswer if the log cannot be reached; LogDamaged if its files are not what its checkpoint was signed over;
    Conflict if it is not the log that is mirrored here, or ``folder`` is a register of its own. ``given``: keys to
    trust.
    """
    settings = Settings(data_dir=folder)
    if settings.get_key_file().exists():
        raise _make_own_register_error(folder)
    remote.require_log()  # nothing is created for an address at which there is no log
    report = progress or (lambda _phase, _done: None)
    with LogFolder(folder / _STATE).hold_lock():
        database = Database(settings.get_database_url())
        try:
            database.migrate()
            _require_mirror(database, settings)
            return _MirrorRun(remote, database, PublishedLog(settings), LogFolder(folder / _STATE), report).run(given)
        finally:
            database.close()


class _MirrorRun:
    """One run over an open mirror."""

    def __init__(
        self, remote: RemoteLog, database: Database, published: PublishedLog, state: LogFolder, progress: Progress
    ) -> None:
        self._remote = remote
        self._database = database
        self._published = published
        self._state = state
        self._staged = LogFolder(state.path / _STAGED)
        self._folder = state.path.parent
        self._progress = progress

    def run(self, given: Sequence[Verifier]) -> MirrorResult:
        seen = self._publish_log()  # writes the files of what a killed run inserted
        offered = trusted_keys.verify_offer(
            self._remote.read_checkpoint(), self._remote, self._read_trusted_keys(), given
        )
        is_held = seen is not None and offered.signed.checkpoint.size <= seen.checkpoint.size
        recorder = TileRecorder(self._published.folder.read_tile if is_held else self._remote.read_tile)
        comparison = forks.compare_checkpoints(
            seen.checkpoint if seen else None, offered.signed.checkpoint, recorder.make_tree
        )
        start = seen.checkpoint.size if seen else 0
        if comparison.verdict in HELD:
            trusted_keys.pin_keys(self._state, offered)
            self._add_new_entries(offered, seen, start)
            self._save_credentials(offered)
        return MirrorResult(
            address=self._remote.address,
            verdict=comparison.verdict,
            offered=offered,
            seen=seen,
            gained=offered.signed.checkpoint.size - start if comparison.verdict in HELD else 0,
            evidence=forks.save_evidence(self._state, comparison, seen, offered, recorder) if seen else None,
            forks=forks.list_forks(self._state),
        )

    def _save_credentials(self, offered: OfferedCheckpoint) -> None:
        """Save what only the register can sign: the status lists of its QR codes, if trusted keys signed them."""
        try:
            raw = self._remote.find_extra_file("status-lists/bundle.json", _LONGEST_BUNDLE)
            if raw is None:
                return
            keys = [PublicKey(public=verifier.public) for verifier in self._read_trusted_keys()]
            bundle = parse_bundle(raw)
            if bundle.issuer != offered.signed.checkpoint.origin:
                return
            for uri, text in bundle.lists.items():
                status_list.read_list(text, uri, keys)
        except RegistryError:  # the log is what is mirrored; without fresh lists the former ones are served
            return
        LogFolder(self._folder).write_file(BUNDLE_FILE, raw)

    def _read_trusted_keys(self) -> list[Verifier]:
        """Return the pinned keys; if that file was lost, the keys by which everything held here was verified."""
        with self._database.reading() as connection:
            return trusted_keys.read_pinned_keys(self._state) or [
                note.parse_verifier(line) for line in checkpoint_store.list_vkeys(connection)
            ]

    def _publish_log(self) -> SignedCheckpoint | None:
        return self._published.publish(self._database, lambda done: self._progress("publish", done))

    def _add_new_entries(self, offered: OfferedCheckpoint, seen: SignedCheckpoint | None, start: int) -> None:
        size = offered.signed.checkpoint.size
        if seen is not None and size == start:
            self._replace_signatures(offered, seen)
        else:
            self._fetch_bundles(start, size)
            self._require_signed_root(offered, start)
            self._insert_entries(offered, start)
            self._publish_log()
        shutil.rmtree(self._staged.path, ignore_errors=True)

    def _replace_signatures(self, offered: OfferedCheckpoint, seen: SignedCheckpoint) -> None:
        """Take over other signatures of the same log."""
        folder = self._published.folder
        if seen.note == offered.signed.note and folder.find_file(VKEY) == offered.vkeys.encode():
            return
        with folder.hold_lock():
            folder.write_file(VKEY, offered.vkeys.encode())
            folder.write_file(CHECKPOINT, offered.signed.note)
            with self._database.writing() as connection:
                checkpoint_store.save_checkpoint(connection, offered.signed, offered.vkeys)

    def _fetch_bundles(self, start: int, size: int) -> None:
        """Fetch the entry bundles that are missing; those left by a killed run are not fetched again."""
        for tile in list_bundles(start, size):
            if not self._is_staged(tile):
                self._staged.write_tile(tile, self._remote.read_tile(tile))
            self._progress(write_bilingual("下载"), tile.first_index + tile.width)

    def _is_staged(self, tile: Tile) -> bool:
        try:
            return len(tiles.decode_bundle(self._staged.read_tile(tile))) == tile.width
        except RegistryError:
            return False

    def _read_bodies(self, start: int, size: int) -> Iterator[bytes]:
        for tile in list_bundles(start, size):
            yield from tiles.decode_bundle(self._staged.read_tile(tile))[max(0, start - tile.first_index) :]

    def _require_signed_root(self, offered: OfferedCheckpoint, start: int) -> None:
        """LogDamaged unless the fetched entries, after those held here, give the root that was signed."""
        signed = offered.signed.checkpoint
        frontier = self._published.folder.read_frontier(start)
        frontier.extend(hash_leaf(body) for body in self._read_bodies(start, signed.size))
        if frontier.compute_root() != signed.root:
            file = self._find_altered_file(start, signed.size)
            shutil.rmtree(self._staged.path)
            raise LogDamaged(
                Message(
                    "{address}/{file} 与签名的检查点不符：缺失、被截断或被改动。镜像未作任何改变。",
                    address=self._remote.address,
                    file=file,
                )
            )

    def _find_altered_file(self, start: int, size: int) -> str:
        """Return the first file whose entries do not match the hashes published beside them."""
        for tile in list_bundles(start, size):
            leaves = b"".join(hash_leaf(body) for body in tiles.decode_bundle(self._staged.read_tile(tile)))
            if leaves != self._remote.read_tile(Tile(level=0, index=tile.index, width=tile.width)):
                return f"tile/{tile.path}"
        return "tile"

    def _insert_entries(self, offered: OfferedCheckpoint, start: int) -> None:
        """Insert the entries, and the checkpoint over them, in one transaction."""
        signed = offered.signed.checkpoint
        frontier = self._published.folder.read_frontier(start)
        bodies = self._read_bodies(start, signed.size)
        with self._database.writing() as connection:
            if store.read_head(connection).size != start:
                raise _make_changed_error()
            while chunk := list(itertools.islice(bodies, store.CHUNK)):
                views.apply_entries(connection, replication.insert_entries(connection, chunk))
                frontier.extend(hash_leaf(body) for body in chunk)
                self._progress("append", frontier.size)
            if frontier.compute_root() != signed.root:
                raise _make_changed_error()
            replication.mark_mirror(connection)
            checkpoint_store.save_checkpoint(connection, offered.signed, offered.vkeys)


def list_bundles(start: int, size: int) -> Iterator[Tile]:
    """Return the entry bundles of a log of ``size`` that hold entries after number ``start``."""
    return (tiles.make_tile(None, index, size) for index in range(start // WIDTH, -(-size // WIDTH)))


def _require_mirror(database: Database, settings: Settings) -> None:
    """Mark an empty database as a mirror; Conflict if it is a register of its own."""
    with database.reading() as connection:
        if replication.is_mirror(connection):
            return
        is_used = (
            store.read_head(connection).size > 0
            or LogFolder(settings.get_log_folder()).find_file(CHECKPOINT) is not None
        )
    if is_used:
        raise _make_own_register_error(settings.data_dir)
    with database.writing() as connection:
        replication.mark_mirror(connection)


def _make_own_register_error(folder: Path) -> Conflict:
    return Conflict(Message("{folder} 是一个独立名录的数据文件夹，不能用作镜像；请另选文件夹。", folder=folder))


def _make_changed_error() -> LogDamaged:
    return LogDamaged(Message("镜像在更新途中被他人改动，未作任何改变；请重试。"))
