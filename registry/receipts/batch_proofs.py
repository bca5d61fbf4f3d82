"""Receipts of a batch: one signature over the RFC 6962 tree of its rows, each row provable alone (docs/receipts.md).

Of the rows only their hashes are kept here; the rows themselves wait wherever the caller has room, since no receipt can
be made before the last row is known.
"""

from __future__ import annotations

import datetime as dt
import os
from typing import NamedTuple

import msgspec

from registry.domain.model import Answer, Claim
from registry.log.merkle import hash_leaf, hash_node
from registry.log.signing_keys import Key
from registry.receipts import receipt_text
from registry.receipts.jwks import encode_base64url

#: Bytes of chance in a row: without them the hashes of neighbours could be guessed from likely questions.
_SALT = 16
#: Characters of a hash in base64url.
_WIDTH = 43
_json = msgspec.json.Encoder()
_ID, _NO_RECEIPT = b'{"id":null', b',"receipt":null}'  # the first and the last field of an answer


class Statement(NamedTuple):
    """A question and its answer as JSON that wants a beginning: without ``{`` and without their ids."""

    question: bytes
    answer: bytes


def make_statement(claim: Claim, answer: Answer) -> Statement:
    """What a row says, but for its id; one statement serves all rows that ask the same."""
    question = receipt_text.to_question(claim)
    question.pop("id", None)
    said = _json.encode(msgspec.structs.replace(answer, id=None, receipt=None))
    return Statement(_json.encode(question)[1:], said[len(_ID) : -len(_NO_RECEIPT)] + b"}")


class BatchRows:
    """The rows of one batch in order: their hashes, 90 bytes a row in all."""

    def __init__(self) -> None:
        self._tree = _Tree()

    def __len__(self) -> int:
        return self._tree.size

    def add(self, said: Statement, identifier: str | None) -> bytes:
        """Take in one row; its bytes, to be handed to ``Signed.receipt`` later."""
        own = _json.encode(identifier)
        asked = b'"id":%b,' % own if identifier is not None else b""
        salt = encode_base64url(os.urandom(_SALT)).encode()
        row = b'{"salt":"%b","question":{%b%b,"answer":{"id":%b%b}' % (salt, asked, said.question, own, said.answer)
        self._tree.append(hash_leaf(row))
        return row

    def sign(self, issuer: str, key: Key, at: dt.datetime) -> BatchSignature:
        """Sign the root of all rows, of which there is at least one; none is added after."""
        root = self._tree.close()
        stated = {"size": self._tree.size, "root": root.hex()}
        payload = {"iss": issuer, "iat": int(at.timestamp()), "rows": stated}
        return BatchSignature(receipt_text.sign_payload(receipt_text.BATCH_TYPE, payload, key), self._tree)


class BatchSignature:
    """The signature over a batch, from which the receipt of each row is made."""

    def __init__(self, signature: str, tree: _Tree) -> None:
        self._signature = signature
        self._tree = tree

    def make_receipt(self, index: int, row: bytes) -> str:
        """The receipt of the row that was added as number ``index``, from 0."""
        way = _json.encode({"index": index, "path": self._tree.get_proof_path(index)})
        return f"{self._signature}~{encode_base64url(row)}~{encode_base64url(way)}"


class _Tree:
    """Every node of a growing RFC 6962 tree, level by level, written as a way has them: base64url."""

    def __init__(self) -> None:
        self.size = 0
        self._levels: list[bytearray] = []
        self._alone: list[bytes | None] = []  # of each level its last node, while that has no sibling

    def append(self, leaf: bytes) -> None:
        """Add a leaf hash; amortised one node hash."""
        self.size += 1
        self._add_node(0, leaf)

    def _add_node(self, level: int, node: bytes) -> None:
        while True:
            if level == len(self._levels):
                self._levels.append(bytearray())
                self._alone.append(None)
            self._levels[level] += encode_base64url(node).encode()
            sibling = self._alone[level]
            if sibling is None:
                self._alone[level] = node
                return
            self._alone[level] = None
            node, level = hash_node(sibling, node), level + 1

    def close(self) -> bytes:
        """The root; ValueError without a leaf. A node without a sibling rises as it is."""
        level = 0
        while level < len(self._levels) - 1:
            node, self._alone[level] = self._alone[level], None
            level += 1
            if node is not None:
                self._add_node(level, node)
        if not self.size or (root := self._alone[level]) is None:
            raise ValueError("a tree without leaves has no root to sign")
        return root

    def get_proof_path(self, index: int) -> list[str]:
        """The inclusion proof of a leaf of a closed tree: its sibling on every level where it has one."""
        found = []
        for level in self._levels[:-1]:
            start = (index ^ 1) * _WIDTH
            if start < len(level):
                found.append(level[start : start + _WIDTH].decode())
            index >>= 1
        return found
