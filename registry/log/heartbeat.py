"""What this machine last knew of the time: the file ``clock`` in the data folder, written about once a minute.

Beside the time stands how long the machine had been running, so that as long as it runs on, what the clock has to show
by now follows from it whatever somebody does to the clock. It may be lost: then the log alone says what is known.
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

_NAME = "clock"
_UPTIME, _BOOT = Path("/proc/uptime"), Path("/proc/sys/kernel/random/boot_id")


class Uptime(Struct, frozen=True):
    """How long a machine has been running: seconds with sleep, since which start of it. Unknown ones are empty."""

    boot: str = ""
    seconds: float = 0.0


class Heartbeat(Struct, frozen=True):
    """The clock as it was found right (milliseconds), and then ``running``.

    Where an administrator said that the clock is right: what it showed (``confirmed_at``) and the latest instant that
    stood in the log by then, which says nothing of the time any more (``excused_until``). 0: nobody did.
    """

    seen_at: int
    running: Uptime
    confirmed_at: int = 0
    excused_until: int = 0

    def find_expected_time(self, running: Uptime) -> dt.datetime | None:
        """What the clock has to show by now; None where the machine was started again, or does not say."""
        same = running.boot and running.boot == self.running.boot and running.seconds >= self.running.seconds
        if not same:
            return None
        return from_milliseconds(self.seen_at + round((running.seconds - self.running.seconds) * 1000))


def measure_uptime() -> Uptime:
    """How long this machine has been running; unknown where its kernel does not say."""
    # The kernel's own account: a clock read by name would follow whoever shifts the clocks of this process.
    try:
        return Uptime(boot=_BOOT.read_text("ascii").strip(), seconds=float(_UPTIME.read_text("ascii").split()[0]))
    except (OSError, ValueError, IndexError):
        return Uptime()


class HeartbeatFile:
    """The file of one data folder; every process of the machine may read and replace it at any time."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / _NAME

    def read(self) -> Heartbeat | None:
        """What stands there; None where there is none, or a power cut left half of one."""
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=Heartbeat)
        except (OSError, msgspec.MsgspecError):
            return None

    def write(self, beat: Heartbeat) -> None:
        """Replace it; StorageFull or StorageReadOnly where that is not possible."""
        aside = self.path.with_name(f".{_NAME}.{os.getpid()}.{threading.get_ident()}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            aside.write_bytes(msgspec.json.encode(beat))
            aside.replace(self.path)
        except OSError as error:
            with contextlib.suppress(OSError):
                aside.unlink(missing_ok=True)
            kind = StorageFull if isinstance(find_storage_fault(error), StorageFull) else StorageReadOnly
            raise kind(
                f"无法写入 {self.path}：{error.strerror}。", f"{self.path} cannot be written: {error.strerror}."
            ) from error


def make_heartbeat(clock: dt.datetime, running: Uptime, before: Heartbeat | None) -> Heartbeat:
    """The heartbeat of a clock that was found right; what was confirmed before stays so."""
    if before is None:
        return Heartbeat(seen_at=to_milliseconds(clock), running=running)
    return msgspec.structs.replace(before, seen_at=to_milliseconds(clock), running=running)
