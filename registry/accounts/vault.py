"""The key that encrypts the secrets of second factors and what leads say, in a file of its own beside the signing key.

The file holds one key a line, ``id base64``, the newest last: it seals, all of them open. A sealed secret is
``id.base64(nonce, AES-256-GCM ciphertext and tag)``; the account's name is authenticated with it, so that a row
copied to another account opens nothing. No backup holds the file: without it factors have to be set up again.
Sealed content (``seal_content``) is the same in bytes: the key's id, nonce, ciphertext and tag; what it is of is
authenticated with it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from registry.domain.model import Struct
from registry.errors import SecretsKeyMissing
from registry.texts import Message

_NONCE, _KEY = 12, 32  # bytes
_ID = 8  # characters of a key's id
_HEAD = "# Keys of the secrets of second factors, newest last. Keep a copy, apart from the backups.\n"


class _Key(Struct, frozen=True):
    """One key of the file."""

    id: str
    value: bytes


class Vault:
    """Seals and opens secrets with the keys of one file. The file is read at each use, since it may be put back."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def create_file(self) -> bool:
        """Create the key file, readable only by its owner; False when there is one already."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return False
        _write_keys(handle, [_make_key()])
        return True

    def add_key(self) -> None:
        """Add a new key, which seals from now on; the earlier ones still open what is in backups."""
        self._replace_file([*self._read_keys(), _make_key()])

    def seal(self, account: str, secret: str) -> str:
        """Encrypt a secret for an account; SecretsKeyMissing."""
        key, nonce = self._read_keys()[-1], secrets.token_bytes(_NONCE)
        sealed = nonce + AESGCM(key.value).encrypt(nonce, secret.encode(), _make_associated_data(account))
        return f"{key.id}.{base64.urlsafe_b64encode(sealed).decode()}"

    def open(self, account: str, sealed: str) -> str:
        """Decrypt a secret; SecretsKeyMissing where the key that sealed it is not here, or it is of another account."""
        identity, _, text = sealed.partition(".")
        key = next((key for key in self._read_keys() if key.id == identity), None)
        if key is None:
            raise _make_missing_error(self.path, identity if text else None)
        try:
            raw = base64.urlsafe_b64decode(text)
            return AESGCM(key.value).decrypt(raw[:_NONCE], raw[_NONCE:], _make_associated_data(account)).decode()
        except (InvalidTag, ValueError) as error:
            raise SecretsKeyMissing(
                Message(
                    "账号“{account}”的验证器密钥与登记不符，不能使用；请管理员取消其验证器后重新设置。", account=account
                )
            ) from error

    def seal_content(self, owner: str, content: bytes) -> bytes:
        """Encrypt bytes that belong to ``owner``, such as a lead and a place in it; SecretsKeyMissing."""
        key, nonce = self._read_keys()[-1], secrets.token_bytes(_NONCE)
        return key.id.encode() + nonce + AESGCM(key.value).encrypt(nonce, content, b"content of " + owner.encode())

    def open_content(self, owner: str, sealed: bytes) -> bytes:
        """Decrypt what ``seal_content`` encrypted for the same owner; SecretsKeyMissing where that cannot be done."""
        identity, raw = sealed[:_ID].decode("ascii", "replace"), sealed[_ID:]
        key = next((key for key in self._read_keys() if key.id == identity), None)
        if key is None:
            raise _make_missing_error(self.path, identity)
        try:
            return AESGCM(key.value).decrypt(raw[:_NONCE], raw[_NONCE:], b"content of " + owner.encode())
        except (InvalidTag, ValueError) as error:
            raise SecretsKeyMissing(Message("加密的内容与登记不符，不能打开。")) from error

    def can_open(self, sealed: str) -> bool:
        """Whether the key that sealed a secret is here."""
        try:
            return sealed.partition(".")[0] in {key.id for key in self._read_keys()}
        except SecretsKeyMissing:
            return False

    def is_sealed_by_newest(self, sealed: str) -> bool:
        """Whether the newest key sealed a secret; SecretsKeyMissing."""
        return sealed.partition(".")[0] == self._read_keys()[-1].id

    def sign_message(self, purpose: str, message: str) -> str:
        """A code over a message that only this key file can make, 32 hex digits; SecretsKeyMissing."""
        return _compute_mac(self._read_keys()[-1], purpose, message)

    def is_signed_message(self, purpose: str, message: str, code: str) -> bool:
        """Whether one of the keys made the code; False also without a key."""
        try:
            codes = [_compute_mac(key, purpose, message) for key in self._read_keys()]
        except SecretsKeyMissing:
            return False
        return any(hmac.compare_digest(expected.encode(), code.encode()) for expected in codes)

    def _read_keys(self) -> list[_Key]:
        try:
            lines = self.path.read_text(encoding="ascii").splitlines()
            keys = [_parse_key(line) for line in lines if line.strip() and not line.startswith("#")]
        except FileNotFoundError as error:
            raise _make_missing_error(self.path, None) from error
        except (OSError, ValueError) as error:
            raise SecretsKeyMissing(
                Message("验证器密钥文件 {path} 无法读取：请恢复其副本。", path=self.path)
            ) from error
        if not keys:
            raise _make_missing_error(self.path, None)
        return keys

    def _replace_file(self, keys: list[_Key]) -> None:
        aside = self.path.with_name(f"{self.path.name}.new")
        aside.unlink(missing_ok=True)
        _write_keys(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), keys)
        aside.replace(self.path)


def is_sealed(stored: str) -> bool:
    """Whether a stored secret is encrypted: those of earlier versions are base32, which has no dot.

    >>> is_sealed("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"), is_sealed("0a1b2c3d.AAAA")
    (False, True)
    """
    return "." in stored


def _make_key() -> _Key:
    value = secrets.token_bytes(_KEY)
    return _Key(id=_compute_key_id(value), value=value)


def _compute_key_id(value: bytes) -> str:
    return hashlib.sha256(b"id of a secrets key" + value).hexdigest()[:8]


def _parse_key(line: str) -> _Key:
    identity, _, text = line.strip().partition(" ")
    try:
        value = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(line[:8]) from error
    if len(value) != _KEY or _compute_key_id(value) != identity:
        raise ValueError(identity)
    return _Key(id=identity, value=value)


def _write_keys(handle: int, keys: list[_Key]) -> None:
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(_HEAD + "".join(f"{key.id} {base64.b64encode(key.value).decode()}\n" for key in keys))
        file.flush()
        os.fsync(file.fileno())


def _make_associated_data(account: str) -> bytes:
    return b"second factor of " + account.encode()


def _compute_mac(key: _Key, purpose: str, message: str) -> str:
    own = hmac.digest(key.value, b"for " + purpose.encode(), "sha256")
    return hmac.new(own, message.encode(), hashlib.sha256).hexdigest()[:32]


def _make_missing_error(path: Path, identity: str | None) -> SecretsKeyMissing:
    which = Message("（编号 {identity}）", identity=identity) if identity else ""
    return SecretsKeyMissing(
        Message(
            "本机没有验证器密钥文件或其中缺少所需的密钥{which}：{path}。暂时只能用恢复码；请恢复其副本，"
            "确已遗失则运行：registry user rekey --lost",
            which=which,
            path=path,
        )
    )
