"""The text of a QR code, taken apart: which register it leads to, which institution, and the token it carries."""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec

from registry.credentials.entry_token import TYPE, EntryToken
from registry.domain.identifiers import parse_code
from registry.domain.model import Struct
from registry.errors import InvalidCode
from registry.receipts.jws import decode_base64url
from registry.receipts.receipt_text import compact_receipt

#: A QR code holds less than 3,000 bytes.
LONGEST = 4096
_ERRORS = (ValueError, msgspec.DecodeError, RecursionError)


class TokenHeader(msgspec.Struct, frozen=True):
    """The header of a token."""

    typ: str = ""
    alg: str = ""
    kid: str = ""


class Scan(Struct, frozen=True):
    """A text taken apart, nothing of it proven.

    ``host`` is where it leads, null for a bare token or code; ``is_own_host`` whether that is this register;
    ``code`` compact, null where there is none; ``is_mistyped``: something stands in its place and is no code.
    """

    host: str | None = None
    is_own_host: bool = True
    is_page: bool = False
    code: str | None = None
    is_mistyped: bool = False
    token: str | None = None

    def find_list_uri(self) -> str | None:
        """Find the status list that the token names."""
        payload = read_payload(self.token or "")
        return payload.status.status_list.uri if payload else None


def parse_scan(text: str, public_url: str) -> Scan:
    """Take the text of a QR code apart; ``public_url``: where the codes of this register lead."""
    text = compact_receipt(text[: LONGEST + 1])
    if not text or len(text) > LONGEST:
        return Scan()
    try:
        parts = urlsplit(text)
        host, own = parts.netloc.lower(), urlsplit(public_url)
    except ValueError:
        return Scan()
    if parts.scheme.lower() in ("http", "https") and host:
        head, mark, code = parts.path.rpartition("/q/")
        is_own = host == own.netloc.lower() and head == (own.path.rstrip("/") if mark else "")
        return _read_code(code, Scan(host=host, is_own_host=is_own, is_page=bool(mark), token=parts.fragment or None))
    if text.count(".") >= 2 and (payload := read_payload(text)) is not None:
        return _read_code(payload.sub, Scan(token=text))
    if text.count(".") == 2 and (read_header(text) or TokenHeader()).typ == TYPE:
        return Scan(token=text)
    scan = _read_code(text, Scan())
    return scan if scan.code else Scan()


def _read_code(text: str, scan: Scan) -> Scan:
    try:
        return msgspec.structs.replace(scan, code=parse_code(text))
    except InvalidCode:
        return msgspec.structs.replace(scan, is_mistyped=bool(text))


def read_header(token: str) -> TokenHeader | None:
    """Read the header of a token; None where it has none."""
    try:
        return msgspec.json.decode(decode_base64url(token.split(".", 1)[0]), type=TokenHeader)
    except _ERRORS:
        return None


def read_payload(token: str) -> EntryToken | None:
    """Read what a token says, unproven; None where it cannot be read."""
    parts = token.split(".")
    try:
        return msgspec.json.decode(decode_base64url(parts[1]), type=EntryToken) if len(parts) == 3 else None
    except _ERRORS:
        return None
