"""Receipts as others see them: checked with a JOSE library that the register does not sign with, and taken apart."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from typing import Any

from jwcrypto import jwk, jws

from registry.domain.answers import Answer, Claim
from registry.log.signing_keys import Key
from registry.receipts.batch_proofs import BatchRows, make_statement


def sign_batch(asked: Sequence[tuple[Claim, Answer]], issuer: str, key: Key, at: dt.datetime) -> list[str]:
    """A receipt for each answer, under one signature over all."""
    rows = BatchRows()
    bodies = [rows.add(make_statement(claim, answer), claim.id) for claim, answer in asked]
    signed = rows.sign(issuer, key, at)
    return [signed.make_receipt(index, body) for index, body in enumerate(bodies)]


def unpacked(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def packed(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def header_of(receipt: str) -> dict[str, Any]:
    return dict(json.loads(unpacked(receipt.split(".", maxsplit=1)[0])))


def opened_by_another(receipt: str, key_set: dict[str, Any]) -> dict[str, Any]:
    """The payload of a JWS, after jwcrypto found its signature good with the key of its ``kid``; raises otherwise."""
    keys = jwk.JWKSet.from_json(json.dumps(key_set))
    token = jws.JWS()
    token.deserialize(receipt.split("~", maxsplit=1)[0])
    key = keys.get_key(header_of(receipt)["kid"])
    assert key is not None, "no such key"
    token.verify(key)
    return dict(json.loads(token.payload))


def row_of(receipt: str, rows: dict[str, Any]) -> dict[str, Any]:
    """The row of a batch's receipt, after its way was walked to the signed root by the words of docs/receipts.md."""
    _, body, way = receipt.split("~")
    told = json.loads(unpacked(way))
    at, last = told["index"], rows["size"] - 1
    found = hashlib.sha256(b"\0" + unpacked(body)).digest()
    for sibling in map(unpacked, told["path"]):
        if at % 2 or at == last:
            found = hashlib.sha256(b"\1" + sibling + found).digest()
            while at % 2 == 0 and at:
                at, last = at // 2, last // 2
        else:
            found = hashlib.sha256(b"\1" + found + sibling).digest()
        at, last = at // 2, last // 2
    assert (last, found.hex()) == (0, rows["root"])
    return dict(json.loads(unpacked(body)))


def holds(before: Any, now: Any) -> bool:
    """Whether a value says what it said, and perhaps more."""
    if isinstance(before, dict):
        return all(key in now and holds(value, now[key]) for key, value in before.items())
    if isinstance(before, list):
        return len(before) == len(now) and all(map(holds, before, now))
    return bool(before == now) or str(before) == str(now)
