"""Whether the files of an edition on disk are what was made: what was altered is neither served nor signed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from registry.editions import jsons, manifest
from registry.editions.edition import Edition
from registry.errors import InvalidInput
from registry.receipts.jwks import PublicKey

#: Of a file, what changes when somebody writes to it: inode, size, times of change.
_Marks = tuple[tuple[str, int, int, int, int], ...]


class IntegrityChecker:
    """Compares a folder with its manifest, and again only after something in it was touched. Any thread may ask."""

    def __init__(self) -> None:
        self._seen: dict[Path, _Marks] = {}
        self._lock = threading.Lock()

    def is_intact(self, folder: Path, edition: Edition, keys: Callable[[], Sequence[PublicKey]]) -> bool:
        """Whether every file has the checksum of a manifest that is about this edition and signed by one of ``keys``;
        where there are none (a mirror), the manifest is compared with the entry only."""
        marks = _read_marks(folder)
        if marks is None:
            return False
        with self._lock:
            if self._seen.get(folder) == marks:
                return True
        if not _is_unaltered(folder, edition, keys()):
            return False
        with self._lock:
            self._seen[folder] = marks
        return True


def _read_marks(folder: Path) -> _Marks | None:
    """None when a file is missing; the signature may be."""
    found = []
    for name in manifest.FILES:
        try:
            stat = (folder / name).stat()
        except FileNotFoundError:
            if name == manifest.SIGNED:
                continue
            return None
        found.append((name, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns))
    return tuple(found)


def _is_unaltered(folder: Path, edition: Edition, keys: Sequence[PublicKey]) -> bool:
    try:
        raw = (folder / manifest.MANIFEST).read_bytes()
        told = manifest.decode_manifest(raw)
        if keys:
            manifest.verify_signature((folder / manifest.SIGNED).read_text("ascii"), raw, keys)
        if told.edition != jsons.make_head(edition) or told.log != edition.log:
            return False
        if [one.name for one in told.files] != [*manifest.LISTS, manifest.DIFFERENCE]:
            return False
        every = [manifest.measure_file(folder / one.name) for one in told.files]
        sums = manifest.format_checksums([*every, manifest.measure_file(folder / manifest.MANIFEST)])
        return every == told.files and (folder / manifest.SUMS).read_bytes() == sums
    except (InvalidInput, OSError, UnicodeDecodeError):
        return False
