"""Compound files as small as the format allows, for tests: names in a directory, and nothing in the streams."""

from __future__ import annotations

import struct
from collections.abc import Sequence

FREE, END, TABLE, MORE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFC


def entry(name: str, kind: int, left: int = FREE, right: int = FREE, below: int = FREE) -> bytes:
    """One entry of a directory: a folder is of kind 1, a stream of kind 2, the root of kind 5."""
    raw = name.encode("utf-16-le")
    told = struct.pack("<64sHBBIII", raw, len(raw) + 2, kind, 1, left, right, below)
    return told + bytes(36) + struct.pack("<IQ", END, 0)


def directory(streams: Sequence[str], inside: Sequence[str] = ()) -> bytes:
    """Streams at the top, each to the right of the one before, and others in a folder."""
    names = ["Root Entry", *streams, *(["Folder"] if inside else []), *inside]
    at_top = len(streams) + bool(inside)
    rows = [entry(names[0], 5, below=1 if at_top else FREE)]
    for at in range(1, len(names)):
        folder = inside and at == at_top
        right = at + 1 if at not in (at_top, len(names) - 1) else FREE
        rows.append(entry(names[at], 1 if folder else 2, right=right, below=at + 1 if folder else FREE))
    return b"".join(rows)


def compound(raw: bytes, size: int = 512, before: int = 0) -> bytes:
    """A file with that directory, its allocation table in front, so many free sectors before the directory."""
    per = size // 4
    raw += bytes(-len(raw) % size)
    length = len(raw) // size
    tables, mores = 1, 0
    while tables * per < tables + mores + before + length:
        tables += 1
        mores = max(0, -(-(tables - 109) // (per - 1)))
    start = tables + mores + before
    numbers = [TABLE] * tables + [MORE] * mores + [FREE] * before + [*range(start + 1, start + length), END]
    numbers += [FREE] * (tables * per - len(numbers))
    listed = [*range(tables), *[FREE] * max(0, 109 - tables)]
    more = b""
    for at in range(mores):
        some = listed[109 + at * (per - 1) : 109 + (at + 1) * (per - 1)]
        some += [FREE] * (per - 1 - len(some))
        more += struct.pack(f"<{per}I", *some, tables + at + 1 if at + 1 < mores else END)
    head = struct.pack(
        "<8s16xHHHHH6xIIIIIIIII109I",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        0x3E,
        3 if size == 512 else 4,
        0xFFFE,
        size.bit_length() - 1,
        6,
        0 if size == 512 else length,
        tables,
        start,
        0,
        4096,
        END,
        0,
        tables if mores else END,
        mores,
        *listed[:109],
    )
    return head.ljust(size, b"\0") + struct.pack(f"<{len(numbers)}I", *numbers) + more + bytes(before * size) + raw
