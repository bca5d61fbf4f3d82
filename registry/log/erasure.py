"""Erased personal values by the log: which are sealed, which are still held, and which no copy may hold any more."""

from collections.abc import Iterable
from typing import Any

import msgspec
import sqlalchemy as sa

from registry.domain.schema import PERSONAL
from registry.errors import LogDamaged
from registry.log import codec, store
from registry.storage.tables import entries, erasable
from registry.texts import Message

_decode = msgspec.json.Decoder().decode


def check_erased_values(connection: sa.Connection) -> int:
    """Count the sealed values that are withheld: not held here, and erased by no entry.

    LogDamaged names the first entry that still has, or has again, a value which a later entry erased: a row restored
    from an old backup, say.
    """
    sealed, erased = _read_seals_and_erasures(connection)
    held = {(row.number, row.path) for row in connection.execute(sa.select(erasable.c.number, erasable.c.path))}
    withheld = 0
    for (subject, path), numbers in sealed.items():
        last = erased.get((subject, path), 0)
        for number in numbers:
            if (number, path) in held and number < last:
                message = Message(
                    "日志第{number}条的 {path} 已由第{last}条删除，库中却仍有其值（可能恢复了旧备份），"
                    "请再次运行：registry redact {subject}",
                    number=number,
                    path=path,
                    last=last,
                    subject=subject,
                )
                raise LogDamaged(message, entry=number)
            withheld += (number, path) not in held and number > last
    return withheld


def count_erasable_values(connection: sa.Connection, subject: str) -> dict[str, int]:
    """By personal path, the number of entries whose value an erasing entry about ``subject`` would erase now."""
    sealed, erased = _read_seals_and_erasures(connection, subject)
    held = {(row.number, row.path) for row in connection.execute(_select_held_values([subject]))}
    counts: dict[str, int] = {}
    for (_, path), numbers in sorted(sealed.items()):
        last = erased.get((subject, path), 0)
        if count := sum(sealed_by > last or (sealed_by, path) in held for sealed_by in numbers):
            counts[path] = count
    return counts


def read_held_values(connection: sa.Connection, subjects: Iterable[str]) -> dict[str, list[Any]]:
    """The personal values that the register still holds about each of ``subjects``."""
    values: dict[str, list[Any]] = {}
    names = sorted(subjects)
    for start in range(0, len(names), store.CHUNK):
        for row in connection.execute(_select_held_values(names[start : start + store.CHUNK])):
            values.setdefault(row.subject, []).append(_decode(row.value))
    return values


def _select_held_values(subjects: list[str]) -> sa.Select[tuple[str, int, str, bytes]]:
    return (
        sa.select(entries.c.subject, erasable.c.number, erasable.c.path, erasable.c.value)
        .join(erasable, erasable.c.number == entries.c.number)
        .where(entries.c.subject.in_(subjects))
    )


_SealsAndErasures = tuple[dict[tuple[str, str], list[int]], dict[tuple[str, str], int]]


def _read_seals_and_erasures(connection: sa.Connection, subject: str | None = None) -> _SealsAndErasures:
    """By (subject, path): the entries that sealed a value, and the last entry that erased the values before it."""
    query = sa.select(entries.c.number, entries.c.subject, entries.c.body).where(entries.c.kind.in_(sorted(PERSONAL)))
    if subject is not None:
        query = query.where(entries.c.subject == subject)
    sealed: dict[tuple[str, str], list[int]] = {}
    erased: dict[tuple[str, str], int] = {}
    with connection.execute(query.order_by(entries.c.number).execution_options(yield_per=store.CHUNK)) as rows:
        for row in rows:
            for path in codec.read_sealed_paths(row.body):
                sealed.setdefault((row.subject, path), []).append(row.number)
            for path in codec.decode_entry(row.body).change.erases:
                erased[row.subject, path] = row.number
    return sealed, erased
