"""The receipt of an evidence letter, and the letter's PDF: signing them, and reading them offline.

The receipt is a compact JWS of ``TYPE`` that holds the signed answers, the entries they rest on, each with its
inclusion proof, and the signed checkpoint that the proofs lead to. The PDF carries the receipt as an attached file, and
after its last line one comment: a compact JWS of ``PDF_TYPE`` over the SHA-256 of all bytes before it. See
docs/receipts.md.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import re
from collections.abc import Iterable
from typing import Any

import msgspec

from registry.domain.model import Struct
from registry.errors import InvalidInput
from registry.log import merkle, note
from registry.log.merkle import hash_leaf
from registry.log.signing_keys import Key
from registry.receipts import jws, receipt_text
from registry.receipts.jws import PublicKey
from registry.receipts.receipt_text import Reason, Receipt
from registry.texts import Message

TYPE, PDF_TYPE = "art-letter+jwt", "art-letter-pdf+jwt"
#: Begins the last line of a letter's PDF, which is a comment of that format.
MARK = b"%art-letter-signature "
#: Bytes of a letter that are read at most.
LONGEST = 32 * 1024 * 1024
_ATTACHED = re.compile(rb'\{"letter":"([\w.-]+)"\}')


class EntryEvidence(Struct, frozen=True):
    """An entry of the log: its canonical bytes as text, and the inclusion proof (hashes in base64, leaf's side first).

    ``leaf`` numbers begin at 0: entry 1 is leaf 0.
    """

    number: int
    body: str
    proof: list[str]


class Cosignature(Struct, frozen=True):
    """A witness that cosigned the checkpoint: its verifier key, and when."""

    name: str
    vkey: str
    at: dt.datetime


class Letter(Struct, frozen=True):
    """The content of a letter.

    ``receipts``: the answer as known at the instant asked about, then, where that was an earlier one, as known when the
    letter was given. ``checkpoint``: the signed note that the proofs lead to. ``cosignatures``: of witnesses; their
    keys are as the register knew them.
    """

    iss: str
    iat: int
    number: str
    lang: str
    authority: str
    reference: str
    receipts: list[str]
    entries: list[EntryEvidence]
    checkpoint: str
    vkeys: list[str]
    cosignatures: list[Cosignature]

    @property
    def issued_at(self) -> dt.datetime:
        """When it was given."""
        return dt.datetime.fromtimestamp(self.iat, dt.UTC)

    @property
    def log(self) -> note.Checkpoint:
        """The checkpoint that the proofs lead to."""
        return note.parse_signed_checkpoint(self.checkpoint.encode()).checkpoint


class LetterReading(Struct, frozen=True):
    """A letter with its opened receipts, or why it is no genuine one. ``pdf``: whether its pages were checked, too."""

    letter: Letter | None = None
    receipts: tuple[Receipt, ...] = ()
    reason: Reason | None = None
    claims_from: str | None = None
    pdf: bool = False


class _PdfClaims(msgspec.Struct, frozen=True):
    iss: str
    iat: int
    number: str
    sha256: str


class LetterFile(msgspec.Struct, frozen=True):
    """The file beside the PDF: the receipt, and the signature over the PDF once more, for who has only that file."""

    letter: str = ""
    pdf_signature: str = ""
    pdf_sha256: str = ""


class _NotGenuineLetter(Exception):
    def __init__(self, reason: Reason, claims_from: str | None = None) -> None:
        super().__init__(reason)
        self.reading = LetterReading(reason=reason, claims_from=claims_from)


def sign_letter(letter: Letter, key: Key) -> str:
    """Sign the content of a letter; its receipt."""
    return jws.sign_token(TYPE, msgspec.json.encode(letter), key)


def sign_pdf(pdf: bytes, letter: Letter, key: Key) -> tuple[bytes, str]:
    """Add the line with the signature to a PDF; the file and the signature."""
    pdf = pdf.rstrip(b"\n") + b"\n"
    claims = _PdfClaims(iss=letter.iss, iat=letter.iat, number=letter.number, sha256=hashlib.sha256(pdf).hexdigest())
    signature = jws.sign_token(PDF_TYPE, msgspec.json.encode(claims), key)
    return pdf + MARK + signature.encode() + b"\n", signature


def encode_file(receipt: str, signature: str, pdf: bytes) -> bytes:
    """Encode the file that goes with a PDF."""
    file = LetterFile(letter=receipt, pdf_signature=signature, pdf_sha256=hashlib.sha256(pdf).hexdigest())
    return msgspec.json.format(msgspec.json.encode(file), indent=2) + b"\n"


def is_letter(raw: bytes) -> bool:
    """Whether bytes look like a letter's PDF, its file or its receipt, whoever gave it."""
    if raw.startswith(b"%PDF-"):
        return True
    text = raw.lstrip()
    if text.startswith(b"{"):
        return b'"letter"' in text
    return _read_type(text) in (TYPE, PDF_TYPE)


def read_letter(raw: bytes, keys: Iterable[PublicKey], issuer: str | None = None) -> LetterReading:
    """Read a letter's PDF, file or receipt if a key of ``keys`` signed it and its proofs hold, else say why not.

    InvalidInput for what is no letter at all. ``issuer``: the register that must have given it.
    """
    known = list(keys)
    if len(raw) > LONGEST:
        raise InvalidInput(Message("文件过大，不是证明函。"))
    try:
        if raw.startswith(b"%PDF-"):
            return _read_pdf(raw, known, issuer)
        text = raw.strip()
        return _read_text(_find_receipt(text) if text.startswith(b"{") else text.decode(), known, issuer)
    except _NotGenuineLetter as error:
        return error.reading
    except UnicodeDecodeError as error:
        raise _make_no_letter_error() from error


def _read_pdf(raw: bytes, keys: list[PublicKey], issuer: str | None) -> LetterReading:
    content, mark, signature = raw.rpartition(b"\n" + MARK)
    attached = set(_ATTACHED.findall(raw))
    if not mark:
        if not attached:
            raise _make_no_letter_error()
        raise _NotGenuineLetter("incomplete")
    if len(attached) != 1 or not re.fullmatch(rb"[\w.-]+\n?", signature):
        raise _NotGenuineLetter("altered")
    claims = _open(signature.strip().decode(), PDF_TYPE, _PdfClaims, keys, issuer)
    if hashlib.sha256(content + b"\n").hexdigest() != claims.sha256:
        raise _NotGenuineLetter("altered")
    reading = _read_text(attached.pop().decode(), keys, issuer)
    if reading.letter is None or (reading.letter.number, reading.letter.iss) != (claims.number, claims.iss):
        raise _NotGenuineLetter("altered")
    return msgspec.structs.replace(reading, pdf=True)


def _read_text(text: str, keys: list[PublicKey], issuer: str | None) -> LetterReading:
    letter = _open(text, TYPE, Letter, keys, issuer)
    receipts = []
    for receipt in letter.receipts:
        reading = receipt_text.read_receipt(receipt, keys, letter.iss)
        if reading.receipt is None:
            raise _NotGenuineLetter(reading.reason or "altered")
        receipts.append(reading.receipt)
    if not receipts or not _has_proofs(letter, receipts, keys):
        raise _NotGenuineLetter("altered")
    return LetterReading(letter=letter, receipts=tuple(receipts))


def _open(text: str, kind: str, shape: type[Any], keys: list[PublicKey], issuer: str | None) -> Any:
    """Open a JWS of a type; _NotGenuineLetter, InvalidInput."""
    text = receipt_text.compact_receipt(text)
    if _read_type(text.encode()) != kind:
        raise _make_no_letter_error()
    token = receipt_text.open_token(text, keys, issuer)
    if isinstance(token, receipt_text.ReceiptReading):
        raise _NotGenuineLetter(token.reason or "altered", token.claims_from)
    try:
        return msgspec.json.decode(token, type=shape)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise _NotGenuineLetter("altered") from error


def _has_proofs(letter: Letter, receipts: list[Receipt], keys: list[PublicKey]) -> bool:
    """Whether the checkpoint is signed by a key of the register and by the witnesses named, and every entry in it."""
    own = [note.Verifier(name=letter.iss, kind=note.ED25519, public=key.public) for key in keys]
    try:
        note.verify_note(letter.checkpoint.encode(), own)
        checkpoint = letter.log
        if letter.cosignatures:
            witnesses = [note.parse_verifier(one.vkey) for one in letter.cosignatures]
            _, signers = note.verify_note(letter.checkpoint.encode(), witnesses)
            if len(signers) != len(witnesses):
                return False
        is_included = all(_is_included(entry, checkpoint) for entry in letter.entries)
    except (InvalidInput, ValueError):
        return False
    numbers = {entry.number for entry in letter.entries}
    wanted = {number for receipt in receipts for number in list_entry_numbers(receipt.answer)}
    return checkpoint.origin == letter.iss and is_included and wanted <= numbers


def _is_included(entry: EntryEvidence, checkpoint: note.Checkpoint) -> bool:
    proof = [base64.b64decode(sibling, validate=True) for sibling in entry.proof]
    body = entry.body.encode()
    is_numbered = msgspec.json.decode(body, type=_EntryNumber).number == entry.number
    return is_numbered and merkle.verify_inclusion(
        hash_leaf(body), entry.number - 1, checkpoint.size, proof, checkpoint.root
    )


class _EntryNumber(msgspec.Struct, frozen=True):
    number: int


def list_entry_numbers(answer: Any) -> set[int]:
    """List the entries that an answer names, at any depth: those it rests on.

    >>> sorted(list_entry_numbers({"basis": {"entry": 7}, "techniques": [{"basis": {"entry": 9}}], "log": {"size": 9}}))
    [7, 9]
    """
    if isinstance(answer, dict):
        own = {answer["entry"]} if isinstance(answer.get("entry"), int) else set()
        return own.union(*map(list_entry_numbers, answer.values()))
    return set().union(*map(list_entry_numbers, answer)) if isinstance(answer, list) else set()


def _find_receipt(text: bytes) -> str:
    try:
        return msgspec.json.decode(text, type=LetterFile).letter
    except (msgspec.DecodeError, RecursionError) as error:
        raise _make_no_letter_error() from error


def _read_type(text: bytes) -> str:
    try:
        header = msgspec.json.decode(jws.decode_base64url(text.split(b".", 1)[0].decode()), type=_TokenKind)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return ""
    return header.typ


class _TokenKind(msgspec.Struct, frozen=True):
    typ: str = ""


def _make_no_letter_error() -> InvalidInput:
    return InvalidInput(Message("这不是本系统的证明函，也不是其回执。"))
