"""The register's Ed25519 signing keys: one file that only its owner can read, with every key past and present.

A key in use is a PKCS #8 PEM block. A retired one is its public PEM block, so that what it signed can be verified for
ever; a withdrawn one too, and nothing it signed counts any more: somebody else may have it. The line before a block
gives the time since when it is used, or no longer (RFC 3339 UTC).
"""

import datetime as dt
import os
import re
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from registry.errors import Conflict, InvalidInput, NotFound
from registry.log.clock import format_seconds, read_clock
from registry.texts import Message

_BLOCK = re.compile(
    r"(?:^# (?P<word>added|retired|withdrawn) (?P<at>\S+)\n)?"
    r"(?P<pem>-----BEGIN (?P<kind>PRIVATE|PUBLIC) KEY-----\n.*?-----END (?P=kind) KEY-----)",
    re.DOTALL | re.MULTILINE,
)


class Key(msgspec.Struct, frozen=True):
    """One key: its 32 public bytes, and the private half while it is in use. ``at``: when it was added or retired.

    ``withdrawn``: somebody else has it, or may have it.
    """

    public: bytes
    private: Ed25519PrivateKey | None
    at: str | None = None
    withdrawn: bool = False

    @property
    def is_retired(self) -> bool:
        """Whether it no longer signs."""
        return self.private is None

    def sign(self, message: bytes) -> bytes:
        """Sign a message (64 bytes); Conflict for a retired key."""
        if self.private is None:
            raise Conflict(Message("该密钥已停用，不能签名。"))
        return self.private.sign(message)


def verify_signature(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether an Ed25519 signature over a message was made with the key of these 32 public bytes."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def create_key_file(path: Path) -> bool:
    """Create the key file unless it exists; True when it was created. Never overwrites."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        load_keys(path)
        return False
    _write_keys(handle, [_make_key()])
    return True


def load_keys(path: Path) -> list[Key]:
    """Every key of a file, oldest first, at least one of them in use; InvalidInput when it is no such file."""
    try:
        text = path.read_text(encoding="ascii")
        keys = [_parse_key(block) for block in _BLOCK.finditer(text)]
        if "-----" in _BLOCK.sub("", text):
            raise ValueError  # half a block: writing the file anew would lose its key for ever
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise InvalidInput(Message("签名密钥 {path} 无法读取。", path=path)) from error
    if not any(not key.is_retired for key in keys):
        raise InvalidInput(Message("签名密钥 {path} 中没有可用的 Ed25519 密钥。", path=path))
    return keys


def add_key(path: Path) -> Key:
    """Add a new key, which signs together with those in use until they are retired, and return it."""
    key = _make_key()
    _replace_file(path, [*load_keys(path), key])
    return key


def recreate_key_file(path: Path, lost: list[bytes]) -> Key:
    """Create a key file after the old one was lost, with a new key and the public halves of the lost ones; return the
    new key.
    """
    key = _make_key()
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    _write_keys(handle, [*(Key(public, None, key.at) for public in lost), key])
    return key


def retire_key(path: Path, public: bytes, at: dt.datetime | None = None) -> Key | None:
    """Retire a key: remove its private half and keep its public one. Conflict for the last key in use, NotFound.

    ``at``: the present of the register, after which nothing it signed counts; by default this instant.
    """
    keys = load_keys(path)
    if not any(key.public == public and not key.is_retired for key in keys):
        raise NotFound(Message("没有这个在用的密钥。"))
    if sum(not key.is_retired for key in keys) == 1:
        raise Conflict(Message("这是唯一在用的密钥，请先增加新密钥：registry log rotate"))
    remaining = [
        Key(key.public, None, format_seconds(at or read_clock())) if key.public == public else key for key in keys
    ]
    _replace_file(path, remaining)
    return None


def withdraw_key(path: Path, public: bytes, at: dt.datetime | None = None) -> Key | None:
    """Withdraw a key that somebody else may have, also one retired before; return the new key if it was the last in
    use. NotFound. ``at``: as for ``retire_key``; a key retired before keeps the time since when it signs no more.
    """
    keys = load_keys(path)
    key = next((one for one in keys if one.public == public), None)
    if key is None:
        raise NotFound(Message("没有这个密钥。"))
    stop = (key.is_retired and key.at) or format_seconds(at or read_clock())
    withdrawn = Key(key.public, None, stop, withdrawn=True)
    keys = [withdrawn if one is key else one for one in keys]
    new = _make_key() if all(one.is_retired for one in keys) else None
    _replace_file(path, [*keys, *([new] if new else [])])
    return new


def _make_key() -> Key:
    private = Ed25519PrivateKey.generate()
    return Key(private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw), private, format_seconds(read_clock()))


def _parse_key(block: re.Match[str]) -> Key:
    pem = block["pem"].encode()
    private = load_pem_private_key(pem, password=None) if block["kind"] == "PRIVATE" else None
    public = private.public_key() if private else load_pem_public_key(pem)
    if not (isinstance(private, Ed25519PrivateKey | None) and isinstance(public, Ed25519PublicKey)):
        raise ValueError
    public_bytes = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return Key(public_bytes, private, block["at"], withdrawn=block["word"] == "withdrawn")


def _encode_key(key: Key) -> bytes:
    if key.private:
        pem = key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    else:
        pem = Ed25519PublicKey.from_public_bytes(key.public).public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        )
    word = "withdrawn" if key.withdrawn else "retired" if key.is_retired else "added"
    comment = f"# {word} {key.at}\n" if key.at else ""
    return comment.encode() + pem


def _replace_file(path: Path, keys: list[Key]) -> None:
    aside = path.with_name(f"{path.name}.new")
    aside.unlink(missing_ok=True)
    _write_keys(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), keys)
    aside.replace(path)


def _write_keys(handle: int, keys: list[Key]) -> None:
    with os.fdopen(handle, "wb") as file:
        file.write(b"".join(_encode_key(key) for key in keys))
        file.flush()
        os.fsync(file.fileno())
