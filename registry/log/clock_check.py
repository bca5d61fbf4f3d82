"""Whether the clock of this machine can be right, by the log, by the last heartbeat, and by other sources of the time.

A clock that is behind what was recorded, or ahead of everything known while no source confirms it, stops appends: what
it would date could not be taken back. Questions are still answered; their present is ``clock.find_present``.

The heartbeat is the file ``clock`` in the data folder, written about once a minute, with the uptime of the machine:
until the next restart, the time that the clock must show follows from it whatever is done to the clock. The file may be
lost: then only the log gives evidence.
"""

import ctypes
import datetime as dt
import email.utils
import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa

from registry.domain.model import Struct
from registry.errors import ClockWrong, RegistryError, StorageFull, StorageReadOnly, find_storage_fault
from registry.log import checkpoint_store, replication, store
from registry.log.clock import from_milliseconds, read_clock, to_milliseconds
from registry.log.folder import LogFolder
from registry.settings import Settings
from registry.storage.database import Database, read_server_clock
from registry.texts import Message

_NAME = "clock"
_UPTIME, _BOOT = Path("/proc/uptime"), Path("/proc/sys/kernel/random/boot_id")


class Uptime(Struct, frozen=True):
    """How long a machine has been running (seconds, with sleep) and the id of that boot; empty where unknown."""

    boot: str = ""
    seconds: float = 0.0


class Heartbeat(Struct, frozen=True):
    """A clock that was found right (milliseconds) at the uptime ``running``.

    Where an administrator confirmed the clock: its time (``confirmed_at``), and the latest instant in the log by then,
    which is no evidence any more (``excused_until``). 0: nobody did.
    """

    seen_at: int
    running: Uptime
    confirmed_at: int = 0
    excused_until: int = 0

    def find_expected_time(self, running: Uptime) -> dt.datetime | None:
        """The time that the clock must show now; None where the machine was restarted or does not report its uptime."""
        if not running.boot or running.boot != self.running.boot or running.seconds < self.running.seconds:
            return None
        return from_milliseconds(self.seen_at + round((running.seconds - self.running.seconds) * 1000))


def measure_uptime() -> Uptime:
    """Measure how long this machine has been running; empty where its kernel does not report it."""
    # The kernel's own account: a clock read by name would follow a shift of this process's clocks.
    try:
        return Uptime(boot=_BOOT.read_text("ascii").strip(), seconds=float(_UPTIME.read_text("ascii").split()[0]))
    except (OSError, ValueError, IndexError):
        return Uptime()


class HeartbeatFile:
    """The file of one data folder; every process of the machine may read and replace it at any time."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / _NAME

    def read(self) -> Heartbeat | None:
        """The last heartbeat; None where there is none, or a power cut left half of one."""
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=Heartbeat)
        except (OSError, msgspec.MsgspecError):
            return None

    def write(self, beat: Heartbeat) -> None:
        """Replace the heartbeat; StorageFull or StorageReadOnly where that is not possible."""
        aside = self.path.with_name(f".{_NAME}.{os.getpid()}.{threading.get_ident()}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            aside.write_bytes(msgspec.json.encode(beat))
            aside.replace(self.path)
        except OSError as error:
            with suppress(OSError):
                aside.unlink(missing_ok=True)
            kind = StorageFull if isinstance(find_storage_fault(error), StorageFull) else StorageReadOnly
            raise kind(Message("无法写入 {path}：{strerror}。", path=self.path, strerror=error.strerror)) from error


def make_heartbeat(clock: dt.datetime, running: Uptime, before: Heartbeat | None) -> Heartbeat:
    """Make the heartbeat of a clock that was found right; an earlier confirmation is carried over."""
    if before is None:
        return Heartbeat(seen_at=to_milliseconds(clock), running=running)
    return msgspec.structs.replace(before, seen_at=to_milliseconds(clock), running=running)


#: How far the clock may be ahead of the last thing known without anybody who vouches for it.
FURTHEST = dt.timedelta(days=1)
#: Milliseconds after which a clock that is right is noted down again.
NOTE_EVERY = 60_000
_SHANGHAI = ZoneInfo("Asia/Shanghai")
#: How far two clocks may be apart and still show the same time.
SLACK = dt.timedelta(minutes=10)
#: Seconds that an answer of a web server is used, and that one which could not be asked is left alone.
ASK_EVERY, RETRY_EVERY = 600.0, 60.0
#: Seconds a web server has to answer.
PATIENCE = 3.0
_UNSYNCHRONISED, _ERROR = 0x40, 5  # STA_UNSYNC of the status, TIME_ERROR of the result: see adjtimex(2)


class TimeStatement(Struct, frozen=True):
    """The time by one source; ``vouches``: a clock that agrees with it is right."""

    message: Message
    instant: dt.datetime
    vouches: bool

    def is_close_to(self, clock: dt.datetime) -> bool:
        """Whether a clock agrees with it."""
        return abs(clock - self.instant) <= SLACK


class _Timex(ctypes.Structure):
    """The part of the kernel's ``struct timex`` that is read here, and space for the rest."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        *((name, ctypes.c_long) for name in ("offset", "freq", "maxerror", "esterror")),
        ("status", ctypes.c_int),
        *((name, ctypes.c_long) for name in ("constant", "precision", "tolerance", "seconds", "fraction")),
        ("rest", ctypes.c_byte * 256),
    )


def is_synchronised() -> bool:
    """Whether the kernel reports that a time service (NTP, PTP) keeps the very clock that this process reads."""
    try:
        adjust = ctypes.CDLL(None, use_errno=True).adjtimex
    except (OSError, AttributeError):  # not Linux
        return False
    timex = _Timex()  # modes 0: only asked
    state = adjust(ctypes.byref(timex))
    if state < 0 or state == _ERROR or timex.status & _UNSYNCHRONISED:
        return False
    return abs(read_clock().timestamp() - float(timex.seconds)) <= SLACK.total_seconds()


class WebTime:
    """The time in the Date header of a trusted web server, requested seldom."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._asked_at = float("-inf")
        self._valid_for = 0.0
        self._lead: dt.timedelta | None = None  # how far it is ahead of what has elapsed

    def ask_server(self) -> TimeStatement | None:
        """The server's time; None where no server is set or it does not answer. Takes PATIENCE seconds now and then."""
        if not self.url:
            return None
        if _read_elapsed() >= self._asked_at + self._valid_for:
            date = self._fetch_date()
            self._asked_at = _read_elapsed()
            self._valid_for = ASK_EVERY if date else RETRY_EVERY
            self._lead = date - _to_instant(self._asked_at) if date else None
        if self._lead is None:
            return None
        instant = _to_instant(_read_elapsed()) + self._lead
        return TimeStatement(message=Message("{url} 的时间", url=self.url), instant=instant, vouches=True)

    def _fetch_date(self) -> dt.datetime | None:
        import httpx  # only where a source is set

        try:
            answer = httpx.head(self.url, timeout=PATIENCE, follow_redirects=False)
            date = email.utils.parsedate_to_datetime(answer.headers["date"])
        except (httpx.HTTPError, httpx.InvalidURL, KeyError, ValueError):
            return None
        return date if date.tzinfo else date.replace(tzinfo=dt.UTC)


def _read_elapsed() -> float:
    """Seconds that pass whatever is done to the clock; where the system counts it, also while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def _to_instant(seconds: float) -> dt.datetime:
    """Turn such a reading into an instant, counted from the beginning of the calendar."""
    return dt.datetime.min.replace(tzinfo=dt.UTC) + dt.timedelta(seconds=seconds)


class ClockEvidence(Struct, frozen=True):
    """What is known of the time, without a judgement (milliseconds since 1970; 0 for nothing).

    ``entry``: when the last entry was recorded. ``signed``: the clock when the last checkpoint was signed. ``files``:
    when the published log was last written.
    """

    size: int
    entry: int
    signed: int
    files: int
    before: Heartbeat | None
    running: Uptime
    synchronised: bool
    statements: list[TimeStatement]

    def is_vouched_for(self, clock: dt.datetime) -> bool:
        """Whether a source that can be trusted agrees with the clock."""
        return self.synchronised or any(
            statement.vouches and statement.is_close_to(clock) for statement in self.statements
        )

    def find_behind_fault(self, clock: dt.datetime) -> ClockWrong | None:
        """The error of a clock that is behind the log; None for any other."""
        beat = self.before or Heartbeat(seen_at=0, running=Uptime())
        instants = {"entry": self.entry, "confirmed": beat.confirmed_at}
        if not self.is_vouched_for(clock):  # then a file of a later day was written by a clock that was wrong
            instants |= {"signed": self.signed, "files": self.files}
        evidence = {name: at for name, at in instants.items() if name == "confirmed" or self._is_evidence(at)}
        name = max(evidence, key=lambda key: evidence[key])
        last = from_milliseconds(evidence[name])
        return _make_behind_error(name, clock, last, self.size) if clock < last - SLACK else None

    def find_ahead_fault(self, clock: dt.datetime) -> ClockWrong | None:
        """The error of a clock that is too far ahead of everything known; None for any other."""
        if self.is_vouched_for(clock):
            return None
        expected = self.before.find_expected_time(self.running) if self.before else None
        if expected is None:
            expected = self._find_latest_instant()
        return _make_ahead_error(clock, expected) if expected is not None and clock > expected + FURTHEST else None

    def _find_latest_instant(self) -> dt.datetime | None:
        """The latest known instant on a machine that was restarted since the heartbeat; None without any."""
        instants = [self.entry, self.signed]
        if self.before is None:
            # Weaker than a heartbeat: putting a lost file back under a wrong clock is enough to change these.
            instants.append(self.files)
        instants = [at for at in instants if self._is_evidence(at)]
        if self.before is not None:
            instants += [self.before.seen_at, self.before.confirmed_at]
        latest = max(instants, default=0)
        return from_milliseconds(latest) if latest else None

    def _is_evidence(self, at: int) -> bool:
        """Whether an instant counts, or lies in the future that an administrator has declared wrong."""
        return self.before is None or at > self.before.excused_until or at <= self.before.confirmed_at


class ClockCheck:
    """The clock check of one register on one machine; may be used from any thread."""

    def __init__(self, settings: Settings) -> None:
        self._folder = LogFolder(settings.get_log_folder())
        self._file = HeartbeatFile(settings.data_dir)
        self._web = WebTime(settings.time_source)

    def require_right_clock(self, connection: sa.Connection) -> None:
        """Raise ClockWrong, with both times and what to do, unless the clock can be right; for every append."""
        evidence, clock = self.collect_evidence(connection), read_clock()
        if fault := find_clock_fault(evidence, clock):
            raise fault
        self._note_clock(evidence, clock)

    def find_fault(self, database: Database) -> ClockWrong | None:
        """The error of the present clock, if any. A database out of reach does not hide a wrong clock."""
        clock = read_clock()
        try:
            with database.reading() as connection:
                if replication.is_mirror(connection):  # nothing is appended by a mirror's clock
                    return None
                evidence = self.collect_evidence(connection)
        except (RegistryError, sa.exc.SQLAlchemyError):
            evidence = self.collect_evidence(None)
        fault = find_clock_fault(evidence, clock)
        if fault is None:
            self._note_clock(evidence, clock)
        return fault

    def start_heartbeat(self, database: Database) -> None:
        """Write the first heartbeat of a machine that is set up, unless its clock is behind the log."""
        if self._file.read() is not None:
            return
        with database.reading() as connection:
            evidence, clock = self.collect_evidence(connection), read_clock()
        if evidence.find_behind_fault(clock) is None:
            self._note_clock(evidence, clock)

    def confirm_clock(self, connection: sa.Connection) -> Heartbeat:
        """Accept an administrator's word that the clock is right, whatever the log says; return the heartbeat written.

        ClockWrong where another source of the time contradicts.
        """
        evidence, clock = self.collect_evidence(connection), read_clock()
        if fault := _find_contradiction(evidence, clock):
            raise fault
        beat = Heartbeat(
            seen_at=to_milliseconds(clock),
            running=evidence.running,
            confirmed_at=to_milliseconds(clock),
            excused_until=max(evidence.entry, evidence.signed, evidence.files),
        )
        self._file.write(beat)
        return beat

    def collect_evidence(self, connection: sa.Connection | None) -> ClockEvidence:
        """Collect what is known now; without a connection, what this machine knows by itself."""
        statements = [self._web.ask_server(), _find_server_time(connection) if connection is not None else None]
        head = store.read_head(connection) if connection is not None else store.LogHead(size=0, recorded_at=0)
        return ClockEvidence(
            size=head.size,
            entry=head.recorded_at,
            signed=checkpoint_store.read_signing_time(connection) if connection is not None else 0,
            files=round(self._folder.read_last_write_time() * 1000),
            before=self._file.read(),
            running=measure_uptime(),
            synchronised=is_synchronised(),
            statements=[statement for statement in statements if statement is not None],
        )

    def _note_clock(self, evidence: ClockEvidence, clock: dt.datetime) -> None:
        """Write a heartbeat for a right clock, unless one was written a moment ago."""
        before = evidence.before
        is_same_start = before is not None and evidence.running.boot == before.running.boot
        if before is not None and is_same_start and 0 <= to_milliseconds(clock) - before.seen_at < NOTE_EVERY:
            return
        with suppress(RegistryError):  # an unwritable folder is reported where something must be written
            # Read again, so that a confirmation made meanwhile is not overwritten.
            self._file.write(make_heartbeat(clock, evidence.running, self._file.read()))


def find_clock_fault(evidence: ClockEvidence, clock: dt.datetime) -> ClockWrong | None:
    """The error of a clock by some evidence; None when it can be right."""
    return _find_contradiction(evidence, clock) or evidence.find_behind_fault(clock) or evidence.find_ahead_fault(clock)


def _find_server_time(connection: sa.Connection) -> TimeStatement | None:
    instant = read_server_clock(connection)
    if instant is None:
        return None
    # It vouches for nothing: that server may be this very machine, and its clock the same one.
    return TimeStatement(message=Message("数据库服务器的时间"), instant=instant, vouches=False)


def _find_contradiction(evidence: ClockEvidence, clock: dt.datetime) -> ClockWrong | None:
    contrary = next((statement for statement in evidence.statements if not statement.is_close_to(clock)), None)
    if contrary is None:
        return None
    message = Message(
        "本机时钟为 {shown}，而{contrary}为 {other}，相差超过10分钟；"
        "在两者一致之前不再写入日志。请校准有误的一方（例如启用NTP）；校准后自动恢复。",
        shown=_format_time(clock),
        contrary=contrary.message,
        other=_format_time(contrary.instant),
    )
    return ClockWrong(message, clock=clock.isoformat(), known=contrary.instant.isoformat())


_LAST = {
    "entry": Message("日志第{size}条记录于"),
    "signed": Message("最近的检查点签发于"),
    "files": Message("日志文件写于", context="log.clock_check"),
    "confirmed": Message("管理员确认时钟时为"),
}


def _make_behind_error(name: str, clock: dt.datetime, last: dt.datetime, size: int) -> ClockWrong:
    message = Message(
        "本机时钟为 {shown}，而{what} {recorded}：时钟比日志慢超过10分钟，在此之前不再写入日志。"
        "请校准时钟（例如启用NTP），校准后自动恢复；若时钟无误而日志的时间有误，请管理员运行：registry clock confirm",
        shown=_format_time(clock),
        what=_LAST[name].fill_in(size=size),
        recorded=_format_time(last),
    )
    return ClockWrong(message, clock=clock.isoformat(), known=last.isoformat())


def _make_ahead_error(clock: dt.datetime, known: dt.datetime) -> ClockWrong:
    message = Message(
        "本机时钟为 {shown}，而按此前所知应为 {expected} 前后，快了超过一天，且没有时间源证明时钟无误；"
        "不再写入日志。请校准时钟（例如启用NTP），校准后自动恢复；若时钟无误（例如停用很久），"
        "请管理员运行：registry clock confirm",
        shown=_format_time(clock),
        expected=_format_time(known),
    )
    return ClockWrong(message, clock=clock.isoformat(), known=known.isoformat())


def _format_time(instant: dt.datetime) -> str:
    return f"{instant.astimezone(_SHANGHAI):%Y-%m-%d %H:%M:%S} (+08:00)"
