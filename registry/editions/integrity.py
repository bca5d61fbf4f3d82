"""Whether the files of an edition on disk are what was made: what was altered is neither served nor signed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from registry.editions import jsons
from registry.editions import manifest as manifests
from registry.editions.edition import Edition
from registry.editions.manifest import File, Manifest
from registry.errors import InvalidInput
from registry.receipts.jws import PublicKey
from registry.texts import Message

#: What changes when a file is written to: name, inode, size, times of change of each file.
_FolderState = tuple[tuple[str, int, int, int, int], ...]


class IntegrityChecker:
    """Compares a folder with its manifest, and again only after something in it was touched. Any thread may ask."""

    def __init__(self) -> None:
        self._intact: dict[Path, _FolderState] = {}
        self._lock = threading.Lock()

    def is_intact(self, folder: Path, edition: Edition, keys: Callable[[], Sequence[PublicKey]]) -> bool:
        """Whether every file has the checksum of a manifest that is about this edition and signed by one of ``keys``;
        where there are none (a mirror), the manifest is compared with the entry only."""
        state = _read_folder_state(folder)
        if state is None:
            return False
        with self._lock:
            if self._intact.get(folder) == state:
                return True
        if not _is_unaltered(folder, edition, keys()):
            return False
        with self._lock:
            self._intact[folder] = state
        return True


def _read_folder_state(folder: Path) -> _FolderState | None:
    """Read the state of a folder; None when a file is missing, but the signature may be."""
    files = []
    for name in manifests.FILES:
        try:
            stat = (folder / name).stat()
        except FileNotFoundError:
            if name == manifests.SIGNED:
                continue
            return None
        files.append((name, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns))
    return tuple(files)


def check_files(folder: Path, manifest: Manifest) -> list[File]:
    """Return the files of a manifest, and itself, if each is as it says; InvalidInput naming the first that is not."""
    if [file.name for file in manifest.files] != [*manifests.LISTS, manifests.DIFFERENCE]:
        raise InvalidInput(Message("{manifest} 列出的文件不全。", manifest=manifests.MANIFEST))
    for file in manifest.files:
        try:
            measured = manifests.measure_file(folder / file.name)
        except OSError as error:
            raise _make_missing_error(folder, file.name) from error
        if measured != file:
            raise InvalidInput(
                Message(
                    "{file_name} 与 {manifest} 所记的校验值不符，文件被改动过。",
                    file_name=file.name,
                    manifest=manifests.MANIFEST,
                )
            )
    files = [*manifest.files, manifests.measure_file(folder / manifests.MANIFEST)]
    if read_file(folder, manifests.SUMS) != manifests.format_checksums(files):
        raise InvalidInput(Message("{sums} 与文件不符。", sums=manifests.SUMS))
    return files


def read_file(folder: Path, name: str) -> bytes:
    """Read a file; InvalidInput when it cannot be read."""
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise _make_missing_error(folder, name) from error


def _make_missing_error(folder: Path, name: str) -> InvalidInput:
    return InvalidInput(Message("文件夹 {folder} 中没有 {name}。", folder=folder, name=name))


def _is_unaltered(folder: Path, edition: Edition, keys: Sequence[PublicKey]) -> bool:
    try:
        raw = read_file(folder, manifests.MANIFEST)
        manifest = manifests.decode_manifest(raw)
        if keys:
            manifests.verify_signature((folder / manifests.SIGNED).read_text("ascii"), raw, keys)
        check_files(folder, manifest)
    except (InvalidInput, OSError, UnicodeDecodeError):
        return False
    return manifest.edition == jsons.make_head(edition) and manifest.log == edition.log
