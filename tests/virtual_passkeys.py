"""An authenticator made of software for tests: passkeys as browsers hand them on, right or wrong in one thing."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

ORIGIN = "https://art.example"
_PRESENT, _VERIFIED, _ATTESTED = 0x01, 0x04, 0x40


def to_base64url(raw: bytes) -> str:
    """Bytes as browsers write them."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Authenticator:
    """One passkey; ``count`` is what its counter says next, 0 for one that does not count."""

    def __init__(self, rp_id: str = "art.example", count: int = 1) -> None:
        self.rp_id, self.count = rp_id, count
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = secrets.token_bytes(32)

    def make(self, options: str, origin: str = ORIGIN, *, verified: bool = True) -> str:
        """Answer to the options of a registration."""
        numbers = self.key.public_key().public_numbers()
        x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
        public = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})
        attested = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + public
        data = self._head(verified, _ATTESTED) + attested
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client = _describe_client("webauthn.create", options, origin)
        return self._wrap({"clientDataJSON": to_base64url(client), "attestationObject": to_base64url(attestation)})

    def show(self, options: str, origin: str = ORIGIN, *, verified: bool = True) -> str:
        """Answer to the options of a sign-in."""
        data, client = self._head(verified), _describe_client("webauthn.get", options, origin)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        parts = {"clientDataJSON": client, "authenticatorData": data, "signature": signature}
        return self._wrap({name: to_base64url(raw) for name, raw in parts.items()})

    def _head(self, verified: bool, more: int = 0) -> bytes:
        flags, count = _PRESENT | (_VERIFIED if verified else 0) | more, self.count
        self.count += 1 if count else 0
        return hashlib.sha256(self.rp_id.encode()).digest() + bytes([flags]) + count.to_bytes(4, "big")

    def _wrap(self, response: dict[str, Any]) -> str:
        name = to_base64url(self.id)
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response})


def _describe_client(kind: str, options: str, origin: str) -> bytes:
    return json.dumps({"type": kind, "challenge": json.loads(options)["challenge"], "origin": origin}).encode()
