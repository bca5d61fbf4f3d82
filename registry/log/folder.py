"""The published log as static files: the last signed checkpoint, the verifier keys, tiles and entry bundles.

The folder can be served as it is by any web server, at ``/log``. Every file is written aside, flushed, and renamed, so
that a reader and a killed process never leave half of one. Files of tiles never change once a checkpoint names them.
"""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from registry.errors import NotFound
from registry.log import tiles
from registry.log.merkle import Frontier, list_subtrees
from registry.log.tiles import HASH, WIDTH, Tile
from registry.storage import rights
from registry.storage.locks import lock_wait, make_write_busy_error
from registry.texts import Message

CHECKPOINT, VKEY = "checkpoint", "vkey"


class LogFolder:
    """One published log on disk. It may be read at any time; writers hold ``hold_lock``."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def hold_lock(self) -> Iterator[None]:
        """Let one process of this machine write at a time; Busy when another one takes longer than ``lock_wait``."""
        self._make_folder()
        patience = lock_wait.get().seconds
        lock = FileLock(self.path / ".lock", timeout=patience, mode=rights.PRIVATE_FILE)  # who can open it can hold it
        try:
            lock.acquire()
        except Timeout as error:
            raise make_write_busy_error() from error
        try:
            yield
        finally:
            lock.release()

    def _make_folder(self) -> int:
        """Make the folder, as open as its parent; return its rights, which new files in it get too."""
        if not self.path.is_dir():
            rights.make_folder(self.path, rights.inherit_mode(self.path))
        return rights.PRIVATE_FOLDER | (self.path.stat().st_mode & 0o055)

    def find_file(self, name: str) -> bytes | None:
        """The bytes of ``checkpoint`` or ``vkey``; None before there is one."""
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError:
            return None

    def write_file(self, name: str, content: bytes) -> None:
        """Write a file whole or not at all, and durably."""
        target = self.path / name
        mode = self._make_folder()
        rights.make_folder(target.parent, mode)
        aside = target.with_name(f".{target.name}.new")
        with aside.open("wb") as file:
            rights.set_mode(file.fileno(), mode & 0o666)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(target)
        if name == CHECKPOINT:  # what names all other files: its new name must survive a power cut too
            folder = os.open(self.path, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)

    def read_checkpoint_stamp(self) -> object:
        """A value that changes whenever the checkpoint is replaced."""
        try:
            status = (self.path / CHECKPOINT).stat()
        except FileNotFoundError:
            return False
        return status.st_ino, status.st_mtime_ns, status.st_size

    def read_last_write_time(self) -> float:
        """When the checkpoint, the keys and the last tiles were last written: seconds since 1970 by the clock of that
        time; 0 before there is any file.
        """
        newest = 0.0
        for path in (self.path / CHECKPOINT, self.path / VKEY, *self._list_last_files()):
            try:
                newest = max(newest, path.stat().st_mtime)
            except OSError:  # not there, or just replaced
                continue
        return newest

    def _list_last_files(self) -> list[Path]:
        """The last file or folder at each level of the folders of the lowest tiles and of the entry bundles."""
        paths: list[Path] = []
        for kind in ("0", "entries"):
            place = self.path / "tile" / kind
            while place.is_dir() and (names := [child.name for child in place.iterdir() if child.name[0] != "."]):
                place = place / max(names, key=lambda name: (len(name.split(".")[0]), name))
                paths.append(place)
        return paths

    def read_tile(self, tile: Tile) -> bytes:
        """Read a tile or bundle of that width, cut from a wider one if necessary; NotFound when there is none."""
        for width in sorted({*(width for width in self.list_partial_widths(tile) if width >= tile.width), WIDTH}):
            try:
                raw = self._get_tile_path(Tile(level=tile.level, index=tile.index, width=width)).read_bytes()
            except FileNotFoundError:
                continue  # replaced by a wider one since we looked
            return raw if width == tile.width else tiles.narrow_tile(raw, tile)
        raise NotFound(Message("日志中没有分片 {tile_path}。", tile_path=tile.path))

    def list_partial_widths(self, tile: Tile) -> list[int]:
        """The widths of the unfinished files of a tile: one for each checkpoint that ended in it."""
        partial = self._get_tile_path(Tile(level=tile.level, index=tile.index, width=1)).parent
        return sorted(int(name.name) for name in partial.glob("[0-9]*")) if partial.is_dir() else []

    def _get_tile_path(self, tile: Tile) -> Path:
        return self.path / "tile" / tile.path

    def make_tree(self, size: int) -> tiles.TileTree:
        """The hashes of the log at a size, from the tiles."""
        return tiles.TileTree(size, self.read_tile)

    def read_frontier(self, size: int) -> Frontier:
        """The right edge of the log at a size, from the tiles; NotFound or LogDamaged when they do not hold it."""
        tree = self.make_tree(size)
        return Frontier.from_subtrees(size, [tree(level, index) for level, index in list_subtrees(0, size)])

    def append_entries(
        self, size: int, entries: Iterable[tuple[bytes, bytes]], progress: Callable[[int], None] | None = None
    ) -> Frontier:
        """Write the tiles for entries (bytes, leaf hash) that follow the first ``size``; return the new right edge."""
        writer = _TileWriter(self, size)
        for number, (body, leaf) in enumerate(entries, start=size + 1):
            writer.append(body, leaf)
            if progress and number % 10_000 == 0:
                progress(number)
        writer.close()
        return writer.frontier

    def write_tile(self, tile: Tile, content: bytes) -> None:
        """Write one tile; a full one replaces its partial ones."""
        self.write_file(f"tile/{tile.path}", content)
        if tile.width == WIDTH:
            shutil.rmtree(
                self._get_tile_path(Tile(level=tile.level, index=tile.index, width=1)).parent, ignore_errors=True
            )


class _TileWriter:
    """Appends entries to the last tiles of every level; writes each tile when it is full and the rest at the end."""

    def __init__(self, folder: LogFolder, size: int) -> None:
        self._folder = folder
        self.frontier = folder.read_frontier(size)
        self._start = self._size = size
        self._bundle = bytearray(self._read_partial_tile(None))
        self._hashes: list[bytearray] = []
        while tiles.count_hashes(len(self._hashes), size):
            self._hashes.append(bytearray(self._read_partial_tile(len(self._hashes))))

    def _read_partial_tile(self, level: int | None) -> bytes:
        """The present content of the partial tile at the end of a level."""
        count = tiles.count_hashes(level or 0, self._start)
        if count % WIDTH == 0:
            return b""
        return self._folder.read_tile(tiles.make_tile(level, count // WIDTH, self._start))

    def append(self, body: bytes, leaf: bytes) -> None:
        self.frontier.append(leaf)
        self._bundle += tiles.encode_bundle([body])
        self._size += 1
        if self._size % WIDTH == 0:
            self._folder.write_tile(Tile(level=None, index=self._size // WIDTH - 1), bytes(self._bundle))
            self._bundle.clear()
        self._add_hash(0, leaf)

    def _add_hash(self, level: int, value: bytes) -> None:
        if level == len(self._hashes):
            self._hashes.append(bytearray())
        self._hashes[level] += value
        if len(self._hashes[level]) == WIDTH * HASH:
            full = bytes(self._hashes[level])
            self._hashes[level].clear()
            self._folder.write_tile(Tile(level=level, index=tiles.count_hashes(level, self._size) // WIDTH - 1), full)
            self._add_hash(
                level + 1, tiles.compute_subtree_root([full[i : i + HASH] for i in range(0, len(full), HASH)])
            )

    def close(self) -> None:
        """Write the partial tiles that have grown."""
        if self._bundle and self._size > self._start:
            self._folder.write_tile(tiles.make_tile(None, self._size // WIDTH, self._size), bytes(self._bundle))
        for level, hashes in enumerate(self._hashes):
            count = tiles.count_hashes(level, self._size)
            if hashes and count > tiles.count_hashes(level, self._start):
                self._folder.write_tile(tiles.make_tile(level, count // WIDTH, self._size), bytes(hashes))
