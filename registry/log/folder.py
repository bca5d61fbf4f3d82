"""The published log as static files: the last signed checkpoint, the verifier keys, tiles and entry bundles.

The folder can be served as it is by any web server, at ``/log``. Every file is written aside, flushed, and renamed, so
that a reader and a killed process never leave half of one. Files of tiles never change once a checkpoint names them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from registry.errors import NotFound
from registry.locks import busy_writing, lock_wait
from registry.log import tiles
from registry.log.merkle import Frontier
from registry.log.proofs import subtrees
from registry.log.tiles import HASH, WIDTH, Tile
from registry.storage import rights

CHECKPOINT, VKEY = "checkpoint", "vkey"


class Folder:
    """One published log on disk. What reads it may run at any time; what writes it holds ``lock``."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def lock(self) -> Iterator[None]:
        """One writer at a time, among all processes of this machine; Busy when another one takes longer than
        ``lock_wait``."""
        self._make()
        patience = lock_wait.get().seconds
        lock = FileLock(self.path / ".lock", timeout=patience, mode=rights.PRIVATE_FILE)  # who can open it can hold it
        try:
            lock.acquire()
        except Timeout as error:
            raise busy_writing() from error
        try:
            yield
        finally:
            lock.release()

    def _make(self) -> int:
        """Make the folder, as open as the one it lies in; the rights it has, which what is written into it gets too."""
        if not self.path.is_dir():
            rights.make_folder(self.path, rights.mode_within(self.path))
        return rights.PRIVATE_FOLDER | (self.path.stat().st_mode & 0o055)

    def get(self, name: str) -> bytes | None:
        """The bytes of ``checkpoint`` or ``vkey``; None before there is one."""
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError:
            return None

    def put(self, name: str, content: bytes) -> None:
        """Write a file whole or not at all, and durably."""
        target = self.path / name
        mode = self._make()
        rights.make_folder(target.parent, mode)
        aside = target.with_name(f".{target.name}.new")
        with aside.open("wb") as file:
            rights.give(file.fileno(), mode & 0o666)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(target)
        if name == CHECKPOINT:  # what names all other files: its new name must survive a power cut too
            folder = os.open(self.path, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)

    def changed(self) -> object:
        """A value that is another one after the checkpoint was replaced; the same while there is none."""
        try:
            there = (self.path / CHECKPOINT).stat()
        except FileNotFoundError:
            return False
        return there.st_ino, there.st_mtime_ns, there.st_size

    def written_at(self) -> float:
        """When the last of the checkpoint, the keys and the tiles of its end was written: seconds since 1970, by the
        clock of that time; 0 before there is anything."""
        newest = 0.0
        for path in (self.path / CHECKPOINT, self.path / VKEY, *self._ends()):
            try:
                newest = max(newest, path.stat().st_mtime)
            except OSError:  # not there, or just replaced
                continue
        return newest

    def _ends(self) -> list[Path]:
        """The last file or folder in the folders of the lowest tiles and of the entry bundles, level by level down."""
        found: list[Path] = []
        for kind in ("0", "entries"):
            place = self.path / "tile" / kind
            while place.is_dir() and (inside := [one.name for one in place.iterdir() if one.name[0] != "."]):
                place = place / max(inside, key=lambda name: (len(name.split(".")[0]), name))
                found.append(place)
        return found

    def read(self, tile: Tile) -> bytes:
        """A tile or bundle of that width, cut from a wider one where need be; NotFound when there is none."""
        for width in sorted({*(width for width in self.widths(tile) if width >= tile.width), WIDTH}):
            try:
                raw = self._file(Tile(level=tile.level, index=tile.index, width=width)).read_bytes()
            except FileNotFoundError:
                continue  # replaced by a wider one since we looked
            if width == tile.width:
                return raw
            if tile.level is None:
                return tiles.bundle(tiles.unbundled(raw)[: tile.width])
            return raw[: tile.width * HASH]
        raise NotFound(f"日志中没有分片 {tile.path}。", f"The log has no tile {tile.path}.")

    def widths(self, tile: Tile) -> list[int]:
        """The widths in which the tile lies here unfinished: one for each checkpoint that ended in it."""
        partial = self._file(Tile(level=tile.level, index=tile.index, width=1)).parent
        return sorted(int(name.name) for name in partial.glob("[0-9]*")) if partial.is_dir() else []

    def _file(self, tile: Tile) -> Path:
        return self.path / "tile" / tile.path

    def tree(self, size: int) -> tiles.Tree:
        """The hashes of the log at a size, from the tiles."""
        return tiles.Tree(size, self.read)

    def frontier(self, size: int) -> Frontier:
        """The right edge of the log at a size, from the tiles; NotFound or LogDamaged when they do not hold it."""
        tree = self.tree(size)
        return Frontier.of(size, [tree(level, index) for level, index in subtrees(0, size)])

    def extend(
        self, size: int, entries: Iterable[tuple[bytes, bytes]], progress: Callable[[int], None] | None = None
    ) -> Frontier:
        """Write the tiles of a log of ``size`` that gains (bytes, leaf hash) entries; its right edge afterwards."""
        writer = _Writer(self, size)
        for number, (body, leaf) in enumerate(entries, start=size + 1):
            writer.append(body, leaf)
            if progress and number % 10_000 == 0:
                progress(number)
        writer.close()
        return writer.frontier

    def write(self, tile: Tile, content: bytes) -> None:
        """Write one tile; the partial ones it completes are no longer needed by anyone."""
        self.put(f"tile/{tile.path}", content)
        if tile.width == WIDTH:
            shutil.rmtree(self._file(Tile(level=tile.level, index=tile.index, width=1)).parent, ignore_errors=True)


class _Writer:
    """Appends entries to the last tiles of every level, writing each tile when it is full and the rest at the end."""

    def __init__(self, folder: Folder, size: int) -> None:
        self._folder = folder
        self.frontier = folder.frontier(size)
        self._start = self._size = size
        self._bundle = bytearray(self._last(None))
        self._hashes: list[bytearray] = []
        while tiles.count(len(self._hashes), size):
            self._hashes.append(bytearray(self._last(len(self._hashes))))

    def _last(self, level: int | None) -> bytes:
        """What the partial tile at the end of a level holds so far."""
        held = tiles.count(level or 0, self._start)
        if held % WIDTH == 0:
            return b""
        return self._folder.read(tiles.at(level, held // WIDTH, self._start))

    def append(self, body: bytes, leaf: bytes) -> None:
        self.frontier.append(leaf)
        self._bundle += tiles.bundle([body])
        self._size += 1
        if self._size % WIDTH == 0:
            self._folder.write(Tile(level=None, index=self._size // WIDTH - 1), bytes(self._bundle))
            self._bundle.clear()
        self._add(0, leaf)

    def _add(self, level: int, value: bytes) -> None:
        if level == len(self._hashes):
            self._hashes.append(bytearray())
        self._hashes[level] += value
        if len(self._hashes[level]) == WIDTH * HASH:
            full = bytes(self._hashes[level])
            self._hashes[level].clear()
            self._folder.write(Tile(level=level, index=tiles.count(level, self._size) // WIDTH - 1), full)
            self._add(level + 1, tiles.perfect([full[i : i + HASH] for i in range(0, len(full), HASH)]))

    def close(self) -> None:
        """Write the partial tiles that have grown."""
        if self._bundle and self._size > self._start:
            self._folder.write(tiles.at(None, self._size // WIDTH, self._size), bytes(self._bundle))
        for level, hashes in enumerate(self._hashes):
            count = tiles.count(level, self._size)
            if hashes and count > tiles.count(level, self._start):
                self._folder.write(tiles.at(level, count // WIDTH, self._size), bytes(hashes))
