"""JWS: what is written is put together here by hand, byte for byte, and whatever else is read is refused."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import example, given
from hypothesis import strategies as st

from registry.errors import InvalidInput
from registry.log.signing_keys import Key
from registry.receipts import jws
from registry.receipts.jws import PublicKey, to_public_key
from tests.receipts import packed

PRIVATE = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"a key for tests").digest())
KEY = Key(PRIVATE.public_key().public_bytes_raw(), PRIVATE)
PUBLIC = to_public_key(KEY)
KIND = "art-receipt+jwt"
HEADER = {"alg": "EdDSA", "kid": PUBLIC.kid, "typ": KIND}


def written(header: Any, payload: bytes) -> str:
    """A JWS over any header, by the key of the register: what only its owner could make."""
    covered = f"{packed(header if isinstance(header, bytes) else json.dumps(header).encode())}.{packed(payload)}"
    return f"{covered}.{packed(PRIVATE.sign(covered.encode()))}"


def is_refused(token: str, key: PublicKey = PUBLIC) -> bool:
    try:
        jws.verify_token(token, key)
    except jws.SignatureMismatch:
        return True
    return False


@given(payload=st.binary(), kind=st.text())
@example(payload=b"x" * 400_000, kind=KIND)
def test_a_token_is_the_bytes_that_the_standard_says(payload: bytes, kind: str) -> None:
    header = json.dumps({"alg": "EdDSA", "kid": PUBLIC.kid, "typ": kind}, separators=(",", ":"))
    token = jws.sign_token(kind, payload, KEY)
    assert token == written(header.encode(), payload)
    assert jws.verify_token(token, PUBLIC) == payload
    assert jws.verify_with_keys(kind, token, [PUBLIC]) == (payload, PUBLIC.kid)


@given(data=st.data())
def test_no_change_of_a_token_passes(data: st.DataObject) -> None:
    token = jws.sign_token(KIND, b'{"answer":1}', KEY)
    at = data.draw(st.integers(0, len(token)))
    cut = data.draw(st.integers(0, 2))
    changed = token[:at] + data.draw(st.text("AZaz09-_.=+/~ \n\0é\ud800", max_size=3)) + token[at + cut :]
    assert changed == token or is_refused(changed)


@pytest.mark.parametrize(
    "told",
    [
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "ES256"},
        {"alg": "Ed25519"},
        {"alg": "eddsa"},
        {"alg": None},
        {"alg": ["EdDSA"]},
        {"alg": {"EdDSA": 1}},
        {"kid": 5},
        {"kid": None},
        {"crit": []},
        {"crit": None},
        {"crit": "x"},
        {"crit": [["x"]]},
        {"crit": ["x"], "x": 1},
        {"crit": ["alg"]},
        {"crit": ["b64"]},
        {"crit": ["b64"], "b64": False},
        {"b64": False},
    ],
    ids=str,
)
def test_a_header_that_asks_for_something_else_is_refused_even_well_signed(told: dict[str, Any]) -> None:
    assert not is_refused(written(HEADER, b"{}"))
    assert is_refused(written(HEADER | told, b"{}"))
    unencoded = f"{packed(HEADER | told)}.e30"
    assert is_refused(f"{unencoded}.{packed(PRIVATE.sign(unencoded.encode()))}")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b'["alg"]',
        b'"alg"',
        b"5",
        b"null",
        b"\xff",
        b'{"typ":"x"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
    ids=lambda raw: str(raw[:12]),
)
def test_a_header_that_is_none_is_refused_even_well_signed(raw: bytes) -> None:
    assert is_refused(written(raw, b"{}"))
    with pytest.raises(InvalidInput):
        jws.verify_with_keys(KIND, written(raw, b"{}"), [PUBLIC])


@pytest.mark.parametrize("secret", [PUBLIC.public, json.dumps(PUBLIC.jwk).encode(), b""])
def test_the_public_key_is_no_secret_of_an_hmac(secret: bytes) -> None:
    covered = f"{packed(HEADER | {'alg': 'HS256'})}.{packed(b'{}')}"
    assert is_refused(f"{covered}.{packed(hmac.digest(secret, covered.encode(), 'sha256'))}")


@pytest.mark.parametrize("signature", [b"", b"\0" * 63, b"\0" * 64, b"\0" * 65])
def test_a_signature_of_another_size_is_refused(signature: bytes) -> None:
    covered = jws.sign_token(KIND, b"{}", KEY).rpartition(".")[0]
    assert is_refused(f"{covered}.{packed(signature)}")


@pytest.mark.parametrize("public", [b"", b"\0" * 32, b"\xff" * 32, b"\1" + b"\0" * 31, PUBLIC.public[:31]])
def test_a_key_that_is_none_or_another_is_refused(public: bytes) -> None:
    assert is_refused(jws.sign_token(KIND, b"{}", KEY), PublicKey(public=public))


def test_kind_and_key_are_told_apart_from_the_signature() -> None:
    token = jws.sign_token(KIND, b"{}", KEY)
    for kind, keys, words in (
        ("other", [PUBLIC], f"The signature is of kind “{KIND}”, not other."),
        (KIND, [], "The key that signed is none of this register's."),
    ):
        with pytest.raises(InvalidInput) as refused:
            jws.verify_with_keys(kind, token, keys)
        assert refused.value.get_text("en") == words
    with pytest.raises(InvalidInput) as refused:
        jws.verify_with_keys(KIND, token[:-4] + "AAAA", [PUBLIC])
    assert refused.value.get_text("en") == "The signature does not fit: something was altered."


def test_a_retired_key_signs_no_more() -> None:
    with pytest.raises(ValueError, match="retired"):
        jws.sign_token(KIND, b"{}", Key(KEY.public, None))
