"""The example of checking a receipt. Its text is of the seeded register's shape and signed by a key nobody has."""

from __future__ import annotations

import hashlib
from typing import Any

from registry.receipts.jwks import encode_base64url

_KEY = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"  # of RFC 8037, A.3: no register signs with it
_HEADER = f'{{"alg":"EdDSA","kid":"{_KEY}","typ":"art-receipt+jwt"}}'
_PAYLOAD = '{"iss":"other.example/log","iat":1767664800,"question":{},"answer":{}}'
#: A receipt that reads like one and that no register of ours gave.
RECEIPT = f"{encode_base64url(_HEADER.encode())}.{encode_base64url(_PAYLOAD.encode())}.{encode_base64url(bytes(64))}"


def make_example(claim: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """The parts of the example: what a register says of a receipt it gave for ``claim`` and ``answer``."""
    return {
        "request": {"receipt": RECEIPT},
        "response": {
            "valid": True,
            "reason": None,
            "log_size": answer["log"]["size"],
            "log": answer["log"],
            "issuer": "register.example/log",
            "key": _KEY,
            "signed_at": "2026-01-06T02:00:00Z",
            "digest": hashlib.sha256(RECEIPT.encode()).hexdigest(),
            "on": answer["on"],
            "question": claim,
            "answer": {name: value for name, value in answer.items() if name != "receipt"},
            "still_true": True,
        },
    }
