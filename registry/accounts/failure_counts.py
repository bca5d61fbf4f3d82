"""What fails at the door again and again, counted, so that the trail gets few lines whatever strangers do.

Counted by account, action, what about and address in each hour, in the file where limits are counted. ``write_due_lines`` writes
the lines: one at once, one more for each tenfold, one with the whole count after the hour. Past a number of addresses
those that are new are counted together; past a number of counts so is what it was about, for each account and action.
"""

from __future__ import annotations

import datetime as dt
import logging
import sqlite3
import threading
import time
from pathlib import Path

import sqlalchemy as sa

from registry.accounts import audit_log
from registry.domain.model import Struct
from registry.errors import RegistryError
from registry.storage.counts import open_file, to_network
from registry.storage.database import Database

#: Addresses of an hour that are counted each for itself, for one thing done to one account.
ADDRESSES = 10
#: Counts of an hour in all, and those of them about nobody's account.
IN_ALL, OF_NOBODY = 200, 100
#: What stands in the trail for what was counted together, and for the address of many.
TOGETHER, MANY = "several", "*"
_HOUR = 3600  # seconds
_log = logging.getLogger("registry")


class _AuditLine(Struct, frozen=True):
    """One line that is due: a count, and what was written of it before."""

    hour: int
    account: str
    action: str
    about: str
    address: str
    since: int
    counted: int
    reported: int

    def is_due(self, hour: int) -> bool:
        """Whether it is to be written while ``hour`` is the present one."""
        return self.reported == 0 or self.counted >= 10 * self.reported or self.hour != hour

    @property
    def text(self) -> str:
        """What the trail says it was about."""
        if self.counted == 1:
            return self.about
        at = dt.datetime.fromtimestamp(self.since, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return f"{self.about[:80]} x{self.counted} since {at}"


class FailureCounts:
    """Counts and writes down repeats. Where the file cannot be used, this process counts by itself."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._opened: sqlite3.Connection | None = None

    def count_failure(self, account: str, action: str, about: str, address: str, now: float | None = None) -> None:
        """Count one deed of somebody who is not signed in. Touches no database; never fails."""
        now = time.time() if now is None else now
        row = (int(now // _HOUR), account[:60], action, about[:120], to_network(address)[:60])
        with self._lock:
            try:
                self._count_row(row, int(now))
            except sqlite3.Error as error:
                self._handle_error(error)

    def write_due_lines(self, database: Database, now: float | None = None) -> None:
        """Write the lines that are due into the trail; never fails: what cannot be written now is due the next time."""
        due = self._take_due_lines(int((time.time() if now is None else now) // _HOUR))
        if not due:
            return
        try:
            with database.writing() as connection:
                for line in due:
                    audit_log.record_event(connection, line.account, line.action, line.text, line.address)
        except (RegistryError, sa.exc.SQLAlchemyError) as error:
            _log.warning("repeats could not be put in the trail: %s", type(error).__name__)
            self._return_lines(due)

    def close(self) -> None:
        """Give the file back."""
        with self._lock:
            if self._opened:
                self._opened.close()
                self._opened = None

    def _count_row(self, row: tuple[int, str, str, str, str], now: int) -> None:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            more = "UPDATE repeats SET counted = counted + 1 "
            mine = "WHERE hour = ? AND account = ? AND action = ? AND about = ? AND address = ?"
            if not connection.execute(more + mine, row).rowcount:
                row = self._choose_new_row(row)
                connection.execute(
                    "INSERT INTO repeats VALUES (?, ?, ?, ?, ?, ?, 1, 0) "
                    "ON CONFLICT DO UPDATE SET counted = counted + 1",
                    (*row, now),
                )
        finally:
            connection.execute("COMMIT")

    def _choose_new_row(self, row: tuple[int, str, str, str, str]) -> tuple[int, str, str, str, str]:
        """Under what something is counted that was not counted yet in its hour."""
        hour, account, action, about, _ = row
        addresses, of_nobody, in_all = self._connection.execute(
            "SELECT count(*) FILTER (WHERE account = ? AND action = ? AND about = ?), "
            "count(*) FILTER (WHERE account = '-'), count(*) FROM repeats WHERE hour = ?",
            (account, action, about, hour),
        ).fetchone()
        if in_all >= IN_ALL or (account == "-" and of_nobody >= OF_NOBODY):
            return hour, account, action, TOGETHER, MANY
        return (*row[:4], MANY) if addresses >= ADDRESSES else row

    def _take_due_lines(self, hour: int) -> list[_AuditLine]:
        """The lines that are due, which count as written from now on: of two processes one writes each."""
        with self._lock:
            try:
                connection = self._connection
                connection.execute("BEGIN IMMEDIATE")
                try:
                    rows = connection.execute(
                        "SELECT hour, account, action, about, address, since, counted, reported FROM repeats "
                        "WHERE counted > reported ORDER BY since"
                    ).fetchall()
                    due = [line for line in (_AuditLine(*row) for row in rows) if line.is_due(hour)]
                    connection.executemany(
                        "UPDATE repeats SET reported = ? WHERE hour = ? AND account = ? AND action = ? AND about = ? "
                        "AND address = ?",
                        [(one.counted, one.hour, one.account, one.action, one.about, one.address) for one in due],
                    )
                    connection.execute("DELETE FROM repeats WHERE hour < ? AND counted = reported", (hour,))
                finally:
                    connection.execute("COMMIT")
            except sqlite3.Error as error:
                self._handle_error(error)
                return []
        return due

    def _return_lines(self, due: list[_AuditLine]) -> None:
        with self._lock:
            try:
                self._connection.executemany(
                    "INSERT INTO repeats VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET reported = "
                    "min(reported, excluded.reported)",
                    [(x.hour, x.account, x.action, x.about, x.address, x.since, x.counted, x.reported) for x in due],
                )
            except sqlite3.Error as error:
                self._handle_error(error)

    @property
    def _connection(self) -> sqlite3.Connection:
        if self._opened is None:
            try:
                self._opened = _open_connection(self._file)
            except sqlite3.Error as error:
                _log.warning("failures are counted by this process alone: %s: %s", self._file, error)
                self._opened = _open_connection(None)
        return self._opened

    def _handle_error(self, error: sqlite3.Error) -> None:
        _log.warning("a failure could not be counted: %s", error)
        if "locked" not in str(error):
            self._opened = _open_connection(None)


def _open_connection(file: Path | None) -> sqlite3.Connection:
    connection = open_file(file)
    connection.execute(
        "CREATE TABLE IF NOT EXISTS repeats (hour INTEGER, account TEXT, action TEXT, about TEXT, address TEXT, "
        "since INTEGER NOT NULL, counted INTEGER NOT NULL, reported INTEGER NOT NULL, "
        "PRIMARY KEY (hour, account, action, about, address)) WITHOUT ROWID"
    )
    return connection
