"""Receipts: a question, its answer and the time, signed, so that whoever asked can prove both, also without us.

A receipt is a JWS in compact form (RFC 7515) with EdDSA (RFC 8037). One receipt of a batch is a JWS over the Merkle
root of all rows, then ``~``, its row, ``~``, its inclusion proof: docs/receipts.md. What a receipt rests on is the
``log`` (size and root) inside its answer.
"""

import datetime as dt
import hashlib
import unicodedata
from collections.abc import Iterable
from typing import Any, Literal, TypeVar

import msgspec

from registry.domain.answers import Answer, Claim, LogState
from registry.domain.model import Struct
from registry.errors import InvalidInput
from registry.log import merkle
from registry.log.merkle import hash_leaf
from registry.log.signing_keys import Key
from registry.receipts import jws
from registry.receipts.jws import PublicKey, decode_base64url
from registry.texts import Message

TYPE, BATCH_TYPE = "art-receipt+jwt", "art-receipt-batch+jwt"
#: Characters. A receipt holds question and answer: of the longest text, 10,000 flagged words make 1.2 million of them.
LONGEST = 1536 * 1024
#: A key is retired in one process while another is about to sign with it; clocks differ.
_GRACE = dt.timedelta(minutes=1)

Reason = Literal[
    "incomplete",
    "altered",
    "unknown_key",
    "withdrawn_key",
    "other_register",
    "after_retirement",
    "other_log",
    "ahead",
]
#: What a decoder raises for hostile JSON: no JSON, no UTF-8, brackets without end.
_DECODE_ERRORS = (ValueError, msgspec.DecodeError, RecursionError)
_Shape = TypeVar("_Shape")


class Receipt(Struct, frozen=True):
    """What a genuine receipt says; question and answer word for word. ``digest``: SHA-256 (hex) of its text."""

    issuer: str
    signed_at: dt.datetime
    key: str
    digest: str
    question: dict[str, Any]
    answer: dict[str, Any]

    @property
    def log(self) -> LogState:
        """The log the answer rests on."""
        return msgspec.convert(self.answer["log"], LogState)

    @property
    def on(self) -> dt.date:
        """The day asked about."""
        return dt.date.fromisoformat(self.answer["on"])


class ReceiptReading(Struct, frozen=True):
    """A receipt, or why the text is no genuine one; ``claims_from``: the issuer it names, unproven."""

    receipt: Receipt | None = None
    reason: Reason | None = None
    claims_from: str | None = None


class _Header(msgspec.Struct, frozen=True):
    typ: str = ""
    kid: str = ""


class _IssuerClaims(msgspec.Struct, frozen=True):
    iss: str
    iat: int


class _SinglePayload(_IssuerClaims, frozen=True):
    question: dict[str, Any]
    answer: dict[str, Any]


class _BatchRoot(msgspec.Struct, frozen=True):
    size: int
    root: str


class _BatchPayload(_IssuerClaims, frozen=True):
    rows: _BatchRoot


class _BatchRow(msgspec.Struct, frozen=True):
    salt: str
    question: dict[str, Any]
    answer: dict[str, Any]


class _ProofPath(msgspec.Struct, frozen=True):
    index: int
    path: list[str]


class _AnswerCore(msgspec.Struct, frozen=True):
    verdict: str
    on: dt.date
    log: LogState


class _NotGenuine(Exception):
    def __init__(self, reason: Reason, claims_from: str | None = None) -> None:
        super().__init__(reason)
        self.reading = ReceiptReading(reason=reason, claims_from=claims_from)


# --- giving ----------------------------------------------------------------------------------------------------------


def sign_receipt(claim: Claim, answer: Answer, issuer: str, key: Key, at: dt.datetime) -> str:
    """Return the receipt of one answer, signed by a key in use. ``issuer``: the name of the log."""
    body = {k: v for k, v in msgspec.to_builtins(answer).items() if k != "receipt"}
    payload = {"iss": issuer, "iat": int(at.timestamp()), "question": to_question(claim), "answer": body}
    return sign_payload(TYPE, payload, key)


def to_question(claim: Claim) -> dict[str, Any]:
    """Return a question as it is signed: without empty fields."""
    question = {k: v for k, v in msgspec.to_builtins(claim).items() if k != "receipt" and v not in (None, [], "")}
    question["provider"] = {k: v for k, v in question["provider"].items() if v is not None}
    return question


def sign_payload(kind: str, payload: dict[str, Any], key: Key) -> str:
    """Sign a payload as a JWS of one of the two types, by a key in use."""
    return jws.sign_token(kind, msgspec.json.encode(payload), key)


# --- reading ---------------------------------------------------------------------------------------------------------


def compact_receipt(text: str) -> str:
    """Remove spaces, line breaks and invisible characters from a receipt: they come from mail, chats and paper."""
    return "".join(c for c in text if not c.isspace() and (c.isascii() or unicodedata.category(c) != "Cf"))


def remove_controls(text: str) -> str:
    """Remove control characters: a text from outside must not steer the reader's terminal."""
    return "".join(ch for ch in text if ch.isprintable())


def read_receipt(text: str, keys: Iterable[PublicKey], issuer: str | None = None) -> ReceiptReading:
    """Read a receipt if a key of ``keys`` signed it, else why it is not genuine.

    InvalidInput for what is no receipt at all. ``issuer``: the register that must have given it, where that is known.
    """
    text = compact_receipt(text)
    if len(text) > LONGEST:
        raise InvalidInput(Message("内容过长，不是回执：最多{longest}个字符。", longest=LONGEST))
    kind, kid = _read_header(text)
    token, *evidence = text.split("~")
    try:
        payload = _verify_token(token, kid, {key.kid: key for key in keys}, issuer)
        if len(evidence) < (2 if kind == BATCH_TYPE else 0):
            raise _NotGenuine("incomplete")
        digest = hashlib.sha256(text.encode()).hexdigest()
        return ReceiptReading(receipt=_make_receipt(kind, payload, evidence, kid, digest))
    except _NotGenuine as error:
        return error.reading


def open_token(text: str, keys: Iterable[PublicKey], issuer: str | None = None) -> bytes | ReceiptReading:
    """Return what another signed text of the register says, or why it is not genuine; its kind is the caller's."""
    try:
        kid = msgspec.json.decode(decode_base64url(text.split(".", 1)[0]), type=_Header).kid
        return _verify_token(text, kid, {key.kid: key for key in keys}, issuer)
    except _NotGenuine as error:
        return error.reading
    except _DECODE_ERRORS:
        return ReceiptReading(reason="altered")


def _read_header(text: str) -> tuple[str, str]:
    """Return (typ, kid) of what begins like a receipt; InvalidInput for anything else."""
    try:
        header = msgspec.json.decode(decode_base64url(text.split(".", 1)[0]), type=_Header)
        if header.typ in (TYPE, BATCH_TYPE):
            return header.typ, header.kid
    except _DECODE_ERRORS:
        pass
    raise InvalidInput(Message("这不是本系统的回执：回执是一长串字符，以 eyJ 开头，请完整复制。"))


def _verify_token(token: str, kid: str, keys: dict[str, PublicKey], issuer: str | None) -> bytes:
    """Return the payload of a JWS whose signature, issuer and time are in order."""
    parts = token.split(".")
    if len(parts) < 3 or not all(parts):
        raise _NotGenuine("incomplete")
    key = keys.get(kid)
    if key is None:
        claimed = _read_claimed_issuer(parts[1])
        raise _NotGenuine("other_register" if issuer and claimed and claimed != issuer else "unknown_key", claimed)
    try:
        payload = jws.verify_token(token, key)
    except jws.SignatureMismatch as error:
        raise _NotGenuine("altered") from error
    issued = _decode_as(payload, _IssuerClaims)
    if issuer is not None and issued.iss != issuer:
        raise _NotGenuine("other_register", issued.iss)
    if key.withdrawn:
        raise _NotGenuine("withdrawn_key")
    if key.retired_at is not None and _to_instant(issued.iat) > key.retired_at + _GRACE:
        raise _NotGenuine("after_retirement")
    return payload


def _read_claimed_issuer(part: str) -> str | None:
    """Return the issuer an unverified payload names, cut short."""
    try:
        issuer = msgspec.json.decode(decode_base64url(part), type=_IssuerClaims).iss
    except _DECODE_ERRORS:
        return None
    return remove_controls(issuer[:200])


def _make_receipt(kind: str, payload: bytes, evidence: list[str], kid: str, digest: str) -> Receipt:
    if kind == TYPE:
        single = _decode_as(payload, _SinglePayload)
        if evidence:
            raise _NotGenuine("altered")
        iss, iat, question, answer = single.iss, single.iat, single.question, single.answer
    else:
        batch = _decode_as(payload, _BatchPayload)
        row = _verify_row(batch.rows, evidence)
        iss, iat, question, answer = batch.iss, batch.iat, row.question, row.answer
    _decode_as(msgspec.json.encode(answer), _AnswerCore)
    return Receipt(issuer=iss, signed_at=_to_instant(iat), key=kid, digest=digest, question=question, answer=answer)


def _verify_row(rows: _BatchRoot, evidence: list[str]) -> _BatchRow:
    """Return the row whose proof leads to the signed root."""
    try:
        body, proof = decode_base64url(evidence[0]), _decode_as(decode_base64url(evidence[1]), _ProofPath)
        path = [decode_base64url(node) for node in proof.path]
        root = bytes.fromhex(rows.root)
    except ValueError as error:
        raise _NotGenuine("altered") from error
    is_included = merkle.verify_inclusion(hash_leaf(body), proof.index, rows.size, path, root)
    if len(evidence) != 2 or not is_included or any(len(node) != len(root) for node in path):
        raise _NotGenuine("altered")
    return _decode_as(body, _BatchRow)


def _decode_as(raw: bytes, shape: type[_Shape]) -> _Shape:
    """Decode JSON of a known shape; anything else is no receipt of ours."""
    try:
        return msgspec.json.decode(raw, type=shape)
    except _DECODE_ERRORS as error:
        raise _NotGenuine("altered") from error


def _to_instant(seconds: int) -> dt.datetime:
    try:
        return dt.datetime.fromtimestamp(seconds, dt.UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise _NotGenuine("altered") from error
