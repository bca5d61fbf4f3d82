"""Published logs of made-up entries under test keys, and what it takes to tamper with them."""

from __future__ import annotations

import base64
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from registry.log import note
from registry.log.folder import LogFolder
from registry.log.merkle import hash_leaf
from registry.log.note import Checkpoint
from registry.log.signing_keys import Key

ORIGIN = "register.example/log"


def a_key(number: int = 1) -> Key:
    private = Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
    return Key(private.public_key().public_bytes_raw(), private)


def vkey(number: int = 1, name: str = ORIGIN) -> str:
    return note.Verifier(name=name, kind=note.ED25519, public=a_key(number).public).text


def sign(folder: LogFolder, size: int, *numbers: int, name: str = ORIGIN, root: bytes | None = None) -> None:
    """Put a checkpoint of that size, and the verifier keys, where they are published."""
    text = Checkpoint(origin=ORIGIN, size=size, root=root or folder.read_frontier(size).compute_root()).text
    folder.write_file("checkpoint", note.sign_text(text, name, [a_key(number) for number in numbers]).encode())
    folder.write_file("vkey", "".join(f"{vkey(number, name)}\n" for number in numbers).encode())


def a_log(path: Path, size: int, word: str = "示例", after: int = 0) -> Path:
    """A published log of made-up entries; ``after`` leaves what the folder already holds."""
    folder = LogFolder(path)
    bodies = [f'{{"number":{n},"word":"{word}"}}'.encode() for n in range(after + 1, size + 1)]
    folder.append_entries(after, [(body, hash_leaf(body)) for body in bodies])
    sign(folder, size, 1)
    return path


def altered(path: Path, at: int) -> None:
    raw = bytearray(path.read_bytes())
    raw[at] ^= 1
    path.write_bytes(raw)


def replaced(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def lines_of(hashes: list[bytes]) -> str:
    return "".join(f"{base64.b64encode(one).decode()}\n" for one in hashes)
