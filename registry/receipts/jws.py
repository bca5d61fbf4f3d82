"""JWS in compact form (RFC 7515) with EdDSA (RFC 8037): bytes that a key of the register signed."""

from __future__ import annotations

from collections.abc import Iterable

import jwt
import msgspec
from jwt.api_jws import PyJWS

from registry.errors import InvalidInput
from registry.log.signing_keys import Key
from registry.receipts.jwks import PublicKey, decode_base64url, encode_base64url, to_public_key

_jws = PyJWS(algorithms=["EdDSA"])  # no other algorithm is ever accepted, "none" least of all


class SignatureMismatch(ValueError):
    """The signature is not over these bytes, or the text is spelt in another way than it was signed in."""


class _Header(msgspec.Struct, frozen=True):
    typ: str = ""
    kid: str = ""


def sign_token(kind: str, payload: bytes, key: Key) -> str:
    """A JWS of a ``typ``, by a key in use; the same text each time."""
    if key.private is None:
        raise ValueError("a retired key signs no more")
    headers = {"typ": kind, "kid": to_public_key(key).kid}
    return _jws.encode(payload, key.private, "EdDSA", headers, sort_headers=True)


def verify_token(token: str, key: PublicKey) -> bytes:
    """The payload that a key signed; Altered otherwise."""
    try:
        payload: bytes = _jws.decode_complete(token, jwt.PyJWK(key.jwk), algorithms=["EdDSA"])["payload"]
        canonical = all(encode_base64url(decode_base64url(part)) == part for part in token.split("."))
    except (jwt.PyJWTError, ValueError, msgspec.DecodeError, RecursionError) as error:
        raise SignatureMismatch from error
    if not canonical:
        raise SignatureMismatch
    return payload


def verify_with_keys(kind: str, token: str, keys: Iterable[PublicKey]) -> tuple[bytes, str]:
    """(payload, id of the key) of a JWS of a ``typ`` that one of these keys signed; InvalidInput saying why not."""
    try:
        header = msgspec.json.decode(decode_base64url(token.split(".", 1)[0]), type=_Header)
    except (ValueError, msgspec.DecodeError, RecursionError) as error:
        raise InvalidInput(
            "签名文件无法解读，不是完整的 JWS。", "The signature cannot be read: no whole JWS."
        ) from error
    if header.typ != kind:
        raise InvalidInput(
            f"签名的种类是“{header.typ[:40]}”，应为 {kind}。",
            f"The signature is of kind “{header.typ[:40]}”, not {kind}.",
        )
    key = next((one for one in keys if one.kid == header.kid), None)
    if key is None:
        raise InvalidInput("签名所用的密钥不是本名录的。", "The key that signed is none of this register's.")
    try:
        return verify_token(token, key), key.kid
    except SignatureMismatch as error:
        raise InvalidInput("签名不符，文件被改动过。", "The signature does not fit: something was altered.") from error
