"""What a scanned code is worth, in one word of a table: by its signature, its status list, and the register."""

from __future__ import annotations

import datetime as dt
from typing import Literal, get_args

import msgspec

from registry.credentials.bundle import Bundle
from registry.credentials.entry_token import TYPE, EntryToken
from registry.credentials.scan import Scan, read_header, read_payload
from registry.credentials.status import Fault
from registry.credentials.status_list import INVALID, SUSPENDED, VALID, find_status
from registry.domain.identifiers import format_code, parse_code
from registry.domain.model import Institution, Struct
from registry.errors import InvalidCode
from registry.receipts import jws
from registry.receipts.jws import ALGORITHM, PublicKey
from registry.texts import PageText

#: ``older``: genuine, and the register says something else by now; ``unsigned``: an address alone, which proves
#: nothing by itself; ``unchecked``: genuine, and no list at hand says whether it still holds; ``foreign``: not a code
#: of this register at all.
Word = Literal[
    "genuine",
    "older",
    "unchecked",
    "unsigned",
    "suspended",
    "revoked",
    "expired",
    "key_withdrawn",
    "unknown_key",
    "altered",
    "other_host",
    "foreign",
]
WORDS: tuple[Word, ...] = get_args(Word)
#: And on a page, whose browser may be unable to check a signature.
PAGE_WORDS = (*WORDS, "unable")
#: The words after which what the token says may be shown: it was signed by the register.
SIGNED: frozenset[Word] = frozenset({"genuine", "older", "unchecked", "suspended", "revoked", "expired"})
#: A key is retired in one process while another is about to sign with it; clocks differ.
_GRACE = 60
_STATUS_WORDS: dict[int | None, Word] = {VALID: "genuine", INVALID: "revoked", SUSPENDED: "suspended"}


class ScanAnswer(Struct, frozen=True):
    """The answer to a scan. ``token`` is what was signed, null where nothing is proven; ``list_age`` the seconds since
    the status list was signed; ``fault`` why it no longer holds, where the register was asked; ``now`` what that says.
    """

    word: Word
    code: str | None = None
    token: EntryToken | None = None
    list_age: int | None = None
    fault: Fault | None = None
    now: Institution | None = None

    @property
    def is_good(self) -> bool:
        """Whether what is printed holds, as far as could be checked."""
        return self.word in ("genuine", "older")


def get_sentence(word: Word) -> PageText:
    """Return the sentence of a word: the same in the command, on the page and offline."""
    return PageText(f"scan.{word}")


def get_fault_sentence(fault: Fault) -> PageText:
    """Return the sentence that says why a credential does not hold."""
    return PageText(f"scan_fault.{fault}")


class _NoProof(Exception):
    def __init__(self, word: Word) -> None:
        super().__init__(word)
        self.word = word


def check_scan(scan: Scan, bundle: Bundle, now: dt.datetime) -> ScanAnswer:
    """Check a scan with keys and status lists alone."""
    code = format_code(scan.code) if scan.code else None
    try:
        token = _read_genuine(scan, bundle)
    except _NoProof as error:
        return ScanAnswer(word=error.word, code=code)
    answer = ScanAnswer(word="unchecked", code=token.sub, token=token)
    if now.timestamp() >= token.exp:
        return msgspec.structs.replace(answer, word="expired")
    place = token.status.status_list
    found = bundle.find_list(place.uri)
    if found is None or now.timestamp() >= found.exp:
        return answer
    age = max(0, int(now.timestamp()) - found.iat)
    word = _STATUS_WORDS.get(find_status(found.status_list, place.idx), "unchecked")
    return msgspec.structs.replace(answer, word=word, list_age=age)


def _read_genuine(scan: Scan, bundle: Bundle) -> EntryToken:
    """Return what the token of a scan says if the register signed it for this code; else _NoProof."""
    if scan.host is not None and not scan.is_own_host:
        raise _NoProof("other_host")
    if scan.token is None:
        is_ours = scan.code is not None and (scan.is_page or scan.host is None)
        raise _NoProof("unsigned" if is_ours else "foreign")
    key = _find_key(scan.token, bundle)
    try:
        token = msgspec.json.decode(jws.verify_token(scan.token, key), type=EntryToken)
    except (jws.SignatureMismatch, msgspec.DecodeError) as error:
        raise _NoProof("altered") from error
    if token.iss != bundle.issuer:
        raise _NoProof("other_host")
    if key.retired_at is not None and token.iat > key.retired_at.timestamp() + _GRACE:
        raise _NoProof("key_withdrawn")
    if not _is_same_code(token.sub, scan.code):
        raise _NoProof("altered")
    return token


def _find_key(text: str, bundle: Bundle) -> PublicKey:
    header, claimed = read_header(text), read_payload(text)
    if header is None or header.typ != TYPE or header.alg != ALGORITHM:
        raise _NoProof("altered")
    key = next((one for one in bundle.list_keys() if one.kid == header.kid), None)
    if key is None:
        raise _NoProof("other_host" if claimed and claimed.iss != bundle.issuer else "unknown_key")
    if key.withdrawn:
        raise _NoProof("key_withdrawn")
    return key


def _is_same_code(signed: str, scanned: str | None) -> bool:
    try:
        return parse_code(signed) == scanned
    except InvalidCode:
        return False


def compare_with_register(answer: ScanAnswer, institution: Institution | None, fault: Fault | None) -> ScanAnswer:
    """Add what the register says now: a genuine code whose words have changed since is older than the register."""
    if answer.word == "unsigned" and institution is None:
        return msgspec.structs.replace(answer, word="foreign")
    word, token = answer.word, answer.token
    if word == "genuine" and token is not None and institution is not None:
        in_force = [one.technique for one in institution.approvals if one.standing == "in_force"]
        same = (token.name, token.address) == (institution.name, institution.address)
        word = "genuine" if same and sorted(token.techniques) == sorted(in_force) else "older"
    return msgspec.structs.replace(answer, word=word, now=institution, fault=fault)
