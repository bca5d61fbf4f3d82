"""Background work of a running register: following its log, publishing it, and checking its machine.

Each task is a thread of its own, so that none waits for another: what has to be written may wait for a long approval,
and following must not.
"""

from __future__ import annotations

import gc
import logging
import threading
import time
from typing import TYPE_CHECKING

from registry import proposals
from registry.errors import ClockWrong, SecretsKeyMissing
from registry.institutions import search
from registry.log import clock
from registry.operations import descriptors
from registry.operations.fault_watch import EVERY, FaultWatch
from registry.operations.threads import BackgroundThreads
from registry.proposals import redaction
from registry.storage import rights
from registry.storage.fault_board import RepeatedWarnings
from registry.storage.locks import LockWait, lock_wait

if TYPE_CHECKING:
    from registry.register import Register

#: Seconds between reads of the log: a change is visible in every process within one second.
FOLLOW_EVERY = 0.25
#: Seconds before publishing the log is tried again.
RETRY_EVERY = 5.0
#: How long a start waits for whoever signs or writes at the moment; a thread tries again.
_AT_START = LockWait(seconds=2.0, queue_limit=16)
#: Seconds between looks for emergency suspensions that nobody confirmed in time.
END_SUSPENSIONS_EVERY = 5.0
#: Seconds between looks whether the clock was set, between whole checks of it, and between checks while it is wrong.
LOOK_AT_CLOCK_EVERY, CHECK_CLOCK_EVERY, RECHECK_CLOCK_EVERY = 1.0, 60.0, 5.0
#: Seconds by which a clock may deviate from the time that passed before it counts as set.
_STEADY = 5.0
#: Seconds between checks of who may read the register's files.
RIGHTS_EVERY = 60.0
#: Seconds between writes of failed sign-ins to the audit log, and between checks of the key of second factors.
WRITE_FAILURES_EVERY, LOOK_FOR_KEY_EVERY = 2.0, 10.0
_log = logging.getLogger("registry")


class Upkeep:
    """The background work of one running register. ``threads`` knows which of it died."""

    def __init__(self, register: Register) -> None:
        self._register = register
        self._board = register.faults
        self.threads = BackgroundThreads(self._board)
        self._watch = FaultWatch(register.database, register.log, register.verification, register.settings, self._board)
        self._warnings = RepeatedWarnings()
        self._tried = 0.0
        self._unpublished = False

    def start(self) -> None:
        """Check everything once, and start the threads that go on checking."""
        register = self._register
        rights.guard_files(register.settings, self._board, thoroughly=True)
        self._check_clock()
        self._follow_log()
        self._watch.check_machine()
        if register.verification.size:  # a key may have been added or removed while nothing was appended
            token = lock_wait.set(_AT_START)
            self._publish_log()
            lock_wait.reset(token)
        self.threads.start("follow-log", self._follow_log_repeatedly, blocks_reading=True)
        self.threads.start("publish-log", self._publish_log_repeatedly)
        self.threads.start("check-clock", self._check_clock_repeatedly)
        self.threads.start("sign-ins", self._record_failed_sign_ins)
        self.threads.start("warm", self._warm_up, once=True)
        register.clients.load_keys()
        self.threads.start("clients", register.clients.follow)
        if register.outside:
            self.threads.start("follow-search", register.outside.follow_log)

    def close(self) -> None:
        """End all of it."""
        self.threads.close()

    # --- the log -----------------------------------------------------------------------------------------------------

    def _follow_log_repeatedly(self, stop: threading.Event) -> None:
        watched, guarded = -EVERY, time.monotonic()
        while not stop.wait(FOLLOW_EVERY):
            self._follow_log()
            descriptors.check(self._board)
            if time.monotonic() >= watched + EVERY:
                watched = time.monotonic()
                self._watch.check_machine()
            if time.monotonic() >= guarded + RIGHTS_EVERY:
                guarded = time.monotonic()
                rights.guard_files(self._register.settings, self._board)

    def _follow_log(self) -> None:
        try:
            published = self._register.follow_log()
        except Exception as error:
            # Answering stops by itself once the view is stale (see VerificationView.require_fresh).
            self._warnings.warn_once("cannot follow the log", error)
            return
        finally:
            self._watch.report_view_fault()
        self._warnings.reset_warning("cannot follow the log")
        self._unpublished = published != self._register.verification.size

    def _publish_log_repeatedly(self, stop: threading.Event) -> None:
        ended = -END_SUSPENSIONS_EVERY
        while not stop.wait(FOLLOW_EVERY):
            if self._unpublished and time.monotonic() >= self._tried + RETRY_EVERY:
                self._publish_log()
            if time.monotonic() >= ended + END_SUSPENSIONS_EVERY:
                ended = time.monotonic()
                self._end_expired_suspensions()

    def _publish_log(self) -> None:
        """Sign what the process that appended it could not sign, and adopt what another machine signed."""
        fault = self._register.log.try_publish(self._register.database, quiet=True)
        self._watch.report_publish_fault(fault)
        self._tried = time.monotonic() if fault else 0.0

    def _end_expired_suspensions(self) -> None:
        try:
            proposals.end_expired_suspensions(self._register.database, self._register.log)
        except ClockWrong as error:
            self._board.report(error)  # nothing ends by a wrong clock
        except Exception as error:
            self._warnings.warn_once("cannot look for emergency suspensions to end", error)
        else:
            self._warnings.reset_warning("cannot look for emergency suspensions to end")

    # --- the machine -------------------------------------------------------------------------------------------------

    def _check_clock_repeatedly(self, stop: threading.Event) -> None:
        """Check the clock every minute, when it was set meanwhile, and more often while it is wrong."""
        is_wrong, checked, shown = False, time.monotonic(), clock.read_clock()
        while not stop.wait(LOOK_AT_CLOCK_EVERY):
            passed = time.monotonic() - checked
            was_set = abs((clock.read_clock() - shown).total_seconds() - passed) > _STEADY
            if was_set or passed >= (RECHECK_CLOCK_EVERY if is_wrong else CHECK_CLOCK_EVERY):
                is_wrong, checked, shown = self._check_clock(), time.monotonic(), clock.read_clock()

    def _check_clock(self) -> bool:
        """Whether the clock is wrong; reported on the board."""
        try:
            wrong = self._register.log.clock.find_fault(self._register.database)
        except Exception as error:
            self._warnings.warn_once("cannot check the clock", error)
            return True  # so that it is checked again soon
        self._warnings.reset_warning("cannot check the clock")
        if wrong is None:
            self._board.clear(ClockWrong.code)
        else:
            self._board.report(wrong)
        return wrong is not None

    def _record_failed_sign_ins(self, stop: threading.Event) -> None:
        """Write failed sign-ins to the audit log, and report whether second factors can be checked."""
        checked = -LOOK_FOR_KEY_EVERY
        while True:
            try:
                self._register.sign_ins.write_failures()
                if time.monotonic() >= checked + LOOK_FOR_KEY_EVERY:
                    checked = time.monotonic()
                    self._register.sign_ins.require_key()
                    self._board.clear(SecretsKeyMissing.code)
                self._warnings.reset_warning("cannot look after sign-ins")
            except SecretsKeyMissing as error:
                self._board.report(error)
            except Exception as error:
                self._warnings.warn_once("cannot look after sign-ins", error)
            if stop.wait(WRITE_FAILURES_EVERY):
                return

    def _warm_up(self, stop: threading.Event) -> None:  # noqa: ARG002 - it ends by itself soon enough
        search.preload_tables()
        gc.freeze()  # what is loaded by now stays: the collector need not scan it again and again
        redaction.purge_erased_bytes(self._register.database)  # what somebody's reading kept from being purged before
