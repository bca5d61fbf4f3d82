"""The token in a QR code: a compact JWS that says what was printed of an institution, and where its status is.

It is derived from the credential's entry in the log and a key, so that it can be made again at any time.
"""

from __future__ import annotations

import datetime as dt

import msgspec

from registry.credentials.credential import LIST_SIZE, Credential
from registry.domain.model import Struct
from registry.domain.techniques import TechniqueCode
from registry.log.signing_keys import Key
from registry.receipts import jws

TYPE = "art-entry+jwt"


class StatusReference(Struct, frozen=True):
    """The place of a token in a status list: ``idx`` within the list at ``uri``."""

    idx: int
    uri: str


class StatusClaim(Struct, frozen=True):
    """The member ``status`` of a token, after the IETF Token Status List."""

    status_list: StatusReference


class EntryToken(Struct, frozen=True):
    """What a token says. ``sub`` is the printed code, ``log`` the log size it rests on; times in seconds since 1970."""

    iss: str
    iat: int
    exp: int
    sub: str
    name: str
    address: str
    techniques: list[TechniqueCode]
    log: int
    status: StatusClaim

    @property
    def issue_time(self) -> dt.datetime:
        """The instant at which it was issued."""
        return dt.datetime.fromtimestamp(self.iat, dt.UTC)


def make_list_uri(public_url: str, number: int) -> str:
    """Return the address of a status list."""
    return f"{public_url.rstrip('/')}/status-lists/{number}"


def make_token(credential: Credential, issuer: str, public_url: str) -> EntryToken:
    """Make what the token of a credential says."""
    place = StatusReference(idx=credential.index % LIST_SIZE, uri=make_list_uri(public_url, credential.list_number))
    return EntryToken(
        iss=issuer,
        iat=int(credential.issued.timestamp()),
        exp=int(credential.end.timestamp()),
        sub=credential.code,
        name=credential.name,
        address=credential.address,
        techniques=credential.techniques,
        log=credential.log_size,
        status=StatusClaim(status_list=place),
    )


def sign_entry(token: EntryToken, key: Key) -> str:
    """Sign a token: the same text each time by the same key."""
    return jws.sign_token(TYPE, msgspec.json.encode(token), key)


def make_scan_text(public_url: str, code: str, token: str | None = None) -> str:
    """Return the text of a QR code: the address a scan opens, without a redirect, and the token where there is one."""
    address = f"{public_url.rstrip('/')}/q/{code}"
    return f"{address}#{token}" if token else address
