"""The register's Ed25519 signing key: created once, kept in a file that only its owner can read."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from registry.errors import InvalidInput


def create(path: Path) -> bool:
    """Make the key file unless it exists; True when it was made. Never overwrites."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        load(path)
        return False
    with os.fdopen(handle, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    return True


def load(path: Path) -> Ed25519PrivateKey:
    """The key of a file; InvalidInput when it is not an Ed25519 key."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError) as error:
        raise InvalidInput(f"签名密钥 {path} 无法读取。", f"The signing key {path} cannot be read.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InvalidInput(f"签名密钥 {path} 不是 Ed25519 密钥。", f"The signing key {path} is not an Ed25519 key.")
    return key
