"""Which letters were given: by whom, to whom, for which case number, about what, when. The letters themselves are not
kept: the same question gives the same letter again, apart from its number and its instant.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import sqlalchemy as sa

from registry.accounts import audit_log
from registry.domain.model import Struct
from registry.log.clock import from_milliseconds, to_milliseconds
from registry.measures.letters.letter_text import Letter
from registry.records.asof import SHANGHAI
from registry.storage.notice_tables import letters


class LetterRecord(Struct, frozen=True):
    """A letter that was given."""

    id: int
    account: str
    authority: str
    reference: str
    about: str
    person: bool
    day: dt.date
    known_at: dt.datetime | None
    verdict: str
    log_size: int
    digest: str
    issued_at: dt.datetime

    @property
    def number(self) -> str:
        """The number printed on it."""
        return make_number(self.issued_at, self.id)


def make_number(at: dt.datetime, identity: int) -> str:
    """Make the number of a letter: its year, and its place among all letters.

    >>> make_number(dt.datetime(2026, 3, 1, tzinfo=dt.UTC), 12)
    '2026-00012'
    """
    return f"{at.astimezone(SHANGHAI).year}-{identity:05d}"


def record_letter(
    connection: sa.Connection, record: LetterRecord, sign: Callable[[str], tuple[Letter, str, str]]
) -> tuple[Letter, str]:
    """Give the next number, sign under it, and record both in one transaction; the letter and its receipt.

    ``sign`` makes (letter, receipt, digest) of a number. The audit log learns the number alone.
    """
    row = {name: getattr(record, name) for name in record.__struct_fields__ if name not in ("id", "digest")}
    row |= {
        "day": record.day.isoformat(),
        "known_at": None if record.known_at is None else to_milliseconds(record.known_at),
        "issued_at": to_milliseconds(record.issued_at),
        "digest": "",
    }
    done = connection.execute(sa.insert(letters).values(row))
    assert done.inserted_primary_key is not None  # noqa: S101 - a table with a number of its own has one
    identity = int(done.inserted_primary_key[0])
    number = make_number(record.issued_at, identity)
    letter, receipt, digest = sign(number)
    connection.execute(sa.update(letters).where(letters.c.id == identity).values(digest=digest))
    audit_log.record_event(connection, record.account, "letter_given", number)
    return letter, receipt


def list_letters(connection: sa.Connection, before: int | None = None, limit: int = 50) -> list[LetterRecord]:
    """List letters, newest first; ``before``: of smaller ids."""
    query = sa.select(letters).order_by(letters.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(letters.c.id < before)
    return [_read_record(row) for row in connection.execute(query)]


def _read_record(row: sa.Row[tuple[object, ...]]) -> LetterRecord:
    fields = dict(row._mapping)
    known_at = fields["known_at"]
    return LetterRecord(
        **{
            **fields,
            "day": dt.date.fromisoformat(fields["day"]),
            "known_at": None if known_at is None else from_milliseconds(known_at),
            "issued_at": from_milliseconds(fields["issued_at"]),
        }
    )
