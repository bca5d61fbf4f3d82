"""What a running register does by itself: follow its log, sign it, and look for what is wrong with its machine.

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

#: Seconds between looks at the log: a change is visible in every process within one second.
FOLLOW_EVERY = 0.25
#: Seconds before publishing the log is tried again.
RETRY_EVERY = 5.0
#: What a start waits for whoever signs, or writes, at the moment; a thread tries again.
_AT_START = LockWait(seconds=2.0, queue_limit=16)
#: Seconds between looks for emergency suspensions that nobody confirmed in time.
FALL_BACK_EVERY = 5.0
#: Seconds between looks whether somebody set the clock, between whole checks of it, and while it is wrong.
LOOK_AT_CLOCK_EVERY, CHECK_CLOCK_EVERY, RECHECK_CLOCK_EVERY = 1.0, 60.0, 5.0
#: Seconds by which a clock that nobody sets stays with the time that passes.
_STEADY = 5.0
#: Seconds between looks at who may read the register's files.
RIGHTS_EVERY = 60.0
#: Seconds between looks for failed sign-ins to put in the trail, and for the key of second factors.
SETTLE_EVERY, LOOK_FOR_KEY_EVERY = 2.0, 10.0
_log = logging.getLogger("registry")


class Upkeep:
    """The background work of one running register. ``threads`` says which of it died."""

    def __init__(self, register: Register) -> None:
        self._register = register
        self._board = register.faults
        self.threads = BackgroundThreads(self._board)
        self._watch = FaultWatch(register.database, register.log, register.verification, register.settings, self._board)
        self._complaints = RepeatedWarnings()
        self._tried = 0.0
        self._unpublished = False

    def start(self) -> None:
        """Look at everything once, and go on looking."""
        register = self._register
        rights.guard_files(register.settings, self._board, thoroughly=True)
        self._check_clock()
        self._follow_log()
        self._watch.check_machine()
        if register.verification.size:  # a key may have come or gone while nothing was appended
            waited = lock_wait.set(_AT_START)
            self._publish_log()
            lock_wait.reset(waited)
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
        """Have all of it end."""
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
            self._complaints.warn_once("cannot follow the log", error)
            return
        finally:
            self._watch.report_view_fault()
        self._complaints.reset_warning("cannot follow the log")
        self._unpublished = published != self._register.verification.size

    def _publish_log_repeatedly(self, stop: threading.Event) -> None:
        looked = -FALL_BACK_EVERY
        while not stop.wait(FOLLOW_EVERY):
            if self._unpublished and time.monotonic() >= self._tried + RETRY_EVERY:
                self._publish_log()
            if time.monotonic() >= looked + FALL_BACK_EVERY:
                looked = time.monotonic()
                self._end_expired_suspensions()

    def _publish_log(self) -> None:
        """Sign what the process that appended it could not, and take over what another machine signed."""
        fault = self._register.log.try_publish(self._register.database, quiet=True)
        self._watch.report_publish_fault(fault)
        self._tried = time.monotonic() if fault else 0.0

    def _end_expired_suspensions(self) -> None:
        try:
            proposals.end_expired_suspensions(self._register.database, self._register.log)
        except ClockWrong as error:
            self._board.report(error)  # nothing ends by a wrong clock; said once, until it is right
        except Exception as error:
            self._complaints.warn_once("cannot look for emergency suspensions to end", error)
        else:
            self._complaints.reset_warning("cannot look for emergency suspensions to end")

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
        """Whether the clock is wrong; said on the board."""
        try:
            wrong = self._register.log.clock.find_fault(self._register.database)
        except Exception as error:
            self._complaints.warn_once("cannot check the clock", error)
            return True  # looked at again soon
        self._complaints.reset_warning("cannot check the clock")
        if wrong is None:
            self._board.clear(ClockWrong.code)
        else:
            self._board.report(wrong)
        return wrong is not None

    def _record_failed_sign_ins(self, stop: threading.Event) -> None:
        """Tell the trail what failed at the door, and the board whether second factors can be looked at."""
        looked = -LOOK_FOR_KEY_EVERY
        while True:
            try:
                self._register.sign_ins.write_failures()
                if time.monotonic() >= looked + LOOK_FOR_KEY_EVERY:
                    looked = time.monotonic()
                    self._register.sign_ins.require_key()
                    self._board.clear(SecretsKeyMissing.code)
                self._complaints.reset_warning("cannot look after sign-ins")
            except SecretsKeyMissing as error:
                self._board.report(error)
            except Exception as error:
                self._complaints.warn_once("cannot look after sign-ins", error)
            if stop.wait(SETTLE_EVERY):
                return

    def _warm_up(self, stop: threading.Event) -> None:  # noqa: ARG002 - it is over before that matters
        search.preload_tables()
        gc.freeze()  # what is loaded by now stays: it need not be looked through for garbage again and again
        redaction.purge_erased_bytes(
            self._register.database
        )  # bytes of erased values that somebody's reading had kept from going
