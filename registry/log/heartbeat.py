"""The last known time of this machine: the file ``clock`` in the data folder, written about once a minute.

It also records how long the machine had been running: until the next restart, the time that the clock must show
follows from it whatever is done to the clock. The file may be lost: then only the log gives evidence.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import threading
from pathlib import Path

import msgspec

from registry.domain.model import Struct
from registry.errors import StorageFull, StorageReadOnly, find_storage_fault
from registry.log.clock import from_milliseconds, to_milliseconds
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
        same = running.boot and running.boot == self.running.boot and running.seconds >= self.running.seconds
        if not same:
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
            with contextlib.suppress(OSError):
                aside.unlink(missing_ok=True)
            kind = StorageFull if isinstance(find_storage_fault(error), StorageFull) else StorageReadOnly
            raise kind(Message("无法写入 {path}：{strerror}。", path=self.path, strerror=error.strerror)) from error


def make_heartbeat(clock: dt.datetime, running: Uptime, before: Heartbeat | None) -> Heartbeat:
    """Make the heartbeat of a clock that was found right; an earlier confirmation is carried over."""
    if before is None:
        return Heartbeat(seen_at=to_milliseconds(clock), running=running)
    return msgspec.structs.replace(before, seen_at=to_milliseconds(clock), running=running)
