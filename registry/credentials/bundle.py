"""What a verifier without the register needs, in one file: the public keys and the status lists, and when they were
read."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec

from registry.credentials.status_list import StatusListToken, read_list
from registry.domain.model import Struct
from registry.errors import InvalidInput
from registry.receipts import jws
from registry.receipts.jws import PublicKey
from registry.texts import Message

#: Where a mirror keeps what only its register can sign, in the data folder.
BUNDLE_FILE = "credentials.json"


class Bundle(Struct, frozen=True):
    """Keys and lists of one register as published. ``address``: where its QR codes lead; ``lists`` by their address."""

    issuer: str
    address: str
    saved_at: dt.datetime
    keys: dict[str, Any]
    lists: dict[str, str]

    def list_keys(self) -> list[PublicKey]:
        """List the keys; InvalidInput where there are none."""
        return jws.parse_key_set(msgspec.json.encode(self.keys))

    def find_list(self, uri: str) -> StatusListToken | None:
        """Find the status list at an address; None where it is not here, or not genuine."""
        try:
            return read_list(self.lists[uri], uri, self.list_keys())
        except (KeyError, InvalidInput):
            return None


def parse_bundle(raw: bytes) -> Bundle:
    """Parse the file; InvalidInput when it is none."""
    try:
        bundle = msgspec.json.decode(raw, type=Bundle)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput(Message("离线核验文件无法解读，请重新保存：registry qr bundle FILE")) from error
    bundle.list_keys()
    return bundle
