"""A verified copy of another register's log, as a data folder that can be served, checked and asked offline.

One run: take the origin's checkpoint, see that it extends the one held here, fetch the entries in between, see that
they give the root that was signed, and only then let them in, with that checkpoint, in one transaction. The published
files follow the database. Killed at any point, the next run goes on: what was fetched is kept aside, and checked again.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from registry import views
from registry.database import Database
from registry.errors import Conflict, LogDamaged, RegistryError
from registry.log import copy, forks, mirrored, note, pinned, shared, store, tiles
from registry.log.folder import CHECKPOINT, VKEY, Folder
from registry.log.forks import HELD, Recorded, Verdict
from registry.log.merkle import leaf_hash
from registry.log.note import Verifier
from registry.log.pinned import Offered
from registry.log.publish import PublishedLog
from registry.log.remote import Remote
from registry.log.shared import Signed
from registry.log.tiles import WIDTH, Tile
from registry.model import Struct
from registry.settings import Settings

#: Told while it works: a phase and how many entries of it are done.
Progress = Callable[[str, int], None]
_STATE, _STAGED = "mirror", "staged"


class Mirrored(Struct, frozen=True):
    """What one run came to: the checkpoint offered, the one held before, and how many entries were gained.

    ``evidence`` is where both checkpoints were kept when they do not fit; nothing was changed then. ``forks`` names
    what was kept of any run that found one.
    """

    address: str
    verdict: Verdict
    offered: Offered
    seen: Signed | None
    gained: int
    evidence: Path | None
    forks: tuple[str, ...]


def run(remote: Remote, folder: Path, given: Sequence[Verifier] = (), progress: Progress | None = None) -> Mirrored:
    """Bring the mirror in ``folder`` up to the checkpoint that the log offers; one run at a time.

    CannotAnswer when the log cannot be asked; LogDamaged when its files are not what its checkpoint was signed over;
    Conflict when it is not the log that is mirrored here, or ``folder`` is a register of its own.
    """
    settings = Settings(data_dir=folder)
    if settings.key_file().exists():
        raise _own_register(folder)
    remote.find()  # nothing is made for an address at which there is no log
    told = progress or (lambda _phase, _done: None)
    with Folder(folder / _STATE).lock():
        database = Database(settings.url())
        try:
            database.migrate()
            _require_mirror(database, settings)
            return _Run(remote, database, PublishedLog(settings), Folder(folder / _STATE), told).run(given)
        finally:
            database.close()


class _Run:
    """One run over an open mirror."""

    def __init__(
        self, remote: Remote, database: Database, published: PublishedLog, state: Folder, told: Progress
    ) -> None:
        self._remote = remote
        self._database = database
        self._published = published
        self._state = state
        self._staged = Folder(state.path / _STAGED)
        self._told = told

    def run(self, given: Sequence[Verifier]) -> Mirrored:
        seen = self._publish()  # what a killed run let in has its files now
        offered = pinned.verified(self._remote.checkpoint(), self._remote, self._trusted(), given)
        is_ours = seen is not None and offered.signed.checkpoint.size <= seen.checkpoint.size
        recorded = Recorded(self._published.folder.read if is_ours else self._remote.read)
        found = forks.compare(seen.checkpoint if seen else None, offered.signed.checkpoint, recorded.tree)
        start = seen.checkpoint.size if seen else 0
        if found.verdict in HELD:
            pinned.pin(self._state, offered)
            self._take(offered, seen, start)
        return Mirrored(
            address=self._remote.address,
            verdict=found.verdict,
            offered=offered,
            seen=seen,
            gained=offered.signed.checkpoint.size - start if found.verdict in HELD else 0,
            evidence=forks.keep(self._state, found, seen, offered, recorded) if seen else None,
            forks=forks.kept(self._state),
        )

    def _trusted(self) -> list[Verifier]:
        """The pinned keys; where that file was lost, the keys that everything held here was verified by."""
        with self._database.reading() as connection:
            return pinned.keys(self._state) or [note.verifier(line) for line in shared.every_vkey(connection)]

    def _publish(self) -> Signed | None:
        return self._published.publish(self._database, lambda done: self._told("publish", done))

    def _take(self, offered: Offered, seen: Signed | None, start: int) -> None:
        size = offered.signed.checkpoint.size
        if seen is not None and size == start:
            self._take_signatures(offered, seen)
        else:
            self._stage(start, size)
            self._require_signed(offered, start)
            self._insert(offered, start)
            self._publish()
        shutil.rmtree(self._staged.path, ignore_errors=True)

    def _take_signatures(self, offered: Offered, seen: Signed) -> None:
        """The same log as before, signed by other keys."""
        folder = self._published.folder
        if seen.note == offered.signed.note and folder.get(VKEY) == offered.vkeys.encode():
            return
        with folder.lock():
            folder.put(VKEY, offered.vkeys.encode())
            folder.put(CHECKPOINT, offered.signed.note)
            with self._database.writing() as connection:
                shared.put(connection, offered.signed, offered.vkeys)

    def _stage(self, start: int, size: int) -> None:
        """Fetch the entry bundles that are missing; those that lie here from a killed run are not fetched again."""
        for tile in _bundles(start, size):
            if not self._is_staged(tile):
                self._staged.write(tile, self._remote.read(tile))
            self._told("下载 / fetching", tile.first + tile.width)

    def _is_staged(self, tile: Tile) -> bool:
        try:
            return len(tiles.unbundled(self._staged.read(tile))) == tile.width
        except RegistryError:
            return False

    def _bodies(self, start: int, size: int) -> Iterator[bytes]:
        for tile in _bundles(start, size):
            yield from tiles.unbundled(self._staged.read(tile))[max(0, start - tile.first) :]

    def _require_signed(self, offered: Offered, start: int) -> None:
        """The fetched entries, after those held here, give the root that was signed."""
        stated = offered.signed.checkpoint
        frontier = self._published.folder.frontier(start)
        frontier.extend(leaf_hash(body) for body in self._bodies(start, stated.size))
        if frontier.root() != stated.root:
            wrong = self._altered(start, stated.size)
            shutil.rmtree(self._staged.path)
            raise LogDamaged(
                f"{self._remote.address}/{wrong} 与签名的检查点不符：缺失、被截断或被改动。镜像未作任何改变。",
                f"{self._remote.address}/{wrong} is not what the checkpoint was signed over: it is missing something, "
                "or was altered. The mirror is as it was.",
            )

    def _altered(self, start: int, size: int) -> str:
        """The first file in which the entries are not those of the hashes published beside them."""
        for tile in _bundles(start, size):
            leaves = b"".join(leaf_hash(body) for body in tiles.unbundled(self._staged.read(tile)))
            if leaves != self._remote.read(Tile(level=0, index=tile.index, width=tile.width)):
                return f"tile/{tile.path}"
        return "tile"

    def _insert(self, offered: Offered, start: int) -> None:
        """Let the entries in, and the checkpoint over them, in one transaction."""
        stated = offered.signed.checkpoint
        frontier = self._published.folder.frontier(start)
        bodies = self._bodies(start, stated.size)
        with self._database.writing() as connection:
            if store.head(connection).size != start:
                raise _changed()
            while chunk := list(itertools.islice(bodies, store.CHUNK)):
                views.take(connection, copy.take_in(connection, chunk))
                frontier.extend(leaf_hash(body) for body in chunk)
                self._told("append", frontier.size)
            if frontier.root() != stated.root:
                raise _changed()
            mirrored.mark(connection)
            shared.put(connection, offered.signed, offered.vkeys)


def _bundles(start: int, size: int) -> Iterator[Tile]:
    """The entry bundles of a log of ``size`` that hold entries after number ``start``."""
    return (tiles.at(None, index, size) for index in range(start // WIDTH, -(-size // WIDTH)))


def _require_mirror(database: Database, settings: Settings) -> None:
    """Mark an empty database as a mirror; Conflict when it is a register of its own."""
    with database.reading() as connection:
        if mirrored.is_marked(connection):
            return
        is_used = store.head(connection).size > 0 or Folder(settings.log_folder()).get(CHECKPOINT) is not None
    if is_used:
        raise _own_register(settings.data_dir)
    with database.writing() as connection:
        mirrored.mark(connection)


def _own_register(folder: Path) -> Conflict:
    return Conflict(
        f"{folder} 是一个独立名录的数据文件夹，不能用作镜像；请另选文件夹。",
        f"{folder} is the data folder of a register of its own, not of a mirror; choose another folder.",
    )


def _changed() -> LogDamaged:
    return LogDamaged(
        "镜像在更新途中被他人改动，未作任何改变；请重试。",
        "Something changed the mirror while it was brought up to date; nothing was taken in. Run it again.",
    )
