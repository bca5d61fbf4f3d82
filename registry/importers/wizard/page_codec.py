"""JSON as bytes that take little room: what imports keep of what they found."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec


def encode_json(value: Any) -> bytes:
    """A value as packed JSON.

    >>> decode_json(encode_json({"name": "鞍山市妇儿医院"}))
    {'name': '鞍山市妇儿医院'}
    """
    return zlib.compress(msgspec.json.encode(value), 6)


def decode_json(body: bytes) -> Any:
    """The value of packed JSON."""
    return msgspec.json.decode(zlib.decompress(body))


def encode_pages(lines: Iterable[Any], size: int) -> Iterator[tuple[bytes, int]]:
    """Lines packed ``size`` at a time, each with how many they are."""
    left = iter(lines)
    while page := list(itertools.islice(left, size)):
        yield encode_json(page), len(page)
