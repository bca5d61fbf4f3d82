"""A folder of public files that is replaced whole: the published log, editions, and what the caller adds."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from registry.errors import Conflict
from registry.log import entry_proofs
from registry.log.publish import PublishedLog
from registry.texts import Message

#: The file by which a folder is known to be one of ours, and which says what it rests on.
MARKER = "static-edition.json"
#: Files that anybody may read, whatever the command's own files are.
_FILE_MODE, _FOLDER_MODE = 0o644, 0o755


class FileTree:
    """The folder while it is made; ``bytes`` and ``files`` count what is in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files = self.bytes = 0

    def write(self, name: PurePosixPath | str, content: bytes) -> None:
        """Write a file, by its path in the folder."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self.files += 1
        self.bytes += len(content)

    def copy_log(self, published: PublishedLog) -> None:
        """Copy the published log as it is served: checkpoint, keys, tiles."""
        source = published.folder.path
        for path in sorted(source.rglob("*")):
            if path.is_file() and not any(part.startswith(".") for part in path.relative_to(source).parts):
                self.write(PurePosixPath("log", *path.relative_to(source).parts), path.read_bytes())

    def write_proof(self, published: PublishedLog, entry: int) -> None:
        """Write the proof of an entry as it is served."""
        self.write(f"log/proof/{entry}.tlog-proof", entry_proofs.make_proof_file(published, entry))

    def copy_edition(self, folder: Path, identifier: str) -> None:
        """Copy the files of an edition below its own address."""
        for path in sorted(folder.iterdir()):
            if path.is_file() and not path.name.startswith("."):
                self.write(PurePosixPath("editions", identifier, path.name), path.read_bytes())


@contextmanager
def replace_folder(target: Path, facts: dict[str, object]) -> Iterator[FileTree]:
    """Make a folder beside ``target`` and put it in its place once it is whole; an earlier one is replaced.

    Conflict where something else is there.
    """
    if target.exists() and not (target / MARKER).is_file() and (not target.is_dir() or any(target.iterdir())):
        raise Conflict(Message("{folder} 不是静态版文件夹，也不是空文件夹，没有写入。", folder=str(target)))
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        tree = FileTree(aside)
        yield tree
        tree.write(MARKER, json.dumps(facts, indent=1).encode() + b"\n")
        for path in [aside, *aside.rglob("*")]:
            path.chmod(_FOLDER_MODE if path.is_dir() else _FILE_MODE)
        old = aside.with_name(f"{aside.name}.old")
        if target.exists():
            target.replace(old)
        aside.replace(target)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
