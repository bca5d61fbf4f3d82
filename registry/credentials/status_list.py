"""Status lists after draft-ietf-oauth-status-list-21: two bits for every token, compressed, in a signed token.

``sub`` is the list's own address, ``ttl`` how long a copy may be used before asking again, ``exp`` until when at all.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from registry.credentials.credential import LIST_SIZE
from registry.domain.model import Struct
from registry.errors import InvalidInput
from registry.log.signing_keys import Key
from registry.receipts import jws
from registry.receipts.jws import PublicKey
from registry.texts import Message

TYPE = "statuslist+jwt"
MEDIA_TYPE = f"application/{TYPE}"
Status = Literal[0, 1, 2]
VALID: Status = 0
INVALID: Status = 1
SUSPENDED: Status = 2
_BITS = 2
#: Seconds: a copy is asked for again after the first, and means nothing after the second (a week).
TTL, LIFETIME = 300, 7 * 86_400
#: More than a list of two bits has, whoever made it: a hostile one must not unpack to gigabytes.
_MOST_BYTES = 1 << 22


class StatusBits(Struct, frozen=True):
    """The member ``status_list``: bits for each token, and all of them, zlib in base64url."""

    bits: int
    lst: str


class StatusListToken(Struct, frozen=True):
    """What a status list token says."""

    sub: str
    iat: int
    exp: int
    ttl: int
    status_list: StatusBits


def encode_statuses(statuses: Mapping[int, int]) -> str:
    """Encode statuses by their place in a list; a place without a token is INVALID. The first is in the lowest bits.

    >>> decode_statuses(StatusBits(bits=2, lst=encode_statuses({0: 0, 5: 2})))[:2].hex()
    '5459'
    """
    packed = bytearray(b"\x55" * (LIST_SIZE * _BITS // 8))
    for place, status in statuses.items():
        byte, shift = divmod(place * _BITS, 8)
        packed[byte] = (packed[byte] & ~(0b11 << shift)) | status << shift
    return jws.encode_base64url(zlib.compress(bytes(packed), 9))


def decode_statuses(bits: StatusBits) -> bytes:
    """Decode a list into its bytes; ValueError where it is none of two bits."""
    if bits.bits != _BITS:
        raise ValueError("bits")
    engine = zlib.decompressobj()
    try:
        packed = engine.decompress(jws.decode_base64url(bits.lst), _MOST_BYTES)
    except zlib.error as error:
        raise ValueError("zlib") from error
    if not engine.eof:
        raise ValueError("length")
    return packed


def find_status(bits: StatusBits, place: int) -> int | None:
    """Find the status at a place; None where the list has no such place."""
    packed = decode_statuses(bits)
    byte, shift = divmod(place * _BITS, 8)
    return packed[byte] >> shift & 0b11 if 0 <= byte < len(packed) else None


def sign_list(uri: str, lst: str, at: int, key: Key) -> str:
    """Sign a list as of an instant (seconds since 1970); ``lst`` as ``encode_statuses`` makes it."""
    bits = StatusBits(bits=_BITS, lst=lst)
    token = StatusListToken(sub=uri, iat=at, exp=at + LIFETIME, ttl=TTL, status_list=bits)
    return jws.sign_token(TYPE, msgspec.json.encode(token), key)


def read_list(text: str, uri: str, keys: Iterable[PublicKey]) -> StatusListToken:
    """Read the list at an address, signed by one of these keys; InvalidInput saying why it is not."""
    usable = [key for key in keys if not key.withdrawn]
    payload, _ = jws.verify_with_keys(TYPE, text.strip(), usable)
    try:
        token = msgspec.json.decode(payload, type=StatusListToken)
        decode_statuses(token.status_list)
    except (msgspec.DecodeError, ValueError) as error:
        raise InvalidInput(Message("状态列表无法解读。")) from error
    if token.sub != uri:
        raise InvalidInput(Message("状态列表的地址不符：应为 {uri}。", uri=uri))
    return token
