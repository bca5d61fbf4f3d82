"""Whether the clock of this machine can be right: by the log, by what was last known of the time, by who else knows.

A clock that is behind what was recorded, or ahead of everything known while nobody vouches for it, stops appends: what
it would date could not be taken back. Questions are answered on; their present is ``clock.find_present``.
"""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from registry.database import Database, read_server_clock
from registry.errors import ClockWrong, RegistryError
from registry.log import heartbeat, mirrored, shared, store
from registry.log.clock import instant_at, milliseconds_of, read_clock
from registry.log.folder import Folder
from registry.log.heartbeat import Heartbeat, HeartbeatFile, Running
from registry.log.timesources import SLACK, Statement, WebTime, is_synchronised
from registry.model import Struct
from registry.settings import Settings

#: How far the clock may be ahead of the last thing known without anybody who vouches for it.
FURTHEST = dt.timedelta(days=1)
#: Milliseconds after which a clock that is right is noted down again.
NOTE_EVERY = 60_000
_SHANGHAI = ZoneInfo("Asia/Shanghai")


class Evidence(Struct, frozen=True):
    """What is known of the time, without a judgement (milliseconds since 1970; 0 for nothing).

    ``entry`` is when the last entry was recorded, ``signed`` the clock when the last checkpoint was signed, ``files``
    when the published log was last written.
    """

    size: int
    entry: int
    signed: int
    files: int
    before: Heartbeat | None
    running: Running
    synchronised: bool
    statements: list[Statement]

    def is_vouched(self, clock: dt.datetime) -> bool:
        """Whether somebody who knows shows the same time."""
        return self.synchronised or any(one.vouches and one.agrees(clock) for one in self.statements)

    def find_behind(self, clock: dt.datetime) -> ClockWrong | None:
        """Why the clock is behind the log, if it is."""
        beat = self.before or Heartbeat(seen_at=0, running=Running())
        found = {"entry": self.entry, "confirmed": beat.confirmed_at}
        if not self.is_vouched(clock):  # then a file of a later day was written by a clock that was wrong
            found |= {"signed": self.signed, "files": self.files}
        standing = {name: at for name, at in found.items() if name == "confirmed" or self._counts(at)}
        name = max(standing, key=lambda one: standing[one])
        last = instant_at(standing[name])
        return _behind(name, clock, last, self.size) if clock < last - SLACK else None

    def find_ahead(self, clock: dt.datetime) -> ClockWrong | None:
        """Why the clock is too far ahead of everything known, if it is."""
        if self.is_vouched(clock):
            return None
        known = self.before.find_expected(self.running) if self.before else None
        if known is None:
            known = self._last_known()
        return _ahead(clock, known) if known is not None and clock > known + FURTHEST else None

    def _last_known(self) -> dt.datetime | None:
        """The latest instant of which something is known, on a machine that was started since; None without any."""
        found = [self.entry, self.signed]
        if self.before is None:
            # Weaker than a heartbeat: putting a lost file back under a wrong clock is enough to change these.
            found.append(self.files)
        found = [at for at in found if self._counts(at)]
        if self.before is not None:
            found += [self.before.seen_at, self.before.confirmed_at]
        latest = max(found, default=0)
        return instant_at(latest) if latest else None

    def _counts(self, at: int) -> bool:
        """Whether an instant is evidence: an administrator may have said that it was ahead of the right time."""
        return self.before is None or at > self.before.excused_until or at <= self.before.confirmed_at


class ClockCheck:
    """The check of one register on one machine; may be used from any thread."""

    def __init__(self, settings: Settings) -> None:
        self._folder = Folder(settings.log_folder())
        self._file = HeartbeatFile(settings.data_dir)
        self._web = WebTime(settings.time_source)

    def require_right(self, connection: sa.Connection) -> None:
        """ClockWrong, naming both times and what to do, unless the clock can be right: asked before every append."""
        evidence, clock = self.gather(connection), read_clock()
        if wrong := judge(evidence, clock):
            raise wrong
        self._note(evidence, clock)

    def find_fault(self, database: Database) -> ClockWrong | None:
        """What is wrong with the clock now, if anything. A database out of reach does not hide a wrong clock."""
        clock = read_clock()
        try:
            with database.reading() as connection:
                if mirrored.is_marked(connection):  # nothing is appended by a mirror's clock
                    return None
                evidence = self.gather(connection)
        except (RegistryError, sa.exc.SQLAlchemyError):
            evidence = self.gather(None)
        wrong = judge(evidence, clock)
        if wrong is None:
            self._note(evidence, clock)
        return wrong

    def begin(self, database: Database) -> None:
        """Where nothing was ever noted, take the clock for what is known: on a machine that is set up. Says nothing of
        a clock that is behind the log."""
        if self._file.read() is not None:
            return
        with database.reading() as connection:
            evidence, clock = self.gather(connection), read_clock()
        if evidence.find_behind(clock) is None:
            self._note(evidence, clock)

    def confirm(self, connection: sa.Connection) -> Heartbeat:
        """Take an administrator's word that the clock is right, whatever stands in the log; what was noted.

        ClockWrong where somebody who can be asked says otherwise.
        """
        evidence, clock = self.gather(connection), read_clock()
        if wrong := _contradicted(evidence, clock):
            raise wrong
        beat = Heartbeat(
            seen_at=milliseconds_of(clock),
            running=evidence.running,
            confirmed_at=milliseconds_of(clock),
            excused_until=max(evidence.entry, evidence.signed, evidence.files),
        )
        self._file.write(beat)
        return beat

    def gather(self, connection: sa.Connection | None) -> Evidence:
        """What is known now; without a connection, what this machine knows by itself."""
        statements = [self._web.ask(), _server_time(connection) if connection is not None else None]
        head = store.head(connection) if connection is not None else store.Head(size=0, recorded_at=0)
        return Evidence(
            size=head.size,
            entry=head.recorded_at,
            signed=shared.signed_at(connection) if connection is not None else 0,
            files=round(self._folder.written_at() * 1000),
            before=self._file.read(),
            running=heartbeat.measure_running(),
            synchronised=is_synchronised(),
            statements=[one for one in statements if one is not None],
        )

    def _note(self, evidence: Evidence, clock: dt.datetime) -> None:
        """Note that the clock is right, unless that was done a moment ago."""
        before = evidence.before
        is_same_start = before is not None and evidence.running.boot == before.running.boot
        if before is not None and is_same_start and 0 <= milliseconds_of(clock) - before.seen_at < NOTE_EVERY:
            return
        with suppress(RegistryError):  # a folder that takes nothing is found, and said, by whoever has to write there
            # Read again: whoever confirmed meanwhile is not overwritten by what was read before.
            self._file.write(heartbeat.beat_at(clock, evidence.running, self._file.read()))


def judge(evidence: Evidence, clock: dt.datetime) -> ClockWrong | None:
    """What is wrong with a clock by some evidence; None when it can be right."""
    return _contradicted(evidence, clock) or evidence.find_behind(clock) or evidence.find_ahead(clock)


def _server_time(connection: sa.Connection) -> Statement | None:
    instant = read_server_clock(connection)
    if instant is None:
        return None
    # It vouches for nothing: that server may be this very machine, and its clock the same one.
    return Statement(zh="数据库服务器的时间", en="the time of the database's server", instant=instant, vouches=False)


def _contradicted(evidence: Evidence, clock: dt.datetime) -> ClockWrong | None:
    other = next((one for one in evidence.statements if not one.agrees(clock)), None)
    if other is None:
        return None
    return ClockWrong(
        f"本机时钟为 {_shown(clock)}，而{other.zh}为 {_shown(other.instant)}，相差超过10分钟；"
        "在两者一致之前不再写入日志。请校准有误的一方（例如启用NTP）；校准后自动恢复。",
        f"The clock of this machine shows {_shown(clock)}, but {other.en} is {_shown(other.instant)}: more than 10 "
        "minutes apart, so nothing is appended until they agree. Set right whichever is wrong (by NTP, say); "
        "appends go on by themselves then.",
        clock=clock.isoformat(),
        known=other.instant.isoformat(),
    )


_LAST = {
    "entry": ("日志第{size}条记录于", "log entry {size} was recorded at"),
    "signed": ("最近的检查点签发于", "the last checkpoint was signed at"),
    "files": ("日志文件写于", "the files of the log were written at"),
    "confirmed": ("管理员确认时钟时为", "an administrator said that the clock was right at"),
}


def _behind(name: str, clock: dt.datetime, last: dt.datetime, size: int) -> ClockWrong:
    zh, en = (text.format(size=size) for text in _LAST[name])
    return ClockWrong(
        f"本机时钟为 {_shown(clock)}，而{zh} {_shown(last)}：时钟比日志慢超过10分钟，在此之前不再写入日志。"
        "请校准时钟（例如启用NTP），校准后自动恢复；若时钟无误而日志的时间有误，请管理员运行：registry clock confirm",
        f"The clock of this machine shows {_shown(clock)}, but {en} {_shown(last)}: it is more than 10 minutes behind "
        "the log, so nothing is appended. Set the clock (by NTP, say), and appends go on by themselves; when the clock "
        "is right and the log is not, an administrator runs: registry clock confirm",
        clock=clock.isoformat(),
        known=last.isoformat(),
    )


def _ahead(clock: dt.datetime, known: dt.datetime) -> ClockWrong:
    return ClockWrong(
        f"本机时钟为 {_shown(clock)}，而按此前所知应为 {_shown(known)} 前后，快了超过一天，且没有时间源证明时钟无误；"
        "不再写入日志。请校准时钟（例如启用NTP），校准后自动恢复；若时钟无误（例如停用很久），"
        "请管理员运行：registry clock confirm",
        f"The clock of this machine shows {_shown(clock)}, but by the last thing known it should be about "
        f"{_shown(known)}: it is more than a day ahead and no time source says that it is right, so nothing is "
        "appended. Set the clock (by NTP, say), and appends go on by themselves; when it is right, after a long stop "
        "say, an administrator runs: registry clock confirm",
        clock=clock.isoformat(),
        known=known.isoformat(),
    )


def _shown(instant: dt.datetime) -> str:
    return f"{instant.astimezone(_SHANGHAI):%Y-%m-%d %H:%M:%S} (+08:00)"
