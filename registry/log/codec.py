"""The canonical bytes of an entry: what is hashed, signed and published, byte for byte, for ever.

Format 1: JSON after RFC 8785 (keys sorted, no spaces, UTF-8, no floats), at most 65,535 bytes so that an entry fits a
C2SP tlog-tiles bundle. These bytes hold no personal value but ``{"sha256": hex}`` over a random 16-byte salt followed
by the value's canonical JSON; salt and value are in the erasable table. Erasing them later leaves every hash valid. An
entry that erases names the paths under ``erases``, a key no other entry has.
"""

import datetime as dt
import hashlib
import re
import secrets
from typing import Any

import msgspec

from registry.domain.model import Change, Draft, Entry
from registry.domain.schema import PERSONAL
from registry.errors import InvalidInput, LogDamaged
from registry.log.clock import from_milliseconds
from registry.texts import Message

MAX_BYTES = 65_535
FORMAT = 1

_encoder = msgspec.json.Encoder(order="sorted")
_as_is = msgspec.json.Encoder()
_BEYOND_BMP = re.compile(rb"[\xf0-\xf4]")
_decoder = msgspec.json.Decoder()


class SealedValue(msgspec.Struct, frozen=True):
    """One personal value for the erasable table."""

    path: str
    salt: bytes
    value: bytes


def encode_canonical(value: Any) -> bytes:
    """RFC 8785 bytes of a value without floats; InvalidInput when it holds one or is not JSON."""
    _refuse_non_json(value)
    try:
        encoded = _encoder.encode(value)
        # The encoder orders keys by code point; RFC 8785 by UTF-16 code unit, which differs past U+FFFF only.
        return _as_is.encode(_order_keys(value)) if _BEYOND_BMP.search(encoded) else encoded
    except UnicodeEncodeError as error:
        raise InvalidInput(Message("记录中有残缺的字符。")) from error


def _order_keys(value: Any) -> Any:
    """Order the keys of all objects as RFC 8785 does: by UTF-16 code units."""
    if isinstance(value, dict):
        return {key: _order_keys(value[key]) for key in sorted(value, key=lambda k: k.encode("utf-16-be"))}
    if isinstance(value, list | tuple):
        return [_order_keys(item) for item in value]
    return value


def _refuse_non_json(value: Any) -> None:
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        for item in value.values():
            _refuse_non_json(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse_non_json(item)
    elif isinstance(value, float):
        raise InvalidInput(Message("记录中不得有小数。"))
    elif not (value is None or isinstance(value, str | dt.date) or (isinstance(value, int) and abs(value) < 2**53)):
        raise InvalidInput(Message("记录中有无法写成 JSON 的值。"))


def seal_change(change: Change) -> tuple[dict[str, Any], list[SealedValue]]:
    """Return the change's values with salted hashes in place of personal ones, and the personal ones."""
    personal = PERSONAL.get(change.kind, frozenset())
    public: dict[str, Any] = {}
    sealed: list[SealedValue] = []
    for path, value in change.set.items():
        if path in personal and value is not None:
            salt, encoded = secrets.token_bytes(16), encode_canonical(value)
            sealed.append(SealedValue(path, salt, encoded))
            public[path] = {"sha256": hashlib.sha256(salt + encoded).hexdigest()}
        else:
            public[path] = value
    return public, sealed


def read_sealed_paths(body: bytes) -> set[str]:
    """The paths of an entry's personal values that its bytes hold only as a hash."""
    change = _decoder.decode(body)["change"]
    return {path for path in PERSONAL.get(change["kind"], ()) if isinstance(change["set"].get(path), dict)}


def verify_seal(body: bytes, path: str, salt: bytes, value: bytes) -> bool:
    """Whether a salt and a personal value are the ones an entry's bytes were sealed over."""
    seal = _decoder.decode(body)["change"]["set"].get(path)
    return bool(seal == {"sha256": hashlib.sha256(salt + value).hexdigest()})


def encode_entry(  # noqa: PLR0913 - an entry has this many parts
    number: int, recorded_at: str, draft: Draft, values: dict[str, Any], proposer: str, approver: str, proposal: int
) -> bytes:
    """The canonical bytes of one entry; ``values`` are those of ``seal_change``. InvalidInput when it is too long."""
    change: dict[str, Any] = {"kind": draft.change.kind, "reason": draft.change.reason, "set": values}
    if draft.change.erases:  # only then: the bytes of every other entry stay what they always were
        change["erases"] = draft.change.erases
    body = encode_canonical(
        {
            "approver": approver,
            "change": change,
            "format": FORMAT,
            "number": number,
            "proposal": proposal,
            "proposer": proposer,
            "recorded_at": recorded_at,
            "source": draft.source,
            "subject": draft.subject,
            "valid_from": draft.valid_from,
        }
    )
    if len(body) > MAX_BYTES:
        message = Message(
            "{subject} 的记录过长（{count} 字节，上限 {max_bytes}）。",
            subject=draft.subject,
            count=len(body),
            max_bytes=MAX_BYTES,
        )
        raise InvalidInput(message)
    return body


def check_draft(draft: Draft) -> None:
    """Raise InvalidInput unless the draft can become an entry, whoever approves it and whatever its number."""
    values, _ = seal_change(draft.change)
    encode_entry(2**52, format_timestamp(0), draft, values, "x" * 60, "x" * 60, 2**52)


def decode_entry(body: bytes, private: dict[str, bytes] | None = None) -> Entry:
    """Decode an entry, with personal values from ``private`` (path -> JSON); erased ones are None. LogDamaged."""
    try:
        raw = _decoder.decode(body)
        change = raw["change"]
        values = change["set"]
        for path in PERSONAL.get(change["kind"], ()):
            if isinstance(values.get(path), dict):
                stored = (private or {}).get(path)
                values[path] = None if stored is None else _decoder.decode(stored)
        return Entry(
            number=raw["number"],
            recorded_at=parse_timestamp(raw["recorded_at"]),
            subject=raw["subject"],
            change=Change(
                kind=change["kind"], set=values, reason=change["reason"], erases=_check_paths(change.get("erases", []))
            ),
            valid_from=dt.date.fromisoformat(raw["valid_from"]),
            source=raw["source"],
            proposer=raw["proposer"],
            approver=raw["approver"],
            proposal=raw["proposal"],
        )
    except (msgspec.DecodeError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise LogDamaged(Message("日志记录无法解读：{error}", error=error)) from error


def _check_paths(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(path, str) for path in value):
        raise TypeError("erases is no list of paths")
    return value


def format_timestamp(milliseconds: int) -> str:
    """RFC 3339 in UTC to the millisecond: the one spelling of an instant in entries."""
    return from_milliseconds(milliseconds).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_timestamp(text: str) -> dt.datetime:
    """Parse the spelling of ``format_timestamp``; ValueError for an instant without a time zone."""
    instant = dt.datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("recorded_at has no time zone")
    return instant
