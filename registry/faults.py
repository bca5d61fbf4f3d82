"""What is wrong with this process and its machine now: for /readyz, /metrics and one line each in the server's log.

Whoever notices a fault reports it under its code and clears it once it is over; what follows from it is decided there.
"""

from __future__ import annotations

import logging
import threading
import time

from registry.errors import RegistryError
from registry.model import Struct

_log = logging.getLogger("registry")


class Fault(Struct, frozen=True):
    """One thing that is wrong: its code, since when (seconds since 1970), what it is and what to do about it."""

    code: str
    since: float
    zh: str
    en: str
    #: Whether this process cannot answer questions because of it; otherwise only writing or comfort suffers.
    blocks_reading: bool = False


class FaultBoard:
    """The faults of one process; may be used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: dict[str, Fault] = {}

    def report(self, error: RegistryError, *, blocks_reading: bool = False) -> None:
        """Put up a fault under the error's code; logged when it was not there before."""
        with self._lock:
            there = self._faults.get(error.code)
            since = there.since if there else time.time()
            self._faults[error.code] = Fault(error.code, since, error.zh, error.en, blocks_reading)
        if there is None:
            _log.error("%s: %s / %s", error.code, error.zh, error.en)

    def clear(self, *codes: str) -> None:
        """Take faults down; logged when they were there."""
        with self._lock:
            over = [code for code in codes if self._faults.pop(code, None)]
        for code in over:
            _log.warning("%s: 已恢复 / over", code)

    def faults(self) -> list[Fault]:
        """What is wrong now, oldest first."""
        with self._lock:
            return sorted(self._faults.values(), key=lambda fault: fault.since)
