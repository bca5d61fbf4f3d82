"""Requests counted against limits by all processes of a machine together, in a small SQLite file beside the register.

Libraries that limit rates count in one process, or need a server of their own (Redis): see
docs/decisions/0072-limits-in-a-file.md. The file may be lost at any time: then everybody begins anew.
"""

import ipaddress
import logging
import math
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from registry.domain.model import Struct
from registry.storage import rights

_T = TypeVar("_T")
#: Milliseconds to wait for another process that counts at the same moment; past that the request is let through, and
#: so are those of the next seconds: all of them would wait.
_PATIENCE, _PAUSE = 250, 5.0
#: A window is counted in this many parts.
PARTS = 12
_TABLES = (
    "CREATE TABLE IF NOT EXISTS counts (who TEXT, period INTEGER, number INTEGER, counted INTEGER NOT NULL, "
    "PRIMARY KEY (who, period, number)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS marks (who TEXT, day INTEGER, mark BLOB, PRIMARY KEY (who, day, mark)) WITHOUT ROWID",
)
_log = logging.getLogger("registry")


class RemainingRequests(Struct, frozen=True):
    """What remains of ``limit`` requests in a window of ``window`` seconds.

    ``left``: how many more now; ``reset``: seconds until the whole limit is free again if nothing more is asked;
    ``wait``: seconds until the next request is admitted, 0 when this one was.
    """

    limit: int
    window: int
    left: int
    reset: float
    wait: float = 0.0

    @property
    def is_admitted(self) -> bool:
        """Whether the request was admitted."""
        return self.wait == 0.0


class _FilePauseError(sqlite3.Error):
    """Another process held the file a moment ago."""


class CountFile:
    """An SQLite file that several processes count in, and that may be lost at any time: then counting begins anew.

    Where the file cannot be used this process counts in memory by itself, and the server's log says so: a count is no
    reason not to answer. ``tables`` are the statements that create the tables, ``subject`` names what is counted in
    the server's log, ``pause`` is for how many seconds a file that another process holds is left alone. May be used
    from any thread.
    """

    def __init__(self, file: Path | None, tables: Sequence[str], subject: str, pause: float = 0.0) -> None:
        self._lock = threading.Lock()
        self._file, self._tables, self._subject, self._pause = file, tables, subject, pause
        self._connection: sqlite3.Connection | None = None
        self._paused_until = 0.0

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._connection:
                self._connection.close()
                self._connection = None

    def _run(self, action: Callable[[sqlite3.Connection], _T], default: _T) -> _T:
        """Run an action on the file, opened when it is first needed; ``default`` where the file refuses."""
        with self._lock:
            try:
                if time.monotonic() < self._paused_until:
                    raise _FilePauseError
                return action(self._connection or self._open())
            except sqlite3.Error as error:
                self._handle_error(error)
                return default

    def _open(self) -> sqlite3.Connection:
        try:
            self._connection = _open_connection(self._file, self._tables)
        except sqlite3.Error as error:
            _log.warning("%ss are counted by this process alone: %s: %s", self._subject, self._file, error)
            self._connection = _open_connection(None, self._tables)
        return self._connection

    def _handle_error(self, error: sqlite3.Error) -> None:
        """Leave a file that another process holds alone for a while; give up a broken one."""
        if isinstance(error, _FilePauseError):
            return
        _log.warning("a %s could not be counted: %s", self._subject, error)
        if "locked" in str(error):
            self._paused_until = time.monotonic() + self._pause
        else:
            self._connection = _open_connection(None, self._tables)


def _open_connection(file: Path | None, tables: Sequence[str]) -> sqlite3.Connection:
    """Open the file, or memory where ``file`` is None."""
    name = ":memory:"
    if file is not None:
        with suppress(OSError):  # SQLite says what is wrong with it
            rights.make_file(file)
        name = str(file)
    connection = sqlite3.connect(name, timeout=_PATIENCE / 1000, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = OFF")  # it may be lost
    for statement in tables:
        connection.execute(statement)
    return connection


@contextmanager
def hold_transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Let no other process count inside the block; what was counted before an exception stays."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("COMMIT")


class Counts(CountFile):
    """Requests by who asks and by period of time, each period (seconds) numbered since 1970; and marks by day."""

    def __init__(self, file: Path | None) -> None:
        super().__init__(file, _TABLES, "request", _PAUSE)

    def take_one(self, who: str, limit: int, window: int, now: float) -> RemainingRequests:
        """Count one request unless more than ``limit`` would fall within ``window`` seconds; return what remains.

        ``now``: seconds since 1970. Counted in parts of the window, the oldest of which counts as a whole: nobody gets
        two minutes' worth by asking at the end of one and at the beginning of the next.
        """
        part = window // PARTS
        number = int(now // part)

        def take(connection: sqlite3.Connection) -> RemainingRequests:
            with hold_transaction(connection):
                remaining = _compute_remaining(_read_parts(connection, who, part, number), limit, window, now)
                if remaining.is_admitted:
                    _add_row(connection, who, part, number, 1)
            return remaining

        return self._run(take, RemainingRequests(limit=limit, window=window, left=limit, reset=0.0))

    def add_in_window(self, who: str, window: int, now: float, number: int) -> None:
        """Count ``number`` requests that were answered already, whatever the limit: a batch is measured at its end."""
        if number > 0:
            self.add_in_period(who, window // PARTS, int(now // (window // PARTS)), number)

    def add_in_period(self, who: str, period: int, index: int, number: int) -> None:
        """Count ``number`` requests in the ``index``-th ``period``, a day say, which does not slide."""
        self._run(lambda connection: _add_row(connection, who, period, index, number), None)

    def count_in_window(self, who: str, window: int, now: float) -> int:
        """Return what was counted in the last ``window`` seconds, a part of it more or less."""
        part = window // PARTS
        parts: list[tuple[int, int]] = self._run(
            lambda connection: _read_parts(connection, who, part, int(now // part)), []
        )
        return sum(count for _, count in parts)

    def count_in_period(self, who: str, period: int, index: int) -> int:
        """Return what was counted in the ``index``-th ``period``."""
        parts: list[tuple[int, int]] = self._run(lambda connection: _read_parts(connection, who, period, index), [])
        return dict(parts).get(index, 0)

    def add_mark(self, who: str, day: int, mark: bytes, limit: int) -> bool:
        """Whether a mark is among the first ``limit`` different ones of a day; False where they cannot be counted.

        A new mark is stored only while the limit leaves room for it.
        """
        for _ in range(2):  # a file that broke just now is gone the second time
            admitted = self._run(lambda connection: _insert_mark(connection, who, day, mark, limit), None)
            if admitted is not None:
                return admitted
        return False

    def delete_old_marks(self, day: int) -> None:
        """Delete the marks of the days before."""
        self._run(lambda connection: connection.execute("DELETE FROM marks WHERE day < ?", (day,)), None)

    def delete_old_counts(self, now: float) -> None:
        """Delete the counts that no window reaches any more."""
        old = "DELETE FROM counts WHERE (number + ?) * period <= ?"
        self._run(lambda connection: connection.execute(old, (PARTS + 1, now)), None)


def _read_parts(connection: sqlite3.Connection, who: str, period: int, number: int) -> list[tuple[int, int]]:
    """(number, count) of the parts that reach into a window that ends in part ``number``, oldest first."""
    return connection.execute(
        "SELECT number, counted FROM counts WHERE who = ? AND period = ? AND number BETWEEN ? AND ? ORDER BY number",
        (who, period, number - PARTS, number),
    ).fetchall()


def _add_row(connection: sqlite3.Connection, who: str, period: int, index: int, number: int) -> None:
    connection.execute(
        "INSERT INTO counts VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET counted = counted + excluded.counted",
        (who, period, index, number),
    )


def _insert_mark(connection: sqlite3.Connection, who: str, day: int, mark: bytes, limit: int) -> bool:
    query = "SELECT count(*), coalesce(sum(mark = ?), 0) FROM marks WHERE who = ? AND day = ?"
    with hold_transaction(connection):
        number, is_known = connection.execute(query, (mark, who, day)).fetchone()
        if not is_known and number < limit:
            connection.execute("INSERT INTO marks VALUES (?, ?, ?)", (who, day, mark))
        return bool(is_known) or number < limit


def _compute_remaining(counted: list[tuple[int, int]], limit: int, window: int, now: float) -> RemainingRequests:
    part = window // PARTS
    total = sum(count for _, count in counted)
    if total < limit:
        return RemainingRequests(
            limit=limit, window=window, left=limit - total - 1, reset=float(window + part - now % part)
        )
    over = total - limit + 1  # how many must leave the window before the next
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
    """The network that counts as one asker: an IPv4 address, or the /64 that an IPv6 subscriber has to themselves.

    >>> to_network("2001:db8:1:2:3:4:5:6"), to_network("::ffff:192.0.2.7"), to_network("192.0.2.7")
    ('2001:db8:1:2::/64', '192.0.2.7', '192.0.2.7')
    """
    if ":" not in address:
        return address
    try:
        parsed = ipaddress.IPv6Address(address.split("%", 1)[0])
    except ValueError:
        return address
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
