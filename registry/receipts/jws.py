"""JWS in compact form (RFC 7515) with EdDSA (RFC 8037): bytes that a key of the register signed."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwa import EdDSAAlgorithm
from joserfc.jwk import OKPKey
from joserfc.registry import HeaderParameter

from registry.errors import InvalidInput
from registry.log.signing_keys import Key
from registry.receipts.jwks import PublicKey, decode_base64url, encode_base64url, to_public_key
from registry.texts import Message


class SignatureMismatch(ValueError):
    """The signature is not over these bytes, or the text is spelt in another way than it was signed in."""


def _make_registry() -> jws.JWSRegistry:
    """EdDSA alone, "none" least of all, and no extension that changes what is signed; who calls limits the length."""
    algorithm = EdDSAAlgorithm()
    algorithm.security_warning = ""  # RFC 9864 would have it called Ed25519, which few readers of receipts know yet
    extensions = {name: HeaderParameter("an extension", "none") for name in ("crit", "b64")}
    registry = jws.JWSRegistry(extensions, [algorithm.name], strict_check_header=False)
    registry.algorithms = {algorithm.name: algorithm}
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
    header = {"alg": "EdDSA", "kid": to_public_key(key).kid, "typ": kind}
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
