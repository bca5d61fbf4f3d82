"""The stored entries. ``Appender.append`` is the product's only statement that adds to the log; proposals call it."""

from collections.abc import Generator, Iterable, Iterator
from typing import Any

import sqlalchemy as sa

from registry.domain.model import Draft, Entry, Struct
from registry.errors import LogDamaged, NotFound
from registry.log import clock, codec, merkle
from registry.storage.tables import entries, erasable
from registry.texts import Message

CHUNK = 2000


class LogHead(Struct, frozen=True):
    """The end of the log: the number of entries and the time of the last one (milliseconds)."""

    size: int
    recorded_at: int


def read_head(connection: sa.Connection) -> LogHead:
    """Size and last time of the log as this connection sees it."""
    last = connection.execute(
        sa.select(entries.c.number, entries.c.recorded_at).order_by(entries.c.number.desc()).limit(1)
    ).first()
    return LogHead(size=last[0], recorded_at=last[1]) if last else LogHead(size=0, recorded_at=0)


def make_row(number: int, recorded_at: int, subject: str, kind: str, body: bytes) -> dict[str, Any]:
    """Make the row of ``entries`` of an entry's canonical bytes, with their leaf hash."""
    row = {"number": number, "recorded_at": recorded_at, "subject": subject, "kind": kind}
    return {**row, "body": body, "leaf": merkle.hash_leaf(body)}


class Appender:
    """Appends the drafts of one approval in one ``writing()`` transaction, all at one time, never before the last
    entry.
    """

    def __init__(self, connection: sa.Connection, proposer: str, approver: str, proposal: int) -> None:
        self._connection = connection
        self._who = (proposer, approver, proposal)
        before = read_head(connection)
        self.size = before.size
        self._at = clock.to_milliseconds(clock.find_present(before.recorded_at))

    def append(self, drafts: Iterable[Draft]) -> list[Entry]:
        """Number, encode, hash and insert ``drafts`` in order; return the entries as stored."""
        rows: list[dict[str, Any]] = []
        private: list[dict[str, Any]] = []
        appended: list[Entry] = []
        stamp = codec.format_timestamp(self._at)
        recorded_at = codec.parse_timestamp(stamp)
        proposer, approver, proposal = self._who
        for draft in drafts:
            self.size += 1
            values, sealed = codec.seal_change(draft.change)
            body = codec.encode_entry(self.size, stamp, draft, values, *self._who)
            rows.append(make_row(self.size, self._at, draft.subject, draft.change.kind, body))
            private += [{"number": self.size, "path": s.path, "salt": s.salt, "value": s.value} for s in sealed]
            appended.append(
                Entry(
                    number=self.size,
                    recorded_at=recorded_at,
                    subject=draft.subject,
                    change=draft.change,
                    valid_from=draft.valid_from,
                    source=draft.source,
                    proposer=proposer,
                    approver=approver,
                    proposal=proposal,
                )
            )
        if rows:
            self._connection.execute(sa.insert(entries), rows)
        if private:
            self._connection.execute(sa.insert(erasable), private)
        erasing = [entry for entry in appended if entry.change.erases]
        for entry in erasing:
            erase_values(self._connection, entry.subject, entry.change.erases, before=entry.number)
        if erasing:  # what was appended just before may be erased already
            return [
                entry for chunk in read_entries(self._connection, appended[0].number - 1, self.size) for entry in chunk
            ]
        return appended


def erase_values(connection: sa.Connection, subject: str, paths: Iterable[str], before: int) -> int:
    """Delete the values of ``paths`` sealed by entries about ``subject`` numbered below ``before``; return how many.

    For the caller that has just written an entry which erases them; the entries themselves and their hashes stay.
    """
    numbers = sa.select(entries.c.number).where(entries.c.subject == subject, entries.c.number < before)
    query = sa.delete(erasable).where(erasable.c.number.in_(numbers), erasable.c.path.in_(sorted(paths)))
    return connection.execute(query).rowcount


def read_entries(connection: sa.Connection, after: int = 0, upto: int | None = None) -> Iterator[list[Entry]]:
    """Entries numbered ``after`` < n <= ``upto`` in order, in chunks, with their personal values."""
    while True:
        condition = entries.c.number > after
        if upto is not None:
            condition &= entries.c.number <= upto
        chunk = _decode_entries(connection, sa.select(entries.c.number, entries.c.body).where(condition).limit(CHUNK))
        if not chunk:
            return
        yield chunk
        after = chunk[-1].number


def read_subject_entries(connection: sa.Connection, subject: str, upto: int) -> list[Entry]:
    """Every entry about one subject, up to a log size, in order."""
    query = sa.select(entries.c.number, entries.c.body).where(entries.c.subject == subject, entries.c.number <= upto)
    return _decode_entries(connection, query)


def read_numbered(connection: sa.Connection, numbers: Iterable[int]) -> dict[int, Entry]:
    """Some entries, by their numbers."""
    query = sa.select(entries.c.number, entries.c.body).where(entries.c.number.in_(sorted(numbers)))
    return {entry.number: entry for entry in _decode_entries(connection, query)}


def read_histories(connection: sa.Connection, subjects: Iterable[str], upto: int) -> dict[str, list[Entry]]:
    """Every entry about some subjects, up to a log size: in order, by subject."""
    condition = entries.c.subject.in_(list(subjects)) & (entries.c.number <= upto)
    found: dict[str, list[Entry]] = {}
    for entry in _decode_entries(connection, sa.select(entries.c.number, entries.c.body).where(condition)):
        found.setdefault(entry.subject, []).append(entry)
    return found


def _decode_entries(connection: sa.Connection, query: sa.Select[Any]) -> list[Entry]:
    rows = connection.execute(query.order_by(entries.c.number)).all()
    if not rows:
        return []
    private: dict[int, dict[str, bytes]] = {}
    numbers = [number for number, _ in rows]
    values = sa.select(erasable).where(erasable.c.number.in_(numbers))
    for row in connection.execute(values):
        private.setdefault(row.number, {})[row.path] = row.value
    return [codec.decode_entry(body, private.get(number)) for number, body in rows]


def read_leaves(connection: sa.Connection, after: int = 0, upto: int | None = None) -> Generator[bytes]:
    """Stored leaf hashes in order, streamed; close it where not all are taken."""
    query = sa.select(entries.c.leaf).where(entries.c.number > after).order_by(entries.c.number)
    if upto is not None:
        query = query.where(entries.c.number <= upto)
    with connection.execute(query.execution_options(yield_per=CHUNK)) as rows:
        yield from rows.scalars()


def read_frontier(connection: sa.Connection, size: int) -> merkle.Frontier:
    """Fold the stored leaf hashes of the first ``size`` entries; of fewer, where the log is shorter."""
    frontier = merkle.Frontier()
    frontier.extend(read_leaves(connection, upto=size))
    return frontier


def get_body(connection: sa.Connection, number: int) -> bytes:
    """The canonical bytes of one entry; NotFound."""
    body = connection.execute(sa.select(entries.c.body).where(entries.c.number == number)).scalar()
    if body is None:
        raise NotFound(Message("日志中没有第{number}条。", number=number))
    return bytes(body)


def find_leaf(connection: sa.Connection, number: int) -> bytes | None:
    """The stored leaf hash of one entry; None where there is no such entry."""
    leaf = connection.execute(sa.select(entries.c.leaf).where(entries.c.number == number)).scalar()
    return bytes(leaf) if leaf is not None else None


def read_verified_entries(connection: sa.Connection, after: int, upto: int) -> Iterator[tuple[bytes, bytes]]:
    """(bytes, leaf hash) of entries in order; LogDamaged at the first that is missing or does not fit its hash."""
    query = (
        sa.select(entries.c.number, entries.c.body, entries.c.leaf)
        .where(entries.c.number > after, entries.c.number <= upto)
        .order_by(entries.c.number)
        .execution_options(yield_per=CHUNK)
    )
    expected = after
    with connection.execute(query) as rows:
        for number, body, hashed in rows:
            expected += 1
            if number != expected or merkle.hash_leaf(body) != hashed:
                raise _make_entry_error(expected)
            yield bytes(body), bytes(hashed)
    if expected != upto:
        raise _make_entry_error(expected + 1)


def _make_entry_error(number: int) -> LogDamaged:
    return LogDamaged(
        Message("日志第{number}条缺失或被改动，不予签发。请运行：registry log check", number=number), entry=number
    )


def get_size_at(connection: sa.Connection, milliseconds: int) -> int:
    """Count the entries recorded by an instant: the log size that "as known then" means."""
    # recorded_at never decreases with number, so this is the largest number not after the instant.
    number = connection.execute(
        sa.select(sa.func.max(entries.c.number)).where(entries.c.recorded_at <= milliseconds)
    ).scalar()
    return number or 0
