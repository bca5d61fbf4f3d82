"""Failures at the door, counted, so that the audit log gets few lines about them whatever strangers do.

Counted by account, action, what it was about and address in each hour, in the file where requests are counted. The
lines that ``write_due_lines`` writes: one at once, one more for each tenfold, one with the whole count after the hour.
Past a number of addresses the new ones are counted together; past a number of counts so is what it was about, for each
account and action.
"""

from __future__ import annotations

import datetime as dt
import logging
import sqlite3
import time
from pathlib import Path

import msgspec
import sqlalchemy as sa

from registry.accounts import audit_log
from registry.domain.model import Struct
from registry.errors import RegistryError
from registry.log.clock import format_seconds
from registry.storage.database import Database
from registry.storage.request_counts import CountFile, hold_transaction, to_network

#: Addresses of an hour that are counted one by one, for one action on one account.
ADDRESSES = 10
#: Counts of an hour in all, and those about nobody's account.
IN_ALL, OF_NOBODY = 200, 100
#: The audit log's words for several things, and for several addresses, that were counted together.
TOGETHER, MANY = "several", "*"
_HOUR = 3600  # seconds
_TABLE = (
    "CREATE TABLE IF NOT EXISTS repeats (hour INTEGER, account TEXT, action TEXT, about TEXT, address TEXT, "
    "since INTEGER NOT NULL, counted INTEGER NOT NULL, reported INTEGER NOT NULL, "
    "PRIMARY KEY (hour, account, action, about, address)) WITHOUT ROWID"
)
_KEY = "hour = ? AND account = ? AND action = ? AND about = ? AND address = ?"
_Row = tuple[int, str, str, str, str]
_log = logging.getLogger("registry")


class _AuditLine(Struct, frozen=True):
    """One count, and how much of it the audit log has reported."""

    hour: int
    account: str
    action: str
    about: str
    address: str
    since: int
    counted: int
    reported: int

    def is_due(self, hour: int) -> bool:
        """Whether it is to be written in the hour ``hour``."""
        return self.reported == 0 or self.counted >= 10 * self.reported or self.hour != hour

    @property
    def text(self) -> str:
        """What the audit log says it was about."""
        if self.counted == 1:
            return self.about
        at = format_seconds(dt.datetime.fromtimestamp(self.since, dt.UTC))
        return f"{self.about[:80]} x{self.counted} since {at}"


class FailureCounts(CountFile):
    """The failures of a machine, counted by all its processes together, and the lines of the audit log about them."""

    def __init__(self, file: Path | None) -> None:
        super().__init__(file, [_TABLE], "failure")

    def count_failure(self, account: str, action: str, about: str, address: str, now: float | None = None) -> None:
        """Count one failure of somebody who is not signed in. Touches no database; never fails."""
        now = time.time() if now is None else now
        row = (int(now // _HOUR), account[:60], action, about[:120], to_network(address)[:60])
        self._run(lambda connection: _count_row(connection, row, int(now)), None)

    def write_due_lines(self, database: Database, now: float | None = None) -> None:
        """Write the lines that are due into the audit log; never fails: what cannot be written is due the next time."""
        hour = int((time.time() if now is None else now) // _HOUR)
        lines: list[_AuditLine] = self._run(lambda connection: _take_due_lines(connection, hour), [])
        if not lines:
            return
        try:
            with database.writing() as connection:
                for line in lines:
                    audit_log.record_event(connection, line.account, line.action, line.text, line.address)
        except (RegistryError, sa.exc.SQLAlchemyError) as error:
            _log.warning("repeats could not be put in the trail: %s", type(error).__name__)
            self._run(lambda connection: _return_lines(connection, lines), None)


def _count_row(connection: sqlite3.Connection, row: _Row, now: int) -> None:
    with hold_transaction(connection):
        update = f"UPDATE repeats SET counted = counted + 1 WHERE {_KEY}"  # noqa: S608 - names of our own
        if not connection.execute(update, row).rowcount:
            connection.execute(
                "INSERT INTO repeats VALUES (?, ?, ?, ?, ?, ?, 1, 0) ON CONFLICT DO UPDATE SET counted = counted + 1",
                (*_choose_new_row(connection, row), now),
            )


def _choose_new_row(connection: sqlite3.Connection, row: _Row) -> _Row:
    """The row under which a failure is counted that was not counted yet in its hour."""
    hour, account, action, about, _ = row
    addresses, of_nobody, in_all = connection.execute(
        "SELECT count(*) FILTER (WHERE account = ? AND action = ? AND about = ?), "
        "count(*) FILTER (WHERE account = '-'), count(*) FROM repeats WHERE hour = ?",
        (account, action, about, hour),
    ).fetchone()
    if in_all >= IN_ALL or (account == "-" and of_nobody >= OF_NOBODY):
        return hour, account, action, TOGETHER, MANY
    return (*row[:4], MANY) if addresses >= ADDRESSES else row


def _take_due_lines(connection: sqlite3.Connection, hour: int) -> list[_AuditLine]:
    """Take the lines that are due, which count as written from now on: of two processes one writes each."""
    with hold_transaction(connection):
        rows = connection.execute(
            "SELECT hour, account, action, about, address, since, counted, reported FROM repeats "
            "WHERE counted > reported ORDER BY since"
        ).fetchall()
        lines = [line for line in (_AuditLine(*row) for row in rows) if line.is_due(hour)]
        connection.executemany(
            f"UPDATE repeats SET reported = ? WHERE {_KEY}",  # noqa: S608 - names of our own
            [(line.counted, line.hour, line.account, line.action, line.about, line.address) for line in lines],
        )
        connection.execute("DELETE FROM repeats WHERE hour < ? AND counted = reported", (hour,))
    return lines


def _return_lines(connection: sqlite3.Connection, lines: list[_AuditLine]) -> None:
    connection.executemany(
        "INSERT INTO repeats VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET reported = "
        "min(reported, excluded.reported)",
        [msgspec.structs.astuple(line) for line in lines],
    )
