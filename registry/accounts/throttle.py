"""How fast passwords may be guessed: wrong ones cost time, never access.

The answer to a wrong password is delayed, the longer the more failures came from the address or named the account in
the last hour (``delay_failure``); the number of tries is limited by address and by account (``admit_attempt``). A right
password is answered at once, so that the owner gets in whatever others typed before.

``FailureCounts`` counts failures for the audit log, which gets few lines whatever strangers do.
"""

from __future__ import annotations

import datetime as dt
import logging
import re
import sqlite3
import time
from pathlib import Path

import msgspec
import sqlalchemy as sa

from registry.accounts import audit_log
from registry.accounts.vault import Vault
from registry.domain.model import Struct
from registry.errors import RegistryError, SecretsKeyMissing, TooManyRequests
from registry.log.clock import format_seconds
from registry.storage.database import Database
from registry.storage.request_counts import CountFile, Counts, hold_transaction, to_network, to_whole_seconds
from registry.texts import Message

#: Passwords of one address that are looked at in SPAN seconds (more than 60 at once, and those that come again soon);
#: of one account as many, from all addresses together that failed already.
ATTEMPTS, SPAN = 80, 12
#: Failures in an hour that cost nothing; after them 1, 2, 4, 8 and at most LATEST seconds each.
FREE, LATEST = 3, 16
#: Failures in a day after which a browser that signed in before is one like any other.
OF_DEVICE = 5
_HOUR, _DAY = 3600, 86_400
_ACCOUNT = re.compile(r"[a-z][a-z0-9._-]{1,39}")


class Throttle:
    """Counts tries at signing in, for all processes of a machine together. Names are counted by a keyed hash."""

    def __init__(self, counts: Counts, vault: Vault) -> None:
        self._counts = counts
        self._vault = vault

    def admit_attempt(self, address: str, name: str) -> None:
        """Admit a try, or raise TooManyRequests. Reveals nothing about the account."""
        now, network = time.time(), to_network(address)
        remaining = self._counts.take_one(f"sign-in {network}", ATTEMPTS, SPAN, now)
        if remaining.is_admitted and self._counts.count_in_window(f"failed {network}", _HOUR, now) >= FREE:
            # Addresses that did not fail yet are let through: nobody can use this up for the owner, wherever they are.
            remaining = self._counts.take_one(f"sign-in {self._make_count_key(name)}", ATTEMPTS, SPAN, now)
        if not remaining.is_admitted:
            raise make_too_many_error(remaining.wait)

    def delay_failure(self, address: str, name: str) -> float:
        """Count a failure; return the seconds until it should be answered."""
        now = time.time()
        failures = 0
        for counter in (f"failed {to_network(address)}", f"failed {self._make_count_key(name)}"):
            self._counts.add_in_window(counter, _HOUR, now, 1)
            failures = max(failures, self._counts.count_in_window(counter, _HOUR, now))
        return 0.0 if failures <= FREE else float(min(2 ** (failures - FREE - 1), LATEST))

    def is_trusted_device(self, device: str) -> bool:
        """Whether a browser, known by its nonce, is exempt from the limits that others caused."""
        return bool(device) and self._counts.count_in_window(f"device {device}", _DAY, time.time()) < OF_DEVICE

    def count_device_failure(self, device: str) -> None:
        """Count a wrong password or code typed in a known browser."""
        if device:
            self._counts.add_in_window(f"device {device}", _DAY, time.time(), 1)

    def _make_count_key(self, name: str) -> str:
        """The key an account is counted under; all that is no account's name (a password, say) shares one key."""
        if not _ACCOUNT.fullmatch(name):
            return "account -"
        try:
            return f"account {self._vault.sign_message('counting by account', name)}"
        except SecretsKeyMissing:
            return f"account {name}"


def make_too_many_error(wait: float) -> TooManyRequests:
    """The refusal of whoever has to wait ``wait`` seconds."""
    seconds = to_whole_seconds(wait)
    return TooManyRequests(
        Message("尝试次数过多，请{seconds}秒后再试。在曾经登录过的浏览器中不受此限。", seconds=seconds),
        retry_after=seconds,
    )


#: Addresses of an hour that are counted one by one, for one action on one account.
ADDRESSES = 10
#: Counts of an hour in all, and those about nobody's account.
IN_ALL, OF_NOBODY = 200, 100
#: The audit log's words for several things, and for several addresses, that were counted together.
TOGETHER, MANY = "several", "*"
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
    """The failures of a machine, counted by all its processes together, and the few lines of the audit log about them.

    Counted by account, action, what it was about and address in each hour. Lines that ``write_due_lines`` writes: one
    at once, one more for each tenfold, one with the whole count after the hour. Past a number of addresses the new ones
    are counted together; past a number of counts so is what it was about.
    """

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
