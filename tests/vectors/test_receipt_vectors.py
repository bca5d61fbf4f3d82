"""The fixed receipts: what they are by definition, what another JOSE library says of them, and what our code does."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from registry.domain.answers import Answer, Claim
from registry.log.signing_keys import Key
from registry.receipts import jws, receipt_text
from tests.receipts import header_of, holds, opened_by_another, row_of, unpacked

TOLD: dict[str, Any] = json.loads((Path(__file__).parent / "receipts.json").read_text("utf-8"))
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(TOLD["key"]["seed"]))
PUBLIC = PRIVATE.public_key()
KEYS = jws.parse_key_set(json.dumps({"keys": [TOLD["key"]["jwk"]]}).encode())


def test_the_key_says_that_it_is_a_test_key_and_is_written_by_rfc_8037_and_rfc_7638() -> None:
    told = TOLD["key"]["jwk"]
    assert bytes.fromhex(TOLD["key"]["seed"]).startswith(b"test key, never used")
    assert unpacked(told["x"]) == PUBLIC.public_bytes_raw()
    members = f'{{"crv":"Ed25519","kty":"OKP","x":"{told["x"]}"}}'
    assert unpacked(told["kid"]) == hashlib.sha256(members.encode()).digest()
    assert [key.jwk for key in KEYS] == [told]


@pytest.mark.parametrize("told", TOLD["single"] + TOLD["batch"], ids=lambda told: told["digest"][:8])
def test_a_receipt_is_what_the_definition_says(told: dict[str, Any]) -> None:
    text = told["receipt"]
    assert hashlib.sha256(text.encode()).hexdigest() == told["digest"]
    signed = text.split("~")[0]
    covered, _, signature = signed.rpartition(".")
    PUBLIC.verify(unpacked(signature), covered.encode("ascii"))  # raises where it does not hold
    assert unpacked(covered.split(".")[1]).decode() == told["payload"]
    payload = opened_by_another(text, {"keys": [TOLD["key"]["jwk"]]})
    assert payload == json.loads(told["payload"])
    if "row" in told:
        assert header_of(text)["typ"] == "art-receipt-batch+jwt"
        assert row_of(text, payload["rows"]) == json.loads(told["row"])
        assert unpacked(text.split("~")[2]).decode() == told["way"]
    else:
        assert unpacked(text.split(".")[0]).decode() == told["header"]
        assert header_of(text)["typ"] == "art-receipt+jwt"


def test_our_code_reads_them_all() -> None:
    for told in TOLD["single"] + TOLD["batch"]:
        found = receipt_text.read_receipt(told["receipt"], KEYS, "register.example/log").receipt
        assert found is not None and found.digest == told["digest"]
        said = json.loads(told.get("row") or told["payload"])
        assert (found.question, found.answer) == (said["question"], said["answer"])


def test_our_code_signs_the_same_receipts_byte_for_byte() -> None:
    key = Key(PUBLIC.public_bytes_raw(), PRIVATE)
    for told in TOLD["single"]:
        said = json.loads(told["payload"])
        claim = msgspec.convert(said["question"], Claim)
        answer = msgspec.convert(said["answer"], Answer)
        at = dt.datetime.fromtimestamp(said["iat"], dt.UTC)
        made = receipt_text.sign_receipt(claim, answer, said["iss"], key, at)
        payload = json.loads(unpacked(made.split(".")[1]))
        assert holds(said, payload)  # later fields may join an answer
        if payload == said:
            assert made == told["receipt"]


@pytest.mark.parametrize("told", TOLD["altered"], ids=lambda told: told["what"])
def test_what_was_altered_is_refused(told: dict[str, Any]) -> None:
    assert receipt_text.read_receipt(told["receipt"], KEYS).reason == told["reason"]
