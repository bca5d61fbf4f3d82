"""The files of an edition, so that each can be checked: sizes, checksums, the log, one signature.

``manifest.json`` is the same bytes each time; ``manifest.jws`` is a JWS in compact form (RFC 7515, EdDSA) whose payload
is exactly those bytes; ``SHA256SUMS`` is for ``sha256sum -c``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from registry.domain import regions
from registry.domain.model import LogState, Struct
from registry.editions import jsons
from registry.editions.content import Totals
from registry.editions.edition import Edition
from registry.errors import InvalidInput
from registry.log.signing_keys import Key
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
        edition=jsons.make_head(edition),
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


def sign_manifest(raw: bytes, key: Key) -> str:
    """Sign the manifest's bytes; the same each time, since EdDSA is deterministic."""
    return jws.sign_token(TYPE, raw, key)


def verify_signature(token: str, raw: bytes, keys: Iterable[PublicKey]) -> str:
    """Return the id of the key that signed exactly these bytes; InvalidInput saying what is wrong otherwise."""
    payload, kid = jws.verify_with_keys(TYPE, token.strip(), keys)
    if payload != raw:
        raise InvalidInput(
            Message("{signed} 签的不是这份 {manifest}，文件被改动过。", signed=SIGNED, manifest=MANIFEST)
        )
    return kid
