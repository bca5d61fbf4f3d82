"""How much was asked lately, counted by all processes of a machine together, in a small file beside the register.

Libraries that limit rates count in one process, or need a server of their own (Redis): see
docs/decisions/0072-limits-in-a-file.md. The file may be lost at any time: then everybody begins anew.
"""

from __future__ import annotations

import ipaddress
import logging
import math
import sqlite3
import threading
import time
from contextlib import suppress
from pathlib import Path

from registry.domain.model import Struct
from registry.storage import rights

#: Milliseconds to wait for another process that counts at the same moment; past that the request is let through, and
#: so are those of the next seconds: all of them would wait.
_PATIENCE, _PAUSE = 250, 5.0
#: A window is counted in so many parts.
PARTS = 12
_log = logging.getLogger("registry")


class RemainingRequests(Struct, frozen=True):
    """What is left of a limit of ``limit`` a window of ``window`` seconds.

    ``left``: how many more now; ``reset``: seconds until the whole limit is free again if nothing more is asked;
    ``wait``: seconds until the next is let through, 0 when it was.
    """

    limit: int
    window: int
    left: int
    reset: float
    wait: float = 0.0

    @property
    def is_admitted(self) -> bool:
        """Whether it was let through."""
        return self.wait == 0.0


class _FilePauseError(sqlite3.Error):
    """Another process held the file a moment ago."""


class Counts:
    """Counts by period of time. Where the file cannot be used this process counts by itself, and says so in the
    server's log: a limit is no reason not to answer."""

    def __init__(self, file: Path | None) -> None:
        self._lock = threading.Lock()
        self._file = file
        self._opened: sqlite3.Connection | None = None
        self._paused = 0.0  # until when the file is not asked

    def take_one(self, who: str, limit: int, window: int, now: float) -> RemainingRequests:
        """Count one for ``who`` unless more than ``limit`` would fall within ``window`` seconds; what is left.

        ``now``: seconds since 1970. Counted in parts of the window, the oldest of which counts as a whole: nobody gets
        two minutes' worth by asking at the end of one and at the beginning of the next.
        """
        part = window // PARTS
        number = int(now // part)
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    counted = self._read_parts(who, part, number)
                    room = _compute_remaining(counted, limit, window, now)
                    if room.is_admitted:
                        self._add_row(who, part, number, 1)
                finally:
                    self._connection.execute("COMMIT")
            except sqlite3.Error as error:
                self._handle_error(error)
                return RemainingRequests(limit=limit, window=window, left=limit, reset=0.0)
        return room

    def add_in_window(self, who: str, window: int, now: float, more: int) -> None:
        """Count what was asked already, whatever the limit: a batch says how large it was at its end."""
        if more > 0:
            self._add_safely(who, window // PARTS, int(now // (window // PARTS)), more)

    def add_in_period(self, who: str, period: int, number: int, more: int) -> None:
        """Count for the ``number``-th ``period`` (seconds), a day say, which does not slide."""
        self._add_safely(who, period, number, more)

    def count_in_window(self, who: str, window: int, now: float) -> int:
        """What was counted by ``add_in_window`` in the last ``window`` seconds, a part of it more or less."""
        part = window // PARTS
        with self._lock:
            try:
                return sum(count for _, count in self._read_parts(who, part, int(now // part)))
            except sqlite3.Error as error:
                self._handle_error(error)
                return 0

    def count_in_period(self, who: str, period: int, number: int) -> int:
        """What was counted for the ``number``-th ``period``."""
        with self._lock:
            try:
                return dict(self._read_parts(who, period, number)).get(number, 0)
            except sqlite3.Error as error:
                self._handle_error(error)
                return 0

    def add_mark(self, who: str, day: int, mark: bytes, limit: int) -> bool:
        """Whether ``add_mark`` is among the first ``limit`` different ones of a day; False where they cannot be counted.

        What is kept of a mark cannot be told from it; a new one is kept only while there is room for it.
        """
        for _ in range(2):  # a file that broke just now is gone the second time
            with self._lock:
                try:
                    return self._insert_mark(who, day, mark, limit)
                except sqlite3.Error as error:
                    self._handle_error(error)
        return False

    def _insert_mark(self, who: str, day: int, mark: bytes, limit: int) -> bool:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            held = "SELECT count(*), coalesce(sum(mark = ?), 0) FROM marks WHERE who = ? AND day = ?"
            number, known = self._connection.execute(held, (mark, who, day)).fetchone()
            if known:
                return True
            if number >= limit:
                return False
            self._connection.execute("INSERT INTO marks VALUES (?, ?, ?)", (who, day, mark))
            return True
        finally:
            self._connection.execute("COMMIT")

    def delete_old_marks(self, day: int) -> None:
        """Let go of the marks of the days before."""
        with self._lock:
            try:
                self._connection.execute("DELETE FROM marks WHERE day < ?", (day,))
            except sqlite3.Error as error:
                self._handle_error(error)

    def delete_old_counts(self, now: float) -> None:
        """Let go of what counts no more."""
        with self._lock:
            try:
                self._connection.execute("DELETE FROM counts WHERE (number + ?) * period <= ?", (PARTS + 1, now))
            except sqlite3.Error as error:
                self._handle_error(error)

    def close(self) -> None:
        """Give the file back."""
        with self._lock:
            if self._opened:
                self._opened.close()
                self._opened = None

    def _read_parts(self, who: str, period: int, number: int) -> list[tuple[int, int]]:
        """The parts that reach into a window that ends in part ``number``, oldest first, each with its count."""
        return self._connection.execute(
            "SELECT number, counted FROM counts "
            "WHERE who = ? AND period = ? AND number BETWEEN ? AND ? ORDER BY number",
            (who, period, number - PARTS, number),
        ).fetchall()

    def _add_safely(self, who: str, period: int, number: int, more: int) -> None:
        with self._lock:
            try:
                self._add_row(who, period, number, more)
            except sqlite3.Error as error:
                self._handle_error(error)

    def _add_row(self, who: str, period: int, number: int, more: int) -> None:
        self._connection.execute(
            "INSERT INTO counts VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET counted = counted + excluded.counted",
            (who, period, number, more),
        )

    @property
    def _connection(self) -> sqlite3.Connection:
        """The file, opened when it is needed first; sqlite3.Error while it is not asked."""
        if time.monotonic() < self._paused:
            raise _FilePauseError
        if self._opened is None:
            try:
                self._opened = _open_connection(self._file)
            except sqlite3.Error as error:
                _log.warning("requests are counted by this process alone: %s: %s", self._file, error)
                self._opened = _open_connection(None)
        return self._opened

    def _handle_error(self, error: sqlite3.Error) -> None:
        """A file that another process holds for long is tried again after a while, a broken one is not."""
        if isinstance(error, _FilePauseError):
            return
        _log.warning("a request could not be counted: %s", error)
        if "locked" in str(error):
            self._paused = time.monotonic() + _PAUSE
        else:
            self._opened = _open_connection(None)


def _compute_remaining(counted: list[tuple[int, int]], limit: int, window: int, now: float) -> RemainingRequests:
    part = window // PARTS
    asked = sum(count for _, count in counted)
    if asked < limit:
        return RemainingRequests(
            limit=limit, window=window, left=limit - asked - 1, reset=float(window + part - now % part)
        )
    over = asked - limit + 1  # so many must be gone before the next
    reset = (counted[-1][0] + 1 + PARTS) * part - now
    for number, count in counted:
        over -= count
        if over <= 0:
            return RemainingRequests(
                limit=limit, window=window, left=0, reset=reset, wait=(number + 1 + PARTS) * part - now
            )
    raise AssertionError("what was asked is the sum of its parts")


def to_whole_seconds(wait: float) -> int:
    """Whole seconds to tell a client, never too few and never 0."""
    return max(1, math.ceil(wait))


def to_network(address: str) -> str:
    """What is counted as one asker: an IPv4 address, or the /64 that an IPv6 subscriber has to themselves.

    >>> to_network("2001:db8:1:2:3:4:5:6"), to_network("::ffff:192.0.2.7"), to_network("192.0.2.7")
    ('2001:db8:1:2::/64', '192.0.2.7', '192.0.2.7')
    """
    if ":" not in address:
        return address
    try:
        found = ipaddress.IPv6Address(address.split("%", 1)[0])
    except ValueError:
        return address
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))


def open_file(file: Path | None) -> sqlite3.Connection:
    """A connection to a file that may be lost at any time and that several processes write; None: to memory."""
    name = ":memory:"
    if file is not None:
        with suppress(OSError):  # what is wrong with it SQLite says
            rights.make_file(file)
        name = str(file)
    connection = sqlite3.connect(name, timeout=_PATIENCE / 1000, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = OFF")  # it may be lost
    return connection


def _open_connection(file: Path | None) -> sqlite3.Connection:
    connection = open_file(file)
    connection.execute(
        "CREATE TABLE IF NOT EXISTS counts (who TEXT, period INTEGER, number INTEGER, counted INTEGER NOT NULL, "
        "PRIMARY KEY (who, period, number)) WITHOUT ROWID"
    )
    connection.execute(
        "CREATE TABLE IF NOT EXISTS marks (who TEXT, day INTEGER, mark BLOB, PRIMARY KEY (who, day, mark)) "
        "WITHOUT ROWID"
    )
    return connection
