"""The files of an edition: sizes, checksums, the log, one signature; whether the files on disk are what was made.

``manifest.json`` is the same bytes each time; ``manifest.jws`` is a JWS in compact form (RFC 7515, EdDSA) whose payload
is exactly those bytes; ``SHA256SUMS`` is for ``sha256sum -c``. What was altered is neither served nor signed.
"""

import hashlib
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from registry.domain import regions
from registry.domain.answers import LogState
from registry.domain.model import Struct
from registry.editions.content import Totals
from registry.editions.edition import Edition
from registry.errors import InvalidInput
from registry.receipts import jws
from registry.receipts.jws import PublicKey
from registry.texts import Message

FORMAT = 1
TYPE = "art-edition+jws"
#: Stands for a region's code where nobody stated a place.
NOWHERE = "000000"
MANIFEST, SIGNED, SUMS = "manifest.json", "manifest.jws", "SHA256SUMS"
DIFFERENCE = "difference.json"
LISTS = ("list.json", "list.csv", "list.xlsx", "list.docx", "list.pdf", "list.html")
#: Beside the list, in editions that have any: inspections and penalties of its institutions.
SUPERVISION = ("supervision.json", "supervision.csv")
#: What is made from the log, in this order; the signature comes from whoever has the key.
MADE = (*LISTS, DIFFERENCE, MANIFEST, SUMS)
FILES = (*MADE, SIGNED)
MEDIA = {
    "list.json": "application/json",
    "list.csv": "text/csv",
    "list.xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "list.docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "list.pdf": "application/pdf",
    "list.html": "text/html",
    "supervision.json": "application/json",
    "supervision.csv": "text/csv",
    DIFFERENCE: "application/json",
    MANIFEST: "application/json",
    SIGNED: "application/jose",
    SUMS: "text/plain",
}


class File(Struct, frozen=True):
    """One file of an edition: name, size in bytes, SHA-256 (hex)."""

    name: str
    size: int
    sha256: str


class Province(Struct, frozen=True):
    """The number of institutions listed of a province; ``code`` after GB/T 2260, NOWHERE for those of no province."""

    code: str
    name: str
    institutions: int


class Manifest(Struct, frozen=True):
    """An edition and its files. ``issuer`` is the name of the log; ``edition`` says which entry of it states it."""

    format: int
    issuer: str
    edition: dict[str, Any]
    log: LogState
    provinces: list[Province]
    files: list[File]


def make_head(edition: Edition) -> dict[str, Any]:
    """Make what stands before the institutions: all of the edition that never changes."""
    fields = msgspec.to_builtins(edition)
    left_out = {"log", "withdrawn", "proposal", *(("supervision",) if edition.supervision is None else ())}
    return {name: value for name, value in fields.items() if name not in left_out}


def list_measured(has_supervision: bool) -> list[str]:
    """List the names of the files that a manifest has sizes and checksums of."""
    return [*LISTS, *(SUPERVISION if has_supervision else ()), DIFFERENCE]


def measure_file(path: Path) -> File:
    """Measure a file on disk."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return File(name=path.name, size=path.stat().st_size, sha256=digest)


def encode_manifest(edition: Edition, issuer: str, totals: Totals, files: list[File]) -> bytes:
    """Encode ``manifest.json``."""
    manifest = Manifest(
        format=FORMAT,
        issuer=issuer,
        edition=make_head(edition),
        log=edition.log,
        provinces=[
            Province(code=regions.find_province_code(name) or NOWHERE, name=name or "—", institutions=count)
            for name, _, count in totals.provinces
        ],
        files=files,
    )
    return msgspec.json.format(msgspec.json.encode(manifest, order="sorted"), indent=1) + b"\n"


def format_checksums(files: Iterable[File]) -> bytes:
    """Format ``SHA256SUMS``."""
    return "".join(f"{file.sha256}  {file.name}\n" for file in files).encode()


def decode_manifest(raw: bytes) -> Manifest:
    """Decode a manifest; InvalidInput for anything else."""
    try:
        return msgspec.json.decode(raw, type=Manifest)
    except msgspec.DecodeError as error:
        raise InvalidInput(Message("{manifest} 无法解读：{error}", manifest=MANIFEST, error=error)) from error


def verify_signature(token: str, raw: bytes, keys: Iterable[PublicKey]) -> str:
    """Return the id of the key that signed exactly these bytes; InvalidInput saying what is wrong otherwise."""
    payload, kid = jws.verify_with_keys(TYPE, token.strip(), keys)
    if payload != raw:
        raise InvalidInput(
            Message("{signed} 签的不是这份 {manifest}，文件被改动过。", signed=SIGNED, manifest=MANIFEST)
        )
    return kid


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
    for name in (*FILES, *SUPERVISION):
        try:
            stat = (folder / name).stat()
        except FileNotFoundError:
            if name == SIGNED or name in SUPERVISION:  # the manifest says whether there is any
                continue
            return None
        files.append((name, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns))
    return tuple(files)


def check_files(folder: Path, manifest: Manifest) -> list[File]:
    """Return the files of a manifest, and itself, if each is as it says; InvalidInput naming the first that is not."""
    if [file.name for file in manifest.files] != list_measured("supervision" in manifest.edition):
        raise InvalidInput(Message("{manifest} 列出的文件不全。", manifest=MANIFEST))
    for file in manifest.files:
        try:
            measured = measure_file(folder / file.name)
        except OSError as error:
            raise _make_missing_error(folder, file.name) from error
        if measured != file:
            message = Message(
                "{file_name} 与 {manifest} 所记的校验值不符，文件被改动过。", file_name=file.name, manifest=MANIFEST
            )
            raise InvalidInput(message)
    files = [*manifest.files, measure_file(folder / MANIFEST)]
    if read_file(folder, SUMS) != format_checksums(files):
        raise InvalidInput(Message("{sums} 与文件不符。", sums=SUMS))
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
        raw = read_file(folder, MANIFEST)
        manifest = decode_manifest(raw)
        if keys:
            verify_signature((folder / SIGNED).read_text("ascii"), raw, keys)
        check_files(folder, manifest)
    except (InvalidInput, OSError, UnicodeDecodeError):
        return False
    return manifest.edition == make_head(edition) and manifest.log == edition.log
