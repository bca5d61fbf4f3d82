"""Signed statements as compact JWS (RFC 7515, EdDSA), and the set of public keys that verify them (RFC 7517)."""

import base64
import binascii
import datetime as dt
import hashlib
import sys
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwa import EdDSAAlgorithm, JWSAlgModel
from joserfc.jwk import OKPKey
from joserfc.registry import HeaderParameter

from registry.domain.model import Struct
from registry.errors import InvalidInput
from registry.log.signing_keys import Key
from registry.texts import Message

#: More keys than any register will have had; a limit keeps a hostile file from keeping us busy.
_MOST_KEYS = 1000


class PublicKey(Struct, frozen=True):
    """32 public bytes of an Ed25519 key, whether it still signs, and since when it does not (where that is known).

    ``withdrawn``: nothing it signed counts any more.
    """

    public: bytes
    retired: bool = False
    retired_at: dt.datetime | None = None
    withdrawn: bool = False

    @property
    def kid(self) -> str:
        """The RFC 7638 thumbprint: the same key has the same name wherever it is written down."""
        return compute_thumbprint(self.public)

    @property
    def jwk(self) -> dict[str, Any]:
        """The key as RFC 8037 writes it; ``retired``, ``retired_at`` and ``withdrawn`` are members of our own."""
        at = self.retired_at.strftime("%Y-%m-%dT%H:%M:%SZ") if self.retired_at else None
        end = {"retired": True, "retired_at": at} if self.retired else {}
        withdrawn = {"withdrawn": True} if self.withdrawn else {}
        return {**_make_bare_jwk(self.public), "kid": self.kid, "use": "sig", "alg": ALGORITHM, **end, **withdrawn}


class _Jwk(msgspec.Struct, frozen=True):
    kty: str = ""
    crv: str = ""
    x: str = ""
    retired: bool = False
    retired_at: dt.datetime | None = None
    withdrawn: bool = False


class _KeySet(msgspec.Struct, frozen=True):
    keys: list[_Jwk]


@lru_cache(maxsize=1024)
def compute_thumbprint(public: bytes) -> str:
    """The RFC 7638 thumbprint of an Ed25519 key, base64url of SHA-256; that of RFC 8037, A.3:

    >>> compute_thumbprint(bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"))
    'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k'
    """
    members = msgspec.json.encode(dict(sorted(_make_bare_jwk(public).items())))
    return encode_base64url(hashlib.sha256(members).digest())


def to_public_key(key: Key) -> PublicKey:
    """The public half of a signing key of this machine."""
    at = dt.datetime.fromisoformat(key.at) if key.is_retired and key.at else None
    return PublicKey(public=key.public, retired=key.is_retired, retired_at=at, withdrawn=key.withdrawn)


def make_key_set(keys: Iterable[PublicKey]) -> dict[str, Any]:
    """The key set as it is published."""
    return {"keys": [key.jwk for key in keys]}


def parse_key_set(raw: bytes) -> list[PublicKey]:
    """The Ed25519 keys of a key set, others left out; InvalidInput when it is none or has none of them."""
    try:
        found = msgspec.json.decode(raw, type=_KeySet).keys[:_MOST_KEYS]
        keys = [
            PublicKey(
                public=decode_base64url(one.x),
                retired=one.retired,
                retired_at=one.retired_at,
                withdrawn=one.withdrawn,
            )
            for one in found
            if (one.kty, one.crv) == ("OKP", "Ed25519")
        ]
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
        keys = []
    if not keys or any(len(key.public) != 32 for key in keys):
        raise InvalidInput(
            Message("公钥文件无法使用：应为名录 /.well-known/jwks.json 的内容，其中至少有一个 Ed25519 公钥。")
        )
    return keys


def encode_base64url(raw: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode_base64url(text: str) -> bytes:
    """The bytes of base64url without padding; ValueError for any other spelling of them."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError) as error:
        raise ValueError("base64url") from error
    if encode_base64url(raw) != text:
        raise ValueError("base64url")  # the decoder skips what it does not know, and spare bits
    return raw


def _make_bare_jwk(public: bytes) -> dict[str, str]:
    return {"kty": "OKP", "crv": "Ed25519", "x": encode_base64url(public)}


class SignatureMismatch(ValueError):
    """The signature is not over these bytes, or the text is spelt in another way than it was signed in."""


#: Every algorithm that is read, by its name in headers; a library's only. The last one signs. SM2 belongs here once
#: joserfc has it, with a key of its kind in ``signing_keys`` (decision 166).
ALGORITHMS: dict[str, JWSAlgModel] = {"EdDSA": EdDSAAlgorithm()}
ALGORITHM = list(ALGORITHMS)[-1]


def _make_registry() -> jws.JWSRegistry:
    """These alone, "none" least of all, and no extension that changes what is signed; who calls limits the length."""
    for algorithm in ALGORITHMS.values():
        algorithm.security_warning = ""  # RFC 9864 would have it called Ed25519, which few readers of receipts know yet
    extensions = {name: HeaderParameter("an extension", "none") for name in ("crit", "b64")}
    registry = jws.JWSRegistry(extensions, list(ALGORITHMS), strict_check_header=False)
    registry.algorithms = dict(ALGORITHMS)
    registry.max_header_length = registry.max_payload_length = registry.max_signature_length = sys.maxsize
    return registry


_REGISTRY = _make_registry()


class _Header(msgspec.Struct, frozen=True):
    typ: str = ""
    kid: str = ""


def sign_token(kind: str, payload: bytes, key: Key) -> str:
    """A JWS of a ``typ``, by a key in use; the same text each time."""
    if key.private is None:
        raise ValueError("a retired key signs no more")
    header = {"alg": ALGORITHM, "kid": to_public_key(key).kid, "typ": kind}
    return jws.serialize_compact(header, payload, OKPKey.import_key(key.private), registry=_REGISTRY)


def verify_token(token: str, key: PublicKey) -> bytes:
    """The payload that a key signed; SignatureMismatch otherwise."""
    try:
        payload = jws.deserialize_compact(token, OKPKey.import_key(key.jwk), registry=_REGISTRY).payload
        canonical = all(encode_base64url(decode_base64url(part)) == part for part in token.split("."))
    except (JoseError, ValueError, TypeError, RecursionError) as error:  # TypeError: a header that is no object
        raise SignatureMismatch from error
    if not canonical:
        raise SignatureMismatch
    return payload


def verify_with_keys(kind: str, token: str, keys: Iterable[PublicKey]) -> tuple[bytes, str]:
    """(payload, id of the key) of a JWS of a ``typ`` that one of these keys signed; InvalidInput saying why not."""
    try:
        header = msgspec.json.decode(decode_base64url(token.split(".", 1)[0]), type=_Header)
    except (ValueError, msgspec.DecodeError, RecursionError) as error:
        raise InvalidInput(Message("签名文件无法解读，不是完整的 JWS。")) from error
    if header.typ != kind:
        raise InvalidInput(Message("签名的种类是“{typ}”，应为 {kind}。", typ=header.typ[:40], kind=kind))
    key = next((one for one in keys if one.kid == header.kid), None)
    if key is None:
        raise InvalidInput(Message("签名所用的密钥不是本名录的。"))
    try:
        return verify_token(token, key), key.kid
    except SignatureMismatch as error:
        raise InvalidInput(Message("签名不符，文件被改动过。")) from error
