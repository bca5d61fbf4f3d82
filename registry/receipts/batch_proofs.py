"""Receipts of a batch: one signature over the RFC 6962 tree of its rows, each row provable alone (docs/receipts.md).

Of the rows only their hashes are held here; the rows themselves wait wherever the caller has room, since no receipt can
be made before the last row is known.
"""

from __future__ import annotations

import datetime as dt
import os
from typing import NamedTuple

import msgspec

from registry.domain.answers import Answer, Claim
from registry.log.merkle import hash_leaf, hash_node
from registry.log.signing_keys import Key
from registry.receipts import receipt_text
from registry.receipts.jws import encode_base64url

#: Random bytes in a row: without them the hashes of neighbours could be guessed from likely questions.
_SALT = 16
#: Characters of a hash in base64url.
_WIDTH = 43
_json = msgspec.json.Encoder()
_ID, _NO_RECEIPT = b'{"id":null', b',"receipt":null}'  # the first and the last field of an answer


class Statement(NamedTuple):
    """A question and its answer as JSON objects, each without its ``{`` and its id."""

    question: bytes
    answer: bytes


def make_statement(claim: Claim, answer: Answer) -> Statement:
    """Make the statement of a claim and its answer; one serves all rows that ask the same."""
    question = receipt_text.to_question(claim)
    question.pop("id", None)
    body = _json.encode(msgspec.structs.replace(answer, id=None, receipt=None))
    return Statement(_json.encode(question)[1:], body[len(_ID) : -len(_NO_RECEIPT)] + b"}")


class BatchRows:
    """The rows of one batch in order: their hashes, 90 bytes a row in all."""

    def __init__(self) -> None:
        self._tree = _Tree()

    def __len__(self) -> int:
        return self._tree.size

    def add(self, statement: Statement, identifier: str | None) -> bytes:
        """Add a row and return its bytes, which ``BatchSignature.make_receipt`` needs later."""
        answer_id = _json.encode(identifier)
        question_id = b'"id":%b,' % answer_id if identifier is not None else b""
        salt = encode_base64url(os.urandom(_SALT)).encode()
        row = b'{"salt":"%b","question":{%b%b,"answer":{"id":%b%b}' % (
            salt,
            question_id,
            statement.question,
            answer_id,
            statement.answer,
        )
        self._tree.append(hash_leaf(row))
        return row

    def sign(self, issuer: str, key: Key, at: dt.datetime) -> BatchSignature:
        """Sign the root of all rows, of which there is at least one; none may be added after."""
        root = self._tree.close()
        rows = {"size": self._tree.size, "root": root.hex()}
        payload = {"iss": issuer, "iat": int(at.timestamp()), "rows": rows}
        return BatchSignature(receipt_text.sign_payload(receipt_text.BATCH_TYPE, payload, key), self._tree)


class BatchSignature:
    """The signature over a batch, from which the receipt of each row is made."""

    def __init__(self, signature: str, tree: _Tree) -> None:
        self._signature = signature
        self._tree = tree

    def make_receipt(self, index: int, row: bytes) -> str:
        """Make the receipt of the row that was added as number ``index``, from 0."""
        proof = _json.encode({"index": index, "path": self._tree.get_proof_path(index)})
        return f"{self._signature}~{encode_base64url(row)}~{encode_base64url(proof)}"


class _Tree:
    """Every node of a growing RFC 6962 tree, level by level, in base64url as proofs have them."""

    def __init__(self) -> None:
        self.size = 0
        self._levels: list[bytearray] = []
        self._unpaired: list[bytes | None] = []  # of each level its last node, while that has no sibling

    def append(self, leaf: bytes) -> None:
        """Add a leaf hash; amortised one node hash."""
        self.size += 1
        self._add_node(0, leaf)

    def _add_node(self, level: int, node: bytes) -> None:
        while True:
            if level == len(self._levels):
                self._levels.append(bytearray())
                self._unpaired.append(None)
            self._levels[level] += encode_base64url(node).encode()
            sibling = self._unpaired[level]
            if sibling is None:
                self._unpaired[level] = node
                return
            self._unpaired[level] = None
            node, level = hash_node(sibling, node), level + 1

    def close(self) -> bytes:
        """Close the tree and return its root; ValueError without a leaf. A node without a sibling rises as it is."""
        level = 0
        while level < len(self._levels) - 1:
            node, self._unpaired[level] = self._unpaired[level], None
            level += 1
            if node is not None:
                self._add_node(level, node)
        if not self.size or (root := self._unpaired[level]) is None:
            raise ValueError("a tree without leaves has no root to sign")
        return root

    def get_proof_path(self, index: int) -> list[str]:
        """Return the inclusion proof of a leaf of a closed tree: its sibling on every level where it has one."""
        path = []
        for level in self._levels[:-1]:
            start = (index ^ 1) * _WIDTH
            if start < len(level):
                path.append(level[start : start + _WIDTH].decode())
            index >>= 1
        return path
